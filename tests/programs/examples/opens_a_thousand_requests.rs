//! Asks the same thing a thousand times at once.

use tipstaff_programs::{
    Asset, Job, Method, Outcome, Program, Verdict, futures, object_id, outcome, program,
};

struct OpensAThousandRequests;

impl Program for OpensAThousandRequests {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let path = format!("/v1.0/users/{}", object_id(asset));
        let asked = (0..1_000).map(|_| job.ask(Method::Get, &path, &[], ""));
        let answered = futures::future::join_all(asked).await;
        let count = answered.iter().filter(|answer| answer.is_ok()).count();
        vec![outcome(
            &asset.id,
            Verdict::Failed,
            "not-done",
            &format!("{count} answers."),
        )]
    }
}

program!(OpensAThousandRequests);
