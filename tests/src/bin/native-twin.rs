//! `native-twin PLACE.json USER…`: the twin as a process of its own, for timing it from start to exit.

use std::error::Error;
use std::process::ExitCode;

use revoke_user_sessions::service::{Ending, Verdict};
use tipstaff_tests::twin::{Place, Twin};

fn main() -> ExitCode {
    match revoke() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn revoke() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments
        .next()
        .ok_or("no file that says where the tenant is")?;
    let place: Place = serde_json::from_str(&std::fs::read_to_string(place)?)?;
    let twin = Twin::new(place)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (ending, outcomes) = runtime.block_on(twin.run("{}", arguments));
    for outcome in &outcomes {
        println!("{} {} {}", outcome.asset, outcome.code, outcome.message);
    }
    match ending {
        Ending::Stopped(why) => Err(why.into()),
        Ending::Complete if outcomes.iter().all(|o| o.verdict == Verdict::Succeeded) => Ok(()),
        Ending::Complete => Err("not every user was revoked".into()),
    }
}
