//! The clouds in which a tenant can live, and the names that they go by.
//!
//! Source: "National cloud deployments" of the Microsoft Graph documentation.

use serde::{Deserialize, Serialize};

/// A cloud: tokens and tenants of one mean nothing in another.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// The global service, also GCC.
    #[default]
    Global,
    /// US government L4 (GCC High).
    UsGov,
    /// US government L5 (DoD).
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Global, Self::UsGov, Self::UsGovDod, Self::China];

    /// The host of its sign-in service.
    #[must_use]
    pub const fn login_host(self) -> &'static str {
        match self {
            Self::Global => "login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "login.microsoftonline.us",
            Self::China => "login.partner.microsoftonline.cn",
        }
    }

    /// The host of its Microsoft Graph.
    #[must_use]
    pub const fn graph_host(self) -> &'static str {
        match self {
            Self::Global => "graph.microsoft.com",
            Self::UsGov => "graph.microsoft.us",
            Self::UsGovDod => "dod-graph.microsoft.us",
            Self::China => "microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The origin of its Microsoft Graph: the audience of tokens, and what `@odata.context` starts with.
    pub(crate) const fn graph_origin(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The `iss` host of its version 1 tokens.
    pub(crate) const fn issuer_origin(self) -> &'static str {
        match self {
            Self::Global | Self::UsGov | Self::UsGovDod => "https://sts.windows.net",
            Self::China => "https://sts.chinacloudapi.cn",
        }
    }

    /// The cloud that a host name belongs to. `None` for loopback and anything else.
    pub(crate) fn of_host(host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        match host.as_str() {
            "graph.microsoft.com"
            | "login.microsoftonline.com"
            | "login.microsoft.com"
            | "login.windows.net"
            | "sts.windows.net" => Some(Self::Global),
            "graph.microsoft.us" | "login.microsoftonline.us" => Some(Self::UsGov),
            "dod-graph.microsoft.us" => Some(Self::UsGovDod),
            "microsoftgraph.chinacloudapi.cn"
            | "login.partner.microsoftonline.cn"
            | "login.chinacloudapi.cn" => Some(Self::China),
            _ => None,
        }
    }

    /// Whether both share a sign-in service, as the two US government clouds do.
    pub(crate) fn shares_login_with(self, other: Self) -> bool {
        self.login_host() == other.login_host()
    }

    /// Every host name that an unmodified client may insist on.
    pub(crate) const HOST_NAMES: [&'static str; 12] = [
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "graph.microsoft.com",
        "login.microsoftonline.us",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
        "microsoftgraph.chinacloudapi.cn",
        "localhost",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_is_found_by_its_graph_host() {
        for cloud in Cloud::ALL {
            assert_eq!(Cloud::of_host(cloud.graph_host()), Some(cloud));
            assert_eq!(
                cloud.graph_origin(),
                format!("https://{}", cloud.graph_host())
            );
            assert!(
                Cloud::of_host(cloud.login_host())
                    .is_some_and(|found| found.shares_login_with(cloud))
            );
        }
        assert_eq!(Cloud::of_host("localhost"), None);
    }
}
