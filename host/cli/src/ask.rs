//! Questions. They are asked only where somebody can answer; elsewhere they are refused, unless `--yes` was given.

use std::io::{self, Write};

use tipstaff::enforcement::ledger::RunRecord;
use tipstaff::{Action, Claims, Host, Plan, Standing};

use crate::context::Context;
use crate::diagnostic::Failure;
use crate::show;
use crate::signals::Signals;
use crate::text::short_digest;

/// Proof that somebody said yes, or that there was nothing to say yes to.
#[must_use = "whether somebody said yes decides what may happen"]
pub(crate) struct Yes(());

/// Asks whether an action may be used, if nobody has said yes to its component, and keeps the yes.
pub(crate) async fn may_use(
    context: &Context,
    host: &Host,
    action: &Action,
    yes: bool,
    signals: &mut Signals,
) -> Result<Yes, Failure> {
    let standing = host.standing(action).await?;
    if standing.is_approved() {
        return Ok(Yes(()));
    }
    approve(context, host, action, &standing, Given::of(yes), signals).await
}

/// What was said yes to beforehand, on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    /// To what the action asks for.
    pub(crate) yes: bool,
    /// Also to what only the action vouches for.
    pub(crate) claims: bool,
}

impl Given {
    fn of(yes: bool) -> Self {
        Self { yes, claims: false }
    }
}

/// Shows what a component asks for, asks, and keeps the yes.
pub(crate) async fn approve(
    context: &Context,
    host: &Host,
    action: &Action,
    standing: &Standing,
    given: Given,
    signals: &mut Signals,
) -> Result<Yes, Failure> {
    let printer = &context.printer;
    let (columns, paint) = (printer.columns(), printer.paint_notes());
    let has_claims = host.asks(action).claims().next().is_some();
    let mut claims = if given.claims {
        Claims::Believed
    } else {
        Claims::NotBelieved
    };
    if !given.yes {
        let manifest = action.manifest();
        let before = match standing {
            Standing::NotApproved(before) => before.as_deref(),
            _ => None,
        };
        if !printer.can_ask() {
            if let Some(before) = before {
                printer.note(&show::approval::difference(before, columns, paint));
            }
            let how = before.map_or_else(String::new, |b| format!(": {}", b.sentence()));
            return Err(Failure::new(format!(
                "action `{}` {} is not approved{how}, and there is no terminal to ask on",
                manifest.name, manifest.version
            ))
            .hint(
                "nothing was sent; `tipstaff actions inspect X` shows what it asks for, and `--yes` says yes to that",
            ));
        }
        let text = show::action::inspection(action, standing, host.limits(), columns, paint);
        printer.note(&text);
        let question = format!(
            "\nMay it do this, now and later? The yes holds for sha-256 {} alone. [y/N] ",
            short_digest(action.digest())
        );
        let _yes = ask(context, &question, signals).await?;
        if has_claims && claims == Claims::NotBelieved {
            let question =
                "\nMay it also send what only it says changes nothing (marked with `!`)? [y/N] ";
            let _yes = ask(context, question, signals).await?;
            claims = Claims::Believed;
        }
    }
    host.approve(action, claims).await?;
    Ok(Yes(()))
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
