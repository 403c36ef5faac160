//! The whole way: a list of assets through the first action, in the sandbox, to a tenant on loopback.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that is not as expected has to stop"
)]

mod afterwards;
mod again;
mod beside;
mod counts;
mod fetch;
mod finds;
mod interrupts;
mod list;
mod query;
mod quota;
mod recovers;
mod resume;
mod sign_in;
mod stops;
mod tenants;

use entra_emulator::{Tenant, User};
use tipstaff::{Assets, Ending};
use tipstaff_tests::Trial;

/// So many members, `user000001@contoso.example` and following.
fn members(count: usize) -> Tenant {
    Tenant::builder().seed_users(count).build()
}

/// Their object ids.
fn ids(tenant: &Tenant) -> Vec<String> {
    tenant
        .users()
        .iter()
        .map(|user| user.id().to_string())
        .collect()
}

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
