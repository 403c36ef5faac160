//! Every function, with the edge cases of its row in the documentation.

use serde_json::{Value, json};

use crate::support::{Counting, circumstances, fields, program, user, value};

/// Expressions over one asset, and what each gives. `null` stands for no value.
fn all_give(data: Value, table: &[(&str, Value)]) {
    for (expression, wanted) in table {
        let given = value(expression, data.clone());
        let shown = given.clone().unwrap_or_default();
        assert_eq!(shown, *wanted, "{expression}: {given:?}");
    }
}

#[test]
fn arithmetic() {
    let data =
        json!({"n": 7, "f": 0.4, "t": "7", "l": [1, 2], "d": "2026-11-19T08:00:00Z", "z": 0});
    all_give(
        data,
        &[
            ("add([.n])", json!(7)),
            ("add([.n], [.f], 1)", json!(8.4)),
            ("add(now(), 2592000000)", json!(1_797_753_600_000_i64)),
            ("add([.l])", json!(null)),
            ("add([.t], 1)", json!(null)),
            ("add([.none], 1)", json!(null)),
            ("subtract([.n], 2)", json!(5)),
            ("subtract(now(), [.d])", json!(1)),
            ("subtract([.d], now())", json!(-1)),
            ("subtract(now(), max([.l]))", json!(null)),
            ("multiply([.n], 2, 0.5)", json!(7)),
            ("multiply(0.4, now())", json!(718_064_640_000_i64)),
            ("divide([.n], 2)", json!(3.5)),
            ("divide(12, 2, 3)", json!(2)),
            ("divide([.n], [.z])", json!(null)),
            (
                "multiply(9223372036854775807, 2)",
                json!(18_446_744_073_709_551_614_f64),
            ),
            ("multiply_array_values([.l], 4)", json!(8)),
            ("multiply_array_values(\"2\", \"2.5\")", json!(5)),
            ("multiply_array_values([.t])", json!(7)),
            ("multiply_array_values([*none])", json!(null)),
        ],
    );
}

#[test]
fn numbers_of_lists() {
    let data = json!({
        "l": [3, 1.5, null, 2], "e": [], "t": ["a"], "n": 4,
        "d": ["2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z"], "mix": [1, "2026-11-19"]});
    all_give(
        data,
        &[
            ("sum([.l])", json!(6.5)),
            ("sum([.n])", json!(4)),
            ("sum([.t])", json!(null)),
            ("average([.l])", json!(2.166_666_666_666_666_5)),
            ("average([.e])", json!(null)),
            ("max([.l])", json!(3)),
            ("min([.l], 1)", json!(1)),
            ("max(1, [.n], 3)", json!(4)),
            ("max([.d])", json!("2026-11-20T08:00:00.000Z")),
            ("min([.d])", json!("2026-11-19T08:00:00.000Z")),
            ("max([.mix])", json!(null)),
            ("max([.e])", json!(null)),
            ("count([.l])", json!(3)),
            ("count([.t])", json!(1)),
            ("unique(count([.l]))", json!(3)),
            ("count(unique([.l]))", json!(3)),
            ("to_int([.l])", json!([3, 1, 2])),
            ("to_int(7.0)", json!(7)),
            ("to_int(\"12\")", json!(12)),
            ("to_int(\"x\")", json!(null)),
            ("to_int(\"inf\")", json!(null)),
        ],
    );
}

