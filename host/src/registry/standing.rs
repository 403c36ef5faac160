//! How a component stands: whether somebody said yes to it, and if not, how it differs from what somebody said yes to.

use std::path::PathBuf;

use jiff::Timestamp;
use tipstaff_sandbox::Action;

use super::book::{Approval, Book, Entry, Target, Yes};
use super::{Asks, Difference, RegistryError, short};
use crate::host::Host;

/// How a component stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// The program carries it: whoever trusts the program has approved it.
    Carried,
    /// The state folder has its approval.
    Approved {
        /// Since when.
        at: Timestamp,
        /// How the yes came about.
        how: Yes,
    },
    /// A file of approvals has it.
    InFile(PathBuf),
    /// Nobody said yes to it.
    NotApproved(Option<Box<Before>>),
}

impl Standing {
    /// Whether somebody said yes.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        !matches!(self, Self::NotApproved(_))
    }
}

/// A component of the same name that somebody said yes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// How the other one differs from it.
    pub difference: Difference,
}

impl Before {
    /// How the other one compares, as the rest of a sentence about it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let compared = match (&*self.difference.more, &*self.difference.less) {
            ([], []) => "it is another component, and asks for the same as",
            ([], _) => "it is another component, and asks for less than",
            _ => "it asks for more than",
        };
        let (version, digest) = (&self.version, short(&self.digest));
        format!("{compared} version {version} (sha-256 {digest}), which was approved")
    }
}

/// Whether the yes is also to what only the action says: see [`Asks::claims`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claims {
    /// It is.
    Believed,
    /// It is not: an action with such calls is not approved.
    NotBelieved,
}

impl Host {
    /// Everything that an action asks for.
    #[must_use]
    pub fn asks(&self, action: &Action) -> Asks {
        Asks::of(action.manifest(), action.inspection())
    }

    /// Whether somebody said yes to this component, and if not, how it differs from what somebody said yes to.
    ///
    /// # Errors
    ///
    /// The record of approvals cannot be believed, or the component describes itself in another way than when it was
    /// approved.
    pub async fn standing(&self, action: &Action) -> Result<Standing, RegistryError> {
        if self.is_bundled(action) {
            return Ok(Standing::Carried);
        }
        let book = self.inner.registry.book()?;
        let asks = self.asks(action);
        if let Some(approval) = book.approval(action.digest()) {
            held(action, &asks, &approval.asks)?;
            return Ok(Standing::Approved {
                at: approval.at,
                how: approval.how.clone(),
            });
        }
        let file = self.inner.approvals.as_ref();
        if let Some(entry) = file.and_then(|file| file.approval(action.digest())) {
            held(action, &asks, &entry.asks)?;
            let path = file.map(|file| file.path().to_owned()).unwrap_or_default();
            return Ok(Standing::InFile(path));
        }
        let before = self.before(&book, action, &asks).await;
        Ok(Standing::NotApproved(before.map(Box::new)))
    }

    /// What somebody said yes to under the same name: what is active, else what the program carries, else the last
    /// approval here or in the file.
    async fn before(&self, book: &Book, action: &Action, asks: &Asks) -> Option<Before> {
        let name = &action.manifest().name;
        let before = |version: &str, digest: &str, approved: &Asks| Before {
            version: version.to_owned(),
            digest: digest.to_owned(),
            difference: asks.beyond(approved),
        };
        let carries = !matches!(
            book.active(name).map(|active| &active.target),
            Some(Target::Installed(_))
        );
        if carries && let Ok(Some(carried)) = self.carried(name).await {
            let version = &carried.manifest().version;
            return Some(before(version, carried.digest(), &self.asks(&carried)));
        }
        if let Some(approval) = book.approved_before(name) {
            return Some(before(&approval.version, &approval.digest, &approval.asks));
        }
        let entry = self.inner.approvals.as_ref()?.of_name(name)?;
        Some(before(&entry.version, &entry.digest, &entry.asks))
    }

    /// Says yes to this component, for everything that it asks for. A yes that was said before stays as it is.
    ///
    /// The first version of an action that is installed starts by its name once it is approved.
    ///
    /// # Errors
    ///
    /// The yes cannot be kept, or does not reach as far as the action's claims.
    pub async fn approve(
        &self,
        action: &Action,
        claims: Claims,
    ) -> Result<Approval, RegistryError> {
        let asks = self.asks(action);
        if claims == Claims::NotBelieved && asks.claims().next().is_some() {
            return Err(RegistryError::Claims {
                name: action.manifest().name.clone(),
                calls: asks.claims().map(str::to_owned).collect(),
            });
        }
        let (host, action) = (self.clone(), action.clone());
        blocking(move || {
            host.inner.registry.change(|book| {
                if let Some(approval) = book.approval(action.digest()) {
                    held(&action, &asks, &approval.asks)?;
                    return Ok((Vec::new(), approval.clone()));
                }
                let at = Timestamp::now();
                let mut entries = vec![approved(book, &action, &asks, Yes::Said, at)];
                entries.extend(host.first(book, &action, at));
                let manifest = action.manifest();
                let approval = Approval {
                    at,
                    name: manifest.name.clone(),
                    version: manifest.version.clone(),
                    digest: action.digest().to_owned(),
                    asks: asks.into(),
                    how: Yes::Said,
                };
                Ok((entries, approval))
            })
        })
        .await
    }

    /// The line that makes an installed component start by its name, if none does yet.
    pub(super) fn first(&self, book: &Book, action: &Action, at: Timestamp) -> Option<Entry> {
        let name = &action.manifest().name;
        let none_is = book.active(name).is_none() && !self.bundled().any(|known| known == name);
        let is_first = none_is && book.component(action.digest()).is_some();
        is_first.then(|| Entry::Activated {
            at,
            name: name.clone(),
            target: Target::Installed(action.digest().to_owned()),
            trial: None,
        })
    }
}

/// The line that says yes to a component.
pub(super) fn approved(
    book: &Book,
    action: &Action,
    asks: &Asks,
    how: Yes,
    at: Timestamp,
) -> Entry {
    let manifest = action.manifest();
    let grant = asks.digest();
    Entry::Approved {
        at,
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        digest: action.digest().to_owned(),
        asks: (!book.knows(&grant)).then(|| asks.lines().map(str::to_owned).collect()),
        grant,
        how,
    }
}

/// Holds a component to what it was approved for. `describe` is the component's code: nothing forces it to say the same
/// each time.
pub(super) fn held(action: &Action, asks: &Asks, approved: &Asks) -> Result<(), RegistryError> {
    let difference = asks.beyond(approved);
    if difference.is_more() {
        return Err(RegistryError::Fickle {
            name: action.manifest().name.clone(),
            more: difference.more,
        });
    }
    Ok(())
}

/// Waits for the disk and for other processes on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RegistryError> + Send + 'static,
) -> Result<T, RegistryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}
