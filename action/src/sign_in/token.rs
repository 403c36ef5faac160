//! A token for Microsoft Graph, and what it says of itself.

use super::refusal::{NoToken, unreadable};
use crate::base64;
use crate::dates::parse_http_date;
use crate::json::Loose;
use crate::names::is_guid;
use crate::service::Answer;
use serde::Deserialize;
use std::{borrow::Cow, fmt, time::Duration};

/// A token is renewed this long before its end, so that no request leaves with one that ends on the way.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// What a token lives for when the service does not say.
const UNSAID_LIFETIME: Duration = Duration::from_secs(600);
/// No token is believed to live longer: continuous access evaluation gives 28 hours.
const LONGEST_LIFETIME: Duration = Duration::from_secs(28 * 3_600);

/// A token for Microsoft Graph.
pub(crate) struct Token {
    /// The value of the `authorization` header.
    pub authorization: String,
    /// Counts the tokens of a run.
    pub generation: u32,
    /// When to get the next one, on the monotonic clock.
    pub renew_at: Duration,
    /// When it ends.
    pub ends_at: Duration,
    /// How far the service's clock is ahead of this machine's, in seconds, where its answer has a date.
    pub clock_ahead: Option<i64>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Granted<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow, default)]
    token_type: Option<Cow<'a, str>>,
    /// A number, or a string of one, as the older endpoint writes it.
    #[serde(borrow, default)]
    expires_in: Loose<'a>,
}

impl Token {
    /// Reads the answer to a sign-in that went well.
    pub(super) fn read(
        answer: &Answer,
        asked_at: Duration,
        now_unix: u64,
        generation: u32,
    ) -> Result<Self, NoToken> {
        let granted: Granted<'_> =
            serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        let usable = !granted.access_token.is_empty()
            && granted.access_token.bytes().all(|b| b.is_ascii_graphic());
        if !usable
            || granted
                .token_type
                .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
        {
            return Err(unreadable());
        }
        let lifetime = granted.expires_in.text().and_then(|text| text.parse().ok());
        let lifetime = lifetime.map_or(UNSAID_LIFETIME, Duration::from_secs);
        let lifetime = lifetime.min(LONGEST_LIFETIME);
        let date = answer.header("date").and_then(parse_http_date);
        Ok(Self {
            authorization: format!("Bearer {}", granted.access_token),
            generation,
            renew_at: asked_at + lifetime - RENEW_BEFORE.min(lifetime / 4),
            ends_at: asked_at + lifetime,
            clock_ahead: date
                .and_then(|date| Some(i64::try_from(date).ok()? - i64::try_from(now_unix).ok()?)),
        })
    }

    /// The readable part, if there is one: to clients a token is opaque by contract ("Access tokens in the Microsoft
    /// identity platform").
    #[must_use]
    pub(crate) fn claims(&self) -> Option<Claims> {
        let payload = self
            .authorization
            .strip_prefix("Bearer ")?
            .split('.')
            .nth(1)?;
        serde_json::from_slice(&base64::decode(payload)?).ok()
    }

    /// Whether a request that leaves now arrives in time.
    #[must_use]
    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        now + Duration::from_secs(5) < self.ends_at
    }
}

/// What a token says of itself, for hints to people and never for decisions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Claims {
    /// The application permissions in it.
    roles: Vec<String>,
    /// The delegated permissions, with blanks between them.
    scp: String,
    /// Template ids of the directory roles that the user holds.
    wids: Vec<String>,
    /// The application.
    appid: String,
    app_displayname: String,
    /// The tenant.
    tid: String,
    /// The user.
    upn: String,
}

/// Directory roles that may revoke the sessions of others, by their template ids ("Microsoft Entra built-in roles").
const REVOKING_DIRECTORY_ROLES: [(&str, &str); 3] = [
    (
        "62e90394-69f5-4237-9190-012177145e10",
        "Global Administrator",
    ),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    (
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        "Privileged Authentication Administrator",
    ),
];

impl Claims {
    /// The permissions for Graph, whoever signed in.
    pub(crate) fn permissions(&self) -> impl Iterator<Item = &str> {
        let roles = self.roles.iter().map(String::as_str);
        roles.chain(self.scp.split_ascii_whitespace())
    }

    /// Whether one of `wanted` is among the permissions.
    pub(crate) fn permits(&self, wanted: &[&str]) -> bool {
        self.permissions().any(|held| wanted.contains(&held))
    }

    /// Whether a user signed in, and not the application.
    pub(crate) fn is_user(&self) -> bool {
        !self.scp.is_empty()
    }

    /// The directory role by which the user may revoke, if there is one that is known to allow it.
    pub(crate) fn directory_role(&self) -> Option<&'static str> {
        let held = |id: &str| self.wids.iter().any(|wid| wid.eq_ignore_ascii_case(id));
        REVOKING_DIRECTORY_ROLES
            .iter()
            .find(|(id, _)| held(id))
            .map(|(_, name)| *name)
    }

    /// Who signed in, where the token says so.
    pub(crate) fn who(&self) -> Option<String> {
        let plain = |text: &str| {
            !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control)
        };
        let tenant = Some(self.tid.as_str()).filter(|id| is_guid(id))?;
        let app = Some(self.appid.as_str()).filter(|id| is_guid(id))?;
        let app = match self.app_displayname.as_str() {
            name if plain(name) => format!("the application {name} ({app})"),
            _ => format!("the application {app}"),
        };
        Some(if plain(&self.upn) {
            format!(
                "the user {} through {app}, in the tenant {tenant}",
                self.upn
            )
        } else {
            format!("{app}, in the tenant {tenant}")
        })
    }
}

/// The tenant's id, from the `issuer` of its OpenID configuration: `https://login.microsoftonline.com/{id}/v2.0`.
pub(super) fn tenant_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Configuration<'a> {
        #[serde(borrow)]
        issuer: Cow<'a, str>,
    }
    let configuration: Configuration<'_> = serde_json::from_slice(body).ok()?;
    let id = configuration.issuer.split('/').find(|part| is_guid(part))?;
    Some(id.to_ascii_lowercase())
}
