//! What was decided where the language's sources are silent or contradict themselves: a test for each point of
//! `docs/dynamic-values.md`, named for it.

use serde_json::{Value, json};
use tipstaff_dynamic::{Circumstances, Statement};

use crate::support::{
    Counting, NOW, asset, circumstances, fields, holds, outcome, program, typed, user, value,
};

const TEXT: &str = r#"{"type": "string"}"#;

fn text() -> Value {
    serde_json::from_str(TEXT).unwrap()
}

fn gives(expression: &str, data: Value, wanted: Value) {
    assert_eq!(value(expression, data), Ok(wanted), "{expression}");
}

fn fails(expression: &str, data: Value) {
    let given = value(expression, data);
    assert!(given.is_err(), "{expression}: {given:?}");
}

fn of_two(expression: &str, one: Value, other: Value) -> Result<Value, String> {
    let text = format!("user all then form.v set_value {}", fields(expression));
    let entities =
        json!([{"adapter": "x_adapter", "data": one}, {"adapter": "x_adapter", "data": other}]);
    outcome(&program(&text), &asset("user", entities))
}

#[test]
fn the_first_entity_is_preferred() {
    let given = of_two("[*t_preferred]", json!({"t": "a"}), json!({"t": "b"}));
    assert_eq!(given, Ok(json!("a")));
}

#[test]
fn a_number_in_a_date_field_is_milliseconds() {
    gives(
        "subtract(now(), [.last_seen])",
        json!({"last_seen": 1_795_075_200_000_i64}),
        json!(1),
    );
    fails(
        "subtract(now(), [.score])",
        json!({"score": 1_795_075_200_000_i64}),
    );
}

#[test]
fn the_form_of_http_is_a_date() {
    gives(
        "subtract(now(), [.t])",
        json!({"t": "Thu, 19 Nov 2026 08:00:00 GMT"}),
        json!(1),
    );
}

#[test]
fn custom_data_counts_in_the_aggregate() {
    let entities = json!([{"adapter": "gui", "data": {"custom_a": 1}}]);
    let text = fields("user all then form.v set_value [*custom_a]");
    assert_eq!(
        outcome(&program(&text), &asset("user", entities.clone())),
        Ok(json!([1]))
    );
    let text = "user all then form.v set_value [user.custom.a]";
    assert_eq!(
        outcome(&program(text), &asset("user", entities)),
        Ok(json!(1))
    );
}

#[test]
fn several_entities_of_an_adapter_are_a_list() {
    let given = of_two("[.t]", json!({"t": "a"}), json!({"t": "b"}));
    assert_eq!(given, Ok(json!(["a", "b"])));
}

#[test]
fn an_aggregated_field_without_a_value_is_an_empty_list() {
    gives("count([*none])", json!({}), json!(0));
    gives("concat(\"n: \", count([*none]))", json!({}), json!("n: 0"));
    fails("to_upper([*none])", json!({}));
}

#[test]
fn only_nulls_are_dropped_from_lists() {
    gives("count([.l])", json!({"l": ["", null, "a"]}), json!(2));
    gives(
        "join([.l], \"-\")",
        json!({"l": ["", null, "a"]}),
        json!("-a"),
    );
}

#[test]
fn with_nulls_kept_a_null_makes_its_alternative_lose() {
    let text = fields(
        "user all then form.v set_value join([.l], \"-\") or \"b\" also form.w set_value \"c\"",
    );
    let program = program(&text);
    let strict = Circumstances {
        ignore_empty: false,
        ..Circumstances::at(NOW.parse().unwrap())
    };
    let evaluation = program.evaluate(&user(json!({"l": ["a", null]})), &strict, &mut ());
    assert_eq!(evaluation.value("v"), Some(&json!("b")));
    assert_eq!(evaluation.value("w"), Some(&json!("c")));
}

#[test]
fn a_wrong_type_in_a_function_makes_its_alternative_lose() {
    let text =
        fields("user all then form.v set_value add([.t], 1) or 5 also form.w set_value \"c\"");
    let program = program(&text);
    let evaluation = program.evaluate(&user(json!({"t": "x"})), &circumstances(), &mut ());
    assert_eq!(evaluation.value("v"), Some(&json!(5)));
    assert_eq!(evaluation.value("w"), Some(&json!("c")));
    assert!(!evaluation.fell_back());
}

#[test]
fn a_missing_field_in_a_function_makes_its_alternative_lose() {
    gives("concat(\"a\", [.none]) or \"b\"", json!({}), json!("b"));
}

#[test]
fn an_empty_literal_is_no_value() {
    gives("\"\" or \"b\"", json!({}), json!("b"));
    fails("\"\"", json!({}));
}

