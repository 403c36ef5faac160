//! Lists as people give them, good and bad. What single records mean is tested in `shape` and `fields`.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may end where it finds a fault"
)]

use std::io::{self, BufReader, Cursor, Read};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::error::Damage;
use super::*;
use crate::asset::Unsaid;
use crate::asset::{AdapterData, InvalidId};

const DOWNLOAD: &[u8] = include_bytes!("../../testdata/download-users.csv");

/// What a list holds, and the error that it ended with.
fn all(bytes: &[u8], format: Option<Format>) -> Result<(Vec<Entry>, Option<ReadError>), NotAList> {
    let (mut entries, mut end) = (Vec::new(), None);
    for entry in read(Cursor::new(bytes.to_vec()), format)? {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => end = Some(error),
        }
    }
    Ok((entries, end))
}

fn entries(text: &str) -> Vec<Entry> {
    let (entries, end) = all(text.as_bytes(), None).unwrap();
    assert!(end.is_none(), "{end:?}");
    entries
}

/// One word an entry: its id, or for a broken one its id and what is wrong.
fn summary(entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Asset { line, asset } => format!("{line} {}", asset.id),
            Entry::Broken { reason, .. } => {
                let variant = format!("{reason:?}");
                let end = variant.find([' ', '(']).unwrap_or(variant.len());
                format!("{} {}", entry.id(), &variant[..end])
            }
        })
        .collect()
}

fn damage(text: &str) -> Option<(u64, Damage)> {
    match all(text.as_bytes(), None).unwrap().1 {
        Some(ReadError::Damaged { line, reason }) => Some((line, reason)),
        _ => None,
    }
}

fn refused(text: &str) -> NotAList {
    all(text.as_bytes(), None).unwrap_err()
}

#[test]
fn json_lines_with_broken_ones_among_them() {
    let list = "\u{feff}{\"id\":\"a\"}\r\n\n  \t\n{\"id\":\n\"ada@contoso.com\"\n[1]\n{\"id\":\" \"}\n{\"id\":\"b\"}";
    assert_eq!(
        summary(&entries(list)),
        [
            "1 a",
            "line:4 NotJson",
            "line:5 NotAnObject",
            "line:6 NotAnObject",
            "line:7 Id",
            "8 b"
        ]
    );
}

#[test]
fn a_line_of_other_bytes_is_broken_and_not_the_end() {
    let (entries, end) = all(b"{\"id\":\"a\"}\n{\"id\":\"\xe9\"}\n{\"id\":\"b\"}\n", None).unwrap();
    assert_eq!(summary(&entries), ["1 a", "line:2 NotUtf8", "3 b"]);
    assert!(end.is_none());
    let (entries, _) = all(b"{\"id\":\"a\"}\n\0\xff\0\n{\"id\":\"b\"}\n", None).unwrap();
    assert_eq!(summary(&entries), ["1 a", "line:2 NotUtf8", "3 b"]);
    let (entries, _) = all(b"id;name\na;x\nb;\xe9\nc;y\n", None).unwrap();
    assert_eq!(summary(&entries), ["2 a", "line:3 NotUtf8", "4 c"]);
}

#[test]
fn an_array_is_read_element_by_element() {
    let list = " [ {\"id\":\"a\"},\n\n{\n\"id\":\"b, ]\\\"\"} , \"ada\", 7\n,{\"id\":\"c\",\"labels\":[\"x\"]}\n]\n \n";
    assert_eq!(
        summary(&entries(list)),
        [
            "1 a",
            "3 b, ]\"",
            "line:4 NotAnObject",
            "line:4 NotAnObject",
            "5 c"
        ]
    );
    assert!(entries("[]").is_empty() && entries(" [ \n ] ").is_empty());
    assert_eq!(
        summary(&entries("[{\"id\":\"a\"},,\n]")),
        ["1 a", "line:1 Empty", "line:2 Empty"]
    );
}

