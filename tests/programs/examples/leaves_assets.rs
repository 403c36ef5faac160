//! Takes no asset, and says that it is done.

use tipstaff_programs::{
    Asset, Ending, Job, Outcome, Program, StreamReader, StreamWriter, program,
};

struct LeavesAssets;

impl Program for LeavesAssets {
    async fn run(_: Job, assets: StreamReader<Asset>, _: &mut StreamWriter<Outcome>) -> Ending {
        drop(assets);
        Ending::Complete
    }
}

program!(LeavesAssets);
