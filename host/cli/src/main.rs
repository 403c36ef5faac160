//! The command `tipstaff`: a thin user of the library of the same name.
//!
//! It reads arguments and configuration, shows plans and progress, asks, prints results and chooses the exit code.
//! What is planned, sent and recorded is the library's.

mod arguments;
mod ask;
mod command;
mod context;
mod diagnostic;
mod edit;
mod folders;
mod follow;
mod inline;
mod logging;
mod printer;
mod show;
mod signals;
mod text;

use std::process::ExitCode;
use std::time::Duration;

use arguments::Cli;
use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::context::Context;
use crate::diagnostic::{Failure, exit};
use crate::printer::Printer;

fn main() -> ExitCode {
    leave_no_core();
    let colour = if printer::wants_no_colour(std::env::args_os().skip(1)) {
        ColorChoice::Never
    } else {
        ColorChoice::Auto
    };
    let matches = Cli::command().color(colour).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let printer = Printer::new(cli.common.no_color);
    logging::start(&cli.common, &printer);
    let context = Context::new(cli.common, printer.clone());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.failure(&Failure::new(format!("no threads can be started: {error}")));
            return ExitCode::from(exit::REFUSED);
        }
    };
    let result = runtime.block_on(command::dispatch(context, cli.command));
    // What is being tidied up gets a moment; a thread that waits for standard input would wait for ever.
    runtime.shutdown_timeout(Duration::from_millis(250));
    match result {
        Ok(code) => code,
        Err(Failure::ReaderLeft) => ExitCode::from(exit::DONE),
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// Secrets pass through this process, and a core dump would leave them on the disk. Where the limit cannot be set,
/// there is nothing that could be done about it.
fn leave_no_core() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let nothing = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, nothing);
    }
}
