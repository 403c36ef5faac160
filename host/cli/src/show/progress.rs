//! How far a run is: the text of it, and the two places where it is drawn.
//!
//! [`Progress`] is told what happened and what time it is; it neither looks at a clock nor draws.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tipstaff::enforcement::verdict_text;
use tipstaff::{Counts, Outcome};

use crate::printer::Printer;
use crate::text::{duration, harmless, number};

/// Where nobody watches, a line at most so often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A run that is over before this needs no bar.
const BAR_AFTER: Duration = Duration::from_millis(400);

/// What is known of a run under way.
#[derive(Debug)]
pub(crate) struct Progress {
    total: u64,
    /// Outcomes that an earlier process brought about.
    before: u64,
    started: Instant,
    counts: Counts,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    text: String,
    told: Instant,
    until: Instant,
}

impl Progress {
    /// A run of `total` assets, of which `before` had their outcome when it went on.
    pub(crate) fn new(total: u64, before: u64, now: Instant) -> Self {
        Self {
            total,
            before,
            started: now,
            counts: Counts::default(),
            waiting: None,
        }
    }

    /// An asset has its outcome.
    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        self.counts.add(outcome.verdict, 1);
    }

    /// The run waits.
    pub(crate) fn waiting(&mut self, lane: &str, why: &str, left: Duration, now: Instant) {
        self.waiting = Some(Waiting {
            text: format!("{}: {}", harmless(lane), harmless(why)),
            told: now,
            until: now + left,
        });
    }

    /// How many assets have their outcome.
    fn done(&self) -> u64 {
        self.before + self.counts.total()
    }

    /// Outcomes a second, once there is something to go by.
    fn rate(&self, now: Instant) -> Option<f64> {
        let spent = now.duration_since(self.started).as_secs_f64();
        (spent >= 0.5 && self.counts.total() > 0).then(|| self.counts.total() as f64 / spent)
    }

    /// For how long it will go on at this rate.
    fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.total.saturating_sub(self.done()) as f64 / self.rate(now)?;
        (left > 0.0).then(|| Duration::from_secs_f64(left.min(1e9)))
    }

    /// The same as a line of its own, `12 of 40: …`, with what was waited for since the last one.
    fn line(&self, last: Instant, now: Instant) -> String {
        let done = format!("{} of {}", number(self.done()), number(self.total));
        let waited = self
            .waiting
            .as_ref()
            .filter(|waiting| waiting.told >= last && waiting.until < now)
            .map(|waiting| format!("waited for {}", waiting.text));
        let parts = [Some(self.text(now)), waited].into_iter().flatten();
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            done
        } else {
            format!("{done}: {}", parts.join("; "))
        }
    }

    /// `40 a second, 2 min 3 s left; 12 succeeded, 1 failed; waiting for writes: the quota is used up (8 s)`.
    pub(crate) fn text(&self, now: Instant) -> String {
        let pace = [
            self.rate(now).map(rate_text),
            self.left(now)
                .map(|left| format!("{} left", duration(left))),
        ];
        let pace: Vec<String> = pace.into_iter().flatten().collect();
        let counts: Vec<String> = self
            .counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(verdict, count)| format!("{} {}", number(count), verdict_text(verdict)))
            .collect();
        let waiting = self.waiting.as_ref().and_then(|waiting| {
            let left = waiting.until.checked_duration_since(now)?;
            Some(format!("waiting for {} ({})", waiting.text, duration(left)))
        });
        [
            pace.join(", "),
            counts.join(", "),
            waiting.unwrap_or_default(),
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
    }
}

fn rate_text(rate: f64) -> String {
    if rate >= 10.0 {
        format!("{} a second", number(rate.round() as u64))
    } else {
        format!("{rate:.1} a second")
    }
}

/// Where progress is drawn.
pub(crate) enum Display {
    /// A bar at the bottom of the terminal.
    Bar {
        /// Made when the run has taken a moment.
        bar: Option<ProgressBar>,
        /// What it belongs to.
        printer: Printer,
    },
    /// A line now and then.
    Lines {
        /// When the last was written.
        last: Instant,
        /// Where to.
        printer: Printer,
    },
}

impl Display {
    /// What fits the streams.
    pub(crate) fn new(printer: &Printer, now: Instant) -> Self {
        let printer = printer.clone();
        if printer.is_watched() {
            Self::Bar { bar: None, printer }
        } else {
            Self::Lines { last: now, printer }
        }
    }

    /// Draws, unless it is too early.
    pub(crate) fn draw(&mut self, progress: &Progress, now: Instant) {
        match self {
            Self::Bar { bar, printer } => {
                if bar.is_none() && now.duration_since(progress.started) >= BAR_AFTER {
                    *bar = Some(printer.bars().add(new_bar(progress.total)));
                }
                if let Some(bar) = bar {
                    bar.set_position(progress.done());
                    bar.set_message(progress.text(now));
                }
            }
            Self::Lines { last, printer } => {
                if now.duration_since(*last) >= LINE_EVERY {
                    printer.note(&format!("{}\n", progress.line(*last, now)));
                    *last = now;
                }
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&mut self) {
        if let Self::Bar { bar: Some(bar), .. } = self {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    match ProgressStyle::with_template("{bar:24} {human_pos}/{human_len}  {wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]
mod tests {
    use tipstaff::Verdict;

    use super::*;

    fn after(progress: &Progress, seconds: u64) -> String {
        progress.text(progress.started + Duration::from_secs(seconds))
    }

    #[test]
    fn the_pace_tells_what_is_left() {
        let mut progress = Progress::new(1_000, 0, Instant::now());
        assert_eq!(after(&progress, 0), "");
        assert_eq!(
            progress.line(progress.started, progress.started),
            "0 of 1,000"
        );
        progress.counts.add(Verdict::Succeeded, 190);
        progress.counts.add(Verdict::Failed, 10);
        assert_eq!(
            after(&progress, 10),
            "20 a second, 40 s left; 190 succeeded, 10 failed"
        );
    }

    #[test]
    fn what_was_done_before_does_not_make_it_faster() {
        let mut progress = Progress::new(1_000, 900, Instant::now());
        progress.counts.add(Verdict::Succeeded, 10);
        assert_eq!(
            after(&progress, 10),
            "1.0 a second, 1 min 30 s left; 10 succeeded"
        );
    }

    #[test]
    fn waiting_is_told_until_it_is_over() {
        let mut progress = Progress::new(10, 0, Instant::now());
        let started = progress.started;
        progress.waiting(
            "writes",
            "the quota is used up",
            Duration::from_secs(20),
            started,
        );
        assert_eq!(
            after(&progress, 5),
            "waiting for writes: the quota is used up (15 s)"
        );
        assert_eq!(after(&progress, 21), "");
        let later = |seconds| started + Duration::from_secs(seconds);
        assert_eq!(
            progress.line(started, later(21)),
            "0 of 10: waited for writes: the quota is used up"
        );
        assert_eq!(progress.line(later(1), later(21)), "0 of 10");
    }

    #[test]
    fn the_template_of_the_bar_is_one() {
        ProgressStyle::with_template("{bar:24} {human_pos}/{human_len}  {wide_msg}").unwrap();
    }
}
