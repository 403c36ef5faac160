//! `tipstaff connections`: what tipstaff.toml says, and changes to it. It reads no secret and writes none; it may look
//! whether one is there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use revoke_user_sessions_component::NAME;
use tipstaff::asset::AZURE_AD_ADAPTER;

use super::check;
use crate::context::Context;
use crate::diagnostic::{Failure, exit};
use crate::edit::{Edit, Setting};
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
    /// Adds a connection to tipstaff.toml
    Add(AddArgs),
    /// Changes fields of a connection
    Edit(EditArgs),
    /// Proves that a connection works for an action, changing nothing; the same as `tipstaff check`
    Test {
        /// Its name in tipstaff.toml
        name: String,
        /// The action that it has to do for: a name, name@version, or the path of a component
        #[arg(long, value_name = "ACTION", default_value = NAME)]
        action: String,
        /// Ask nothing: say yes to what an action of a file asks for
        #[arg(long, short)]
        yes: bool,
    },
    /// Takes a connection out of tipstaff.toml
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What it is to be called
    name: String,

    /// The kind of service that it leads to
    #[arg(long, value_name = "ADAPTER", default_value = AZURE_AD_ADAPTER)]
    adapter: String,

    #[command(flatten)]
    fields: Fields,
}

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// Its name in tipstaff.toml
    name: String,

    #[command(flatten)]
    fields: Fields,

    /// Take a field away; may be repeated
    #[arg(long, value_name = "FIELD")]
    unset: Vec<String>,
}

#[derive(Debug, Args)]
struct Fields {
    /// Set a field; of a secret say where it is: `client_secret.env=VARIABLE`, `.file=PATH`, `.keyring=NAME`; may be
    /// repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<Setting>,
}

pub(crate) async fn run(
    context: &Context,
    command: ConnectionsCommand,
) -> Result<ExitCode, Failure> {
    match command {
        ConnectionsCommand::Show { name } => show(context, &name)?,
        ConnectionsCommand::List => list(context)?,
        ConnectionsCommand::Add(args) => add(context, args)?,
        ConnectionsCommand::Edit(args) => edit(context, &args)?,
        ConnectionsCommand::Remove { name } => remove(context, &name)?,
        ConnectionsCommand::Test { name, action, yes } => {
            return check::check(context, &name, &action, yes).await;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

fn show(context: &Context, name: &str) -> Result<(), Failure> {
    let connection = context.connection(name)?;
    let text = show::connection::connection(&connection, context.printer.paint());
    context.printer.print(&text)
}

fn list(context: &Context) -> Result<(), Failure> {
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
            None => {
                "there is no tipstaff.toml here or in the user's configuration folder".to_owned()
            }
        };
        context.printer.note(&format!("{place}\n"));
        return Ok(());
    }
    let heads = ["CONNECTION", "ADAPTER", "TENANT", "CLOUD"];
    let text = show::table::table(heads, &rows, context.printer.paint());
    context.printer.print(&text)
}

fn add(context: &Context, args: AddArgs) -> Result<(), Failure> {
    let (path, mut edit) = open(context)?;
    if edit.has(&args.name) {
        return Err(Failure::new(format!(
            "`{}` has a connection `{}` already",
            path.display(),
            args.name
        ))
        .hint(context.next_command(&format!("connections edit {} --set FIELD=VALUE", args.name))));
    }
    let adapter = Setting::new("adapter", &args.adapter);
    let settings: Vec<Setting> = [adapter].into_iter().chain(args.fields.set).collect();
    edit.set(&args.name, &settings);
    edit.write(&path)?;
    let added = format!("added `{}` to `{}`\n", args.name, path.display());
    context.printer.print(&added)?;
    let next = context.next_command(&format!("connections test {}", args.name));
    context
        .printer
        .note(&format!("`{next}` proves that it works\n"));
    Ok(())
}

fn edit(context: &Context, args: &EditArgs) -> Result<(), Failure> {
    if args.fields.set.is_empty() && args.unset.is_empty() {
        return Err(Failure::new("nothing was said that should change")
            .hint("say it with `--set FIELD=VALUE` and `--unset FIELD`"));
    }
    let (path, mut edit) = there(context, &args.name)?;
    let missing = edit.unset(&args.name, &args.unset);
    if let Some(first) = missing.first() {
        return Err(Failure::new(format!(
            "connection `{}` has no field `{first}`",
            args.name
        )));
    }
    edit.set(&args.name, &args.fields.set);
    edit.write(&path)?;
    let changed = format!("changed `{}` in `{}`\n", args.name, path.display());
    context.printer.print(&changed)
}

fn remove(context: &Context, name: &str) -> Result<(), Failure> {
    let (path, mut edit) = there(context, name)?;
    edit.remove(name);
    edit.write(&path)?;
    let removed = format!("removed `{name}` from `{}`\n", path.display());
    context.printer.print(&removed)
}

/// The file, which has the connection.
fn there(context: &Context, name: &str) -> Result<(PathBuf, Edit), Failure> {
    // The configuration's own answer says which names there are.
    context.connection(name)?;
    open(context)
}

/// The file that is used, or the one that would be: in the current folder.
fn open(context: &Context) -> Result<(PathBuf, Edit), Failure> {
    let path = context
        .config_path()
        .unwrap_or_else(|| PathBuf::from("tipstaff.toml"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::file("read", Path::new(&path), &error)),
    };
    let edit = Edit::of(&text, &path)?;
    Ok((path, edit))
}