#[test]
fn numbers_and_truth_values_are_no_texts() {
    assert!(typed(text(), "[.v]", json!({"v": 7})).is_err());
    assert!(typed(text(), "[.v]", json!({"v": true})).is_err());
    assert_eq!(
        typed(text(), "[.v] or \"b\"", json!({"v": 7})),
        Ok(json!("b"))
    );
}

#[test]
fn a_list_of_texts_takes_any_list() {
    let list = json!({"type": "array", "items": {"type": "string"}});
    assert_eq!(
        typed(list.clone(), "[.v]", json!({"v": [1, 2]})),
        Ok(json!([1, 2]))
    );
    assert_eq!(typed(list, "[.v]", json!({"v": "a"})), Ok(json!(["a"])));
}

#[test]
fn a_numeric_text_is_no_number() {
    assert!(typed(json!({"type": "integer"}), "[.v]", json!({"v": "7"})).is_err());
}

#[test]
fn seven_point_zero_is_an_integer() {
    assert_eq!(
        typed(json!({"type": "integer"}), "[.v]", json!({"v": 7.0})),
        Ok(json!(7))
    );
    assert_eq!(
        typed(
            json!({"type": "integer"}),
            "divide([.v], 2)",
            json!({"v": 14})
        ),
        Ok(json!(7))
    );
}

#[test]
fn seven_point_zero_is_short_in_a_text() {
    gives("concat([.v], \"\")", json!({"v": 7.0}), json!("7"));
}

#[test]
fn a_difference_of_dates_is_rounded_to_one_decimal() {
    // 26 days, 1 hour and 12 minutes are 26.05 days.
    gives(
        "subtract(now(), [.d])",
        json!({"d": "2026-10-25T06:47:00Z"}),
        json!(26.1),
    );
    gives(
        "subtract(now(), [.d])",
        json!({"d": "2026-10-25T06:49:00Z"}),
        json!(26),
    );
}

#[test]
fn a_date_and_a_number_have_no_difference() {
    fails("subtract(now(), 86400000)", json!({}));
    fails("subtract([.n], now())", json!({"n": 5}));
}

#[test]
fn the_sum_of_nothing_is_zero() {
    gives("sum([*none])", json!({}), json!(0));
}

#[test]
fn a_single_value_counts_as_one() {
    gives("count([.t])", json!({"t": "a"}), json!(1));
}

#[test]
fn a_single_value_is_a_list_of_one_where_a_list_is_wanted() {
    let data = json!({"t": "a", "n": 4});
    gives("concat_array([.t])", data.clone(), json!(["a"]));
    gives("concat_prefix(\"p\", [.t])", data.clone(), json!(["pa"]));
    gives("join([.t], \",\")", data.clone(), json!("a"));
    gives("sum([.n])", data, json!(4));
}

#[test]
fn the_first_member_of_a_list_is_the_text() {
    let data = json!({"l": ["ab,c", "x"]});
    gives("to_upper([.l])", data.clone(), json!("AB,C"));
    gives("substring([.l], 1, 1)", data.clone(), json!("a"));
    gives("split([.l], \",\")", data, json!(["ab", "c"]));
}

#[test]
fn a_number_is_no_text() {
    let data = json!({"n": 7});
    fails("to_upper([.n])", data.clone());
    fails("substring([.n], 1, 1)", data.clone());
    fails("split([.n], \",\")", data);
}

#[test]
fn a_list_has_no_date_format() {
    fails("date_format([.l], \"%Y\")", json!({"l": ["2026-11-20"]}));
    fails("date_format([*l], \"%Y\")", json!({"l": "2026-11-20"}));
}

#[test]
fn numbers_are_converted_in_join_and_concat_prefix() {
    gives("join([.l], \"-\")", json!({"l": [1, 2.5]}), json!("1-2.5"));
    gives(
        "concat_prefix(\"n\", [.l])",
        json!({"l": [1, 2.0]}),
        json!(["n1", "n2"]),
    );
}

#[test]
fn empty_pieces_are_kept() {
    gives("split(\",a,\", \",\")", json!({}), json!(["", "a", ""]));
}

#[test]
fn substring_counts_from_one() {
    fails("substring([.t], 0, 2)", json!({"t": "abc"}));
    gives("substring([.t], 1, 2)", json!({"t": "abc"}), json!("ab"));
}

#[test]
fn upper_case_is_unicodes() {
    gives("to_upper([.t])", json!({"t": "çağla"}), json!("ÇAĞLA"));
}

