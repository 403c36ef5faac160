//! The emulator's clock: the system's, moved or stopped by whoever tests with it.
//!
//! Everything that depends on time (tokens, buckets, replication, timestamps) asks this clock. It does not delay
//! anything: latency is real time, so that clients wait for it as they would.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A point in time, in milliseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    pub(crate) const fn ms(self) -> i64 {
        self.0
    }

    pub(crate) const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub(crate) const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// `2026-02-25T21:21:51`: the zone-less UTC form of `innerError.date` (recorded answers of Microsoft Graph).
    pub(crate) fn inner_error(self) -> String {
        self.timestamp().strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// `2026-02-25T21:21:51Z`: an `Edm.DateTimeOffset` in whole seconds, as Graph shows it.
    pub(crate) fn date_time_offset(self) -> String {
        self.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `2026-08-13 21:24:29Z`: the form of the token endpoint's errors.
    pub(crate) fn token_error(self) -> String {
        self.timestamp().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }

    /// `2026-08-13T21:24:29.0000000Z`: the form inside the texts of the token endpoint's errors.
    pub(crate) fn in_token_text(self) -> String {
        self.timestamp()
            .strftime("%Y-%m-%dT%H:%M:%S.%3f0000Z")
            .to_string()
    }

    /// `Wed, 25 Feb 2026 21:22:35 GMT` (RFC 9110 section 5.6.7).
    pub(crate) fn http_date(self) -> String {
        self.timestamp()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    }
}

impl From<Timestamp> for Moment {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.as_millisecond())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

/// How the clock runs.
#[derive(Clone, Copy, Debug)]
enum Mode {
    /// The system's time and so many milliseconds.
    Running(i64),
    /// Always this time.
    Stopped(Moment),
}

/// A clock that can be moved and stopped.
#[derive(Debug)]
pub(crate) struct Clock(Mutex<Mode>);

impl Clock {
    /// A clock that shows the system's time.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Mode::Running(0)))
    }

    pub(crate) fn now(&self) -> Moment {
        match *self.mode() {
            Mode::Running(offset) => Moment(system_ms().saturating_add(offset)),
            Mode::Stopped(at) => at,
        }
    }

    /// Shows `at` from now on; goes on from there, or stands still if it was stopped.
    pub(crate) fn set(&self, at: Moment) {
        let mut mode = self.mode();
        *mode = match *mode {
            Mode::Running(_) => Mode::Running(at.0.saturating_sub(system_ms())),
            Mode::Stopped(_) => Mode::Stopped(at),
        };
    }

    /// Moves by `ms`, backwards where negative.
    pub(crate) fn advance(&self, ms: i64) {
        let now = self.now();
        self.set(now.plus_ms(ms));
    }

    /// Stands still until [`Clock::go`].
    pub(crate) fn stop(&self) {
        let now = self.now();
        *self.mode() = Mode::Stopped(now);
    }

    /// Goes on from where it stands.
    pub(crate) fn go(&self) {
        let now = self.now();
        *self.mode() = Mode::Running(now.0.saturating_sub(system_ms()));
    }

    /// Shows the system's time again.
    pub(crate) fn reset(&self) {
        *self.mode() = Mode::Running(0);
    }

    fn mode(&self) -> std::sync::MutexGuard<'_, Mode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn system_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_it_is_moved() {
        let clock = Clock::new();
        clock.stop();
        let at = clock.now();
        assert_eq!(clock.now(), at);
        clock.advance(1500);
        assert_eq!(clock.now(), at.plus_ms(1500));
        clock.set(Moment::from_ms(5));
        assert_eq!(clock.now(), Moment::from_ms(5));
        clock.go();
        assert!(clock.now() >= Moment::from_ms(5));
        assert!(clock.now() < Moment::from_ms(60_000));
        clock.reset();
        assert!(clock.now() >= at);
    }

    #[test]
    fn times_have_the_forms_of_the_recorded_answers() {
        let at = Moment::from_ms(1_772_054_511_123);
        assert_eq!(at.inner_error(), "2026-02-25T21:21:51");
        assert_eq!(at.date_time_offset(), "2026-02-25T21:21:51Z");
        assert_eq!(at.token_error(), "2026-02-25 21:21:51Z");
        assert_eq!(at.http_date(), "Wed, 25 Feb 2026 21:21:51 GMT");
        assert_eq!(at.in_token_text(), "2026-02-25T21:21:51.1230000Z");
    }
}
