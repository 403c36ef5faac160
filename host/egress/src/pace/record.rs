//! An account as bytes, so that it can be kept where other processes find it.
//!
//! Numbers in little-endian order, in the order of the fields; times in nanoseconds. Whether the bytes are whole is for
//! whoever keeps them to know; here only values that no account could have are refused.

use std::time::Duration;

use super::line::{Line, PLACES, Waiter};
use super::{Account, LONGEST_HOLD, Ramp};

/// How many bytes an account takes: eight numbers, the ramp, the line.
pub const ACCOUNT_BYTES: usize = 8 * (8 + 3 + 3 * PLACES);

impl Account {
    /// The account as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ACCOUNT_BYTES] {
        let mut bytes = [0; ACCOUNT_BYTES];
        let (ramp, waiters) = (self.ramp, self.line.waiters());
        let numbers = [
            self.used.to_bits(),
            self.learnt.unwrap_or(0.0).to_bits(),
            nanoseconds(self.silent),
            self.speed.to_bits(),
            nanoseconds(self.hold),
            self.era,
            self.flying.to_bits(),
            nanoseconds(self.quiet),
            // One more than it is, so that nothing is none.
            ramp.map_or(0, |ramp| u64::from(ramp.allowance) + 1),
            ramp.map_or(0, |ramp| ramp.good.into()),
            ramp.map_or(0, |ramp| nanoseconds(ramp.idle)),
        ];
        let waiters = waiters.flat_map(|waiter| {
            [
                waiter.who,
                waiter.units.to_bits(),
                nanoseconds(waiter.silent),
            ]
        });
        for (place, number) in bytes
            .chunks_exact_mut(8)
            .zip(numbers.into_iter().chain(waiters))
        {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// The account of these bytes. `None` if no account has them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; ACCOUNT_BYTES]) -> Option<Self> {
        let (words, _) = bytes.as_chunks::<8>();
        let mut numbers = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut number = || numbers.next();
        let used = amount(number()?)?;
        let learnt = amount(number()?)?;
        let silent = Duration::from_nanos(number()?);
        let speed = f64::from_bits(number()?);
        let hold = Duration::from_nanos(number()?);
        let era = number()?;
        let flying = amount(number()?)?;
        let quiet = Duration::from_nanos(number()?);
        let (allowance, good, idle) = (number()?, number()?, number()?);
        let ramp = match allowance.checked_sub(1) {
            None => None,
            Some(allowance) => Some(Ramp {
                allowance: u32::try_from(allowance).ok()?,
                good: u32::try_from(good).ok()?,
                idle: Duration::from_nanos(idle),
            }),
        };
        let mut line = Line::default();
        while let (Some(who), Some(units), Some(silent)) = (number(), number(), number()) {
            // No queue has the number nothing.
            if who != 0 {
                line.stand(Waiter {
                    who,
                    units: amount(units)?,
                    silent: Duration::from_nanos(silent),
                });
            }
        }
        let is_possible = (super::SLOWEST..=1.0).contains(&speed) && hold <= LONGEST_HOLD;
        is_possible.then_some(Self {
            used,
            learnt: (learnt > 0.0).then_some(learnt),
            silent,
            speed,
            hold,
            era,
            flying,
            quiet,
            ramp,
            line,
        })
    }
}

/// Units that a quota can have.
fn amount(bits: u64) -> Option<f64> {
    let amount = f64::from_bits(bits);
    // Room for debts: a share that is told can be above the whole.
    (0.0..=f64::from(u32::MAX) * 16.0)
        .contains(&amount)
        .then_some(amount)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
