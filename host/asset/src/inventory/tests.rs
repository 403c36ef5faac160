//! The inventory as the host uses it, in files.

#![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::read::{Entry, ReadError, read};

fn entries(list: &str) -> impl Iterator<Item = Result<Entry, ReadError>> {
    read(io::Cursor::new(list.to_owned()), None).unwrap()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("inventory.db")
    }

    fn open(&self) -> Inventory {
        Inventory::open(&self.path()).unwrap()
    }
}

fn numbers(report: &ImportReport) -> [u64; 4] {
    [
        report.added,
        report.updated,
        report.unchanged,
        report.broken,
    ]
}

#[test]
fn an_import_counts_what_it_changed_and_can_be_repeated() {
    let folder = Folder::new();
    let list = "id,displayName\na,Ada\nb,Grace\n ,Nobody\n";
    let report = folder.open().import(entries(list)).unwrap();
    assert_eq!(numbers(&report), [2, 0, 0, 1]);
    assert_eq!(report.first_broken[0].line, 4);
    assert_eq!(
        numbers(&folder.open().import(entries(list)).unwrap()),
        [0, 0, 2, 1]
    );
    let changed = "{\"id\":\"a\",\"displayName\":\"Ada L.\"}\n{\"id\":\"c\"}\n{\"id\":\"c\"}\n";
    assert_eq!(
        numbers(&folder.open().import(entries(changed)).unwrap()),
        [1, 1, 1, 0]
    );
    let inventory = folder.open();
    assert_eq!(inventory.count().unwrap(), 3);
    let ada = inventory.get("a").unwrap().unwrap();
    assert_eq!(ada.adapters[0].data["display_name"], "Ada L.");
    assert_eq!(inventory.get("nobody").unwrap(), None);
}

#[test]
fn assets_come_back_as_they_were_given() {
    let line = concat!(
        r#"{"id":"b2374c0e","type":"device","labels":["ü"],"adapters":[{"adapter":"x_adapter","data":{"n":[1,{"a":null}]}},"#,
        r#"{"adapter":"x_adapter","connection":"two","data":{},"seen":1.5}],"custom":{"note":"\n"}}"#
    );
    let folder = Folder::new();
    folder.open().import(entries(line)).unwrap();
    let found = folder.open().get("b2374c0e").unwrap().unwrap();
    assert_eq!(serde_json::to_string(&found).unwrap(), line);
}

#[test]
fn many_assets_and_many_broken_records_make_several_batches() {
    let mut list = String::new();
    for number in 0..12_000 {
        list += &if number % 100 == 7 {
            "?\n".to_owned()
        } else {
            format!("{{\"id\":\"{number}\"}}\n")
        };
    }
    let folder = Folder::new();
    let mut inventory = folder.open();
    let report = inventory.import(entries(&list)).unwrap();
    assert_eq!(numbers(&report), [11_880, 0, 0, 120]);
    assert_eq!(report.first_broken.len(), 20);
    assert_eq!(inventory.count().unwrap(), 11_880);
}

#[test]
fn a_list_that_breaks_off_leaves_what_was_read() {
    let folder = Folder::new();
    let mut inventory = folder.open();
    let error = inventory
        .import(entries("[{\"id\":\"a\"},{\"id\":\"b\""))
        .unwrap_err();
    assert_eq!(numbers(error.report()), [1, 0, 0, 0]);
    assert!(error.hint().contains("cut off"));
    assert!(inventory.get("a").unwrap().is_some());
}

#[test]
fn a_selection_keeps_its_order_and_names_the_unknown() {
    let folder = Folder::new();
    let mut inventory = folder.open();
    inventory.import(entries("id\na\nb\nc\n")).unwrap();
    let found: Vec<String> = inventory
        .select(["c", "x", " a ", "", "c"])
        .unwrap()
        .map(|selected| match selected.unwrap() {
            Selected::Asset(asset) => asset.id.to_string(),
            Selected::Unknown { id } => format!("?{id}"),
        })
        .collect();
    assert_eq!(found, ["c", "?x", "a", "?", "c"]);
}

#[test]
fn near_misses_are_found_by_spelling_and_by_name() {
    let folder = Folder::new();
    let mut inventory = folder.open();
    let list = "id,userPrincipalName\nb2374c0e,ada@contoso.com\nb2374c0f,grace@contoso.com\n77777777,max@contoso.com\n";
    inventory.import(entries(list)).unwrap();
    assert_eq!(
        inventory.nearest("ada@contoso.com", 3).unwrap(),
        ["b2374c0e"]
    );
    assert_eq!(
        inventory.nearest("B2374C0F", 3).unwrap(),
        ["b2374c0f", "b2374c0e"]
    );
    assert_eq!(inventory.nearest("b237c40e", 1).unwrap(), ["b2374c0e"]);
    assert!(inventory.nearest("something else", 3).unwrap().is_empty());
    assert!(inventory.nearest("", 3).unwrap().is_empty());
}

