//! What an action cannot do, whatever it tries.

use std::net::{Ipv4Addr, TcpListener};

use tipstaff::{Assets, Verdict};
use tipstaff_tests::{Ran, Trial, program};

use crate::Measured;
use crate::ground::{Ground, members, names};

/// What a program made of two users, when told of something that it was not given: a third user, or a place.
async fn tried(component: &[u8], place: Option<&str>, simulate: bool) -> (Trial, Ran) {
    let tenant = members(3);
    let ids: Vec<String> = tenant.users().iter().map(|u| u.id().to_string()).collect();
    let trial = Trial::of(component, tenant).await;
    let draft = trial.draft(Assets::users(&ids[..2]));
    let target = place.unwrap_or(&ids[2]);
    let plan = draft.setting("target", target).prepare().await;
    let plan = plan.expect("a plan");
    let running = if simulate {
        plan.simulate().await
    } else {
        plan.approve().start().await
    };
    let ran = Ran::watch(running.expect("a run")).await;
    (trial, ran)
}

/// Whether nobody was reached, and nobody was told otherwise.
fn is_refused((trial, ran): &(Trial, Ran)) -> bool {
    let told = ran.outcomes.iter();
    trial.emulator.state().revocations == 0
        && told
            .clone()
            .all(|outcome| !matches!(outcome.verdict, Verdict::Succeeded | Verdict::WouldEnforce))
        && told.count() == 2
}

pub(crate) async fn dry_run() -> Measured {
    let ground = Ground::new(members(10)).await;
    let plan = ground.draft(names(10)).prepare().await.expect("a plan");
    let ran = Ran::watch(plan.simulate().await.expect("a run")).await;
    let state = ground.trial.emulator.state();
    let dry = ran.count(Verdict::WouldEnforce, "would-revoke") == 10
        && state.revocations == 0
        && ground.batches().is_empty();
    // It says that it would be done, and does it; so much for its word.
    let (trial, ran) = tried(program::WETS_A_DRY_RUN, None, true).await;
    let journal = trial.emulator.journal();
    let forced = trial.emulator.state().revocations == 0
        && !journal.iter().any(|entry| entry.path.contains("revoke"))
        && ran.warnings.iter().any(|why| why.contains("simulation"));
    Measured::new(
        "Dry run",
        [("yes", dry), ("held by the host", forced)],
        "10 users looked up, nothing sent; a program that revokes all the same is refused",
    )
}

pub(crate) async fn sandbox() -> Measured {
    // The action is a component, and is loaded as one.
    let wasm = revoke_user_sessions_component::COMPONENT.starts_with(b"\0asm");
    let others = is_refused(&tried(program::TOUCHES_A_STRANGER, None, false).await);
    let (trial, ran) = tried(program::PUTS_SECRET_IN_MESSAGE, None, false).await;
    let secret = trial.emulator.client_secret();
    let told = ran.outcomes.iter().map(|outcome| outcome.message.clone());
    let told: Vec<String> = told.collect();
    let kept = !told.is_empty() && told.iter().all(|message| !message.contains(&secret));
    // Whoever connects is let in by the system, and waits there to be accepted.
    let decoy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let place = decoy.local_addr().expect("an address").port();
    let place = format!("https://localhost:{place}");
    let confined = is_refused(&tried(program::CALLS_ANOTHER_HOST, Some(&place), false).await);
    decoy.set_nonblocking(true).expect("a socket");
    let confined = confined && decoy.accept().is_err();
    Measured::new(
        "Sandbox",
        [
            ("WebAssembly", wasm && confined),
            ("host-held secrets", kept),
            ("only the given users", others),
        ],
        "programs that call another host, tell their secret and touch somebody else, refused",
    )
}
