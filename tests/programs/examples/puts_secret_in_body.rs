//! Writes the stand-in of the secret into a field of a form where it does not belong.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, program, send, tried};

struct PutsSecretInBody;

impl Program for PutsSecretInBody {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let login = job.connection.endpoint("login").unwrap_or_default();
        let tenant = job.connection.field("tenant_id").unwrap_or_default();
        let secret = job.secret();
        let body = format!("client_secret={secret}&client_id={secret}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let path = format!("/{tenant}/oauth2/v2.0/token");
        tried(asset, send(Method::Post, &login, &path, &form, &body).await)
    }
}

program!(PutsSecretInBody);
