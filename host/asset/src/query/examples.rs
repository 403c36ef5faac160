//! The eleven queries that every host of these actions has to express, each against assets that it finds and assets
//! that it does not.

#![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

use serde_json::{Value, json};

use super::{Query, SavedQuery, Terms};
use crate::asset::Asset;

/// Which of these assets a query finds. Their ids are their places.
fn found(text: &str, assets: &[Value]) -> Vec<usize> {
    let saved = [SavedQuery {
        id: "65a0".to_owned(),
        name: "leavers".to_owned(),
        text: "\"labels\" == \"offboarding\"".to_owned(),
    }];
    let terms = Terms {
        now: "2026-11-23T08:00:00Z".parse().unwrap(),
        saved: &saved,
        catalog: None,
    };
    let query = Query::read(text, terms).unwrap_or_else(|error| panic_with(&error.to_string()));
    assets
        .iter()
        .enumerate()
        .filter(|(at, value)| {
            let mut value = (*value).clone();
            value["id"] = json!(format!("id{at}"));
            let asset: Asset = serde_json::from_value(value).unwrap();
            query.matches(&asset)
        })
        .map(|(at, _)| at)
        .collect()
}

#[expect(clippy::panic, reason = "a test may end where it finds a fault")]
fn panic_with(message: &str) -> ! {
    panic!("{message}")
}

/// An asset with one Entra entity.
fn entra(data: Value) -> Value {
    json!({"adapters": [{"adapter": "azure_ad_adapter", "data": data}]})
}

#[test]
fn q1_enabled_and_not_seen_for_90_days() {
    let text = r#"("specific_data.data.account_disabled" == false) and not ("specific_data.data.last_seen" >= date("NOW - 90d"))"#;
    let assets = [
        entra(json!({"account_disabled": false, "last_seen": "2026-08-25T07:59:59Z"})),
        entra(json!({"account_disabled": false, "last_seen": "2026-08-25T08:00:00Z"})),
        entra(json!({"account_disabled": false})),
        entra(json!({"account_disabled": true, "last_seen": "2020-01-01"})),
        json!({"adapters": [
            {"adapter": "a_adapter", "data": {"account_disabled": false, "last_seen": "2020-01-01"}},
            {"adapter": "b_adapter", "data": {"last_seen": "2026-11-22"}}]}),
    ];
    assert_eq!(found(text, &assets), [0, 2]);
}

#[test]
fn q2_has_an_entra_identity() {
    let text = r#"("adapters_data.azure_ad_adapter.id" == ({"$exists":true,"$ne":""}))"#;
    let assets = [
        entra(json!({"id": "1"})),
        entra(json!({"id": ""})),
        entra(json!({"id": null})),
        entra(json!({})),
        json!({"adapters": [{"adapter": "okta_adapter", "data": {"id": "1"}}]}),
    ];
    assert_eq!(found(text, &assets), [0]);
}

#[test]
fn q3_members_and_no_guests() {
    let text = r#"("adapters_data.azure_ad_adapter.user_type" == "Member")"#;
    let assets = [
        entra(json!({"user_type": "Member"})),
        entra(json!({"user_type": "Guest"})),
        entra(json!({"user_type": "member"})),
        entra(json!({})),
    ];
    assert_eq!(found(text, &assets), [0]);
}

#[test]
fn q4_disabled_in_the_last_fetch() {
    let text = r#"("specific_data.data.account_disabled" == true) and ("adapters_data.azure_ad_adapter.last_seen" >= date("NOW - 1d"))"#;
    let assets = [
        entra(json!({"account_disabled": true, "last_seen": "2026-11-22T09:00:00+01:00"})),
        entra(json!({"account_disabled": true, "last_seen": "2026-11-22T07:59:59.999Z"})),
        entra(json!({"account_disabled": true, "last_seen": 1_795_420_800_000_i64})),
        entra(json!({"account_disabled": "true", "last_seen": "2026-11-23"})),
    ];
    assert_eq!(found(text, &assets), [0, 2]);
}

