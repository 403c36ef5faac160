//! How much time went by between two processes' looks at one file, whatever happened to the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The bytes that a clock takes.
pub(super) const BYTES: usize = 16;

/// What stands where a system has no such clock.
const NO_TICKS: u64 = 0;

/// Two clocks, in nanoseconds: the wall's, and one that all processes of a machine share, that nobody sets, and that
/// starts anew with the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    wall: u64,
    ticks: u64,
}

impl Clock {
    pub(super) fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            wall: nanoseconds(wall.unwrap_or_default()),
            ticks: ticks(),
        }
    }

    /// The time since `earlier`: the shorter by the two clocks, so that a wall clock that is set forward gives nobody
    /// a quota. One that is set back gives nothing once. After a restart of the machine only the wall clock counts.
    pub(super) fn since(&self, earlier: &Self) -> Duration {
        let wall = self.wall.saturating_sub(earlier.wall);
        let passed = match self.ticks.checked_sub(earlier.ticks) {
            Some(ticks) if earlier.ticks != NO_TICKS => wall.min(ticks),
            _ => wall,
        };
        Duration::from_nanos(passed)
    }

    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.wall.to_le_bytes());
        bytes[8..].copy_from_slice(&self.ticks.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let number = |from: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[from..from + 8]);
            u64::from_le_bytes(number)
        };
        Self {
            wall: number(0),
            ticks: number(8),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// `CLOCK_BOOTTIME` (clock_gettime(2)): goes on while the machine sleeps.
#[cfg(target_os = "linux")]
fn ticks() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000) + nanoseconds.unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn ticks() -> u64 {
    NO_TICKS
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLIER: Clock = Clock {
        wall: 1_000_000,
        ticks: 500,
    };

    fn since(wall: u64, ticks: u64) -> u64 {
        let later = Clock { wall, ticks };
        u64::try_from(later.since(&EARLIER).as_nanos()).unwrap_or(u64::MAX)
    }

    #[test]
    fn a_clock_that_is_set_gives_nobody_time() {
        assert_eq!(since(1_000_070, 570), 70);
        assert_eq!(since(9_000_000, 570), 70, "set forward");
        assert_eq!(since(900_000, 570), 0, "set back");
    }

    #[test]
    fn after_a_restart_the_wall_clock_counts() {
        assert_eq!(since(1_000_070, 3), 70);
    }

    #[test]
    fn bytes_hold_the_clock() {
        assert_eq!(Clock::from_bytes(&EARLIER.to_bytes()), EARLIER);
        let (one, other) = (Clock::now(), Clock::now());
        assert!(other.since(&one) < Duration::from_secs(60));
    }
}
