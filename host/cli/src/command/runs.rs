//! `tipstaff runs`: what was done, from the ledger; and going on with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use tipstaff::enforcement::ledger::{RunRecord, RunState};
use tipstaff::enforcement::report::{self, ReportFormat};
use tipstaff::enforcement::{time_text, verdict_text};
use tipstaff::{Connection, Host, Plan, Verdict};

use super::run::{Options, carry_out};
use crate::ask;
use crate::context::Context;
use crate::diagnostic::{Failure, exit};
use crate::follow::{Follow, Format, Report, next_steps};
use crate::show::outcomes::{self, Choice, Look, parse_verdict};
use crate::show::summary;
use crate::show::table::{pairs, table};
use crate::signals::Signals;
use crate::text::{assets, number};

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Lists runs, the newest first
    List {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Shows a run: its plan, its counts, and what needs somebody
    Show {
        /// Its id, the beginning or the end of it, or `last`
        run: String,
    },
    /// Prints every outcome of a run, in the order in which they became final
    Export {
        /// Its id, the beginning or the end of it, or `last`
        run: String,
        /// How outcomes are written
        #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
        format: Format,
    },
    /// Goes on with a run whose process died; with --only, makes a second try of some of its assets
    Resume(ResumeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// Its id, the beginning or the end of it, or `last`
    run: String,

    /// Try again, as a run of its own, the assets that have one of these verdicts
    #[arg(long, value_name = "VERDICT,…", value_delimiter = ',', value_parser = parse_verdict)]
    only: Vec<Verdict>,

    /// Ask nothing: say yes to the plan
    #[arg(long, short)]
    yes: bool,

    /// Write the outcomes that are new to this file as they become final, as JSON Lines
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// How outcomes are written to standard output
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

pub(crate) async fn run(context: &Context, command: RunsCommand) -> Result<ExitCode, Failure> {
    let host = context.host().await?;
    match command {
        RunsCommand::List { limit } => list(context, &host, limit)?,
        RunsCommand::Show { run } => show(context, &host, &run).await?,
        RunsCommand::Export { run, format } => export(context, &host, &run, format)?,
        RunsCommand::Resume(args) if args.only.is_empty() => {
            return go_on(context, &host, args).await;
        }
        RunsCommand::Resume(args) => return try_again(context, &host, args).await,
    }
    Ok(ExitCode::from(exit::DONE))
}

fn list(context: &Context, host: &Host, limit: usize) -> Result<(), Failure> {
    let runs = host.ledger().runs(limit)?;
    if runs.is_empty() {
        context.printer.note("there are no runs\n");
        return Ok(());
    }
    let rows: Vec<[String; 7]> = runs
        .iter()
        .map(|run| {
            let counts: Vec<String> = run
                .counts
                .iter()
                .filter(|(_, count)| *count > 0)
                .map(|(verdict, count)| format!("{} {}", number(count), verdict_text(verdict)))
                .collect();
            [
                run.id.to_string(),
                time_text(run.started),
                format!("{}@{}", run.action, run.version),
                run.connection.clone(),
                state(host, run),
                number(run.assets),
                counts.join(", "),
            ]
        })
        .collect();
    let heads = [
        "RUN",
        "STARTED",
        "ACTION",
        "CONNECTION",
        "STATE",
        "ASSETS",
        "OUTCOMES",
    ];
    context
        .printer
        .print(&table(heads, &rows, context.printer.paint()))
}

/// `complete`, `complete, simulated`.
fn state(host: &Host, run: &RunRecord) -> String {
    let state = summary::state(run, host.is_under_way(run.id));
    if run.simulated {
        format!("{state}, simulated")
    } else {
        state.to_owned()
    }
}

async fn show(context: &Context, host: &Host, id: &str) -> Result<(), Failure> {
    let run = host.ledger().run(id)?;
    let printer = &context.printer;
    let paint = printer.paint();
    let mut text = summary::headline(&run, host.is_under_way(run.id));
    text.push_str(&format!("\n{}", pairs(&facts(&run), 2)));
    text.push_str(&format!("\n{}\n", paint.heading("Outcomes")));
    text.push_str(&summary::counts(&run, paint));
    let action = known_action(host, &run).await;
    let manifest = action.as_ref().map(tipstaff::Action::manifest);
    let remains = summary::remains(&run, manifest, printer.columns(), paint);
    if !remains.is_empty() {
        text.push_str(&format!("\n{remains}"));
    }
    printer.print(&text)?;
    if run.counts.total() > 0 {
        let choice = Choice::for_reader(true, run.counts.total());
        printer.print("\n")?;
        outcomes::write(
            host.ledger(),
            run.id,
            choice,
            Look::of(printer),
            printer.results(),
        )?;
    }
    printer.note(&next_steps(context, &run, false));
    Ok(())
}

/// The action of a run, if it is at hand: for the meanings of its codes.
async fn known_action(host: &Host, run: &RunRecord) -> Option<tipstaff::Action> {
    let action = host.load(&run.action).await.ok()?;
    (action.digest() == run.digest).then_some(action)
}

fn facts(run: &RunRecord) -> Vec<(&'static str, String)> {
    let plan: Value = serde_json::from_str(&run.plan).unwrap_or_default();
    let endpoints: Vec<String> = plan
        .pointer("/connection/endpoints")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, address)| format!("{name} {}", address.as_str().unwrap_or_default()))
        .collect();
    let mut facts = vec![
        (
            "action",
            format!("{} {} (sha-256 {})", run.action, run.version, run.digest),
        ),
        (
            "connection",
            format!("{} ({})", run.connection, endpoints.join(", ")),
        ),
        (
            "settings",
            plan.get("settings")
                .map(Value::to_string)
                .unwrap_or_default(),
        ),
        ("plan", format!("sha-256 {}", run.plan_digest)),
        ("started", time_text(run.started)),
    ];
    if let RunState::Ended { at, .. } = &run.state {
        facts.push(("ended", time_text(*at)));
    }
    if let Some(first) = run.first {
        facts.push(("second try of", first.to_string()));
    }
    if run.counts.total() < run.assets {
        let left = run.assets - run.counts.total();
        facts.push(("without outcome", assets(left)));
    }
    facts
}

