//! `tipstaff check`: token and permissions, changing nothing.

use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::Args;
use revoke_user_sessions_component::NAME;
use tipstaff::{CheckReport, Level};

use crate::ask;
use crate::context::{Context, load_action};
use crate::diagnostic::{Failure, exit};
use crate::printer::Paint;
use crate::signals::Signals;
use crate::text::{harmless, padded};

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The connection of tipstaff.toml to check
    #[arg(long, value_name = "NAME")]
    connection: String,

    /// The action that it has to do for: a name, name@version, or the path of a component
    #[arg(long, value_name = "ACTION", default_value = NAME)]
    action: String,

    /// Ask nothing: say yes to what an action of a file asks for
    #[arg(long, short)]
    yes: bool,
}

pub(crate) async fn run(context: &Context, args: CheckArgs) -> Result<ExitCode, Failure> {
    check(context, &args.connection, &args.action, args.yes).await
}

/// Asks `action` whether it could work with `connection`.
pub(crate) async fn check(
    context: &Context,
    connection: &str,
    action: &str,
    yes: bool,
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    let connection = context.connection(connection)?;
    let host = context.host().await?;
    let action = load_action(&host, action).await?;
    let _may_use = ask::may_use(context, &host, &action, yes, &mut signals).await?;
    let check = async { Ok(host.check(&action, connection).await?) };
    let report = tokio::select! {
        report = check => report,
        () = signals.next() => Err(Failure::new("the check was stopped").with_code(exit::CUT_SHORT)),
    }?;
    for (message, hint) in &report.troubles {
        context.printer.warning(message, hint.as_deref());
    }
    context
        .printer
        .print(&render(&report, context.printer.paint()))?;
    let works = report.findings.iter().all(|f| f.level != Level::Bad);
    Ok(ExitCode::from(if works {
        exit::DONE
    } else {
        exit::NOT_ALL
    }))
}

/// A line for each finding.
fn render(report: &CheckReport, paint: Paint) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let (word, colour) = match finding.level {
            Level::Good => ("works", AnsiColor::Green),
            Level::Warning => ("warning", AnsiColor::Yellow),
            Level::Bad => ("broken", AnsiColor::Red),
        };
        text.push_str(&format!(
            "{}  {}: {}\n",
            paint.paint(colour.on_default(), &padded(word, 7)),
            harmless(&finding.code),
            harmless(&finding.message),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use tipstaff::Finding;

    use super::*;

    #[test]
    fn findings_are_lines() {
        let finding = |level, code: &str, message: &str| Finding {
            level,
            code: code.to_owned(),
            message: message.to_owned(),
        };
        let report = CheckReport {
            findings: vec![
                finding(Level::Good, "signed-in", "The application signed in."),
                finding(Level::Warning, "no-look-up", "Users cannot be looked up."),
                finding(
                    Level::Bad,
                    "role-missing",
                    "User.RevokeSessions.All is missing.",
                ),
            ],
            troubles: Vec::new(),
        };
        insta::assert_snapshot!(render(&report, Paint::plain()), @r"
        works    signed-in: The application signed in.
        warning  no-look-up: Users cannot be looked up.
        broken   role-missing: User.RevokeSessions.All is missing.
        ");
    }
}
