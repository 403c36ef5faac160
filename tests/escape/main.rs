//! Programs that try to get out of the sandbox, one attack each.

use entra_emulator::{Tenant, User};
use tipstaff::Assets;
use tipstaff_tests::{Trial, program};

#[tokio::test]
async fn a_program_that_behaves_gets_its_work_done() {
    let tenant = Tenant::builder().user(User::member("ada@contoso.example"));
    let tenant = tenant.build();
    let id = tenant.users()[0].id().to_string();
    let trial = Trial::of(program::BEHAVES, tenant).await;
    let ran = trial.run(Assets::users([&id])).await;
    assert_eq!(ran.result(&id), ("succeeded", "done"), "{ran:#?}");
}
