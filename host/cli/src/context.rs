//! What every subcommand needs: the streams, the configuration, the state folder, the host.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use revoke_user_sessions_component::{COMPONENT, NAME};
use tipstaff::{
    Action, ApprovalsFile, Config, Connection, Host, RegistryError, StateFolder, TrustStore,
};

use crate::arguments::Common;
use crate::diagnostic::Failure;
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

    /// The configuration file: the one of `--config`, whether or not it is there, else one that is.
    pub(crate) fn config_path(&self) -> Option<PathBuf> {
        self.common.config.clone().or_else(default_config)
    }

    /// Reads the configuration, and tells of its warnings.
    ///
    /// The file of `--config` has to be there; the others may be.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let config = self
            .config_path()
            .map_or_else(|| Ok(Config::default()), |path| Config::read(&path))?;
        for warning in &config.warnings {
            self.printer.warning(warning, None);
        }
        Ok(config)
    }

    /// The connection of this name. It trusts the authorities of the trust store beside its own.
    pub(crate) fn connection(&self, name: &str) -> Result<Connection, Failure> {
        let connection = self.config()?.connection(name)?;
        Ok(match self.trust()?.pem()? {
            Some(pem) => connection.trusting(&pem),
            None => connection,
        })
    }

    /// The authorities that every connection trusts.
    pub(crate) fn trust(&self) -> Result<TrustStore, Failure> {
        Ok(TrustStore::of(&self.state_path()?))
    }

    /// The connection of this name, and all others, to which dynamic values may send assets.
    pub(crate) fn connection_and_others(
        &self,
        name: &str,
    ) -> Result<(Connection, Vec<Connection>), Failure> {
        let (connection, others) = self.config()?.connection_and_others(name)?;
        let Some(pem) = self.trust()?.pem()? else {
            return Ok((connection, others));
        };
        let others = others.into_iter().map(|other| other.trusting(&pem));
        Ok((connection.trusting(&pem), others.collect()))
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

    /// A host over the state folder, with the approvals of the file that the command line or the configuration names.
    pub(crate) async fn host(&self) -> Result<Host, Failure> {
        let mut builder = Host::builder()
            .state_dir(self.state_path()?)
            .bundle(NAME, COMPONENT)
            .instances(INSTANCES);
        if let Some(path) = self.approvals() {
            builder = builder.approvals(ApprovalsFile::read(&path).map_err(RegistryError::from)?);
        }
        Ok(builder.open().await?)
    }

    /// The file of approvals, if one is named. A configuration that has a fault names none: what needs it tells of the
    /// fault, and nothing is approved by it.
    fn approvals(&self) -> Option<PathBuf> {
        if let Some(path) = &self.common.approvals {
            return Some(path.clone());
        }
        let config = self.common.config.clone().or_else(default_config)?;
        Config::read(&config).ok()?.approvals
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
            ("--approvals", &self.common.approvals),
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

/// Loads ACTION: a name, `name@version`, or the path of a component.
pub(crate) async fn load_action(host: &Host, text: &str) -> Result<Action, Failure> {
    Ok(host.load(text).await?)
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
    fn paths_can_be_pasted_into_a_shell() {
        assert_eq!(quoted(Path::new("/var/lib/tipstaff")), "/var/lib/tipstaff");
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
