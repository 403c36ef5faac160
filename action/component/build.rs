//! Builds the first action for the sandbox's target, and the component that lists users.

use std::error::Error;
use std::path::PathBuf;
use std::{fs, process};

fn main() {
    let inputs = ["action/src", "action/Cargo.toml"];
    let kinds = [
        (guest_build::Which::Library, "revoke_user_sessions.wasm"),
        (
            guest_build::Which::LibraryWith("list-users"),
            "list_entra_users.wasm",
        ),
    ];
    for (which, name) in kinds {
        // One after the other: both are built to the same place, and copied from there.
        let built = guest_build::components("revoke-user-sessions", which, &inputs)
            .and_then(|copies| rename(&copies, name));
        if let Err(error) = built {
            // Cargo shows the standard error of a build script that fails.
            eprintln!("error: the component `{name}` could not be built: {error}");
            process::exit(1);
        }
    }
}

fn rename(copies: &[PathBuf], name: &str) -> Result<(), Box<dyn Error>> {
    let from = copies.first().ok_or("nothing was built")?;
    let to = from.with_file_name(format!("carried_{name}"));
    Ok(fs::rename(from, to)?)
}