#[test]
fn other_files_and_newer_ones_are_refused_and_left_alone() {
    let folder = Folder::new();
    fs::write(folder.path(), "id,name\n".repeat(1000)).unwrap();
    assert!(matches!(
        Inventory::open(&folder.path()),
        Err(InventoryError::NotAnInventory { .. })
    ));
    assert_eq!(fs::read_to_string(folder.path()).unwrap().len(), 8000);

    let folder = Folder::new();
    Connection::open(folder.path())
        .unwrap()
        .execute_batch("CREATE TABLE assets (x);")
        .unwrap();
    assert!(matches!(
        Inventory::open(&folder.path()),
        Err(InventoryError::NotAnInventory { .. })
    ));

    let folder = Folder::new();
    folder
        .open()
        .connection
        .pragma_update(None, "user_version", 2_000)
        .unwrap();
    let error = Inventory::open(&folder.path()).unwrap_err();
    assert!(error.to_string().contains("format 2000"), "{error}");

    let missing = folder.0.path().join("none").join("inventory.db");
    assert!(matches!(
        Inventory::open(&missing),
        Err(InventoryError::Unopened { .. })
    ));
}

#[test]
fn what_somebody_else_wrote_is_reported_as_damage() {
    let folder = Folder::new();
    let inventory = folder.open();
    inventory
        .connection
        .execute(
            "INSERT INTO assets (id, kind, body) VALUES ('a', 'user', '[]')",
            [],
        )
        .unwrap();
    assert!(matches!(
        inventory.get("a"),
        Err(InventoryError::Damaged { .. })
    ));
}

#[test]
fn two_may_open_and_import_at_once() {
    let folder = Folder::new();
    std::thread::scope(|scope| {
        for part in 0..4 {
            let path = folder.path();
            scope.spawn(move || {
                let list: String = (0..300)
                    .map(|n| format!("{{\"id\":\"{part}-{n}\"}}\n"))
                    .collect();
                let report = Inventory::open(&path)
                    .unwrap()
                    .import(entries(&list))
                    .unwrap();
                assert_eq!(report.added, 300);
            });
        }
    });
    assert_eq!(folder.open().count().unwrap(), 1200);
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let mode = || fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777;
    drop(folder.open());
    assert_eq!(mode(), 0o600);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o644)).unwrap();
    drop(folder.open());
    assert_eq!(mode(), 0o600);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// The two ways to answer: SQL with what remains read in part, and every asset read whole.
    #[test]
    fn the_inventory_finds_what_the_query_finds(
        list in crate::query::random::list(),
        queries in proptest::collection::vec(crate::query::random::query(), 20),
    ) {
        let folder = Folder::new();
        let mut inventory = folder.open();
        // Updates take the same way as what is new.
        let half: String = list.lines().take(5).map(|l| l.replace("vip", "gone") + "\n").collect();
        for list in [half, list.clone()].iter().filter(|list| !list.is_empty()) {
            inventory.import(entries(list)).unwrap();
        }
        for text in queries {
            let now = "2026-11-23T08:00:00Z".parse().unwrap();
            let terms = crate::query::Terms { now, saved: &[], catalog: None };
            let query = crate::query::Query::read(&text, terms).unwrap();
            let wanted: Vec<String> = list
                .lines()
                .filter(|line| query.matches(&serde_json::from_str(line).unwrap()))
                .map(|line| serde_json::from_str::<Asset>(line).unwrap().id.to_string())
                .collect();
            let mut found = Vec::new();
            inventory.find(&query, |asset| { found.push(asset.id.to_owned()); std::ops::ControlFlow::Continue(()) }).unwrap();
            proptest::prop_assert_eq!(&found, &wanted, "{}", text);
            proptest::prop_assert_eq!(inventory.count_matches(&query).unwrap(), wanted.len() as u64);
        }
    }
}

fn now() -> jiff::Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

