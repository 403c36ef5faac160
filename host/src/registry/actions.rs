//! Versions side by side: put there, made the one that starts, taken back.
//!
//! A version is compiled when it is installed, and loaded before it is made active; so no start waits for either.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use tipstaff_sandbox::{Action, Binary};

use super::book::{Active, Book, Entry, Installed, RollBack, Target, Yes};
use super::shelf::Take;
use super::standing::{Standing, approved, blocking, held};
use super::{RegistryError, short};
use crate::enforcement::ledger::RunRecord;
use crate::host::{Host, HostError};

/// A component that was put into the state folder.
#[derive(Debug)]
pub struct Installation {
    /// The action, ready to run.
    pub action: Action,
    /// Whether it was there already.
    pub was_there: bool,
    /// How it stands.
    pub standing: Standing,
    /// Whether it starts by its name.
    pub is_active: bool,
}

/// A version that starts by its name from now on.
#[derive(Debug)]
pub struct Activation {
    /// The action, ready to run.
    pub action: Action,
    /// Whether it did so already.
    pub was_active: bool,
    /// How it stands.
    pub standing: Standing,
}

/// Where a component comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program carries it.
    Program,
    /// The state folder has it.
    StateFolder,
}

/// A component that can be run by its name and version.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The action's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// A few words.
    pub title: String,
    /// The SHA-256 of the component.
    pub digest: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it starts by its name.
    pub is_active: bool,
    /// In how many of its first runs a fault rolls it back, if it is active on trial.
    pub trial: Option<u64>,
    /// Whether somebody said yes to it.
    pub is_approved: bool,
    /// How it was rolled back, if that was the last thing that happened under the name.
    pub rolled_back: Option<RollBack>,
    /// Runs with it that are under way now.
    pub under_way: u64,
}

/// What is meant by a name.
struct Meant {
    digest: String,
    is_carried: bool,
}

impl Host {
    /// The action that starts for `name`, or the one that `name@version` names; only if somebody said yes to it.
    ///
    /// Ask for it anew for each run: within a second of an activation or a step back, in this process or another, it is
    /// the other version. That costs a look at one file.
    ///
    /// # Errors
    ///
    /// There is none, it is not approved, or its component is not what was installed.
    pub async fn action(&self, name: &str) -> Result<Action, HostError> {
        let Some((name, version)) = name.split_once('@') else {
            return self.current(name).await;
        };
        let action = self.version(name, version).await?;
        match self.standing(&action).await? {
            Standing::NotApproved(before) => Err(not_approved(&action, before).into()),
            _ => Ok(action),
        }
    }

    /// The action that a run was made with, whatever starts by its name now.
    ///
    /// # Errors
    ///
    /// Its component is not kept any more.
    pub async fn action_of(&self, run: &RunRecord) -> Result<Action, HostError> {
        self.load_kept(&run.action, &run.digest).await
    }

    /// The action that starts for a name.
    pub(crate) async fn current(&self, name: &str) -> Result<Action, HostError> {
        let book = self.inner.registry.book()?;
        let Some(meant) = self.meant(&book, name) else {
            return Err(self.none_of(&book, name));
        };
        let took = self.shelf().take(name, &meant.digest);
        match took {
            Take::Wanted(action) => Ok(action),
            Take::Earlier { action, to_fetch } => {
                if to_fetch {
                    let (host, name) = (self.clone(), name.to_owned());
                    tokio::spawn(async move {
                        let fetched = host.fetch(&name, &meant).await;
                        if let Err(error) = &fetched {
                            tracing::warn!(action = name, %error, "the version that was activated cannot be loaded");
                        }
                        host.shelf().fetched(&meant.digest, fetched.is_ok());
                    });
                }
                Ok(action)
            }
            Take::Nothing => {
                let action = self.fetch(name, &meant).await?;
                // The next start finds it current.
                self.shelf().take(name, &meant.digest);
                Ok(action)
            }
        }
    }

