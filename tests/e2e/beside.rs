//! Runs beside each other, and what the ledger keeps of them.

use tipstaff::enforcement::ledger::RunState;
use tipstaff::enforcement::report::{self, ReportFormat};
use tipstaff::{Assets, Ending, Host, Limits, Verdict};
use tipstaff_tests::{Ran, Trial};

use crate::{ids, members};

const USERS: usize = 200;

async fn run_on(trial: &Trial, host: &Host, users: &[String]) -> Ran {
    let action = host
        .load_bytes("revoke", revoke_user_sessions_component::COMPONENT)
        .await
        .unwrap();
    let draft = host.plan(&action).connection(trial.connection());
    let plan = draft.assets(Assets::users(users)).prepare().await.unwrap();
    Ran::watch(plan.approve().start().await.unwrap()).await
}

fn all_well(trial: &Trial, ran: &Ran) {
    ran.agrees_with(&trial.emulator, USERS / 2);
    assert_eq!(ran.summary.ending, Ending::Complete);
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), USERS / 2);
}

/// Both runs are in the ledger, whole, as whoever listened was told.
fn both_are_kept(host: &Host, first: &Ran, second: &Ran) {
    let ledger = host.ledger();
    assert_eq!(ledger.runs(10).unwrap().len(), 2);
    for ran in [first, second] {
        let record = ledger.run(&ran.summary.run.to_string()).unwrap();
        assert_eq!(record.counts, ran.summary.counts);
        assert_eq!(record.assets, (USERS / 2) as u64);
        let RunState::Ended { ending, reason, .. } = &record.state else {
            panic!("a run without an end: {record:?}");
        };
        assert_eq!((ending.as_str(), reason), ("complete", &None));
        let mut exported = Vec::new();
        report::write(ledger, &record, ReportFormat::JsonLines, &mut exported).unwrap();
        let told: String = ran
            .outcomes
            .iter()
            .map(|outcome| outcome.line() + "\n")
            .collect();
        assert_eq!(String::from_utf8(exported).unwrap(), told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_of_one_host_do_not_disturb_each_other() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let (one, other) = users.split_at(USERS / 2);
    let (first, second) = tokio::join!(
        run_on(&trial, &trial.host, one),
        run_on(&trial, &trial.host, other)
    );
    all_well(&trial, &first);
    all_well(&trial, &second);
    assert!(
        trial
            .emulator
            .state()
            .users
            .iter()
            .all(|user| user.revocations == 1)
    );
    both_are_kept(&trial.host, &first, &second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_share_a_state_folder() {
    let tenant = members(USERS);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let neighbour = tipstaff_tests::host(trial.host.state().root(), Limits::default(), None).await;
    let (one, other) = users.split_at(USERS / 2);
    let (first, second) = tokio::join!(
        run_on(&trial, &trial.host, one),
        run_on(&trial, &neighbour, other)
    );
    all_well(&trial, &first);
    all_well(&trial, &second);
    both_are_kept(&neighbour, &first, &second);
}

#[tokio::test]
async fn the_same_people_in_two_runs_are_revoked_by_both() {
    let tenant = members(USERS / 2);
    let users = ids(&tenant);
    let trial = Trial::new(tenant).await;
    let (first, second) = tokio::join!(
        run_on(&trial, &trial.host, &users),
        run_on(&trial, &trial.host, &users)
    );
    all_well(&trial, &first);
    all_well(&trial, &second);
    assert!(
        trial
            .emulator
            .state()
            .users
            .iter()
            .all(|user| user.revocations == 2)
    );
}
