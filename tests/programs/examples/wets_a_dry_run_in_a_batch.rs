//! Revokes in a batch although it was told to simulate.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, object_id, outcome, program};

struct WetsADryRunInABatch;

impl Program for WetsADryRunInABatch {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let id = object_id(asset);
        let parts = [
            ("GET", format!("/users/{id}")),
            ("POST", format!("/users/{id}/revokeSignInSessions")),
        ];
        let parts = parts
            .each_ref()
            .map(|(method, url)| (*method, url.as_str()));
        drop(job.batch(&parts).await);
        vec![outcome(
            &asset.id,
            Verdict::WouldEnforce,
            "done",
            "It would be done.",
        )]
    }
}

program!(WetsADryRunInABatch);