#[test]
fn a_mistake_in_an_array_is_placed_in_the_file() {
    let found = entries("[{\"id\":\"a\"},\n {\"id\":\n  x}]");
    let Entry::Broken {
        line: 2,
        reason: Fault::NotJson { line, column, .. },
    } = &found[1]
    else {
        panic!("{found:?}");
    };
    assert_eq!((*line, *column), (3, 3));
}

#[test]
fn an_array_that_cannot_be_split_ends_there() {
    assert_eq!(
        damage("[{\"id\":\"a\"},\n{\"id\":\"b\""),
        Some((2, Damage::OpenArray))
    );
    assert_eq!(damage("["), Some((1, Damage::OpenArray)));
    assert_eq!(
        damage("[{\"id\":\"a},\n{\"id\":\"b\"}]"),
        Some((1, Damage::OpenString))
    );
    assert_eq!(damage("[{\"id\":[1}]}]"), Some((1, Damage::WrongBracket)));
    assert_eq!(damage("[]\n[]"), Some((2, Damage::AfterTheEnd)));
    // Text of a name must never be taken for an asset.
    let (found, end) = all(
        b"[{\"a\":\"b},{\"name\":\"},{\\\"id\\\":\\\"ceo\\\"},\"}]",
        None,
    )
    .unwrap();
    assert!(
        found
            .iter()
            .all(|entry| matches!(entry, Entry::Broken { .. })),
        "{found:?} {end:?}"
    );
}

#[test]
fn records_are_bounded_and_the_next_one_follows() {
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(MAX_RECORD_BYTES));
    let deep = format!(
        "{{\"id\":\"a\",\"x\":{}1{}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    let lines = format!("{{\"id\":\"a\"}}\n{long}\n{deep}\n{{\"id\":\"b\"}}\n");
    assert_eq!(
        summary(&entries(&lines)),
        ["1 a", "line:2 TooLong", "line:3 TooDeep", "4 b"]
    );
    let array = format!("[{long},\n{deep},\n{{\"id\":\"b\"}}]");
    assert_eq!(
        summary(&entries(&array)),
        ["line:1 TooLong", "line:2 TooDeep", "3 b"]
    );
    let table = format!(
        "id\na\n{}\nb\n\"{}\"\nc\n",
        "x".repeat(3 * MAX_RECORD_BYTES),
        "\"\"".repeat(MAX_RECORD_BYTES)
    );
    assert_eq!(
        summary(&entries(&table)),
        ["2 a", "line:3 TooLong", "4 b", "line:5 TooLong", "6 c"]
    );
    // Just as long as is allowed.
    let padding = " ".repeat(MAX_RECORD_BYTES - 10);
    assert_eq!(
        summary(&entries(&format!(
            "{{\"id\":\"a\"{padding}}}\n{{\"id\":\"b\"}}"
        ))),
        ["1 a", "2 b"]
    );
    assert_eq!(
        summary(&entries(&format!(
            "{{\"id\":\"a\"{padding} }}\n{{\"id\":\"b\"}}"
        ))),
        ["line:1 TooLong", "2 b"]
    );
}

#[test]
fn the_admin_centres_download_is_read_as_it_is() {
    let (found, end) = all(DOWNLOAD, None).unwrap();
    assert!(end.is_none(), "{end:?}");
    let id = |number: u64| format!("00000000-0000-4000-8000-{number:012x}");
    let wanted: Vec<String> = [(2, 1), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6)]
        .iter()
        .map(|(line, number)| format!("{line} {}", id(*number)))
        .chain(["line:9 Id".to_owned(), format!("10 {}", id(8))])
        .collect();
    assert_eq!(summary(&found), wanted);
    let data = |at: usize| match &found[at] {
        Entry::Asset { asset, .. } => Value::from(asset.adapters[0].data.clone()),
        Entry::Broken { .. } => Value::Null,
    };
    assert_eq!(
        data(1),
        json!({
            "username": "unal@contoso.example", "display_name": "Ünal, Çağla", "last_name": "Ünal",
            "first_name": "Çağla", "mail": "unal@contoso.example", "id": id(2), "user_type": "Member",
            "job_title": "Head of \"Special\" Projects", "account_enabled": true, "usage_location": "TR",
            "on_premises_synced": true, "user_created": "2022-03-01T08:00:00Z",
        })
    );
    assert_eq!(data(2)["display_name"], "田中 花子");
    assert_eq!(
        (&data(3)["user_type"], &data(3)["invitation_state"]),
        (&json!("Guest"), &json!("Accepted"))
    );
    assert_eq!(data(5)["street_address"], "12 Main Street\r\nBuilding 4");
}

