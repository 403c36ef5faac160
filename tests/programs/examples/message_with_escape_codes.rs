//! Reports a message that would clear a terminal and turn text around.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, outcome, program};

struct MessageWithEscapeCodes;

impl Program for MessageWithEscapeCodes {
    async fn act(_: &Job, asset: &Asset) -> Vec<Outcome> {
        let message = "\u{1b}[2J\u{1b}[31mAll is well\u{202e}";
        vec![outcome(&asset.id, Verdict::Failed, "not-done", message)]
    }
}

program!(MessageWithEscapeCodes);
