//! Our row of `docs/comparison.md`, measured: `make comparison` prints it.
//!
//! Each aspect is tried with the product as an operator would set it up, against the emulator, and gives the claims that
//! held. The page may claim what held and nothing more; what holds and is not claimed is printed, and is no error.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has to stop"
)]

mod clouds;
mod doing;
mod ground;
mod guarding;
mod page;
mod signing_in;

use std::process::ExitCode;

/// What is claimed of an aspect, as far as it held, and what was seen.
pub(crate) struct Measured {
    /// The column of the page.
    aspect: &'static str,
    claims: Vec<&'static str>,
    seen: String,
}

impl Measured {
    /// Of these claims, those that held.
    pub(crate) fn new(
        aspect: &'static str,
        claims: impl IntoIterator<Item = (&'static str, bool)>,
        seen: impl Into<String>,
    ) -> Self {
        let held = claims.into_iter().filter(|(_, held)| *held);
        Self {
            aspect,
            claims: held.map(|(claim, _)| claim).collect(),
            seen: seen.into(),
        }
    }
}

fn main() -> ExitCode {
    // As other tests do: `--list` asks what there is, and a word asks for what has it in its name.
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--list") {
        println!("comparison: test");
        return ExitCode::SUCCESS;
    }
    let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    if !words.is_empty()
        && !words
            .iter()
            .any(|word| "comparison".contains(word.as_str()))
    {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let all = runtime.block_on(measure());
    for measured in &all {
        println!(
            "{}: {}\n    {}",
            measured.aspect,
            measured.claims.join(", "),
            measured.seen
        );
    }
    let wrong = page::compare(&all);
    for difference in &wrong {
        eprintln!("error: docs/comparison.md: {difference}");
    }
    println!("\n{} passed, {} failed", all.len(), wrong.len());
    if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn measure() -> Vec<Measured> {
    vec![
        signing_in::ways().await,
        clouds::all().await,
        doing::batch().await,
        doing::throttled().await,
        doing::failing().await,
        doing::results().await,
        guarding::dry_run().await,
        doing::concurrency().await,
        doing::encoding().await,
        doing::guests().await,
        doing::verification().await,
        guarding::sandbox().await,
    ]
}
