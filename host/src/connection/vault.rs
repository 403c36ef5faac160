//! What a connection gives to a session: its secrets, and what is made from them.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tipstaff_egress::declare::Held;
use tipstaff_egress::{Made, Making, Secret, SecretError, Secrets};

use super::one_time_code::OneTimeCodes;
use super::{Cloud, Connection, assertion};

/// The secrets of one connection. Nothing is read before it is asked for.
pub(crate) struct Vault {
    connection: Arc<Connection>,
    codes: OneTimeCodes,
}

impl Vault {
    pub(crate) fn new(connection: Arc<Connection>, codes: OneTimeCodes) -> Self {
        Self { connection, codes }
    }

    async fn read(&self, field: &str) -> Result<Secret, SecretError> {
        let source = self
            .connection
            .secrets
            .get(field)
            .ok_or_else(|| missing(field))?;
        source
            .read()
            .await
            .map_err(|error| failed(field, error.to_string()))
    }

    async fn assertion(&self, audience: &str) -> Result<Made, SecretError> {
        const CERTIFICATE: &str = "certificate";
        let Some(certificate) = &self.connection.certificate else {
            let token = self.read(FEDERATED_TOKEN).await?;
            let token = assertion::issued(&token).map_err(|reason| SecretError::Unusable {
                field: FEDERATED_TOKEN.to_owned(),
                reason,
            })?;
            return Ok(token.into());
        };
        let client = self.connection.fields.get("client_id");
        let client = client
            .ok_or_else(|| missing("client_id"))?
            .trim()
            .to_owned();
        let failed = |reason: String| failed(CERTIFICATE, reason);
        let pair = certificate
            .open()
            .await
            .map_err(|error| failed(error.to_string()))?;
        let audience = audience.to_owned();
        let now = Timestamp::now();
        // A signature takes milliseconds, which others' requests need not wait for.
        let signed =
            tokio::task::spawn_blocking(move || assertion::sign(pair, &client, &audience, now));
        let signed = signed.await.map_err(|error| failed(error.to_string()))?;
        Ok(signed.map_err(|error| failed(error.to_string()))?.into())
    }

    async fn one_time_code(&self, field: &str) -> Result<Made, SecretError> {
        let secret = self.read(field).await?;
        let made = self.codes.next(&self.person(), &secret).await;
        made.map_err(|error| failed(field, error.to_string()))
    }

    /// Whose codes they are: a person's name means one person in one cloud, whatever tenant and application it is used
    /// with.
    fn person(&self) -> String {
        let cloud = match &self.connection.cloud {
            Cloud::Named(name) => name.clone(),
            Cloud::Own(addresses) => addresses.values().cloned().collect::<Vec<_>>().join(","),
        };
        let name = self.connection.fields.get("username");
        let name = name.map_or("", |name| name.trim());
        format!("{cloud}|{name}").to_lowercase()
    }
}

/// The field of a token that an outside issuer signed.
pub(super) const FEDERATED_TOKEN: &str = "federated_token";

impl Secrets for Vault {
    fn has(&self, field: &str) -> bool {
        self.connection.secrets.contains_key(field)
    }

    fn reveal<'a>(&'a self, field: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(self.read(field))
    }

    fn supports(&self, held: &Held) -> Result<(), SecretError> {
        match held {
            Held::Sealed(_) => Ok(()),
            Held::Secret(field) | Held::OneTimeCode(field) if self.has(field) => Ok(()),
            Held::Secret(field) | Held::OneTimeCode(field) => Err(missing(field)),
            Held::Assertion
                if self.connection.certificate.is_some() || self.has(FEDERATED_TOKEN) =>
            {
                Ok(())
            }
            Held::Assertion => Err(SecretError::NotSupported {
                what: "a signed client assertion".to_owned(),
            }),
        }
    }

    fn make<'a>(&'a self, making: Making<'a>) -> BoxFuture<'a, Result<Made, SecretError>> {
        Box::pin(async move {
            match making {
                Making::Assertion { audience } => self.assertion(audience).await,
                Making::OneTimeCode { field } => self.one_time_code(field).await,
            }
        })
    }
}

fn missing(field: &str) -> SecretError {
    SecretError::Missing {
        field: field.to_owned(),
    }
}

fn failed(field: &str, reason: String) -> SecretError {
    SecretError::Source {
        field: field.to_owned(),
        reason,
    }
}
