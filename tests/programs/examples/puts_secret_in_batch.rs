//! Writes the stand-in of the secret into the address of a part.

use tipstaff_programs::{Asset, Job, Outcome, Program, object_id, program, tried};

struct PutsSecretInBatch;

impl Program for PutsSecretInBatch {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let url = format!("/users/{}?$select={}", object_id(asset), job.secret());
        tried(asset, job.batch(&[("GET", &url)]).await)
    }
}

program!(PutsSecretInBatch);
