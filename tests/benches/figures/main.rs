//! The figures of `docs/performance.md`, as tables: `make bench`, or `cargo bench -p tipstaff-tests -- SECTION…`.
//!
//! Times of this machine say little elsewhere, so each figure is a ratio or a size taken in one run, with both sides in
//! turn, round by round, and the median of the rounds. The tenant is always a process of its own, the same for both.

mod host;
mod instructions;
mod many_users;
mod memory;
mod one_user;
mod peers;
mod phases;
mod quota;
mod start_up;
mod table;
mod tenant;
mod upgrades;

use std::error::Error;
use std::process::ExitCode;

/// What goes wrong in a bench ends it, and is shown as it is.
type Failed = Box<dyn Error>;

const SECTIONS: &str =
    "start-up, upgrades, one-user, many-users, instructions, quota, memory, memory-long, peers";

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let done = match arguments.first().map(String::as_str) {
        // This program in another role: a process whose time or memory must not be mixed with that of the bench.
        Some(tenant::ROLE) => tenant::serve(&arguments),
        Some(host::ROLE) => host::play(&arguments),
        Some(instructions::ROLE) => instructions::play(&arguments),
        _ => figures(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn figures(sections: &[String]) -> Result<(), Failed> {
    let all = [
        "start-up",
        "upgrades",
        "one-user",
        "many-users",
        "instructions",
        "quota",
        "memory",
    ]
    .map(str::to_owned);
    let sections = if sections.is_empty() {
        &all[..]
    } else {
        sections
    };
    for section in sections {
        match section.as_str() {
            "start-up" => start_up::measure()?,
            "upgrades" => upgrades::measure()?,
            "one-user" => one_user::measure()?,
            "many-users" => many_users::measure()?,
            "instructions" => instructions::measure()?,
            "quota" => quota::measure()?,
            "peers" => peers::measure()?,
            "memory" => memory::measure(&[1_000, 100_000])?,
            "memory-long" => memory::measure(&[1_000, 1_000_000])?,
            other => return Err(format!("no section `{other}`: there are {SECTIONS}").into()),
        }
    }
    Ok(())
}
