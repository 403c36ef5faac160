//! Where a user's state and configuration are, when no option says so.
//!
//! It looks at environment variables only; whether the folders are there is for others to see.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::diagnostic::Failure;

/// What the environment says.
pub(crate) trait Environment {
    /// The value of a variable.
    fn get(&self, name: &str) -> Option<OsString>;
}

/// This process's environment.
pub(crate) struct Process;

impl Environment for Process {
    fn get(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

/// The folder for what outlives a run: `$XDG_STATE_HOME/tipstaff`, by default `~/.local/state/tipstaff` (XDG Base
/// Directory Specification); on Windows `%LOCALAPPDATA%\tipstaff`.
pub(crate) fn state(environment: &impl Environment) -> Result<PathBuf, Failure> {
    user_folder(environment, "XDG_STATE_HOME", ".local/state").ok_or_else(|| {
        Failure::new("there is no folder for the state: `HOME` is not set")
            .hint("name one with `--state DIR` or `TIPSTAFF_STATE`")
    })
}

/// The folder of the user's `tipstaff.toml`: `$XDG_CONFIG_HOME/tipstaff`, by default `~/.config/tipstaff`; on Windows
/// `%LOCALAPPDATA%\tipstaff`.
pub(crate) fn configuration(environment: &impl Environment) -> Option<PathBuf> {
    user_folder(environment, "XDG_CONFIG_HOME", ".config")
}

fn user_folder(
    environment: &impl Environment,
    variable: &str,
    below_home: &str,
) -> Option<PathBuf> {
    // "If an implementation encounters a relative path in any of these variables it should consider the path invalid
    // and ignore it."
    let absolute = |name: &str| {
        environment
            .get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute(variable)
        .or_else(|| absolute("HOME").map(|home| home.join(below_home)))
        .or_else(|| absolute("LOCALAPPDATA"))?;
    Some(base.join("tipstaff"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    struct Given(&'static [(&'static str, &'static str)]);

    impl Environment for Given {
        fn get(&self, name: &str) -> Option<OsString> {
            let found = self.0.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).into())
        }
    }

    #[test]
    fn the_specification_of_base_directories_is_kept() {
        let home = Given(&[("HOME", "/home/ada")]);
        assert_eq!(
            state(&home).ok(),
            Some("/home/ada/.local/state/tipstaff".into())
        );
        assert_eq!(
            configuration(&home),
            Some("/home/ada/.config/tipstaff".into())
        );
        let own = Given(&[("HOME", "/home/ada"), ("XDG_STATE_HOME", "/var/state")]);
        assert_eq!(state(&own).ok(), Some("/var/state/tipstaff".into()));
        let relative = Given(&[("HOME", "/home/ada"), ("XDG_STATE_HOME", "state")]);
        assert_eq!(
            state(&relative).ok(),
            Some("/home/ada/.local/state/tipstaff".into())
        );
    }

    #[test]
    fn without_a_home_a_folder_has_to_be_named() {
        let failure = state(&Given(&[])).err();
        let text = failure.map(|f| f.render(false)).unwrap_or_default();
        assert!(text.contains("`--state DIR`"), "{text}");
    }
}
