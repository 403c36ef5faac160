//! Waits for a time that does not come.

use tipstaff_programs::{Asset, Job, Outcome, Program, monotonic_clock, program};

struct SleepsForEver;

impl Program for SleepsForEver {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        monotonic_clock::wait_for(u64::MAX).await;
        vec![]
    }
}

program!(SleepsForEver);
