//! What can be changed while an emulator runs: latency, delays, lifetimes, throttling, and answers that are not known.
//!
//! Where nobody outside knows how the real service behaves there is a setting, so that a client can be tried both ways.

use serde::{Deserialize, Serialize};

/// Everything that can be changed while it runs. `PATCH /settings` on the admin side takes any of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long every answer of the login and Graph side takes at least, in milliseconds of real time.
    pub latency_ms: u64,
    /// How long reads keep showing what was before a revoke, in milliseconds of the emulator's clock.
    pub replication_delay_ms: u64,
    /// How long after a revoke refresh tokens and session cookies still work, in milliseconds of the emulator's clock.
    pub revoke_propagation_ms: u64,
    /// How long access tokens live, in seconds. Microsoft's are 60 to 90 minutes; 3,599 s is what was recorded.
    pub token_lifetime_s: u64,
    /// How long access tokens of clients that handle challenges live, in seconds (up to 28 hours).
    pub cae_token_lifetime_s: u64,
    /// The most entries of a page, whatever `$top` says; small values force paging.
    pub page_size: usize,
    /// Limits on requests.
    pub throttle: Throttling,
    /// How quotas fill up again (not known).
    pub refill: Refill,
    /// Whether the parts of a batch are answered in another order than they were asked.
    pub shuffle: bool,
    /// What `$select` of a property outside the basic profile gives to `User.ReadBasic.All` (not documented).
    pub basic_profile: BasicProfile,
    /// The status for a name in the path that is neither an object id nor a principal name: 404 as recorded in
    /// September 2026, or 400 `Request_BadRequest` as reported earlier.
    pub malformed_id_status: u16,
    /// Whether a revoke makes challenge-capable access tokens of that person invalid at once.
    pub cae: bool,
    /// Equal token requests within five minutes after which AADSTS50196 is answered; never where `None`.
    pub token_loop_limit: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            replication_delay_ms: 0,
            revoke_propagation_ms: 0,
            token_lifetime_s: 3599,
            cae_token_lifetime_s: 86_399,
            page_size: 999,
            throttle: Throttling::Off,
            refill: Refill::Even,
            shuffle: true,
            basic_profile: BasicProfile::Refuse,
            malformed_id_status: 404,
            cae: true,
            token_loop_limit: None,
        }
    }
}

/// See [`Settings::refill`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refill {
    /// Little by little: what is used comes back at the rate of the limit.
    #[default]
    Even,
    /// All at once, at the end of each window.
    Window,
}

/// See [`Settings::basic_profile`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BasicProfile {
    /// The request is refused with 403.
    #[default]
    Refuse,
    /// The properties are `null`.
    Null,
}

/// How many requests are let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Throttling {
    /// All of them.
    #[default]
    Off,
    /// As many as Microsoft publishes ("Microsoft Graph service-specific throttling limits", identity and access).
    Published,
    /// The published limits, with every count and every window multiplied by this factor: 0.1 means 300 writes in
    /// 15 seconds, which is the same rate with a smaller burst.
    Scaled(f64),
    /// So many writes in so many seconds, and the published limits for the rest.
    Quota {
        /// The most writes in a window.
        writes: u32,
        /// The window, in seconds.
        seconds: f64,
    },
}

impl std::str::FromStr for Throttling {
    type Err = String;

    /// Reads `off`, `published`, `WRITES/SECONDS` or a factor.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let positive = |number: f64| (number.is_finite() && number > 0.0).then_some(number);
        match text {
            "off" => Ok(Self::Off),
            "published" => Ok(Self::Published),
            _ => match text.split_once('/') {
                Some((writes, seconds)) => Some((writes, seconds))
                    .and_then(|(writes, seconds)| {
                        Some((writes.parse().ok()?, positive(seconds.parse().ok()?)?))
                    })
                    .map(|(writes, seconds)| Self::Quota { writes, seconds }),
                None => text.parse().ok().and_then(positive).map(Self::Scaled),
            }
            .ok_or_else(|| {
                format!("`{text}` is not a quota, write `300/15`, `published` or `off`")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_read_from_text() {
        assert_eq!(
            "300/15".parse(),
            Ok(Throttling::Quota {
                writes: 300,
                seconds: 15.0
            })
        );
        assert_eq!("published".parse(), Ok(Throttling::Published));
        assert_eq!("0.1".parse(), Ok(Throttling::Scaled(0.1)));
        for wrong in ["", "300/", "300/0", "-1", "x/15", "NaN"] {
            assert!(wrong.parse::<Throttling>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_admin_side_reads_what_it_shows() {
        let settings = Settings {
            throttle: Throttling::Quota {
                writes: 3,
                seconds: 1.5,
            },
            ..Settings::default()
        };
        let text = serde_json::to_string(&settings).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Settings>(&text).ok(), Some(settings));
    }
}
