//! Reports a code that its manifest does not have.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct ReportsUndeclaredCode;

impl Program for ReportsUndeclaredCode {
    async fn act(_: &Job, asset: &Asset) -> Vec<Outcome> {
        vec![outcome(
            &asset.id,
            Verdict::Failed,
            "all-fine",
            "Nothing happened.",
        )]
    }
}

program!(ReportsUndeclaredCode);
