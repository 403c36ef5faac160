//! Assets that were made to do harm: each evaluation ends soon, in bounded memory, with a reason.

use std::time::Instant;

use serde_json::{Value, json};
use tipstaff_dynamic::limits;

use crate::support::{holds, value};

fn fails_soon(expression: &str, data: Value, reason: &str) {
    let began = Instant::now();
    let given = value(expression, data);
    assert!(
        given.as_ref().is_err_and(|why| why.contains(reason)),
        "{expression}: {given:?}"
    );
    assert!(
        began.elapsed().as_secs() < 20,
        "{expression} took {:?}",
        began.elapsed()
    );
}

#[test]
fn texts_and_lists_have_a_longest() {
    let long = "a".repeat(limits::TEXT_BYTES / 2);
    fails_soon(
        "concat([.t], [.t], [.t])",
        json!({"t": long}),
        "longer than",
    );
    fails_soon(
        "join([.l], [.t])",
        json!({"l": ["a", "b", "c"], "t": long}),
        "longer than",
    );
    fails_soon(
        "regex_replace([.t], \"a\", [.t])",
        json!({"t": long}),
        "longer than",
    );
    fails_soon(
        "concat_prefix([.t], [.l])",
        json!({"l": ["a", "b", "c"], "t": long}),
        "longer than",
    );
    let many: Vec<u32> = (0..60_000).collect();
    fails_soon(
        "concat_array([.l], [.l])",
        json!({"l": many}),
        "longer than",
    );
    fails_soon("split([.t], \"a\")", json!({"t": long}), "longer than");
}

#[test]
fn work_is_counted() {
    let many: Vec<u32> = (0..60_000).collect();
    let nested = format!("{}[.l]{}", "unique(".repeat(60), ")".repeat(60));
    fails_soon(&nested, json!({"l": many}), "more data");
}

#[test]
fn the_deepest_statement_needs_little_of_a_stack() {
    let depth = limits::DEPTH;
    let (open, close) = ("to_upper(".repeat(depth), ")".repeat(depth));
    let work = move || {
        let expression = format!("{open}[.t]{close}");
        assert_eq!(value(&expression, json!({"t": "a"})), Ok(json!("A")));
    };
    let thread = std::thread::Builder::new().stack_size(1024 * 1024);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn ten_thousand_members_are_no_trouble() {
    let many: Vec<String> = (0..10_000)
        .map(|n| format!("user{n}@contoso.example"))
        .collect();
    let data = json!({"l": many});
    assert_eq!(
        value("count(unique([.l]))", data.clone()),
        Ok(json!(10_000))
    );
    assert!(holds(
        "[.l]",
        "in([\"user9999@contoso.example\"])",
        data.clone()
    ));
    assert_eq!(
        value("filter([.l], regex, \"^user9999@\")", data),
        Ok(json!(["user9999@contoso.example"]))
    );
}

#[test]
fn regular_expressions_cannot_explode() {
    let text = "a".repeat(50_000) + "!";
    fails_soon(
        "regex_extract([.t], \"^(a+)+$\")",
        json!({"t": text}),
        "nothing matches",
    );
    fails_soon(
        "regex_extract([.t], \"(a|a)*b\")",
        json!({"t": text}),
        "nothing matches",
    );
    fails_soon(
        "regex_extract([.t], \"(a{1000}){1000}\")",
        json!({"t": text}),
        "regex not supported",
    );
    fails_soon(
        "regex_extract([.t], [.p])",
        json!({"t": "a", "p": "(x{900}){900}"}),
        "regex not supported",
    );
    let long = "a".repeat(limits::PATTERN_BYTES + 1);
    fails_soon(
        "regex_extract([.t], [.p])",
        json!({"t": "a", "p": long}),
        "longer than",
    );
    let deep = "(".repeat(400) + &")".repeat(400);
    fails_soon(
        "regex_extract([.t], [.p])",
        json!({"t": "a", "p": deep}),
        "regex not supported",
    );
}

#[test]
fn deep_data_is_walked() {
    let mut deep = json!("end");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    assert_eq!(
        value("join([.d], \",\")", json!({"d": deep})),
        Ok(json!("end"))
    );
}

#[test]
fn data_of_wrong_types_never_gives_more_than_a_reason() {
    let odd = [
        json!(null),
        json!(true),
        json!(1e300),
        json!(-0.0),
        json!(u64::MAX),
        json!(""),
        json!([]),
        json!([[]]),
        json!([null]),
        json!({}),
        json!([{}]),
        json!("\u{0}\u{202e}"),
        json!({"k": {"k": []}}),
    ];
    for function in tipstaff_dynamic::Function::ALL {
        for data in &odd {
            for arguments in [
                "[.v]",
                "[.v], [.v]",
                "[.v], [.v], [.v]",
                "[.v], k, [.v], k",
                "[.v], contains, [.v]",
                "[.v], k, contains, [.v], k",
            ] {
                let text = crate::support::fields(&format!(
                    "user all then form.v set_value {}({arguments})",
                    function.name()
                ));
                let Ok(statement) = tipstaff_dynamic::Statement::parse(&text) else {
                    continue;
                };
                let Ok(program) = statement.check(None) else {
                    continue;
                };
                let asset = crate::support::user(json!({"v": data}));
                let _ = crate::support::evaluate(&program, &asset);
            }
        }
    }
}
