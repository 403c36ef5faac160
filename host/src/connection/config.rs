//! Reads connections from `tipstaff.toml`.
//!
//! Every error names the file, the line and what would be right; a key that is left over after everything known was
//! taken is such an error. No secret stands in the file, and one that does is refused without being repeated.

mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use self::value::{
    Source, Value, certificate, cloud, flag, pins, private, proxy, quota, secret, text,
};
use super::adapter::{ADAPTERS, Adapter, Kind};
use super::{Certificate, Connection, Network, SecretSource};

/// What a configuration file says.
#[derive(Debug, Default)]
pub struct Config {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// The file of approvals that it names: see [`crate::ApprovalsFile`].
    pub approvals: Option<PathBuf>,
    connections: BTreeMap<String, Connection>,
    /// What somebody should know of the file, and is no error.
    pub warnings: Vec<String>,
}

/// What is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", place(path, *line))]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1, where one is at fault.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

fn place(path: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}, line {line}", path.display()),
        None => path.display().to_string(),
    }
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |message: String| ConfigError {
            path: path.to_owned(),
            line: None,
            message,
            hint: None,
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            unreadable(format!("cannot be read: {error}"))
                .hint("name the file with `--config FILE`; the README shows what stands in it")
        })?;
        let mut config = Self::parse(&text, path)?;
        let sources = config.connections.values().flat_map(|connection| {
            let certificate = connection.which_certificate();
            let keys = certificate
                .into_iter()
                .flat_map(Certificate::secret_sources);
            connection.secrets().map(|(_, source)| source).chain(keys)
        });
        let names_secret_files = sources
            .into_iter()
            .any(|source| matches!(source, SecretSource::File(_)));
        if names_secret_files && is_readable_by_others(path) {
            config.warnings.push(format!(
                "`{}` names secret files and can be read by others than its owner: `chmod 600 {0}`",
                path.display()
            ));
        }
        Ok(config)
    }

    /// Reads `text`; `path` is for messages, and relative paths in it start at its folder.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let source = Source { text, path };
        let document = DeTable::parse(text).map_err(|error| {
            source.error(
                error.span(),
                format!(
                    "is not TOML: {}",
                    error.message().lines().next().unwrap_or_default()
                ),
            )
        })?;
        let mut connections = BTreeMap::new();
        let mut approvals = None;
        for (key, value) in document.into_inner() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("approvals", _) => {
                    approvals = Some(source.file(self::text(&source, "approvals", &value)?));
                }
                ("connections", DeValue::Table(entries)) => {
                    for (name, entry) in entries {
                        let connection =
                            connection(&source, name.get_ref(), entry).map_err(|e| {
                                ConfigError {
                                    message: format!(
                                        "connection `{}`: {}",
                                        name.get_ref(),
                                        e.message
                                    ),
                                    ..e
                                }
                            })?;
                        connections.insert(name.get_ref().to_string(), connection);
                    }
                }
                ("connections", _) => {
                    return Err(source
                        .error(
                            Some(value.span()),
                            "`connections` is not a table".to_owned(),
                        )
                        .hint("write `[connections.NAME]`"));
                }
                (other, _) => {
                    return Err(source.unknown(
                        key.span(),
                        "key",
                        other,
                        ["approvals", "connections"].into_iter(),
                    ));
                }
            }
        }
        Ok(Self {
            path: Some(path.to_owned()),
            approvals,
            connections,
            warnings: Vec::new(),
        })
    }

    /// Every connection, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    /// Takes out the connection of this name, and all others.
    ///
    /// # Errors
    ///
    /// Which names there are, the nearest first.
    pub fn connection_and_others(
        mut self,
        name: &str,
    ) -> Result<(Connection, Vec<Connection>), UnknownConnection> {
        match self.connections.remove(name) {
            Some(connection) => Ok((connection, self.connections.into_values().collect())),
            None => self
                .connection(name)
                .map(|connection| (connection, Vec::new())),
        }
    }

    /// Takes out the connection of this name.
    ///
    /// # Errors
    ///
    /// Which names there are, the nearest first.
    pub fn connection(mut self, name: &str) -> Result<Connection, UnknownConnection> {
        self.connections
            .remove(name)
            .ok_or_else(|| UnknownConnection {
                name: name.to_owned(),
                path: self.path.clone(),
                nearest: nearest(name, self.connections.keys().map(String::as_str))
                    .map(str::to_owned),
                known: self.connections.keys().cloned().collect(),
            })
    }
}

