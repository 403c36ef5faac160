//! Does its work, and ends with a sentence that has no end.

use tipstaff_programs::{
    Asset, Ending, Job, Outcome, Program, StreamReader, StreamWriter, act_well, program,
};

struct SaysTooMuchAtTheEnd;

impl Program for SaysTooMuchAtTheEnd {
    async fn run(
        job: Job,
        mut assets: StreamReader<Asset>,
        outcomes: &mut StreamWriter<Outcome>,
    ) -> Ending {
        while let Some(asset) = assets.next().await {
            outcomes.write_all(act_well(&job, &asset).await).await;
        }
        Ending::Stopped("and so on ".repeat(1_000))
    }
}

program!(SaysTooMuchAtTheEnd);
