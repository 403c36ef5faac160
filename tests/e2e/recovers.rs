//! What goes wrong on the way and can be mended is mended; what cannot be known is not claimed.

use entra_emulator::{Fault, FaultRule, Place, Route, Throttling};
use tipstaff::{Assets, Ending, Verdict};
use tipstaff_tests::{Ran, Trial};

use crate::{ids, members};

const USERS: usize = 60;

struct Rough {
    trial: Trial,
    users: Vec<String>,
}

impl Rough {
    async fn new() -> Self {
        let tenant = members(USERS);
        let users = ids(&tenant);
        Self {
            trial: Trial::new(tenant).await,
            users,
        }
    }

    fn with(&self, rule: FaultRule) {
        self.trial.emulator.faults().add(rule);
    }

    async fn run(&self) -> Ran {
        let draft = self.trial.draft(Assets::users(&self.users));
        let draft = draft.setting("batch_size", 10).setting("max_tries", 3);
        let ran = Ran::watch(
            draft
                .prepare()
                .await
                .unwrap()
                .approve()
                .start()
                .await
                .unwrap(),
        )
        .await;
        ran.agrees_with(&self.trial.emulator, USERS);
        assert_eq!(ran.summary.ending, Ending::Complete, "{ran:#?}");
        ran
    }

    async fn all_are_revoked(&self) -> Ran {
        let ran = self.run().await;
        assert_eq!(ran.count(Verdict::Succeeded, "revoked"), USERS, "{ran:#?}");
        let fired: u64 = self
            .trial
            .emulator
            .faults()
            .list()
            .iter()
            .map(|(_, _, fired)| fired)
            .sum();
        let rules = self.trial.emulator.faults().list().len();
        assert!(fired >= rules as u64, "the faults did not happen");
        ran
    }
}

#[tokio::test]
async fn a_small_quota_is_waited_for() {
    let rough = Rough::new().await;
    rough.trial.emulator.change(|settings| {
        settings.throttle = Throttling::Quota {
            writes: 40,
            seconds: 1.0,
        };
    });
    let ran = rough.all_are_revoked().await;
    assert_eq!(
        rough.trial.emulator.state().revocations,
        USERS as u64,
        "{ran:#?}"
    );
}

#[tokio::test]
async fn parts_that_are_throttled_are_sent_again() {
    let rough = Rough::new().await;
    rough.with(
        FaultRule::new(Fault::too_many(1))
            .on(Route::Revoke)
            .place(Place::Part)
            .every(7)
            .times(6),
    );
    rough.all_are_revoked().await;
}

#[tokio::test]
async fn batches_that_are_throttled_or_fail_are_sent_again() {
    let rough = Rough::new().await;
    rough.with(
        FaultRule::new(Fault::too_many(1))
            .on(Route::Batch)
            .nth(2)
            .times(1),
    );
    rough.with(
        FaultRule::new(Fault::status(503))
            .on(Route::Batch)
            .nth(5)
            .times(1),
    );
    rough.all_are_revoked().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_had_by_asking_again() {
    for fault in [
        Fault::Reset { applied: true },
        Fault::Reset { applied: false },
        Fault::CutBody,
        Fault::TruncatedJson,
    ] {
        let rough = Rough::new().await;
        // The first six batches look up.
        rough.with(FaultRule::new(fault).on(Route::Batch).nth(8).times(1));
        rough.all_are_revoked().await;
    }
}

#[tokio::test]
async fn what_is_never_answered_is_in_doubt() {
    let rough = Rough::new().await;
    let (done, undone) = (&rough.users[3], &rough.users[44]);
    for (user, applied) in [(done, true), (undone, false)] {
        let of = |fault| FaultRule::new(fault).on(Route::Revoke).user(user.clone());
        rough.with(of(Fault::Missing { applied }).place(Place::Part));
        rough.with(of(Fault::Reset { applied }).place(Place::Single));
    }
    let ran = rough.run().await;
    for user in [done, undone] {
        let (verdict, _) = ran.result(user);
        assert_eq!(verdict, "in-doubt", "{:?}", ran.outcome(user));
    }
    assert!(rough.trial.emulator.user(done).unwrap().revocations > 0);
    assert_eq!(rough.trial.emulator.user(undone).unwrap().revocations, 0);
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), USERS - 2);
}

#[tokio::test]
async fn what_the_service_did_not_do_is_not_called_done() {
    let rough = Rough::new().await;
    let user = &rough.users[5];
    rough.with(
        FaultRule::new(Fault::ValueFalse)
            .on(Route::Revoke)
            .user(user.clone()),
    );
    let ran = rough.run().await;
    assert_eq!(
        ran.result(user),
        ("failed", "refused-by-service"),
        "{:?}",
        ran.outcome(user)
    );
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), USERS - 1);
}
