//! Applications that may sign in to a tenant, and what they prove themselves with.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

/// A value that `Debug` does not show.
#[derive(Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The value.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Hidden {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl From<String> for Hidden {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// A client secret of an application.
#[derive(Clone, Debug)]
pub struct ClientSecret {
    /// What the client sends.
    pub value: Hidden,
    /// When it ends; never where `None`.
    pub expires: Option<Timestamp>,
}

impl ClientSecret {
    /// A secret that does not end.
    #[must_use]
    pub fn new(value: impl Into<Hidden>) -> Self {
        Self {
            value: value.into(),
            expires: None,
        }
    }
}

/// A federated identity credential: tokens of an outside issuer that an application may sign in with.
#[derive(Clone, Debug)]
pub struct Federated {
    /// The `iss` of the token, exactly.
    pub issuer: String,
    /// The `sub` of the token, exactly.
    pub subject: String,
    /// The `aud` of the token, exactly; usually `api://AzureADTokenExchange`.
    pub audience: String,
    /// The issuer's certificate (DER). Where `None` the token's signature is not looked at, because the real service
    /// would fetch the issuer's keys and the emulator fetches nothing.
    pub issuer_certificate: Option<Vec<u8>>,
}

/// An application, and its service principal in the tenant.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id (`client_id`, `appid`).
    pub client_id: Uuid,
    /// Its name.
    pub name: String,
    /// Client secrets; any of them is good.
    pub secrets: Vec<ClientSecret>,
    /// Certificates (DER) whose keys may sign client assertions.
    pub certificates: Vec<Vec<u8>>,
    /// Outside issuers that it trusts.
    pub federated: Vec<Federated>,
    /// Application permissions that were consented to: the `roles` of its tokens.
    pub roles: Vec<String>,
    /// Delegated permissions that were consented to: what the `scp` of a person's token may hold.
    pub scopes: Vec<String>,
    /// Whether the enterprise application is enabled; AADSTS7000112 otherwise.
    pub enabled: bool,
    /// Whether the tenant has a service principal for it; AADSTS7000229 otherwise.
    pub consented: bool,
    /// Whether it is a public client, which may sign people in without a credential of its own.
    pub public: bool,
    /// Whether Conditional Access for workload identities blocks it; AADSTS53003.
    pub blocked_by_policy: bool,
    /// Where the sign-in pages may send a person back to.
    pub redirect_uris: Vec<String>,
}

impl App {
    /// The id of [`App::default`].
    pub const DEFAULT_CLIENT_ID: Uuid = Uuid::from_u128(0x6666_6666_7777_8888_9999_0000_0000_0000);
    /// The secret of [`App::default`], with the characters that clients forget to encode.
    pub const DEFAULT_SECRET: &'static str = "Not8Q~a.real_secret+of-the-emulator";

    /// An application of this id, with no secret, no certificate and no permission.
    #[must_use]
    pub fn new(client_id: Uuid) -> Self {
        Self {
            client_id,
            secrets: Vec::new(),
            roles: Vec::new(),
            scopes: Vec::new(),
            ..Self::default()
        }
    }

    /// Adds a secret.
    #[must_use]
    pub fn secret(mut self, value: impl Into<Hidden>) -> Self {
        self.secrets.push(ClientSecret::new(value));
        self
    }

    /// Sets the application permissions.
    #[must_use]
    pub fn roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the delegated permissions.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The object id of its service principal: made from the client id, so that it is the same each time.
    pub(crate) fn service_principal(&self) -> Uuid {
        super::derived_id("service principal", &self.client_id.to_string())
    }
}

impl Default for App {
    /// An application that may revoke sessions and read users, with the secret [`App::DEFAULT_SECRET`].
    fn default() -> Self {
        Self {
            client_id: Self::DEFAULT_CLIENT_ID,
            name: "Tipstaff".to_owned(),
            secrets: vec![ClientSecret::new(Self::DEFAULT_SECRET)],
            certificates: Vec::new(),
            federated: Vec::new(),
            roles: vec!["User.RevokeSessions.All".into(), "User.Read.All".into()],
            scopes: vec![
                "User.Read".into(),
                "User.RevokeSessions.All".into(),
                "User.Read.All".into(),
            ],
            enabled: true,
            consented: true,
            public: false,
            blocked_by_policy: false,
            redirect_uris: vec!["http://localhost".into()],
        }
    }
}
