//! `tipstaff runs`: what was done, from the ledger; and going on with it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;
use tipstaff::enforcement::ledger::{RunRecord, RunState};
use tipstaff::enforcement::proof::{self, Known, ProofError};
use tipstaff::enforcement::report::{self, ReportFormat};
use tipstaff::enforcement::{Link, time_text, verdict_text};
use tipstaff::{Connection, Host, Verdict};

use super::run::{Options, carry_out};
use crate::ask;
use crate::context::Context;
use crate::diagnostic::{Failure, exit};
use crate::follow::{Follow, Format, Report, next_steps};
use crate::show::outcomes::{self, Choice, Look, parse_verdict};
use crate::show::table::{pairs, table};
use crate::show::{self, summary};
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
    /// Checks an exported run: whether anything in it was changed, added, left out or moved. Needs no state folder
    Verify(VerifyArgs),
    /// Goes on with a run whose process died; with --only, makes a second try of some of its assets
    Resume(ResumeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// What `runs export` printed, as JSON Lines or as one JSON document; `-` for standard input
    file: PathBuf,

    /// The plan's digest, as it was approved: the export has to begin with it. A JSON document names its own
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,

    /// The last link, as the run's end told it: the export has to end with it
    #[arg(long, value_name = "LINK")]
    link: Option<Link>,
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
    if let RunsCommand::Verify(args) = command {
        return verify(context, args);
    }
    let host = context.host().await?;
    match command {
        RunsCommand::Verify(_) => {}
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
    text.push_str(&format!("\n{}", pairs(&facts(host, &run)?, 2)));
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
    host.action_of(run).await.ok()
}

fn facts(host: &Host, run: &RunRecord) -> Result<Vec<(&'static str, String)>, Failure> {
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
    if let Some(link) = host.ledger().last_link(run.id)? {
        facts.push(("last link", link.to_string()));
    }
    Ok(facts)
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

/// Exit code 1 means that the file is not what a ledger wrote, 2 that it could not be looked at.
fn verify(context: &Context, args: VerifyArgs) -> Result<ExitCode, Failure> {
    let name = args.file.display().to_string();
    let input: Box<dyn BufRead> = if args.file == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file = File::open(&args.file)
            .map_err(|error| Failure::new(format!("`{name}` cannot be read: {error}")))?;
        Box::new(BufReader::new(file))
    };
    let known = Known {
        plan: args.plan,
        last: args.link,
    };
    match proof::verify(input, &known) {
        Ok(found) => {
            context.printer.print(&show::proof::told(&found))?;
            Ok(ExitCode::from(exit::DONE))
        }
        Err(error @ ProofError::Io { .. }) => Err(Failure::new(format!("`{name}`: {error}"))),
        Err(error) => {
            let failure = Failure::new(format!("`{name}` is not what a run wrote: {error}"));
            context.printer.failure(&match error.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            });
            Ok(ExitCode::from(exit::NOT_ALL))
        }
    }
}

/// Goes on where a process died. Its plan was approved when it began, and is the same to the letter.
async fn go_on(context: &Context, host: &Host, args: ResumeArgs) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    let record = host.ledger().run(&args.run)?;
    let id = record.id.to_string();
    // What ended cannot be gone on with, whatever the configuration says now.
    let (connection, others) = match &record.state {
        RunState::Ended { .. } => (Connection::entra(&record.connection), Vec::new()),
        RunState::Unended => context.connection_and_others(&record.connection)?,
    };
    let resumption = host.resume_with(&id, connection, others).await?;
    let report = args.report.as_deref().map(Report::create).transpose()?;
    let action = resumption.plan().action().clone();
    let settled = resumption.settled();
    let added = resumption.plan().census().added.clone();
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
        added,
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
    let (connection, others) = context.connection_and_others(&record.connection)?;
    let draft = host.again(&id, &args.only).await?;
    let plan = draft.connection(connection).others(others).prepare();
    let plan = signals.or(async { Ok(plan.await?) }).await?;
    let approved = match ask::was_approved(&record, &plan) {
        Some(approved) => approved,
        None => ask::may_use(context, host, plan.action(), args.yes, &mut signals).await?,
    };
    let unchanged = plan.has_connection_of(&record);
    let options = Options {
        simulate: record.simulated,
        yes: args.yes || unchanged,
        format: args.format,
        report: args.report,
    };
    carry_out(context, host, plan, approved, options, &mut signals).await
}
