//! What the log's lines mean: which components are installed, which were approved for what, and which is active.
//!
//! The book is what all lines together say; it changes by no other way. No clock, no file: whoever adds a line says when.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::asks::Asks;

/// A line of the log. A release that adds a kind of line is refused by those before it, which could not know what the
/// line takes back.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Entry {
    /// A component was put into the state folder and compiled.
    Installed(Installed),
    /// Somebody said yes to a component.
    Approved {
        /// When.
        at: Timestamp,
        /// The action's name.
        name: String,
        /// The action's version.
        version: String,
        /// Of the component.
        digest: String,
        /// The digest of what it asks for.
        grant: String,
        /// What it asks for; absent where an earlier line with the same `grant` has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asks: Option<Vec<String>>,
        /// How the yes came about.
        how: Yes,
    },
    /// What starts from then on, starts with this.
    Activated {
        /// When.
        at: Timestamp,
        /// The action's name.
        name: String,
        /// With what.
        target: Target,
        /// In how many of its first runs a fault rolls it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trial: Option<u64>,
    },
    /// What was active before is active again.
    RolledBack(RollBack),
}

/// A component in the state folder.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Installed {
    /// When it came.
    pub at: Timestamp,
    /// The action's name.
    pub name: String,
    /// The action's version.
    pub version: String,
    /// A few words.
    pub title: String,
    /// The SHA-256 of the component.
    pub digest: String,
    /// Bytes of the component.
    pub size: u64,
}

/// How a yes came about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Yes {
    /// A person saw what it asks for, or said yes beforehand (`--yes`).
    Said,
    /// A file of approvals has it.
    File(String),
    /// It asks for no more than this component, which was approved, and somebody activated it.
    NoMoreThan(String),
}

/// What starts when an action is named without a version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// What the program carries under the name.
    Carried,
    /// The installed component with this digest.
    Installed(String),
}

/// A step back.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct RollBack {
    /// When.
    pub at: Timestamp,
    /// The action's name.
    pub name: String,
    /// What was active.
    pub from: Target,
    /// What is active again. None where nothing was active before.
    pub to: Option<Target>,
    /// Why, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// An approval of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// When.
    pub at: Timestamp,
    /// The action's name.
    pub name: String,
    /// The action's version.
    pub version: String,
    /// The SHA-256 of the component.
    pub digest: String,
    /// What it was approved for.
    pub asks: Arc<Asks>,
    /// How the yes came about.
    pub how: Yes,
}

/// What is active, since when, and whether on trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active {
    /// What.
    pub target: Target,
    /// Since when.
    pub since: Timestamp,
    /// In how many of its first runs a fault rolls it back.
    pub trial: Option<u64>,
}

/// All lines together.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    installed: Vec<Installed>,
    approvals: HashMap<String, Approval>,
    grants: HashMap<String, Arc<Asks>>,
    /// For each name what was activated, the last on top.
    active: BTreeMap<String, Vec<Active>>,
    rolled_back: HashMap<String, RollBack>,
}

/// Why a line does not follow from those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder(pub(super) &'static str);

impl Book {
    /// Adds what a line says.
    pub(super) fn add(&mut self, entry: Entry) -> Result<(), OutOfOrder> {
        match entry {
            Entry::Installed(installed) => {
                self.installed.push(installed);
            }
            Entry::Approved {
                at,
                name,
                version,
                digest,
                grant,
                asks,
                how,
            } => {
                let asks = match (self.grants.get(&grant), asks) {
                    (Some(known), None) => Arc::clone(known),
                    (_, Some(lines)) => {
                        let asks = Arc::new(Asks::of_lines(lines));
                        if asks.digest() != grant {
                            return Err(OutOfOrder("its `asks` do not have the digest `grant`"));
                        }
                        asks
                    }
                    (None, None) => return Err(OutOfOrder("no line has its `asks`")),
                };
                self.grants.insert(grant, Arc::clone(&asks));
                let approval = Approval {
                    at,
                    name,
                    version,
                    digest: digest.clone(),
                    asks,
                    how,
                };
                self.approvals.insert(digest, approval);
            }
            Entry::Activated {
                at,
                name,
                target,
                trial,
            } => {
                self.rolled_back.remove(&name);
                self.active.entry(name).or_default().push(Active {
                    target,
                    since: at,
                    trial,
                });
            }
            Entry::RolledBack(step) => {
                let stack = self.active.entry(step.name.clone()).or_default();
                if stack.pop().map(|active| active.target) != Some(step.from.clone()) {
                    return Err(OutOfOrder("it rolls back what was not active"));
                }
                if let Some(active) = stack.last_mut() {
                    // It proved itself before.
                    (active.since, active.trial) = (step.at, None);
                }
                self.rolled_back.insert(step.name.clone(), step);
            }
        }
        Ok(())
    }

    /// Every installed component, the oldest first.
    pub(super) fn installed(&self) -> &[Installed] {
        &self.installed
    }