#[test]
fn tables_come_in_many_shapes() {
    assert_eq!(
        summary(&entries("\n\nUserPrincipalName\n\na@b.c\n  \n\"d@b.c\"")),
        ["5 a@b.c", "7 d@b.c"]
    );
    assert_eq!(summary(&entries("name;Object ID\r\nx, y;1\r\n")), ["2 1"]);
    assert_eq!(summary(&entries("name\tid\n\t1\n")), ["2 1"]);
    assert_eq!(summary(&entries("\tid\n0\ta\n")), ["2 a"]);
    assert_eq!(
        summary(&entries("upn,id\nada@b.c,\n,2\n,\n")),
        ["2 ada@b.c", "3 2", "line:4 Id"]
    );
    assert_eq!(
        summary(&entries("id\n\"\"\n\"a\nb\"\nline:3\n")),
        ["line:2 Id", "line:3 Id", "line:5 ReservedId"]
    );
    assert_eq!(summary(&entries("\"the\nname\",id\nx,1\n")), ["3 1"]);
    assert!(entries("id\n").is_empty() && entries("id").is_empty());
}

#[test]
fn cells_that_moved_are_reported() {
    let found = entries("displayName,id\nLovelace, Ada,1\nGrace\nx,2,,\n\"a\nb\",3\n\"a\nb\"\n");
    assert_eq!(
        summary(&found),
        [
            "line:2 CellCount",
            "line:3 CellCount",
            "4 2",
            "5 3",
            "line:7 CellCount"
        ]
    );
    let last = match &found[4] {
        Entry::Broken {
            reason: Fault::CellCount { last_line, .. },
            ..
        } => *last_line,
        _ => 0,
    };
    assert_eq!(last, 8);
}

#[test]
fn a_quote_that_is_left_open_ends_the_table() {
    assert_eq!(
        damage("id,name\n1,x\n2,\"y\n3,z\n"),
        Some((3, Damage::OpenCell))
    );
    assert_eq!(damage("id,name\n1,\"x\""), None);
}

#[test]
fn what_is_no_list_is_refused_with_advice() {
    assert!(matches!(refused(""), NotAList::Empty));
    assert!(matches!(refused(" \n\n"), NotAList::Empty));
    assert!(matches!(refused("id\0x"), NotAList::Binary(_)));
    assert!(matches!(
        refused("hello world\nfoo"),
        NotAList::NoKnownColumn { .. }
    ));
    assert!(matches!(
        refused("ada@contoso.com\ngrace@contoso.com\n"),
        NotAList::HeaderMissing { .. }
    ));
    assert!(matches!(
        refused("00000000-0000-4000-8000-000000000001\n"),
        NotAList::HeaderMissing { .. }
    ));
    assert!(matches!(
        refused("id,ObjectId\n1,2\n"),
        NotAList::SameColumnTwice { .. }
    ));
    assert!(matches!(
        refused(&format!("id{}", ",x".repeat(MAX_COLUMNS))),
        NotAList::TooManyColumns
    ));
    assert!(matches!(
        refused(&format!("\"id\n{}", "x".repeat(MAX_RECORD_BYTES))),
        NotAList::HeaderUnreadable(_)
    ));
    assert!(matches!(
        refused("{\n  \"value\": []\n}\n"),
        NotAList::SpreadObject
    ));
    assert!(matches!(
        all(b"[]", Some(Format::JsonLines)),
        Err(NotAList::ArrayNotLines)
    ));
    assert!(matches!(
        all(b"{}", Some(Format::JsonArray)),
        Err(NotAList::NotAnArray)
    ));
    assert!(refused("a,b,c,d,e,f").to_string().ends_with("`e`, …)"));
    assert!(refused("a").hint().contains("userPrincipalName"));
    assert_eq!(entries(&format!("id{}", ",x".repeat(MAX_COLUMNS - 1))), []);
}

