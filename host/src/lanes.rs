//! The accounts of lanes in the state folder: one small file each, which all processes on the folder read and write.
//!
//! A file is locked for the microseconds that it takes to read it, change the account and write it back. It is not
//! synchronised: after a power cut an account may be some seconds old, and the service's answers tell the rest.
//!
//! ```text
//! magic 8 │ version 4 │ key 32 │ wall clock 8 │ ticks 8 │ account │ checksum 8
//! ```

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tipstaff_egress::{ACCOUNT_BYTES, Account, LaneName, LanePlace, LaneStore};

use crate::state::{make_private, open_private};

mod clock;

use clock::Clock;

/// What a file begins with: what it is, and how the rest is laid out.
const MAGIC: &[u8; 12] = b"tipslane\x01\0\0\0";
const KEY: usize = MAGIC.len();
const CLOCK: usize = KEY + 32;
const ACCOUNT: usize = CLOCK + clock::BYTES;
const CHECKSUM: usize = ACCOUNT + ACCOUNT_BYTES;
const BYTES: usize = CHECKSUM + 8;

/// Whoever holds a file that long was stopped in the middle, and the others go on without it.
const LOCK_WAIT: Duration = Duration::from_millis(50);

/// The accounts in one folder.
#[derive(Debug)]
pub(crate) struct LaneFiles {
    folder: PathBuf,
}

impl LaneFiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl LaneStore for LaneFiles {
    fn open(&self, lane: &LaneName) -> Arc<dyn LanePlace> {
        // Names hold what a file's name cannot.
        let key: [u8; 32] = Sha256::digest(lane.as_str().as_bytes()).into();
        let name: String = key[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.folder.join(name);
        let file = open(&self.folder, &path);
        let kept = Kept {
            file: file.map_err(|error| warn(&path, &error)).ok(),
            account: Account::default(),
            changed: Instant::now(),
            is_well: true,
        };
        Arc::new(LaneFile {
            path,
            key,
            kept: Mutex::new(kept),
        })
    }
}

/// One account, and what this process last knew of it.
#[derive(Debug)]
struct LaneFile {
    path: PathBuf,
    key: [u8; 32],
    /// A lock of a file is its process's, so the threads of one have to come in turn by themselves.
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: Option<File>,
    /// What is gone by where the file cannot be used.
    account: Account,
    changed: Instant,
    /// A trouble is told of once, not with every request.
    is_well: bool,
}

impl LanePlace for LaneFile {
    fn change(&self, change: &mut dyn FnMut(&mut Account, Duration)) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        if let Some(mut file) = kept.file.as_ref() {
            match self.in_file(&mut file, change) {
                Ok(account) => {
                    kept.account = account;
                    kept.changed = Instant::now();
                    kept.is_well = true;
                    return;
                }
                Err(error) if kept.is_well => {
                    kept.is_well = false;
                    warn(&self.path, &error);
                }
                Err(_) => {}
            }
        }
        let passed = kept.changed.elapsed();
        kept.changed = Instant::now();
        change(&mut kept.account, passed);
    }
}

impl LaneFile {
    /// Changes the account in the file. An error means that `change` was not called.
    fn in_file(
        &self,
        file: &mut &File,
        change: &mut dyn FnMut(&mut Account, Duration),
    ) -> io::Result<Account> {
        let locked = Locked::new(file)?;
        let mut bytes = [0; BYTES];
        file.seek(SeekFrom::Start(0))?;
        let length = read_up_to(file, &mut bytes)?;
        let now = Clock::now();
        let (mut account, passed) = match self.parse(&bytes[..length]) {
            Some((account, changed)) => (account, now.since(&changed)),
            None => {
                if length > 0 {
                    tracing::warn!(
                        path = %self.path.display(),
                        "the account of a quota is torn, or none of this version: it is started anew"
                    );
                }
                (Account::default(), Duration::ZERO)
            }
        };
        change(&mut account, passed);
        self.write(&mut bytes, &account, &now);
        let written = file.seek(SeekFrom::Start(0));
        let written = written.and_then(|_| file.write_all(&bytes));
        drop(locked);
        // What was let through was let through, so this is no error for whoever asked.
        if let Err(error) = written {
            warn(&self.path, &error);
        }
        Ok(account)
    }

    fn parse(&self, bytes: &[u8]) -> Option<(Account, Clock)> {
        let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
        let is_ours = bytes[..KEY] == *MAGIC && bytes[KEY..CLOCK] == self.key;
        if !is_ours || bytes[CHECKSUM..] != checksum(&bytes[..CHECKSUM]) {
            return None;
        }
        let clock = Clock::from_bytes(bytes[CLOCK..ACCOUNT].try_into().ok()?);
        let account = Account::from_bytes(bytes[ACCOUNT..CHECKSUM].try_into().ok()?)?;
        Some((account, clock))
    }

    fn write(&self, bytes: &mut [u8; BYTES], account: &Account, now: &Clock) {
        bytes[..KEY].copy_from_slice(MAGIC);
        bytes[KEY..CLOCK].copy_from_slice(&self.key);
        bytes[CLOCK..ACCOUNT].copy_from_slice(&now.to_bytes());
        bytes[ACCOUNT..CHECKSUM].copy_from_slice(&account.to_bytes());
        let sum = checksum(&bytes[..CHECKSUM]);
        bytes[CHECKSUM..].copy_from_slice(&sum);
    }
}

/// A file that is locked as long as this is there.
struct Locked<'a>(&'a File);

impl<'a> Locked<'a> {
    fn new(file: &'a File) -> io::Result<Self> {
        let mut since = None;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => {}
            }
            if since.get_or_insert_with(Instant::now).elapsed() > LOCK_WAIT {
                return Err(io::Error::other(
                    "another process holds it and does not go on",
                ));
            }
            // Whoever holds it needs microseconds, or the processor.
            std::thread::yield_now();
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "the file of a quota could not be unlocked");
        }
    }
}

fn open(folder: &Path, path: &Path) -> io::Result<File> {
    make_private(folder)?;
    open_private(path)
}

/// As much as there is, at most as much as fits.
fn read_up_to(file: &mut &File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Tells torn files from whole ones; it is no protection against anybody.
fn checksum(bytes: &[u8]) -> [u8; 8] {
    let digest = Sha256::digest(bytes);
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest[..8]);
    sum
}

fn warn(path: &Path, trouble: &dyn std::fmt::Display) {
    tracing::warn!(
        path = %path.display(),
        %trouble,
        "the account of a quota cannot be shared with other runs; this run keeps its own"
    );
}

#[cfg(test)]
mod tests;
