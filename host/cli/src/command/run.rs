//! `tipstaff run`: plan, show, ask, run, report.

use std::io::{BufReader, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use tipstaff::asset::{Asset, Inventory, Selected};
use tipstaff::{Assets, DynamicValues, Host, Plan, PlanError, Running, StatementError, Urgency};

use super::assets;
use super::dynamic::{self, Settings};
use crate::ask::{self, Yes};
use crate::context::{Context, load_action};
use crate::diagnostic::{Failure, exit};
use crate::follow::{Follow, Format, Report};
use crate::inline::Filled;
use crate::printer::Printer;
use crate::show;
use crate::signals::Signals;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A name, name@version, or the path of a component (`.wasm`)
    action: String,

    /// The connection of tipstaff.toml to use
    #[arg(long, value_name = "NAME")]
    connection: String,

    #[command(flatten)]
    whom: Whom,

    /// Set a field of the action's form (`tipstaff actions form`); may be repeated. Fields of the connection need
    /// `--set use_stored_credentials=false`
    #[arg(long, value_name = "FIELD=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,

    /// A statement that computes fields of the form for each asset, also its connection (`form.adapter_connection`)
    #[arg(long, value_name = "FILE")]
    dynamic: Option<PathBuf>,

    #[command(flatten)]
    settings: Settings,

    /// Do all but the change: the host refuses every call that would change something
    #[arg(long)]
    simulate: bool,

    /// Go before other runs where the service's quota is short, and use the reserve that they leave alone [default: for
    /// at most 20 assets that --user or --select name]
    #[arg(long)]
    urgent: bool,

    /// Ask nothing: say yes to the plan, and to what an action of a file asks for
    #[arg(long, short)]
    yes: bool,

    /// Write every outcome to this file as it becomes final, as JSON Lines
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// How outcomes are written to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// The assets to act on: exactly one of these.
#[derive(Debug, Args)]
struct Whom {
    /// A list: JSON Lines, a JSON array, or CSV with a header; `-` is standard input
    #[arg(long, value_name = "FILE", group = "whom")]
    assets: Option<PathBuf>,

    /// Assets of the inventory, by their ids
    #[arg(long, value_name = "ID,…", value_delimiter = ',', group = "whom")]
    select: Vec<String>,

    /// An Entra user, by object id or user principal name; may be repeated
    #[arg(long, value_name = "ID_OR_UPN", group = "whom")]
    user: Vec<String>,

    /// Assets that a query of the inventory finds
    #[arg(long, value_name = "AQL", group = "whom")]
    query: Option<String>,
}

/// So many assets, named one by one, are somebody's emergency and nobody's bulk.
const FEW: usize = 20;

impl Whom {
    fn are_few(&self) -> bool {
        (1..=FEW).contains(&(self.user.len() + self.select.len()))
    }
}

pub(crate) async fn run(context: &Context, args: RunArgs) -> Result<ExitCode, Failure> {
    let statement = args.dynamic.as_deref().map(dynamic::read).transpose()?;
    if statement.is_none() && (args.settings.fail_on_fallback || args.settings.keep_empty_values) {
        return Err(Failure::new("there is no statement that could fall back")
            .hint("name one with `--dynamic FILE`"));
    }
    let mut signals = Signals::listen()?;
    let (connection, others) = context.connection_and_others(&args.connection)?;
    let host = context.host().await?;
    let action = load_action(&host, &args.action).await?;
    let filled = Filled::of(args.set, action.manifest(), &args.connection)?;
    let connection = filled
        .connection(context, action.manifest(), &connection)?
        .unwrap_or(connection);
    let urgent = args.urgent || args.whom.are_few();
    // A list may come from a pipe that is slow, or from a person who types.
    let (printer, of_host, whom, now) = (
        context.printer.clone(),
        host.clone(),
        args.whom,
        context.now(),
    );
    let reading = tokio::task::spawn_blocking(move || list(&printer, &of_host, whom, now));
    let list = signals
        .or(async {
            reading
                .await
                .unwrap_or_else(|error| Err(Failure::new(format!("cannot read the list: {error}"))))
        })
        .await?;
    let approved = ask::may_use(context, &host, &action, args.yes, &mut signals).await?;
    let mut draft = host.plan(&action).connection(connection).assets(list);
    for (field, value) in filled.settings {
        draft = draft.setting_text(field, value);
    }
    if urgent {
        draft = draft.urgency(Urgency::Urgent);
    }
    if let Some(statement) = statement {
        let values = DynamicValues::new(statement, context.now())
            .fail_on_fallback(args.settings.fail_on_fallback)
            .keep_empty_values(args.settings.keep_empty_values);
        draft = draft.dynamic(values).others(others);
    }
    let prepared = signals.or(async { Ok(draft.prepare().await) }).await?;
    let plan = match (prepared, &args.dynamic) {
        (Err(PlanError::Statement(StatementError::Mistaken(mistakes))), Some(file)) => {
            dynamic::tell(context, file, mistakes.list());
            return Ok(ExitCode::from(exit::REFUSED));
        }
        (prepared, _) => prepared?,
    };
    let options = Options {
        simulate: args.simulate,
        yes: args.yes,
        format: args.format,
        report: args.report,
    };
    carry_out(context, &host, plan, approved, options, &mut signals).await
}

/// How a plan is carried out.
pub(crate) struct Options {
    pub(crate) simulate: bool,
    pub(crate) yes: bool,
    pub(crate) format: Format,
    pub(crate) report: Option<PathBuf>,
}

/// Shows the plan, asks, and follows the run. `_may_use` proves that the action may be used at all.
pub(crate) async fn carry_out(
    context: &Context,
    host: &Host,
    plan: Plan,
    _may_use: Yes,
    options: Options,
    signals: &mut Signals,
) -> Result<ExitCode, Failure> {
    let printer = &context.printer;
    let asks = !options.yes && !options.simulate;
    if printer.is_watched() || asks {
        let sketch = show::plan::Sketch::of(&plan, host.is_bundled(plan.action()));
        printer.note(&sketch.render(printer.paint_notes()));
    }
    for warning in plan.warnings() {
        printer.warning(&warning, None);
    }
    let action = plan.action().clone();
    let assets = plan.census().assets;
    let added = plan.census().added.clone();
    if asks {
        let _yes = ask::may_carry_out(context, &plan, false, signals).await?;
    }
    let report = options.report.as_deref().map(Report::create).transpose()?;
    if !printer.is_watched() {
        printer.note(&show::plan::beginning(&plan, options.simulate));
    }
    let running: Running = if options.simulate {
        plan.simulate().await?
    } else {
        plan.approve().start().await?
    };
    let follow = Follow {
        context,
        host,
        manifest: action.manifest(),
        signals,
        format: options.format,
        report,
        assets,
        added,
        settled: 0,
    };
    follow.finish(running).await
}

fn list(printer: &Printer, host: &Host, whom: Whom, now: Timestamp) -> Result<Assets, Failure> {
    if let Some(file) = whom.assets {
        let list = if file == Path::new("-") {
            Assets::reader(BufReader::with_capacity(64 * 1024, stdin()), None)
        } else {
            Assets::file(&file)
        };
        return list.map_err(|error| Failure::not_a_list(&assets::name(&file), &error));
    }
    if let Some(text) = whom.query {
        let inventory = Inventory::open(&host.state().inventory())?;
        let query = inventory.query(&text, now)?;
        return Ok(Assets::matching(inventory, query)?);
    }
    if whom.select.is_empty() && whom.user.is_empty() {
        return Err(Failure::new("no assets were named").hint(
            "name them with `--user ID_OR_UPN`, `--assets FILE`, `--query AQL` or `--select ID,…`",
        ));
    }
    if whom.select.is_empty() {
        return Ok(Assets::users(whom.user));
    }
    let inventory = Inventory::open(&host.state().inventory())?;
    Ok(Assets::given(selected(printer, &inventory, &whom.select)?))
}

/// The assets of these ids; tells of all ids that are not there, and fails for the first.
fn selected(
    printer: &Printer,
    inventory: &Inventory,
    ids: &[String],
) -> Result<Vec<Asset>, Failure> {
    let mut found = Vec::with_capacity(ids.len());
    let mut unknown = Vec::new();
    for selected in inventory.select(ids)? {
        match selected? {
            Selected::Asset(asset) => found.push(asset),
            Selected::Unknown { id } => unknown.push(id),
        }
    }
    let mut unknown = unknown.into_iter();
    let Some(first) = unknown.next() else {
        return Ok(found);
    };
    for id in unknown {
        printer.failure(&assets::not_there(inventory, &id));
    }
    Err(assets::not_there(inventory, &first))
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.trim().is_empty() => {
            Ok((field.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write FIELD=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Cli, Command};

    fn parse(more: &[&str]) -> Result<RunArgs, String> {
        let words = [
            "tipstaff",
            "run",
            "revoke-user-sessions",
            "--connection",
            "corp",
        ];
        let cli = Cli::try_parse_from(words.iter().chain(more)).map_err(|e| e.to_string())?;
        match cli.command {
            Command::Run(args) => Ok(args),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn assets_are_named_in_exactly_one_way() {
        assert!(parse(&["--user", "a", "--user", "b"]).is_ok_and(|args| args.whom.user.len() == 2));
        assert!(parse(&["--select", "a,b"]).is_ok_and(|args| args.whom.select.len() == 2));
        assert!(parse(&["--user", "a", "--assets", "-"]).is_err());
        assert!(parse(&["--user", "a", "--select", "b"]).is_err());
        assert!(parse(&["--query", "x"]).is_ok_and(|args| args.whom.query.is_some()));
        assert!(parse(&["--query", "x", "--select", "b"]).is_err());
    }

    #[test]
    fn a_few_that_are_named_one_by_one_are_urgent() {
        let few = |more: &[&str]| parse(more).map(|args| args.whom.are_few());
        assert_eq!(few(&["--user", "a"]), Ok(true));
        assert_eq!(few(&["--select", &"a,".repeat(20)[..39]]), Ok(true));
        assert_eq!(few(&["--select", &"a,".repeat(21)[..41]]), Ok(false));
        assert_eq!(few(&["--assets", "-"]), Ok(false));
    }

    #[test]
    fn settings_are_pairs() {
        assert_eq!(setting("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(setting("a="), Ok(("a".to_owned(), String::new())));
        assert!(setting("a").is_err() && setting("=b").is_err());
    }

    #[test]
    fn a_statement_has_settings_of_its_own() {
        let parsed = parse(&["--user", "a", "--dynamic", "x.dvs", "--fail-on-fallback"]);
        assert!(parsed.is_ok_and(|args| args.settings.fail_on_fallback && args.dynamic.is_some()));
    }
}