#[test]
fn a_files_name_tells_its_format() {
    let of = |name: &str| Format::of_path(Path::new(name));
    assert_eq!(of("users.CSV"), Some(Format::Csv));
    assert_eq!(of("users.jsonl"), Some(Format::JsonLines));
    assert_eq!(
        (of("users.json"), of("users"), of("users.txt")),
        (None, None, None)
    );
    let (found, _) = all(b"oops\n{\"id\":\"a\"}\n", Some(Format::JsonLines)).unwrap();
    assert_eq!(summary(&found), ["line:1 NotJson", "2 a"]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.csv");
    std::fs::write(&path, DOWNLOAD).unwrap();
    assert_eq!(open(&path).unwrap().format(), Format::Csv);
    assert!(matches!(
        open(&folder.path().join("none")),
        Err(NotAList::Unreadable(_))
    ));
    assert!(matches!(open(folder.path()), Err(NotAList::Unreadable(_))));
}

#[test]
fn utf16_is_read_as_spreadsheets_write_it() {
    let text = "\u{feff}displayName\tid\r\nÜnal 田\t1\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (found, _) = all(&bytes, None).unwrap();
    assert_eq!(summary(&found), ["2 1"]);
}

/// Gives `text` over and over, then fails if it is told to: nobody holds such a list in memory.
struct Endless {
    text: &'static [u8],
    left: u64,
    fails: bool,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.fails {
            return Err(io::Error::other("unplugged"));
        }
        let count = if self.left == 0 {
            0
        } else {
            self.text.len().min(into.len())
        };
        self.left = self.left.saturating_sub(1);
        into[..count].copy_from_slice(&self.text[..count]);
        Ok(count)
    }
}

#[test]
fn nothing_is_read_before_it_is_asked_for() {
    let list = Endless {
        text: b"{\"id\":\"a\"}\n",
        left: u64::MAX,
        fails: false,
    };
    let found: Result<Vec<_>, _> = read(BufReader::new(list), None).unwrap().take(3).collect();
    assert_eq!(summary(&found.unwrap()), ["1 a", "2 a", "3 a"]);
}

#[test]
fn what_cannot_be_read_on_says_where() {
    let list = Endless {
        text: b"{\"id\":\"a\"}\n",
        left: 4,
        fails: true,
    };
    let mut reader = read(BufReader::new(list), None).unwrap();
    assert_eq!(reader.by_ref().take(4).filter(Result::is_ok).count(), 4);
    let end = reader.next().unwrap().unwrap_err();
    assert!(
        matches!(end, ReadError::Unreadable { line: 4, .. }),
        "{end}"
    );
    assert!(reader.next().is_none());
}

#[test]
fn a_reader_can_go_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&read("id".as_bytes(), None).unwrap());
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(".{0,8}", json_value(), 0..5).prop_map(Map::from_iter)
}

fn asset() -> impl Strategy<Value = Asset> {
    let adapter = (
        "[a-z_]{1,12}",
        prop::option::of("[a-z]{1,8}"),
        fields(),
        fields(),
    )
        .prop_map(|(adapter, connection, data, mut other)| {
            other.retain(|name, _| !["adapter", "connection", "data"].contains(&name.as_str()));
            AdapterData {
                adapter,
                connection,
                data,
                other,
            }
        });
    let id = "\\PC{1,40}".prop_filter_map("no id", |text| {
        AssetId::new(text).ok().filter(|id| !id.is_of_line())
    });
    (
        id,
        "[a-z]{1,8}",
        prop::collection::vec(".{0,8}", 0..3),
        prop::collection::vec(adapter, 0..3),
        fields(),
    )
        .prop_map(|(id, kind, labels, adapters, mut other)| {
            other.retain(|name, _| !["id", "type", "labels", "adapters"].contains(&name.as_str()));
            Asset {
                id,
                kind,
                labels,
                adapters,
                other,
                unsaid: Unsaid::default(),
            }
        })
}

