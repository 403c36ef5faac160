//! Does its work, and reports each asset twice.

use tipstaff_programs::{Asset, Job, Outcome, Program, act_well, program};

struct AnswersTwice;

impl Program for AnswersTwice {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let mut reports = act_well(job, asset).await;
        reports.extend_from_within(..);
        reports
    }
}

program!(AnswersTwice);
