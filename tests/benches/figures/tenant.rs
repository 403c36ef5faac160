//! An emulated tenant in a process of its own, so that its work is not counted as anybody's.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::FromArgMatches;
use entra_emulator::EmulatorArgs;
use tipstaff_tests::twin::Place;

use crate::Failed;

/// The first argument of the process that is the tenant.
pub(crate) const ROLE: &str = "tenant";

/// A tenant of made-up users, which ends with this value.
pub(crate) struct Tenant {
    child: Child,
    folder: tempfile::TempDir,
    place: Place,
}

impl Tenant {
    /// Starts a tenant with so many users, whose every answer takes at least so many milliseconds.
    pub(crate) fn start(users: usize, latency: u64) -> Result<Self, Failed> {
        Self::start_with(users, &["--latency", &latency.to_string()])
    }

    /// Starts a tenant with so many users, and further arguments of the emulator.
    pub(crate) fn start_with(users: usize, more: &[&str]) -> Result<Self, Failed> {
        let folder = folder()?;
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, "--port", "0", "--ready-json"])
            .args(["--users", &users.to_string()])
            .args(more)
            .arg("--ca-out")
            .arg(folder.path().join("ca.pem"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        fs::write(folder.path().join("place.json"), &line)?;
        // Made before it is known whether the line is good, so that the process ends in any case.
        let place = serde_json::from_str(&line);
        let mut tenant = Self {
            child,
            folder,
            place: Place {
                login_url: String::new(),
                graph_url: String::new(),
                ca_file: PathBuf::new(),
                tenant_id: String::new(),
                client_id: String::new(),
                client_secret: String::new(),
            },
        };
        tenant.place = place?;
        Ok(tenant)
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The file that says where it is.
    pub(crate) fn place_file(&self) -> PathBuf {
        self.folder.path().join("place.json")
    }

    /// A folder that goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        // One that ended already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The object id of the `number`th user, from 1.
pub(crate) fn user(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// A folder on a disk, as a state folder is; the system's temporary folder may be in memory.
pub(crate) fn folder() -> Result<tempfile::TempDir, Failed> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The process that is the tenant.
pub(crate) fn serve(arguments: &[String]) -> Result<(), Failed> {
    let matches = entra_emulator::command().try_get_matches_from(arguments)?;
    let args = EmulatorArgs::from_arg_matches(&matches)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(entra_emulator::serve(args))?)
}