    /// Loads what is meant by a name, and holds it to its approval.
    async fn fetch(&self, name: &str, meant: &Meant) -> Result<Action, HostError> {
        if meant.is_carried {
            let carried = self.carried(name).await?;
            return carried.ok_or_else(|| self.no_such_action(name));
        }
        let action = self.load_kept(name, &meant.digest).await?;
        let book = self.inner.registry.book()?;
        let Some(approval) = book.approval(action.digest()) else {
            return Err(not_approved(&action, None).into());
        };
        held(&action, &self.asks(&action), &approval.asks)?;
        Ok(action)
    }

    fn meant(&self, book: &Book, name: &str) -> Option<Meant> {
        if let Some(Active {
            target: Target::Installed(digest),
            ..
        }) = book.active(name)
        {
            return Some(Meant {
                digest: digest.clone(),
                is_carried: false,
            });
        }
        let carried = self.inner.bundled.iter().find(|b| b.name() == name)?;
        Some(Meant {
            digest: carried.digest().to_owned(),
            is_carried: true,
        })
    }

    fn none_of(&self, book: &Book, name: &str) -> HostError {
        let known: Vec<String> = book.versions(name).map(|i| i.version.clone()).collect();
        if known.is_empty() {
            return self.no_such_action(name);
        }
        let name = name.to_owned();
        RegistryError::NoneActive { name, known }.into()
    }

    /// The version of this name, approved or not.
    pub(crate) async fn version(&self, name: &str, version: &str) -> Result<Action, HostError> {
        let book = self.inner.registry.book()?;
        if let Some(found) = book.versions(name).find(|i| i.version == version) {
            return self.load_kept(name, &found.digest).await;
        }
        let carried = self.carried(name).await?;
        if let Some(carried) = &carried
            && carried.manifest().version == version
        {
            return Ok(carried.clone());
        }
        let known = book.versions(name).map(|i| i.version.clone());
        let known: Vec<String> = known
            .chain(carried.map(|carried| carried.manifest().version.clone()))
            .collect();
        if known.is_empty() {
            return Err(self.no_such_action(name));
        }
        let (name, version) = (name.to_owned(), version.to_owned());
        Err(RegistryError::NoSuchVersion {
            name,
            version,
            known,
        }
        .into())
    }

    /// Puts the component at `path` into the state folder and compiles it. It changes nothing that runs or starts; only
    /// the first version of an action that is approved already starts by its name.
    ///
    /// # Errors
    ///
    /// It is no action, another component has its name and version, or it cannot be kept.
    pub async fn install(&self, path: impl AsRef<Path>) -> Result<Installation, HostError> {
        let component = self.read_component(path.as_ref()).await?;
        let name = path.as_ref().to_string_lossy();
        self.install_bytes(&name, &component).await
    }

    /// The same from the bytes of a component. `name` is for messages.
    ///
    /// # Errors
    ///
    /// As [`Self::install`].
    pub async fn install_bytes(
        &self,
        name: &str,
        component: &[u8],
    ) -> Result<Installation, HostError> {
        let binary = Binary::of(component);
        let action = self.load_binary(name, &binary).await?;
        let manifest = action.manifest();
        if let Some(carried) = self.carried(&manifest.name).await?
            && carried.manifest().version == manifest.version
            && carried.digest() != action.digest()
        {
            return Err(taken(&action, carried.digest()).into());
        }
        if self.is_bundled(&action) {
            // What the program carries needs no copy: it is wherever the program is.
            let standing = self.standing(&action).await?;
            return self.installation(action, true, standing);
        }
        self.install_component(&binary)?;
        let size = component.len() as u64;
        let (host, put) = (self.clone(), action.clone());
        let was_there = blocking(move || {
            host.inner.registry.change(|book| {
                let manifest = put.manifest();
                if book.component(put.digest()).is_some() {
                    return Ok((Vec::new(), true));
                }
                let mut versions = book.versions(&manifest.name);
                if let Some(other) = versions.find(|i| i.version == manifest.version) {
                    return Err(taken(&put, &other.digest));
                }
                let at = Timestamp::now();
                let mut with_it = book.clone();
                let installed = Installed {
                    at,
                    name: manifest.name.clone(),
                    version: manifest.version.clone(),
                    title: manifest.title.clone(),
                    digest: put.digest().to_owned(),
                    size,
                };
                let mut entries = vec![Entry::Installed(installed)];
                if book.approval(put.digest()).is_some() {
                    entries.iter().cloned().for_each(|entry| {
                        // A new component follows from any book.
                        let _ = with_it.add(entry);
                    });
                    entries.extend(host.first(&with_it, &put, at));
                }
                Ok((entries, false))
            })
        })
        .await?;
        let standing = self.standing(&action).await?;
        self.installation(action, was_there, standing)
    }

