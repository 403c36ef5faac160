//! Crashes over its first asset.

use tipstaff_programs::{Asset, Job, Outcome, Program, program};

struct TrapsInRun;

impl Program for TrapsInRun {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        panic!("it goes no further")
    }
}

program!(TrapsInRun);
