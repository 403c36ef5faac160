//! Two tenants at once: a statement sends each asset to the connection of its tenant, with settings of its own.

use std::io::Cursor;

use entra_emulator::{Emulator, Options, Tenant, User};
use serde_json::json;
use tipstaff::{
    Assets, Connection, Draft, DynamicValues, Ending, Outcome, PlanError, Secret, SecretSource,
    StatementError, Verdict,
};
use tipstaff_tests::{Ran, Trial};

use crate::members;

/// Users of each tenant. Both tenants have users of the same names.
const USERS: usize = 150;

const STATEMENT: &str = r#"
switch user.adapters_data.azure_ad_adapter.tenant
case "us" then form.adapter_connection set_value "us"
  also form.max_tries set_value [user.custom.tries]
case "eu" then form.adapter_connection set_value "eu"
"#;

/// The tenant `eu` of a trial, and `us` beside it.
struct Two {
    eu: Trial,
    us: Emulator,
}

impl Two {
    async fn new() -> Self {
        let us = Tenant::builder()
            .id("99999999-0000-4000-8000-000000000002".parse().unwrap())
            .seed_users(USERS)
            .build();
        Self {
            eu: Trial::new(members(USERS)).await,
            us: Emulator::start(us, Options::default()).await.unwrap(),
        }
    }

    fn connections(&self) -> (Connection, Connection) {
        let us = json!({
            "tenant": self.us.tenant_id(), "client": self.us.client_id(), "secret": self.us.client_secret(),
            "login": self.us.login_url(), "graph": self.us.graph_url(), "authority": self.us.ca_pem(),
        });
        (
            tipstaff_tests::connection_named("eu", &self.eu.way()),
            tipstaff_tests::connection_named("us", &us),
        )
    }

    /// Every user of both tenants; the first of each half is in the list only.
    fn list(&self, half: &[&str]) -> String {
        let mut lines = String::new();
        for tenant in half {
            for user in self.users(tenant) {
                let asset = json!({
                    "id": format!("{tenant}-{user}"), "type": "user", "labels": [], "adapters": [
                        {"adapter": "azure_ad_adapter", "connection": tenant, "data": {"username": user, "tenant": tenant}},
                        {"adapter": "gui", "data": {"custom_tries": 3}}
                    ]
                });
                lines.push_str(&format!("{asset}\n"));
            }
        }
        lines
    }

    fn users(&self, tenant: &str) -> Vec<String> {
        let state = if tenant == "us" {
            self.us.state()
        } else {
            self.eu.emulator.state()
        };
        state
            .users
            .iter()
            .map(|user| user.user_principal_name.clone())
            .collect()
    }

    fn draft(&self, list: String, values: DynamicValues) -> Draft {
        let (eu, us) = self.connections();
        let assets = Assets::reader(Cursor::new(list.into_bytes()), None).unwrap();
        let draft = self
            .eu
            .host
            .plan(&self.eu.action)
            .connection(eu)
            .others([us]);
        draft.assets(assets).dynamic(values)
    }
}

fn values(statement: &str) -> DynamicValues {
    DynamicValues::new(statement, "2026-11-24T08:00:00Z".parse().unwrap())
}