    fn installation(
        &self,
        action: Action,
        was_there: bool,
        standing: Standing,
    ) -> Result<Installation, HostError> {
        let book = self.inner.registry.book()?;
        let is_active = self
            .meant(&book, &action.manifest().name)
            .is_some_and(|meant| meant.digest == action.digest());
        Ok(Installation {
            action,
            was_there,
            standing,
            is_active,
        })
    }

    /// Makes a version the one that starts by the name, from now on and in every process on the state folder. What runs
    /// goes on as it is. With `trial`, a version that crashes or breaks the contract in so many of its first runs is
    /// rolled back by the host.
    ///
    /// A version that asks for no more than what was approved under the name is approved by this; one that asks for more
    /// has to be approved before.
    ///
    /// # Errors
    ///
    /// There is no such version, or it asks for more than what was approved; what was active stays so.
    pub async fn activate(
        &self,
        name: &str,
        version: &str,
        trial: Option<u64>,
    ) -> Result<Activation, HostError> {
        let action = self.version(name, version).await?;
        let standing = self.standing(&action).await?;
        let how = match &standing {
            Standing::Carried | Standing::Approved { .. } => None,
            Standing::InFile(path) => Some(Yes::File(path.display().to_string())),
            Standing::NotApproved(Some(before)) if !before.difference.is_more() => {
                Some(Yes::NoMoreThan(before.digest.clone()))
            }
            Standing::NotApproved(before) => {
                return Err(not_approved(&action, before.clone()).into());
            }
        };
        let (host, put) = (self.clone(), action.clone());
        let was_active = blocking(move || {
            host.inner.registry.change(|book| {
                let name = &put.manifest().name;
                let meant = host.meant(book, name);
                if meant.is_some_and(|meant| meant.digest == put.digest()) {
                    return Ok((Vec::new(), true));
                }
                let at = Timestamp::now();
                let asks = host.asks(&put);
                let yes = how.map(|how| approved(book, &put, &asks, how, at));
                let target = if host.is_bundled(&put) {
                    Target::Carried
                } else {
                    Target::Installed(put.digest().to_owned())
                };
                let activated = Entry::Activated {
                    at,
                    name: name.clone(),
                    target,
                    trial,
                };
                Ok((yes.into_iter().chain([activated]).collect(), false))
            })
        })
        .await?;
        Ok(Activation {
            action,
            was_active,
            standing,
        })
    }

    /// Makes what was active before start by the name again.
    ///
    /// # Errors
    ///
    /// Nothing was.
    pub async fn rollback(&self, name: &str) -> Result<RollBack, HostError> {
        let (host, name) = (self.clone(), name.to_owned());
        let step = blocking(move || {
            host.inner.registry.change(|book| {
                let step = host.step_back(book, &name, Timestamp::now());
                match step {
                    Some(step) if step.to.is_some() => {
                        Ok((vec![Entry::RolledBack(step.clone())], step))
                    }
                    _ => Err(RegistryError::NothingBefore { name }),
                }
            })
        })
        .await?;
        Ok(step)
    }

