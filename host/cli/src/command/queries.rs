//! `tipstaff queries`: queries that were saved under a name. Other queries use them as `{{QueryID=NAME}}`.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use tipstaff::asset::query::nearest;
use tipstaff::asset::{Inventory, SavedQuery};

use super::assets::{self, How};
use crate::context::Context;
use crate::diagnostic::{Failure, exit, unknown};
use crate::show::table::{pairs, table};
use crate::text::harmless;

#[derive(Debug, Subcommand)]
pub(crate) enum QueriesCommand {
    /// Saves a query under a name, in place of the one of that name; its id stays
    Save {
        /// The name
        name: String,
        /// The query, in single quotes for the shell: '"labels" == "offboarding"'
        #[arg(value_name = "AQL")]
        query: String,
    },
    /// Lists the saved queries
    List {
        /// How they are written to standard output
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: Format,
    },
    /// Shows a saved query
    Show {
        /// Its name or its id
        name: String,
        /// How it is written to standard output
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: Format,
    },
    /// Finds the assets of a saved query
    Run {
        /// Its name or its id
        name: String,
        #[command(flatten)]
        how: How,
    },
}

/// How saved queries are written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
}

pub(crate) fn run(context: &Context, command: QueriesCommand) -> Result<ExitCode, Failure> {
    let mut inventory = Inventory::open(&context.state()?.inventory())?;
    let printer = &context.printer;
    match command {
        QueriesCommand::Save { name, query } => {
            let saved = inventory.save_query(&name, &query, context.now())?;
            printer.print(&format!("saved `{}` as {}\n", saved.name, saved.id))?;
        }
        QueriesCommand::List { format } => {
            let saved = inventory.saved_queries()?;
            match format {
                Format::Json => {
                    let all: Vec<Value> = saved.iter().map(document).collect();
                    printer.print(&format!("{}\n", Value::from(all)))?;
                }
                Format::Table if saved.is_empty() => printer.note(
                    "there are no saved queries: `tipstaff queries save NAME AQL` saves one\n",
                ),
                Format::Table => {
                    let rows: Vec<[String; 3]> = saved
                        .into_iter()
                        .map(|query| [query.name, query.id, query.text])
                        .collect();
                    printer.print(&table(["NAME", "ID", "QUERY"], &rows, printer.paint()))?;
                }
            }
        }
        QueriesCommand::Show { name, format } => {
            let saved = find(&inventory, &name)?;
            let text = match format {
                Format::Json => format!("{}\n", document(&saved)),
                Format::Table => shown(&saved),
            };
            printer.print(&text)?;
        }
        QueriesCommand::Run { name, how } => {
            let saved = find(&inventory, &name)?;
            return assets::query(context, &inventory, &saved.text, how);
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// The query of this name or id, or an answer that names those which were probably meant.
pub(crate) fn find(inventory: &Inventory, name: &str) -> Result<SavedQuery, Failure> {
    if let Some(saved) = inventory.saved_query(name)? {
        return Ok(saved);
    }
    let all = inventory.saved_queries()?;
    let near = nearest(&all, name);
    let otherwise = "`tipstaff queries list` lists those that there are";
    Err(unknown(
        "saved query",
        name,
        near.iter().map(String::as_str),
        otherwise,
    ))
}

/// Name and id, and below them the query with its line breaks.
fn shown(saved: &SavedQuery) -> String {
    let mut text = pairs(&[("name", saved.name.clone()), ("id", saved.id.clone())], 0);
    text.push('\n');
    for line in saved.text.lines() {
        text.push_str(&harmless(line));
        text.push('\n');
    }
    text
}

fn document(saved: &SavedQuery) -> Value {
    json!({"id": saved.id, "name": saved.name, "query": saved.text})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_query_is_shown_as_it_was_written() {
        let saved = SavedQuery {
            id: "65a0".to_owned(),
            name: "leavers".to_owned(),
            text: "(\"labels\" == \"a\")\n  and \u{1b}".to_owned(),
        };
        insta::assert_snapshot!(shown(&saved), @r#"
        name  leavers
        id    65a0

        ("labels" == "a")
          and �
        "#);
        assert_eq!(document(&saved)["query"], saved.text);
    }
}
