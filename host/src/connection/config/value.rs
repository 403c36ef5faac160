//! Reads the values of a configuration file, each with an error that says what would be right.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tipstaff_egress::PinError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::adapter::Adapter;
use super::super::{
    Certificate, Cloud, NetworkPolicy, Pin, Proxy, ProxyAddress, Quota, SecretSource,
};
use super::{ConfigError, nearest};

pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// A configuration file that is being read.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) path: &'a Path,
}

impl Source<'_> {
    pub(super) fn error(&self, span: Option<Range<usize>>, message: String) -> ConfigError {
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

    pub(super) fn unknown<'c>(
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

    pub(super) fn file(&self, text: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(text)
    }
}

pub(super) fn proxy(
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

pub(super) fn pins(source: &Source<'_>, value: &Value<'_>) -> Result<Vec<Pin>, ConfigError> {
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

pub(super) fn text<'v>(
    source: &Source<'_>,
    key: &str,
    value: &'v Value<'_>,
) -> Result<&'v str, ConfigError> {
    match value.get_ref() {
        DeValue::String(text) if !text.trim().is_empty() => Ok(text),
        DeValue::String(_) => Err(source.error(Some(value.span()), format!("`{key}` is empty"))),
        _ => Err(source
            .error(Some(value.span()), format!("`{key}` is not a text"))
            .hint("put it in quotes")),
    }
}

pub(super) fn flag(source: &Source<'_>, key: &str, value: &Value<'_>) -> Result<bool, ConfigError> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Ok(*flag),
        _ => Err(source.error(
            Some(value.span()),
            format!("`{key}` is neither `true` nor `false`"),
        )),
    }
}

pub(super) fn secret(
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

pub(super) fn private(
    source: &Source<'_>,
    value: &Value<'_>,
) -> Result<NetworkPolicy, ConfigError> {
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

pub(super) fn cloud(
    source: &Source<'_>,
    adapter: &Adapter,
    value: &Value<'_>,
) -> Result<Cloud, ConfigError> {
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

pub(super) fn quota(source: &Source<'_>, value: &Value<'_>) -> Result<Quota, ConfigError> {
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

/// `{ cert_file = "…", key = { … } }`, or `{ pfx_file = "…", password = { … } }`.
pub(super) fn certificate(
    source: &Source<'_>,
    name: &str,
    key: &str,
    value: &Value<'_>,
) -> Result<Certificate, ConfigError> {
    const HOW: &str = "write `certificate = { cert_file = \"app.pem\", key = { file = \"app.key\" } }`, or \
                       `{ pfx_file = \"app.pfx\", password = { env = \"…\" } }`";
    let wrong = |span: Range<usize>, message: String| source.error(Some(span), message).hint(HOW);
    let DeValue::Table(table) = value.get_ref() else {
        return Err(wrong(
            value.span(),
            format!("`{key}` does not say where the certificate and its key are"),
        ));
    };
    const KNOWN: [&str; 4] = ["cert_file", "key", "pfx_file", "password"];
    for (member, _) in table.iter() {
        let word: &str = member.get_ref();
        if !KNOWN.contains(&word) {
            return Err(source.unknown(member.span(), "key", word, KNOWN.into_iter()));
        }
    }
    let file = |member: &str| {
        let path = table.get(member).map(|path| text(source, member, path));
        path.transpose()
            .map(|path| path.map(|path| source.file(path)))
    };
    let held = |member: &str| {
        let place = table.get(member);
        place
            .map(|place| secret(source, name, member, place))
            .transpose()
    };
    match (
        file("cert_file")?,
        file("pfx_file")?,
        held("key")?,
        held("password")?,
    ) {
        (Some(cert_file), None, Some(key), None) => Ok(Certificate::Pem { cert_file, key }),
        (None, Some(pfx_file), None, password) => Ok(Certificate::Pfx { pfx_file, password }),
        (Some(_), None, None, _) => Err(wrong(
            value.span(),
            format!("`{key}` does not say where its `key` is"),
        )),
        _ => Err(wrong(
            value.span(),
            format!("`{key}` is `cert_file` with `key`, or `pfx_file` with `password`"),
        )),
    }
}
