//! `tipstaff actions`: what there is to run, what each may do, and which version of it starts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tipstaff::registry::{
    ApprovalsError, ApprovalsFile, FileEntry, Listed, Origin, RegistryError, RollBack,
};
use tipstaff::{Action, Host, HostError, Standing};

use crate::ask::{self, Given};
use crate::context::{Context, load_action};
use crate::diagnostic::{Failure, exit};
use crate::show;
use crate::signals::Signals;
use crate::text::{counted, number, short_digest};

#[derive(Debug, Subcommand)]
pub(crate) enum ActionsCommand {
    /// Lists the actions that can be run by name, every version of them, and the runs that are under way with each
    List,
    /// Says in words what an action does, calls and needs, and where secrets go
    Inspect {
        /// A name, name@version, or the path of a component (`.wasm`)
        action: String,
    },
    /// Shows what can be filled in for a run of an action: its settings, its connection, and what every action has
    Form {
        /// A name, name@version, or the path of a component (`.wasm`)
        action: String,
        /// As a JSON Schema, which editors complete from and `dynamic validate --form` takes
        #[arg(long)]
        json_schema: bool,
    },
    /// Says yes to a component, for what it asks for: it may run from then on
    Approve(ApproveArgs),
    /// Puts a component into the state folder and compiles it, beside the versions that are there
    Install {
        /// The path of a component (`.wasm`)
        file: PathBuf,
    },
    /// Makes a version the one that starts by its name, at once and in every process; what runs finishes as it is
    Activate {
        /// Which: name@version
        #[arg(value_name = "NAME@VERSION")]
        action: String,
        /// Take it back by itself if it crashes or breaks its contract in one of its first N runs
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        trial: Option<u64>,
    },
    /// Makes the version that was active before start by the name again
    Rollback {
        /// The action's name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// A name, name@version, or the path of a component (`.wasm`)
    action: String,

    /// Ask nothing: say yes to what the action asks for
    #[arg(long, short)]
    yes: bool,

    /// Say yes also to calls of which only the action says that they change nothing
    #[arg(long)]
    yes_to_claims: bool,

    /// Write the approval also to this file, for other hosts (`--approvals FILE`)
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, command: ActionsCommand) -> Result<ExitCode, Failure> {
    let host = context.host().await?;
    match command {
        ActionsCommand::List => list(context, &host).await?,
        ActionsCommand::Inspect { action } => {
            let action = load_action(&host, &action).await?;
            let standing = host.standing(&action).await?;
            let (columns, paint) = (context.printer.columns(), context.printer.paint());
            let text = show::action::inspection(&action, &standing, host.limits(), columns, paint);
            context.printer.print(&text)?;
        }
        ActionsCommand::Form {
            action,
            json_schema,
        } => {
            let action = load_action(&host, &action).await?;
            let text = if json_schema {
                let form = tipstaff::form(action.manifest());
                let text = serde_json::to_string_pretty(&form).unwrap_or_default();
                format!("{text}\n")
            } else {
                show::form::form(action.manifest(), context.printer.paint())
            };
            context.printer.print(&text)?;
        }
        ActionsCommand::Approve(args) => approve(context, &host, args).await?,
        ActionsCommand::Install { file } => install(context, &host, &file).await?,
        ActionsCommand::Activate { action, trial } => {
            activate(context, &host, &action, trial).await?;
        }
        ActionsCommand::Rollback { name } => {
            let step = host.rollback(&name).await?;
            let text = stepped_back(&host, &step).await?;
            context.printer.print(&text)?;
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

async fn list(context: &Context, host: &Host) -> Result<(), Failure> {
    let rows: Vec<[String; 7]> = host.actions().await?.iter().map(row).collect();
    let heads = [
        "ACTION", "VERSION", "SHA-256", "FROM", "STATE", "RUNS", "TITLE",
    ];
    let text = show::table::table(heads, &rows, context.printer.paint());
    context.printer.print(&text)
}

fn row(listed: &Listed) -> [String; 7] {
    let from = match listed.origin {
        Origin::Program => "this program",
        Origin::StateFolder => "installed",
    };
    [
        listed.name.clone(),
        listed.version.clone(),
        short_digest(&listed.digest).to_owned(),
        from.to_owned(),
        state(listed),
        if listed.under_way == 0 {
            "-".to_owned()
        } else {
            format!("{} under way", number(listed.under_way))
        },
        listed.title.clone(),
    ]
}

/// `active`, `active, on trial`, `not approved`, `rolled back: …`.
fn state(listed: &Listed) -> String {
    let mut words = vec![match (listed.is_active, listed.is_approved) {
        (true, _) => "active",
        (false, true) => "approved",
        (false, false) => "not approved",
    }];
    if listed.trial.is_some() {
        words.push("on trial");
    }
    let mut text = words.join(", ");
    if let Some(step) = &listed.rolled_back {
        text.push_str(", rolled back");
        if let Some(why) = &step.why {
            text.push_str(": ");
            text.push_str(why);
        }
    }
    text
}

async fn approve(context: &Context, host: &Host, args: ApproveArgs) -> Result<(), Failure> {
    let action = load_action(host, &args.action).await?;
    let standing = host.standing(&action).await?;
    let given = Given {
        yes: args.yes,
        claims: args.yes_to_claims,
    };
    let text = match &standing {
        Standing::Carried | Standing::Approved { .. } => {
            format!("{} is approved already\n", named(&action))
        }
        _ => {
            let mut signals = Signals::listen()?;
            let _yes = ask::approve(context, host, &action, &standing, given, &mut signals).await?;
            let mut text = format!("approved {}\n", named(&action));
            if let Standing::NotApproved(Some(before)) = &standing {
                text.push_str(&format!("  {}\n", before.sentence()));
            }
            text
        }
    };
    context.printer.print(&text)?;
    if let Some(path) = &args.write {
        let was_added = write(host, &action, path).map_err(RegistryError::from)?;
        let did = if was_added {
            "added to"
        } else {
            "stands already in"
        };
        context
            .printer
            .note(&format!("{did} `{}`\n", path.display()));
    }
    next_step(context, host, &action).await
}

fn write(host: &Host, action: &Action, path: &Path) -> Result<bool, ApprovalsError> {
    let manifest = action.manifest();
    let entry = FileEntry {
        action: manifest.name.clone(),
        version: manifest.version.clone(),
        digest: action.digest().to_owned(),
        asks: host.asks(action),
    };
    ApprovalsFile::add(path, &entry)
}

async fn install(context: &Context, host: &Host, file: &Path) -> Result<(), Failure> {
    let installation = host.install(file).await?;
    let action = &installation.action;
    let did = if installation.was_there {
        "is installed already"
    } else {
        "installed"
    };
    let mut text = if installation.was_there {
        format!("{} {did}\n", named(action))
    } else {
        format!("{did} {}\n", named(action))
    };
    text.push_str(&match &installation.standing {
        Standing::NotApproved(None) => "  it is not approved\n".to_owned(),
        Standing::NotApproved(Some(before)) => format!("  {}\n", before.sentence()),
        _ => "  it is approved\n".to_owned(),
    });
    context.printer.print(&text)?;
    if let Standing::NotApproved(Some(before)) = &installation.standing {
        let (columns, paint) = (context.printer.columns(), context.printer.paint_notes());
        let text = show::approval::difference(before, columns, paint);
        context.printer.note(&text);
    }
    next_step(context, host, action).await
}

/// What it takes until the component starts by its name, if it is installed and does not yet.
async fn next_step(context: &Context, host: &Host, action: &Action) -> Result<(), Failure> {
    let listed = host.actions().await?;
    let Some(listed) = listed
        .iter()
        .find(|listed| listed.digest == action.digest())
    else {
        return Ok(());
    };
    let name = format!("{}@{}", listed.name, listed.version);
    if listed.is_active {
        let text = format!("`{}` starts it from now on\n", listed.name);
        context.printer.note(&text);
        return Ok(());
    }
    let asks_for_more = match host.standing(action).await? {
        Standing::NotApproved(Some(before)) => before.difference.is_more(),
        Standing::NotApproved(None) => true,
        _ => false,
    };
    let command = if asks_for_more {
        context.next_command(&format!("actions approve {name}"))
    } else {
        context.next_command(&format!("actions activate {name}"))
    };
    let text = format!("it does not start by its name yet: `{command}`\n");
    context.printer.note(&text);
    Ok(())
}

async fn activate(
    context: &Context,
    host: &Host,
    text: &str,
    trial: Option<u64>,
) -> Result<(), Failure> {
    let Some((name, version)) = text.split_once('@') else {
        return Err(Failure::new(format!("`{text}` names no version"))
            .hint("write NAME@VERSION; `tipstaff actions list` shows all"));
    };
    let activation = match host.activate(name, version, trial).await {
        Ok(activation) => activation,
        Err(error) => {
            if let HostError::Registry(RegistryError::NotApproved {
                before: Some(before),
                ..
            }) = &error
            {
                let (columns, paint) = (context.printer.columns(), context.printer.paint_notes());
                let text = show::approval::difference(before, columns, paint);
                context.printer.note(&text);
            }
            return Err(error.into());
        }
    };
    let action = &activation.action;
    let text = if activation.was_active {
        format!("{} is active already\n", named(action))
    } else {
        let mut text = format!("active: {}\n", named(action));
        if let Standing::NotApproved(Some(before)) = &activation.standing {
            text.push_str(&format!("  {}\n", before.sentence()));
        }
        if let Some(trial) = trial {
            let runs = counted(trial, "run", "runs");
            text.push_str(&format!(
                "  on trial: a crash or a breach of its contract in its first {runs} takes it back\n"
            ));
        }
        text
    };
    context.printer.print(&text)
}

async fn stepped_back(host: &Host, step: &RollBack) -> Result<String, Failure> {
    let from = host.describe_target(&step.name, &step.from).await?;
    let Some(to) = &step.to else {
        return Ok(format!("rolled back {from}: nothing is active now\n"));
    };
    let to = host.describe_target(&step.name, to).await?;
    Ok(format!("active: {to}\n  rolled back from {from}\n"))
}

/// `tag-users 1.0.0 (sha-256 0123456789ab)`.
fn named(action: &Action) -> String {
    let manifest = action.manifest();
    let digest = short_digest(action.digest());
    format!("{} {} (sha-256 {digest})", manifest.name, manifest.version)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tipstaff::registry::Target;

    use super::*;

    fn listed() -> Listed {
        Listed {
            name: "tag".to_owned(),
            version: "1.0.0".to_owned(),
            title: "Tag".to_owned(),
            digest: "0".repeat(64),
            origin: Origin::StateFolder,
            is_active: false,
            trial: None,
            is_approved: false,
            rolled_back: None,
            under_way: 0,
        }
    }

    #[test]
    fn states_are_words() {
        let active = Listed {
            is_active: true,
            is_approved: true,
            trial: Some(3),
            ..listed()
        };
        assert_eq!(state(&active), "active, on trial");
        assert_eq!(state(&listed()), "not approved");
        let back = Listed {
            is_approved: true,
            rolled_back: Some(RollBack {
                at: Timestamp::UNIX_EPOCH,
                name: "tag".to_owned(),
                from: Target::Carried,
                to: None,
                why: Some("the action crashed".to_owned()),
            }),
            ..listed()
        };
        assert_eq!(state(&back), "approved, rolled back: the action crashed");
    }

    #[test]
    fn runs_under_way_are_counted() {
        let busy = Listed {
            under_way: 1_200,
            ..listed()
        };
        assert_eq!(row(&busy)[5], "1,200 under way");
        assert_eq!(row(&listed())[5], "-");
    }
}
