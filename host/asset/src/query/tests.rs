//! The language by itself: how it is read, what was decided, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::random;
use super::{MAX_DEPTH, Mistake, Query, QueryError, SavedQuery, Terms};
use crate::asset::Asset;
use crate::catalog::Catalog;

fn saved(all: &[(&str, &str)]) -> Vec<SavedQuery> {
    all.iter()
        .map(|(name, text)| SavedQuery {
            id: format!("id-{name}"),
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        })
        .collect()
}

fn read_with(text: &str, saved: &[SavedQuery]) -> Result<Query, QueryError> {
    let now = "2026-11-23T08:00:00Z".parse().unwrap();
    Query::read(
        text,
        Terms {
            now,
            saved,
            catalog: None,
        },
    )
}

fn read(text: &str) -> Result<Query, QueryError> {
    read_with(text, &[])
}

/// Whether `"specific_data.data.f" CONDITION` finds an asset whose entities have these values for `f`.
fn finds(condition: &str, values: &[Value]) -> bool {
    let adapters: Vec<Value> = values
        .iter()
        .map(|value| json!({"adapter": "x_adapter", "data": {"f": value}}))
        .collect();
    let asset: Asset = serde_json::from_value(json!({"id": "a", "adapters": adapters})).unwrap();
    read(&format!("\"specific_data.data.f\" {condition}"))
        .unwrap()
        .matches(&asset)
}

fn place(text: &str) -> (usize, usize, Mistake) {
    let error = read(text).unwrap_err();
    (error.line, error.column, error.mistake)
}

#[test]
fn values_compare_within_their_type() {
    assert!(finds("== 7", &[json!(7.0)]) && finds("<= 7", &[json!(7)]));
    assert!(!finds("== 7", &[json!("7")]) && !finds("== \"7\"", &[json!(7)]));
    assert!(!finds("== true", &[json!("true")]) && !finds("== 1", &[json!(true)]));
    assert!(!finds("< 7", &[json!("1")]) && !finds("> \"a\"", &[json!(7)]));
    assert!(finds("< \"b\"", &[json!("a")]) && finds("< \"a\"", &[json!("B")]));
    assert!(finds("> \"z\"", &[json!("ä")]));
    assert!(!finds("== \"A\"", &[json!("a")]));
    assert!(finds("in [\"x\", 7, true]", &[json!(7.0)]) && finds("in [true]", &[json!(true)]));
    assert!(!finds("in [7]", &[json!("7")]));
    assert!(!finds("== regex(\"7\")", &[json!(7)]));
}

#[test]
fn a_list_fulfils_what_one_of_its_members_does() {
    let lists = [vec![json!(["a", "b"])], vec![json!("a"), json!("b")]];
    for values in &lists {
        assert!(finds("== \"b\"", values) && finds("in [\"b\", \"c\"]", values));
        assert!(finds("== regex(\"^b\")", values) && finds("> \"a\"", values));
        assert!(!finds("!= \"b\"", values) && finds("!= \"c\"", values));
        assert!(!finds("not in [\"b\"]", values) && finds("not in [\"c\"]", values));
    }
    let range = "== match({\"$gte\": 3, \"$lte\": 5})";
    assert!(!finds(range, &[json!([1, 9])]) && finds(range, &[json!([1, 4])]));
}

#[test]
fn a_missing_field_is_different_from_everything() {
    for condition in ["!= 1", "not in [1]", "!= regex(\"a\")", "!= []"] {
        assert!(finds(condition, &[]), "{condition}");
    }
    for condition in [
        "== []",
        "== size(0)",
        "< 1",
        "in []",
        "== ({\"$exists\":true,\"$ne\":\"\"})",
    ] {
        assert!(!finds(condition, &[]), "{condition}");
    }
    assert!(finds("not in []", &[]) && !finds("in []", &[json!([])]));
}

#[test]
fn empty_is_what_is_there_and_has_nothing() {
    assert!(finds("== []", &[json!([])]) && finds("== size(0)", &[json!([]), json!(null)]));
    assert!(!finds("== []", &[json!(null)]) && !finds("== []", &[json!("")]));
    assert!(!finds("== []", &[json!([]), json!("a")]));
    assert!(
        finds("== size(1)", &[json!("a")]) && finds("== size(3)", &[json!(["a", "a"]), json!("a")])
    );
    let exists = "== ({\"$exists\":true,\"$ne\":\"\"})";
    assert!(
        finds(exists, &[json!(["", "a"])])
            && finds(exists, &[json!(0)])
            && finds(exists, &[json!(false)])
    );
    for value in [
        json!(null),
        json!(""),
        json!([]),
        json!([""]),
        json!([null]),
    ] {
        assert!(!finds(exists, &[value]));
    }
    let labels = |text: &str, labels: Value| {
        let asset = serde_json::from_value(json!({"id": "a", "labels": labels, "adapters": []}));
        read(text).unwrap().matches(&asset.unwrap())
    };
    assert!(labels("\"labels\" == []", json!([])) && !labels("\"labels\" == []", json!(["a"])));
    assert!(labels("\"adapters\" == size(0)", json!([])));
}

