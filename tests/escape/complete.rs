//! No program without a test.

use std::path::Path;

#[test]
fn every_program_has_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for file in tests.join("escape").read_dir().unwrap() {
        text += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    // Its versions are what tests/registry is about.
    text += &std::fs::read_to_string(tests.join("src/versions.rs")).unwrap();
    let mut programs = 0;
    for program in tests.join("programs/examples").read_dir().unwrap() {
        let path = program.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_uppercase();
        // Followed by something that ends the name, because one name can begin another.
        let tested = text
            .match_indices(&format!("program::{name}"))
            .any(|(at, found)| {
                !text[at + found.len()..].starts_with(|c: char| c == '_' || c.is_alphanumeric())
            });
        assert!(tested, "nothing in tests/escape tries `program::{name}`");
        programs += 1;
    }
    assert!(programs >= 40, "only {programs} programs were found");
}
