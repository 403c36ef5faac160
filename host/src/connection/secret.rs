//! Where the secrets of a connection come from. They are read when a request needs them, and not before.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tipstaff_egress::Secret;
use zeroize::Zeroizing;

/// Where a secret is kept.
#[derive(Debug)]
pub enum SecretSource {
    /// An environment variable of this process.
    Env(String),
    /// A file that holds the secret and nothing else; one line break at its end is not part of it.
    File(PathBuf),
    /// An entry of the system's keyring, under the service `tipstaff`.
    Keyring(String),
    /// A program and its arguments, which prints the secret. It gets no standard input and thirty seconds.
    Command(Vec<String>),
    /// The secret itself, from an embedding program.
    Given(Secret),
}

/// Why a secret could not be read. Never what was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The variable is not set.
    #[error("environment variable `{0}` is not set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("secret file `{path}` cannot be read: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The keyring does not give it.
    #[error("keyring entry `{entry}` of service `tipstaff` cannot be read: {reason}")]
    Keyring {
        /// Which entry.
        entry: String,
        /// What the keyring said.
        reason: String,
    },
    /// The command failed.
    #[error("secret command `{program}` {reason}")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// How it failed.
        reason: String,
    },
    /// There is nothing in it.
    #[error("{0} is empty")]
    Empty(String),
    /// It is not text.
    #[error("{0} is not UTF-8 text")]
    NotText(String),
}

const COMMAND_PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_SECRET: usize = 64 * 1024;

impl SecretSource {
    /// What it is, for a person: never the secret.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Env(name) => format!("environment variable `{name}`"),
            Self::File(path) => format!("file `{}`", path.display()),
            Self::Keyring(entry) => format!("keyring entry `{entry}`"),
            Self::Command(words) => {
                format!("command `{}`", words.first().map_or("", String::as_str))
            }
            Self::Given(_) => "given by the embedding program".to_owned(),
        }
    }

    /// Whether it can be seen without reading it that it is missing: the variable is not set, the file not there.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn is_there(&self) -> Result<(), SourceError> {
        match self {
            Self::Env(name) => match std::env::var_os(name) {
                None => Err(SourceError::NoVariable(name.clone())),
                Some(value) if value.is_empty() => Err(SourceError::Empty(self.describe())),
                Some(_) => Ok(()),
            },
            Self::File(path) => match std::fs::metadata(path) {
                Ok(_) => Ok(()),
                Err(error) => Err(SourceError::File {
                    path: path.clone(),
                    reason: error.to_string(),
                }),
            },
            Self::Keyring(_) | Self::Command(_) | Self::Given(_) => Ok(()),
        }
    }

    /// Reads the secret.
    ///
    /// # Errors
    ///
    /// [`SourceError`], which names the source and never its content.
    pub async fn read(&self) -> Result<Secret, SourceError> {
        let bytes =
            match self {
                Self::Given(secret) => return Ok(Secret::new(secret.expose().to_owned())),
                Self::Env(name) => match std::env::var_os(name) {
                    Some(value) => Zeroizing::new(value.into_encoded_bytes()),
                    None => return Err(SourceError::NoVariable(name.clone())),
                },
                Self::File(path) => {
                    Zeroizing::new(tokio::fs::read(path).await.map_err(|error| {
                        SourceError::File {
                            path: path.clone(),
                            reason: error.to_string(),
                        }
                    })?)
                }
                Self::Keyring(entry) => {
                    let failed = |error: keyring::Error| SourceError::Keyring {
                        entry: entry.clone(),
                        reason: error.to_string(),
                    };
                    let password = keyring::Entry::new("tipstaff", entry)
                        .and_then(|e| e.get_password())
                        .map_err(failed)?;
                    Zeroizing::new(password.into_bytes())
                }
                Self::Command(words) => output(words).await?,
            };
        self.checked(bytes)
    }

    fn checked(&self, mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, SourceError> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        if bytes.is_empty() {
            return Err(SourceError::Empty(self.describe()));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.len() <= LONGEST_SECRET => Ok(Secret::new(text.to_owned())),
            _ => Err(SourceError::NotText(self.describe())),
        }
    }
}

async fn output(words: &[String]) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    let (program, arguments) = words
        .split_first()
        .map_or(("", [].as_slice()), |(p, a)| (p.as_str(), a));
    let failed = |reason: String| SourceError::Command {
        program: program.to_owned(),
        reason,
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let run = async {
        let output = command
            .output()
            .await
            .map_err(|error| failed(format!("cannot be run: {error}")))?;
        let text = Zeroizing::new(output.stdout);
        if output.status.success() {
            Ok(text)
        } else {
            Err(failed(format!("failed: {}", output.status)))
        }
    };
    match tokio::time::timeout(COMMAND_PATIENCE, run).await {
        Ok(result) => result,
        Err(_) => Err(failed(format!("did not end within {COMMAND_PATIENCE:?}"))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    async fn read(source: SecretSource) -> Result<String, SourceError> {
        source.read().await.map(|secret| secret.expose().to_owned())
    }

    #[tokio::test]
    async fn one_line_break_at_the_end_is_not_part_of_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (content, secret) in [
            ("s3cr3t\n", "s3cr3t"),
            ("s3cr3t\r\n", "s3cr3t"),
            (" s \n\n", " s \n"),
            ("s", "s"),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(
                read(SecretSource::File(path.clone())).await.unwrap(),
                secret
            );
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(
            read(SecretSource::File(path.clone())).await,
            Err(SourceError::Empty(_))
        ));
        std::fs::write(&path, [0xff]).unwrap();
        assert!(matches!(
            read(SecretSource::File(path)).await,
            Err(SourceError::NotText(_))
        ));
    }

    #[tokio::test]
    async fn a_command_gives_its_output_or_a_reason_without_it() {
        let words =
            |words: &[&str]| SecretSource::Command(words.iter().map(|w| (*w).to_owned()).collect());
        assert_eq!(read(words(&["printf", "s3cr3t"])).await.unwrap(), "s3cr3t");
        let error = read(words(&["sh", "-c", "printf s3cr3t; exit 3"]))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("exit status: 3") && !error.contains("s3cr3t"),
            "{error}"
        );
        assert!(matches!(
            read(words(&["tipstaff-no-such-program"])).await,
            Err(SourceError::Command { .. })
        ));
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let error = SecretSource::Env("TIPSTAFF_NOT_SET".to_owned())
            .is_there()
            .unwrap_err();
        assert_eq!(
            error,
            SourceError::NoVariable("TIPSTAFF_NOT_SET".to_owned())
        );
    }
}