#[test]
fn queries_are_saved_used_and_replaced() {
    let folder = Folder::new();
    let mut inventory = folder.open();
    let list =
        "{\"id\":\"a\",\"labels\":[\"vip\"],\"adapters\":[]}\n{\"id\":\"b\",\"adapters\":[]}\n";
    inventory.import(entries(list)).unwrap();
    let first = inventory
        .save_query("vips", "\"labels\" == \"x\"", now())
        .unwrap();
    let again = inventory
        .save_query("vips", "\"labels\" == \"vip\"", now())
        .unwrap();
    assert_eq!((first.id.len(), &again.id), (24, &first.id));
    inventory
        .save_query("others", "not {{QueryID=vips}}", now())
        .unwrap();
    let inventory = folder.open();
    let names: Vec<String> = inventory
        .saved_queries()
        .unwrap()
        .into_iter()
        .map(|q| q.name)
        .collect();
    assert_eq!(names, ["others", "vips"]);
    assert_eq!(
        inventory.saved_query(&first.id).unwrap(),
        Some(again.clone())
    );
    assert_eq!(inventory.saved_query("vips").unwrap(), Some(again));
    assert_eq!(inventory.saved_query("x").unwrap(), None);
    let query = inventory.query("{{QueryID=others}}", now()).unwrap();
    let ids: Vec<String> = inventory
        .into_matches(query)
        .unwrap()
        .map(|a| a.unwrap().id.to_string())
        .collect();
    assert_eq!(ids, ["b"]);
}

#[test]
fn a_wrong_query_is_not_saved_and_leaves_the_old_one() {
    let folder = Folder::new();
    let mut inventory = folder.open();
    inventory
        .import(entries("id,displayName\na,Ada\n"))
        .unwrap();
    let kept = inventory
        .save_query("a", "\"labels\" == \"x\"", now())
        .unwrap();
    inventory.save_query("b", "{{QueryID=a}}", now()).unwrap();
    for text in [
        "\"labels\"",
        "{{QueryID=b}}",
        "{{QueryID=none}}",
        "\"specific_data.data.nothing_like_it\" == 1",
    ] {
        assert!(
            matches!(
                inventory.save_query("a", text, now()),
                Err(SaveError::Query(QueryFailure::Wrong(_)))
            ),
            "{text}"
        );
    }
    for name in ["", " a", "a\nb", "{a}", &"a".repeat(129)] {
        assert!(
            matches!(
                inventory.save_query(name, "\"labels\" == 1", now()),
                Err(SaveError::Name(_))
            ),
            "{name}"
        );
    }
    assert!(matches!(
        inventory.save_query(&kept.id, "\"labels\" == 1", now()),
        Err(SaveError::Taken { .. })
    ));
    assert_eq!(inventory.saved_queries().unwrap()[0], kept);
}

#[test]
fn fields_are_known_from_what_was_imported() {
    let folder = Folder::new();
    let text = "\"specific_data.data.legal_hold\" == \"x\"";
    assert!(
        folder.open().query(text, now()).is_ok(),
        "nothing is known of an empty inventory"
    );
    folder
        .open()
        .import(entries("id,displayName\na,Ada\n"))
        .unwrap();
    assert!(matches!(
        folder.open().query(text, now()),
        Err(QueryFailure::Wrong(_))
    ));
    folder
        .open()
        .import(entries("id,legalHold\nb,x\n"))
        .unwrap();
    assert!(folder.open().query(text, now()).is_ok());
}

#[test]
fn what_is_no_asset_ends_a_search() {
    let folder = Folder::new();
    let inventory = folder.open();
    let sql = "INSERT INTO assets (id, kind, body) VALUES ('a', 'user', '[]')";
    inventory.connection.execute(sql, []).unwrap();
    let query = inventory
        .query("not (\"specific_data.data.mail\" == 1)", now())
        .unwrap();
    assert!(matches!(
        inventory.count_matches(&query),
        Err(InventoryError::Damaged { .. })
    ));
    assert!(matches!(
        inventory.into_matches(query).unwrap().next(),
        Some(Err(InventoryError::Damaged { .. }))
    ));
}

/// The other process of the test below: imports until it is killed.
#[test]
fn imports_for_ever_when_it_is_told_where() {
    let Some(path) = std::env::var_os("TIPSTAFF_TEST_IMPORT") else {
        return;
    };
    let mut inventory = Inventory::open(&PathBuf::from(path)).unwrap();
    let endless = (0..u64::MAX).map(|number| {
        let asset: Asset = serde_json::from_value(of_number(number)).unwrap();
        Ok(Entry::Asset {
            line: number + 1,
            asset,
        })
    });
    inventory.import(endless).unwrap();
}

fn of_number(number: u64) -> serde_json::Value {
    serde_json::json!({"id": format!("{number}"), "labels": [format!("label {}", number % 7)], "adapters": [
        {"adapter": "x_adapter", "data": {"number": number, format!("field_{}", number % 5_000): "x"}}]})
}

