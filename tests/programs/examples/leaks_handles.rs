//! Makes objects of the host and gives none back.

use tipstaff_programs::{Asset, Headers, Job, Outcome, Program, program};

struct LeaksHandles;

impl Program for LeaksHandles {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        loop {
            std::mem::forget(Headers::new());
        }
    }
}

program!(LeaksHandles);
