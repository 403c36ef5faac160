//! A program that drives the sign-in pages.

use crate::stage::Stage;

#[tokio::test]
async fn signs_in_through_the_pages_with_a_code_that_works_once() {
    let stage = Stage::new().await;
    let seen = stage.python("sign_in_pages.py", "pages").await;
    assert_eq!(seen["plain"]["me"], "mia@contoso.example", "{seen}");
    assert_eq!(seen["with_code"]["me"], "otto@contoso.example", "{seen}");
    let error = |of: &str| {
        seen[of]["error"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {seen}"))
    };
    assert!(error("twice").contains("EndAuth: 500121"), "{seen}");
    assert_eq!(
        error("no_code"),
        "otto@contoso.example requires TOTP for MFA, but auth.user.otp_secret is not set"
    );
    assert!(
        error("wrong").contains("incorrect username and/or password"),
        "{seen}"
    );
}