fn export(context: &Context, host: &Host, id: &str, format: Format) -> Result<(), Failure> {
    let run = host.ledger().run(id)?;
    let out = context.printer.results();
    let format = match format {
        Format::Table => {
            let look = Look::of(&context.printer);
            return outcomes::write(host.ledger(), run.id, Choice::All, look, out);
        }
        Format::Jsonl => ReportFormat::JsonLines,
        Format::Json => ReportFormat::Json,
        Format::Csv => ReportFormat::Csv,
    };
    Ok(report::write(host.ledger(), &run, format, out)?)
}

/// Goes on where a process died. Its plan was approved when it began, and is the same to the letter.
async fn go_on(context: &Context, host: &Host, args: ResumeArgs) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    let record = host.ledger().run(&args.run)?;
    let id = record.id.to_string();
    // What ended cannot be gone on with, whatever the configuration says now.
    let connection = match &record.state {
        RunState::Ended { .. } => Connection::entra(&record.connection),
        RunState::Unended => context.connection(&record.connection)?,
    };
    let resumption = host.resume(&id, connection).await?;
    let report = args.report.as_deref().map(Report::create).transpose()?;
    let action = resumption.plan().action().clone();
    let settled = resumption.settled();
    context.printer.note(&format!(
        "going on with {} {id}: {} of {} have their outcome\n",
        if resumption.is_simulation() {
            "simulation"
        } else {
            "run"
        },
        number(settled),
        assets(record.assets),
    ));
    let running = resumption.start().await?;
    let follow = Follow {
        context,
        host,
        manifest: action.manifest(),
        signals: &mut signals,
        format: args.format,
        report,
        assets: record.assets,
        settled,
    };
    follow.finish(running).await
}

/// Tries some assets again, as a run of its own. What was approved for them holds as long as nothing else changed.
async fn try_again(context: &Context, host: &Host, args: ResumeArgs) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    let record = host.ledger().run(&args.run)?;
    let id = record.id.to_string();
    if record.state == RunState::Unended {
        let (reason, hint) = if host.is_under_way(record.id) {
            ("it is under way", "wait for its end")
        } else {
            (
                "it did not end",
                "first go on with it: the same command without `--only`",
            )
        };
        return Err(Failure::new(format!("no second try of run {id}: {reason}")).hint(hint));
    }
    let connection = context.connection(&record.connection)?;
    let description = describe(&connection);
    let draft = host.again(&id, &args.only).await?;
    let plan = draft.connection(connection).prepare();
    let plan = signals.or(async { Ok(plan.await?) }).await?;
    let approved = match ask::was_approved(&record, &plan) {
        Some(approved) => approved,
        None => ask::may_use(context, host, plan.action(), args.yes, &mut signals).await?,
    };
    let unchanged = is_as_planned(&record, description, &plan);
    let options = Options {
        simulate: record.simulated,
        yes: args.yes || unchanged,
        format: args.format,
        report: args.report,
    };
    carry_out(context, host, plan, approved, options, &mut signals).await
}

/// A connection as plans record it, without the endpoints, which the action names.
fn describe(connection: &Connection) -> Value {
    json!({
        "name": connection.name(),
        "adapter": connection.adapter(),
        "fields": connection.fields().collect::<BTreeMap<_, _>>(),
        "secrets": connection.secrets().map(|(f, s)| (f, s.describe())).collect::<BTreeMap<_, _>>(),
        "verify_ssl": connection.how_to_connect().verify_ssl,
    })
}

/// Whether the connection is still what it was when the run was approved.
fn is_as_planned(record: &RunRecord, mut description: Value, plan: &Plan) -> bool {
    if let Some(description) = description.as_object_mut() {
        let endpoints: BTreeMap<_, _> = plan.endpoints().collect();
        description.insert("endpoints".to_owned(), json!(endpoints));
    }
    let planned: Value = serde_json::from_str(&record.plan).unwrap_or_default();
    planned.get("connection") == Some(&description)
}