#[test]
fn q5_a_list_of_names() {
    let text = r#"("specific_data.data.username" in ["ada","grace"])"#;
    let assets = [
        entra(json!({"username": "ada"})),
        entra(json!({"username": "Ada"})),
        json!({"adapters": [
            {"adapter": "a_adapter", "data": {"username": "g"}}, {"adapter": "b_adapter", "data": {"username": "grace"}}]}),
    ];
    assert_eq!(found(text, &assets), [0, 2]);
}

#[test]
fn q6_tagged_without_exceptions() {
    let text = r#"("labels" == "offboarding") and not ("labels" in ["revoke-exception"])"#;
    let assets = [
        json!({"labels": ["x", "offboarding"], "adapters": []}),
        json!({"labels": ["offboarding", "revoke-exception"], "adapters": []}),
        json!({"labels": ["Offboarding"], "adapters": []}),
        json!({"adapters": []}),
    ];
    assert_eq!(found(text, &assets), [0]);
}

#[test]
fn q7_administrators_without_a_strong_factor() {
    let text = r#"("specific_data.data.is_admin" == true) and not ("specific_data.data.user_factors" == match([not ("factor_type" == "Password")]))"#;
    let factors =
        |types: &[&str]| -> Value { types.iter().map(|t| json!({"factor_type": t})).collect() };
    let assets = [
        entra(json!({"is_admin": true, "user_factors": factors(&["Password"])})),
        entra(json!({"is_admin": true, "user_factors": factors(&["Password", "Fido"])})),
        entra(json!({"is_admin": true})),
        entra(json!({"is_admin": true, "user_factors": ["Fido"]})),
        entra(json!({"is_admin": false, "user_factors": factors(&["Password"])})),
    ];
    assert_eq!(found(text, &assets), [0, 2, 3]);
}

#[test]
fn q8_the_domain_of_a_mail_address() {
    let text = r#"("specific_data.data.mail" == regex("@example\.com$", "i"))"#;
    let assets = [
        entra(json!({"mail": "ada@Example.COM"})),
        entra(json!({"mail": "ada@example.com.evil.org"})),
        entra(json!({"mail": "ada@examplexcom"})),
        entra(json!({"mail": ["x", "ada@example.com"]})),
    ];
    assert_eq!(found(text, &assets), [0, 3]);
}

#[test]
fn q9_picked_by_hand() {
    let text = r#"("internal_axon_id" in ["id2", "id0"])"#;
    assert_eq!(found(text, &vec![json!({"adapters": []}); 4]), [0, 2]);
}

#[test]
fn q10_all_of_it_in_the_same_entity() {
    let text = r#"("specific_data" == match([plugin_name in ['azure_ad_adapter'] and ("data.user_type" == "Member") and ("data.last_seen" >= date("NOW - 7d"))]))"#;
    let two = |one: Value, other: Value| {
        json!({"adapters": [
            {"adapter": "azure_ad_adapter", "data": one}, {"adapter": "azure_ad_adapter", "data": other}]})
    };
    let assets = [
        two(
            json!({"user_type": "Member", "last_seen": "2026-11-20"}),
            json!({}),
        ),
        two(
            json!({"user_type": "Member"}),
            json!({"last_seen": "2026-11-20"}),
        ),
        json!({"adapters": [{"adapter": "x_adapter", "data": {"user_type": "Member", "last_seen": "2026-11-20"}}]}),
    ];
    assert_eq!(found(text, &assets), [0]);
}

#[test]
fn q11_a_saved_query_used_again() {
    let assets = [
        json!({"labels": ["offboarding"], "adapters": []}),
        json!({"labels": ["offboarding", "vip"], "adapters": []}),
        json!({"labels": [], "adapters": []}),
    ];
    for reference in ["65a0", "leavers", " leavers "] {
        let text = format!(r#"({{{{QueryID={reference}}}}}) and not ("labels" == "vip")"#);
        assert_eq!(found(&text, &assets), [0]);
    }
}
