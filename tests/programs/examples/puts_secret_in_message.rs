//! Reports and logs the stand-ins of the secret and the token.

use tipstaff_programs::{Asset, Job, Outcome, Program, Verdict, logging, outcome, program};

struct PutsSecretInMessage;

impl Program for PutsSecretInMessage {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let text = format!("{} {}", job.secret(), job.token);
        logging::log(logging::Level::Info, &text);
        vec![outcome(&asset.id, Verdict::Failed, "not-done", &text)]
    }
}

program!(PutsSecretInMessage);