#[test]
fn dates_are_moments() {
    assert!(finds(
        "== date(\"2026-11-20\")",
        &[json!("2026-11-20T01:00:00+01:00")]
    ));
    assert!(!finds(
        "== date(\"2026-11-20\")",
        &[json!("2026-11-20T08:00:00Z")]
    ));
    assert!(finds("== date(\"NOW\")", &[json!(1_795_420_800_000_i64)]));
    assert!(finds(
        "> date(\"NOW-7d\")",
        &[json!("Fri, 20 Nov 2026 08:00:00 GMT")]
    ));
    assert!(!finds("> date(\"2026-11-20\")", &[json!("2026-11-20")]));
    assert!(finds("< date(\"NOW + 2h\")", &[json!("2026-11-23 09:59")]));
    assert!(
        !finds("< date(\"NOW + 2h\")", &[json!("soon")])
            && !finds("< date(\"NOW\")", &[json!(true)])
    );
    assert!(finds("== \"2026-11-20\"", &[json!("2026-11-20")]));
}

#[test]
fn and_binds_tighter_than_or() {
    let yes = "\"type\" == \"user\"";
    let no = "\"type\" == \"device\"";
    let asset = serde_json::from_value(json!({"id": "a", "adapters": []})).unwrap();
    let holds = |text: String| read(&text).unwrap().matches(&asset);
    assert!(holds(format!("{yes} or {yes} and {no}")));
    assert!(holds(format!("{no} and {yes} or {yes}")));
    assert!(!holds(format!("({yes} or {yes}) and {no}")));
    assert!(holds(format!("not {no} and {yes}")));
    assert!(!holds(format!("not ({yes} or {no})")));
    assert!(holds(format!("not not\n(({yes}))")));
}

#[test]
fn members_of_a_list_of_objects_fulfil_conditions_together() {
    let list = json!([{"k": "a", "n": 1}, {"k": "b", "n": 2}, 7]);
    assert!(finds(
        "== match([(\"k\" == \"b\") and (\"n\" > 1)])",
        std::slice::from_ref(&list)
    ));
    assert!(!finds(
        "== match([(\"k\" == \"a\") and (\"n\" > 1)])",
        std::slice::from_ref(&list)
    ));
    assert!(!finds(
        "== match([not (\"k\" == \"a\")])",
        &[json!([7, "x"])]
    ));
    assert!(finds("== match([\"k\" == \"a\"])", &[json!({"k": "a"})]));
    let deep = json!([{"l": [{"x": 1}, {"x": 2}], "o": {"x": 3}}]);
    assert!(finds(
        "== match([\"l\" == match([\"x\" == 2])])",
        std::slice::from_ref(&deep)
    ));
    assert!(finds(
        "== match([\"l.x\" == size(2) and \"o.x\" == 3])",
        &[deep]
    ));
}

