//! Looks through all of its memory for what it must not hold: texts that the test names, and tokens.
//!
//! It is told each text with every byte turned, and compares turned bytes, so that the search itself puts none there.

use std::fmt::Write;

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, act_well, program};

const TURN: u8 = 0x5a;

struct SearchesItsMemory;

/// All of it but its first byte: no slice begins at address 0.
#[cfg(target_arch = "wasm32")]
fn memory() -> &'static [u8] {
    let length = core::arch::wasm32::memory_size(0) * 65_536 - 1;
    // SAFETY: linear memory is one piece from 0 to its size, it never shrinks, and nothing runs beside this.
    unsafe { std::slice::from_raw_parts(std::hint::black_box(1) as *const u8, length) }
}

/// Elsewhere it is only looked through by the compiler, and never runs.
#[cfg(not(target_arch = "wasm32"))]
fn memory() -> &'static [u8] {
    &[]
}

/// Texts of hexadecimal digits, with commas between.
fn turned(target: &str) -> Vec<Vec<u8>> {
    let byte = |text: &[u8]| {
        let text = std::str::from_utf8(text).unwrap_or_default();
        u8::from_str_radix(text, 16).unwrap_or_default()
    };
    target
        .split(',')
        .map(|text| text.as_bytes().chunks(2).map(byte).collect())
        .collect()
}

fn is_here(memory: &[u8], text: &[u8]) -> bool {
    memory.windows(text.len()).any(|window| {
        window
            .iter()
            .zip(text)
            .all(|(here, turned)| here ^ TURN == *turned)
    })
}

/// Texts that begin as signed tokens do, and are not the stand-in of one.
fn tokens(memory: &[u8], stand_in: &str) -> usize {
    let begins: Vec<u8> = b"?#\x10".to_vec();
    memory
        .windows(begins.len())
        .enumerate()
        .filter(|(_, window)| {
            window
                .iter()
                .zip(&begins)
                .all(|(here, turned)| here ^ TURN == *turned)
        })
        .filter(|(at, _)| {
            let mut parts = stand_in.split('.').filter(|part| !part.is_empty());
            !parts.any(|part| is_of(&memory[*at..], part.as_bytes()))
        })
        .count()
}

/// Whether `here` begins as this part of the stand-in does. What was freed may have lost its end already; the first letters
/// are the audience, which a token's part shares, and then they differ.
fn is_of(here: &[u8], part: &[u8]) -> bool {
    const ENOUGH: usize = 64;
    let same = here.iter().zip(part).take_while(|(a, b)| a == b).count();
    same >= part.len().min(ENOUGH)
}

impl Program for SearchesItsMemory {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let mut outcomes = act_well(job, asset).await;
        let mut found = String::new();
        for (text, number) in turned(&job.target()).iter().zip(1..) {
            if is_here(memory(), text) {
                let _ = write!(found, " {number}");
            }
        }
        let tokens = tokens(memory(), &job.token);
        if let Some(outcome) = outcomes.first_mut() {
            let done = if matches!(outcome.verdict, Verdict::Succeeded) {
                "done"
            } else {
                "not done"
            };
            outcome.message = format!("{done}; texts:{found}; tokens: {tokens}");
        }
        outcomes
    }
}

program!(SearchesItsMemory);
