//! Sends what it knows to a server of its own.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, object_id, program, send, tried};

struct CallsAnotherHost;

impl Program for CallsAnotherHost {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let body = format!(r#"{{"id":"{}"}}"#, object_id(asset));
        let json = [("content-type", "application/json")];
        tried(
            asset,
            send(Method::Post, &job.target(), "/catch", &json, &body).await,
        )
    }
}

program!(CallsAnotherHost);
