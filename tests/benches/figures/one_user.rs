//! One user, from the start of a process to its exit: the command beside a native program that does the same three
//! requests (a token, a look-up, a revoke), each over a new connection.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::table::{median, millis, print};
use crate::tenant::{Tenant, folder, user};
use crate::{Failed, host, row};

const ROUNDS: usize = 41;
const WARM_UP: usize = 3;

const SECRET: &str = "TIPSTAFF_BENCH_SECRET";

pub(crate) fn measure() -> Result<(), Failed> {
    let twin = PathBuf::from(env!("CARGO_BIN_EXE_native-twin"));
    let tipstaff = twin.with_file_name(format!("tipstaff{}", std::env::consts::EXE_SUFFIX));
    if !tipstaff.exists() {
        return Err(format!("`{}` is not built: `make build`", tipstaff.display()).into());
    }
    let tenant = Tenant::start(10, 0)?;
    let state = folder()?;
    let config = tenant.folder().join("tipstaff.toml");
    write_config(&config, &tenant)?;
    let list = tenant.folder().join("one.csv");
    fs::write(&list, format!("id\n{}\n", user(1)))?;
    let command = || {
        let mut command = Command::new(&tipstaff);
        command
            .args(["run", "revoke-user-sessions", "--connection", "corp"])
            .args(["--user", &user(1), "--yes", "--config"])
            .arg(&config)
            .arg("--state")
            .arg(state.path())
            .env(SECRET, &tenant.place().client_secret);
        timed(command)
    };
    let native = || {
        let mut native = Command::new(&twin);
        native.arg(tenant.place_file()).arg(user(1));
        timed(native)
    };
    let bare = || {
        let mut bare = Command::new(&tipstaff);
        bare.arg("--version");
        timed(bare)
    };
    let (mut commands, mut natives, mut bares) = (Vec::new(), Vec::new(), Vec::new());
    let mut hosts = Vec::new();
    for round in 0..ROUNDS + WARM_UP {
        let times = (command()?, native()?, bare()?);
        let used = host::run(&tenant.place_file(), state.path(), &list, false)?;
        if round >= WARM_UP {
            commands.push(times.0);
            natives.push(times.1);
            bares.push(times.2);
            hosts.push(used);
        }
    }
    let differences = commands.iter().zip(&natives).map(|(c, n)| c - n);
    let more = median(differences.collect());
    let ms = |value: f64| format!("{value:.1} ms");
    print(
        &format!("One user, whole process, warm cache ({ROUNDS} rounds, medians)"),
        &[
            row!["what", "time"],
            row!["`tipstaff run … --user X --yes`", ms(median(commands))],
            row!["native twin", ms(median(natives))],
            row!["difference (goal: at most 20 ms)", ms(more)],
            row![
                "`tipstaff --version`, for a start and nothing else",
                ms(median(bares))
            ],
        ],
    );
    let mut rows = vec![row!["step", "time"]];
    rows.extend(steps(hosts.iter().map(|used| &used.steps)));
    print("Where the time goes, in a program over the library", &rows);
    let mut rows = vec![row!["of that", "time"]];
    rows.extend(steps(hosts.iter().map(|used| &used.traced)));
    print("What the host traces of it (`-v`)", &rows);
    Ok(())
}

/// The median of each step, in the order of the steps.
fn steps<'a>(rounds: impl Iterator<Item = &'a Vec<(String, f64)>>) -> Vec<Vec<String>> {
    let mut order = Vec::new();
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (step, time) in rounds.flatten() {
        let of_step = times.entry(step).or_insert_with(|| {
            order.push(step);
            Vec::new()
        });
        of_step.push(*time);
    }
    order
        .into_iter()
        .map(|step| {
            let time = median(times.remove(step.as_str()).unwrap_or_default());
            row![step, format!("{time:.2} ms")]
        })
        .collect()
}

/// Milliseconds from before the start to after the exit.
fn timed(mut command: Command) -> Result<f64, Failed> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let output = command.stderr(Stdio::piped()).output()?;
    let time = millis(began.elapsed());
    if output.status.success() {
        Ok(time)
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?} ended with {}: {said}", output.status).into())
    }
}

fn write_config(path: &Path, tenant: &Tenant) -> Result<(), Failed> {
    let place = tenant.place();
    let text = format!(
        "[connections.corp]\n\
         adapter = \"azure_ad_adapter\"\n\
         tenant_id = {:?}\n\
         client_id = {:?}\n\
         client_secret = {{ env = \"{SECRET}\" }}\n\
         cloud = {{ login = {:?}, graph = {:?} }}\n\
         ca_file = {:?}\n\
         allow_private_network = true\n",
        place.tenant_id, place.client_id, place.login_url, place.graph_url, place.ca_file
    );
    Ok(fs::write(path, text)?)
}
