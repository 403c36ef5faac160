//! Revokes although it was told to simulate.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, object_id, outcome, program};

struct WetsADryRun;

impl Program for WetsADryRun {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        drop(job.revoke(&object_id(asset)).await);
        vec![outcome(
            &asset.id,
            Verdict::WouldEnforce,
            "done",
            "It would be done.",
        )]
    }
}

program!(WetsADryRun);
