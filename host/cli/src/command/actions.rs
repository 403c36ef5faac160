//! `tipstaff actions`: what there is to run, and what each may do.

use std::process::ExitCode;

use clap::Subcommand;

use crate::context::{Context, load_action};
use crate::diagnostic::{Failure, exit};
use crate::show;
use crate::text::short_digest;

#[derive(Debug, Subcommand)]
pub(crate) enum ActionsCommand {
    /// Lists the actions that can be run by name
    List,
    /// Says in words what an action does, calls and needs, and where secrets go
    Inspect {
        /// A name, name@version, or the path of a component (`.wasm`)
        action: String,
    },
}

pub(crate) async fn run(context: &Context, command: ActionsCommand) -> Result<ExitCode, Failure> {
    let host = context.host().await?;
    let paint = context.printer.paint();
    match command {
        ActionsCommand::List => {
            let mut rows = Vec::new();
            let names: Vec<String> = host.bundled().map(str::to_owned).collect();
            for name in names {
                let action = host.load(&name).await?;
                let manifest = action.manifest();
                rows.push([
                    name,
                    manifest.version.clone(),
                    short_digest(action.digest()).to_owned(),
                    "this program".to_owned(),
                    manifest.title.clone(),
                ]);
            }
            let heads = ["ACTION", "VERSION", "SHA-256", "FROM", "TITLE"];
            context
                .printer
                .print(&show::table::table(heads, &rows, paint))?;
        }
        ActionsCommand::Inspect { action } => {
            let action = load_action(&host, &action).await?;
            let approved = host.is_bundled(&action);
            let columns = context.printer.columns();
            let text = show::action::inspection(&action, approved, columns, paint);
            context.printer.print(&text)?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}
