//! Keeps notes of what leaves: the audit, one line a call, and what somebody should hear of at once.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tipstaff_egress::{CallRecord, End, Owner, Waiting, Witness, WitnessError};

use super::desk::Clerk;
use super::event::RunEvent;

/// The audit of one run: `audit/RUN.jsonl` in the state folder.
pub(crate) struct Audit {
    file: Mutex<File>,
    path: PathBuf,
    prefix: String,
}

impl Audit {
    /// Opens the file, and adds to it if the run is gone on with.
    pub(crate) fn open(path: &Path, run: &str, action: &str) -> std::io::Result<Self> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        Ok(Self {
            file: Mutex::new(file),
            path: path.to_owned(),
            prefix: format!("{{\"run\":\"{run}\",\"action\":\"{action}\","),
        })
    }

    /// Writes a line at once, so that a host that is killed leaves what it had sent.
    fn write(&self, record: &CallRecord) {
        let line = record.to_json_line();
        let text = format!(
            "{}{}\n",
            self.prefix,
            line.strip_prefix('{').unwrap_or(&line)
        );
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(text.as_bytes()) {
            tracing::error!(path = %self.path.display(), %error, "the audit could not be written");
        }
    }
}

/// Where notes for people go.
pub(crate) type Tell = Arc<dyn Fn(RunEvent) + Send + Sync>;

/// The witness of one run.
pub(crate) struct Notes {
    audit: Audit,
    clerk: Option<Clerk>,
    tell: Tell,
    told: Mutex<HashSet<String>>,
}

/// Different troubles that are told of; a run that goes wrong in more ways has them in its audit.
const MOST_TROUBLES: usize = 20;

impl Notes {
    pub(crate) fn new(audit: Audit, clerk: Option<Clerk>, tell: Tell) -> Self {
        Self {
            audit,
            clerk,
            tell,
            told: Mutex::default(),
        }
    }
}

impl Witness for Notes {
    fn about_to_change<'a>(
        &'a self,
        owners: &'a [Owner],
    ) -> BoxFuture<'a, Result<(), WitnessError>> {
        Box::pin(async move {
            match &self.clerk {
                Some(clerk) => clerk.sent(owners.to_vec()).await.map_err(WitnessError),
                None => Err(WitnessError("nothing may be changed here".to_owned())),
            }
        })
    }

    fn called(&self, record: &CallRecord) {
        self.audit.write(record);
        let (message, hint) = match &record.end {
            End::Answered
            | End::GivenUp { .. }
            // Somebody stopped the run, and knows.
            | End::Refused { rule: "draining", .. } => return,
            End::Withheld { why } => (why, None),
            End::Refused { why, hint, .. } => (why, *hint),
            End::Failed { why, hint, .. } => (why, *hint),
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TROUBLES && told.insert(message.clone()) {
            (self.tell)(RunEvent::Warning {
                message: message.clone(),
                hint: hint.map(str::to_owned),
            });
        }
    }

    fn waiting(&self, waiting: Waiting) {
        (self.tell)(RunEvent::Waiting {
            lane: waiting.lane,
            left: waiting.until,
            why: waiting.why.to_string(),
        });
    }
}
