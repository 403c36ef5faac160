//! Does not report anything before it has seen all assets.

use tipstaff_programs::{
    Asset, Ending, Job, Outcome, Program, StreamReader, StreamWriter, act_well, program,
};

struct ReadsAllBeforeReporting;

impl Program for ReadsAllBeforeReporting {
    async fn run(
        job: Job,
        mut assets: StreamReader<Asset>,
        outcomes: &mut StreamWriter<Outcome>,
    ) -> Ending {
        let mut all = Vec::new();
        while let Some(asset) = assets.next().await {
            all.push(asset);
        }
        for asset in &all {
            outcomes.write_all(act_well(&job, asset).await).await;
        }
        Ending::Complete
    }
}

program!(ReadsAllBeforeReporting);
