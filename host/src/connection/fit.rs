//! Whether the fields of a connection add up to one way of signing in.
//!
//! Judged before anything is read or sent, so that a mistake costs no failed sign-in and locks nobody out.

use super::vault::FEDERATED_TOKEN;
use super::{Cloud, Connection};

/// Fields that do not add up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Misfit {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would be right.
    pub hint: &'static str,
}

/// The credentials that an application can have, of which it uses one.
const CREDENTIALS: [&str; 3] = ["client_secret", "certificate", FEDERATED_TOKEN];
/// Names that stand for whichever tenant somebody belongs to.
const SHARED_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];

/// Microsoft Entra ID: as the application itself, or as a user.
pub(super) fn entra(connection: &Connection) -> Result<(), Misfit> {
    let field = |name: &str| {
        let value = connection.fields.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    };
    let as_user = match field("sign_in") {
        None | Some("app") => false,
        Some("user") => true,
        Some(_) => {
            return misfit(
                "`sign_in` is neither `app` nor `user`",
                "leave it out to sign in as the application",
            );
        }
    };
    if field("client_id").is_none() {
        return misfit(
            "`client_id` is missing",
            "set it to the application (client) id of the app registration",
        );
    }
    tenant(
        connection,
        field("tenant_id"),
        field("account_sub_domain"),
        as_user,
    )?;
    let held: Vec<String> = CREDENTIALS
        .into_iter()
        .filter(|name| connection.has_secret(name))
        .map(|name| format!("`{name}`"))
        .collect();
    if held.len() > 1 {
        return misfit(
            format!(
                "{} are there together, and an application signs in with one of them",
                held.join(" and ")
            ),
            "keep the one that is to be used",
        );
    }
    let is_there = |name: &str| field(name).is_some() || connection.has_secret(name);
    if !as_user {
        let user_fields = ["username", "password", "otp_secret"];
        return match (
            held.is_empty(),
            user_fields.iter().any(|name| is_there(name)),
        ) {
            (false, _) => Ok(()),
            (true, false) => misfit(
                "there is no `client_secret`, `certificate` or `federated_token` to sign in with",
                "add one of them",
            ),
            (true, true) => misfit(
                "there is no `client_secret`, `certificate` or `federated_token`, and the user's fields are not used \
                 without `sign_in = \"user\"`",
                "add a credential of the application, which is better, or `sign_in = \"user\"`",
            ),
        };
    }
    for name in ["username", "password"] {
        if !is_there(name) {
            return misfit(
                format!("`sign_in = \"user\"` needs `{name}`, which is missing"),
                "add it; `otp_secret` too if the user has a second factor",
            );
        }
    }
    Ok(())
}

fn tenant(
    connection: &Connection,
    id: Option<&str>,
    sub_domain: Option<&str>,
    as_user: bool,
) -> Result<(), Misfit> {
    const HOW: &str = "set `tenant_id` to the directory (tenant) id, a GUID";
    let is_name = |text: &str, more: &[u8]| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || more.contains(&b))
    };
    match (id, sub_domain) {
        (None, None) => misfit(
            "neither `tenant_id` nor `account_sub_domain` names the tenant",
            HOW,
        ),
        (Some(id), _) if !is_name(id, b".") || id.starts_with('.') => misfit(
            "`tenant_id` is neither a GUID nor a verified domain of the tenant",
            HOW,
        ),
        (Some(id), _)
            if SHARED_TENANTS
                .iter()
                .any(|name| id.eq_ignore_ascii_case(name)) =>
        {
            let whoever = if as_user {
                "and a run"
            } else {
                "and an application"
            };
            misfit(
                format!("`tenant_id` is `{id}`, which is no tenant, {whoever} signs in to one"),
                HOW,
            )
        }
        (_, Some(name)) if !is_name(name, b"") => misfit(
            "`account_sub_domain` is not the part before `.onmicrosoft.com`",
            "write `contoso` for `contoso.onmicrosoft.com`, or set `tenant_id`",
        ),
        // "National clouds": there the initial domains end in something else (`.onmicrosoft.us`).
        (None, Some(_)) if matches!(&connection.cloud, Cloud::Named(name) if name != "global") => {
            misfit(
                "`account_sub_domain` names a tenant of the global cloud only",
                HOW,
            )
        }
        _ => Ok(()),
    }
}

