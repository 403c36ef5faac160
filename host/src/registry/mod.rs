//! Which components may run, and which of them starts when an action is named: approvals, installed versions, upgrades.
//!
//! ```text
//! component ─ install ─▸ actions/DIGEST.wasm, compiled ─ approve ─ activate ─▸ what starts from then on
//!                                                                  rollback ◂┘
//! ```
//!
//! All of it is one sealed log in the state folder ([`log`]), and what the log says is a [`book`]. Every process on the
//! state folder looks whether the log grew when it starts something, so an activation needs no restart and no watcher;
//! what runs has its component already, and keeps it to its end.
//!
//! An approval is for a component, by the SHA-256 of its bytes, and for what the component asks for ([`Asks`]). A
//! component that changed is another one.

mod actions;
mod asks;
mod book;
mod fleet;
mod key;
mod log;
mod shelf;
mod standing;
mod trial;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

pub use actions::{Activation, Installation, Listed, Origin};
pub use asks::{Asks, Difference};
pub use book::{Approval, Installed, RollBack, Target, Yes};
pub use fleet::{ApprovalsError, ApprovalsFile, FileEntry};
pub use log::LogError;
pub(crate) use shelf::Shelf;
pub use standing::{Before, Claims, Standing};

use book::{Book, Entry};
use log::{Log, Mark, Stamp};

/// Why a component is not approved, installed or activated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The record of what was approved.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A newer release wrote a line.
    #[error("`{path}`, line {line}: this tipstaff does not know what it means ({reason})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What it stumbled over.
        reason: String,
    },
    /// The file of approvals.
    #[error(transparent)]
    Approvals(#[from] ApprovalsError),
    /// Nobody said yes to this component.
    #[error("action `{name}` {version} (sha-256 {digest}) is not approved{}", before.as_ref().map(|b| format!(": {}", b.sentence())).unwrap_or_default())]
    NotApproved {
        /// The action.
        name: String,
        /// Its version.
        version: String,
        /// The first digits of its component's digest.
        digest: String,
        /// How it differs from a component of the same name that was approved.
        before: Option<Box<Before>>,
    },
    /// Calls change something by their method, and only the action says that they do not.
    #[error("action `{name}` has calls of which only it says that they change nothing: {}", calls.join("; "))]
    Claims {
        /// The action.
        name: String,
        /// The calls.
        calls: Vec<String>,
    },
    /// The component described itself in another way when it was approved.
    #[error("action `{name}` asks for more than it did when it was approved, and is the same component: {}", more.join("; "))]
    Fickle {
        /// The action.
        name: String,
        /// What it asks for now and did not then.
        more: Vec<String>,
    },
    /// Another component has the same name and version.
    #[error("`{name}@{version}` is there already, with another component (sha-256 {digest})")]
    VersionTaken {
        /// The action.
        name: String,
        /// The version.
        version: String,
        /// The first digits of the digest of the one that is there.
        digest: String,
    },
    /// There is no such version.
    #[error("no action `{name}@{version}`")]
    NoSuchVersion {
        /// The action.
        name: String,
        /// The version.
        version: String,
        /// Which versions there are.
        known: Vec<String>,
    },
    /// Versions are installed, and none is active.
    #[error("no version of action `{name}` is active")]
    NoneActive {
        /// The action.
        name: String,
        /// The versions that are installed.
        known: Vec<String>,
    },
    /// There is nothing to go back to.
    #[error("action `{name}` has nothing to go back to: no other version was active before")]
    NothingBefore {
        /// The action.
        name: String,
    },
    /// The component cannot be kept in the state folder, or is not what was kept there.
    #[error("component `{path}` {reason}")]
    Component {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl RegistryError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let versions = |name: &str, known: &[String]| {
            let known: Vec<String> = known.iter().map(|v| format!("`{name}@{v}`")).collect();
            known.join(", ")
        };
        match self {
            Self::Log(error) => Some(error.hint()),
            Self::Newer { .. } => {
                Some("use the newer tipstaff, or another state folder (`--state DIR`)".to_owned())
            }
            Self::Approvals(error) => Some(error.hint().to_owned()),
            Self::NotApproved { .. } => Some(
                "nothing was sent: `tipstaff actions inspect X` shows what it asks for, and \
                 `tipstaff actions approve X` says yes to that"
                    .to_owned(),
            ),
            Self::Claims { .. } => Some(
                "such a call could change something in a simulation: ask its author why it is no GET; `tipstaff actions approve X --yes --yes-to-claims` takes the action's word for it"
                    .to_owned(),
            ),
            Self::Fickle { .. } => {
                Some("do not trust it, and tell its author; nothing was sent".to_owned())
            }
            Self::VersionTaken { .. } => {
                Some("a changed component needs a version of its own".to_owned())
            }
            Self::NoSuchVersion { name, known, .. } if !known.is_empty() => {
                Some(format!("there is {}", versions(name, known)))
            }
            Self::NoSuchVersion { .. } => Some("`tipstaff actions list` shows all".to_owned()),
            Self::NoneActive { name, known } => Some(format!(
                "`tipstaff actions activate NAME@VERSION` makes one start by its name: {}",
                versions(name, known)
            )),
            Self::NothingBefore { .. } => None,
            Self::Component { .. } => {
                Some("install it again from its file; nothing was sent".to_owned())
            }
        }
    }
}

