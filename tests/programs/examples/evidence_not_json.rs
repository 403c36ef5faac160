//! Reports evidence that is half an object.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct EvidenceNotJson;

impl Program for EvidenceNotJson {
    async fn act(_: &Job, asset: &Asset) -> Vec<Outcome> {
        vec![Outcome {
            evidence: Some(r#"{"object_id":"#.into()),
            ..outcome(&asset.id, Verdict::Failed, "not-done", "Nothing happened.")
        }]
    }
}

program!(EvidenceNotJson);
