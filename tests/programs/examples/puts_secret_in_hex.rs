//! Writes the stand-in of the secret in hexadecimal digits into a query.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, object_id, program, tried};

struct PutsSecretInHex;

impl Program for PutsSecretInHex {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let secret: String = job.secret().bytes().map(|b| format!("{b:02x}")).collect();
        let path = format!("/v1.0/users/{}?$select={secret}", object_id(asset));
        tried(asset, job.ask(Method::Get, &path, &[], "").await)
    }
}

program!(PutsSecretInHex);
