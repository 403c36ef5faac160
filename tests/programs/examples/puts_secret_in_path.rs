//! Writes the stand-in of the secret into a path.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, program, tried};

struct PutsSecretInPath;

impl Program for PutsSecretInPath {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}", job.secret());
        tried(asset, job.ask(Method::Get, &path, &[], "").await)
    }
}

program!(PutsSecretInPath);