#[test]
fn title_case_keeps_the_letters_after_the_first() {
    gives(
        "title_case([.t])",
        json!({"t": "aDA mcDonald"}),
        json!("ADA McDonald"),
    );
}

#[test]
fn title_case_parts_words_at_spaces() {
    gives(
        "title_case([.t])",
        json!({"t": "o'neil anne-marie 3com"}),
        json!("O'neil Anne-marie 3Com"),
    );
}

#[test]
fn to_int_reads_decimals_and_cuts_them_off() {
    gives("to_int(\"7.9\")", json!({}), json!(7));
    gives("to_int([.n])", json!({"n": -7.9}), json!(-7));
}

#[test]
fn regex_extract_gives_the_whole_occurrence() {
    gives(
        "regex_extract([.t], \"a(b)\")",
        json!({"t": "xab"}),
        json!("ab"),
    );
}

#[test]
fn a_dollar_in_a_replacement_is_a_dollar() {
    gives(
        "regex_replace([.t], \"(b)\", \"$1$\")",
        json!({"t": "abc"}),
        json!("a$1$c"),
    );
}

#[test]
fn look_around_and_back_references_are_not_supported() {
    for pattern in ["(?=a)", "(?<!a)b", r"(a)\1"] {
        let given = value(
            &format!("regex_extract([.t], \"{pattern}\")"),
            json!({"t": "aab"}),
        );
        assert!(
            given
                .as_ref()
                .is_err_and(|why| why.contains("regex not supported")),
            "{given:?}"
        );
    }
}

#[test]
fn the_time_zone_is_utc() {
    gives("date_format(now(), \"%Z\")", json!({}), json!("UTC"));
}

#[test]
fn filter_passes_over_members_that_are_no_numbers() {
    gives(
        "filter([.l], gt, 2)",
        json!({"l": [1, "x", 3, null, "7"]}),
        json!([3]),
    );
}

#[test]
fn objects_without_the_key_match_nothing() {
    let data = json!({"l": [{"k": "a"}, {"x": "b"}, {"k": null}]});
    fails(
        "filter_by_key_with_operator([.l], \"k\", not_contains, \"a\")",
        data.clone(),
    );
    fails(
        "filter_by_key_with_operator([.l], \"k\", not_equals, \"a\")",
        data,
    );
}

#[test]
fn by_key_compares_exactly() {
    fails(
        "by_key([.l], \"k\", \"5\", \"v\")",
        json!({"l": [{"k": 5, "v": "x"}]}),
    );
    gives(
        "by_key([.l], \"k\", 5, \"v\")",
        json!({"l": [{"k": 5, "v": "x"}]}),
        json!("x"),
    );
}

#[test]
fn by_key_works_on_aggregated_fields() {
    gives(
        "by_key([*l], \"k\", \"a\", \"v\")",
        json!({"l": [{"k": "a", "v": "x"}]}),
        json!("x"),
    );
}

#[test]
fn negative_operators_hold_for_a_missing_subject() {
    for condition in [
        "not_contains(\"a\")",
        "not_in([\"a\"])",
        "field_not_equal(\"a\")",
        "not_in_net(\"::/0\")",
    ] {
        assert!(holds("[.none]", condition, json!({})), "{condition}");
    }
}

#[test]
fn a_function_that_fails_makes_an_empty_subject() {
    assert!(holds("to_upper([.n])", "field_not_exists", json!({"n": 7})));
    assert!(!holds("to_upper([.n])", "field_exists", json!({"n": 7})));
}

#[test]
fn field_equal_holds_if_any_member_is_equal() {
    assert!(holds(
        "[.l]",
        "field_equal(\"b\")",
        json!({"l": ["a", "b"]})
    ));
    assert!(!holds(
        "[.l]",
        "field_not_equal(\"b\")",
        json!({"l": ["a", "b"]})
    ));
}

#[test]
fn a_number_given_as_text_is_compared_as_a_number() {
    assert!(holds("[.n]", "field_equal(\"8.30\")", json!({"n": 8.3})));
}

#[test]
fn true_is_not_the_text_true() {
    assert!(!holds("[.t]", "field_equal(true)", json!({"t": "true"})));
    assert!(!holds("[.b]", "field_equal(\"true\")", json!({"b": true})));
}

#[test]
fn a_list_with_an_empty_text_exists() {
    assert!(holds("[.l]", "field_exists", json!({"l": [""]})));
    assert!(!holds("[.l]", "field_exists", json!({"l": []})));
}

#[test]
fn a_text_is_never_greater_than_a_number() {
    assert!(!holds("[.t]", "gt(5)", json!({"t": "7"})));
}

