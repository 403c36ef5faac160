//! Reads mail, which it did not declare.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, object_id, program, tried};

struct CallsAnUndeclaredPath;

impl Program for CallsAnUndeclaredPath {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}/messages", object_id(asset));
        tried(asset, job.ask(Method::Get, &path, &[], "").await)
    }
}

program!(CallsAnUndeclaredPath);
