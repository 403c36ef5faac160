//! The command `entra-emulator`.

use std::process::ExitCode;

use clap::FromArgMatches as _;
use entra_emulator::EmulatorArgs;

fn main() -> ExitCode {
    let args = match EmulatorArgs::from_arg_matches(&entra_emulator::command().get_matches()) {
        Ok(args) => args,
        Err(error) => error.exit(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let served = match runtime {
        Ok(runtime) => runtime.block_on(entra_emulator::serve(args)),
        Err(error) => {
            eprintln!("error: failed to start: {error}");
            return ExitCode::from(1);
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(hint) = error.hint() {
                eprintln!("\nhint: {hint}");
            }
            ExitCode::from(2)
        }
    }
}
