//! The quotas of Microsoft Graph's identity service, as buckets of tokens.
//!
//! No clock inside: `now` is a parameter. Source of the limits and costs: "Microsoft Graph service-specific throttling
//! limits", section on identity and access. Whether the service refills evenly or in windows is not known, so there is a
//! setting. A request that comes before the wait is over is counted as well ("Microsoft Graph throttling guidance"). Who is
//! refused is told to wait until there is room for all who were refused before and for this one too, so that a client
//! that obeys, or that waits the longest time that any of its parts was told, is not refused again (inferred: the
//! guidance promises it, and nobody says how).

use std::collections::HashMap;

use uuid::Uuid;

use crate::clock::Moment;
use crate::settings::{Refill, Throttling};

/// What a request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) resource_units: u32,
    pub(crate) writes: u32,
    /// Requests for sign-in and audit reports, which have a limit of their own.
    pub(crate) reports: u32,
}

impl Cost {
    pub(crate) const fn read(resource_units: u32) -> Self {
        Self {
            resource_units,
            writes: 0,
            reports: 0,
        }
    }

    pub(crate) const WRITE: Self = Self {
        resource_units: 1,
        writes: 1,
        reports: 0,
    };

    /// The modifiers of the cost table: `$select` −1, `$expand` +1, `$top` below 20 −1, never below 1.
    pub(crate) fn modified(mut self, select: bool, expand: bool, small_top: bool) -> Self {
        let units = i64::from(self.resource_units) - i64::from(select) + i64::from(expand)
            - i64::from(small_top);
        self.resource_units = u32::try_from(units.max(1)).unwrap_or(1);
        self
    }
}

/// `x-ms-throttle-priority` of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Priority {
    Low,
    #[default]
    Normal,
    High,
}

impl Priority {
    pub(crate) fn from_header(value: Option<&str>) -> Self {
        match value {
            Some(value) if value.eq_ignore_ascii_case("low") => Self::Low,
            Some(value) if value.eq_ignore_ascii_case("high") => Self::High,
            _ => Self::Normal,
        }
    }

    /// The share of a bucket that has to be left for a request to pass. Low is refused first; that high may go a little
    /// into debt is inferred from "refused last".
    fn floor(self) -> f64 {
        match self {
            Self::Low => 0.1,
            Self::Normal => 0.0,
            Self::High => -0.02,
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Admission {
    /// It passes. The share of the fullest quota that is used, where above 0.8.
    Passes { used: Option<f64> },
    /// It is refused.
    Refused {
        retry_after_s: u64,
        used: f64,
        scope: String,
        information: &'static str,
    },
}

/// One quota.
#[derive(Clone, Debug)]
struct Bucket {
    kind: Kind,
    capacity: f64,
    per_ms: f64,
    refill: Refill,
    left: f64,
    /// Up to when it was refilled: now, or the start of a window.
    last: Moment,
    /// When the client was first told to wait, and until when. Requests between come too early, but for those that were
    /// on their way already.
    refused_at: Moment,
    refused_until: Moment,
    /// The charges of all that were refused since then and told when to come back.
    promised: f64,
}

/// What a bucket counts, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AppTenantUnits,
    AppTenantWrites,
    TenantWrites,
    AppUnits,
    AppWrites,
    AppRequests,
    Reports,
}

impl Kind {
    fn charge(self, cost: Cost) -> f64 {
        f64::from(match self {
            Self::AppTenantUnits | Self::AppUnits => cost.resource_units,
            Self::AppTenantWrites | Self::TenantWrites | Self::AppWrites => cost.writes,
            Self::AppRequests => 1,
            Self::Reports => cost.reports,
        })
    }

    /// `x-ms-throttle-scope` without the ids.
    fn scope(self) -> &'static str {
        match self {
            Self::AppTenantUnits | Self::Reports => "Tenant_Application/ReadWrite",
            Self::AppTenantWrites => "Tenant_Application/Write",
            Self::TenantWrites => "Tenant/Write",
            Self::AppUnits | Self::AppRequests => "Application/ReadWrite",
            Self::AppWrites => "Application/Write",
        }
    }

    fn information(self) -> &'static str {
        match self {
            Self::AppTenantWrites | Self::TenantWrites | Self::AppWrites => "WriteLimitExceeded",
            Self::AppTenantUnits | Self::AppUnits | Self::AppRequests | Self::Reports => {
                "ResourceUnitLimitExceeded"
            }
        }
    }
}

