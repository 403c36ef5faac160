//! The line before a lane: who asked first goes first, in whichever process it waits.
//!
//! Without one, whoever asks for little would always find it, and whoever asks for much never would.

use std::time::Duration;

/// Queues that can stand in a line, one a process. Those that find no place ask again.
pub(super) const PLACES: usize = 8;

/// Who was not heard of for so long is gone. Whoever waits asks again more often ([`crate::lanes`]).
const GONE: Duration = Duration::from_secs(1);

/// Who waits, the first one first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Line {
    places: [Option<Waiter>; PLACES],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Waiter {
    pub(super) who: u64,
    pub(super) units: f64,
    /// Since it last asked.
    pub(super) silent: Duration,
}

impl Line {
    /// The units that those before `who` wait for; nobody is before the first. Whoever has no place comes last.
    pub(super) fn before(&self, who: u64) -> Option<f64> {
        let ahead = self.waiters().take_while(|waiter| waiter.who != who);
        ahead
            .map(|waiter| waiter.units)
            .reduce(|sum, units| sum + units)
    }

    /// Takes a place, or keeps it.
    pub(super) fn join(&mut self, who: u64, units: f64) {
        let waiter = Waiter {
            who,
            units,
            silent: Duration::ZERO,
        };
        let place = self.places.iter_mut().find(|place| match place {
            Some(other) => other.who == who,
            None => true,
        });
        if let Some(place) = place {
            *place = Some(waiter);
        }
    }

    /// Stands where it stood when the line was written down.
    pub(super) fn stand(&mut self, waiter: Waiter) {
        if let Some(place) = self.places.iter_mut().find(|place| place.is_none()) {
            *place = Some(waiter);
        }
    }

    /// Gives the place up.
    pub(super) fn leave(&mut self, who: u64) {
        self.keep(|waiter| waiter.who != who);
    }

    /// Lets time go by.
    pub(super) fn age(&mut self, passed: Duration) {
        for waiter in self.places.iter_mut().flatten() {
            waiter.silent = waiter.silent.saturating_add(passed);
        }
        self.keep(|waiter| waiter.silent <= GONE);
    }

    pub(super) fn waiters(&self) -> impl Iterator<Item = &Waiter> {
        self.places.iter().flatten()
    }

    fn keep(&mut self, stays: impl Fn(&Waiter) -> bool) {
        let before = std::mem::take(&mut self.places);
        let staying = before.into_iter().flatten().filter(stays);
        for (place, waiter) in self.places.iter_mut().zip(staying) {
            *place = Some(waiter);
        }
    }
}
