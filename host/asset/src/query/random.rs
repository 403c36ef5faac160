//! Assets and queries at random, from few names and values so that they meet.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

const FIELDS: [&str; 5] = ["f", "g", "when", "o", "o_preferred"];
const ADAPTERS: [&str; 3] = ["azure_ad_adapter", "x_adapter", "gui"];
const TEXTS: [&str; 10] = [
    "",
    "a",
    "A",
    "ab",
    "b\"\\",
    "ü",
    "7",
    "2026-11-20",
    "2026-11-20T08:00:00Z",
    "user",
];
const LABELS: [&str; 4] = ["vip", "", "a", "ü\"\\"];
const IDS: [&str; 4] = ["one", "two", "ü\"\\", "a"];

fn text() -> impl Strategy<Value = Value> {
    prop::sample::select(&TEXTS[..]).prop_map(Value::from)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => text(),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => prop::sample::select(vec![
            json!(0), json!(1), json!(1.0), json!(-1.5), json!(1_795_161_600_000_i64), json!(u64::MAX), json!(1e300),
        ]),
    ]
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(
        prop::sample::select(&["k", "t", "f"][..]),
        prop_oneof![
            scalar(),
            prop::collection::vec(scalar(), 0..3).prop_map(Value::from)
        ],
        0..3,
    )
    .prop_map(|members| {
        let members = members.into_iter().map(|(k, v)| (k.to_owned(), v));
        Value::Object(members.collect())
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => scalar(),
        2 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
        1 => object(),
        2 => prop::collection::vec(prop_oneof![object(), object(), scalar()], 0..3).prop_map(Value::from),
        1 => Just(json!([["a"], ["a", 1]])),
    ]
}

/// An asset in its full form, without an id.
pub(crate) fn asset() -> impl Strategy<Value = Value> {
    let data = prop::collection::btree_map(prop::sample::select(&FIELDS[..]), value(), 0..4);
    let entity = (prop::sample::select(&ADAPTERS[..]), data).prop_map(|(adapter, data)| {
        let data: Map<String, Value> = data.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        json!({"adapter": adapter, "data": data, "odd": {"f": "a"}})
    });
    let labels = prop::collection::vec(prop::sample::select(&LABELS[..]), 0..3);
    let kind = prop::sample::select(&["user", "device"][..]);
    let entities = prop::collection::vec(entity, 0..4);
    (kind, labels, entities, any::<bool>()).prop_map(|(kind, labels, adapters, is_terse)| {
        let mut asset = json!({"type": kind, "labels": labels, "adapters": adapters, "f": "a"});
        if let Some(members) = asset.as_object_mut().filter(|_| is_terse) {
            members.retain(|name, value| {
                !(name == "type" && value == "user" || name == "labels" && *value == json!([]))
            });
        }
        asset
    })
}

/// Assets with ids, as JSON Lines.
pub(crate) fn list() -> impl Strategy<Value = String> {
    prop::collection::vec(asset(), 0..12).prop_map(|assets| {
        let lines = assets.into_iter().zip(0..).map(|(mut asset, number)| {
            asset["id"] = match IDS.get(number) {
                Some(id) => Value::from(*id),
                None => Value::from(format!("{number}")),
            };
            format!("{asset}\n")
        });
        lines.collect()
    })
}

/// A text as a query writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(&TEXTS[..]).prop_map(quoted),
        1 => prop::sample::select(&LABELS[..]).prop_map(quoted),
        1 => prop::sample::select(&IDS[..]).prop_map(quoted),
        2 => prop::sample::select(vec!["0", "1", "1.0", "-1.5", "1795161600000", "18446744073709551615"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["true", "false"]).prop_map(str::to_owned),
    ]
}

fn list_literal() -> impl Strategy<Value = String> {
    prop::collection::vec(literal(), 0..4).prop_map(|members| format!("[{}]", members.join(", ")))
}

/// What may follow a field, but for `match`.
fn condition() -> impl Strategy<Value = String> {
    let ordered = prop_oneof![
        prop::sample::select(&TEXTS[..]).prop_map(quoted),
        prop::sample::select(vec!["0", "1", "-1.5"]).prop_map(str::to_owned),
        prop::sample::select(vec![
            "date(\"NOW - 3d\")",
            "date(\"2026-11-20\")",
            "date(\"2026-11-20T08:00:00Z\")",
        ])
        .prop_map(str::to_owned),
    ];
    let comparison = prop::sample::select(vec!["==", "!=", "<", ">", "<=", ">="]);
    let equality = prop::sample::select(vec!["==", "!="]);
    let special = prop::sample::select(vec![
        "[]",
        "size(0)",
        "size(1)",
        "size(2)",
        "regex(\"^a\")",
        "regex(\"A\", \"i\")",
        "match({\"$gte\": 0, \"$lte\": 1})",
        "({\"$exists\":true,\"$ne\":\"\"})",
    ]);
    prop_oneof![
        2 => (equality.clone(), literal()).prop_map(|(c, v)| format!("{c} {v}")),
        2 => (comparison, ordered).prop_map(|(c, v)| format!("{c} {v}")),
        2 => (equality, special).prop_map(|(c, v)| format!("{c} {v}")),
        2 => list_literal().prop_map(|list| format!("in {list}")),
        1 => list_literal().prop_map(|list| format!("not in {list}")),
    ]
}

fn combined(leaf: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" or "))),
            prop::collection::vec(inner.clone(), 3..5)
                .prop_map(|parts| format!("({})", parts.join(" or ").replacen(" or ", " and ", 1))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

/// The text of a query.
pub(crate) fn query() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "specific_data.data.f",
        "specific_data.data.g",
        "specific_data.data.when",
        "specific_data.data.o",
        "specific_data.data.o.k",
        "specific_data.data.f_preferred",
        "specific_data.data.o.t_preferred",
        "adapters_data.azure_ad_adapter.f",
        "adapters_data.x_adapter.o.t",
        "adapters_data.gui.custom_f",
        "labels",
        "labels",
        "adapters",
        "internal_axon_id",
        "internal_axon_id",
        "type",
    ]);
    let simple =
        (path, condition()).prop_map(|(path, condition)| format!("\"{path}\" {condition}"));
    let member = (prop::sample::select(vec!["k", "t", "f"]), condition())
        .prop_map(|(path, condition)| format!("\"{path}\" {condition}"));
    let complex = (
        prop::sample::select(vec![
            "specific_data.data.o",
            "specific_data.data.g",
            "adapters_data.x_adapter.o",
        ]),
        combined(member),
    )
        .prop_map(|(path, inner)| format!("\"{path}\" == match([{inner}])"));
    let part = prop_oneof![
        (prop::sample::select(vec!["f", "when", "o.k"]), condition())
            .prop_map(|(path, condition)| format!("\"data.{path}\" {condition}")),
        Just("plugin_name in ['x_adapter']".to_owned()),
    ];
    let entity = combined(part).prop_map(|inner| format!("\"specific_data\" == match([{inner}])"));
    combined(prop_oneof![4 => simple, 1 => complex, 1 => entity])
}
