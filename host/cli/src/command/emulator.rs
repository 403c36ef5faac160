//! `tipstaff emulator`: the command `entra-emulator`, at hand.

use std::process::ExitCode;

use entra_emulator::{EmulatorArgs, ServeError};

use crate::diagnostic::{Failure, chain, exit};

pub(crate) async fn run(args: EmulatorArgs) -> Result<ExitCode, Failure> {
    entra_emulator::serve(args).await?;
    Ok(ExitCode::from(exit::DONE))
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::new(chain(&error)).hint(error.hint().unwrap_or_default())
    }
}
