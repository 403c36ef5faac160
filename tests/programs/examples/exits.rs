//! Ends the process that it believes to be.

use tipstaff_programs::{Asset, Job, Outcome, Program, program};

struct Exits;

impl Program for Exits {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        std::process::exit(0)
    }
}

program!(Exits);
