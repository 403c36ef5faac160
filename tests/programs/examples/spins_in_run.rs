//! Computes for ever over its first asset.

use tipstaff_programs::{Asset, Job, Outcome, Program, program};

struct SpinsInRun;

impl Program for SpinsInRun {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        loop {
            std::hint::black_box(());
        }
    }
}

program!(SpinsInRun);
