//! A second try: a run of its own, of those of the first that came to nothing.

use entra_emulator::{Fault, FaultRule, Route};
use tipstaff::{Assets, Ending, Verdict};
use tipstaff_tests::{Ran, Trial};

use crate::{ids, members};

#[tokio::test]
async fn a_second_try_takes_up_what_failed_and_nothing_else() {
    let tenant = members(40);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let unlucky = [users[7].clone(), users[21].clone()];
    for user in &unlucky {
        trial.emulator.faults().add(
            FaultRule::new(Fault::ValueFalse)
                .on(Route::Revoke)
                .user(user.clone()),
        );
    }
    let mut list = users.clone();
    list.push("nobody@contoso.example".to_owned());
    let draft = trial.draft(Assets::users(&list)).setting("batch_size", 7);
    let first = Ran::watch(
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
    first.agrees_with(&trial.emulator, 41);
    assert_eq!(
        first.count(Verdict::Failed, "refused-by-service"),
        2,
        "{first:#?}"
    );

    trial.emulator.faults().clear();
    let again = [Verdict::Failed, Verdict::NotAttempted];
    let draft = trial
        .host
        .again(&first.summary.run.to_string(), &again)
        .await
        .unwrap();
    let plan = draft
        .connection(trial.connection())
        .prepare()
        .await
        .unwrap();
    assert_eq!(plan.census().assets, 3);
    assert!(
        plan.settings().contains("\"batch_size\":7"),
        "{}",
        plan.settings()
    );
    let second = Ran::watch(plan.approve().start().await.unwrap()).await;
    second.agrees_with(&trial.emulator, 3);
    assert_eq!(second.summary.ending, Ending::Complete);
    for user in &unlucky {
        assert_eq!(second.result(user), ("succeeded", "revoked"), "{second:#?}");
    }
    assert_eq!(
        second.result("nobody@contoso.example"),
        ("failed", "not-found")
    );
    assert!(
        trial
            .emulator
            .state()
            .users
            .iter()
            .all(|user| user.revocations == 1)
    );

    let ledger = trial.host.ledger();
    let record = ledger.run(&second.summary.run.to_string()).unwrap();
    assert_eq!(record.first, Some(first.summary.run));
    // The first run is as it was.
    assert_eq!(
        ledger.run(&first.summary.run.to_string()).unwrap().counts,
        first.summary.counts
    );
}
