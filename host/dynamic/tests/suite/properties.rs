//! What holds for every statement and every asset: formatting changes nothing, and nothing panics.

use proptest::prelude::*;
use serde_json::{Value, json};
use tipstaff_dynamic::{Function, Operator, Statement};

use crate::support::{Counting, circumstances, evaluate, user};

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,8}".prop_filter("keywords are no names", |name| {
        ![
            "relation", "true", "false", "or", "also", "case", "then", "switch", "all", "form",
        ]
        .contains(&name.as_str())
    })
}

fn quoted() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9@. \\-äß]{0,12}",
        // Everything that could be taken for an escape.
        "[\\\\n\"a\n]{0,8}",
    ]
    .prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => quoted(),
        2 => any::<i32>().prop_map(|number| number.to_string()),
        1 => (-1000_i32..1000, 0_u32..1000).prop_map(|(whole, part)| format!("{whole}.{part}")),
        1 => any::<bool>().prop_map(|value| value.to_string()),
    ]
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        name().prop_map(|name| format!("[user.specific_data.data.{name}]")),
        name().prop_map(|name| format!("[user.specific_data.data.{name}_preferred]")),
        "[tln]".prop_map(|name| format!("[user.adapters_data.x_adapter.{name}]")),
        Just("[user.labels]".to_owned()),
        Just("[relation.user(\"a \\\"b\\\"\").labels]".to_owned()),
    ]
}

/// A value. Arguments are of any kind, so most of them fail when they are evaluated, and each in its own way.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        scalar(),
        field(),
        prop::collection::vec(scalar(), 1..4)
            .prop_map(|members| format!("[{}]", members.join(" , "))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        (
            prop::sample::select(Function::ALL),
            prop::collection::vec(inner, 5),
        )
            .prop_map(|(function, arguments)| {
                let argument = |at: usize| arguments[at].as_str();
                match function.name() {
                    "now" | "generate_string" => format!("{}()", function.name()),
                    "filter" => format!(
                        "filter({}, regex, \"[a-z]+\", contains, {})",
                        argument(0),
                        argument(1)
                    ),
                    "by_key" | "filter_by_key" => format!(
                        "{}({}, k, {}, a.b)",
                        function.name(),
                        argument(0),
                        argument(1)
                    ),
                    "filter_by_key_with_operator" => format!(
                        "filter_by_key_with_operator({}, \"k\", equals, {})",
                        argument(0),
                        argument(1)
                    ),
                    "filter_value_by_key_with_operator" => {
                        format!(
                            "filter_value_by_key_with_operator({}, k, lower_than, {}, k)",
                            argument(0),
                            argument(1)
                        )
                    }
                    "to_table" => {
                        format!("to_table({}, [(header:\"H\",field: \"k\")])", argument(0))
                    }
                    "regex_extract" => {
                        format!("regex_extract({}, \"\\d+\", {})", argument(0), argument(1))
                    }
                    "regex_replace" | "substring" => format!(
                        "{}({}, {}, {})",
                        function.name(),
                        argument(0),
                        argument(1),
                        argument(2)
                    ),
                    "split" | "join" | "concat_prefix" | "subtract" | "divide" | "multiply"
                    | "starts_with" | "date_format" => {
                        format!("{}({}, {})", function.name(), argument(0), argument(1))
                    }
                    _ => format!("{} ( {} )", function.name(), argument(0)),
                }
            })
    })
}

fn assigns() -> impl Strategy<Value = String> {
    let values = prop::collection::vec(expression(), 1..4).prop_map(|values| values.join(" or "));
    prop::collection::vec((name(), values), 1..4).prop_map(|assigns| {
        let assigns: Vec<String> = assigns
            .into_iter()
            .enumerate()
            .map(|(at, (name, values))| format!("form.{name}{at} set_value {values}"))
            .collect();
        assigns.join("\nalso ")
    })
}

