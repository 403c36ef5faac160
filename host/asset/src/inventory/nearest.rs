//! What somebody may have meant by an id that is not in the inventory.
//!
//! For messages only: nothing acts on what is found here.

use rusqlite::Connection;
use serde_json::Value;

/// Longer texts are pasted, not mistyped.
const MAX_BYTES: usize = 128;

/// See [`super::Inventory::nearest`].
pub(super) fn nearest(
    connection: &Connection,
    text: &str,
    limit: usize,
) -> rusqlite::Result<Vec<String>> {
    if text.is_empty() || text.len() > MAX_BYTES {
        return Ok(Vec::new());
    }
    let mut found = with_value(connection, text, limit)?;
    for id in alike(connection, text, limit)? {
        if found.len() < limit && !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// Assets whose JSON has the very string `text`.
fn with_value(connection: &Connection, text: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    let quoted = Value::from(text).to_string();
    let mut statement = connection
        .prepare("SELECT id FROM assets WHERE instr(body, ?1) > 0 ORDER BY seq LIMIT ?2")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement
        .query_map(rusqlite::params![quoted, limit], |row| row.get(0))?
        .collect()
}

/// Assets whose ids differ from `text` in a few letters, nearest first.
fn alike(connection: &Connection, text: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    let wanted = text.to_lowercase();
    let most = (wanted.chars().count() / 4).clamp(1, 3);
    let letters = Letters::of(&wanted);
    let mut best: Vec<(usize, String)> = Vec::new();
    let mut statement = connection.prepare("SELECT id FROM assets")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Some(id) = row
            .get_ref(0)?
            .as_str()
            .ok()
            .filter(|id| id.len() <= 2 * MAX_BYTES)
        else {
            continue;
        };
        let folded = id.to_lowercase();
        if letters.differ_from(&folded) > most {
            continue;
        }
        let distance = strsim::osa_distance(&wanted, &folded);
        if distance <= most {
            let at = best.partition_point(|(other, _)| *other <= distance);
            if at < limit {
                best.insert(at, (distance, id.to_owned()));
                best.truncate(limit);
            }
        }
    }
    Ok(best.into_iter().map(|(_, id)| id).collect())
}

/// How often each letter occurs. Never says more than the edit distance, and is far quicker.
struct Letters([i32; 256]);

impl Letters {
    fn of(text: &str) -> Self {
        let mut counts = [0; 256];
        for c in text.chars() {
            if let Some(count) = counts.get_mut(c as usize % 256) {
                *count += 1;
            }
        }
        Self(counts)
    }

    fn differ_from(&self, text: &str) -> usize {
        let other = Self::of(text);
        let (mut more, mut fewer) = (0_u32, 0_u32);
        for (ours, theirs) in self.0.iter().zip(other.0) {
            let difference = ours.abs_diff(theirs);
            if *ours > theirs {
                more += difference
            } else {
                fewer += difference
            }
        }
        more.max(fewer) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn letters_never_say_more_than_the_distance(one in "[a-dü]{0,8}", other in "[a-dü]{0,8}") {
            prop_assert!(Letters::of(&one).differ_from(&other) <= strsim::osa_distance(&one, &other));
        }
    }
}