#[test]
fn quotes_and_backslashes_are_escaped_and_nothing_else() {
    assert!(finds(r#"== "a\"b\\c\d""#, &[json!(r#"a"b\c\d"#)]));
    assert!(finds(r"== 'a\'b'", &[json!("a'b")]));
    assert!(finds("== \"a\nb\"", &[json!("a\nb")]));
}

#[test]
fn mistakes_are_placed_where_they_are() {
    let at = |text: &str| {
        let (line, column, _) = place(text);
        (line, column)
    };
    assert_eq!(at("\"labels\" = \"a\""), (1, 10));
    assert_eq!(at("\"labels\" == "), (1, 13));
    assert_eq!(
        at("\"labels\"\n  == \"a\" AND \"labels\" == \"b\""),
        (2, 10)
    );
    assert_eq!(at("(\"labels\" == \"ü\") (\"labels\" == \"b\")"), (1, 19));
    assert_eq!(at("(\"labels\" == \"a\""), (1, 1));
    assert_eq!(at("\"labels\" == \"a"), (1, 13));
    assert_eq!(at("\"labels\" == \"a\")"), (1, 16));
    assert_eq!(at("\"labels\" in [\"a\", ]"), (1, 19));
    assert_eq!(at("\"labels\" in [\"a\""), (1, 13));
    assert_eq!(at("\"labels\" in \"a\""), (1, 13));
    assert_eq!(at("\"labels\" == regex(\"(a\")"), (1, 19));
    assert_eq!(at("\"labels\" == date(\"tomorrow\")"), (1, 18));
    assert_eq!(at("\"labels\" == size(-1)"), (1, 18));
    assert_eq!(at("\"labels\" == 007"), (1, 13));
    assert_eq!(at("\"labels\" == match(1)"), (1, 19));
    assert_eq!(at("\"labels\" == ({\"$exists\":false})"), (1, 25));
    assert_eq!(at("\"labels\" == ({\"$exists\":true})"), (1, 29));
    assert_eq!(at("\"labels\" == match({\"$gte\":1,\"$gte\":2})"), (1, 29));
    assert_eq!(at("\"labels\" == [\"a\"]"), (1, 14));
    assert_eq!(at("\"labels\" > regex(\"a\")"), (1, 12));
    assert_eq!(at("\"labels\" < true"), (1, 12));
    assert_eq!(at("labels == \"a\""), (1, 1));
    assert_eq!(at("\"username\" == \"a\""), (1, 1));
    assert_eq!(at("\"labels\" == {{QueryID=x}}"), (1, 13));
    assert_eq!(at("{{QueryID=x"), (1, 1));
    assert_eq!(at(""), (1, 1));
    assert_eq!(at("\"labels\" == “a”"), (1, 13));
}

#[test]
fn mistakes_say_what_to_write() {
    let hint = |text: &str| read(text).unwrap_err().hint().unwrap_or_default();
    assert_eq!(hint("\"labels\" = \"a\""), "equality is written `==`");
    assert!(hint("\"labels\" == \"a\" AND \"labels\" == \"b\"").contains("lower case: `and`"));
    assert!(hint("\"labels\" == TRUE").contains("`true`"));
    assert!(hint("\"labels\" == mach([\"a\" == 1])").contains("did you mean `match`?"));
    assert!(hint("\"labels\" == “a”").contains("straight quotes"));
    assert!(hint("labels == \"a\"").contains("`\"labels\"`"));
    assert!(hint("\"username\" == \"a\"").contains("`specific_data.data.username`"));
    assert!(hint("\"specific_data.data\" == \"a\"").contains("after the dot"));
    assert!(hint("\"labels\" == date(\"now - 7d\")").contains("NOW - 7d"));
    assert!(hint("\"labels\" == regex(\"(?=a)\")").contains("look-around"));
    assert!(hint("").contains("internal_axon_id"));
    assert!(hint("({{AssetScopeID=1}})").contains("QueryID=NAME"));
    assert!(hint("\"specific_data\" == match([\"user_type\" == 1])").contains("data.FIELD"));
}

#[test]
fn an_excerpt_shows_the_place_and_is_short() {
    let error = read("\"labels\" == \"a\"\nand \"labels\" = \"b\"").unwrap_err();
    assert_eq!(error.excerpt(), "and \"labels\" = \"b\"\n             ^");
    assert_eq!(
        error.to_string(),
        "line 2, column 14: `=` where something of a query should be"
    );
    let long = format!("\"labels\" in [{}] oder", "\"aaaa\", ".repeat(500) + "1");
    let error = read(&long).unwrap_err();
    let lines: Vec<&str> = error.excerpt().lines().collect();
    assert!(lines[0].chars().count() < 110, "{}", lines[0]);
    let mark = lines[1].chars().count() - lines[1].trim_start().chars().count();
    let marked: String = lines[0].chars().skip(mark).take(4).collect();
    assert_eq!((marked.as_str(), lines[1].trim()), ("oder", "^^^^"));
}

#[test]
fn unknown_fields_are_answered_with_the_nearest() {
    let asset = json!({"id": "a", "adapters": [
        {"adapter": "okta_adapter", "data": {"nickname": "x", "tags": [{"key": 1}]}}]});
    let mut catalog = Catalog::default();
    catalog.learn(&serde_json::from_value(asset).unwrap());
    let error = |text: &str| {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let terms = Terms {
            now,
            saved: &[],
            catalog: Some(&catalog),
        };
        Query::read(text, terms).map(|_| ()).map_err(|error| {
            assert!(matches!(error.mistake, Mistake::UnknownField { .. }));
            (error.column, error.hint().unwrap_or_default())
        })
    };
    assert_eq!(error("\"specific_data.data.nickname\" == 1"), Ok(()));
    assert_eq!(
        error("\"specific_data.data.tags\" == match([\"key\" == 1])"),
        Ok(())
    );
    assert_eq!(
        error("not (\"specific_data.data.nicknmae\" == 1)"),
        Err((6, "did you mean `specific_data.data.nickname`?".to_owned()))
    );
    assert_eq!(
        error("\"specific_data.data.tags\" == match([\"kee\" == 1])"),
        Err((37, "did you mean `key`?".to_owned()))
    );
    assert_eq!(
        error("\"specific_data\" == match([\"data.nicknam\" == 1])"),
        Err((27, "did you mean `data.nickname`?".to_owned()))
    );
}

#[test]
fn saved_queries_use_others_and_never_themselves() {
    let all = saved(&[
        ("vip", "\"labels\" == \"vip\""),
        ("no vip", "not {{QueryID=vip}}"),
        ("a", "{{QueryID=b}} or {{QueryID=vip}}"),
        ("b", "({{QueryID=id-a}})"),
        ("wrong", "\"labels\" ==\n\"x\" and and"),
    ]);
    let asset = serde_json::from_value(json!({"id": "a", "adapters": []})).unwrap();
    assert!(
        read_with("{{QueryID=no vip}}", &all)
            .unwrap()
            .matches(&asset)
    );
    let error = |text: &str| read_with(text, &all).unwrap_err();
    let circle = error("\"labels\" == \"x\" or ({{QueryID=a}})");
    assert_eq!(circle.column, 21);
    assert!(circle.to_string().contains("a → b → a"), "{circle}");
    let inner = error("{{QueryID=wrong}}").to_string();
    assert!(
        inner.contains("in the saved query `wrong`, line 2, column 9"),
        "{inner}"
    );
    assert_eq!(
        error("{{QueryID=vips}}").hint().unwrap(),
        "did you mean `vip`?"
    );
    let now = "2026-11-23T08:00:00Z".parse().unwrap();
    let terms = Terms {
        now,
        saved: &all,
        catalog: None,
    };
    assert!(
        Query::read_saved(&all[2], terms)
            .unwrap_err()
            .to_string()
            .contains("a → b → a")
    );
}

#[test]
fn everything_is_bounded() {
    let nested =
        |depth: usize| format!("{}\"labels\" == 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(read(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(place(&nested(MAX_DEPTH + 1)).2, Mistake::TooDeep);
    assert_eq!(place(&"(".repeat(1_000_000)).2, Mistake::TooDeep);
    assert_eq!(place(&"not ".repeat(100_000)).2, Mistake::TooDeep);
    let many = vec!["\"labels\" == 1"; 10_001].join(" or ");
    assert_eq!(place(&many).2, Mistake::TooManyTests);
    let list = format!(
        "\"labels\" in [{}]",
        (0..100_001)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    );
    assert_eq!(place(&list).2, Mistake::TooManyMembers);
    assert_eq!(place(&" ".repeat(super::MAX_BYTES + 1)).2, Mistake::TooLong);
    for pattern in ["(a{1000}){1000}", &"a".repeat(10_000)] {
        let (_, _, mistake) = place(&format!("\"labels\" == regex(\"{pattern}\")"));
        assert!(matches!(mistake, Mistake::Regex { .. }), "{mistake}");
    }
    // Each uses the one before it twice.
    let double: Vec<(String, String)> = (0..40)
        .map(|n| match n {
            0 => ("q0".to_owned(), "\"labels\" == 1".to_owned()),
            n => (
                format!("q{n}"),
                format!("{{{{QueryID=q{0}}}}} and {{{{QueryID=q{0}}}}}", n - 1),
            ),
        })
        .collect();
    let double: Vec<(&str, &str)> = double
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    let error = read_with("{{QueryID=q39}}", &saved(&double)).unwrap_err();
    assert_eq!(error.mistake, Mistake::TooManyTests);
    assert_eq!(
        place("\"labels\" == date(\"NOW - 99999999999999999999d\")").1,
        18
    );
    assert_eq!(place("\"labels\" == date(\"NOW - 9999999999d\")").1, 18);
}

#[test]
fn patterns_that_explode_elsewhere_are_answered() {
    let text = "a".repeat(50_000) + "!";
    assert!(!finds("== regex(\"^(a+)+$\")", &[json!(text)]));
}

proptest! {
    #[test]
    fn what_is_generated_is_read(text in random::query()) {
        prop_assert!(read(&text).is_ok(), "{}: {:?}", text, read(&text).err());
    }

    #[test]
    fn reading_never_panics_and_places_are_in_the_text(text in "\\PC{0,60}|[\"'\\\\(){}\\[\\]=!<>,:0-9a-z\n ü.-]{0,60}") {
        if let Err(error) = read(&text) {
            let line = text.split('\n').nth(error.line - 1).unwrap();
            prop_assert!(error.column >= 1 && error.column <= line.chars().count() + 1);
        }
    }

    #[test]
    fn a_part_of_a_query_never_panics((text, cut) in random::query().prop_flat_map(|text| { let end = text.len(); (Just(text), 0..=end) })) {
        let cut = text.floor_char_boundary(cut);
        let _ = read(&text[..cut]);
    }

    #[test]
    fn not_is_the_opposite(text in random::query(), mut value in random::asset()) {
        value["id"] = json!("one");
        let asset: Asset = serde_json::from_value(value).unwrap();
        let not = read(&format!("not ({text})")).unwrap();
        prop_assert_ne!(read(&text).unwrap().matches(&asset), not.matches(&asset));
    }
}
