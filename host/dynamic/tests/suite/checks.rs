//! What the checker refuses, what it warns of, and what it says.

use serde_json::{Value, json};
use tipstaff_dynamic::{Form, Severity, Statement, completions};

fn form() -> Form {
    Form::from_schema(&json!({"properties": {
        "reason": {"type": "string", "title": "Reason", "description": "why"},
        "guests": {"type": "string", "enum": ["skip", "attempt", "fail"]},
        "tries": {"type": "integer", "minimum": 1, "maximum": 20},
        "urgent": {"type": "boolean"}, "tags": {"type": "array"},
        "token": {"type": "string", "writeOnly": true},
        "when": {"type": "object", "properties": {"specific": {"type": "string", "format": "date"}}}
    }}))
    .and_connection(Some(vec!["eu".to_owned(), "us".to_owned()]))
}

/// All that is found: severity, column, message and hint.
fn found(text: &str) -> Vec<(Severity, usize, String)> {
    let statement = Statement::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let list = match statement.check(Some(&form())) {
        Ok(program) => program.warnings().to_vec(),
        Err(errors) => errors.list().to_vec(),
    };
    list.into_iter()
        .map(|one| {
            let text = format!("{} {}", one.message, one.hint.unwrap_or_default());
            (one.severity, one.place.column, text)
        })
        .collect()
}

