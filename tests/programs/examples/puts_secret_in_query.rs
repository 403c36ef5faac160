//! Writes the stand-in of the secret into a query.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, object_id, program, tried};

struct PutsSecretInQuery;

impl Program for PutsSecretInQuery {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}?$select={}", object_id(asset), job.secret());
        tried(asset, job.ask(Method::Get, &path, &[], "").await)
    }
}

program!(PutsSecretInQuery);
