//! From a query of the inventory to the tenant: whom it finds is revoked, and nobody else.

use std::io::Cursor;

use entra_emulator::{Tenant, User};
use serde_json::json;
use tipstaff::Assets;
use tipstaff::asset::{Inventory, read};
use tipstaff_tests::Trial;

const NAMES: [&str; 4] = ["ada", "grace", "max", "vip"];

#[tokio::test]
async fn whom_a_query_finds_is_revoked_and_nobody_else() {
    let tenant = Tenant::builder()
        .users(NAMES.map(|name| User::member(format!("{name}@contoso.example"))))
        .build();
    let list: String = tenant
        .users()
        .iter()
        .zip(NAMES)
        .map(|(user, name)| {
            let label = if name == "max" { "staying" } else { "offboarding" };
            let asset = json!({"id": name, "labels": [label, name], "adapters": [
                {"adapter": "hr_adapter", "data": {"last_seen": "2026-01-01", "username": name}},
                {"adapter": "azure_ad_adapter", "connection": "corp", "data": {
                    "id": user.id().to_string(), "username": user.principal_name(),
                    "last_seen": if name == "grace" { "2026-11-22T00:00:00Z" } else { "2026-06-01T00:00:00Z" }}},
            ]});
            format!("{asset}\n")
        })
        .collect();
    let trial = Trial::new(tenant).await;
    let now = "2026-11-23T08:00:00Z".parse().unwrap();
    let mut inventory = Inventory::open(&trial.host.state().inventory()).unwrap();
    inventory
        .import(read(Cursor::new(list), None).unwrap())
        .unwrap();
    inventory
        .save_query("leavers", "\"labels\" == \"offboarding\"", now)
        .unwrap();
    let query = inventory
        .query(
            "({{QueryID=leavers}}) and not (\"labels\" == \"vip\") and \"adapters_data.azure_ad_adapter.last_seen\" < date(\"NOW - 90d\")",
            now,
        )
        .unwrap();
    let ran = trial.run(Assets::matching(inventory, query).unwrap()).await;
    assert_eq!(ran.outcomes.len(), 1, "{ran:#?}");
    assert_eq!(ran.result("ada"), ("succeeded", "revoked"), "{ran:#?}");
    let revoked = NAMES.map(|name| {
        let user = trial.emulator.user(&format!("{name}@contoso.example"));
        user.unwrap().revocations
    });
    assert_eq!(revoked, [1, 0, 0, 0]);
}
