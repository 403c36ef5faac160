//! What every subcommand needs: the streams, the configuration, the state folder, the host.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use revoke_user_sessions_component::{COMPONENT, NAME};
use tipstaff::{Action, Config, Connection, Host, StateFolder};

use crate::arguments::Common;
use crate::diagnostic::{Failure, unknown};
use crate::folders;
use crate::printer::Printer;

/// What holds for this call of the command.
pub(crate) struct Context {
    common: Common,
    /// Where results and notes go.
    pub(crate) printer: Printer,
}

impl Context {
    pub(crate) fn new(common: Common, printer: Printer) -> Self {
        Self { common, printer }
    }

    /// Reads the configuration, and tells of its warnings.
    ///
    /// The file of `--config` has to be there; the others may be.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let path = match &self.common.config {
            Some(path) => Some(path.clone()),
            None => default_config(),
        };
        let config = path.map_or_else(|| Ok(Config::default()), |path| Config::read(&path))?;
        for warning in &config.warnings {
            self.printer.warning(warning, None);
        }
        Ok(config)
    }

    /// The connection of this name.
    pub(crate) fn connection(&self, name: &str) -> Result<Connection, Failure> {
        Ok(self.config()?.connection(name)?)
    }

    /// Where the state is, or will be.
    pub(crate) fn state_path(&self) -> Result<PathBuf, Failure> {
        match &self.common.state {
            Some(path) => Ok(path.clone()),
            None => folders::state(&folders::Process),
        }
    }

    /// The state folder, made if it was not there.
    pub(crate) fn state(&self) -> Result<StateFolder, Failure> {
        Ok(StateFolder::open(&self.state_path()?)?)
    }

    /// A host over the state folder.
    pub(crate) async fn host(&self) -> Result<Host, Failure> {
        open_host(&self.state_path()?).await
    }

    /// What queries, statements and schedules take for the current time. Ask once for each of them.
    pub(crate) fn now(&self) -> Timestamp {
        self.common.now.unwrap_or_else(Timestamp::now)
    }

    /// A command that a person can type next, with the same configuration and state folder.
    pub(crate) fn next_command(&self, words: &str) -> String {
        let mut command = format!("tipstaff {words}");
        for (option, path) in [
            ("--config", &self.common.config),
            ("--state", &self.common.state),
        ] {
            if let Some(path) = path {
                command.push_str(&format!(" {option} {}", quoted(path)));
            }
        }
        command
    }

    /// The same context with another state folder.
    pub(crate) fn with_state(&self, path: PathBuf) -> Self {
        Self {
            common: Common {
                state: Some(path),
                ..self.common.clone()
            },
            printer: self.printer.clone(),
        }
    }

    /// The state folder that was named on the command line or in the environment.
    pub(crate) fn named_state(&self) -> Option<&Path> {
        self.common.state.as_deref()
    }
}

/// A command makes one run, and may check or describe beside it.
const INSTANCES: u32 = 4;

/// A host with the action that the command carries.
pub(crate) async fn open_host(state: &Path) -> Result<Host, Failure> {
    Ok(Host::builder()
        .state_dir(state)
        .bundle(NAME, COMPONENT)
        .instances(INSTANCES)
        .open()
        .await?)
}

/// Loads ACTION: a name, `name@version`, or the path of a component.
pub(crate) async fn load_action(host: &Host, text: &str) -> Result<Action, Failure> {
    let Some((name, version)) = with_version(text) else {
        return Ok(host.load(text).await?);
    };
    let action = host.load(name).await?;
    let found = &action.manifest().version;
    if found == version {
        return Ok(action);
    }
    let there_is = format!("{name}@{found}");
    Err(unknown("action", text, [there_is.as_str()], ""))
}

/// `name@version`, unless it is a path.
fn with_version(text: &str) -> Option<(&str, &str)> {
    let is_path = text.ends_with(".wasm") || text.contains(['/', std::path::MAIN_SEPARATOR]);
    text.split_once('@').filter(|_| !is_path)
}

fn default_config() -> Option<PathBuf> {
    let here = PathBuf::from("tipstaff.toml");
    let users = folders::configuration(&folders::Process).map(|f| f.join("tipstaff.toml"));
    // A file that is there and cannot be looked at is not passed over: reading it says what is wrong.
    let is_there = |path: &PathBuf| path.try_exists().unwrap_or(true);
    Some(here)
        .filter(is_there)
        .or_else(|| users.filter(is_there))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_follow_a_name_and_no_path() {
        assert_eq!(with_version("revoke@0.1.0"), Some(("revoke", "0.1.0")));
        assert_eq!(with_version("revoke"), None);
        assert_eq!(with_version("a@b/revoke.wasm"), None);
        assert_eq!(with_version("revoke@2.wasm"), None);
    }

    #[test]
    fn paths_can_be_pasted_into_a_shell() {
        assert_eq!(quoted(Path::new("/var/lib/tipstaff")), "/var/lib/tipstaff");
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
