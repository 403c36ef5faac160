//! `tipstaff man`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};

use crate::arguments::Cli;
use crate::context::Context;
use crate::diagnostic::{Failure, exit};

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page for each subcommand into this folder, instead of the first page to standard output
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &ManArgs) -> Result<ExitCode, Failure> {
    if let Some(folder) = &args.dir {
        let failed = |error: std::io::Error| Failure::file("write pages to", folder, &error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        context.printer.print(&String::from_utf8_lossy(&page))?;
    }
    Ok(ExitCode::from(exit::DONE))
}
