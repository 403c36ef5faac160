//! Programs that try to get out of the sandbox, one attack each: the attack fails with the right cause, and the host
//! lives.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

mod complete;
mod crashes;
mod ground;
mod lies;
mod promises;
mod reach;
mod secrets;
mod time;
mod volume;

use ground::Ground;
use tipstaff::Ending;
use tipstaff_tests::program;

#[tokio::test]
async fn a_program_that_behaves_gets_its_work_done() {
    let ground = Ground::of(program::BEHAVES).await;
    let ran = ground.run().await;
    for id in &ground.ids {
        assert_eq!(ran.result(id), ("succeeded", "done"), "{ran:#?}");
        assert_eq!(ground.revocations(id), 1);
    }
    assert_eq!(ran.summary.ending, Ending::Complete);
    assert_eq!(ran.warnings, [""; 0]);
    ground.holds(&ran).await;
}
