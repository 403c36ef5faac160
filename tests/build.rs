//! Builds every program of `tests/programs`, and names each in a constant.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs, process};

fn main() {
    if let Err(error) = build() {
        // Cargo shows the standard error of a build script that fails.
        eprintln!("error: the programs for tests could not be built: {error}");
        process::exit(1);
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let programs = guest_build::components(
        "tipstaff-programs",
        guest_build::Which::Examples,
        &["tests/programs"],
    )?;
    let mut constants = String::new();
    for program in programs {
        let name = program
            .file_stem()
            .and_then(|stem| stem.to_str())
            .ok_or("a program without a name")?;
        writeln!(
            constants,
            "/// The program `{name}`.\npub static {}: &[u8] = include_bytes!({program:?});",
            name.to_uppercase()
        )?;
    }
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("programs.rs"), constants)?;
    Ok(())
}
