//! Leaves a path that it declared by dots that a server may resolve.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, object_id, program, tried};

struct ClimbsOutOfItsPath;

impl Program for ClimbsOutOfItsPath {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}/../../beta/users/%2e%2e", object_id(asset));
        tried(asset, job.ask(Method::Get, &path, &[], "").await)
    }
}

program!(ClimbsOutOfItsPath);
