//! The subcommands, one file each: arguments on top, what they do below.

pub(crate) mod actions;
pub(crate) mod assets;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod connections;
pub(crate) mod demo;
pub(crate) mod dynamic;
pub(crate) mod emulator;
pub(crate) mod man;
pub(crate) mod queries;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod trust;

use std::process::ExitCode;

use crate::arguments::Command;
use crate::context::Context;
use crate::diagnostic::Failure;

/// Does what the command line says.
pub(crate) async fn dispatch(context: Context, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => run::run(&context, args).await,
        Command::Check(args) => check::run(&context, args).await,
        Command::Assets(command) => assets::run(&context, command).await,
        Command::Queries(command) => queries::run(&context, command),
        Command::Runs(command) => runs::run(&context, command).await,
        Command::Actions(command) => actions::run(&context, command).await,
        Command::Connections(command) => connections::run(&context, command).await,
        Command::Demo(args) => demo::run(&context, args).await,
        Command::Dynamic(command) => dynamic::run(&context, command).await,
        Command::Trust(command) => trust::run(&context, command),
        Command::Emulator(args) => emulator::run(args).await,
        Command::Completions(args) => completions::run(&context, &args),
        Command::Man(args) => man::run(&context, &args),
    }
}
