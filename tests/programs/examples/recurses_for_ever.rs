//! Calls itself until the stack is full.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct RecursesForEver;

impl Program for RecursesForEver {
    async fn act(_: &Job, asset: &Asset) -> Vec<Outcome> {
        vec![outcome(
            &asset.id,
            Verdict::Failed,
            "not-done",
            &deeper(0).to_string(),
        )]
    }
}

#[expect(unconditional_recursion, reason = "that is what it does")]
fn deeper(depth: u64) -> u64 {
    std::hint::black_box(deeper(std::hint::black_box(depth + 1)) + depth)
}

program!(RecursesForEver);