/// The longest wait that is ever asked for.
const LONGEST_WAIT_S: u64 = 300;
/// As far as early requests can push a bucket below nothing, as a share of it: at 1.8 times the quota nearly everything
/// is refused.
const DEEPEST: f64 = -0.8;
/// Requests within this time of a refusal were on their way when it was given, and are no early ones (inferred).
const ON_THE_WAY_MS: i64 = 500;
/// Applications whose buckets are kept; they come from tokens that the emulator signed, so there are few.
const MOST_APPS: usize = 1024;

/// All quotas of a tenant.
#[derive(Debug)]
pub(crate) struct Throttle {
    mode: Throttling,
    refill: Refill,
    tenant_users: usize,
    tenant: Vec<Bucket>,
    apps: HashMap<Uuid, Vec<Bucket>>,
}

impl Throttle {
    pub(crate) fn new(mode: Throttling, refill: Refill, tenant_users: usize, now: Moment) -> Self {
        let tenant = buckets(mode, refill, &[(Kind::TenantWrites, 18_000.0, 300.0)], now);
        Self {
            mode,
            refill,
            tenant_users,
            tenant,
            apps: HashMap::new(),
        }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.mode == Throttling::Off
    }

    /// Judges and charges one request of `app` in `tenant`.
    pub(crate) fn admit(
        &mut self,
        app: Uuid,
        tenant: Uuid,
        cost: Cost,
        priority: Priority,
        now: Moment,
    ) -> Admission {
        if self.is_off() {
            return Admission::Passes { used: None };
        }
        if self.apps.len() >= MOST_APPS && !self.apps.contains_key(&app) {
            self.apps.clear();
        }
        let (mode, refill, tenant_users) = (self.mode, self.refill, self.tenant_users);
        let of_app = self.apps.entry(app).or_insert_with(|| {
            // Resource units by the size of the tenant: S, M, L.
            let units = match tenant_users {
                0..50 => 3_500.0,
                50..=500 => 5_000.0,
                _ => 8_000.0,
            };
            buckets(
                mode,
                refill,
                &[
                    (Kind::AppTenantUnits, units, 10.0),
                    (Kind::AppTenantWrites, 3_000.0, 150.0),
                    (Kind::AppUnits, 150_000.0, 20.0),
                    (Kind::AppWrites, 35_000.0, 300.0),
                    (Kind::AppRequests, 130_000.0, 10.0),
                    (Kind::Reports, 5.0, 10.0),
                ],
                now,
            )
        });
        let mut all: Vec<&mut Bucket> = of_app
            .iter_mut()
            .chain(self.tenant.iter_mut())
            .filter(|bucket| bucket.kind.charge(cost) > 0.0)
            .collect();
        for bucket in &mut all {
            bucket.refill(now);
        }
        let refusing = all.iter().position(|bucket| {
            bucket.left - bucket.kind.charge(cost) < bucket.capacity * priority.floor()
        });
        if let Some(at) = refusing {
            let bucket = &mut *all[at];
            let charge = bucket.kind.charge(cost);
            let is_told = now < bucket.refused_until;
            if is_told && now >= bucket.refused_at.plus_ms(ON_THE_WAY_MS) {
                bucket.left = (bucket.left - charge).max(bucket.capacity * DEEPEST);
            } else {
                bucket.promised = if is_told { bucket.promised } else { 0.0 } + charge;
            }
            let promised = bucket.promised.min(bucket.capacity);
            let missing = bucket.capacity * priority.floor() + promised - bucket.left;
            let wait_ms = bucket.wait_ms(missing, now);
            // Truncation is the point: whole seconds, rounded up, within bounds that fit.
            let retry_after_s = ((wait_ms / 1000.0).ceil() as u64).clamp(1, LONGEST_WAIT_S);
            let until = now.plus_ms(i64::try_from(retry_after_s * 1000).unwrap_or(0));
            if !is_told {
                bucket.refused_at = now;
            }
            bucket.refused_until = until.max(bucket.refused_until);
            return Admission::Refused {
                retry_after_s,
                used: bucket.used().max(1.0),
                scope: format!("{}/{app}/{tenant}", bucket.kind.scope()),
                information: bucket.kind.information(),
            };
        }
        let mut used = 0.0_f64;
        for bucket in &mut all {
            bucket.left -= bucket.kind.charge(cost);
            used = used.max(bucket.used());
        }
        Admission::Passes {
            used: (used > 0.8).then_some(used),
        }
    }
}

