//! `tipstaff completions SHELL`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Cli;
use crate::context::Context;
use crate::diagnostic::{Failure, exit};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell; for bash: `tipstaff completions bash > ~/.local/share/bash-completion/completions/tipstaff`
    shell: Shell,
}

pub(crate) fn run(context: &Context, args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tipstaff", &mut script);
    context.printer.print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::from(exit::DONE))
}
