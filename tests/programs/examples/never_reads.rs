//! Takes no asset, and waits.

use tipstaff_programs::{
    Asset, Ending, Job, Outcome, Program, StreamReader, StreamWriter, monotonic_clock, program,
};

struct NeverReads;

impl Program for NeverReads {
    async fn run(_: Job, assets: StreamReader<Asset>, _: &mut StreamWriter<Outcome>) -> Ending {
        monotonic_clock::wait_for(u64::MAX).await;
        drop(assets);
        Ending::Complete
    }
}

program!(NeverReads);
