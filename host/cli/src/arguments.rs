//! What can be written on the command line. Completions and the manual page are made from the same definitions.
//!
//! Each subcommand's own arguments stand in its file below `command/`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::command;

/// Runs enforcement actions against assets, each action in a sandbox.
///
/// Exit codes: 0 every asset succeeded, was skipped or would be enforced; 1 some failed, are in doubt or were not
/// attempted; 2 the request was wrong and nothing was sent; 3 the run was cut short.
#[derive(Debug, Parser)]
#[command(name = "tipstaff", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What holds for every subcommand, before or after it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Configuration file [default: ./tipstaff.toml, then tipstaff/tipstaff.toml in the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE", env = "TIPSTAFF_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// State folder: ledger, inventory, compiled code [default: the user's state folder]
    #[arg(long, global = true, value_name = "DIR", env = "TIPSTAFF_STATE")]
    pub(crate) state: Option<PathBuf>,

    /// Approvals of actions that hold beside your own, kept in version control [default: `approvals` of tipstaff.toml]
    #[arg(long, global = true, value_name = "FILE", env = "TIPSTAFF_APPROVALS")]
    pub(crate) approvals: Option<PathBuf>,

    /// Log more: once what is done, twice how, three times everything
    #[arg(short, long = "verbose", global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// How the log is written, to standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// No colours, also where the terminal has them (as with NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,

    /// Take this for the current time in queries, statements and schedules: `2026-11-20` or `2026-11-20T08:00:00Z`
    #[arg(long, global = true, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
}

/// A date as assets have them, which is what it will be compared with.
fn time(text: &str) -> Result<Timestamp, String> {
    tipstaff::asset::date::of_text(text.trim())
        .ok_or_else(|| "write `2026-11-20` or `2026-11-20T08:00:00Z`".to_owned())
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows the first action at work: an emulated tenant with sample users, start to finish
    Demo(command::demo::DemoArgs),
    /// Runs an action against assets
    Run(command::run::RunArgs),
    /// Proves that a connection works, changing nothing
    Check(command::check::CheckArgs),
    /// Assets that were imported
    #[command(subcommand)]
    Assets(command::assets::AssetsCommand),
    /// Queries that were saved under a name
    #[command(subcommand)]
    Queries(command::queries::QueriesCommand),
    /// Runs that were made, and what came of each asset
    #[command(subcommand)]
    Runs(command::runs::RunsCommand),
    /// Actions that can be run, and what each may do
    #[command(subcommand)]
    Actions(command::actions::ActionsCommand),
    /// Connections of tipstaff.toml
    #[command(subcommand)]
    Connections(command::connections::ConnectionsCommand),
    /// Statements that compute fields of an action's form for each asset
    #[command(subcommand)]
    Dynamic(command::dynamic::DynamicCommand),
    /// Authorities that every connection trusts beside the public ones
    #[command(subcommand)]
    Trust(command::trust::TrustCommand),
    /// Runs a Microsoft Entra tenant on loopback, for tests and demonstrations
    Emulator(entra_emulator::EmulatorArgs),
    /// Prints completions for a shell
    Completions(command::completions::CompletionsArgs),
    /// Prints the manual page
    Man(command::man::ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn common_options_stand_before_or_after_the_subcommand() {
        let before = Cli::try_parse_from(["tipstaff", "--state", "a", "-vv", "runs", "list"]);
        let after = Cli::try_parse_from(["tipstaff", "runs", "list", "--state", "a", "-vv"]);
        for parsed in [before, after] {
            let common = parsed.map(|cli| cli.common).ok();
            let state = common.as_ref().and_then(|c| c.state.clone());
            assert_eq!(state, Some(PathBuf::from("a")));
            assert_eq!(common.map(|c| c.verbose), Some(2));
        }
    }

    #[test]
    fn the_clock_can_be_set() {
        let parse = |time: &str| {
            let cli = Cli::try_parse_from(["tipstaff", "runs", "list", "--now", time]);
            cli.ok().and_then(|cli| cli.common.now)
        };
        let moment = "2026-11-20T00:00:00Z".parse().ok();
        assert_eq!(parse("2026-11-20"), moment);
        assert_eq!(parse("2026-11-20T01:00:00+01:00"), moment);
        assert_eq!(parse("tomorrow"), None);
    }
}