fn statement() -> impl Strategy<Value = String> {
    let case = (prop::sample::select(Operator::ALL), expression(), assigns()).prop_map(
        |(operator, argument, assigns)| {
            let condition = match operator.name() {
                "field_exists" | "field_not_exists" => operator.name().to_owned(),
                name => format!("{name} ({argument})"),
            };
            format!("case {condition} then {assigns}")
        },
    );
    prop_oneof![
        assigns().prop_map(|assigns| format!("user all then {assigns}")),
        (field(), prop::collection::vec(case, 1..4))
            .prop_map(|(subject, cases)| format!("switch {subject} {}", cases.join(" "))),
    ]
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        "[a-z0-9@. ]{0,10}".prop_map(|value| json!(value)),
        Just(json!("2026-11-20T08:00:00Z")),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|members| json!(members)),
            prop::collection::btree_map("[ka]", inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn formatting_changes_nothing(text in statement()) {
        let statement = Statement::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let formatted = statement.format();
        let again = Statement::parse(&formatted).map_err(|error| TestCaseError::fail(format!("{formatted}: {error}")))?;
        prop_assert_eq!(&again, &statement, "{}", formatted);
        prop_assert_eq!(again.format(), formatted);
    }

    #[test]
    fn evaluating_ends_and_explains_itself(text in statement(), t in data(), l in data(), n in data()) {
        let statement = Statement::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        if let Ok(program) = statement.check(None) {
            let asset = user(json!({"t": t, "l": l, "n": n}));
            let plain = evaluate(&program, &asset);
            let (explained, nodes) = program.explain(&asset, &circumstances(), &mut Counting(0));
            prop_assert_eq!(&plain, &explained);
            prop_assert!(!nodes.is_empty());
            prop_assert_eq!(plain.fell_back(), !plain.troubles(&program).is_empty());
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}|(switch|user|all|then|case|form|set_value|or|also|in|\\.|\\(|\\)|\\[|\\]|,|\"|a|5| |\\{\\{|-){0,40}") {
        match Statement::parse(&text) {
            Ok(statement) => { let _ = statement.check(None); }
            Err(error) => {
                prop_assert!(error.place.line >= 1 && error.place.column >= 1);
                prop_assert!(error.excerpt().contains('^'));
            }
        }
    }
}

/// Statements that are nearly right: one seed, so that a failure can be found again.
#[test]
fn ten_thousand_mutilated_statements_end_in_a_statement_or_a_place() {
    let seeds = [
        r#"switch subtract(now(), max([user.specific_data.data.last_logon])) case gt (90) then form.a set_value "stale" or [user.labels]"#,
        r#"user all then form.a set_value filter_value_by_key_with_operator([user.labels], "name", contains, "vpn", "name") also form.b set_value -1.5"#,
        r#"user all then form.t set_value to_table([user.labels], [(header: "N", field: "n")]) or regex_replace("a\d", "[^@]+", "é")"#,
    ];
    let mut state = 0x2026_1124_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let asset = user(json!({"labels": ["a"]}));
    for round in 0..10_000 {
        let mut letters: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..=next(4) {
            let at = next(letters.len());
            if letters.is_empty() {
                break;
            }
            match next(4) {
                0 => drop(letters.remove(at)),
                1 => {
                    let letter = letters[next(letters.len())];
                    letters.insert(at, letter);
                }
                2 => {
                    let other = next(letters.len());
                    letters.swap(at, other);
                }
                _ => letters.truncate(at.max(1)),
            }
        }
        let text: String = letters.into_iter().collect();
        match Statement::parse(&text) {
            Ok(statement) => {
                assert_eq!(
                    Statement::parse(&statement.format()).as_ref(),
                    Ok(&statement),
                    "{text}"
                );
                if let Ok(program) = statement.check(None) {
                    let _ = evaluate(&program, &asset);
                }
            }
            Err(error) => assert!(
                error.place.line == 1 && error.place.column <= text.chars().count() + 1,
                "{text}"
            ),
        }
    }
}
