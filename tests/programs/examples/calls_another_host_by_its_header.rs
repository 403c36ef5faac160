//! Names a server of its own in the header `host` of a request that it declared.

use tipstaff_programs::{Asset, Job, Method, Outcome, Program, object_id, program, tried};

struct CallsAnotherHostByItsHeader;

impl Program for CallsAnotherHostByItsHeader {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}", object_id(asset));
        let host = job.target();
        let host = [("x-forwarded-host", host.trim_start_matches("https://"))];
        tried(asset, job.ask(Method::Get, &path, &host, "").await)
    }
}

program!(CallsAnotherHostByItsHeader);
