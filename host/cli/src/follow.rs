//! Follows a run to its end: outcomes to where they were asked for, progress to where somebody watches, signals to the
//! run.
//!
//! It decides nothing about assets. What it writes was on disk before.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use futures::FutureExt;
use tipstaff::enforcement::ledger::{RunRecord, RunState};
use tipstaff::enforcement::report::{self, Lines, ReportFormat};
use tipstaff::enforcement::{AddedAsset, verdict_text};
use tipstaff::{Ending, Host, Manifest, Outcome, RunEvent, Running, Summary};

use crate::context::Context;
use crate::diagnostic::{Failure, exit};
use crate::printer::Printer;
use crate::show::outcomes::{self, Choice, Look};
use crate::show::progress::{Display, Progress};
use crate::show::summary;
use crate::show::table::pairs;
use crate::signals::Signals;
use crate::text::{counted, harmless, wrapped};

/// How outcomes are written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people, at the end
    Table,
    /// One JSON object a line, as outcomes become final
    Jsonl,
    /// One JSON document, at the end
    Json,
    /// Comma-separated values with a header, as outcomes become final
    Csv,
}

/// How often progress is drawn.
const TICK: Duration = Duration::from_millis(100);

/// Events that are taken one after the other before signals and progress have their turn.
const AT_ONCE: usize = 512;

/// What to do when outcomes could not be written somewhere.
const FROM_LEDGER: &str = "the ledger has every outcome: `tipstaff runs export` writes them again";

/// Warnings that are shown; the audit has all.
const MOST_WARNINGS: usize = 20;

/// A run that was started, and where its outcomes go.
pub(crate) struct Follow<'a> {
    pub(crate) context: &'a Context,
    pub(crate) host: &'a Host,
    pub(crate) manifest: &'a Manifest,
    pub(crate) signals: &'a mut Signals,
    pub(crate) format: Format,
    pub(crate) report: Option<Report>,
    /// Assets that will have an outcome.
    pub(crate) assets: u64,
    /// Of these, those that settings added.
    pub(crate) added: Vec<AddedAsset>,
    /// Of these, those that had theirs when the run went on.
    pub(crate) settled: u64,
}

/// The file of `--report`.
pub(crate) struct Report {
    path: PathBuf,
    lines: Lines<BufWriter<File>>,
}

impl Report {
    /// Makes the file, or empties it.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| {
            Failure::file("write the report", path, &error)
                .hint("name a file that you can write; nothing was sent")
        })?;
        Ok(Self {
            path: path.to_owned(),
            lines: Lines::json(BufWriter::with_capacity(64 * 1024, file)),
        })
    }
}

