//! E4, E5: the forms of addresses, and the answers to wrong ones.

use crate::client::Trial;

const ADA: &str = "a0000000-0000-4000-8000-000000000001";

#[tokio::test]
async fn e4_every_form_of_the_address_reaches_the_same_user() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let forms = [
        format!("/v1.0/users/{ADA}/revokeSignInSessions"),
        format!("/v1.0/users/{}/revokesigninsessions", ADA.to_uppercase()),
        "/v1.0/users/ADA%40contoso.example/revokeSignInSessions".to_owned(),
        format!("/v1.0/users('{ADA}')/revokeSignInSessions"),
        "/v1.0/users(%27ada%40contoso.example%27)/revokeSignInSessions".to_owned(),
        format!("/v1.0/users/{ADA}/microsoft.graph.revokeSignInSessions"),
        format!("/v1.0/myorganization/users/{ADA}/revokeSignInSessions"),
        format!(
            "/v1.0/{}/users/{ADA}/revokeSignInSessions",
            trial.emulator.tenant_id()
        ),
        format!("/v1.0/contoso.onmicrosoft.com/users/{ADA}/revokeSignInSessions"),
        format!("/beta/users/{ADA}/invalidateAllRefreshTokens"),
        format!("/beta/users/{ADA}/revokeSignInSessions"),
    ];
    for (form, count) in forms.iter().zip(1..) {
        let got = trial.graph("POST", form).bearer(&token).send().await;
        assert_eq!(got.status, 200, "{form}: {got:?}");
        assert_eq!(
            trial.emulator.user(ADA).unwrap().revocations,
            count,
            "{form}"
        );
    }
    let beta = trial
        .graph("POST", &format!("/beta/users/{ADA}/revokeSignInSessions"))
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        beta.json()["@odata.context"],
        "https://graph.microsoft.com/beta/$metadata#Edm.Boolean"
    );
}

#[tokio::test]
async fn e4_names_with_odd_letters_are_found_when_they_are_encoded() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    for name in [
        "tim_partner.example%23EXT%23@contoso.onmicrosoft.com",
        "o'neil%2Btag@contoso.example",
        "o'neil+tag@contoso.example",
        "%C5%82ukasz@contoso.example",
    ] {
        let got = trial
            .graph("GET", &format!("/v1.0/users/{name}"))
            .bearer(&token)
            .send()
            .await;
        assert_eq!(got.status, 200, "{name}: {got:?}");
    }
    let quoted = trial
        .graph("GET", "/v1.0/users('o''neil+tag@contoso.example')")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(quoted.json()["displayName"], "Anne O'Neil");
}

#[tokio::test]
async fn e5_wrong_addresses_get_their_own_answers() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let cases = [
        (
            "POST",
            "/v1.0/users/nobody@contoso.example/revokeSignInSessions",
            404,
            "Request_ResourceNotFound",
        ),
        (
            "POST",
            "/v1.0/users/not-a-valid-object-id/revokeSignInSessions",
            404,
            "Request_ResourceNotFound",
        ),
        (
            "POST",
            "/v1.0/users/$ada@contoso.example/revokeSignInSessions",
            400,
            "Request_BadRequest",
        ),
        (
            "POST",
            "/v1.0/users/ada@contoso.example/revokeSessions",
            400,
            "BadRequest",
        ),
        (
            "GET",
            "/v1.0/users/ada@contoso.example/revokeSignInSessions",
            405,
            "Request_BadRequest",
        ),
        ("GET", "/v1.0/nothing", 400, "BadRequest"),
        ("POST", "/v1.0/me/revokeSignInSessions", 400, "BadRequest"),
    ];
    for (method, path, status, code) in cases {
        let got = trial.graph(method, path).bearer(&token).send().await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (status, code),
            "{method} {path}"
        );
    }
    let got = trial
        .graph("POST", "/v1.0/me/revokeSignInSessions")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        got.json()["error"]["message"],
        "/me request is only valid with delegated authentication flow."
    );
    trial
        .emulator
        .change(|settings| settings.malformed_id_status = 400);
    let got = trial
        .graph("GET", "/v1.0/users/not-a-valid-object-id")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(got.status, 400);
    let got = trial
        .graph("GET", "/v1.0/users/nobody@contoso.example")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(got.status, 404);
}
