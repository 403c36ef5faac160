//! Builds the first action for the sandbox's target, so that the command can carry it.
//!
//! The component is built by a cargo of its own, in a target folder of its own: the outer one holds the lock of its
//! folder, and its flags (coverage, lints, sanitizers) are for the host.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

const PACKAGE: &str = "revoke-user-sessions";
const TARGET: &str = "wasm32-wasip2";

/// What of `CARGO_*` says how to reach and keep packages, and not how to build the host. `CARGO_MAKEFLAGS` has the
/// outer cargo's job server, so that both together start no more compilers than there are cores.
const KEPT: &[&str] = &[
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_MAKEFLAGS",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];

/// What else would reach into the inner build.
const REMOVED: &[&str] = &[
    "CLIPPY_ARGS",
    "LLVM_PROFILE_FILE",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

fn main() {
    if let Err(error) = build() {
        // Cargo shows the standard error of a build script that fails.
        eprintln!("error: the action `{PACKAGE}` could not be built: {error}");
        process::exit(1);
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    for input in ["action", "wit", "Cargo.toml", "Cargo.lock"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    require_target()?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    // OUT_DIR is TARGET/PROFILE/build/PACKAGE-HASH/out: all profiles share one component.
    let folder = out
        .ancestors()
        .nth(4)
        .ok_or("OUT_DIR is not where cargo puts it")?
        .join("guest");
    run_cargo(&workspace, &folder)?;
    let built = folder
        .join(TARGET)
        .join("component")
        .join(format!("{}.wasm", PACKAGE.replace('-', "_")));
    let component = fs::read(&built).map_err(|error| format!("`{}`: {error}", built.display()))?;
    fs::write(out.join(format!("{PACKAGE}.wasm")), component)?;
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("`{name}` is not set"))
}

/// Says what to do about a missing target, which the compiler would say in a thousand lines.
fn require_target() -> Result<(), Box<dyn Error>> {
    let printed = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()?;
    let folder = String::from_utf8(printed.stdout)?;
    if printed.status.success() && Path::new(folder.trim()).is_dir() {
        Ok(())
    } else {
        Err(
            format!("target `{TARGET}` is not installed\n\nhint: rustup target add {TARGET}")
                .into(),
        )
    }
}

fn run_cargo(workspace: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(workspace)
        .args(["build", "--locked", "--lib", "--package", PACKAGE])
        .args(["--profile", "component", "--target", TARGET])
        .arg("--target-dir")
        .arg(folder);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let is_foreign = text.starts_with("CARGO") && !KEPT.iter().any(|k| text.starts_with(k));
        if is_foreign || REMOVED.contains(&text.as_ref()) {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo ended with {status}").into())
    }
}
