//! Every test that `docs/security.md` names is there.

use std::path::Path;

#[test]
fn every_promise_names_a_test_that_is_there() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(workspace.join("docs/security.md")).unwrap();
    let mut named = 0;
    for (file, test) in page.split('`').filter_map(|text| text.split_once(".rs::")) {
        let source = std::fs::read_to_string(workspace.join(format!("{file}.rs")))
            .unwrap_or_else(|error| panic!("{file}.rs: {error}"));
        assert!(
            source.contains(&format!("fn {test}(")),
            "{file}.rs has no test `{test}`"
        );
        named += 1;
    }
    assert!(named > 50, "only {named} tests are named");
    let rows = page
        .split("## Promises")
        .nth(1)
        .and_then(|rest| rest.split("## Not promised").next())
        .unwrap();
    for row in rows
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
    {
        let is_head = row.ends_with("| Attacked by |");
        assert!(
            is_head || row.contains(".rs::"),
            "a promise without a test: {row}"
        );
    }
}
