//! Builds the first action for the sandbox's target.

use std::process;

fn main() {
    let built = guest_build::components(
        "revoke-user-sessions",
        guest_build::Which::Library,
        &["action/src", "action/Cargo.toml"],
    );
    if let Err(error) = built {
        // Cargo shows the standard error of a build script that fails.
        eprintln!("error: the action `revoke-user-sessions` could not be built: {error}");
        process::exit(1);
    }
}