/// The book of a state folder, as far as this process has read it.
#[derive(Debug)]
pub(crate) struct Registry {
    log: Log,
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// What this process has read and checked.
#[derive(Debug, Default)]
struct Seen {
    stamp: Option<Stamp>,
    end: Mark,
    book: Arc<Book>,
}

impl Registry {
    /// The registry in `folder`. Nothing is read yet, and nothing made before something is to be kept.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            path: folder.join("log.jsonl"),
            log: Log::new(folder),
            seen: Mutex::default(),
        }
    }

    /// What all lines say at this moment. Costs one look at the file's size and time as long as nothing was added, and
    /// then what was added.
    fn book(&self) -> Result<Arc<Book>, RegistryError> {
        let stamp = self.log.stamp()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match (seen.stamp, stamp) {
            (Some(before), Some(now)) if before == now => return Ok(Arc::clone(&seen.book)),
            // What does not fit is read again from the beginning, which says where it went wrong.
            (Some(before), Some(now)) if now.is_beyond(before) => {
                let grown = self.log.read(&seen.end).ok().and_then(|(texts, end)| {
                    let mut book = Book::clone(&seen.book);
                    self.add(&mut book, &texts, seen.end.lines()).ok()?;
                    Some((book, end))
                });
                if let Some((book, end)) = grown {
                    let book = Arc::new(book);
                    *seen = Seen { stamp, end, book };
                    return Ok(Arc::clone(&seen.book));
                }
            }
            // Without a stamp there is nothing to believe, or a log was removed that its head remembers.
            _ => {}
        }
        let (texts, end) = self.log.read(&Mark::default())?;
        let book = Arc::new(self.opened(&texts)?);
        *seen = Seen { stamp, end, book };
        Ok(Arc::clone(&seen.book))
    }

    /// Adds the lines that `decide` finds right after all lines of all processes.
    fn change<T>(
        &self,
        decide: impl FnOnce(&Book) -> Result<(Vec<Entry>, T), RegistryError>,
    ) -> Result<T, RegistryError> {
        self.log.change(|texts| {
            let book = self.opened(texts)?;
            let (entries, result) = decide(&book)?;
            let texts = entries
                .iter()
                .map(serde_json::to_string)
                .collect::<Result<_, _>>()
                .map_err(|error| LogError::Io {
                    path: self.path.clone(),
                    source: error.into(),
                })?;
            Ok((texts, result))
        })
    }

    fn opened(&self, texts: &[String]) -> Result<Book, RegistryError> {
        let mut book = Book::default();
        self.add(&mut book, texts, 0)?;
        Ok(book)
    }

    /// Adds lines to a book that has so many `before`.
    fn add(&self, book: &mut Book, texts: &[String], before: usize) -> Result<(), RegistryError> {
        for (text, line) in texts.iter().zip(before + 1..) {
            let newer = |reason: String| RegistryError::Newer {
                path: self.path.clone(),
                line,
                reason,
            };
            let entry = serde_json::from_str(text).map_err(|error| newer(error.to_string()))?;
            book.add(entry).map_err(|error| newer(error.0.to_owned()))?;
        }
        Ok(())
    }
}

/// The first digits of a digest: enough for people to compare.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
