//! Reads connections from `tipstaff.toml`.
//!
//! Every error names the file, the line and what would be right; a key that is left over after everything known was
//! taken is such an error. No secret stands in the file, and one that does is refused without being repeated.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tipstaff_egress::PinError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::adapter::{ADAPTERS, Adapter, Kind};
use super::{
    Cloud, Connection, Network, NetworkPolicy, Pin, Proxy, ProxyAddress, Quota, SecretSource,
};

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
        let names_secret_files = config
            .connections
            .values()
            .flat_map(Connection::secrets)
            .any(|(_, s)| matches!(s, SecretSource::File(_)));
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

struct Source<'a> {
    text: &'a str,
    path: &'a Path,
}

impl Source<'_> {
    fn error(&self, span: Option<Range<usize>>, message: String) -> ConfigError {
        let line = span.map(|span| {
            1 + self
                .text
                .bytes()
                .take(span.start)
                .filter(|b| *b == b'\n')
                .count()
        });
        ConfigError {
            path: self.path.to_owned(),
            line,
            message,
            hint: None,
        }
    }

    fn unknown<'c>(
        &self,
        span: Range<usize>,
        what: &str,
        word: &str,
        known: impl Iterator<Item = &'c str> + Clone,
    ) -> ConfigError {
        let hint = match nearest(word, known.clone()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("known are: {}", known.collect::<Vec<_>>().join(", ")),
        };
        self.error(Some(span), format!("unknown {what} `{word}`"))
            .hint(hint)
    }

    fn file(&self, text: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(text)
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

/// Keys of the design that a later release brings, so that they are not taken for mistakes of spelling.
const LATER: &[&str] = &["certificate", "federated_token"];

type Value<'i> = Spanned<DeValue<'i>>;

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
            (_, None) if LATER.contains(&key_text) => {
                return Err(source.error(
                    Some(key.span()),
                    format!("`{key_text}` is not supported yet"),
                ));
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

fn proxy(
    source: &Source<'_>,
    name: &str,
    table: &DeTable<'_>,
) -> Result<Option<Proxy>, ConfigError> {
    let account = match (table.get("proxy_username"), table.get("proxy_password")) {
        (None, None) => None,
        (Some(username), Some(password)) => {
            let password = secret(source, name, "proxy_password", password)?;
            let username = text(source, "proxy_username", username)?.to_owned();
            if username.contains(':') {
                // RFC 7617 section 2: it would end the name.
                return Err(source.error(None, "`proxy_username` has a colon in it".to_owned()));
            }
            Some((username, Arc::new(password)))
        }
        (Some(one), None) | (None, Some(one)) => {
            return Err(source
                .error(
                    Some(one.span()),
                    "`proxy_username` and `proxy_password` go together".to_owned(),
                )
                .hint("set both, or none for a proxy that asks for no account"));
        }
    };
    let Some(value) = table.get("https_proxy") else {
        return match table.get("proxy_username") {
            None => Ok(None),
            Some(username) => Err(source.error(
                Some(username.span()),
                "`proxy_username` needs `https_proxy`".to_owned(),
            )),
        };
    };
    let address = text(source, "https_proxy", value)?;
    // What is no address may be one with a password in it, and is not repeated.
    let address = ProxyAddress::parse(address).map_err(|error| {
        source
            .error(Some(value.span()), format!("`https_proxy`: {error}"))
            .hint("its account goes into `proxy_username` and `proxy_password`")
    })?;
    Ok(Some(Proxy { address, account }))
}

fn pins(source: &Source<'_>, value: &Value<'_>) -> Result<Vec<Pin>, ConfigError> {
    let DeValue::Array(entries) = value.get_ref() else {
        return Err(source
            .error(Some(value.span()), "`pin_sha256` is not a list".to_owned())
            .hint("write `pin_sha256 = [\"…\"]`"));
    };
    let pin = |entry| {
        let entry_text = text(source, "pin_sha256", entry)?;
        entry_text.parse().map_err(|error: PinError| {
            source.error(Some(entry.span()), format!("`{entry_text}`: {error}"))
        })
    };
    entries.iter().map(pin).collect()
}

fn text<'v>(source: &Source<'_>, key: &str, value: &'v Value<'_>) -> Result<&'v str, ConfigError> {
    match value.get_ref() {
        DeValue::String(text) if !text.trim().is_empty() => Ok(text),
        DeValue::String(_) => Err(source.error(Some(value.span()), format!("`{key}` is empty"))),
        _ => Err(source
            .error(Some(value.span()), format!("`{key}` is not a text"))
            .hint("put it in quotes")),
    }
}