#[test]
fn lists() {
    let data = json!({"l": ["a", "b", "a", 1, 1.0], "t": "x", "o": [{"k": 1}, {"k": 1}], "e": []});
    all_give(
        data,
        &[
            ("unique([.l])", json!(["a", "b", 1])),
            ("unique([.o])", json!([{"k": 1}])),
            ("unique([.t])", json!("x")),
            (
                "array([.t], \"y\", [.l])",
                json!(["x", "y", "a", "b", "a", 1, 1]),
            ),
            ("array([.none], \"y\")", json!(null)),
            (
                "concat_array([.l], [\"c\"], [.t])",
                json!(["a", "b", "a", 1, 1, "c", "x"]),
            ),
            (
                "concat_prefix(\"p-\", [.l])",
                json!(["p-a", "p-b", "p-a", "p-1", "p-1"]),
            ),
            ("concat_prefix(\"p-\", [.o])", json!(null)),
            ("concat_prefix(\"p-\", [.e])", json!(null)),
            ("filter([.l], contains, \"a\")", json!(["a", "a"])),
            ("filter([.l], not_contains, \"a\")", json!(["b"])),
            ("filter([.l], gt, 0)", json!([1, 1])),
            ("filter([.l], lt, 1)", json!(null)),
            ("filter([.l], regex, \"^[ab]$\")", json!(["a", "b", "a"])),
            ("filter([.l], \"regex\", \"b\")", json!(["b"])),
            (
                "filter([.l], contains, \"a\", not_contains, \"a\")",
                json!(null),
            ),
            ("filter([.t], contains, \"x\")", json!(["x"])),
        ],
    );
}

#[test]
fn texts() {
    let data = json!({"t": "Ada", "n": 7.0, "b": true, "l": ["x", "y"], "u": "straße É", "csv": "a,,b", "e": ""});
    all_give(
        data,
        &[
            ("concat([.t], \" \", [.n], [.b])", json!("Ada 7true")),
            ("concat([.l], [.t])", json!("xAda")),
            ("concat([.none], \"a\")", json!(null)),
            ("concat([.e], \"a\")", json!("a")),
            ("concat(0.5, -3)", json!("0.5-3")),
            ("join([.l], \", \")", json!("x, y")),
            ("join([\"a\", \"b\"], \"\")", json!("ab")),
            ("join([.t], \", \")", json!("Ada")),
            ("split([.csv], \",\")", json!(["a", "", "b"])),
            ("split(\"a b\", \" \")", json!(["a", "b"])),
            ("split([.csv], \"\")", json!(null)),
            ("substring([.t], 1, 1)", json!("A")),
            ("substring([.t], 2, 99)", json!("da")),
            ("substring([.u], 5, 2)", json!("ße")),
            ("substring([.t], 9, 1)", json!(null)),
            ("substring([.t], 1, -1)", json!(null)),
            ("to_lower([.u])", json!("straße é")),
            ("to_upper([.u])", json!("STRASSE É")),
            ("to_upper([.l])", json!("X")),
            ("title_case(\"ada lovelace\")", json!("Ada Lovelace")),
            ("starts_with([.t], \"A\")", json!(true)),
            ("regex_extract([.csv], \"[a-z]\", 1)", json!("b")),
            ("regex_extract([.csv], \"[a-z]\")", json!("a")),
            ("regex_extract([.csv], \"[0-9]\")", json!(null)),
            ("regex_extract([.csv], \"[a-z]\", 2)", json!(null)),
            ("regex_extract([.csv], \"[a-z]\", -1)", json!(null)),
            ("regex_extract([.t], [.t])", json!("Ada")),
            ("regex_replace([.csv], \",\", \"-\")", json!("a--b")),
            ("regex_replace([.t], \"a\", to_upper(\"b\"))", json!("AdB")),
        ],
    );
}

#[test]
fn dates() {
    let data = json!({
        "d": "2026-11-20T08:00:00Z", "ms": 1_795_161_600_000_i64, "l": ["2026-11-20"], "t": "soon", "rfc": "Fri, 20 Nov 2026 08:00:00 GMT"});
    all_give(
        data,
        &[
            ("now()", json!("2026-11-20T08:00:00.000Z")),
            (
                "date_format([.d], \"%Y-%m-%d %H:%M:%S.%L %j %w %a %A\")",
                json!("2026-11-20 08:00:00.000 324 5 Fri Friday"),
            ),
            ("date_format(now(), \"%Y\")", json!("2026")),
            ("date_format([.rfc], \"%d\")", json!("20")),
            ("date_format([.ms], \"%d\")", json!("20")),
            ("date_format([.t], \"%d\")", json!(null)),
            ("date_format(now(), \"%Q\")", json!(null)),
            ("to_date([.ms])", json!("2026-11-20T08:00:00.000Z")),
            (
                "to_date(add([.d], 86400000))",
                json!("2026-11-21T08:00:00.000Z"),
            ),
            ("to_date(9000000000000000)", json!(null)),
            ("add([.rfc], 0)", json!(1_795_161_600_000_i64)),
        ],
    );
}

