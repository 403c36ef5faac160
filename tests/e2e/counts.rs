//! Counts that agree with what happened in the tenant, user by user.

use entra_emulator::{Tenant, User};
use tipstaff::{Assets, Ending, Verdict};
use tipstaff_tests::Trial;

use crate::list::{ALL, BROKEN, BY_NAME, GUESTS, IN_CAPITALS, LISTED, List, REPEATED, UNKNOWN};

#[tokio::test]
async fn a_list_of_the_admin_centre_is_carried_out_user_by_user() {
    let list = List::new();
    let trial = Trial::new(list.tenant.clone()).await;
    let plan = trial.draft(list.assets()).prepare().await.unwrap();
    let census = plan.census().clone();
    assert_eq!(census.assets, ALL as u64);
    assert_eq!(census.broken, BROKEN as u64);
    assert_eq!(census.repeated, REPEATED as u64);
    assert_eq!(census.duplicates, IN_CAPITALS as u64);
    let warnings = plan.warnings();
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("5 lines repeated an asset's id")),
        "{warnings:?}"
    );

    let ran = tipstaff_tests::Ran::watch(plan.approve().start().await.unwrap()).await;
    ran.agrees_with(&trial.emulator, ALL);
    assert_eq!(ran.summary.ending, Ending::Complete);
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), LISTED);
    assert_eq!(ran.count(Verdict::Skipped, "no-effect-guest"), GUESTS);
    assert_eq!(ran.count(Verdict::Failed, "not-found"), UNKNOWN);
    assert_eq!(
        ran.count(Verdict::Skipped, "duplicate"),
        BY_NAME + IN_CAPITALS
    );
    assert_eq!(ran.count(Verdict::Failed, "not-an-asset"), BROKEN);

    let listed = list.listed();
    for user in trial.emulator.state().users {
        let wanted = u64::from(listed.contains(&user.id.to_string()));
        assert_eq!(
            (user.revocations, user.without_effect),
            (wanted, 0),
            "{}",
            user.user_principal_name
        );
    }
    // Where somebody is in the list by id and by name, one of the two was revoked and the other is the same.
    for (id, user) in listed.iter().zip(list.tenant.users()).take(BY_NAME) {
        let mut codes = [ran.result(id), ran.result(user.principal_name())];
        codes.sort_unstable();
        assert_eq!(codes, [("skipped", "duplicate"), ("succeeded", "revoked")]);
    }
}

#[tokio::test]
async fn a_simulation_of_the_list_changes_nothing() {
    let list = List::new();
    let trial = Trial::new(list.tenant.clone()).await;
    let before = serde_json::to_value(trial.emulator.state().users).unwrap();
    let plan = trial.draft(list.assets()).prepare().await.unwrap();
    let digest = plan.digest().to_owned();
    let ran = tipstaff_tests::Ran::watch(plan.simulate().await.unwrap()).await;
    ran.agrees_with(&trial.emulator, ALL);
    assert_eq!(ran.summary.ending, Ending::Complete);
    assert_eq!(ran.count(Verdict::WouldEnforce, "would-revoke"), LISTED);
    assert_eq!(ran.count(Verdict::Skipped, "no-effect-guest"), GUESTS);
    assert_eq!(ran.count(Verdict::Failed, "not-found"), UNKNOWN);
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), 0);

    assert_eq!(
        serde_json::to_value(trial.emulator.state().users).unwrap(),
        before
    );
    for entry in trial.emulator.journal() {
        let changes = |url: &str| url.contains("revoke");
        assert!(
            !changes(&entry.path) && !entry.parts.iter().any(|part| changes(&part.url)),
            "{entry:?}"
        );
    }
    // What was simulated is what would run.
    let again = trial.draft(list.assets()).prepare().await.unwrap();
    assert_eq!(again.digest(), digest);
}

#[tokio::test]
async fn one_person_by_id_and_by_name_is_revoked_once() {
    let tenant = Tenant::builder()
        .user(User::member("ada@contoso.example"))
        .build();
    let id = tenant.users()[0].id().to_string();
    let trial = Trial::new(tenant).await;
    let ran = trial
        .run(Assets::users([id.as_str(), "ada@contoso.example"]))
        .await;
    let mut results = [ran.result(&id), ran.result("ada@contoso.example")];
    results.sort_unstable();
    assert_eq!(
        results,
        [("skipped", "duplicate"), ("succeeded", "revoked")]
    );
    assert_eq!(trial.emulator.user(&id).unwrap().revocations, 1);
    ran.agrees_with(&trial.emulator, 2);
}

#[tokio::test]
async fn what_is_no_name_is_never_sent() {
    let trial = Trial::new(Tenant::sample()).await;
    let odd = [
        "not a name",
        "../admin",
        "line:7",
        "x",
        "ada@contoso.example",
    ];
    let ran = trial.run(Assets::users(odd)).await;
    ran.agrees_with(&trial.emulator, odd.len());
    assert_eq!(ran.result("ada@contoso.example"), ("succeeded", "revoked"));
    // `line:7` is no asset's id, so it stands under the place that it was found at.
    for asset in ["not a name", "../admin", "x", "line:3"] {
        assert_eq!(ran.outcome(asset).verdict, Verdict::Failed, "{ran:#?}");
    }
    let journal = serde_json::to_string(&trial.emulator.journal()).unwrap();
    assert!(
        !journal.contains("admin") && !journal.contains("not%20a"),
        "{journal}"
    );
}
