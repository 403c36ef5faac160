//! Goes on signing in when its outcomes have ended, and keeps its ending to itself meanwhile.

use tipstaff_programs::{
    Asset, Connection, Ending, Finding, FutureReader, Guest, Job, Manifest, Mode, Outcome,
    StreamReader, act_well, export_action, manifest, sign_in, spawn_local, wit_future, wit_stream,
};

struct SendsAfterTheEnd;

impl Guest for SendsAfterTheEnd {
    fn describe() -> Manifest {
        manifest()
    }

    async fn check(_: Connection) -> Vec<Finding> {
        vec![]
    }

    async fn run(
        mode: Mode,
        settings: String,
        connection: Connection,
        mut assets: StreamReader<Asset>,
    ) -> (StreamReader<Outcome>, FutureReader<Ending>) {
        let (mut outcomes, reader) = wit_stream::new();
        let (ending, told) = wit_future::new(|| Ending::Complete);
        spawn_local(async move {
            let job = Job::begin(mode, settings, connection).await;
            while let Some(asset) = assets.next().await {
                outcomes.write_all(act_well(&job, &asset).await).await;
            }
            drop(outcomes);
            for _ in 0..1_000 {
                drop(sign_in(&job.connection).await);
            }
            drop(ending.write(Ending::Complete).await);
        });
        (reader, told)
    }
}

export_action!(SendsAfterTheEnd with_types_in tipstaff_programs);