fn any_format() -> impl Strategy<Value = Option<Format>> {
    prop::sample::select(vec![
        None,
        Some(Format::Csv),
        Some(Format::JsonArray),
        Some(Format::JsonLines),
    ])
}

proptest! {
    #[test]
    fn any_bytes_give_bounded_entries(bytes in prop::collection::vec(any::<u8>(), 0..400), format in any_format()) {
        check_bounds(&bytes, format)?;
    }

    #[test]
    fn any_text_of_lists_gives_bounded_entries(
        start in prop::sample::select(vec!["", "[", "{", "id,name\n", "upn;x\r\n", "\u{feff}id\n"]),
        text in r#"([\[\]{}",:;\\\r\n]|"id":"[a-z]"|null|ü|[a-z ]){0,60}"#,
        format in any_format(),
    ) {
        check_bounds(format!("{start}{text}").as_bytes(), format)?;
    }

    #[test]
    fn an_asset_survives_its_line(asset in asset()) {
        let line = serde_json::to_vec(&asset).unwrap();
        let (found, _) = all(&line, None).unwrap();
        prop_assert_eq!(found, [Entry::Asset { line: 1, asset }]);
    }

    #[test]
    fn an_array_holds_what_its_lines_hold(values in prop::collection::vec(prop_oneof![
        json_value(),
        asset().prop_map(|asset| serde_json::to_value(asset).unwrap_or_default()),
        ".{0,6}".prop_map(|id| json!({ "id": id })),
    ], 1..8), chunk in 1_usize..40) {
        let texts: Vec<String> = values.iter().map(Value::to_string).collect();
        let lines = all(texts.join("\n").as_bytes(), Some(Format::JsonLines));
        // With an array first, a file promised as lines is refused as a whole.
        prop_assume!(lines.is_ok());
        let array = format!("[{}]", texts.join(",\n"));
        let reader = BufReader::with_capacity(chunk, Cursor::new(array.into_bytes()));
        let array: Vec<Entry> = read(reader, None).unwrap().map(Result::unwrap).collect();
        // Columns of the first line differ by the bracket before it, and no value here is broken JSON.
        prop_assert_eq!(array, lines.unwrap().0);
    }

    #[test]
    fn cells_are_read_as_they_were_written(
        rows in prop::collection::vec(("[a-z0-9]{1,8}", r#"[a-z",;\n ü]{0,8}"#), 1..6),
        chunk in 1_usize..20,
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "note"]).unwrap();
        for (id, note) in &rows {
            writer.write_record([id, note]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let reader = BufReader::with_capacity(chunk, Cursor::new(bytes));
        let found: Vec<Entry> = read(reader, None).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(found.len(), rows.len());
        for (entry, (id, note)) in found.iter().zip(&rows) {
            let Entry::Asset { asset, .. } = entry else { panic!("{entry:?}") };
            prop_assert_eq!(asset.id.as_str(), id);
            let found = asset.adapters[0].data.get("note").and_then(Value::as_str).unwrap_or_default();
            prop_assert_eq!(found, note.trim());
        }
    }
}

fn check_bounds(bytes: &[u8], format: Option<Format>) -> Result<(), TestCaseError> {
    let Ok((entries, _)) = all(bytes, format) else {
        return Ok(());
    };
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    prop_assert!(entries.len() <= bytes.len());
    let mut before = 0;
    for entry in &entries {
        prop_assert!(
            entry.line() >= before && entry.line() <= lines,
            "{:?}",
            entry
        );
        before = entry.line();
        prop_assert!((1..=AssetId::MAX_BYTES).contains(&entry.id().as_str().len()));
        if let Entry::Broken { reason, .. } = entry {
            let text = reason.to_string();
            prop_assert!(
                text.len() < 1000 && !text.chars().any(char::is_control),
                "{}",
                text
            );
            prop_assert!(reason != &Fault::Id(InvalidId::Blank) || text.contains("blank"));
        }
    }
    Ok(())
}
