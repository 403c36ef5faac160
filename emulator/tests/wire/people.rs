//! E12: users, lists, pages, filters, changes, and what surrounds them.

use entra_emulator::{App, Tenant, User};
use serde_json::{Value, json};

use crate::client::{Got, Trial};

const ALL_ROLES: [&str; 5] = [
    "Directory.Read.All",
    "User.RevokeSessions.All",
    "AuditLog.Read.All",
    "User.Read.All",
    "Organization.Read.All",
];

async fn trial(tenant: Tenant) -> (Trial, String) {
    let users = tenant.users().to_vec();
    let trial = Trial::of(
        Tenant::builder()
            .app(App::default().roles(ALL_ROLES))
            .users(users)
            .build(),
    )
    .await;
    let token = trial.token().await;
    (trial, token)
}

fn names(got: &Got) -> Vec<String> {
    let body = got.json();
    let value = body["value"]
        .as_array()
        .unwrap_or_else(|| unreachable!("{body}"));
    value
        .iter()
        .map(|user| user["displayName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn e12_without_select_there_are_the_default_properties_in_their_order() {
    let (trial, token) = trial(Tenant::sample()).await;
    let got = trial
        .graph("GET", "/v1.0/users/grace@contoso.example")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        got.text(),
        r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users/$entity","businessPhones":[],"displayName":"Grace Hopper","givenName":"Grace","jobTitle":null,"mail":"grace@contoso.example","mobilePhone":null,"officeLocation":null,"preferredLanguage":null,"surname":"Hopper","userPrincipalName":"grace@contoso.example","id":"a0000000-0000-4000-8000-000000000002"}"#
    );
}

#[tokio::test]
async fn e12_select_gives_what_is_asked_and_passes_over_the_unknown() {
    let (trial, token) = trial(Tenant::sample()).await;
    let path = "/v1.0/users/alan@contoso.example?$select=accountEnabled,userType,externalUserState,onPremisesSyncEnabled,onPremisesImmutableId";
    let body = trial.graph("GET", path).bearer(&token).send().await.json();
    assert_eq!(body["onPremisesSyncEnabled"], true);
    assert_eq!(
        (
            &body["accountEnabled"],
            &body["userType"],
            &body["externalUserState"]
        ),
        (&true.into(), &"Member".into(), &Value::Null)
    );
    let got = trial
        .graph(
            "GET",
            "/v1.0/users/alan@contoso.example?$select=noSuchProperty",
        )
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        got.text(),
        r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users(noSuchProperty)/$entity"}"#
    );
}