fn misfit(message: impl Into<String>, hint: &'static str) -> Result<(), Misfit> {
    Err(Misfit {
        message: message.into(),
        hint,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Certificate, SecretSource};
    use super::*;

    fn source() -> SecretSource {
        SecretSource::Env("TIPSTAFF_TEST".to_owned())
    }

    fn certificate() -> Certificate {
        Certificate::Pfx {
            pfx_file: "app.pfx".into(),
            password: None,
        }
    }

    /// An application that is known, without a credential.
    fn bare() -> Connection {
        Connection::entra("corp").client_id("c").tenant_id("t")
    }

    fn user(connection: Connection) -> Connection {
        connection
            .field("sign_in", "user")
            .field("username", "ada@contoso.com")
            .secret("password", source())
    }

    #[test]
    fn every_way_of_signing_in_adds_up() {
        for connection in [
            bare().client_secret(source()),
            bare().certificate(certificate()),
            bare().secret("federated_token", source()),
            user(bare()),
            user(bare()).client_secret(source()),
            user(bare()).secret("otp_secret", source()),
            // A stored connection that holds both, and does not say as whom.
            bare()
                .client_secret(source())
                .field("username", "ada@contoso.com")
                .secret("password", source())
                .field("sso_provider", "true"),
            Connection::entra("corp")
                .client_id("c")
                .field("account_sub_domain", "contoso")
                .client_secret(source()),
            bare()
                .field("account_sub_domain", "contoso")
                .cloud(Cloud::Named("us-gov".to_owned()))
                .client_secret(source()),
        ] {
            assert_eq!(entra(&connection), Ok(()), "{connection:?}");
        }
    }

    #[test]
    fn what_does_not_add_up_is_said_in_one_sentence() {
        let by_domain = |domain: &str| {
            Connection::entra("corp")
                .client_id("c")
                .field("account_sub_domain", domain)
                .client_secret(source())
        };
        for (connection, part) in [
            (bare(), "there is no `client_secret`"),
            (
                bare().field("username", "ada"),
                "not used without `sign_in = \"user\"`",
            ),
            (
                bare().client_secret(source()).certificate(certificate()),
                "`client_secret` and `certificate` are there together",
            ),
            (
                bare()
                    .certificate(certificate())
                    .secret("federated_token", source()),
                "`certificate` and `federated_token`",
            ),
            (
                user(bare())
                    .client_secret(source())
                    .secret("federated_token", source()),
                "one of them",
            ),
            (
                bare().client_secret(source()).field("sign_in", "person"),
                "neither `app` nor `user`",
            ),
            (
                bare().client_secret(source()).field("sign_in", "user"),
                "needs `username`",
            ),
            (
                bare().field("sign_in", "user").field("username", "ada"),
                "needs `password`",
            ),
            (
                Connection::entra("corp").tenant_id("t"),
                "`client_id` is missing",
            ),
            (Connection::entra("corp").client_id("c"), "names the tenant"),
            (
                Connection::entra("corp").client_id("c").tenant_id("a/b"),
                "neither a GUID nor",
            ),
            (
                Connection::entra("corp").client_id("c").tenant_id("Common"),
                "an application signs in to one",
            ),
            (by_domain("contoso.onmicrosoft.com"), "the part before"),
            (
                by_domain("contoso").cloud(Cloud::Named("china".to_owned())),
                "global cloud only",
            ),
        ] {
            let misfit = entra(&connection).err();
            let message = misfit.map(|misfit| misfit.message).unwrap_or_default();
            assert!(message.contains(part), "{message}");
            assert!(!message.contains(". "), "one sentence: {message}");
        }
    }
}