fn flag(source: &Source<'_>, key: &str, value: &Value<'_>) -> Result<bool, ConfigError> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Ok(*flag),
        _ => Err(source.error(
            Some(value.span()),
            format!("`{key}` is neither `true` nor `false`"),
        )),
    }
}

fn secret(
    source: &Source<'_>,
    name: &str,
    key: &str,
    value: &Value<'_>,
) -> Result<SecretSource, ConfigError> {
    let how = || {
        let variable = format!("{name}_{key}")
            .to_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        format!(
            "write `{key} = {{ env = \"{variable}\" }}`, or `{{ file = \"…\" }}`, `{{ keyring = \"…\" }}`, \
             `{{ command = [\"…\"] }}`"
        )
    };
    let table = match value.get_ref() {
        DeValue::Table(table) => table,
        DeValue::String(_) => {
            return Err(source
                .error(
                    Some(value.span()),
                    format!("`{key}` is a secret, and stands in the file in clear"),
                )
                .hint(format!(
                    "{}; and change the secret, for it was written down",
                    how()
                )));
        }
        _ => {
            return Err(source
                .error(
                    Some(value.span()),
                    format!("`{key}` does not say where the secret is"),
                )
                .hint(how()));
        }
    };
    let mut entries = table.iter();
    let (Some((kind, place)), None) = (entries.next(), entries.next()) else {
        return Err(source
            .error(
                Some(value.span()),
                format!("`{key}` has to name exactly one place"),
            )
            .hint(how()));
    };
    match (kind.get_ref().as_ref(), place.get_ref()) {
        ("env", _) => Ok(SecretSource::Env(text(source, "env", place)?.to_owned())),
        ("file", _) => Ok(SecretSource::File(
            source.file(text(source, "file", place)?),
        )),
        ("keyring", _) => Ok(SecretSource::Keyring(
            text(source, "keyring", place)?.to_owned(),
        )),
        ("command", DeValue::Array(words)) if !words.is_empty() => {
            let words = words
                .iter()
                .map(|word| text(source, "command", word).map(str::to_owned));
            Ok(SecretSource::Command(words.collect::<Result<_, _>>()?))
        }
        ("command", _) => Err(source
            .error(
                Some(place.span()),
                "`command` is not a list of words".to_owned(),
            )
            .hint("write `command = [\"op\", \"read\", \"op://vault/item/field\"]`")),
        (other, _) => Err(source.unknown(
            kind.span(),
            "place",
            other,
            ["env", "file", "keyring", "command"].into_iter(),
        )),
    }
}

fn private(source: &Source<'_>, value: &Value<'_>) -> Result<NetworkPolicy, ConfigError> {
    let entries = match value.get_ref() {
        DeValue::Boolean(true) => return Ok(NetworkPolicy::private()),
        DeValue::Boolean(false) => return Ok(NetworkPolicy::public()),
        DeValue::Array(entries) => entries,
        _ => {
            return Err(source
                .error(
                    Some(value.span()),
                    "`allow_private_network` is neither a flag nor a list".to_owned(),
                )
                .hint("write `[\"10.20.0.0/16\", \"proxy.corp.example\"]`"));
        }
    };
    let mut policy = NetworkPolicy::public();
    for entry in entries.iter() {
        let entry_text = text(source, "allow_private_network", entry)?;
        if let Ok(network) = entry_text.parse::<ipnet::IpNet>() {
            policy.networks.push(network.trunc());
        } else if let Ok(address) = entry_text.parse::<std::net::IpAddr>() {
            policy.networks.push(address.into());
        } else if entry_text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        {
            policy.hosts.push(entry_text.to_ascii_lowercase());
        } else {
            return Err(source
                .error(
                    Some(entry.span()),
                    format!("`{entry_text}` is neither a network nor a host name"),
                )
                .hint("a network is written `10.20.0.0/16`"));
        }
    }
    Ok(policy)
}

