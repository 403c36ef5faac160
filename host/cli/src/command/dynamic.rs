//! `tipstaff dynamic`: statements that compute fields of a form for each asset. Nothing here reaches a service.

use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use revoke_user_sessions_component::NAME;
use serde_json::{Value, json};
use tipstaff::asset::path::Source;
use tipstaff::asset::{self, Asset, Catalog, Entry, FieldPath, Inventory};
use tipstaff::dynamic::{
    Circumstances, Diagnostic, Diagnostics, Form, NoRandomness, Program, Randomness, Severity,
    Statement, limits,
};

use super::assets;
use crate::context::Context;
use crate::diagnostic::{Failure, exit, placed, unknown};
use crate::show;

#[derive(Debug, Subcommand)]
pub(crate) enum DynamicCommand {
    /// Checks a statement: its grammar, and whether fields and types fit the form
    Validate {
        #[command(flatten)]
        file: StatementFile,
        #[command(flatten)]
        how: How,
    },
    /// Shows what every part of a statement gives for one asset; runs nothing
    Simulate {
        #[command(flatten)]
        file: StatementFile,
        /// The asset's id
        #[arg(long, value_name = "ID")]
        asset: String,
        /// Look for the asset in this list and not in the inventory
        #[arg(long, value_name = "FILE")]
        assets: Option<PathBuf>,
        #[command(flatten)]
        how: How,
    },
    /// Lists what can be written: fields of the form and of assets, functions, operators
    Fields {
        #[command(flatten)]
        how: How,
    },
    /// Lays a statement out, to standard output
    Format {
        #[command(flatten)]
        file: StatementFile,
        #[command(flatten)]
        how: How,
    },
}

/// Where a statement is.
#[derive(Debug, Args)]
pub(crate) struct StatementFile {
    /// The statement; `-` is standard input
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct How {
    /// The form to check against, as JSON Schema; without one any field can be set
    #[arg(long, value_name = "SCHEMA.json")]
    form: Option<PathBuf>,

    /// How results are written to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    #[command(flatten)]
    settings: Settings,
}

/// The settings of statements.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Settings {
    /// An asset for which a field falls back to its static value fails, and is not acted on
    #[arg(long)]
    pub(crate) fail_on_fallback: bool,

    /// Do not pass over nulls in lists: a list that has one has no value
    #[arg(long)]
    pub(crate) keep_empty_values: bool,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

pub(crate) async fn run(context: &Context, command: DynamicCommand) -> Result<ExitCode, Failure> {
    match command {
        DynamicCommand::Validate { file, how } => validate(context, &file.file, &how),
        DynamicCommand::Simulate {
            file,
            asset,
            assets,
            how,
        } => {
            let found = find(context, &asset, assets.as_deref())?;
            let catalog = match &assets {
                // What is in a list need not be known to the inventory.
                Some(_) => None,
                None => Some(Inventory::open(&context.state()?.inventory())?.catalog()?),
            };
            simulate(context, &file.file, (&found, catalog.as_ref()), &how)
        }
        DynamicCommand::Fields { how } => fields(context, &how).await,
        DynamicCommand::Format { file, how } => format(context, &file.file, &how),
    }
}

fn validate(context: &Context, file: &Path, how: &How) -> Result<ExitCode, Failure> {
    let text = read(file)?;
    let program = match checked(&text, how)? {
        Ok(program) => program,
        Err(mistakes) => {
            return refused(
                context,
                file,
                how,
                mistakes.list(),
                |errors, warnings| json!({"valid": false, "errors": errors, "warnings": warnings}),
            );
        }
    };
    if how.format == Format::Json {
        let document = json!({"valid": true, "errors": [], "warnings": program.warnings()});
        context.printer.print(&format!("{document}\n"))?;
    } else {
        tell(context, file, program.warnings());
        context
            .printer
            .print("Statement was validated successfully\n")?;
    }
    Ok(ExitCode::from(exit::DONE))
}

fn simulate(
    context: &Context,
    file: &Path,
    (asset, catalog): (&Asset, Option<&Catalog>),
    how: &How,
) -> Result<ExitCode, Failure> {
    let text = read(file)?;
    let form = form(how)?;
    let program = match check(&text, form.as_ref()) {
        Ok(program) => program,
        Err(mistakes) => {
            return refused(
                context,
                file,
                how,
                mistakes.list(),
                |errors, warnings| json!({"fields": {}, "nodes": [], "errors": errors, "warnings": warnings}),
            );
        }
    };
    let circumstances = Circumstances {
        now: context.now(),
        ignore_empty: !how.settings.keep_empty_values,
    };
    let (evaluation, nodes) = program.explain(asset, &circumstances, &mut Unshown);
    let simulation = show::dynamic::Simulation {
        program: &program,
        form: form.as_ref(),
        evaluation: &evaluation,
        nodes: &nodes,
    };
    if how.format == Format::Json {
        context
            .printer
            .print(&format!("{}\n", simulation.document()))?;
    } else {
        tell(context, file, program.warnings());
        if let Some(catalog) = catalog {
            tell(
                context,
                file,
                &program.unknown_fields(|path| knows(catalog, path)),
            );
        }
        let text = simulation.text(context.printer.paint());
        context.printer.print(&text)?;
    }
    match evaluation.complaint(&program) {
        Some(complaint) if how.settings.fail_on_fallback => {
            Err(Failure::new(complaint).with_code(exit::NOT_ALL))
        }
        _ => Ok(ExitCode::from(exit::DONE)),
    }
}

/// Whether some asset of the inventory may have what a path names.
fn knows(catalog: &Catalog, path: &FieldPath) -> bool {
    let steps: Vec<&str> = path.steps().collect();
    let field = steps.join(".");
    match path.source() {
        Source::Adapter(adapter) => catalog.knows(Some(adapter), &field),
        Source::Aggregated | Source::Preferred => catalog.knows(None, &field),
        _ => true,
    }
}

/// What is generated is a secret that nobody is shown, so a simulation needs no chance for it.
struct Unshown;

impl Randomness for Unshown {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        bytes.fill(0);
        Ok(())
    }
}

