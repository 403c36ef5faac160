//! Deletes a user with an address that it may read.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, object_id, program, tried};

struct CallsAnUndeclaredMethod;

impl Program for CallsAnUndeclaredMethod {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}", object_id(asset));
        tried(asset, job.ask(Method::Delete, &path, &[], "").await)
    }
}

program!(CallsAnUndeclaredMethod);