impl Follow<'_> {
    /// Follows `run` to its end, shows what came of it, and says with which code to exit.
    pub(crate) async fn finish(mut self, run: Running) -> Result<ExitCode, Failure> {
        let printer = self.context.printer.clone();
        let mut sinks = Sinks {
            out: stream(self.format, &printer)?,
            report: self.report.take(),
            troubles: Vec::new(),
            apart: Vec::new(),
        };
        let Some(summary) = self.watch(run, &mut sinks).await else {
            return Err(Failure::new("the run ended without a word").with_code(exit::CUT_SHORT));
        };
        sinks.flush();
        for trouble in &sinks.troubles {
            printer.failure(trouble);
        }
        let record = self.host.ledger().run(&summary.run.to_string())?;
        let shown = self.show(&record);
        self.tell(&record, &summary, &sinks.apart);
        match shown {
            Ok(()) | Err(Failure::ReaderLeft) => {}
            Err(failure) => return Err(failure.with_code(exit_code(&summary).max(exit::NOT_ALL))),
        }
        let code = exit_code(&summary);
        Ok(ExitCode::from(if sinks.troubles.is_empty() {
            code
        } else {
            code.max(exit::NOT_ALL)
        }))
    }

    async fn watch(&mut self, mut run: Running, sinks: &mut Sinks) -> Option<Summary> {
        let printer = self.context.printer.clone();
        let control = run.control();
        let mut progress = Progress::new(self.assets, self.settled, Instant::now());
        let mut display = Display::new(&printer, Instant::now());
        let mut warnings = Warnings::new(printer.clone());
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut signals, mut taken) = (0_u32, 0_usize);
        loop {
            let ready = if taken < AT_ONCE {
                run.next().now_or_never()
            } else {
                None
            };
            let event = match ready {
                Some(event) => {
                    taken += 1;
                    event
                }
                None => {
                    taken = 0;
                    sinks.flush();
                    tokio::select! {
                        event = run.next() => event,
                        () = self.signals.next() => {
                            signals += 1;
                            match signals {
                                1 => {
                                    control.finish();
                                    printer.note(
                                        "stopping: what was sent is waited for; once more stops at once\n",
                                    );
                                }
                                2 => {
                                    control.abort();
                                    printer.note("stopping at once\n");
                                }
                                _ => return None,
                            }
                            continue;
                        }
                        _ = tick.tick() => {
                            display.draw(&progress, Instant::now());
                            continue;
                        }
                    }
                }
            };
            match event {
                Some(RunEvent::Outcome(outcome)) => {
                    progress.outcome(&outcome);
                    if self.added.iter().any(|added| added.id == outcome.asset) {
                        sinks.apart.push(outcome.clone());
                    }
                    sinks.write(&outcome);
                }
                Some(RunEvent::Waiting { lane, left, why }) => {
                    progress.waiting(&lane, &why, left, Instant::now());
                }
                Some(RunEvent::Warning { message, hint }) => warnings.tell(message, hint),
                Some(RunEvent::Finished(summary)) => {
                    display.end();
                    warnings.end(self.host, &summary);
                    // The channel closes when the run has tidied up.
                    while run.next().await.is_some() {}
                    return Some(summary);
                }
                Some(_) => {}
                None => {
                    display.end();
                    return None;
                }
            }
        }
    }

    /// Results that come at the end.
    fn show(&self, record: &RunRecord) -> Result<(), Failure> {
        let printer = &self.context.printer;
        let ledger = self.host.ledger();
        match self.format {
            Format::Table => {
                let choice = Choice::for_reader(printer.results_are_watched(), record.assets);
                outcomes::write(
                    ledger,
                    record.id,
                    choice,
                    Look::of(printer),
                    printer.results(),
                )
            }
            Format::Json => Ok(report::write(
                ledger,
                record,
                ReportFormat::Json,
                printer.results(),
            )?),
            Format::Jsonl | Format::Csv => Ok(()),
        }
    }

    /// What came of it, for a person.
    fn tell(&self, record: &RunRecord, ended: &Summary, apart: &[Outcome]) {
        let printer = &self.context.printer;
        let paint = printer.paint_notes();
        let mut text = format!("\n{}", summary::headline(record, false));
        if let (RunState::Unended, Some(why)) = (&record.state, ended.ending.reason()) {
            text.push_str(&format!("  {}\n", harmless(why)));
        }
        text.push_str(&summary::counts(record, paint));
        for outcome in apart {
            text.push_str(&format!("\n{}\n", paint.heading(&harmless(&outcome.asset))));
            text.push_str(&wrapped(&harmless(&outcome.message), 2, printer.columns()));
        }
        let remains = summary::remains(record, Some(self.manifest), printer.columns(), paint);
        if !remains.is_empty() {
            text.push_str(&format!("\n{remains}"));
        }
        text.push_str(&next_steps(self.context, record, true));
        printer.note(&text);
    }
}

/// How to see, export and go on with a run. A simulation keeps no assets to try again.
pub(crate) fn next_steps(context: &Context, record: &RunRecord, show: bool) -> String {
    let id = record.id;
    let mut lines = Vec::new();
    if show {
        let command = context.next_command(&format!("runs show {id}"));
        lines.push(("all of it", command));
    }
    lines.push((
        "as a file",
        context.next_command(&format!("runs export {id} --format csv")),
    ));
    match &record.state {
        RunState::Unended => {
            lines.push(("go on", context.next_command(&format!("runs resume {id}"))));
        }
        RunState::Ended { .. } if !record.simulated && !record.counts.all_well() => {
            let verdicts: Vec<&str> = record
                .counts
                .iter()
                .filter(|(verdict, count)| *count > 0 && outcomes::needs_somebody(*verdict))
                .map(|(verdict, _)| verdict_text(verdict))
                .collect();
            let words = format!("runs resume {id} --only {}", verdicts.join(","));
            lines.push(("second try", context.next_command(&words)));
        }
        RunState::Ended { .. } => {}
    }
    format!("\n{}", pairs(&lines, 0))
}