    /// The installed components of this name.
    pub(super) fn versions(&self, name: &str) -> impl Iterator<Item = &Installed> {
        self.installed.iter().filter(move |i| i.name == name)
    }

    /// The installed component with this digest.
    pub(super) fn component(&self, digest: &str) -> Option<&Installed> {
        self.installed.iter().find(|i| i.digest == digest)
    }

    /// What was activated last under this name.
    pub(super) fn active(&self, name: &str) -> Option<&Active> {
        self.active.get(name)?.last()
    }

    /// What was active before that.
    pub(super) fn before(&self, name: &str) -> Option<&Active> {
        let stack = self.active.get(name)?;
        stack.get(stack.len().checked_sub(2)?)
    }

    /// The last step back under this name, unless something was activated since.
    pub(super) fn rolled_back(&self, name: &str) -> Option<&RollBack> {
        self.rolled_back.get(name)
    }

    /// The approval of this very component.
    pub(super) fn approval(&self, digest: &str) -> Option<&Approval> {
        self.approvals.get(digest)
    }

    /// The approval that another component of this name is to be compared with: the active one's, else the last.
    pub(super) fn approved_before(&self, name: &str) -> Option<&Approval> {
        let active = self.active(name).and_then(|active| match &active.target {
            Target::Installed(digest) => self.approvals.get(digest),
            Target::Carried => None,
        });
        active.or_else(|| {
            let of_name = self.approvals.values().filter(|a| a.name == name);
            of_name.max_by_key(|approval| approval.at)
        })
    }

    /// Whether a line already has what this digest of asks stands for.
    pub(super) fn knows(&self, grant: &str) -> bool {
        self.grants.contains_key(grant)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn approved(second: i64, digest: &str, lines: &[&str], with_asks: bool) -> Entry {
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        Entry::Approved {
            at: at(second),
            name: "tag".to_owned(),
            version: "1.0.0".to_owned(),
            digest: digest.to_owned(),
            grant: Asks::of_lines(lines.clone()).digest(),
            asks: with_asks.then_some(lines),
            how: Yes::Said,
        }
    }

    fn activated(second: i64, digest: &str) -> Entry {
        Entry::Activated {
            at: at(second),
            name: "tag".to_owned(),
            target: Target::Installed(digest.to_owned()),
            trial: Some(3),
        }
    }

    fn back(second: i64, from: &str, to: Option<&str>) -> Entry {
        let target = |digest: &str| Target::Installed(digest.to_owned());
        Entry::RolledBack(RollBack {
            at: at(second),
            name: "tag".to_owned(),
            from: target(from),
            to: to.map(target),
            why: None,
        })
    }

    #[test]
    fn entries_are_written_and_read_alike() {
        let entries = [
            approved(1, "a", &["sees: id"], true),
            activated(2, "a"),
            back(3, "a", None),
            Entry::Activated {
                at: at(4),
                name: "tag".to_owned(),
                target: Target::Carried,
                trial: None,
            },
        ];
        for entry in entries {
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(
                serde_json::from_str::<Entry>(&text).unwrap(),
                entry,
                "{text}"
            );
        }
    }

    #[test]
    fn a_grant_stands_once() {
        let mut book = Book::default();
        let unknown = OutOfOrder("no line has its `asks`");
        let second = || approved(2, "b", &["sees: id"], false);
        assert_eq!(book.add(second()), Err(unknown));
        book.add(approved(1, "a", &["sees: id"], true)).unwrap();
        book.add(second()).unwrap();
        assert_eq!(
            book.approval("a").unwrap().asks,
            book.approval("b").unwrap().asks
        );
    }

    #[test]
    fn going_back_goes_back_step_by_step() {
        let mut book = Book::default();
        for (second, digest) in [(1, "a"), (2, "b"), (3, "c")] {
            book.add(activated(second, digest)).unwrap();
        }
        assert_eq!(book.active("tag").unwrap().trial, Some(3));
        book.add(back(4, "c", Some("b"))).unwrap();
        let active = book.active("tag").unwrap();
        assert_eq!(active.target, Target::Installed("b".to_owned()));
        assert_eq!((active.since, active.trial), (at(4), None));
        assert_eq!(
            book.rolled_back("tag").unwrap().from,
            Target::Installed("c".to_owned())
        );
        book.add(back(5, "b", Some("a"))).unwrap();
        assert_eq!(book.before("tag"), None);
        let not_active = OutOfOrder("it rolls back what was not active");
        assert_eq!(book.add(back(6, "c", None)), Err(not_active));
    }

    #[test]
    fn another_component_is_compared_with_the_active_one() {
        let mut book = Book::default();
        book.add(approved(1, "a", &["sees: id"], true)).unwrap();
        book.add(approved(2, "b", &["sees: mail"], true)).unwrap();
        assert_eq!(book.approved_before("tag").unwrap().digest, "b");
        book.add(activated(3, "a")).unwrap();
        assert_eq!(book.approved_before("tag").unwrap().digest, "a");
        assert_eq!(book.approved_before("other"), None);
    }
}
