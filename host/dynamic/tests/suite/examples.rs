//! The statements that people write, whole, each with an asset and what it gives.

use serde_json::{Value, json};
use tipstaff_dynamic::{Form, Statement};

use crate::support::{Counting, asset, circumstances, evaluate, program};

/// A statement, the kind of asset, its entities, and the fields that it sets.
type Example = (&'static str, &'static str, Value, Value);

fn examples() -> Vec<Example> {
    let ada = || {
        json!([
            {"adapter": "azure_ad_adapter", "data": {
                "tenant_id": "t-1", "username": "Ada7", "mail": "ada@eu.example.com", "domain": "eu.example.com",
                "account_disabled": false, "user_manager_mail": "boss@example.com", "first_name": "Ada", "last_name": "Lovelace",
                "last_logon": "2026-11-19T20:00:00Z", "user_country": "France",
                "nested_applications": [{"extension_type": "SSO", "app_display_name": "Mail"},
                    {"extension_type": "Other", "app_display_name": "Chat"}]}},
            {"adapter": "okta_adapter", "data": {"mail": "ada@eu.example.com", "last_logon": "2026-08-01T08:00:00Z"}},
            {"adapter": "gui", "data": {"custom_csv": "a,b,c"}}
        ])
    };
    let laptop = || {
        json!([
            {"adapter": "aws_adapter", "data": {
                "tags": [{"tag_key": "env", "tag_value": "prod"}, {"tag_key": "owner", "tag_value": "ada"}],
                "network_interfaces": [{"name": "vpn0", "mac": "AA", "ips": ["10.1.2.3"]}, {"name": "eth0", "mac": "BB"}],
                "all_associated_email_addresses": ["a@example.com", "b@other.org"],
                "bios_manufacturer": "Acme", "cpus": [{"cores_thread": 4.0}, {"cores_thread": 8}],
                "installed_software": [{"name": "<Vim>", "version": "9"}, {"name": "Git"}]}},
            {"adapter": "gui", "data": {"custom_score": 7, "custom_limit": 5, "custom_a": 10, "custom_b": 5}}
        ])
    };
    vec![
        (
            r#"user all then form.tenant_id set_value [user.adapters_data.azure_ad_adapter.tenant_id]"#,
            "user",
            ada(),
            json!({"tenant_id": "t-1"}),
        ),
        (
            r#"user all then form.justification set_value concat("Offboarding of ", [user.specific_data.data.username_preferred])"#,
            "user",
            ada(),
            json!({"justification": "Offboarding of Ada7"}),
        ),
        (
            r#"user all then form.tag_name set_value [user.specific_data.data.phone_preferred] or [user.specific_data.data.username_preferred] or "unknown""#,
            "user",
            ada(),
            json!({"tag_name": "Ada7"}),
        ),
        (
            r##"user all then form.tag_name set_value "revoked" also form.color set_value "#aa0000""##,
            "user",
            ada(),
            json!({"tag_name": "revoked", "color": "#aa0000"}),
        ),
        (
            r#"switch user.specific_data.data.domain_preferred
      case ends_with ("eu.example.com") then form.adapter_connection set_value "entra-eu"
      case ends_with ("us.example.com") then form.adapter_connection set_value "entra-us""#,
            "user",
            ada(),
            json!({"adapter_connection": "entra-eu"}),
        ),
        (
            r#"switch [user.specific_data.data.username]
      case in (["svc-build", "svc-deploy"]) then form.justification set_value "service account"
      case not_starts_with ("svc-") then form.justification set_value "person""#,
            "user",
            ada(),
            json!({"justification": "person"}),
        ),
        (
            r#"switch user.specific_data.data.account_disabled
      case field_equal (true) then form.field_value set_value "disabled"
      case field_equal (false) then form.field_value set_value "enabled""#,
            "user",
            ada(),
            json!({"field_value": "enabled"}),
        ),
        (
            r#"switch user.specific_data.data.user_manager_mail
      case field_exists then form.emailList set_value [user.specific_data.data.user_manager_mail]
      case field_not_exists then form.emailList set_value "soc@example.com""#,
            "user",
            ada(),
            json!({"emailList": ["boss@example.com"]}),
        ),
        (
            r#"switch subtract(now(), max([user.specific_data.data.last_logon]))
      case gt (90) then form.field_value set_value "stale"
      case lt (1) then form.field_value set_value "active today""#,
            "user",
            ada(),
            json!({"field_value": "active today"}),
        ),
        (
            r#"switch device.adapters_data.gui.custom_score
      case gt ([device.adapters_data.gui.custom_limit]) then form.field_on set_value true"#,
            "device",
            laptop(),
            json!({"field_on": true}),
        ),
        (
            r#"switch [device.specific_data.data.network_interfaces.ips]
      case in_net ("10.0.0.0/8,fd00::/8") then form.instance set_value "dc-node-1""#,
            "device",
            laptop(),
            json!({"instance": "dc-node-1"}),
        ),
        (
            r#"switch device.labels case count (2) then form.field_value set_value "two tags""#,
            "device",
            laptop(),
            json!({"field_value": "two tags"}),
        ),
        (
            r#"user all then form.field_value set_value to_lower(concat([user.specific_data.data.first_name], ".", [user.specific_data.data.last_name]))"#,
            "user",
            ada(),
            json!({"field_value": "ada.lovelace"}),
        ),
        (
            r#"user all then form.field_value set_value substring([user.specific_data.data.username], 1, 3)"#,
            "user",
            ada(),
            json!({"field_value": "Ada"}),
        ),
        (
            r#"user all then form.incident_description set_value join(unique([user.specific_data.data.mail]), "; ")"#,
            "user",
            ada(),
            json!({"incident_description": "ada@eu.example.com"}),
        ),
        (
            r#"device all then form.tag_name set_value by_key([device.adapters_data.aws_adapter.tags], "tag_key", "owner", "tag_value")"#,
            "device",
            laptop(),
            json!({"tag_name": "ada"}),
        ),
        (
            r#"user all then form.tag_name set_value filter_by_key([user.specific_data.data.nested_applications], "extension_type", "SSO", "app_display_name")"#,
            "user",
            ada(),
            json!({"tag_name": ["Mail"]}),
        ),
        (
            r#"device all then form.tag_name set_value filter_value_by_key_with_operator([device.specific_data.data.network_interfaces], "name", contains, "vpn", "name")"#,
            "device",
            laptop(),
            json!({"tag_name": ["vpn0"]}),
        ),
        (
            r#"device all then form.field_list.value set_value filter([device.specific_data.data.all_associated_email_addresses], contains, "@example.com")"#,
            "device",
            laptop(),
            json!({"field_list.value": ["a@example.com"]}),
        ),
        (
            r#"device all then form.emailList set_value [relation.user("Last used by").specific_data.data.mail]"#,
            "device",
            laptop(),
            json!({"emailList": null}),
        ),
        (
            r#"user all then form.field_date.specific set_value to_date(add(now(), 604800000))"#,
            "user",
            ada(),
            json!({"field_date.specific": "2026-11-27T08:00:00.000Z"}),
        ),
        (
            r#"user all then form.tag_name set_value date_format(max([user.specific_data.data.last_logon]), "%Y-%m")"#,
            "user",
            ada(),
            json!({"tag_name": "2026-11"}),
        ),
        (
            r#"user all then form.field_value set_value regex_extract([user.specific_data.data.mail_preferred], "[^@]+", 0)"#,
            "user",
            ada(),
            json!({"field_value": "ada"}),
        ),
        (
            r#"user all then form.field_value set_value regex_replace([user.specific_data.data.username_preferred], "\d+", "")"#,
            "user",
            ada(),
            json!({"field_value": "Ada"}),
        ),
        (
            r#"user all then form.password set_value generate_string(24, alphanumeric)"#,
            "user",
            ada(),
            json!({"password": "abcdefghijklmnopqrstuvwx"}),
        ),
        (
            r#"device all then form.field_number set_value divide(add(multiply([device.custom.a], 0.6), multiply([device.custom.b], 0.4)), 2)"#,
            "device",
            laptop(),
            json!({"field_number": 4}),
        ),
        (
            r#"device all then form.field_list.value set_value concat_array(array([device.specific_data.data.bios_manufacturer], "n/a"), concat_prefix("MAC ", [device.specific_data.data.network_interfaces.mac]))"#,
            "device",
            laptop(),
            json!({"field_list.value": ["Acme", "n/a", "MAC AA", "MAC BB"]}),
        ),
        (
            r#"user all then form.field_list.value set_value split([user.adapters_data.gui.custom_csv], ",")"#,
            "user",
            ada(),
            json!({"field_list.value": ["a", "b", "c"]}),
        ),
        (
            r#"device all then form.incident_description set_value to_table([device.specific_data.data.installed_software], [(header: "Name", field: "name"), (header: "Version", field: "version")])"#,
            "device",
            laptop(),
            json!({"incident_description": "<table><thead><tr><th>Name</th><th>Version</th></tr></thead><tbody><tr><td>&lt;Vim&gt;</td><td>9</td></tr><tr><td>Git</td><td></td></tr></tbody></table>"}),
        ),
        (
            r#"switch user.specific_data.data.user_country
      case field_equal ("Germany") then form.field_name set_value "region" also form.field_value set_value "EU"
      case field_not_equal ("Germany") then form.field_name set_value "region" also form.field_value set_value [user.specific_data.data.user_country] or "unknown""#,
            "user",
            ada(),
            json!({"field_name": "region", "field_value": ["France"]}),
        ),
        (
            r#"switch user.specific_data.data.user_country case "Germany" then form.field_value set_value "DE""#,
            "user",
            ada(),
            json!({"field_value": null}),
        ),
        (
            r#"device all then form.field_value set_value to_int(max([device.specific_data.data.cpus.cores_thread]))"#,
            "device",
            laptop(),
            json!({"field_value": 8}),
        ),
        (
            r#"user all then form.mailSubject set_value title_case([user.specific_data.data.username_preferred])"#,
            "user",
            ada(),
            json!({"mailSubject": "Ada7"}),
        ),
    ]
}

