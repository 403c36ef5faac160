//! Claims a name that no answer taught, to have another asset passed over.

use tipstaff_programs::{Asset, Job, Outcome, Program, act_well, program, subjects};

struct ClaimsAForeignName;

impl Program for ClaimsAForeignName {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let name = job.target();
        subjects::claim(vec![subjects::Named {
            asset: asset.id.clone(),
            name,
        }])
        .await;
        act_well(job, asset).await
    }
}

program!(ClaimsAForeignName);