fn format(context: &Context, file: &Path, how: &How) -> Result<ExitCode, Failure> {
    let text = read(file)?;
    match Statement::parse(&text) {
        Err(mistake) => refused(
            context,
            file,
            how,
            &[mistake],
            |errors, _| json!({"valid": false, "errors": errors}),
        ),
        Ok(statement) => {
            let formatted = statement.format();
            if how.format == Format::Json {
                let document = json!({"valid": true, "text": formatted, "errors": []});
                context.printer.print(&format!("{document}\n"))?;
            } else {
                context.printer.print(&formatted)?;
            }
            Ok(ExitCode::from(exit::DONE))
        }
    }
}

async fn fields(context: &Context, how: &How) -> Result<ExitCode, Failure> {
    let form = match form(how)? {
        Some(form) => form,
        // The form of the action that the command carries.
        None => {
            let host = context.host().await?;
            let action = host.load(NAME).await?;
            Form::from_schema(&action.manifest().settings_schema).and_connection(None)
        }
    };
    let catalog = Inventory::open(&context.state()?.inventory())?.catalog()?;
    if how.format == Format::Json {
        let document = show::dynamic::vocabulary(&form, &catalog);
        context.printer.print(&format!("{document}\n"))?;
    } else {
        let columns = context.printer.columns();
        let text = show::dynamic::words(&form, &catalog, columns, context.printer.paint());
        context.printer.print(&text)?;
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Tells what is wrong with a statement, and gives the exit code for it.
fn refused(
    context: &Context,
    file: &Path,
    how: &How,
    mistakes: &[Diagnostic],
    document: impl Fn(Vec<&Diagnostic>, Vec<&Diagnostic>) -> Value,
) -> Result<ExitCode, Failure> {
    if how.format == Format::Json {
        let is_error = |one: &&Diagnostic| one.severity == Severity::Error;
        let (errors, warnings) = mistakes.iter().partition(is_error);
        context
            .printer
            .print(&format!("{}\n", document(errors, warnings)))?;
    } else {
        tell(context, file, mistakes);
    }
    Ok(ExitCode::from(exit::REFUSED))
}

/// Writes mistakes with their places to standard error.
pub(crate) fn tell(context: &Context, file: &Path, mistakes: &[Diagnostic]) {
    let name = assets::name(file);
    for mistake in mistakes {
        let text = placed(&name, mistake, context.printer.notes_have_colour());
        context.printer.note(&text);
    }
}

fn checked(text: &str, how: &How) -> Result<Result<Program, Diagnostics>, Failure> {
    Ok(check(text, form(how)?.as_ref()))
}

/// Reads and checks a statement.
pub(crate) fn check(text: &str, form: Option<&Form>) -> Result<Program, Diagnostics> {
    Statement::parse(text)?.check(form)
}

fn form(how: &How) -> Result<Option<Form>, Failure> {
    let Some(path) = &how.form else {
        return Ok(None);
    };
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let schema: Value = serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("`{}` is no JSON Schema: {error}", path.display()))
            .hint("`tipstaff actions form X --json-schema` prints an action's form")
    })?;
    if schema
        .get("properties")
        .and_then(Value::as_object)
        .is_none()
    {
        let message = format!("`{}` is no form: it has no `properties`", path.display());
        return Err(Failure::new(message)
            .hint("`tipstaff actions form X --json-schema` prints an action's form"));
    }
    Ok(Some(Form::from_schema(&schema).and_connection(None)))
}