#[test]
fn an_import_that_is_killed_leaves_whole_assets_and_can_be_done_again() {
    let folder = Folder::new();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["imports_for_ever_when_it_is_told_where", "--nocapture"])
        .env("TIPSTAFF_TEST_IMPORT", folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Until some were stored; then it is in the middle of others.
    while folder.open().count().unwrap() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut inventory = folder.open();
    let count = inventory.count().unwrap();
    assert!(count > 0 && count.is_multiple_of(5_000), "{count}");
    let sound: String = inventory
        .connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let labelled = inventory.query("\"labels\" == \"label 3\"", now()).unwrap();
    assert_eq!(
        inventory.count_matches(&labelled).unwrap(),
        (0..count).filter(|number| number % 7 == 3).count() as u64
    );
    assert!(inventory.catalog().unwrap().knows(None, "field_4999"));
    let list: String = (0..count + 10)
        .map(|n| of_number(n).to_string() + "\n")
        .collect();
    let report = inventory.import(entries(&list)).unwrap();
    assert_eq!(numbers(&report), [10, 0, count, 0]);
}

fn origin(connection: &str) -> Origin {
    Origin {
        adapter: "azure_ad_adapter".to_owned(),
        connection: connection.to_owned(),
        account: format!("account of {connection}"),
    }
}

fn there(identity: &str, data: serde_json::Value) -> Change {
    let mut data = data.as_object().unwrap().clone();
    data.insert("id".to_owned(), identity.into());
    Change::There {
        identity: identity.to_owned(),
        data,
    }
}

#[test]
fn a_fetch_touches_one_connection_and_keeps_what_it_does_not_speak_of() {
    let folder = Folder::new();
    let mut inventory = folder.open();
    let mut fetching = inventory.fetch(origin("one")).unwrap();
    fetching.anew().unwrap();
    let ada = serde_json::json!({"mail": "ada@contoso.com", "note": "x"});
    fetching
        .apply(vec![there("1", ada), there("2", serde_json::json!({}))])
        .unwrap();
    assert_eq!(fetching.finish("a").unwrap().added, 2);
    let mut fetching = inventory.fetch(origin("two")).unwrap();
    assert_eq!(fetching.link(), None);
    fetching.anew().unwrap();
    fetching
        .apply(vec![there("1", serde_json::json!({}))])
        .unwrap();
    // The same id in another tenant is the asset of that id, and another entity of it.
    assert_eq!(fetching.finish("b").unwrap().updated, 1);
    assert_eq!(inventory.get("1").unwrap().unwrap().adapters.len(), 2);

    let mut fetching = inventory.fetch(origin("one")).unwrap();
    assert_eq!(fetching.link(), Some("a"));
    let gone = Change::Gone {
        identity: "nobody".to_owned(),
    };
    let changed = there("1", serde_json::json!({"mail": null, "age": 7}));
    fetching.apply(vec![changed, gone]).unwrap();
    assert_eq!(fetching.finish("c").unwrap().updated, 1);
    let ada = inventory.get("1").unwrap().unwrap();
    assert_eq!(
        serde_json::Value::from(ada.adapters[0].data.clone()),
        serde_json::json!({"id": "1", "note": "x", "age": 7})
    );

    let mut fetching = inventory.fetch(origin("one")).unwrap();
    fetching.anew().unwrap();
    fetching
        .apply(vec![there("2", serde_json::json!({}))])
        .unwrap();
    let report = fetching.finish("d").unwrap();
    assert_eq!(
        (report.unchanged, report.updated, report.removed),
        (1, 1, 0)
    );
    let ada = inventory.get("1").unwrap().unwrap();
    assert_eq!(ada.adapters.len(), 1);
    assert_eq!(ada.adapters[0].connection.as_deref(), Some("two"));
}

#[test]
fn a_fetch_that_breaks_off_keeps_what_it_brought_and_begins_again_where_it_did() {
    let folder = Folder::new();
    let mut inventory = folder.open();
    let begun = inventory.fetch(origin("one")).unwrap();
    begun.finish("a").unwrap();
    let mut fetching = inventory.fetch(origin("one")).unwrap();
    fetching.anew().unwrap();
    fetching
        .apply(vec![there("1", serde_json::json!({}))])
        .unwrap();
    drop(fetching);
    assert_eq!(inventory.count().unwrap(), 1);
    let mut fetching = inventory.fetch(origin("one")).unwrap();
    assert_eq!(fetching.link(), Some("a"));
    fetching
        .apply(vec![there("1", serde_json::json!({}))])
        .unwrap();
    assert_eq!(fetching.finish("b").unwrap().unchanged, 1);
    let other = Origin {
        account: "another tenant".to_owned(),
        ..origin("one")
    };
    assert_eq!(inventory.fetch(other).unwrap().link(), None);
}
