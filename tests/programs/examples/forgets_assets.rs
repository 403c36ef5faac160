//! Takes assets and says that it is done, without a word about any.

use tipstaff_programs::{Asset, Job, Outcome, Program, program};

struct ForgetsAssets;

impl Program for ForgetsAssets {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        vec![]
    }
}

program!(ForgetsAssets);
