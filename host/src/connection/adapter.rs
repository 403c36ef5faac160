//! Which fields the connections of an adapter have, which of them are secret, and when they add up.

use super::Connection;
use super::fit::{self, Misfit};

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Flag,
    /// A table that says where the secret is, never the secret.
    Secret,
    /// A table that says where a certificate and its key are.
    Certificate,
}

/// A kind of service that connections lead to.
pub(crate) struct Adapter {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [(&'static str, Kind)],
    /// Clouds whose addresses manifests name.
    pub(crate) clouds: &'static [&'static str],
    /// Fields that name the application and the tenant, between which the service's quotas are counted.
    pub(crate) account: &'static [&'static str],
    /// Whether the fields add up.
    pub(crate) fits: fn(&Connection) -> Result<(), Misfit>,
}

/// Microsoft Entra ID, formerly Azure AD.
pub(crate) const AZURE_AD: Adapter = Adapter {
    name: tipstaff_asset::AZURE_AD_ADAPTER,
    fields: &[
        ("client_id", Kind::Text),
        ("client_secret", Kind::Secret),
        ("certificate", Kind::Certificate),
        ("federated_token", Kind::Secret),
        ("tenant_id", Kind::Text),
        ("account_sub_domain", Kind::Text),
        ("username", Kind::Text),
        ("password", Kind::Secret),
        ("otp_secret", Kind::Secret),
        ("sso_provider", Kind::Flag),
        ("canary_user", Kind::Text),
        ("canary_refresh_token", Kind::Secret),
        ("sign_in", Kind::Text),
    ],
    clouds: &["global", "us-gov", "us-gov-dod", "china"],
    account: &["tenant_id", "account_sub_domain", "client_id"],
    fits: fit::entra,
};

/// Every adapter that is known.
pub(crate) const ADAPTERS: &[Adapter] = &[AZURE_AD];

impl Adapter {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ADAPTERS.iter().find(|adapter| adapter.name == name)
    }

    pub(crate) fn kind(&self, field: &str) -> Option<Kind> {
        self.fields
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, kind)| *kind)
    }
}
