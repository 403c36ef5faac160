//! Everything that eats outside bytes: one function for each, which must neither panic nor break what stands in it.
//!
//! `make fuzz TARGET=url` lets a fuzzer loose on one; `make test` runs all of them over the kept corpora and some thousand
//! changed copies.

use std::io::Cursor;
use std::path::Path;

use jiff::Timestamp;
use tipstaff::connection::Config;
use tipstaff::enforcement::proof::{self, Known};
use tipstaff_asset::query::Terms;
use tipstaff_asset::{Entry, Query};
use tipstaff_dynamic::{Form, Statement};
use tipstaff_sandbox::{ComponentLimits, inspect};

/// A target's name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target that needs nothing but public interfaces.
pub const TARGETS: &[Target] = &[
    ("assets", assets),
    ("component", component),
    ("config", config),
    ("export", export),
    ("query", query),
    ("statement", statement),
];

/// What judges requests and answers, of which only parts are public.
#[cfg(fuzzing)]
pub const INNER: &[Target] = &[
    ("answer", tipstaff_egress::fuzzing::answer),
    ("batch", tipstaff_egress::fuzzing::batch),
    ("url", tipstaff_egress::fuzzing::url),
];

/// A list of assets in whatever form: every record is an asset or says why it is none, and lines are counted upwards.
fn assets(data: &[u8]) {
    let Ok(reader) = tipstaff_asset::read(Cursor::new(data.to_vec()), None) else {
        return;
    };
    let mut before = 0;
    for entry in reader {
        let Ok(entry) = entry else { return };
        assert!(entry.line() >= before, "lines are counted upwards");
        before = entry.line();
        if let Entry::Asset { asset, .. } = &entry {
            let id = asset.id.as_str();
            assert!(!id.is_empty() && id.len() <= 512 && !id.contains(char::is_control));
        }
    }
}

/// A component: read whole, nothing compiled.
fn component(data: &[u8]) {
    if let Ok(found) = inspect(data, &ComponentLimits::default()) {
        assert_eq!(found.size, data.len());
    }
}

/// A configuration file: what is wrong is on a line that it has.
fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Err(error) = Config::parse(text, Path::new("tipstaff.toml")) {
        let lines = text.split('\n').count();
        assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)));
    }
}

/// An exported run: the counts of one that is believed are those of its lines.
fn export(data: &[u8]) {
    if let Ok(found) = proof::verify(data, &Known::default()) {
        assert!(found.counts.total() <= data.split(|byte| *byte == b'\n').count() as u64);
    }
}

/// A query: read again from its own text it is the same, and what is wrong is at a place in the text.
fn query(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let terms = Terms {
        now: Timestamp::UNIX_EPOCH,
        saved: &[],
        catalog: None,
    };
    if let Ok(query) = Query::read(text, terms) {
        assert_eq!(query.text(), text);
    }
}

/// A statement: laid out it has the same meaning, and laying it out twice changes nothing.
fn statement(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(statement) = Statement::parse(text) else {
        return;
    };
    let tidy = statement.format();
    let again = Statement::parse(&tidy).map(|again| again.format());
    assert_eq!(again.ok().as_deref(), Some(tidy.as_str()), "{text:?}");
    let form = Form::from_schema(&serde_json::json!({
        "type": "object",
        "properties": { "a": { "type": "string" }, "b": { "type": "integer" } },
    }));
    if let Ok(program) = statement.check(Some(&form)) {
        assert!(
            program
                .targets()
                .iter()
                .all(|field| ["a", "b"].contains(field))
        );
    }
}
