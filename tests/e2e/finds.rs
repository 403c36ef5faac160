//! Finding users by their other names, in the lists that people have.

use entra_emulator::{App, Tenant, User};
use tipstaff::Assets;
use tipstaff_tests::Trial;

/// Ada has every name; two people share an address; the guest is nobody's to cut.
fn tenant() -> Tenant {
    Tenant::builder()
        .user(
            User::member("ada.lovelace@contoso.example")
                .with_mail(Some("ada@contoso.example"))
                .with_proxy_address("SMTP:ada@contoso.example")
                .with_proxy_address("smtp:countess@contoso.example")
                .synced("YWRhLWxvdmVsYWNlLTE="),
        )
        .user(User::member("help.one@contoso.example").with_mail(Some("help@contoso.example")))
        .user(User::member("help.two@contoso.example").with_mail(Some("help@contoso.example")))
        .build()
}

#[tokio::test]
async fn a_user_is_found_by_any_name_and_revoked_by_object_id() {
    for given in [
        r#"{"userPrincipalName":"ada@contoso.example"}"#,
        r#"{"userPrincipalName":"countess@contoso.example"}"#,
        r#"{"mail":"Ada@Contoso.example"}"#,
        r#"{"proxyAddresses":["smtp:countess@contoso.example"]}"#,
        r#"{"onPremisesImmutableId":"YWRhLWxvdmVsYWNlLTE="}"#,
    ] {
        let trial = Trial::new(tenant()).await;
        let ran = trial
            .run(Assets::reader(given.as_bytes(), None).unwrap())
            .await;
        ran.agrees_in_number(1);
        let outcome = &ran.outcomes[0];
        assert_eq!(outcome.code, "revoked", "{given}: {ran:#?}");
        let ada = trial.emulator.user("ada.lovelace@contoso.example").unwrap();
        assert_eq!(ada.revocations, 1, "{given}");
    }
}

#[tokio::test]
async fn a_list_with_one_person_under_many_names_cuts_them_once() {
    let trial = Trial::new(tenant()).await;
    let list = "userPrincipalName,mail,proxyAddresses\n\
        ada.lovelace@contoso.example,,\n\
        ,ada@contoso.example,\n\
        countess@contoso.example,,\n\
        ,,SMTP:ada@contoso.example;smtp:countess@contoso.example\n\
        ,help@contoso.example,\n\
        ,nobody@contoso.example,\n";
    let ran = trial.run(Assets::csv(list.as_bytes()).unwrap()).await;
    ran.agrees_in_number(6);
    let count = |code: &str| ran.outcomes.iter().filter(|o| o.code == code).count();
    assert_eq!((count("revoked"), count("duplicate")), (1, 3), "{ran:#?}");
    assert_eq!(ran.result("help@contoso.example"), ("failed", "ambiguous"));
    assert_eq!(
        ran.result("nobody@contoso.example"),
        ("failed", "not-found")
    );
    let state = trial.emulator.state();
    let cut: u64 = state.users.iter().map(|user| user.revocations).sum();
    assert_eq!(cut, 1);
}

#[tokio::test]
async fn who_shares_an_address_is_not_told_apart_by_guessing() {
    let trial = Trial::new(tenant()).await;
    let list = "mail\nhelp@contoso.example\nHELP@contoso.example\n";
    let ran = trial.run(Assets::csv(list.as_bytes()).unwrap()).await;
    ran.agrees_in_number(2);
    assert!(
        ran.outcomes.iter().all(|o| o.code == "ambiguous"),
        "{ran:#?}"
    );
}

#[tokio::test]
async fn the_right_to_read_names_is_enough_to_find_somebody() {
    let roles = ["User.RevokeSessions.All", "User.ReadBasic.All"];
    let tenant = Tenant::builder()
        .app(App::default().roles(roles))
        .user(User::member("ada.lovelace@contoso.example").with_mail(Some("ada@contoso.example")))
        .build();
    let trial = Trial::new(tenant).await;
    let ran = trial.run(Assets::users(["ada@contoso.example"])).await;
    assert_eq!(
        ran.result("ada@contoso.example"),
        ("succeeded", "revoked"),
        "{ran:#?}"
    );
    let message = &ran.outcome("ada@contoso.example").message;
    assert!(message.contains("may read names only"), "{message}");
}
