//! Reports messages of four megabytes.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct HugeOutcomes;

impl Program for HugeOutcomes {
    async fn act(_: &Job, asset: &Asset) -> Vec<Outcome> {
        vec![outcome(
            &asset.id,
            Verdict::Failed,
            "not-done",
            &"x".repeat(4 << 20),
        )]
    }
}

program!(HugeOutcomes);