#[tokio::test]
async fn e12_filters_find_by_mail_proxy_address_and_immutable_id() {
    let (trial, token) = trial(Tenant::sample()).await;
    let find = async |filter: &str| {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let got = trial
            .graph("GET", &format!("/v1.0/users?$filter={filter}&$top=2"))
            .bearer(&token)
            .send()
            .await;
        assert_eq!(got.status, 200, "{got:?}");
        names(&got)
    };
    assert_eq!(
        find("mail eq 'ADA@contoso.example'").await,
        ["Ada Lovelace"]
    );
    assert_eq!(
        find("mail eq 'b.liskov@contoso.example'").await,
        ["Barbara Liskov", "Barbara Liskov (admin)"]
    );
    assert_eq!(
        find("proxyAddresses/any(p:p eq 'smtp:g.hopper@contoso.com')").await,
        ["Grace Hopper"]
    );
    assert_eq!(
        find("onPremisesImmutableId eq 'q83vASNFZ4k='").await,
        ["Alan Turing"]
    );
    assert_eq!(
        find("userPrincipalName eq 'o''neil+tag@contoso.example'").await,
        ["Anne O'Neil"]
    );
    assert_eq!(
        find("mail eq 'nobody@contoso.example'").await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn e12_pages_follow_one_another_until_everybody_was_there() {
    let (trial, token) = trial(Tenant::builder().seed_users(25).build()).await;
    trial.emulator.change(|settings| settings.page_size = 10);
    let mut url = format!(
        "{}/v1.0/users?$top=999&$select=displayName",
        trial.emulator.graph_url()
    );
    let mut all = Vec::new();
    let mut pages = Vec::new();
    loop {
        let got = trial.ask("GET", url.clone()).bearer(&token).send().await;
        let on_page = names(&got);
        pages.push(on_page.len());
        all.extend(on_page);
        match got.json()["@odata.nextLink"].as_str() {
            Some(next) => {
                assert!(
                    next.starts_with(trial.emulator.graph_url()) && next.contains("$skiptoken="),
                    "{next}"
                );
                url = next.to_owned();
            }
            None => break,
        }
    }
    assert_eq!(pages, [10, 10, 5]);
    assert_eq!(
        all,
        (1..=25)
            .map(|number| format!("User {number:06}"))
            .collect::<Vec<_>>()
    );
    let wrong = trial
        .graph("GET", "/v1.0/users?$top=1000")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (400, "Request_BadRequest")
    );
    assert_eq!(
        trial
            .graph("GET", "/v1.0/users?$skip=1")
            .bearer(&token)
            .send()
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn e12_advanced_queries_want_the_consistency_level() {
    let (trial, token) = trial(Tenant::sample()).await;
    let filter = "/v1.0/users?$count=true&$filter=userType%20ne%20'Member'";
    let got = trial.graph("GET", filter).bearer(&token).send().await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (400, "Request_UnsupportedQuery")
    );
    let got = trial
        .graph("GET", filter)
        .bearer(&token)
        .header("ConsistencyLevel", "eventual")
        .send()
        .await;
    assert_eq!(
        (got.json()["@odata.count"].as_u64(), names(&got).len()),
        (Some(2), 2)
    );
    let got = trial
        .graph("GET", "/v1.0/users/$count")
        .bearer(&token)
        .header("ConsistencyLevel", "eventual")
        .send()
        .await;
    assert_eq!(
        (got.text(), got.header("content-type")),
        ("12", Some("text/plain"))
    );
    assert_eq!(
        trial
            .graph("GET", "/v1.0/users/$count")
            .bearer(&token)
            .send()
            .await
            .status,
        400
    );
    let search = "/v1.0/users?$search=%22displayName:ada%22&$orderby=displayName%20desc";
    assert_eq!(
        trial
            .graph("GET", search)
            .bearer(&token)
            .send()
            .await
            .code(),
        "Request_UnsupportedQuery"
    );
    let got = trial
        .graph("GET", search)
        .bearer(&token)
        .header("ConsistencyLevel", "eventual")
        .send()
        .await;
    assert_eq!(names(&got), ["Ada Lovelace"]);
}

#[tokio::test]
async fn e12_objects_are_found_by_their_ids_and_unknown_ones_left_out() {
    let (trial, token) = trial(Tenant::sample()).await;
    let ids = json!({"ids": [
        "a0000000-0000-4000-8000-000000000003", "ffffffff-0000-4000-8000-000000000003", "ada@contoso.example",
    ], "types": ["user"]});
    let got = trial
        .graph("POST", "/v1.0/directoryObjects/getByIds")
        .bearer(&token)
        .json(&ids)
        .send()
        .await;
    assert_eq!(names(&got), ["Alan Turing"]);
    assert_eq!(
        got.json()["value"][0]["@odata.type"],
        "#microsoft.graph.user"
    );
    let many: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    let got = trial
        .graph("POST", "/v1.0/directoryObjects/getByIds")
        .bearer(&token)
        .json(&json!({"ids": many}))
        .send()
        .await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn e12_delta_tells_who_changed_since() {
    let (trial, token) = trial(Tenant::sample()).await;
    let first = trial
        .graph("GET", "/v1.0/users/delta?$select=displayName")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(names(&first).len(), 12);
    let link = first.json()["@odata.deltaLink"]
        .as_str()
        .unwrap()
        .to_owned();
    let quiet = trial.ask("GET", link.clone()).bearer(&token).send().await;
    assert_eq!(names(&quiet), Vec::<String>::new());
    trial.emulator.delete_user("grace@contoso.example");
    trial
        .graph(
            "POST",
            "/v1.0/users/ada@contoso.example/revokeSignInSessions",
        )
        .bearer(&token)
        .send()
        .await;
    trial
        .emulator
        .put_user(User::member("new@contoso.example").named("New"));
    let body = trial
        .ask("GET", link.clone())
        .bearer(&token)
        .send()
        .await
        .json();
    let changed: Vec<&str> = body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["id"].as_str().unwrap())
        .collect();
    assert_eq!(changed.len(), 3);
    assert_eq!(body["value"][0]["displayName"], "Ada Lovelace");
    assert_eq!(body["value"][1]["@removed"]["reason"], "changed");
    trial
        .emulator
        .advance_clock(std::time::Duration::from_secs(8 * 86_400));
    let token = trial.token().await;
    assert_eq!(
        trial.ask("GET", link).bearer(&token).send().await.status,
        410
    );
}

#[tokio::test]
async fn e12_assigned_applications_and_logs_can_be_read() {
    let (trial, token) = trial(Tenant::sample()).await;
    let got = trial
        .graph("GET", "/v1.0/users/ada@contoso.example/appRoleAssignments")
        .bearer(&token)
        .send()
        .await;
    let body = got.json();
    let apps: Vec<&str> = body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resourceDisplayName"].as_str().unwrap())
        .collect();
    assert_eq!(apps, ["Salesforce", "Jira"]);

    let form = [
        ("grant_type", "password"),
        ("username", "barbara.admin@contoso.example"),
        ("password", "Correct-Horse-9"),
        ("scope", "https://graph.microsoft.com/User.Read"),
    ];
    assert_eq!(trial.token_with(&form).await.status, 200);
    let filter =
        "/v1.0/auditLogs/signIns?$filter=userPrincipalName%20eq%20'barbara.admin@contoso.example'";
    let body = trial
        .graph("GET", filter)
        .bearer(&token)
        .send()
        .await
        .json();
    assert_eq!(body["value"].as_array().unwrap().len(), 1);

    trial
        .graph(
            "POST",
            "/v1.0/users/ada@contoso.example/revokeSignInSessions",
        )
        .bearer(&token)
        .header("client-request-id", "findable")
        .send()
        .await;
    let body = trial
        .graph("GET", "/v1.0/auditLogs/directoryAudits")
        .bearer(&token)
        .send()
        .await
        .json();
    assert_eq!(body["value"][0]["correlationId"], "findable");
    assert_eq!(
        body["value"][0]["activityDisplayName"],
        "Update StsRefreshTokenValidFrom Timestamp"
    );
    let body = trial
        .graph("GET", "/v1.0/organization")
        .bearer(&token)
        .send()
        .await
        .json();
    assert_eq!(body["value"][0]["id"], trial.emulator.tenant_id());
}
