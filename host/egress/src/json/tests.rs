//! Tests of the strict reader.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;

use super::*;

fn rewritten(text: &str) -> String {
    let document = Document::parse(text.as_bytes()).unwrap();
    let mut out = Vec::new();
    document.write(&mut out, &[]);
    String::from_utf8(out).unwrap()
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    for (text, fault) in [
        (r#"{"a":1,"a":2}"#, JsonFault::Twice(7)),
        (r#"{"a":1,"\u0061":2}"#, JsonFault::Twice(7)),
        (r#"[{"b":{"a":1,"a":1}}]"#, JsonFault::Twice(13)),
        ("\u{feff}{}", JsonFault::ByteOrderMark),
        ("{} {}", JsonFault::Trailing(3)),
        (r#""\ud800""#, JsonFault::Surrogate(1)),
        (r#""\ud800\u0041""#, JsonFault::Surrogate(1)),
        (r#""\udc00""#, JsonFault::Surrogate(1)),
        (deep.as_str(), JsonFault::TooDeep),
    ] {
        assert_eq!(
            Document::parse(text.as_bytes()).unwrap_err(),
            fault,
            "{text}"
        );
        assert!(fault.is_ambiguous());
    }
    assert_eq!(
        Document::parse(b"\"\xff\"").unwrap_err(),
        JsonFault::NotUtf8
    );
}

#[test]
fn the_fourteenth_member_is_compared_too() {
    let members: Vec<String> = (0..20).map(|n| format!("\"m{n}\":0")).collect();
    let text = format!("{{{},\"m3\":1}}", members.join(","));
    assert!(matches!(
        Document::parse(text.as_bytes()),
        Err(JsonFault::Twice(_))
    ));
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "nul",
        "'a'",
        "{a:1}",
        "[1 2]",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a",
        "// c\n1",
        "NaN",
        "[,1]",
        "{,}",
        "{\"a\"}",
        "\u{a0}1",
    ] {
        let fault = Document::parse(text.as_bytes()).unwrap_err();
        assert!(
            matches!(fault, JsonFault::Syntax(_) | JsonFault::Trailing(_)),
            "{text}"
        );
    }
}

#[test]
fn thirty_two_levels_are_read() {
    let text = format!("{}{}", "[".repeat(32), "]".repeat(32));
    assert_eq!(rewritten(&text), text);
}

#[test]
fn a_document_is_written_in_one_spelling() {
    assert_eq!(
        rewritten(" { \"a\" : [ 1 , -2.5e+3 , \"\\u0062\\/\\n\\u0000\" ] } "),
        r#"{"a":[1,-2.5e+3,"b/\u000a\u0000"]}"#
    );
    assert_eq!(rewritten(r#""\ud83d\ude00\"\\""#), "\"😀\\\"\\\\\"");
}

#[test]
fn pointers_lead_to_values() {
    let document = Document::parse(br#"{"a/b":{"~":[{"c":"d"}]},"0":1}"#).unwrap();
    let follow = |pointer| {
        document
            .root()
            .follow(&Pointer::parse(pointer).unwrap())
            .map(Value::raw)
    };
    assert_eq!(follow("/a~1b/~0/0/c"), Some("\"d\""));
    assert_eq!(follow("/0"), Some("1"));
    assert_eq!(follow("/a~1b/~0/00"), None);
    assert_eq!(follow("/a~1b/~0/1"), None);
    assert_eq!(Pointer::parse("a"), None);
    assert_eq!(Pointer::parse("/~2"), None);
}

#[test]
fn a_string_is_replaced_in_its_place_only() {
    let document = Document::parse(br#"{"x":"x","y":["x"]}"#).unwrap();
    let place = document.root().get("x").unwrap().place();
    let mut out = Vec::new();
    document.write(&mut out, &[(place, "a\"b")]);
    assert_eq!(out, br#"{"x":"a\"b","y":["x"]}"#);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC*|[\\x00-\\x7f]*|[\"\\\\/😀]*".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map("[a-c\"\\\\é]{0,3}", inner, 0..20)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_another_reader_wrote_is_read_and_means_the_same(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let again: serde_json::Value = serde_json::from_str(&rewritten(&text)).unwrap();
        prop_assert_eq!(again, value);
    }

    #[test]
    fn whatever_is_read_here_is_read_the_same_by_another(text in "[\\[\\]{}\",:0-9a-c\\\\u \\-.eE+tfn]{0,24}") {
        if let Ok(document) = Document::parse(text.as_bytes()) {
            let mut out = Vec::new();
            document.write(&mut out, &[]);
            // Numbers beyond what the other reader can hold are the one thing that it refuses.
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
                prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap(), value);
            } else {
                prop_assert!(text.contains(['e', 'E']));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let read = Document::parse(&bytes);
        if serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err() {
            prop_assert!(read.is_err());
        }
    }

    #[test]
    fn strings_survive_writing(text in "\\PC*|[\\x00-\\x7f]*") {
        let mut out = Vec::new();
        write_string(&mut out, &text);
        let document = Document::parse(&out).unwrap();
        prop_assert_eq!(document.root().string().unwrap(), text.as_str());
    }
}
