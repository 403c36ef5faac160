//! The log: to standard error, as text or JSON, as much as `-v` says.
//!
//! What a run says of its assets is no log; see `show`.

use std::io::{self, Write};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::arguments::{Common, LogFormat};
use crate::printer::Printer;

/// Starts the log of this process.
pub(crate) fn start(common: &Common, printer: &Printer) {
    let layer = tracing_subscriber::fmt::layer().with_writer(AboveBar(printer.clone()));
    let registry = tracing_subscriber::registry().with(targets(common.verbose));
    // There is no other subscriber in this process, and without a log it goes on.
    let _ = match common.log_format {
        LogFormat::Text => registry
            .with(layer.with_ansi(printer.notes_have_colour()))
            .try_init(),
        LogFormat::Json => registry
            .with(layer.json().flatten_event(true).with_ansi(false))
            .try_init(),
    };
}

/// What is logged: of us more with each `-v`; of what we build on only what went wrong, until everything is asked for.
/// What an action warns of is in its outcomes too, so it is logged only when somebody asks.
fn targets(verbose: u8) -> Targets {
    let (ours, actions, theirs) = match verbose {
        0 => (Level::WARN, Level::ERROR, Level::ERROR),
        1 => (Level::INFO, Level::INFO, Level::ERROR),
        2 => (Level::DEBUG, Level::DEBUG, Level::WARN),
        _ => (Level::TRACE, Level::TRACE, Level::DEBUG),
    };
    Targets::new()
        .with_default(theirs)
        .with_target("tipstaff", ours)
        .with_target("tipstaff::action", actions)
        .with_target("entra_emulator", ours)
}

/// Writes whole lines above the progress bar.
struct AboveBar(Printer);

impl<'a> MakeWriter<'a> for AboveBar {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            printer: self.0.clone(),
        }
    }
}

struct Line {
    printer: Printer,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.printer.bars().suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_tells_more_of_us_and_little_of_others() {
        let tells =
            |verbose: u8, target: &str, level: Level| targets(verbose).would_enable(target, &level);
        assert!(tells(0, "tipstaff::host", Level::WARN));
        assert!(!tells(0, "tipstaff::action", Level::WARN));
        assert!(tells(1, "tipstaff::action", Level::WARN));
        assert!(tells(1, "tipstaff_egress::client", Level::INFO));
        assert!(!tells(2, "hyper", Level::DEBUG));
        assert!(tells(3, "hyper", Level::DEBUG));
    }
}
