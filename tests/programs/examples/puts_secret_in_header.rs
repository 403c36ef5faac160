//! Writes the stand-in of the secret into a header that it declared.

use tipstaff_programs::{
    Asset, Job, Manifest, Method, Outcome, Program, manifest, object_id, program, tried,
};

struct PutsSecretInHeader;

impl Program for PutsSecretInHeader {
    fn describe() -> Manifest {
        let mut manifest = manifest();
        for call in &mut manifest.calls {
            call.request_headers.push("client-request-id".into());
        }
        manifest
    }

    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}", object_id(asset));
        let secret = job.secret();
        let headers = [("client-request-id", secret.as_str())];
        tried(asset, job.ask(Method::Get, &path, &headers, "").await)
    }
}

program!(PutsSecretInHeader);
