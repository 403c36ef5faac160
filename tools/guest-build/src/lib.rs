//! Builds components for the sandbox's target from build scripts, so that a program can carry them and tests run them.
//!
//! A component is built by a cargo of its own, in a target folder of its own: the outer one holds the lock of its
//! folder, and its flags (coverage, lints, sanitizers) are for the host.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

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

/// What to build of a package.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// Its library.
    Library,
    /// Its library, with a feature that makes another component of it.
    LibraryWith(&'static str),
    /// Every example.
    Examples,
}

/// Builds a package of this workspace, and copies its components to the `OUT_DIR` of the build script that calls this.
/// `inputs` are what it is built from, relative to the workspace. Gives the paths of the copies.
///
/// # Errors
///
/// The target is not installed, or the package cannot be built.
pub fn components(
    package: &str,
    which: Which,
    inputs: &[&str],
) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let workspace = workspace()?;
    for input in inputs.iter().chain(&["wit", "Cargo.toml", "Cargo.lock"]) {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    require_target()?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    // OUT_DIR is TARGET/PROFILE/build/PACKAGE-HASH/out: all profiles share the components.
    let folder = out
        .ancestors()
        .nth(4)
        .ok_or("OUT_DIR is not where cargo puts it")?
        .join("guest");
    run_cargo(&workspace, &folder, package, which)?;
    let built = folder.join(TARGET).join("component");
    let found = match which {
        Which::Library | Which::LibraryWith(_) => {
            vec![built.join(format!("{}.wasm", package.replace('-', "_")))]
        }
        Which::Examples => examples(&workspace, inputs, &built.join("examples"))?,
    };
    let copies = found.iter().map(|from| {
        let name = from.file_name().ok_or("a component without a name")?;
        let to = out.join(name);
        fs::copy(from, &to).map_err(|error| format!("`{}`: {error}", from.display()))?;
        Ok(to)
    });
    copies.collect()
}

fn workspace() -> Result<PathBuf, Box<dyn Error>> {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let found = package.ancestors().find(|f| f.join("Cargo.lock").exists());
    Ok(found.ok_or("no Cargo.lock above the package")?.to_owned())
}

/// Examples by their sources, because the folder of what was built remembers those that were removed.
fn examples(
    workspace: &Path,
    inputs: &[&str],
    built: &Path,
) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut names = Vec::new();
    for input in inputs {
        let Ok(entries) = fs::read_dir(workspace.join(input).join("examples")) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if let (Some(stem), Some("rs")) =
                (path.file_stem(), path.extension().and_then(|e| e.to_str()))
            {
                names.push(built.join(stem).with_extension("wasm"));
            }
        }
    }
    names.sort();
    Ok(names)
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

fn run_cargo(
    workspace: &Path,
    folder: &Path,
    package: &str,
    which: Which,
) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(workspace)
        .args(["build", "--locked", "--package", package])
        .args(match which {
            Which::Library => vec!["--lib"],
            Which::LibraryWith(feature) => vec!["--lib", "--features", feature],
            Which::Examples => vec!["--examples"],
        })
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
