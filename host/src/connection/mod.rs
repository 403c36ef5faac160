//! Connections: where a service is, as whom to sign in, and how carefully to connect.
//!
//! A [`Connection`] holds no secret, only where each is kept; [`config`] reads them from `tipstaff.toml`.

mod adapter;
mod assertion;
mod certificate;
pub mod config;
mod fit;
mod one_time_code;
mod secret;
mod vault;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adapter::{AZURE_AD, Adapter, Kind};
pub(crate) use certificate::Standing;
pub use certificate::{Certificate, CertificateError};
pub use config::{Config, ConfigError};
pub use fit::Misfit;
pub(crate) use one_time_code::OneTimeCodes;
pub use secret::{SecretSource, SourceError};
pub use tipstaff_egress::{NetworkPolicy, Pin, ProxyAddress};
pub(crate) use vault::Vault;

/// One adapter's endpoint and credentials, under a name.
#[derive(Debug)]
pub struct Connection {
    name: String,
    adapter: &'static Adapter,
    fields: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretSource>,
    certificate: Option<Certificate>,
    cloud: Cloud,
    network: Network,
    proxy: Option<Proxy>,
    quota: Quota,
}

/// An HTTP proxy that leads to the services, and the account to name to it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Where it is.
    pub address: ProxyAddress,
    /// The account's name and where its password is, if it asks for one.
    pub account: Option<(String, Arc<SecretSource>)>,
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Which of a service's addresses hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// The addresses that the manifest gives for this cloud.
    Named(String),
    /// Addresses of one's own, by the names of endpoints.
    Own(BTreeMap<String, String>),
}

/// How carefully to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Whether servers have to prove who they are. Turning it off shows the credentials to whoever stands between.
    pub verify_ssl: bool,
    /// A file of certificate authorities that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// The same, from an embedding program.
    pub ca_pem: Option<String>,
    /// Which addresses that are not public may be reached.
    pub private: NetworkPolicy,
    /// Public keys of which a service has to have one. None demands nothing.
    pub pins: Vec<Pin>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            verify_ssl: true,
            ca_file: None,
            ca_pem: None,
            private: NetworkPolicy::public(),
            pins: Vec::new(),
        }
    }
}

/// Which quota the host keeps to by itself. It always waits when the service asks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quota {
    /// What the manifest says that the service publishes, for the service's own clouds; none for own addresses.
    ByCloud,
    /// What the manifest says.
    Published,
    /// None.
    Unlimited,
    /// For each lane, so many units in such a time.
    Set(BTreeMap<String, (u32, Duration)>),
}

impl Connection {
    /// A connection to Microsoft Entra ID, in its global cloud.
    #[must_use]
    pub fn entra(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            adapter: &AZURE_AD,
            fields: BTreeMap::new(),
            secrets: BTreeMap::new(),
            certificate: None,
            cloud: Cloud::Named("global".to_owned()),
            network: Network::default(),
            proxy: None,
            quota: Quota::ByCloud,
        }
    }

    /// Sets the tenant: a GUID or a verified domain.
    #[must_use]
    pub fn tenant_id(self, tenant: impl Into<String>) -> Self {
        self.field("tenant_id", tenant)
    }

    /// Sets the application (client) id.
    #[must_use]
    pub fn client_id(self, client: impl Into<String>) -> Self {
        self.field("client_id", client)
    }

    /// Sets where the client secret is.
    #[must_use]
    pub fn client_secret(self, source: SecretSource) -> Self {
        self.secret("client_secret", source)
    }

    /// Sets the certificate that the application signs in with, instead of a client secret.
    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Sets a field that is no secret.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Sets where a secret field is.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, source: SecretSource) -> Self {
        self.secrets.insert(name.into(), source);
        self
    }

    /// Sets which addresses hold.
    #[must_use]
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self
    }

    /// Sets own addresses: pairs of an endpoint's name and its origin.
    #[must_use]
    pub fn addresses<N: Into<String>, A: Into<String>>(
        self,
        addresses: impl IntoIterator<Item = (N, A)>,
    ) -> Self {
        self.cloud(Cloud::Own(
            addresses
                .into_iter()
                .map(|(name, address)| (name.into(), address.into()))
                .collect(),
        ))
    }

    /// Sets how carefully to connect.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Trusts these authorities (PEM) beside those that it trusts already.
    #[must_use]
    pub fn trusting(mut self, pem: &str) -> Self {
        let authorities = self.network.ca_pem.get_or_insert_default();
        if !authorities.is_empty() && !authorities.ends_with('\n') {
            authorities.push('\n');
        }
        authorities.push_str(pem);
        self
    }

    /// Sets the proxy to go through.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Sets the quota.
    #[must_use]
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// What the operator calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of service.
    #[must_use]
    pub fn adapter(&self) -> &str {
        self.adapter.name
    }

    /// The fields that are no secrets.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The fields that are secrets, and where each is.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &SecretSource)> {
        self.secrets
            .iter()
            .map(|(name, source)| (name.as_str(), source))
    }

    /// The certificate that it signs in with.
    #[must_use]
    pub fn which_certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Where each of its secrets is, the certificate among them: for people, never what they are.
    #[must_use]
    pub fn places(&self) -> BTreeMap<&str, String> {
        let certificate = self.certificate.iter();
        self.secrets()
            .map(|(field, source)| (field, source.describe()))
            .chain(certificate.map(|one| ("certificate", one.describe())))
            .collect()
    }

    /// Which addresses hold.
    #[must_use]
    pub fn which_cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// How carefully it connects.
    #[must_use]
    pub fn how_to_connect(&self) -> &Network {
        &self.network
    }

    /// The proxy that it goes through.
    #[must_use]
    pub fn which_proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Which quota it keeps to.
    #[must_use]
    pub fn which_quota(&self) -> &Quota {
        &self.quota
    }

    /// Between what the service counts its quotas: runs with the same text share their lanes.
    #[must_use]
    pub fn account(&self) -> String {
        let parts = self
            .adapter
            .account
            .iter()
            .filter_map(|field| self.fields.get(*field));
        let addresses = match &self.cloud {
            Cloud::Named(name) => name.clone(),
            Cloud::Own(addresses) => addresses.values().cloned().collect::<Vec<_>>().join(","),
        };
        parts
            .cloned()
            .chain([addresses])
            .collect::<Vec<_>>()
            .join("|")
            .to_lowercase()
    }

    fn kind(&self, field: &str) -> Option<Kind> {
        self.adapter.kind(field)
    }

    /// Whether it has this secret field, or a certificate where that is asked for.
    pub(crate) fn has_secret(&self, field: &str) -> bool {
        self.secrets.contains_key(field)
            || self.certificate.is_some() && self.kind(field) == Some(Kind::Certificate)
    }

    /// Whether its fields add up to one way of signing in.
    ///
    /// # Errors
    ///
    /// Why they do not.
    pub fn fits(&self) -> Result<(), Misfit> {
        (self.adapter.fits)(self)
    }

    /// Fields that were set through the builder and that the adapter does not have, or has as the other kind.
    pub(crate) fn misplaced(&self) -> Option<&str> {
        let open = self
            .fields
            .keys()
            .find(|f| !matches!(self.kind(f), Some(Kind::Text | Kind::Flag)));
        let secret = self
            .secrets
            .keys()
            .find(|f| self.kind(f) != Some(Kind::Secret));
        let certificate = self.certificate.is_some() && !self.has_secret("certificate");
        let field = open.or(secret).map(String::as_str);
        field.or(certificate.then_some("certificate"))
    }
}
