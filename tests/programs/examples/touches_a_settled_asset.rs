//! Reports an asset, and revokes it afterwards.

use tipstaff_programs::{
    Asset, Ending, Job, Outcome, Program, StreamReader, StreamWriter, Verdict, logging, object_id,
    outcome, program,
};

struct TouchesASettledAsset;

impl Program for TouchesASettledAsset {
    async fn run(
        job: Job,
        mut assets: StreamReader<Asset>,
        outcomes: &mut StreamWriter<Outcome>,
    ) -> Ending {
        while let Some(asset) = assets.next().await {
            let skipped = outcome(
                &asset.id,
                Verdict::Skipped,
                "done",
                "There is nothing to do.",
            );
            outcomes.write_all(vec![skipped]).await;
            let report = match job.revoke(&object_id(&asset)).await {
                Ok(answer) => format!("it came through: {}", answer.status),
                Err(error) => format!("it did not come through: {error:?}"),
            };
            logging::log(logging::Level::Info, &report);
        }
        Ending::Complete
    }
}

program!(TouchesASettledAsset);
