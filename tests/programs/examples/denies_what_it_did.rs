//! Does its work, and reports that it did not begin.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, object_id, outcome, program};

struct DeniesWhatItDid;

impl Program for DeniesWhatItDid {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        drop(job.revoke(&object_id(asset)).await);
        vec![outcome(
            &asset.id,
            Verdict::NotAttempted,
            "not-done",
            "Nothing happened.",
        )]
    }
}

program!(DeniesWhatItDid);
