//! Queries, saved ones and the inventory's fetch, as a script uses them: exit codes, and what is written where.

use crate::place::Place;

const SECRET: &str = "a-secret-of-the-application";

const ASSETS: &str = concat!(
    r#"{"id":"a","type":"user","labels":["vip"],"adapters":[{"adapter":"x_adapter","data":{"mail":"ada@contoso.com","seen":"2026-11-20"}}]}"#,
    "\n",
    r#"{"id":"b","adapters":[{"adapter":"x_adapter","data":{"mail":"grace@contoso.com","seen":"2026-11-22T08:00:00Z"}}]}"#,
    "\n",
);

async fn place() -> Place {
    let place = Place::new(SECRET).await;
    place.write("secret", SECRET);
    place.configure("client_secret = { file = \"secret\" }");
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_come_out_as_they_went_in() {
    let place = place().await;
    place.write("assets.jsonl", ASSETS);
    let imported = place.tipstaff(&["assets", "import", "assets.jsonl"]);
    assert_eq!(
        (imported.code, imported.out.as_str()),
        (0, "2 added, 0 updated, 0 unchanged, 0 broken\n")
    );
    let all = r#""internal_axon_id" == ({"$exists":true,"$ne":""})"#;
    let found = place.tipstaff(&["assets", "query", all, "--format", "jsonl"]);
    assert_eq!((found.code, found.out.as_str()), (0, ASSETS), "{found:?}");
    let recent = r#""specific_data.data.seen" >= date("NOW - 1d")"#;
    let count = ["assets", "query", recent, "--count", "--now", "2026-11-23"];
    let counted = place.tipstaff(&count);
    assert_eq!(
        (counted.code, counted.out.as_str()),
        (0, "1\n"),
        "{counted:?}"
    );
    let none = place.tipstaff(&["assets", "query", "\"labels\" == \"x\"", "--format", "json"]);
    assert_eq!((none.code, none.out.as_str()), (0, "[]\n"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_points_at_its_place_and_prints_nothing() {
    let place = place().await;
    place.write("assets.jsonl", ASSETS);
    place.tipstaff(&["assets", "import", "assets.jsonl"]);
    let run = [
        "run",
        "revoke-user-sessions",
        "--connection",
        "corp",
        "--yes",
        "--query",
    ];
    let slip = r#"not ("specific_data.data.mial" == "x")"#;
    for words in [
        vec!["assets", "query"],
        vec!["queries", "save", "q"],
        run.to_vec(),
    ] {
        let words: Vec<&str> = words.into_iter().chain([slip]).collect();
        let refused = place.tipstaff(&words);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
        for part in ["line 1, column 6", "^^^^", "`specific_data.data.mail`"] {
            assert!(refused.err.contains(part), "{refused:?}");
        }
    }
    assert_eq!(place.emulator.state().requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_queries_have_a_name_and_an_id() {
    let place = place().await;
    place.write("assets.jsonl", ASSETS);
    place.tipstaff(&["assets", "import", "assets.jsonl"]);
    assert_eq!(
        place
            .tipstaff(&["queries", "save", "vips", "\"labels\" == \"vip\""])
            .code,
        0
    );
    let shown = place.tipstaff(&["queries", "show", "vips", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    let id = shown["id"].as_str().unwrap();
    for reference in ["vips", id] {
        let run = place.tipstaff(&["queries", "run", reference, "--count"]);
        assert_eq!((run.code, run.out.as_str()), (0, "1\n"), "{run:?}");
        let others = format!("not ({{{{QueryID={reference}}}}})");
        let found = place.tipstaff(&["assets", "query", &others, "--count"]);
        assert_eq!(found.out, "1\n", "{found:?}");
    }
    assert!(place.tipstaff(&["queries", "list"]).out.contains(id));
    let missing = place.tipstaff(&["queries", "run", "vipz"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("did you mean `vips`?"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_fetched_and_found() {
    let place = place().await;
    let fetched = place.tipstaff(&["assets", "fetch", "--connection", "corp"]);
    assert_eq!(fetched.code, 0, "{fetched:?}");
    assert!(
        fetched
            .out
            .ends_with(" added, 0 updated, 0 unchanged, 0 removed\n"),
        "{fetched:?}"
    );
    let again = place.tipstaff(&["assets", "fetch", "--connection", "corp"]);
    assert_eq!(
        again.out, "0 added, 0 updated, 0 unchanged, 0 removed\n",
        "{again:?}"
    );
    let ada = r#""specific_data.data.username" == "ada@contoso.example""#;
    let query = ["assets", "query", ada, "--count"];
    assert_eq!(place.tipstaff(&query).out, "1\n");
    let unknown = place.tipstaff(&["assets", "fetch", "--connection", "crop"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
}
