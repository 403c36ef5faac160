//! What `explain` tells of every part of a statement.

use serde_json::{Value, json};
use tipstaff_dynamic::Node;

use crate::support::{Counting, circumstances, fields, program, user};

fn explain(text: &str, data: Value) -> Vec<Node> {
    program(&fields(text))
        .explain(&user(data), &circumstances(), &mut Counting(0))
        .1
}

fn node<'n>(nodes: &'n [Node], text: &str) -> &'n Node {
    let found = nodes.iter().find(|node| node.text.starts_with(text));
    found.unwrap_or_else(|| panic!("no {text} in {nodes:#?}"))
}

#[test]
fn every_part_has_its_value_and_type() {
    let nodes = explain(
        "switch [.n] case gt(5) then form.v set_value concat(to_upper([.t]), \"!\") or \"unreached\"",
        json!({"n": 7, "t": "a"}),
    );
    let told = |text: &str| {
        let node = node(&nodes, text);
        (node.kind, node.type_name, node.value.clone())
    };
    assert_eq!(
        told("[user.adapters_data.x_adapter.n]"),
        ("field", Some("integer"), Some(json!(7)))
    );
    assert_eq!(
        told("gt(5)"),
        ("operator", Some("boolean"), Some(json!(true)))
    );
    assert_eq!(
        told("set_value"),
        ("set_value", Some("string"), Some(json!("A!")))
    );
    assert_eq!(
        told("concat("),
        ("function", Some("string"), Some(json!("A!")))
    );
    assert_eq!(told("\"!\""), ("literal", Some("string"), Some(json!("!"))));
    let unreached = node(&nodes, "\"unreached\"");
    assert!(!unreached.reached && unreached.value.is_none() && unreached.error.is_none());
    assert!(
        nodes.is_sorted_by_key(|node| (node.place, std::cmp::Reverse(node.text.len()))),
        "{nodes:#?}"
    );
}

#[test]
fn errors_stand_where_they_arise_and_go_outwards() {
    let nodes = explain(
        "user all then form.v set_value to_upper([.none])",
        json!({}),
    );
    for text in [
        "[user.adapters_data.x_adapter.none]",
        "to_upper(",
        "set_value",
    ] {
        assert_eq!(
            node(&nodes, text).error.as_deref(),
            Some("empty asset field"),
            "{text}"
        );
    }
}

#[test]
fn a_comparison_with_nothing_says_so() {
    let nodes = explain(
        "switch [.n] case gt([.none]) then form.v set_value 1",
        json!({"n": 7}),
    );
    assert_eq!(
        node(&nodes, "gt(").error.as_deref(),
        Some("empty asset field")
    );
    assert!(!node(&nodes, "set_value").reached);
}

#[test]
fn what_is_generated_is_not_shown() {
    let nodes = explain(
        "user all then form.v set_value to_upper(generate_string(30, letters))",
        json!({}),
    );
    let text = serde_json::to_string(&nodes).unwrap();
    assert!(
        !text.contains("ABCDEF") && !text.contains("abcdef"),
        "{text}"
    );
    assert_eq!(node(&nodes, "set_value").value, Some(json!("********")));
    assert_eq!(
        node(&nodes, "generate_string").value,
        Some(json!("********"))
    );
}