fn evidence(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(outcome.evidence.get()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_revoked_in_their_own_tenant_and_in_no_other() {
    let two = Two::new().await;
    // Of `eu` all are in the list, of `us` all but the last ten.
    let mut list = two.list(&["eu"]);
    let us: Vec<String> = two.list(&["us"]).lines().map(str::to_owned).collect();
    for line in &us[..USERS - 10] {
        list.push_str(&format!("{line}\n"));
    }
    let plan = two.draft(list, values(STATEMENT)).prepare().await.unwrap();
    let others: Vec<_> = plan.other_connections().collect();
    assert_eq!(others, [("us", (USERS - 10) as u64)]);
    assert_eq!(plan.census().fallen_back, 0);
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.summary.ending, Ending::Complete);
    assert_eq!(
        ran.count(Verdict::Succeeded, "revoked"),
        2 * USERS - 10,
        "{:?}",
        ran.warnings
    );
    for (tenant, state) in [("eu", two.eu.emulator.state()), ("us", two.us.state())] {
        let listed = if tenant == "eu" { USERS } else { USERS - 10 };
        for (at, user) in state.users.iter().enumerate() {
            assert_eq!(
                user.revocations > 0,
                at < listed,
                "{tenant} {}",
                user.user_principal_name
            );
        }
    }
    for outcome in &ran.outcomes {
        let tenant = &outcome.asset[..2];
        assert_eq!(evidence(outcome)["connection"], tenant, "{outcome:?}");
        assert!(evidence(outcome).get("fallback").is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_name_in_two_tenants_is_two_people() {
    let two = Two::new().await;
    assert_eq!(two.users("eu"), two.users("us"));
    let list = two.list(&["eu", "us"]);
    let plan = two.draft(list, values(STATEMENT)).prepare().await.unwrap();
    assert_eq!(
        (plan.census().duplicates, plan.census().to_enforce),
        (0, 2 * USERS as u64)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fall_back_is_seen_in_the_plan_and_in_the_outcome() {
    let two = Two::new().await;
    let user = two.users("eu").remove(0);
    let list = format!(
        "{}\n",
        json!({"id": "one", "type": "user", "labels": [], "adapters": [
            {"adapter": "azure_ad_adapter", "connection": "eu", "data": {"username": user}}]})
    );
    let statement = "user all then form.guests set_value [user.custom.guests]";
    let plan = two
        .draft(list.clone(), values(statement))
        .prepare()
        .await
        .unwrap();
    assert_eq!(plan.census().fallen_back, 1);
    let warnings = plan.warnings().join("\n");
    assert!(
        warnings.contains("1 times: line 1, column 37: empty asset field"),
        "{warnings}"
    );
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.result("one"), ("succeeded", "revoked"));
    assert_eq!(evidence(ran.outcome("one"))["fallback"], json!(["guests"]));

    let strict = values(statement).fail_on_fallback(true);
    let plan = two.draft(list, strict).prepare().await.unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.result("one"), ("failed", "dynamic-values"));
    assert!(
        ran.outcome("one")
            .message
            .starts_with("Dynamic value processing error")
    );
    assert_eq!(two.eu.emulator.user(&user).unwrap().revocations, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_an_asset_reach_the_action() {
    let tenant = Tenant::builder()
        .user(User::guest("guest@partner.example"))
        .user(User::guest("other@partner.example"))
        .build();
    let two = Two {
        eu: Trial::new(tenant).await,
        us: Emulator::start(members(1), Options::default())
            .await
            .unwrap(),
    };
    let guests = two.eu.emulator.state().users;
    let ids: Vec<String> = guests.iter().map(|guest| guest.id.to_string()).collect();
    let line = |id: &str, guests: &str| {
        json!({"id": id, "type": "user", "labels": [], "adapters": [
            {"adapter": "azure_ad_adapter", "data": {"id": id}},
            {"adapter": "gui", "data": {"custom_guests": guests}}]})
    };
    let (first, second) = (&ids[0], &ids[1]);
    let list = format!("{}\n{}\n", line(first, "fail"), line(second, "nonsense"));
    let statement = values("user all then form.guests set_value [user.custom.guests]");
    let plan = two.draft(list, statement).prepare().await.unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.result(first), ("failed", "no-effect-guest"), "{ran:?}");
    assert_eq!(ran.result(second).0, "skipped", "{ran:?}");
    let skipped = ran.outcome(second);
    assert_eq!(evidence(skipped)["fallback"], json!(["guests"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_digest_covers_what_the_statement_makes_of_the_assets() {
    let two = Two::new().await;
    let list = two.list(&["eu"]);
    let mut digests = Vec::new();
    for (statement, now) in [
        (
            "user all then form.max_tries set_value 5",
            "2026-11-24T08:00:00Z",
        ),
        (
            "user all then form.max_tries set_value 5",
            "2026-11-25T08:00:00Z",
        ),
        (
            "user all then form.max_tries set_value 6",
            "2026-11-24T08:00:00Z",
        ),
        (
            "switch subtract(now(), \"2026-11-01\") case gt(23.5) then form.max_tries set_value 5 case field_exists then form.max_tries set_value 6",
            "2026-11-24T08:00:00Z",
        ),
        (
            "switch subtract(now(), \"2026-11-01\") case gt(23.5) then form.max_tries set_value 5 case field_exists then form.max_tries set_value 6",
            "2026-11-25T08:00:00Z",
        ),
    ] {
        let values = DynamicValues::new(statement, now.parse().unwrap());
        let plan = two.draft(list.clone(), values).prepare().await.unwrap();
        digests.push(plan.digest().to_owned());
    }
    assert_eq!(digests[0], digests[1], "the time alone changes nothing");
    assert_ne!(digests[0], digests[2]);
    assert_ne!(digests[3], digests[4], "what it makes of the assets does");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_try_goes_where_the_first_went() {
    let two = Two::new().await;
    let line = json!({"id": "us-nobody", "type": "user", "labels": [], "adapters": [
        {"adapter": "azure_ad_adapter", "connection": "us", "data": {"username": "nobody@contoso.example", "tenant": "us"}},
        {"adapter": "gui", "data": {"custom_tries": 2}}]});
    let plan = two
        .draft(format!("{line}\n"), values(STATEMENT))
        .prepare()
        .await
        .unwrap();
    let first = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(first.result("us-nobody").0, "failed");
    let (eu, us) = two.connections();
    let run = first.summary.run.to_string();
    let draft = two.eu.host.again(&run, &[Verdict::Failed]).await.unwrap();
    let plan = draft.connection(eu).others([us]).prepare().await.unwrap();
    assert_eq!(plan.other_connections().collect::<Vec<_>>(), [("us", 1)]);
    let second = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(second.result("us-nobody").0, "failed");
    assert_eq!(evidence(second.outcome("us-nobody"))["connection"], "us");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_does_not_fit_the_form_is_refused_before_anything_is_sent() {
    let two = Two::new().await;
    for (statement, part) in [
        (
            "user all then form.client_secret set_value \"x\"",
            "no field `client_secret`",
        ),
        (
            "user all then form.adapter_connection set_value \"cn\"",
            "does not take",
        ),
        ("user all then form.max_tries set_value 99", "does not take"),
    ] {
        let refused = two
            .draft(two.list(&["eu"]), values(statement))
            .prepare()
            .await
            .unwrap_err();
        let PlanError::Statement(StatementError::Mistaken(mistakes)) = &refused else {
            panic!("{refused:?}");
        };
        assert!(mistakes.to_string().contains(part), "{mistakes}");
    }
    assert!(two.eu.emulator.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_refuses_the_sign_in_stops_nobody_elsewhere() {
    let two = Two::new().await;
    let (eu, us) = two.connections();
    let us = us.client_secret(SecretSource::Given(Secret::new("wrong".to_owned())));
    let list = two.list(&["us", "eu"]);
    let assets = Assets::reader(Cursor::new(list.into_bytes()), None).unwrap();
    let draft = two.eu.host.plan(&two.eu.action).connection(eu).others([us]);
    let plan = draft.assets(assets).dynamic(values(STATEMENT)).prepare();
    let plan = plan.await.unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    let Ending::Stopped(why) = &ran.summary.ending else {
        panic!("{:?}", ran.summary);
    };
    assert!(why.starts_with("on connection `us`: "), "{why}");
    assert_eq!(ran.count(Verdict::Succeeded, "revoked"), USERS);
    assert_eq!(ran.outcomes.len(), 2 * USERS);
    let of_us = ran.outcomes.iter().filter(|o| o.asset.starts_with("us-"));
    assert!(
        of_us.clone().all(|o| o.verdict == Verdict::NotAttempted),
        "{ran:?}"
    );
    assert!(of_us.clone().all(|o| evidence(o)["connection"] == "us"));
    assert!(
        two.us
            .state()
            .users
            .iter()
            .all(|user| user.revocations == 0)
    );
}