#[test]
fn every_example_gives_what_it_says() {
    let examples = examples();
    assert_eq!(examples.len(), 33);
    for (at, (text, kind, entities, wanted)) in examples.into_iter().enumerate() {
        let program = program(text);
        let evaluation = evaluate(&program, &asset(kind, entities));
        let given: Value = evaluation
            .fields()
            .map(|(name, field)| (name.to_owned(), field.value().cloned().unwrap_or_default()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert_eq!(
            given,
            wanted,
            "example {}: {:?}",
            at + 1,
            evaluation.troubles(&program)
        );
    }
}

#[test]
fn every_example_fits_its_form() {
    let text = || json!({"type": "string"});
    let form = Form::from_schema(&json!({"properties": {
        "tenant_id": text(), "justification": text(), "tag_name": {"type": "array", "items": text()}, "color": text(),
        "field_value": text(), "emailList": {"type": "array"}, "field_on": {"type": "boolean"}, "instance": text(),
        "incident_description": text(), "password": {"type": "string", "writeOnly": true},
        "field_number": {"type": "number"}, "field_name": text(), "mailSubject": text(),
        "field_date": {"type": "object", "properties": {"specific": {"type": "string", "format": "date-time"}}},
        "field_list": {"type": "object", "properties": {"value": {"type": "array"}}}
    }}))
    .and_connection(None);
    for (at, (text, kind, entities, _)) in examples().into_iter().enumerate() {
        let checked = Statement::parse(text).unwrap().check(Some(&form));
        if at + 1 == 32 {
            // Its number is for a field of numbers, and this form has a text there.
            assert!(
                checked.is_ok(),
                "what a list's numbers become is known only when it is evaluated"
            );
            continue;
        }
        let program = checked.unwrap_or_else(|error| panic!("example {}: {error:?}", at + 1));
        let _ = program.evaluate(&asset(kind, entities), &circumstances(), &mut Counting(0));
    }
}

#[test]
fn every_example_means_the_same_when_it_is_formatted() {
    for (text, ..) in examples() {
        let statement = Statement::parse(text).unwrap();
        let formatted = statement.format();
        let again = Statement::parse(&formatted).unwrap();
        assert_eq!(again, statement, "{formatted}");
        assert_eq!(again.format(), formatted);
    }
}
