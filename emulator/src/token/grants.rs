//! What was handed out and can be handed in again: refresh tokens, codes, browser sessions.
//!
//! Kept by digest, so that no token is in memory longer than its answer. Everything is bounded; the oldest goes.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use crate::clock::Moment;
use crate::wire;

/// The most of each kind.
const MOST: usize = 50_000;

/// A person's consent to be acted for, as a refresh token stands for it.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) user: Uuid,
    pub(crate) client: Uuid,
    /// Graph permissions.
    pub(crate) scopes: Vec<String>,
    /// When the person signed in. Tokens that were renewed since are as old as this, so that none outlives a revoke.
    pub(crate) since: Moment,
    /// The directory's count of changes at that time.
    pub(crate) change: u64,
    /// Whether a second factor was given.
    pub(crate) with_second_factor: bool,
}

/// An authorisation code, waiting to be redeemed.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    /// The S256 challenge (RFC 7636), if the client gave one.
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) wants_refresh_token: bool,
    pub(crate) wants_id_token: bool,
    pub(crate) expires: Moment,
    pub(crate) redeemed: bool,
}

/// A bounded map from the digest of a secret to what it stands for.
#[derive(Debug)]
struct Vault<T> {
    held: HashMap<[u8; 32], T>,
    order: VecDeque<[u8; 32]>,
}

impl<T> Default for Vault<T> {
    fn default() -> Self {
        Self {
            held: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Vault<T> {
    /// Keeps `value` under a new secret, which starts with `prefix`.
    fn issue(&mut self, prefix: &str, value: T) -> String {
        let secret = format!("{prefix}{}", wire::unguessable(96));
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.held.remove(&oldest);
        }
        let digest = wire::sha256(secret.as_bytes());
        self.order.push_back(digest);
        self.held.insert(digest, value);
        secret
    }

    fn get(&mut self, secret: &str) -> Option<&mut T> {
        self.held.get_mut(&wire::sha256(secret.as_bytes()))
    }
}

/// Everything that was handed out.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    refresh: Vault<Grant>,
    codes: Vault<Code>,
    sessions: Vault<Grant>,
    /// Token requests by what they ask for: how many since when.
    repeats: HashMap<[u8; 32], (u32, Moment)>,
}

/// Requests within this time count as a loop.
const LOOP_WINDOW_MS: i64 = 300_000;

impl Grants {
    pub(crate) fn issue_refresh_token(&mut self, grant: Grant) -> String {
        self.refresh.issue("1.AEmu", grant)
    }

    pub(crate) fn refresh_grant(&mut self, token: &str) -> Option<Grant> {
        self.refresh.get(token).cloned()
    }

    pub(crate) fn issue_code(&mut self, code: Code) -> String {
        self.codes.issue("0.AEmu", code)
    }

    pub(crate) fn code(&mut self, code: &str) -> Option<&mut Code> {
        self.codes.get(code)
    }

    pub(crate) fn begin_session(&mut self, grant: Grant) -> String {
        self.sessions.issue("", grant)
    }

    pub(crate) fn session(&mut self, cookie: &str) -> Option<Grant> {
        self.sessions.get(cookie).cloned()
    }

    /// Counts a token request; gives how many equal ones there were in the last five minutes.
    pub(crate) fn count_request(&mut self, what: &str, now: Moment) -> u32 {
        if self.repeats.len() >= MOST {
            self.repeats.clear();
        }
        let (count, since) = self
            .repeats
            .entry(wire::sha256(what.as_bytes()))
            .or_insert((0, now));
        if now.ms().saturating_sub(since.ms()) > LOOP_WINDOW_MS {
            (*count, *since) = (0, now);
        }
        *count = count.saturating_add(1);
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut vault = Vault::default();
        let first = vault.issue("", 0);
        let second = vault.issue("", 1);
        for number in 2..=MOST {
            vault.issue("", number);
        }
        assert_eq!(vault.get(&first), None);
        assert_eq!(vault.get(&second), Some(&mut 1));
        assert_eq!(vault.held.len(), MOST);
    }

    #[test]
    fn equal_requests_are_counted_for_five_minutes() {
        let mut grants = Grants::default();
        let now = Moment::from_ms(0);
        assert_eq!(grants.count_request("a", now), 1);
        assert_eq!(grants.count_request("a", now), 2);
        assert_eq!(grants.count_request("b", now), 1);
        assert_eq!(grants.count_request("a", now.plus_ms(300_001)), 1);
    }
}
