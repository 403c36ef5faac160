//! Every operator on single values, lists, and nothing.

use serde_json::{Value, json};

use crate::support::holds;

fn table(subject: &str, data: Value, rows: &[(&str, bool)]) {
    for (condition, wanted) in rows {
        assert_eq!(
            holds(subject, condition, data.clone()),
            *wanted,
            "{subject} {condition}"
        );
    }
}

#[test]
fn on_a_text() {
    table(
        "[.t]",
        json!({"t": "ada@contoso.com", "other": "ada@contoso.com"}),
        &[
            ("contains(\"@contoso\")", true),
            ("contains(\"@CONTOSO\")", false),
            ("not_contains(\"@contoso\")", false),
            ("not_contains(\"x\")", true),
            ("starts_with(\"ada\")", true),
            ("not_starts_with(\"ada\")", false),
            ("ends_with(\".com\")", true),
            ("not_ends_with(\".com\")", false),
            ("in([\"x\", \"ada@contoso.com\"])", true),
            ("in(\"x\", \"y\")", false),
            ("not_in([\"x\"])", true),
            ("in([.other])", true),
            ("in([.other], \"x\")", true),
            ("field_equal(\"ada@contoso.com\")", true),
            ("field_equal([.other])", true),
            ("field_equal(to_lower([.other]))", true),
            ("\"ada@contoso.com\"", true),
            ("field_not_equal(\"x\")", true),
            ("field_exists", true),
            ("field_not_exists", false),
            ("count(1)", true),
            ("gt(5)", false),
            ("lt(5)", false),
        ],
    );
}

#[test]
fn on_a_number_and_a_truth_value() {
    let data = json!({"n": 8.3, "b": true, "limit": 8, "text": "8.3"});
    table(
        "[.n]",
        data.clone(),
        &[
            ("gt(8)", true),
            ("gt(8.3)", false),
            ("lt(8.31)", true),
            ("gt([.limit])", true),
            ("gt([.none])", false),
            ("field_equal(\"8.3\")", true),
            ("field_equal(8.3)", true),
            ("8.3", true),
            ("field_equal(\"x\")", false),
            ("in([\"8.3\"])", true),
            ("contains(\"8\")", false),
            ("in_net(\"10.0.0.0/8\")", false),
        ],
    );
    table(
        "[.b]",
        data,
        &[
            ("field_equal(true)", true),
            ("true", true),
            ("field_not_equal(false)", true),
            ("field_not_equal(true)", false),
        ],
    );
}

#[test]
fn on_a_list() {
    table(
        "[.l]",
        json!({"l": ["ada", "grace", 7]}),
        &[
            ("contains(\"ada\")", true),
            ("contains(\"ad\")", false),
            ("not_contains(\"ada\")", false),
            ("not_contains(\"ad\")", true),
            ("starts_with(\"gr\")", true),
            ("not_starts_with(\"gr\")", false),
            ("ends_with(\"da\")", true),
            ("in([\"x\", \"grace\"])", true),
            ("not_in([\"x\", \"grace\"])", false),
            ("not_in([\"x\"])", true),
            ("gt(6)", true),
            ("gt(7)", false),
            ("lt(8)", true),
            ("count(3)", true),
            ("count(2)", false),
            ("field_exists", true),
        ],
    );
}

#[test]
fn on_nothing() {
    for (subject, data) in [
        ("[.t]", json!({})),
        ("[.t]", json!({"t": null})),
        ("[.t]", json!({"t": ""})),
        ("[*t]", json!({})),
        ("[*t]", json!({"t": [null]})),
        ("to_upper([.t])", json!({})),
    ] {
        table(
            subject,
            data,
            &[
                ("field_exists", false),
                ("field_not_exists", true),
                ("contains(\"a\")", false),
                ("not_contains(\"a\")", true),
                ("in([\"a\"])", false),
                ("not_in([\"a\"])", true),
                ("field_equal(\"a\")", false),
                ("field_not_equal(\"a\")", true),
                ("gt(1)", false),
                ("lt(1)", false),
                ("count(0)", false),
                ("count(1)", false),
                ("in_net(\"0.0.0.0/0\")", false),
                ("not_in_net(\"0.0.0.0/0\")", true),
                ("sum([1])", false),
            ],
        );
    }
}

#[test]
fn addresses() {
    table(
        "[.ip]",
        json!({"ip": "10.0.200.7"}),
        &[
            ("in_net(\"10.0.0.0/16\")", true),
            ("in_net(\"10.0.2.7/16\")", true),
            ("in_net(\"192.168.0.0/16,10.0.0.0/8\")", true),
            ("in_net(\"10.0.200.7\")", true),
            ("in_net(\"fd00::/8\")", false),
            ("in_net(\"10.1.0.0/16\")", false),
            ("not_in_net(\"10.1.0.0/16\")", true),
            ("in_net(\"nonsense\")", false),
        ],
    );
    table(
        "[.ip]",
        json!({"ip": ["fd00::1", "::ffff:10.0.0.1", "x"]}),
        &[
            ("in_net(\"fd00::/8\")", true),
            ("in_net(\"10.0.0.0/8\")", true),
            ("not_in_net(\"10.0.0.0/8\")", false),
            ("in_net(\"192.168.0.0/16\")", false),
        ],
    );
    table(
        "[.net]",
        json!({"net": "10.0.4.0/24"}),
        &[
            ("in_net(\"10.0.0.0/16\")", true),
            ("in_net(\"10.0.4.0/25\")", false),
        ],
    );
}

#[test]
fn the_first_case_that_holds_wins() {
    let data = json!({"t": "abc"});
    let text = crate::support::fields(
        "switch [.t] case contains(\"x\") then form.v set_value 1 case contains(\"a\") then form.v set_value 2 \
         case contains(\"b\") then form.v set_value 3",
    );
    let program = crate::support::program(&text);
    let evaluation = crate::support::evaluate(&program, &crate::support::user(data));
    assert_eq!(evaluation.value("v"), Some(&json!(2)));
    assert_eq!(evaluation.case(), Some(1));
}