/// The text of a statement.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    let most = limits::STATEMENT_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let result = if file == Path::new("-") {
        stdin().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(most).read_to_end(&mut bytes))
    };
    result.map_err(|error| Failure::file("read", file, &error))?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("`{}` is no text in UTF-8", assets::name(file))))
}

fn find(context: &Context, id: &str, list: Option<&Path>) -> Result<Asset, Failure> {
    let Some(list) = list else {
        let inventory = Inventory::open(&context.state()?.inventory())?;
        let found = inventory.get(id)?;
        return found.ok_or_else(|| assets::not_there(&inventory, id));
    };
    let name = assets::name(list);
    let entries = asset::open(list).map_err(|error| Failure::not_a_list(&name, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::new(format!("`{name}`: {error}")))?;
        if let Entry::Asset { asset, .. } = entry
            && asset.id.as_str() == id.trim()
        {
            return Ok(asset);
        }
    }
    let otherwise = format!("`{name}` has no asset with this id");
    Err(unknown("asset", id, [], &otherwise))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Cli, Command};

    #[test]
    fn arguments_are_as_the_documentation_has_them() {
        let words = "tipstaff dynamic simulate a.dvs --asset b2 --form f.json --format json --fail-on-fallback \
                     --keep-empty-values --now 2026-11-20";
        let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
        let Command::Dynamic(DynamicCommand::Simulate { asset, how, .. }) = cli.command else {
            unreachable!("another command");
        };
        assert_eq!((asset.as_str(), how.format), ("b2", Format::Json));
        assert!(how.settings.fail_on_fallback && how.settings.keep_empty_values);
        for words in ["validate a.dvs", "fields", "format -"] {
            let words = format!("tipstaff dynamic {words}");
            assert!(
                Cli::try_parse_from(words.split_whitespace()).is_ok(),
                "{words}"
            );
        }
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let mistake = check("user al then form.a set_value 1", None).unwrap_err();
        let text = placed("a.dvs", mistake.first().unwrap(), false);
        insta::assert_snapshot!(text, @r"
        error: a.dvs: line 1, column 6: expected `all`, and found `al`
          1 | user al then form.a set_value 1
            |      ^^
        hint: did you mean `all`?
        ");
    }

    #[test]
    fn an_asset_is_found_in_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("users.jsonl");
        std::fs::write(&list, "{\"id\":\"a\",\"mail\":\"a@b.example\"}\n").unwrap();
        let common = Cli::try_parse_from(["tipstaff", "dynamic", "fields"])
            .unwrap()
            .common;
        let context = Context::new(common, crate::printer::Printer::new(true));
        assert_eq!(find(&context, "a", Some(&list)).unwrap().id.as_str(), "a");
        let text = find(&context, "b", Some(&list)).unwrap_err().render(false);
        assert!(
            text.contains("no asset `b`") && text.contains("no asset with this id"),
            "{text}"
        );
    }

    #[test]
    fn a_form_has_to_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("form.json");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let how = How {
                form: Some(path.clone()),
                format: Format::Text,
                settings: Settings::default(),
            };
            form(&how).map(|form| form.is_some())
        };
        assert!(of("{\"properties\":{}}").unwrap());
        assert!(of("{}").is_err() && of("[").is_err());
    }
}
