//! The inventory follows the tenant: who is new, who changed and who went, fetched by a component that can change
//! nothing.

use std::io::Cursor;

use entra_emulator::{App, Tenant, User};
use serde_json::json;
use tipstaff::FetchError;
use tipstaff::asset::inventory::FetchReport;
use tipstaff::asset::{Inventory, read};
use tipstaff_tests::Trial;

/// More than one answer holds, and more than one page of the host's.
const SEEDED: usize = 450;

struct Fetched {
    trial: Trial,
}

impl Fetched {
    async fn new(tenant: Tenant) -> Self {
        let trial = Trial::of(revoke_user_sessions_component::LIST_USERS, tenant).await;
        Self { trial }
    }

    fn inventory(&self) -> Inventory {
        Inventory::open(&self.trial.host.state().inventory()).unwrap()
    }

    async fn fetch(&self) -> Result<FetchReport, FetchError> {
        let (action, connection) = (&self.trial.action, self.trial.connection());
        let fetched = self
            .trial
            .host
            .fetch_assets(action, connection, self.inventory(), |_| {});
        fetched.await
    }

    fn found(&self, query: &str) -> u64 {
        let inventory = self.inventory();
        let query = inventory.query(query, "2026-11-23T08:00:00Z".parse().unwrap());
        inventory.count_matches(&query.unwrap()).unwrap()
    }
}

fn counts(report: FetchReport) -> [u64; 4] {
    [
        report.added,
        report.updated,
        report.unchanged,
        report.removed,
    ]
}

#[tokio::test]
async fn everybody_comes_first_and_then_only_what_changed() {
    let tenant = Tenant::builder()
        .user(User::member("ada@contoso.example"))
        .user(User::guest("tim@partner.example"))
        .seed_users(SEEDED)
        .build();
    let ada = tenant.users()[0].id().to_string();
    let fetched = Fetched::new(tenant).await;
    // Known before, with a label and what another adapter says, under an id of its own.
    let list = json!({"id": "b2374c0e", "labels": ["vip"], "adapters": [
        {"adapter": "hr_adapter", "data": {"grade": 7}},
        {"adapter": "azure_ad_adapter", "data": {"id": ada, "username": "old@contoso.example", "note": "kept"}}]});
    let list = Cursor::new(format!("{list}\n"));
    fetched
        .inventory()
        .import(read(list, None).unwrap())
        .unwrap();

    let all = SEEDED as u64 + 2;
    assert_eq!(counts(fetched.fetch().await.unwrap()), [all - 1, 1, 0, 0]);
    assert_eq!(fetched.inventory().count().unwrap(), all);
    let known = fetched.inventory().get("b2374c0e").unwrap().unwrap();
    assert_eq!(known.labels, ["vip"]);
    assert_eq!(known.adapters[0].data["grade"], 7);
    assert_eq!(known.adapters[1].connection.as_deref(), Some("corp"));
    assert_eq!(known.adapters[1].data["username"], "ada@contoso.example");
    assert_eq!(known.adapters[1].data["note"], "kept");
    assert_eq!(
        fetched.found("\"adapters_data.azure_ad_adapter.user_type\" == \"Guest\""),
        1
    );
    assert_eq!(
        fetched.found("\"specific_data.data.account_disabled\" == false"),
        all
    );

    assert_eq!(counts(fetched.fetch().await.unwrap()), [0, 0, 0, 0]);

    assert!(
        fetched
            .trial
            .emulator
            .delete_user("user000001@contoso.example")
    );
    assert!(fetched.trial.emulator.delete_user("ada@contoso.example"));
    // Of one nothing else is known; of the other another adapter still knows something.
    assert_eq!(counts(fetched.fetch().await.unwrap()), [0, 1, 0, 1]);
    assert_eq!(fetched.inventory().count().unwrap(), all - 1);
    let known = fetched.inventory().get("b2374c0e").unwrap().unwrap();
    assert_eq!(known.adapters.len(), 1);
}

#[tokio::test]
async fn a_link_that_is_too_old_begins_anew_and_finds_who_went() {
    let fetched = Fetched::new(crate::members(3)).await;
    assert_eq!(counts(fetched.fetch().await.unwrap()), [3, 0, 0, 0]);
    assert!(
        fetched
            .trial
            .emulator
            .delete_user("user000002@contoso.example")
    );
    let month = std::time::Duration::from_secs(31 * 86_400);
    fetched.trial.emulator.advance_clock(month);
    assert_eq!(counts(fetched.fetch().await.unwrap()), [0, 0, 2, 1]);
    assert_eq!(fetched.inventory().count().unwrap(), 2);
}

#[tokio::test]
async fn what_the_application_may_not_read_stops_with_the_way_out() {
    let tenant = crate::members(2);
    let fetched = Fetched::new(tenant).await;
    fetched
        .trial
        .emulator
        .change_app(App::DEFAULT_CLIENT_ID, |app| {
            app.roles = vec!["User.RevokeSessions.All".to_owned()];
        });
    let error = fetched.fetch().await.unwrap_err();
    assert!(matches!(error, FetchError::Stopped(_)), "{error}");
    assert!(error.to_string().contains("User.Read.All"), "{error}");
    assert_eq!(fetched.inventory().count().unwrap(), 0);
}
