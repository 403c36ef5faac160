//! Revokes somebody whom it was not given.

use tipstaff_programs::{Asset, Job, Outcome, Program, program, tried};

struct TouchesAStranger;

impl Program for TouchesAStranger {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        tried(asset, job.revoke(&job.target()).await)
    }
}

program!(TouchesAStranger);