/// No connection has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no connection `{name}`{}", path.as_ref().map(|p| format!(" in {}", p.display())).unwrap_or_default())]
pub struct UnknownConnection {
    /// The name.
    pub name: String,
    /// The file that was read.
    pub path: Option<PathBuf>,
    /// The nearest name that there is.
    pub nearest: Option<String>,
    /// All names.
    pub known: Vec<String>,
}

impl UnknownConnection {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match (&self.nearest, self.known.is_empty(), &self.path) {
            (Some(nearest), _, _) => format!("did you mean `{nearest}`?"),
            (None, false, _) => format!("there are: {}", self.known.join(", ")),
            (None, true, Some(path)) => {
                format!(
                    "`{}` has no connections: add a section `[connections.{}]`",
                    path.display(),
                    self.name
                )
            }
            (None, true, None) => {
                "there is no tipstaff.toml here: the README shows the six lines it takes".to_owned()
            }
        }
    }
}

/// The candidate that `word` was probably meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.map(|c| {
        (
            strsim::damerau_levenshtein(&word.to_lowercase(), &c.to_lowercase()),
            c,
        )
    });
    let (distance, candidate) = near.min()?;
    let is_part = candidate.starts_with(word)
        || word.starts_with(candidate)
        || candidate.contains(&format!("_{word}"));
    (distance <= 2.min(word.len() / 2)
        || distance == 3 && word.len() > 8
        || is_part && word.len() >= 3)
        .then_some(candidate)
}

impl ConfigError {
    fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// The keys that connections of every adapter have.
const COMMON: &[&str] = &[
    "adapter",
    "verify_ssl",
    "ca_file",
    "allow_private_network",
    "cloud",
    "https_proxy",
    "proxy_username",
    "proxy_password",
    "pin_sha256",
    "quota",
];

fn connection(
    source: &Source<'_>,
    name: &str,
    entry: &Value<'_>,
) -> Result<Connection, ConfigError> {
    let DeValue::Table(table) = entry.get_ref() else {
        return Err(source
            .error(Some(entry.span()), "is not a table".to_owned())
            .hint(format!("write `[connections.{name}]`")));
    };
    let adapter = match table.get("adapter") {
        None => {
            return Err(source
                .error(Some(entry.span()), "has no `adapter`".to_owned())
                .hint(format!(
                    "add `adapter = \"{}\"`",
                    ADAPTERS.first().map_or("", |a| a.name)
                )));
        }
        Some(value) => {
            let text = text(source, "adapter", value)?;
            Adapter::named(text).ok_or_else(|| {
                source.unknown(
                    value.span(),
                    "adapter",
                    text,
                    ADAPTERS.iter().map(|a| a.name),
                )
            })?
        }
    };
    let mut connection = Connection {
        name: name.to_owned(),
        adapter,
        ..Connection::entra(name)
    };
    let mut network = Network::default();
    for (key, value) in table.iter() {
        let key_text: &str = key.get_ref();
        match (key_text, adapter.kind(key_text)) {
            ("adapter", _) => {}
            ("verify_ssl", _) => network.verify_ssl = flag(source, key_text, value)?,
            ("ca_file", _) => network.ca_file = Some(source.file(text(source, key_text, value)?)),
            ("allow_private_network", _) => network.private = private(source, value)?,
            ("cloud", _) => connection.cloud = cloud(source, adapter, value)?,
            ("quota", _) => connection.quota = quota(source, value)?,
            ("pin_sha256", _) => network.pins = pins(source, value)?,
            // Read together, after the others.
            ("https_proxy" | "proxy_username" | "proxy_password", _) => {}
            (_, Some(Kind::Secret)) => {
                connection
                    .secrets
                    .insert(key_text.to_owned(), secret(source, name, key_text, value)?);
            }
            (_, Some(Kind::Certificate)) => {
                connection.certificate = Some(certificate(source, name, key_text, value)?);
            }
            (_, Some(Kind::Text)) => {
                connection.fields.insert(
                    key_text.to_owned(),
                    text(source, key_text, value)?.to_owned(),
                );
            }
            (_, Some(Kind::Flag)) => {
                connection.fields.insert(
                    key_text.to_owned(),
                    flag(source, key_text, value)?.to_string(),
                );
            }
            (_, None) => {
                let known = COMMON
                    .iter()
                    .copied()
                    .chain(adapter.fields.iter().map(|(name, _)| *name));
                return Err(source.unknown(key.span(), "key", key_text, known));
            }
        }
    }
    connection.network = network;
    connection.proxy = proxy(source, name, table)?;
    Ok(connection)
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
