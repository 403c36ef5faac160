//! `tipstaff connections`: what tipstaff.toml says. It reads no secret; it may look whether one is there.

use std::process::ExitCode;

use clap::Subcommand;

use crate::context::Context;
use crate::diagnostic::{Failure, exit};
use crate::show;

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionsCommand {
    /// Lists the connections
    List,
    /// Shows where a connection leads and where its secrets are, never the secrets
    Show {
        /// Its name in tipstaff.toml
        name: String,
    },
}

pub(crate) fn run(context: &Context, command: ConnectionsCommand) -> Result<ExitCode, Failure> {
    let paint = context.printer.paint();
    match command {
        ConnectionsCommand::Show { name } => {
            let connection = context.connection(&name)?;
            context
                .printer
                .print(&show::connection::connection(&connection, paint))?;
        }
        ConnectionsCommand::List => {
            let config = context.config()?;
            let rows: Vec<[String; 4]> = config
                .connections()
                .map(|connection| {
                    let tenant = connection
                        .fields()
                        .find(|(name, _)| ["tenant_id", "account_sub_domain"].contains(name));
                    [
                        connection.name().to_owned(),
                        connection.adapter().to_owned(),
                        tenant.map_or("-", |(_, value)| value).to_owned(),
                        show::connection::cloud(connection.which_cloud()),
                    ]
                })
                .collect();
            if rows.is_empty() {
                let place = match &config.path {
                    Some(path) => format!("`{}` has no connections", path.display()),
                    None => "there is no tipstaff.toml here or in the user's configuration folder"
                        .to_owned(),
                };
                context.printer.note(&format!("{place}\n"));
            } else {
                let heads = ["CONNECTION", "ADAPTER", "TENANT", "CLOUD"];
                context
                    .printer
                    .print(&show::table::table(heads, &rows, paint))?;
            }
        }
    }
    Ok(ExitCode::from(exit::DONE))
}