fn one(text: &str, severity: Severity, column: usize, words: &[&str]) {
    let found = found(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    assert_eq!(
        (found[0].0, found[0].1),
        (severity, column),
        "{text}: {found:?}"
    );
    for word in words {
        assert!(found[0].2.contains(word), "{text}: {found:?}");
    }
}

#[test]
fn values_of_a_wrong_type_are_refused_where_the_text_shows_it() {
    for (text, column, words) in [
        (
            "user all then form.reazon set_value \"a\"",
            15,
            ["no field `reazon`", "`reason`"],
        ),
        (
            "user all then form.zzzzzz set_value \"a\"",
            15,
            ["no field", "guests"],
        ),
        (
            "user all then form.when set_value \"a\"",
            15,
            ["no field", "form.when.specific"],
        ),
        (
            "user all then form.when.specific set_value \"soon\"",
            44,
            ["does not take", ""],
        ),
        (
            "user all then form.reason set_value 5",
            37,
            ["takes string", "a number"],
        ),
        (
            "user all then form.reason set_value [1]",
            37,
            ["does not take", ""],
        ),
        (
            "user all then form.tries set_value \"5\"",
            36,
            ["takes integer", "a text"],
        ),
        (
            "user all then form.tries set_value 5.5",
            36,
            ["does not take", ""],
        ),
        (
            "user all then form.tries set_value 21",
            36,
            ["does not take", ""],
        ),
        (
            "user all then form.urgent set_value \"yes\"",
            37,
            ["takes boolean", "a text"],
        ),
        (
            "user all then form.guests set_value \"skipp\"",
            37,
            ["does not take", "`skip`"],
        ),
        (
            "user all then form.guests set_value \"zzzzz\"",
            37,
            ["does not take", "skip, attempt, fail"],
        ),
        (
            "user all then form.adapter_connection set_value \"eeu\"",
            49,
            ["does not take", "`eu`"],
        ),
        (
            "user all then form.reason set_value to_upper(5)",
            46,
            ["a text or a list is wanted", "a number"],
        ),
        (
            "user all then form.tries set_value add(\"5\", 1)",
            40,
            ["takes numbers", "without quotes: `5`"],
        ),
        (
            "user all then form.tries set_value add(true, 1)",
            40,
            ["is wanted", "a truth value"],
        ),
        (
            "user all then form.tries set_value add(max([user.labels]), [1])",
            60,
            ["is wanted", "a list"],
        ),
        (
            "user all then form.reason set_value substring(\"a\", 1.5, 2)",
            52,
            ["whole number", ""],
        ),
        (
            "user all then form.reason set_value generate_string(8, hexx)",
            56,
            ["no `characters`", "`hex`"],
        ),
        (
            "user all then form.tags set_value filter([user.labels], containss, \"a\")",
            57,
            ["no `operator`", "`contains`"],
        ),
        (
            "user all then form.tags set_value filter([user.labels], [user.labels], \"a\")",
            57,
            ["is a word", "not_contains"],
        ),
        (
            "user all then form.reason set_value by_key([user.labels], [user.labels], 1, \"v\")",
            59,
            ["name of a field", "double quotes"],
        ),
        (
            "switch user.labels case gt(\"5\") then form.tries set_value 1",
            28,
            ["a number or a date", "without quotes"],
        ),
        (
            "switch user.labels case contains(5) then form.tries set_value 1",
            34,
            ["a text", "a number"],
        ),
        (
            "switch user.labels case count(\"2\") then form.tries set_value 1",
            31,
            ["a number", "a text"],
        ),
        (
            "switch user.labels case field_equal([\"a\"]) then form.tries set_value 1",
            37,
            ["one value", "in([…])"],
        ),
        (
            "user all then form.reason set_value [user.specific.data.mail]",
            37,
            ["is no field", "specific_data"],
        ),
        (
            "user all then form.reason set_value [user.mail]",
            37,
            ["is no field", ""],
        ),
        (
            "user all then form.token set_value [user.labels]",
            36,
            ["is a secret", "data of assets"],
        ),
        (
            "user all then form.token set_value \"in clear\"",
            36,
            ["is a secret", "no place"],
        ),
        (
            "user all then form.token set_value concat(generate_string(), \"a\")",
            36,
            ["is a secret", ""],
        ),
    ] {
        one(text, Severity::Error, column, &words);
    }
}

#[test]
fn what_never_gives_a_value_is_a_warning() {
    for (text, column, word) in [
        (
            "user all then form.tries set_value to_upper(\"a\")",
            36,
            "takes integer, and this is a text",
        ),
        (
            "user all then form.reason set_value to_upper(count([user.labels]))",
            46,
            "this is a number",
        ),
        (
            "user all then form.reason set_value [device.labels] or \"a\"",
            37,
            "never has a value",
        ),
        (
            "user all then form.reason set_value substring(\"a\", 0, 2)",
            52,
            "counts from 1",
        ),
        (
            "user all then form.tries set_value divide(4, 0)",
            46,
            "zero",
        ),
        (
            "user all then form.reason set_value date_format(now(), \"%Q\")",
            56,
            "%Q",
        ),
        (
            "user all then form.reason set_value regex_extract(\"a\", \"(?=a)\")",
            56,
            "regex not supported",
        ),
        (
            "user all then form.reason set_value regex_extract(\"a\", \"[\")",
            56,
            "regex not supported",
        ),
        (
            "user all then form.tries set_value add([user.specific_data.data.n], 1)",
            40,
            "max(…)",
        ),
        (
            "user all then form.reason set_value [relation.user(\"x\").labels]",
            37,
            "relations",
        ),
        (
            "switch user.labels case in_net(\"10.0.0.0/8;x\") then form.tries set_value 1",
            32,
            "never holds",
        ),
    ] {
        one(text, Severity::Warning, column, &[word]);
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "user all then form.a set_value 1\n  also form.tries set_value \"x\"\n  also form.urgent set_value 1";
    let errors = Statement::parse(text)
        .unwrap()
        .check(Some(&form()))
        .unwrap_err();
    let lines: Vec<_> = errors.list().iter().map(|one| one.place.line).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn what_the_form_takes_is_accepted() {
    for text in [
        "user all then form.token set_value generate_string(24, alphanumeric)",
        "user all then form.guests set_value \"skip\" also form.adapter_connection set_value \"eu\"",
        "user all then form.tags set_value \"a\" also form.reason set_value [\"a\", \"b\"]",
        "user all then form.when.specific set_value \"20/11/26\" or now()",
        "user all then form.tries set_value [user.custom.n] or max([user.specific_data.data.n]) or 5",
        "user all then form.reason set_value \"\" or unique([user.labels]) or \"a\"",
        "user all then form.tries set_value to_int([user.custom.n]) also form.urgent set_value starts_with(\"a\", \"b\")",
    ] {
        let found = found(text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn an_empty_literal_of_a_limited_field_is_no_mistake() {
    assert_eq!(
        found("user all then form.guests set_value \"\" or \"skip\"").len(),
        0
    );
}

#[test]
fn fields_that_no_asset_has_can_be_told() {
    let text = "switch user.custom.score case gt(max([user.custom.limit])) then form.v set_value [user.labels]";
    let program = Statement::parse(text).unwrap().check(None).unwrap();
    let unknown = program.unknown_fields(|path| path.as_str() != "custom.limit");
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert_eq!(unknown[0].place.column, 38);
    assert!(unknown[0].message.contains("`custom.limit`"));
    assert!(program.unknown_fields(|_| true).is_empty());
}

#[test]
fn completions_have_everything_that_can_be_written() {
    let all = completions(Some(&form()));
    for text in [
        "form.reason",
        "form.adapter_connection",
        "switch",
        "not_in_net",
        "title_case",
    ] {
        assert!(all.iter().any(|one| one.text == text), "{text}");
    }
    let json = serde_json::to_value(&all).unwrap();
    let has = |wanted: Value| json.as_array().unwrap().contains(&wanted);
    assert!(has(
        json!({"kind": "form_field", "text": "form.reason", "detail": "string", "description": "why"})
    ));
    assert!(all.iter().all(|one| !one.description.is_empty()));
}
