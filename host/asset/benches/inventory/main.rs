//! What the inventory costs beside plain SQLite: import, memory, queries. `cargo bench -p tipstaff-asset -- [ASSETS]`.
//!
//! Both sides do the same work in one run, in turn, round by round; the figures are medians, and ratios of them. Each
//! import is a process of its own, so that its memory is its own.

mod people;
mod plain;
mod queries;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use tipstaff_asset::{Inventory, read};

/// What goes wrong in a bench ends it, and is shown as it is.
type Failed = Box<dyn Error>;

const ASSETS: u64 = 1_000_000;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["as", role, folder, assets] => play(role, Path::new(folder), assets),
        [] => figures(ASSETS),
        [assets] => assets.parse().map_err(Failed::from).and_then(figures),
        _ => Err("give at most a number of assets".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What this program does in another process, and how long it took and what it used.
fn play(role: &str, folder: &Path, assets: &str) -> Result<(), Failed> {
    let assets: u64 = assets.parse()?;
    let start = Instant::now();
    match role {
        "import" => {
            let mut inventory = Inventory::open(&inventory(folder))?;
            inventory.import(read(people::list(assets), None)?)?;
        }
        "plain" => plain::import(&folder.join("plain.db"), assets)?,
        other => return Err(format!("no role `{other}`").into()),
    }
    println!(
        "{} {}",
        start.elapsed().as_secs_f64(),
        peak_kib().unwrap_or(0)
    );
    Ok(())
}

fn inventory(folder: &Path) -> std::path::PathBuf {
    folder.join("inventory.db")
}

/// Seconds and KiB of `role` in a process of its own.
fn run(role: &str, folder: &Path, assets: u64) -> Result<(f64, u64), Failed> {
    let output = Command::new(std::env::current_exe()?)
        .args(["as", role])
        .arg(folder)
        .arg(assets.to_string())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace();
    let mut next = || numbers.next().ok_or("a process that tells what it used");
    Ok((next()?.parse()?, next()?.parse()?))
}

fn figures(assets: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    imports(folder, assets)?;
    queries::measure(&inventory(folder), &folder.join("flat.db"))
}

/// Leaves the inventory in `folder`.
fn imports(folder: &Path, assets: u64) -> Result<(), Failed> {
    let small = assets / 100;
    let (_, small_peak) = run("import", folder, small)?;
    fs::remove_file(inventory(folder))?;
    let (plain, _) = run("plain", folder, assets)?;
    let size = |path: &Path| fs::metadata(path).map(|file| file.len() as f64 / 1e6);
    let plain_size = size(&folder.join("plain.db"))?;
    fs::remove_file(folder.join("plain.db"))?;
    let (first, peak) = run("import", folder, assets)?;
    let (again, _) = run("import", folder, assets)?;
    println!(
        "\nImport of {assets} assets, JSON Lines of {:.0} bytes each\n",
        people::bytes()
    );
    println!("| what | time | assets a second | file | peak memory |");
    println!("| --- | --- | --- | --- | --- |");
    let row = |what: &str, seconds: f64, size: f64, peak: String| {
        let rate = assets as f64 / seconds;
        println!("| {what} | {seconds:.1} s | {rate:.0} | {size:.0} MB | {peak} |");
    };
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let inventory_size = size(&inventory(folder))?;
    row(
        "plain SQLite: the lines, by id",
        plain,
        plain_size,
        "-".to_owned(),
    );
    row("the inventory", first, inventory_size, mib(peak));
    row(
        "the same list again: no change",
        again,
        inventory_size,
        "-".to_owned(),
    );
    println!(
        "\nThe import of {small} assets had a peak of {}.",
        mib(small_peak)
    );
    Ok(())
}

/// `VmHWM` (proc_pid_status(5)): the most that was ever resident of this process.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
