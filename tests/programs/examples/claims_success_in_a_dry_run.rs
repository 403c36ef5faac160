//! Reports success where nothing may be done.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct ClaimsSuccessInADryRun;

impl Program for ClaimsSuccessInADryRun {
    async fn act(_: &Job, asset: &Asset) -> Vec<Outcome> {
        vec![outcome(
            &asset.id,
            Verdict::Succeeded,
            "done",
            "It is done.",
        )]
    }
}

program!(ClaimsSuccessInADryRun);
