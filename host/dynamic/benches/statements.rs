//! Measures how many assets a second statements are evaluated for, on one core: `cargo bench -p tipstaff-dynamic`.
//!
//! With a number as argument so many assets are taken instead of a million.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use tipstaff_asset::Asset;
use tipstaff_dynamic::{Circumstances, Statement};

const STATEMENTS: &[(&str, &str)] = &[
    (
        "one field of the tenant",
        "user all then form.tenant_id set_value [user.adapters_data.azure_ad_adapter.tenant_id]",
    ),
    (
        "a connection by domain",
        r#"switch user.specific_data.data.domain_preferred
           case ends_with("eu.example.com") then form.adapter_connection set_value "entra-eu"
           case ends_with("us.example.com") then form.adapter_connection set_value "entra-us""#,
    ),
    (
        "a date, a regex, texts and alternatives",
        r#"switch subtract(now(), max([user.specific_data.data.last_logon]))
           case gt(90) then form.reason set_value concat("stale: ", to_lower([user.specific_data.data.username_preferred]))
             also form.local set_value regex_extract([user.specific_data.data.mail_preferred], "[^@]+")
           case lt(1) then form.reason set_value [user.specific_data.data.phone_preferred] or "active"
           case field_exists then form.reason set_value join(unique([user.specific_data.data.mail]), "; ")"#,
    ),
];

/// So many different assets stand for all: what matters is that none is like the one before.
const DIFFERENT: usize = 10_000;

fn assets() -> Result<Vec<Asset>, serde_json::Error> {
    (0..DIFFERENT)
        .map(|n| {
            let region = if n % 2 == 0 { "eu" } else { "us" };
            let mail = format!("user{n}@{region}.example.com");
            let day = format!("2026-{:02}-{:02}T08:00:00Z", n % 11 + 1, n % 28 + 1);
            serde_json::from_value(json!({"id": format!("a{n}"), "type": "user", "labels": ["all"], "adapters": [
                {"adapter": "azure_ad_adapter", "connection": region, "data": {
                    "id": format!("00000000-0000-4000-8000-{n:012}"), "tenant_id": region, "mail": mail,
                    "username": format!("User{n}"), "domain": format!("{region}.example.com"), "last_logon": day}},
                {"adapter": "okta_adapter", "data": {"mail": mail, "last_logon": "2026-01-01T00:00:00Z"}}
            ]}))
        })
        .collect()
}

fn main() -> ExitCode {
    let wanted = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let count: usize = wanted.unwrap_or(1_000_000);
    let (Ok(assets), Ok(now)) = (assets(), "2026-11-24T08:00:00Z".parse()) else {
        return ExitCode::FAILURE;
    };
    let circumstances = Circumstances::at(now);
    for (name, text) in STATEMENTS {
        let program = Statement::parse(text)
            .ok()
            .and_then(|statement| statement.check(None).ok());
        let Some(program) = program else {
            return ExitCode::FAILURE;
        };
        let began = Instant::now();
        let mut fell_back = 0_u64;
        for asset in assets.iter().cycle().take(count) {
            let evaluation = program.evaluate(black_box(asset), &circumstances, &mut ());
            fell_back += u64::from(evaluation.fell_back());
        }
        let took = began.elapsed();
        let each = took.as_nanos() / count.max(1) as u128;
        println!("{name}: {count} assets in {took:.2?}, {each} ns each, {fell_back} fell back");
    }
    ExitCode::SUCCESS
}