fn cloud(source: &Source<'_>, adapter: &Adapter, value: &Value<'_>) -> Result<Cloud, ConfigError> {
    match value.get_ref() {
        DeValue::String(name) if adapter.clouds.contains(&name.as_ref()) => Ok(Cloud::Named(name.to_string())),
        DeValue::String(name) => {
            Err(source.unknown(value.span(), "cloud", name, adapter.clouds.iter().copied()))
        }
        DeValue::Table(table) => {
            let addresses = table.iter().map(|(name, address)| {
                let origin = text(source, name.get_ref(), address)?;
                tipstaff_egress::Origin::parse(origin)
                    .map_err(|error| source.error(Some(address.span()), format!("`{origin}`: {error}")))?;
                Ok((name.get_ref().to_string(), origin.to_owned()))
            });
            Ok(Cloud::Own(addresses.collect::<Result<_, ConfigError>>()?))
        }
        _ => Err(source
            .error(Some(value.span()), "`cloud` is neither a name nor a table".to_owned())
            .hint("write `cloud = \"global\"`, or `cloud = { login = \"https://…\", graph = \"https://…\" }`")),
    }
}

fn quota(source: &Source<'_>, value: &Value<'_>) -> Result<Quota, ConfigError> {
    const HOW: &str = "write `quota = \"published\"`, `quota = \"none\"`, or `quota = { writes = { units = 300, seconds = 15 } }`";
    let wrong =
        |span: Range<usize>, message: &str| source.error(Some(span), message.to_owned()).hint(HOW);
    let lanes = match value.get_ref() {
        DeValue::String(word) if word == "published" => return Ok(Quota::Published),
        DeValue::String(word) if word == "none" => return Ok(Quota::Unlimited),
        DeValue::Table(lanes) => lanes,
        _ => return Err(wrong(value.span(), "`quota` is not understood")),
    };
    let mut set = BTreeMap::new();
    for (lane, limits) in lanes.iter() {
        let DeValue::Table(entries) = limits.get_ref() else {
            return Err(wrong(limits.span(), "a lane's quota is not a table"));
        };
        let number = |key: &str| match entries.get(key).map(Spanned::get_ref) {
            Some(DeValue::Integer(number)) => {
                number.as_str().parse::<u32>().ok().filter(|n| *n > 0)
            }
            _ => None,
        };
        let (Some(units), Some(seconds), 2) = (number("units"), number("seconds"), entries.len())
        else {
            return Err(wrong(
                limits.span(),
                "a lane's quota is not `units` and `seconds`, both whole and above zero",
            ));
        };
        set.insert(
            lane.get_ref().to_string(),
            (units, Duration::from_secs(seconds.into())),
        );
    }
    Ok(Quota::Set(set))
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
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/tipstaff.toml"))
    }

    fn refused(lines: &str) -> (Option<usize>, String, String) {
        let text = format!("[connections.corp]\nadapter = \"azure_ad_adapter\"\n{lines}\n");
        let error = parse(&text).unwrap_err();
        (error.line, error.message, error.hint.unwrap_or_default())
    }

    #[test]
    fn the_designs_example_is_read() {
        let config = parse(
            r#"
            [connections.corp]
            adapter = "azure_ad_adapter"
            client_id = "66666666-7777-8888-9999-000000000000"
            tenant_id = "11111111-2222-3333-4444-555555555555"
            client_secret = { env = "CORP_ENTRA_SECRET" }
            verify_ssl = true
            cloud = { login = "https://localhost:8443", graph = "https://localhost:8443" }
            ca_file = "ca.pem"
            allow_private_network = ["10.20.0.0/16", "proxy.corp.example"]
            https_proxy = "http://proxy.corp.example:8080"
            proxy_username = "tipstaff"
            proxy_password = { file = "proxy-password" }
            pin_sha256 = ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
            "#,
        );
        let connection = config.unwrap().connection("corp").unwrap();
        assert_eq!(connection.adapter(), "azure_ad_adapter");
        assert_eq!(
            connection.how_to_connect().ca_file.as_deref(),
            Some(Path::new("/etc/ca.pem"))
        );
        assert_eq!(
            connection.how_to_connect().private.hosts,
            ["proxy.corp.example"]
        );
        let proxy = connection.which_proxy().unwrap();
        assert_eq!(proxy.address.to_string(), "proxy.corp.example:8080");
        assert_eq!(proxy.account.as_ref().unwrap().0, "tipstaff");
        assert_eq!(connection.how_to_connect().pins.len(), 1);
        assert_eq!(connection.secrets().next().unwrap().0, "client_secret");
        assert!(matches!(connection.which_cloud(), Cloud::Own(addresses) if addresses.len() == 2));
    }

    #[test]
    fn a_secret_in_clear_is_refused_and_not_repeated() {
        let (line, message, hint) = refused("client_secret = \"hunter2\"");
        assert_eq!(line, Some(3));
        assert!(
            message.contains("in clear") && hint.contains("{ env = \"CORP_CLIENT_SECRET\" }"),
            "{message} {hint}"
        );
        assert!(!format!("{message}{hint}").contains("hunter2"));
    }

    #[test]
    fn a_proxy_and_its_account_have_to_fit() {
        let (_, message, hint) = refused("https_proxy = \"http://scott:tiger1@proxy:8080\"");
        assert!(message.contains("`http://host:port`"), "{message}");
        assert!(!format!("{message}{hint}").contains("tiger1"));
        for (lines, part) in [
            (
                "https_proxy = \"http://p\"\nproxy_username = \"a\"",
                "go together",
            ),
            (
                "proxy_username = \"a\"\nproxy_password = { env = \"P\" }",
                "needs `https_proxy`",
            ),
            (
                "https_proxy = \"http://p\"\nproxy_password = \"x\"",
                "together",
            ),
            ("pin_sha256 = [\"AAAA\"]", "44 characters"),
        ] {
            let (_, message, _) = refused(lines);
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn near_misses_are_answered_with_what_was_meant() {
        let (line, message, hint) = refused("tenant = \"x\"");
        assert_eq!(
            (line, message.as_str()),
            (Some(3), "connection `corp`: unknown key `tenant`")
        );
        assert_eq!(hint, "did you mean `tenant_id`?");
        assert_eq!(
            refused("client_secret = { envv = \"X\" }").2,
            "did you mean `env`?"
        );
        assert_eq!(refused("cloud = \"globl\"").2, "did you mean `global`?");
        let unknown = parse("[connections.corp]\nadapter = \"azure_ad_adapter\"")
            .unwrap()
            .connection("crop");
        assert_eq!(unknown.unwrap_err().hint(), "did you mean `corp`?");
    }

    #[test]
    fn what_has_the_wrong_form_is_named_with_its_line() {
        for (lines, part) in [
            ("\nverify_ssl = \"yes\"", "`verify_ssl` is neither"),
            ("\nclient_id = 7", "`client_id` is not a text"),
            (
                "\nclient_secret = { env = \"A\", file = \"b\" }",
                "exactly one place",
            ),
            ("\ncloud = { graph = \"http://localhost\" }", "https://"),
            (
                "\nallow_private_network = [\"10.0.0.0/40\"]",
                "neither a network nor a host",
            ),
            (
                "\nquota = { writes = { units = 0, seconds = 1 } }",
                "above zero",
            ),
        ] {
            let (line, message, _) = refused(lines);
            assert_eq!(line, Some(4), "{lines}");
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(parse("[connections").unwrap_err().line, Some(1));
        assert_eq!(
            parse("[conections.a]").unwrap_err().hint.as_deref(),
            Some("did you mean `connections`?")
        );
    }
}
