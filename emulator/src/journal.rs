//! What was asked and what was answered: one entry a request, with the parts of batches.
//!
//! An entry holds no header but `client-request-id`, no body, and no query of the sign-in side, so that no secret and no
//! token can be in it. The journal is bounded: old entries go.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// The most entries that are kept.
pub(crate) const KEPT: usize = 20_000;

/// One request and its answer.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JournalEntry {
    /// Counts the requests since the start or the last reset, from 1.
    pub number: u64,
    /// When it was answered, by the emulator's clock: `2026-02-25T21:21:51Z`.
    pub time: String,
    /// The request's method.
    pub method: String,
    /// Its path, and for Graph its query.
    pub path: String,
    /// The answer's status; 0 where the connection was broken instead.
    pub status: u16,
    /// The parts of a batch, in the order in which they were asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<JournalPart>,
    /// The caller's `client-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// The emulator's `request-id`.
    pub request_id: String,
    /// The fault that was injected, by its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// One part of a batch.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JournalPart {
    /// The part's id.
    pub id: String,
    /// Its method.
    pub method: String,
    /// Its address, as asked.
    pub url: String,
    /// Its answer's status; 0 where it was not answered.
    pub status: u16,
}

/// The entries, and the file that they are appended to.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Mutex<VecDeque<JournalEntry>>,
    requests: AtomicU64,
    parts: AtomicU64,
    file: Option<Mutex<File>>,
}

impl Journal {
    pub(crate) fn new(file: Option<File>) -> Self {
        Self {
            file: file.map(Mutex::new),
            ..Self::default()
        }
    }

    /// Takes an entry, and numbers it.
    pub(crate) fn add(&self, mut entry: JournalEntry) {
        entry.number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.parts
            .fetch_add(entry.parts.len() as u64, Ordering::Relaxed);
        if let Some(file) = &self.file
            && let Ok(mut line) = serde_json::to_vec(&entry)
        {
            line.push(b'\n');
            // A full disk must not break the answers; whoever reads the file sees the gap in the numbers.
            let _ = file
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write_all(&line);
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= KEPT {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// How many requests and parts there were.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (
            self.requests.load(Ordering::Relaxed),
            self.parts.load(Ordering::Relaxed),
        )
    }

    pub(crate) fn clear(&self) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.requests.store(0, Ordering::Relaxed);
        self.parts.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_entries_go_and_the_count_stays() {
        let journal = Journal::default();
        for _ in 0..KEPT + 5 {
            journal.add(JournalEntry {
                number: 0,
                time: String::new(),
                method: "GET".into(),
                path: "/".into(),
                status: 200,
                parts: Vec::new(),
                client_request_id: None,
                request_id: String::new(),
                fault: None,
            });
        }
        let entries = journal.entries();
        assert_eq!(entries.len(), KEPT);
        assert_eq!(entries.first().map(|entry| entry.number), Some(6));
        assert_eq!(journal.counts(), (KEPT as u64 + 5, 0));
    }
}
