#![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

use crate::Statement;

/// The place, the message and the hint of what is wrong.
fn wrong(text: &str) -> (usize, usize, String, String) {
    let fault = Statement::parse(text).unwrap_err();
    let hint = fault.hint.clone().unwrap_or_default();
    (fault.place.line, fault.place.column, fault.message, hint)
}

fn formatted(text: &str) -> String {
    Statement::parse(text).unwrap().format()
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_was_meant() {
    for (text, line, column, message, hint) in [
        (
            "",
            1,
            1,
            "expected a statement, and found the end",
            "user all then",
        ),
        (
            "Switch user.labels case field_exists then form.a set_value 1",
            1,
            1,
            "`Switch` is no keyword",
            "`switch`",
        ),
        (
            "user al then form.a set_value 1",
            1,
            6,
            "expected `all`, and found `al`",
            "`all`",
        ),
        (
            "user ALL then form.a set_value 1",
            1,
            6,
            "expected `all`",
            "lower case",
        ),
        (
            "user all form.a set_value 1",
            1,
            10,
            "expected `then`, and found `form`",
            "",
        ),
        (
            "user all then a set_value 1",
            1,
            15,
            "expected `form.NAME`",
            "form.NAME",
        ),
        ("user all then form set_value 1", 1, 20, "expected `.`", ""),
        (
            "user all then form.a set_vlaue 1",
            1,
            22,
            "expected `set_value`",
            "did you mean `set_value`",
        ),
        (
            "user all then form.a set_value",
            1,
            31,
            "expected a value, and found the end",
            "",
        ),
        (
            "user all then form.a set_value b",
            1,
            32,
            "`b` is no value",
            "\"b\"",
        ),
        (
            "user all then form.a set_value treu",
            1,
            32,
            "`treu` is no value",
            "`true`",
        ),
        (
            "user all then form.a set_value user.labels",
            1,
            32,
            "is no value",
            "[user.labels]",
        ),
        (
            "user all then form.a set_value [mail]",
            1,
            32,
            "`mail` is no field",
            "user.specific_data",
        ),
        (
            "user all then form.a set_value [specific_data.data.mail]",
            1,
            32,
            "not with a kind of asset",
            "[user.specific_data.data.mail]",
        ),
        (
            "user all then form.a set_value []",
            1,
            32,
            "nothing in these brackets",
            "",
        ),
        (
            "user all then form.a set_value [\"a\", [user.labels]]",
            1,
            38,
            "expected a text",
            "array(…)",
        ),
        (
            "user all then form.a set_value [\"a\" \"b\"]",
            1,
            37,
            "expected `,` or `]`",
            "",
        ),
        (
            "user all then form.a set_value [user.labels",
            1,
            32,
            "has no `]`",
            "",
        ),
        (
            "user all then form.a set_value concat(\"a\"",
            1,
            38,
            "has no `)`",
            "",
        ),
        (
            "user all then form.a set_value concat(\"a\" \"b\")",
            1,
            43,
            "expected `,` or `)`",
            "",
        ),
        (
            "user all then form.a set_value Concat(\"a\")",
            1,
            32,
            "no function `Concat`",
            "`concat`",
        ),
        (
            "user all then form.a set_value conct(\"a\")",
            1,
            32,
            "no function `conct`",
            "`concat`",
        ),
        (
            "user all then form.a set_value build_json(\"a\")",
            1,
            32,
            "no function `build_json`",
            "workflows",
        ),
        (
            "user all then form.a set_value contains(\"a\")",
            1,
            32,
            "no function `contains`",
            "operator",
        ),
        (
            "user all then form.a set_value now(1)",
            1,
            32,
            "`now` was given 1 value, and takes nothing",
            "now()",
        ),
        (
            "user all then form.a set_value split(\"a\")",
            1,
            32,
            "takes 2 values",
            "split(text, between)",
        ),
        (
            "user all then form.a set_value concat()",
            1,
            32,
            "given nothing, and takes 1 or more",
            "",
        ),
        (
            "user all then form.a set_value filter([user.labels], contains)",
            1,
            32,
            "takes 3, and 2 more",
            "",
        ),
        (
            "user all then form.a set_value to_upper(mail)",
            1,
            41,
            "`mail` is no value",
            "\"mail\"",
        ),
        (
            "user all then form.a set_value {{name}}",
            1,
            32,
            "only inside workflows",
            "",
        ),
        (
            "user all then form.a set_value 1.",
            1,
            34,
            "expected a number",
            "",
        ),
        (
            "user all then form.a set_value 1x",
            1,
            32,
            "expected a number",
            "double quotes",
        ),
        (
            "user all then form.a set_value - 1",
            1,
            34,
            "digits right after",
            "",
        ),
        (
            "user all then form.a set_value \"a",
            1,
            32,
            "has no end",
            "",
        ),
        (
            "user all then form.a set_value 1 form.b set_value 2",
            1,
            34,
            "expected `also`, `or` or the end",
            "`also`",
        ),
        (
            "user all then form.a set_value 1 case in([1]) then",
            1,
            34,
            "expected `also`",
            "switch",
        ),
        (
            "user all then form.a set_value 1 alos form.b",
            1,
            34,
            "expected `also`",
            "did you mean `also`",
        ),
        (
            "switch case field_exists then form.a set_value 1",
            1,
            8,
            "",
            "",
        ),
        (
            "switch \"a\" case field_exists then form.a set_value 1",
            1,
            8,
            "takes a field or a function",
            "",
        ),
        (
            "switch user.labels field_exists then form.a set_value 1",
            1,
            20,
            "expected `case`",
            "",
        ),
        (
            "switch user.labels case has(\"a\") then form.a set_value 1",
            1,
            25,
            "no operator `has`",
            "contains",
        ),
        (
            "switch user.labels case Contains(\"a\") then form.a set_value 1",
            1,
            25,
            "no operator `Contains`",
            "lower case",
        ),
        (
            "switch user.labels case contians(\"a\") then form.a set_value 1",
            1,
            25,
            "no operator",
            "`contains`",
        ),
        (
            "switch user.labels case contains(\"a\", \"b\") then form.a set_value 1",
            1,
            25,
            "takes one value, and was given 2",
            "",
        ),
        (
            "switch user.labels case contains() then form.a set_value 1",
            1,
            25,
            "was given 0",
            "",
        ),
        (
            "switch user.labels case field_exists(1) then form.a set_value 1",
            1,
            25,
            "takes nothing",
            "",
        ),
        (
            "switch user.labels case in() then form.a set_value 1",
            1,
            25,
            "`in`",
            "",
        ),
        (
            "user all\nthen form.a\n  set_value ’a’",
            3,
            13,
            "does not begin a text",
            "double quotes",
        ),
    ] {
        let found = wrong(text);
        assert_eq!((found.0, found.1), (line, column), "{text}: {found:?}");
        assert!(found.2.contains(message), "{text}: {found:?}");
        assert!(found.3.contains(hint), "{text}: {found:?}");
    }
}

#[test]
fn lenient_forms_have_one_meaning() {
    let in_list = formatted(r#"switch user.labels case in (["a", "b"]) then form.a set_value 1"#);
    for text in [
        r#"switch [user.labels] case in("a", "b") then form.a set_value 1"#,
        "switch [user.labels]case\nin( [\"a\",\"b\"] )then form . a set_value 1",
    ] {
        assert_eq!(formatted(text), in_list);
    }
    let plain = formatted(r#"switch user.labels case "a" then form.a set_value 1"#);
    let named = formatted(r#"switch user.labels case field_equal ("a") then form.a set_value 1"#);
    assert_eq!(plain, named);
    let bare = formatted(r#"switch user.labels case starts_with "a" then form.a set_value 1"#);
    assert!(bare.contains(r#"case starts_with("a") then"#), "{bare}");
    assert_eq!(
        formatted("switch user.labels case field_exists() then form.a set_value 1"),
        formatted("switch user.labels case field_exists then form.a set_value 1")
    );
}

#[test]
fn lists_and_fields_are_told_apart_by_what_begins_them() {
    for (value, wanted) in [
        ("[1, 5.5, -3]", "[1, 5.5, -3]"),
        ("[true]", "[true]"),
        ("[true, \"a\"]", "[true, \"a\"]"),
        ("[true.labels]", "[true.labels]"),
        ("[ user . labels ]", "[user.labels]"),
        (
            "[relation.user(\"Last used by\").labels]",
            "[relation.user(\"Last used by\").labels]",
        ),
        ("90.0", "90"),
        ("\"\\d+\\.\\\\n\"", "\"\\d+\\.\\\\n\""),
        ("\"a\nb\"", "\"a\\nb\""),
    ] {
        let text = formatted(&format!("user all then form.a set_value {value}"));
        assert_eq!(
            text,
            format!("user all then\n  form.a set_value {wanted}\n")
        );
    }
}

#[test]
fn statements_are_laid_out_in_one_way() {
    let text = r#"switch user.labels case contains("vip") then form.a set_value "x" or [user.labels] also form.b
        set_value 2 case field_not_exists then form.a set_value to_upper("n")"#;
    let wanted = "switch [user.labels]\n  case contains(\"vip\") then\n    form.a set_value \"x\" or [user.labels]\n    \
                  also form.b set_value 2\n  case field_not_exists then\n    form.a set_value to_upper(\"n\")\n";
    assert_eq!(formatted(text), wanted);
    let long = format!(
        "user all then form.a set_value {}",
        ["[user.specific_data.data.mail_preferred]"; 3].join(" or ")
    );
    let lines = formatted(&long);
    assert_eq!(lines.lines().count(), 4, "{lines}");
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| {
        let (open, close) = ("to_upper(".repeat(depth), ")".repeat(depth));
        format!("user all then form.a set_value {open}\"a\"{close}")
    };
    assert!(Statement::parse(&nested(crate::limits::DEPTH)).is_ok());
    let deeper = wrong(&nested(crate::limits::DEPTH + 1));
    assert!(deeper.2.contains("deeper"), "{deeper:?}");
    assert!(wrong(&nested(20_000)).2.contains("deeper"));
    let long = format!(
        "user all then form.a set_value \"{}\"",
        "a".repeat(crate::limits::STATEMENT_BYTES)
    );
    assert!(wrong(&long).2.contains("bytes"));
    let digits = format!("user all then form.a set_value {}", "9".repeat(400));
    assert!(wrong(&digits).2.contains("too large"));
}
