//! Every target over its kept corpus, and over copies in which something was changed, cut, doubled or mixed.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;

use proptest::prelude::Rng;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tipstaff_fuzz::TARGETS;

/// Changed copies of each file of a corpus.
const COPIES: usize = 400;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Does one thing to `bytes`.
fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut TestRng) {
    let mut below = |most: usize| (rng.next_u64() % most.max(1) as u64) as usize;
    let at = below(bytes.len() + 1);
    match below(6) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, below(256) as u8),
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << below(8);
            }
        }
        3 => {
            let end = at + below(bytes.len() - at + 1);
            bytes.drain(at..end);
        }
        4 => {
            let end = at + below((bytes.len() - at + 1).min(64));
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        _ => {
            let from = below(other.len() + 1);
            let to = from + below((other.len() - from + 1).min(64));
            bytes.splice(at..at, other[from..to].iter().copied());
        }
    }
}

#[test]
fn no_target_stumbles() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has a corpus");
        let mut runner = TestRunner::new_with_rng(
            Config::default(),
            TestRng::deterministic_rng(RngAlgorithm::ChaCha),
        );
        let rng = runner.rng();
        for file in &files {
            target(file);
            for _ in 0..COPIES {
                let mut bytes = file.clone();
                for _ in 0..1 + rng.next_u32() % 4 {
                    let other = &files[(rng.next_u64() % files.len() as u64) as usize];
                    change(&mut bytes, other, rng);
                }
                target(&bytes);
            }
        }
    }
}
