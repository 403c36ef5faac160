//! The whole way: a list of assets through the first action, in the sandbox, to a tenant on loopback.

#![expect(clippy::unwrap_used, reason = "tests")]

use entra_emulator::{Tenant, User};
use tipstaff::{Assets, Ending};
use tipstaff_tests::Trial;

#[tokio::test]
async fn one_user_is_revoked() {
    let trial = Trial::new(
        Tenant::builder()
            .user(User::member("ada@contoso.example"))
            .build(),
    )
    .await;
    let before = trial.emulator.user("ada@contoso.example").unwrap();
    let ran = trial.run(Assets::users(["ada@contoso.example"])).await;
    assert_eq!(
        ran.result("ada@contoso.example"),
        ("succeeded", "revoked"),
        "{ran:#?}"
    );
    assert_eq!(ran.summary.ending, Ending::Complete);
    let after = trial.emulator.user("ada@contoso.example").unwrap();
    assert_eq!(after.revocations, before.revocations + 1);
}