#[test]
fn dates_are_compared() {
    let data = json!({"a": "2026-11-20", "b": "2026-11-19T23:00:00Z"});
    assert!(holds("[.a]", "gt([.b])", data.clone()));
    assert!(holds("[.a]", "lt(now())", data.clone()));
    assert!(holds("[.a]", "gt(\"2026-01-01\")", data));
}

#[test]
fn a_missing_subject_has_no_count() {
    assert!(!holds("[.none]", "count(0)", json!({})));
    assert!(!holds("[*none]", "count(0)", json!({})));
}

#[test]
fn spaces_between_networks_are_ignored() {
    assert!(holds(
        "[.t]",
        "in_net(\"10.0.0.0/8 , fd00::/8\")",
        json!({"t": "fd00::1"})
    ));
}

#[test]
fn sum_and_average_compare_the_subject() {
    assert!(holds("[.n]", "sum([.l])", json!({"n": 6, "l": [1, 2, 3]})));
    assert!(holds(
        "[.n]",
        "average([.l])",
        json!({"n": 2, "l": [1, 2, 3]})
    ));
    assert!(!holds(
        "[.n]",
        "average([.l])",
        json!({"n": 3, "l": [1, 2, 3]})
    ));
}

#[test]
fn a_field_is_set_once() {
    let text = "user all then form.a set_value 1 also form.b set_value 2 also form.a set_value 3";
    let error = Statement::parse(text).unwrap().check(None).unwrap_err();
    assert!(
        error.to_string().contains("`form.a` is set twice"),
        "{error}"
    );
    assert_eq!(error.list()[0].place.column, 63);
}

#[test]
fn relations_fall_back() {
    fails(
        "[relation.user(\"Owner\").specific_data.data.mail]",
        json!({}),
    );
    gives(
        "[relation.user(\"Owner\").specific_data.data.mail] or \"b\"",
        json!({}),
        json!("b"),
    );
}

#[test]
fn variables_of_workflows_are_refused() {
    let error = Statement::parse("user all then form.v set_value {{local.name}}").unwrap_err();
    assert!(error.message.contains("workflows"), "{error}");
}

#[test]
fn a_field_of_another_kind_of_asset_falls_back() {
    let text = "user all then form.v set_value [device.specific_data.data.hostname] or \"b\"";
    assert_eq!(
        outcome(&program(text), &user(json!({"hostname": "h"}))),
        Ok(json!("b"))
    );
    let text = "device all then form.v set_value \"b\"";
    let why = outcome(&program(text), &user(json!({}))).unwrap_err();
    assert!(
        why.contains("is a user") && why.contains("about a device"),
        "{why}"
    );
}

#[test]
fn contains_differs_between_operator_and_filter() {
    let data = json!({"l": ["ada@example.com"]});
    assert!(!holds("[.l]", "contains(\"@example\")", data.clone()));
    gives(
        "filter([.l], contains, \"@example\")",
        data,
        json!(["ada@example.com"]),
    );
}

#[test]
fn one_asset_that_fails_changes_nothing_for_another() {
    let program = program(&fields("user all then form.v set_value add(max([.l]), 1)"));
    assert!(outcome(&program, &user(json!({"l": ["x"]}))).is_err());
    assert_eq!(outcome(&program, &user(json!({"l": [1, 4]}))), Ok(json!(5)));
}

#[test]
fn no_case_is_a_fall_back_and_a_case_that_is_not_taken_is_none() {
    let text =
        fields("switch [.t] case \"a\" then form.v set_value 1 case \"b\" then form.w set_value 2");
    let program = program(&text);
    let of = |data: Value| program.evaluate(&user(data), &circumstances(), &mut Counting(0));
    let first = of(json!({"t": "a"}));
    assert!(!first.fell_back() && first.fields().count() == 1);
    let none = of(json!({"t": "c"}));
    assert!(none.fell_back() && none.fields().count() == 2);
    assert!(none.troubles(&program)[0].message.contains("no case"));
}

#[test]
fn duplicates_of_two_adapters_stay() {
    let given = of_two("[*t]", json!({"t": "a"}), json!({"t": "a"}));
    assert_eq!(given, Ok(json!(["a", "a"])));
}

#[test]
fn entity_stands_for_the_kind_of_the_statement() {
    let text = "user all then form.v set_value [entity.adapters_data.x_adapter.t]";
    assert_eq!(
        outcome(&program(text), &user(json!({"t": "a"}))),
        Ok(json!("a"))
    );
}

#[test]
fn dates_in_a_text_are_rfc_3339() {
    gives(
        "concat(\"at \", now())",
        json!({}),
        json!("at 2026-11-20T08:00:00.000Z"),
    );
}
