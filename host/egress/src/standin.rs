//! What a guest holds in place of a secret, and what each of them stands for.
//!
//! A stand-in is random, so nobody guesses one; it is known to one session only, and means something in the calls and
//! places that its hold is declared for. Whether it is in its place is judged at admission ([`crate::admit`]); the value
//! is put there by [`crate::swap`].

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use http::HeaderValue;

use crate::declare::Held;
use crate::scan::{self, CORE};
use crate::secret::Secret;

/// Values of one seal that are kept: older ones have been replaced by newer answers long ago.
const MOST_OF_A_SEAL: usize = 4;
/// Stand-ins for one request that were handed out and not used.
const MOST_UNUSED: usize = 64;

/// The stand-ins of one session.
#[derive(Debug, Default)]
pub(crate) struct StandIns {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    by_text: HashMap<String, Arc<StandIn>>,
    /// The same, in the order in which they were made.
    all: Vec<Arc<StandIn>>,
}

/// One stand-in.
pub(crate) struct StandIn {
    text: String,
    pub(crate) held: Held,
    /// The value, if it was sealed in an answer. What the connection has is asked for when it is needed.
    pub(crate) sealed: Option<Secret>,
    /// The one call that it is good for, once.
    only_in: Option<String>,
    used: AtomicBool,
    /// `Bearer …` with the sealed value: made once, because it leaves with every request.
    pub(crate) bearer: OnceLock<Option<HeaderValue>>,
}

/// The system has no random numbers to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random numbers")]
pub(crate) struct NoRandom;

impl StandIns {
    /// The stand-in of a secret field, the same each time.
    pub(crate) fn of_field(&self, field: &str) -> Result<String, NoRandom> {
        let held = Held::Secret(field.to_owned());
        let known = |state: &State| {
            state
                .all
                .iter()
                .find(|one| one.held == held)
                .map(|one| one.text.clone())
        };
        if let Some(text) = self.read(known) {
            return Ok(text);
        }
        let text = random_letters()?;
        Ok(self.write(|state| {
            // Somebody may have been quicker.
            known(state).unwrap_or_else(|| state.add(StandIn::new(text, held.clone(), None, None)))
        }))
    }

    /// A stand-in for one request of `call`. `None` when too many are unused.
    pub(crate) fn once(&self, held: Held, call: &str) -> Result<Option<String>, NoRandom> {
        let text = random_letters()?;
        Ok(self.write(|state| {
            state.forget(|one| one.only_in.is_some() && one.used.load(Ordering::Acquire));
            let unused = state.all.iter().filter(|one| one.only_in.is_some()).count();
            (unused < MOST_UNUSED)
                .then(|| state.add(StandIn::new(text, held, None, Some(call.to_owned()))))
        }))
    }

    /// A stand-in for a value that an answer held; of the same shape if that is a token.
    pub(crate) fn seal(&self, name: &str, value: &str) -> Result<String, NoRandom> {
        let core = random_letters()?;
        let text = match crate::jwt::likeness(value) {
            Some(beginning) => beginning + &core,
            None => core,
        };
        let held = Held::Sealed(name.to_owned());
        Ok(self.write(|state| {
            // The same value keeps its stand-in, so that an answer that repeats itself looks the same.
            let same = |one: &&Arc<StandIn>| {
                one.held == held && one.sealed.as_ref().is_some_and(|old| old.expose() == value)
            };
            if let Some(one) = state.all.iter().find(same) {
                return one.text.clone();
            }
            let others: Vec<String> = state
                .all
                .iter()
                .filter(|one| one.held == held)
                .map(|one| one.text.clone())
                .collect();
            if others.len() >= MOST_OF_A_SEAL {
                state.forget(|one| one.text == others[0]);
            }
            state.add(StandIn::new(
                text,
                held.clone(),
                Some(Secret::new(value.to_owned())),
                None,
            ))
        }))
    }

    /// The stand-in that is exactly this text.
    pub(crate) fn get(&self, text: &str) -> Option<Arc<StandIn>> {
        self.read(|state| state.by_text.get(text).cloned())
    }

    /// Looks for any stand-in, however it is encoded. Gives what it stands for and how it was hidden.
    pub(crate) fn sighted(&self, text: &[u8]) -> Option<(String, &'static str)> {
        self.read(|state| {
            let (found, form) = scan::find(text, state.all.iter().map(|one| one.core()))?;
            Some((describe(&state.all[found].held), form))
        })
    }