#[test]
fn objects() {
    let data = json!({
        "tags": [{"k": "env", "v": "prod"}, {"k": "owner", "v": "ada", "n": 5}, {"k": ["owner"], "v": "no"},
            {"k": "owner", "v": "grace", "in": {"deep": 9}}, "odd"],
        "one": {"k": "owner", "v": "single"}, "texts": ["a"]});
    all_give(
        data,
        &[
            ("by_key([.tags], \"k\", \"owner\", \"v\")", json!("ada")),
            ("by_key([.tags], k, \"owner\", v)", json!("ada")),
            ("by_key([.tags], tags.k, \"owner\", tags.v)", json!("ada")),
            ("by_key([.one], \"k\", \"owner\", \"v\")", json!("single")),
            ("by_key([.tags], \"k\", \"none\", \"v\")", json!(null)),
            ("by_key([.tags], \"k\", \"env\", \"n\")", json!(null)),
            ("by_key([.tags], \"n\", 5, \"v\")", json!("ada")),
            ("by_key([.texts], \"k\", \"a\", \"v\")", json!(null)),
            (
                "filter_by_key([.tags], \"k\", \"owner\", \"v\")",
                json!(["ada", "grace"]),
            ),
            (
                "filter_by_key([.tags], \"k\", \"owner\", in.deep)",
                json!([9]),
            ),
            (
                "filter_by_key_with_operator([.tags], \"n\", greater_than, 4)",
                json!([{"k": "owner", "v": "ada", "n": 5}]),
            ),
            (
                "filter_by_key_with_operator([.tags], \"n\", lower_than, 4)",
                json!(null),
            ),
            (
                "filter_value_by_key_with_operator([.tags], \"v\", regex, \"^gr\", \"k\")",
                json!(["owner"]),
            ),
            (
                "filter_value_by_key_with_operator([.tags], \"v\", equals, \"no\", \"v\")",
                json!(["no"]),
            ),
            (
                "filter_value_by_key_with_operator([.tags], \"v\", not_equals, \"no\", \"v\")",
                json!(["prod", "ada", "grace"]),
            ),
            (
                "filter_value_by_key_with_operator([.tags], \"v\", contains, \"ra\", \"v\")",
                json!(["grace"]),
            ),
            (
                "filter_value_by_key_with_operator([.tags], \"v\", not_contains, \"a\", \"v\")",
                json!(["prod", "no"]),
            ),
            (
                "to_table([.one], [(header: \"<K>\", field: \"k\")])",
                json!(
                    "<table><thead><tr><th>&lt;K&gt;</th></tr></thead><tbody><tr><td>owner</td></tr></tbody></table>"
                ),
            ),
        ],
    );
}

#[test]
fn generated_texts_are_of_their_kind_and_secret() {
    for (mode, length, allowed) in [
        ("generate_string()", 16, "a"),
        ("generate_string(40, hex)", 40, "0123456789abcdef"),
        ("generate_string(40, numbers)", 40, "0123456789"),
        (
            "generate_string(60, letters)",
            60,
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ),
    ] {
        let text = value(mode, json!({})).unwrap();
        let text = text.as_str().unwrap();
        assert_eq!(text.chars().count(), length);
        assert!(
            allowed == "a" || text.chars().all(|c| allowed.contains(c)),
            "{mode}: {text}"
        );
    }
    let text = fields("user all then form.v set_value concat(\"x\", generate_string())");
    let program = program(&text);
    assert!(program.makes_secrets());
    let (evaluation, nodes) = program.explain(&user(json!({})), &circumstances(), &mut Counting(7));
    let secret = evaluation.value("v").unwrap().as_str().unwrap();
    let field = evaluation.fields().next().unwrap().1;
    assert!(field.is_secret() && secret.len() == 17);
    let shown = format!("{evaluation:?} {nodes:?}");
    assert!(!shown.contains(secret.get(1..).unwrap()), "{shown}");
    let none = program.evaluate(&user(json!({})), &circumstances(), &mut ());
    assert!(none.fell_back() && none.troubles(&program)[0].message.contains("randomness"));
}