    /// The step back from what is active now. None if nothing was activated.
    pub(super) fn step_back(&self, book: &Book, name: &str, at: Timestamp) -> Option<RollBack> {
        let from = book.active(name)?.target.clone();
        let carries = self.bundled().any(|known| known == name);
        let to = match book.before(name) {
            Some(before) => Some(before.target.clone()),
            None if carries && from != Target::Carried => Some(Target::Carried),
            None => None,
        };
        Some(RollBack {
            at,
            name: name.to_owned(),
            from,
            to,
            why: None,
        })
    }

    /// The words for a target: `name@version (sha-256 …)`.
    ///
    /// # Errors
    ///
    /// The record cannot be read.
    pub async fn describe_target(&self, name: &str, target: &Target) -> Result<String, HostError> {
        let known = match target {
            Target::Carried => self.carried(name).await?.map(|carried| {
                (
                    carried.manifest().version.clone(),
                    carried.digest().to_owned(),
                )
            }),
            Target::Installed(digest) => {
                let book = self.inner.registry.book()?;
                book.component(digest)
                    .map(|i| (i.version.clone(), i.digest.clone()))
            }
        };
        Ok(known.map_or_else(
            || format!("what the program carried as {name}"),
            |(version, digest)| format!("{name}@{version} (sha-256 {})", short(&digest)),
        ))
    }

    /// Everything that can be run by its name and version, by name, the oldest first.
    ///
    /// # Errors
    ///
    /// The record or the ledger cannot be read, or what the program carries is no action.
    pub async fn actions(&self) -> Result<Vec<Listed>, HostError> {
        let book = self.inner.registry.book()?;
        let mut under_way: HashMap<String, u64> = HashMap::new();
        for RunRecord { id, digest, .. } in self.inner.ledger.unended()? {
            if self.is_under_way(id) {
                *under_way.entry(digest).or_default() += 1;
            }
        }
        let mut listed = Vec::new();
        let names: Vec<String> = self.bundled().map(str::to_owned).collect();
        for name in names {
            if let Some(action) = self.carried(&name).await? {
                listed.push(Listed {
                    version: action.manifest().version.clone(),
                    title: action.manifest().title.clone(),
                    digest: action.digest().to_owned(),
                    origin: Origin::Program,
                    is_approved: true,
                    ..Listed::named(name)
                });
            }
        }
        for installed in book.installed() {
            let digest = &installed.digest;
            let file = self.inner.approvals.as_ref();
            listed.push(Listed {
                version: installed.version.clone(),
                title: installed.title.clone(),
                digest: digest.clone(),
                is_approved: book.approval(digest).is_some()
                    || file.is_some_and(|file| file.approval(digest).is_some()),
                ..Listed::named(installed.name.clone())
            });
        }
        for entry in &mut listed {
            let meant = self.meant(&book, &entry.name);
            entry.is_active = meant.is_some_and(|meant| meant.digest == entry.digest);
            let active = book.active(&entry.name).filter(|_| entry.is_active);
            entry.trial = active.and_then(|active| active.trial);
            let of_this = |step: &&RollBack| match &step.from {
                Target::Carried => entry.origin == Origin::Program,
                Target::Installed(digest) => *digest == entry.digest,
            };
            entry.rolled_back = book.rolled_back(&entry.name).filter(of_this).cloned();
            entry.under_way = under_way.get(&entry.digest).copied().unwrap_or_default();
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }
}

impl Listed {
    fn named(name: String) -> Self {
        Self {
            name,
            version: String::new(),
            title: String::new(),
            digest: String::new(),
            origin: Origin::StateFolder,
            is_active: false,
            trial: None,
            is_approved: false,
            rolled_back: None,
            under_way: 0,
        }
    }
}

pub(super) fn not_approved(action: &Action, before: Option<Box<super::Before>>) -> RegistryError {
    RegistryError::NotApproved {
        name: action.manifest().name.clone(),
        version: action.manifest().version.clone(),
        digest: short(action.digest()),
        before,
    }
}

fn taken(action: &Action, digest: &str) -> RegistryError {
    RegistryError::VersionTaken {
        name: action.manifest().name.clone(),
        version: action.manifest().version.clone(),
        digest: short(digest),
    }
}