    /// Forgets everything; the values are zeroed when the last request that uses them is over.
    pub(crate) fn clear(&self) {
        self.write(|state| *state = State::default());
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn add(&mut self, one: StandIn) -> String {
        let one = Arc::new(one);
        self.by_text.insert(one.text.clone(), Arc::clone(&one));
        self.all.push(Arc::clone(&one));
        one.text.clone()
    }

    fn forget(&mut self, which: impl Fn(&StandIn) -> bool) {
        self.all.retain(|one| !which(one));
        self.by_text.retain(|_, one| !which(one));
    }
}

impl StandIn {
    fn new(text: String, held: Held, sealed: Option<Secret>, only_in: Option<String>) -> Self {
        Self {
            text,
            held,
            sealed,
            only_in,
            used: AtomicBool::new(false),
            bearer: OnceLock::new(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it may be used in a request of `call`.
    pub(crate) fn is_good_in(&self, call: &str) -> bool {
        self.only_in.as_ref().is_none_or(|only| only == call) && !self.used.load(Ordering::Acquire)
    }

    /// Uses it. False if it was good for one request and has been used.
    pub(crate) fn take(&self) -> bool {
        self.only_in.is_none() || !self.used.swap(true, Ordering::AcqRel)
    }

    /// The 32 letters that no other text has.
    fn core(&self) -> &str {
        &self.text[self.text.len() - CORE..]
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StandIn({})", describe(&self.held))
    }
}

/// How messages speak of what is held.
pub(crate) fn describe(held: &Held) -> String {
    match held {
        Held::Secret(field) => format!("secret `{field}`"),
        Held::Sealed(name) => format!("sealed value `{name}`"),
        Held::Assertion => "a client assertion".to_owned(),
        Held::OneTimeCode(field) => format!("a one-time code of `{field}`"),
    }
}

/// 32 random letters and digits: 190 bits.
fn random_letters() -> Result<String, NoRandom> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(CORE);
    let mut bytes = [0; 64];
    while text.len() < CORE {
        getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
        // 248 is the largest multiple of 62: a byte above it would make the first letters likelier than the others.
        let fair = bytes
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(LETTERS[usize::from(byte % 62)]));
        text.extend(fair.take(CORE - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn a_stand_in_is_32_letters_and_stays_the_same() {
        let session = StandIns::default();
        let one = session.of_field("client_secret").unwrap();
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_eq!(session.of_field("client_secret").unwrap(), one);
        assert_ne!(session.of_field("password").unwrap(), one);
        assert_ne!(StandIns::default().of_field("client_secret").unwrap(), one);
    }

    #[test]
    fn stand_ins_of_another_session_mean_nothing() {
        let (mine, yours) = (StandIns::default(), StandIns::default());
        let text = yours.of_field("client_secret").unwrap();
        assert!(mine.get(&text).is_none());
        assert!(yours.get(&text).is_some());
    }

    #[test]
    fn what_is_for_one_request_is_used_once() {
        let session = StandIns::default();
        let text = session.once(Held::Assertion, "sign-in").unwrap().unwrap();
        let one = session.get(&text).unwrap();
        assert!(one.is_good_in("sign-in") && !one.is_good_in("other"));
        assert!(one.take());
        assert!(!one.take() && !one.is_good_in("sign-in"));
    }

    #[test]
    fn only_so_many_unused_ones_are_kept() {
        let session = StandIns::default();
        for _ in 0..MOST_UNUSED {
            assert!(session.once(Held::Assertion, "sign-in").unwrap().is_some());
        }
        assert!(session.once(Held::Assertion, "sign-in").unwrap().is_none());
    }

    #[test]
    fn the_oldest_of_many_sealed_values_is_forgotten() {
        let session = StandIns::default();
        let texts: Vec<String> = (0..5)
            .map(|n| session.seal("token", &format!("value {n}")).unwrap())
            .collect();
        assert!(session.get(&texts[0]).is_none());
        assert!(texts[1..].iter().all(|text| session.get(text).is_some()));
        assert_eq!(session.seal("token", "value 3").unwrap(), texts[3]);
    }

    #[test]
    fn debug_shows_no_stand_in() {
        let session = StandIns::default();
        let text = session.seal("token", "the value").unwrap();
        let shown = format!("{:?}", session.get(&text).unwrap());
        assert_eq!(shown, "StandIn(sealed value `token`)");
    }
}
