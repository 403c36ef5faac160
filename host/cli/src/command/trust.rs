//! `tipstaff trust`: authorities that every connection trusts beside the public ones.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::context::Context;
use crate::diagnostic::{Failure, exit};
use crate::show::table::table;
use crate::text::counted;

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Trusts the certificates of a file (PEM) from now on; they are called as the file is
    Add {
        /// The file
        file: PathBuf,
    },
    /// Lists what was added
    List,
    /// Trusts what was added under a name no longer
    Remove {
        /// The name
        name: String,
    },
}

pub(crate) fn run(context: &Context, command: TrustCommand) -> Result<ExitCode, Failure> {
    let printer = &context.printer;
    match command {
        TrustCommand::Add { file } => {
            let added = context.state()?.trust().add(&file)?;
            let count = counted(
                added.fingerprints.len() as u64,
                "certificate",
                "certificates",
            );
            printer.print(&format!("trusts `{}` ({count})\n", added.name))?;
        }
        TrustCommand::List => {
            let rows: Vec<[String; 2]> = context
                .trust()?
                .list()?
                .into_iter()
                .flat_map(|trusted| {
                    let name = trusted.name;
                    trusted
                        .fingerprints
                        .into_iter()
                        .map(move |fingerprint| [name.clone(), fingerprint])
                })
                .collect();
            if rows.is_empty() {
                printer.note("nothing was added: `tipstaff trust add FILE` adds an authority\n");
            } else {
                printer.print(&table(["NAME", "SHA-256"], &rows, printer.paint()))?;
            }
        }
        TrustCommand::Remove { name } => {
            context.trust()?.remove(&name)?;
            printer.print(&format!("trusts `{name}` no longer\n"))?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}
