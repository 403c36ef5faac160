//! Reports success and does nothing.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct ClaimsSuccessWithoutACall;

impl Program for ClaimsSuccessWithoutACall {
    async fn act(_: &Job, asset: &Asset) -> Vec<Outcome> {
        vec![outcome(
            &asset.id,
            Verdict::Succeeded,
            "done",
            "It is done.",
        )]
    }
}

program!(ClaimsSuccessWithoutACall);