impl Bucket {
    fn refill(&mut self, now: Moment) {
        // A clock that was set back must not empty the bucket.
        let elapsed = (now.ms() - self.last.ms()).max(0);
        match self.refill {
            Refill::Even => {
                self.left = (self.left + elapsed as f64 * self.per_ms).min(self.capacity);
                self.last = now;
            }
            Refill::Window => {
                let window = self.window_ms();
                if elapsed >= window {
                    self.left = self.capacity;
                    self.last = self.last.plus_ms(elapsed / window * window);
                }
            }
        }
    }

    /// The length of a window, in whole milliseconds.
    fn window_ms(&self) -> i64 {
        ((self.capacity / self.per_ms) as i64).max(1)
    }

    /// How long until there is so much more.
    fn wait_ms(&self, missing: f64, now: Moment) -> f64 {
        match self.refill {
            Refill::Even => (missing / self.per_ms).max(0.0),
            Refill::Window => (self.window_ms() - (now.ms() - self.last.ms())).max(0) as f64,
        }
    }

    fn used(&self) -> f64 {
        1.0 - self.left / self.capacity
    }
}

fn buckets(
    mode: Throttling,
    refill: Refill,
    limits: &[(Kind, f64, f64)],
    now: Moment,
) -> Vec<Bucket> {
    limits
        .iter()
        .map(|&(kind, limit, seconds)| {
            let (capacity, seconds) = match mode {
                Throttling::Scaled(factor) => ((limit * factor).max(1.0), seconds * factor),
                Throttling::Quota { writes, seconds } if kind == Kind::AppTenantWrites => {
                    (f64::from(writes).max(1.0), seconds)
                }
                Throttling::Off | Throttling::Published | Throttling::Quota { .. } => {
                    (limit, seconds)
                }
            };
            let per_ms = capacity / (seconds * 1000.0).max(1.0);
            Bucket {
                kind,
                capacity,
                per_ms,
                refill,
                left: capacity,
                last: now,
                refused_at: now,
                refused_until: now,
                promised: 0.0,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Moment = Moment::from_ms(1_000_000);
    const APP: Uuid = Uuid::from_u128(1);
    const TENANT: Uuid = Uuid::from_u128(2);

    fn throttle(mode: Throttling, tenant_users: usize) -> Throttle {
        Throttle::new(mode, Refill::Even, tenant_users, NOW)
    }

    fn write(throttle: &mut Throttle, priority: Priority, at: Moment) -> Admission {
        throttle.admit(APP, TENANT, Cost::WRITE, priority, at)
    }

    #[test]
    fn three_thousand_writes_pass_and_the_next_one_waits() {
        let mut throttle = throttle(Throttling::Published, 1000);
        for _ in 0..3000 {
            assert!(matches!(
                write(&mut throttle, Priority::Normal, NOW),
                Admission::Passes { .. }
            ));
        }
        let refused = write(&mut throttle, Priority::Normal, NOW);
        let Admission::Refused {
            retry_after_s,
            scope,
            information,
            used,
        } = refused
        else {
            unreachable!("{refused:?}");
        };
        assert_eq!((retry_after_s, information), (1, "WriteLimitExceeded"));
        assert_eq!(scope, format!("Tenant_Application/Write/{APP}/{TENANT}"));
        assert!(used >= 1.0);
        assert!(matches!(
            write(&mut throttle, Priority::Normal, NOW.plus_ms(1000)),
            Admission::Passes { .. }
        ));
    }

    #[test]
    fn a_client_that_does_not_wait_waits_longer() {
        let mut throttle = throttle(
            Throttling::Quota {
                writes: 10,
                seconds: 10.0,
            },
            10,
        );
        for _ in 0..10 {
            write(&mut throttle, Priority::Normal, NOW);
        }
        let waits: Vec<u64> = (0..6)
            .map(
                |round| match write(&mut throttle, Priority::Normal, NOW.plus_ms(round * 600)) {
                    Admission::Refused { retry_after_s, .. } => retry_after_s,
                    Admission::Passes { .. } => 0,
                },
            )
            .collect();
        assert_eq!(waits, [1, 2, 2, 3, 3, 3]);
    }

    #[test]
    fn what_was_on_its_way_is_refused_without_being_counted() {
        let mut throttle = throttle(
            Throttling::Quota {
                writes: 10,
                seconds: 10.0,
            },
            10,
        );
        for _ in 0..30 {
            write(&mut throttle, Priority::Normal, NOW);
        }
        let later = NOW.plus_ms(10_000);
        for _ in 0..10 {
            assert!(matches!(
                write(&mut throttle, Priority::Normal, later),
                Admission::Passes { .. }
            ));
        }
    }

    proptest! {
        #[test]
        fn a_client_that_waits_as_long_as_any_part_was_told_is_not_refused_again(
            writes in 1u32..60, seconds in 1u32..200, refill in prop::sample::select(vec![Refill::Even, Refill::Window]),
            rounds in prop::collection::vec((1usize..21, 0i64..3_000), 1..20),
        ) {
            let quota = Throttling::Quota { writes, seconds: f64::from(seconds) };
            let mut throttle = Throttle::new(quota, refill, 10, NOW);
            let mut now = NOW;
            for (parts, pause) in rounds {
                let parts = parts.min(writes as usize);
                let waits: Vec<u64> = (0..parts)
                    .filter_map(|_| match write(&mut throttle, Priority::Normal, now) {
                        Admission::Refused { retry_after_s, .. } => Some(retry_after_s),
                        Admission::Passes { .. } => None,
                    })
                    .collect();
                let longest = waits.iter().max().copied().unwrap_or(0);
                now = now.plus_ms(i64::try_from(longest).unwrap_or(0) * 1000);
                for _ in &waits {
                    let again = write(&mut throttle, Priority::Normal, now);
                    prop_assert!(matches!(again, Admission::Passes { .. }), "{again:?} after {longest} s");
                }
                now = now.plus_ms(pause);
            }
        }
    }

    #[test]
    fn a_window_gives_everything_back_at_its_end() {
        let quota = Throttling::Quota {
            writes: 10,
            seconds: 10.0,
        };
        let mut throttle = Throttle::new(quota, Refill::Window, 10, NOW);
        let at = |ms: i64| NOW.plus_ms(ms);
        for _ in 0..10 {
            write(&mut throttle, Priority::Normal, at(3_000));
        }
        let Admission::Refused { retry_after_s, .. } =
            write(&mut throttle, Priority::Normal, at(4_000))
        else {
            unreachable!("the window is used up");
        };
        // The first request began it.
        assert_eq!(retry_after_s, 9);
        let refused = write(&mut throttle, Priority::Normal, at(12_999));
        assert!(matches!(refused, Admission::Refused { .. }));
        for _ in 0..10 {
            let passed = write(&mut throttle, Priority::Normal, at(13_000));
            assert!(matches!(passed, Admission::Passes { .. }));
        }
    }

    #[test]
    fn the_used_share_is_told_only_above_four_fifths() {
        let mut throttle = throttle(
            Throttling::Quota {
                writes: 10,
                seconds: 10.0,
            },
            10,
        );
        let told: Vec<bool> = (0..10)
            .map(|_| {
                matches!(
                    write(&mut throttle, Priority::Normal, NOW),
                    Admission::Passes { used: Some(_) }
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                false, false, false, false, false, false, false, false, true, true
            ]
        );
    }

    #[test]
    fn low_is_refused_first_and_high_last() {
        let mut throttle = throttle(
            Throttling::Quota {
                writes: 100,
                seconds: 1000.0,
            },
            10,
        );
        for _ in 0..95 {
            write(&mut throttle, Priority::Normal, NOW);
        }
        assert!(matches!(
            write(&mut throttle, Priority::Low, NOW),
            Admission::Refused { .. }
        ));
        for _ in 0..5 {
            assert!(matches!(
                write(&mut throttle, Priority::Normal, NOW),
                Admission::Passes { .. }
            ));
        }
        assert!(matches!(
            write(&mut throttle, Priority::Normal, NOW),
            Admission::Refused { .. }
        ));
        assert!(matches!(
            write(&mut throttle, Priority::High, NOW),
            Admission::Passes { .. }
        ));
    }

    #[test]
    fn a_factor_keeps_the_rate_and_shrinks_the_burst() {
        let mut throttle = throttle(Throttling::Scaled(0.1), 1000);
        let burst = (0..1000)
            .take_while(|_| {
                matches!(
                    write(&mut throttle, Priority::Normal, NOW),
                    Admission::Passes { .. }
                )
            })
            .count();
        assert_eq!(burst, 300);
        let later = NOW.plus_ms(15_000);
        let burst = (0..1000)
            .take_while(|_| {
                matches!(
                    write(&mut throttle, Priority::Normal, later),
                    Admission::Passes { .. }
                )
            })
            .count();
        assert_eq!(burst, 300);
    }

    #[test]
    fn costs_never_fall_below_one() {
        assert_eq!(Cost::read(1).modified(true, false, true).resource_units, 1);
        assert_eq!(Cost::read(2).modified(true, false, false).resource_units, 1);
        assert_eq!(Cost::read(2).modified(false, true, false).resource_units, 3);
    }

    proptest! {
        /// Whatever a client does, no more than the quota passes.
        #[test]
        fn no_more_than_the_quota_passes(gaps in prop::collection::vec(0i64..400, 1..300)) {
            let mut throttle = throttle(Throttling::Quota { writes: 20, seconds: 2.0 }, 10);
            let mut now = NOW;
            let mut passed = 0.0;
            for gap in gaps {
                now = now.plus_ms(gap);
                if matches!(write(&mut throttle, Priority::Normal, now), Admission::Passes { .. }) {
                    passed += 1.0;
                }
                prop_assert!(passed <= 20.0 + (now.ms() - NOW.ms()) as f64 / 100.0 + 1e-6);
            }
        }

        /// A client that waits as long as it was told passes with its next request.
        #[test]
        fn who_waits_as_told_passes(gaps in prop::collection::vec(0i64..150, 1..300)) {
            let mut throttle = throttle(Throttling::Quota { writes: 20, seconds: 2.0 }, 10);
            let mut now = NOW;
            for gap in gaps {
                now = now.plus_ms(gap);
                if let Admission::Refused { retry_after_s, .. } = write(&mut throttle, Priority::Normal, now) {
                    now = now.plus_ms(i64::try_from(retry_after_s * 1000).unwrap_or(i64::MAX));
                    let again = write(&mut throttle, Priority::Normal, now);
                    prop_assert!(matches!(again, Admission::Passes { .. }), "refused after the wait: {:?}", again);
                }
            }
        }
    }
}
