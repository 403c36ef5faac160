//! Hides somebody whom it was not given in a batch, behind one whom it was.

use tipstaff_programs::{Asset, Job, Outcome, Program, object_id, program, tried};

struct TouchesAStrangerInABatch;

impl Program for TouchesAStrangerInABatch {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let parts =
            [object_id(asset), job.target()].map(|id| format!("/users/{id}/revokeSignInSessions"));
        let parts = parts.each_ref().map(|url| ("POST", url.as_str()));
        tried(asset, job.batch(&parts).await)
    }
}

program!(TouchesAStrangerInABatch);
