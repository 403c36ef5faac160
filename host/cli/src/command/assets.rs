//! `tipstaff assets`: the inventory in the state folder. Only `fetch` reaches a service, and changes nothing there.

use std::io::{BufReader, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use revoke_user_sessions_component::LIST_USERS;
use tipstaff::asset::{self, AZURE_AD_ADAPTER, ImportReport, Inventory, Reader};

use crate::context::Context;
use crate::diagnostic::{Failure, exit, unknown};
use crate::follow::Format;
use crate::show;
use crate::signals::Signals;
use crate::text::{assets, counted, number};

/// How many near misses are suggested.
const SUGGESTIONS: usize = 3;

#[derive(Debug, Subcommand)]
pub(crate) enum AssetsCommand {
    /// Brings a list of assets into the inventory; an asset replaces the one of the same id
    Import {
        /// JSON Lines, a JSON array, or CSV with a header; `-` is standard input
        file: PathBuf,
    },
    /// Brings users, and what changed about them since the last time, from a service into the inventory
    Fetch {
        /// The connection of tipstaff.toml to read from
        #[arg(long, value_name = "NAME")]
        connection: String,
    },
    /// Finds assets, in the order in which they were first imported
    Query(QueryArgs),
    /// Shows an asset as JSON
    Show {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// The query, in single quotes for the shell: '"labels" == "offboarding"'
    #[arg(value_name = "AQL")]
    query: String,

    #[command(flatten)]
    how: How,
}

/// How assets that were found are shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct How {
    /// How assets are written to standard output; `jsonl` and `json` as they were imported
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// Only say how many there are
    #[arg(long, conflicts_with = "format")]
    count: bool,
}

/// Runs a query, and shows what it finds.
pub(crate) fn query(
    context: &Context,
    inventory: &Inventory,
    text: &str,
    how: How,
) -> Result<ExitCode, Failure> {
    let query = inventory.query(text, context.now())?;
    let printer = &context.printer;
    if how.count {
        let count = inventory.count_matches(&query)?;
        printer.print(&format!("{count}\n"))?;
    } else {
        let found = show::assets::write(inventory, &query, how.format, printer)?;
        if how.format == Format::Table {
            let all = inventory.count()?;
            printer.note(&format!("{} of {}\n", number(found), assets(all)));
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

pub(crate) async fn run(context: &Context, command: AssetsCommand) -> Result<ExitCode, Failure> {
    let mut inventory = Inventory::open(&context.state()?.inventory())?;
    match command {
        AssetsCommand::Import { file } => {
            let reader = open(&file)?;
            let result = inventory.import(reader);
            let report = match &result {
                Ok(report) => report,
                Err(error) => error.report(),
            };
            tell_broken(context, report);
            context.printer.print(&sentence(report))?;
            let report = result?;
            Ok(ExitCode::from(if report.broken == 0 {
                exit::DONE
            } else {
                exit::NOT_ALL
            }))
        }
        AssetsCommand::Fetch { connection } => fetch(context, inventory, &connection).await,
        AssetsCommand::Query(args) => query(context, &inventory, &args.query, args.how),
        AssetsCommand::Show { id } => {
            let found = inventory.get(&id)?;
            let found = found.ok_or_else(|| not_there(&inventory, &id))?;
            let text = serde_json::to_string_pretty(&found).unwrap_or_default();
            context.printer.print(&format!("{text}\n"))?;
            Ok(ExitCode::from(exit::DONE))
        }
    }
}

/// What lists the users of each adapter.
const LISTERS: [(&str, &[u8]); 1] = [(AZURE_AD_ADAPTER, LIST_USERS)];

async fn fetch(
    context: &Context,
    inventory: Inventory,
    connection: &str,
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    let connection = context.connection(connection)?;
    let adapter = connection.adapter();
    let lister = LISTERS.into_iter().find(|(name, _)| *name == adapter);
    let Some((_, component)) = lister else {
        return Err(Failure::new(format!(
            "users of `{adapter}` cannot be fetched: nothing here lists them"
        ))
        .hint("import a list of them: `tipstaff assets import FILE`"));
    };
    let host = context.host().await?;
    let lister = host.load_bytes(adapter, component).await?;
    let printer = context.printer.clone();
    let told = move |count| {
        if printer.is_watched() {
            printer.note(&format!("{} so far\n", counted(count, "user", "users")));
        }
    };
    let fetched = host.fetch_assets(&lister, connection, inventory, told);
    let report = signals.or(async { Ok(fetched.await?) }).await?;
    context.printer.print(&format!(
        "{} added, {} updated, {} unchanged, {} removed\n",
        number(report.added),
        number(report.updated),
        number(report.unchanged),
        number(report.removed),
    ))?;
    Ok(ExitCode::from(exit::DONE))
}

/// The list in a file, or from standard input.
fn open(file: &Path) -> Result<Reader, Failure> {
    let reader = if file == Path::new("-") {
        asset::read(BufReader::with_capacity(64 * 1024, stdin()), None)
    } else {
        asset::open(file)
    };
    reader.map_err(|error| Failure::not_a_list(&name(file), &error))
}

/// What a list is called in messages.
pub(crate) fn name(file: &Path) -> String {
    if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

/// No asset has this id; says which was probably meant.
pub(crate) fn not_there(inventory: &Inventory, id: &str) -> Failure {
    // Without suggestions the message is still right.
    let nearest = inventory.nearest(id, SUGGESTIONS).unwrap_or_default();
    let otherwise = match inventory.count() {
        Ok(0) => "the inventory is empty: `tipstaff assets import FILE` fills it".to_owned(),
        Ok(count) => format!(
            "the inventory has {}, and none with an id like it",
            assets(count)
        ),
        Err(_) => String::new(),
    };
    unknown("asset", id, nearest.iter().map(String::as_str), &otherwise)
}

fn tell_broken(context: &Context, report: &ImportReport) {
    for broken in &report.first_broken {
        let message = format!("line {} is no asset: {}", broken.line, broken.reason);
        context.printer.warning(&message, None);
    }
    let more = report
        .broken
        .saturating_sub(report.first_broken.len() as u64);
    if more > 0 {
        let message = format!(
            "{} more are no assets either",
            counted(more, "line", "lines")
        );
        context.printer.warning(&message, None);
    }
}

fn sentence(report: &ImportReport) -> String {
    format!(
        "{} added, {} updated, {} unchanged, {} broken\n",
        number(report.added),
        number(report.updated),
        number(report.unchanged),
        number(report.broken),
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_asset_is_answered_with_those_that_were_meant() {
        let folder = tempfile::tempdir().unwrap();
        let mut inventory = Inventory::open(&folder.path().join("inventory.db")).unwrap();
        let empty = not_there(&inventory, "b2374c0e").render(false);
        assert!(empty.contains("assets import FILE"), "{empty}");
        let list = "{\"id\":\"b2374c0e\",\"adapters\":[{\"adapter\":\"azure_ad_adapter\",\"data\":{\"username\":\"ada@contoso.com\"}}]}\n";
        inventory
            .import(asset::read(list.as_bytes(), None).unwrap())
            .unwrap();
        for meant in ["b2374c0f", "ada@contoso.com"] {
            let text = not_there(&inventory, meant).render(false);
            assert!(text.ends_with("hint: did you mean `b2374c0e`?\n"), "{text}");
        }
        let far = not_there(&inventory, "zzzzzzzz").render(false);
        insta::assert_snapshot!(far, @r"
        error: no asset `zzzzzzzz`

        hint: the inventory has 1 asset, and none with an id like it
        ");
    }
}