/// What the shell is told.
fn exit_code(summary: &Summary) -> u8 {
    match summary.ending {
        Ending::Interrupted | Ending::CutShort(_) => exit::CUT_SHORT,
        Ending::Stopped(_) => exit::NOT_ALL,
        Ending::Complete if summary.counts.all_well() => exit::DONE,
        Ending::Complete => exit::NOT_ALL,
    }
}

fn stream(format: Format, printer: &Printer) -> Result<Option<Lines<BufWriter<Stdout>>>, Failure> {
    Ok(match format {
        Format::Jsonl => Some(Lines::json(printer.results())),
        Format::Csv => Some(Lines::csv(printer.results())?),
        Format::Json | Format::Table => None,
    })
}

/// Where outcomes go as they become final. One that fails is given up, and the run goes on: the ledger has them all.
struct Sinks {
    out: Option<Lines<BufWriter<Stdout>>>,
    report: Option<Report>,
    troubles: Vec<Failure>,
    /// Of assets that settings added.
    apart: Vec<Outcome>,
}

impl Sinks {
    fn write(&mut self, outcome: &Outcome) {
        if let Some(out) = &mut self.out {
            let written = out.write(outcome);
            self.judge_out(written);
        }
        if let Some(report) = &mut self.report {
            let written = report.lines.write(outcome);
            self.judge_report(written);
        }
    }

    fn flush(&mut self) {
        if let Some(out) = &mut self.out {
            let written = out.flush();
            self.judge_out(written);
        }
        if let Some(report) = &mut self.report {
            let written = report.lines.flush();
            self.judge_report(written);
        }
    }

    fn judge_out(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.out = None;
            match Failure::from(error).hint(FROM_LEDGER) {
                Failure::ReaderLeft => {}
                told => self.troubles.push(told),
            }
        }
    }

    fn judge_report(&mut self, written: io::Result<()>) {
        let Err(error) = written else { return };
        if let Some(report) = self.report.take() {
            self.troubles
                .push(Failure::file("write the report", &report.path, &error).hint(FROM_LEDGER));
        }
    }
}

/// Tells each warning once, and not too many.
struct Warnings {
    printer: Printer,
    told: HashSet<String>,
    untold: u64,
}

impl Warnings {
    fn new(printer: Printer) -> Self {
        Self {
            printer,
            told: HashSet::new(),
            untold: 0,
        }
    }

    fn tell(&mut self, message: String, hint: Option<String>) {
        if self.told.contains(&message) {
            return;
        }
        if self.told.len() >= MOST_WARNINGS {
            self.untold += 1;
            return;
        }
        self.printer.warning(&message, hint.as_deref());
        self.told.insert(message);
    }

    fn end(&self, host: &Host, summary: &Summary) {
        if self.untold > 0 {
            let path = host.state().audit().join(format!("{}.jsonl", summary.run));
            let more = counted(self.untold, "more warning is", "more warnings are");
            self.printer.warning(
                &format!("{more} not shown; `{}` has all", path.display()),
                None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use tipstaff::{Counts, RunId, Verdict};

    use super::*;

    fn code(ending: Ending, verdict: Verdict) -> u8 {
        let mut counts = Counts::default();
        counts.add(verdict, 1);
        exit_code(&Summary {
            run: RunId::new(),
            ending,
            counts,
        })
    }

    #[test]
    fn the_exit_code_says_what_scripts_need_to_know() {
        for verdict in [Verdict::Succeeded, Verdict::Skipped, Verdict::WouldEnforce] {
            assert_eq!(code(Ending::Complete, verdict), 0);
        }
        for verdict in [Verdict::Failed, Verdict::InDoubt, Verdict::NotAttempted] {
            assert_eq!(code(Ending::Complete, verdict), 1);
        }
        assert_eq!(code(Ending::Stopped("403".to_owned()), Verdict::Failed), 1);
        assert_eq!(code(Ending::Interrupted, Verdict::Succeeded), 3);
        assert_eq!(
            code(Ending::CutShort("a trap".to_owned()), Verdict::Succeeded),
            3
        );
    }
}
