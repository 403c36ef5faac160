//! E14: clouds.

use entra_emulator::{Cloud, Options, Tenant};

use crate::client::Trial;

#[tokio::test]
async fn e14_a_tenant_of_another_cloud_has_that_clouds_names() {
    for cloud in Cloud::ALL {
        let trial = Trial::of(
            Tenant::builder()
                .cloud(cloud)
                .users(Tenant::sample().users().to_vec())
                .build(),
        )
        .await;
        let origin = format!("https://{}", cloud.graph_host());
        let got = trial
            .token_with(&[
                ("grant_type", "client_credentials"),
                ("scope", &format!("{origin}/.default")),
            ])
            .await;
        assert_eq!(got.status, 200, "{got:?}");
        let token = got.json()["access_token"].as_str().unwrap().to_owned();
        // By Microsoft's name, and by address.
        for url in [origin.clone(), trial.emulator.graph_url().to_owned()] {
            let path = format!("{url}/v1.0/users/ada@contoso.example/revokeSignInSessions");
            let got = trial.ask("POST", path).bearer(&token).send().await;
            assert_eq!(
                got.json()["@odata.context"],
                format!("{origin}/v1.0/$metadata#Edm.Boolean"),
                "{cloud:?} {url}"
            );
        }
        let got = trial.graph("GET", "/v1.0/users").send().await;
        assert!(
            got.header("www-authenticate")
                .unwrap()
                .contains(cloud.login_host())
        );
    }
}

#[tokio::test]
async fn e14_tokens_and_tenants_of_one_cloud_mean_nothing_in_another() {
    let trial = Trial::sample().await;
    let token = trial.token().await;
    let got = trial
        .ask("GET", "https://graph.microsoft.us/v1.0/users")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        (got.status, got.json()["error"]["message"].as_str()),
        (
            401,
            Some("Access token validation failure. Invalid audience.")
        )
    );
    let tenant = trial.emulator.tenant_id();
    let url = format!("https://login.partner.microsoftonline.cn/{tenant}/oauth2/v2.0/token");
    let id = trial.emulator.client_id();
    let got = trial
        .ask("POST", url)
        .form(&[("grant_type", "client_credentials"), ("client_id", &id)])
        .send()
        .await;
    assert_eq!(got.aadsts(), 90_002);
    let got = trial
        .token_with(&[
            ("grant_type", "client_credentials"),
            ("scope", "https://microsoftgraph.chinacloudapi.cn/.default"),
        ])
        .await;
    assert_eq!(got.aadsts(), 500_011);
}

#[tokio::test]
async fn e14_clouds_can_have_ports_of_their_own() {
    let options = Options {
        other_clouds: vec![Cloud::China],
        ..Options::default()
    };
    let trial = Trial::with(Tenant::sample(), options).await;
    let token = trial.token().await;
    let china = trial.emulator.cloud_url(Cloud::China).unwrap().to_owned();
    let got = trial
        .ask("GET", format!("{china}/v1.0/users"))
        .bearer(&token)
        .send()
        .await;
    assert_eq!(got.status, 401);
    assert!(
        got.header("www-authenticate")
            .unwrap()
            .contains("login.partner.microsoftonline.cn")
    );
}

#[tokio::test]
async fn login_and_graph_can_have_ports_of_their_own() {
    let options = Options {
        graph_port: Some(0),
        ..Options::default()
    };
    let trial = Trial::with(Tenant::sample(), options).await;
    assert_ne!(trial.emulator.login_url(), trial.emulator.graph_url());
    let token = trial.token().await;
    assert_eq!(
        trial
            .graph("GET", "/v1.0/users")
            .bearer(&token)
            .send()
            .await
            .status,
        200
    );
    let wrong = trial
        .ask("GET", format!("{}/v1.0/users", trial.emulator.login_url()))
        .bearer(&token)
        .send()
        .await;
    assert_eq!(wrong.status, 404);
}
