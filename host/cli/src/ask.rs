//! Questions. They are asked only where somebody can answer; elsewhere they are refused, unless `--yes` was given.

use std::io::{self, Write};

use tipstaff::enforcement::ledger::RunRecord;
use tipstaff::{Action, Host, Plan};

use crate::context::Context;
use crate::diagnostic::Failure;
use crate::show;
use crate::signals::Signals;

/// Proof that somebody said yes, or that there was nothing to say yes to.
#[must_use = "whether somebody said yes decides what may happen"]
pub(crate) struct Yes(());

/// Asks whether an action may be used that the program does not carry: nobody has seen yet what it asks for.
pub(crate) async fn may_use(
    context: &Context,
    host: &Host,
    action: &Action,
    yes: bool,
    signals: &mut Signals,
) -> Result<Yes, Failure> {
    if yes || host.is_bundled(action) {
        return Ok(Yes(()));
    }
    let name = &action.manifest().name;
    if !context.printer.can_ask() {
        return Err(Failure::new(format!(
            "action `{name}` is not approved, and there is no terminal to ask on"
        ))
        .hint(
            "`tipstaff actions inspect FILE` shows what it asks for, and `--yes` says yes to that",
        ));
    }
    let printer = &context.printer;
    let text = show::action::inspection(action, false, printer.columns(), printer.paint_notes());
    printer.note(&text);
    ask(context, "\nMay it do this, for this once? [y/N] ", signals).await
}

/// A run that began was approved, and what it may use with it: the digest says that it is the same component.
pub(crate) fn was_approved(first: &RunRecord, second: &Plan) -> Option<Yes> {
    (first.digest == second.action().digest()).then_some(Yes(()))
}

/// Asks whether a plan that changes something may be carried out.
pub(crate) async fn may_carry_out(
    context: &Context,
    plan: &Plan,
    yes: bool,
    signals: &mut Signals,
) -> Result<Yes, Failure> {
    if yes {
        return Ok(Yes(()));
    }
    if !context.printer.can_ask() {
        return Err(Failure::new(
            "this would change something, and there is no terminal to ask on; nothing was sent",
        )
        .hint("`--yes` says yes to the plan above, `--simulate` does all but the change"));
    }
    ask(context, &show::plan::question(plan), signals).await
}

async fn ask(context: &Context, question: &str, signals: &mut Signals) -> Result<Yes, Failure> {
    context.printer.note(question);
    let answer = tokio::task::spawn_blocking(|| {
        let _ = io::stderr().flush();
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let answer = async {
        match answer.await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(Failure::new(format!("the answer cannot be read: {error}"))),
            Err(_) => Err(Failure::new("the answer cannot be read")),
        }
    };
    if is_yes(&signals.or(answer).await?) {
        Ok(Yes(()))
    } else {
        Err(Failure::new("the answer was not yes; nothing was sent"))
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "Yes\r\n", " YES "] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yess\n", "ye\n", "j\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
