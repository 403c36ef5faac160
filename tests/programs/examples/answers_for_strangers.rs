//! Reports an asset that it was not given.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct AnswersForStrangers;

impl Program for AnswersForStrangers {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        vec![outcome(
            "somebody-else",
            Verdict::Skipped,
            "done",
            "It was done before.",
        )]
    }
}

program!(AnswersForStrangers);
