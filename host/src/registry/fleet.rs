//! Approvals in a file that is kept in version control, for many hosts: which component may do what.
//!
//! The file is configuration, and whoever may change it may approve. So that a slip of the editor is found, each entry has
//! the digest of what it asks for; an entry that does not add up is refused with its line.

use std::fmt::Write;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::asks::Asks;

/// A file of approvals, read and checked.
#[derive(Clone, Debug)]
pub struct ApprovalsFile {
    path: PathBuf,
    entries: Vec<FileEntry>,
}

/// One approval of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// The action's name.
    pub action: String,
    /// The action's version.
    pub version: String,
    /// The SHA-256 of the component.
    pub digest: String,
    /// What it was approved for.
    pub asks: Asks,
}

/// What is wrong with a file of approvals.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {what}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct ApprovalsError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1, if one is at fault.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl ApprovalsError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "nothing was sent: `tipstaff actions approve X --write FILE` writes entries that add up"
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    approval: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    action: String,
    version: String,
    digest: String,
    grant: String,
    asks: Vec<String>,
}

const HEAD: &str = "\
# What actions were approved for. An entry holds for the component with its digest and for no other.
# `tipstaff actions approve X --write FILE` adds one; `approvals = \"FILE\"` in tipstaff.toml makes it hold.
";

impl ApprovalsFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the first thing that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, ApprovalsError> {
        let text = std::fs::read_to_string(path).map_err(|error| ApprovalsError {
            path: path.to_owned(),
            line: None,
            what: format!("cannot be read: {error}"),
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ApprovalsError> {
        let wrong = |at: Option<usize>, what: String| ApprovalsError {
            path: path.to_owned(),
            line: at.map(|at| 1 + text.bytes().take(at).filter(|b| *b == b'\n').count()),
            what,
        };
        let document: Document = toml::from_str(text).map_err(|error| {
            let what = error.message().lines().next().unwrap_or_default();
            wrong(error.span().map(|span| span.start), what.to_owned())
        })?;
        let mut entries: Vec<FileEntry> = Vec::new();
        for entry in document.approval {
            let start = Some(entry.span().start);
            let entry = entry.into_inner();
            let asks = Asks::of_lines(entry.asks);
            if asks.digest() != entry.grant {
                let what = format!(
                    "the approval of `{}` was changed by hand: its `asks` do not have the digest `grant`",
                    entry.action
                );
                return Err(wrong(start, what));
            }
            if entries.iter().any(|known| known.digest == entry.digest) {
                let what = format!("`{}` is approved twice", entry.digest);
                return Err(wrong(start, what));
            }
            entries.push(FileEntry {
                action: entry.action,
                version: entry.version,
                digest: entry.digest,
                asks,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The approval of the component with this digest.
    #[must_use]
    pub fn approval(&self, digest: &str) -> Option<&FileEntry> {
        self.entries.iter().find(|entry| entry.digest == digest)
    }

    /// The last approval of an action with this name.
    #[must_use]
    pub fn of_name(&self, action: &str) -> Option<&FileEntry> {
        self.entries.iter().rfind(|entry| entry.action == action)
    }

    /// Adds an entry to the file at `path`, which is made if it is not there. Says whether it was added: an approval of
    /// the same component stays as it is.
    ///
    /// # Errors
    ///
    /// The file has a fault, or cannot be written.
    pub fn add(path: &Path, entry: &FileEntry) -> Result<bool, ApprovalsError> {
        let unwritable = |error: io::Error| ApprovalsError {
            path: path.to_owned(),
            line: None,
            what: format!("cannot be written: {error}"),
        };
        let is_there = path.try_exists().map_err(unwritable)?;
        let before = if is_there {
            let file = Self::read(path)?;
            if file.approval(&entry.digest).is_some() {
                return Ok(false);
            }
            std::fs::read_to_string(path).map_err(unwritable)?
        } else {
            HEAD.to_owned()
        };
        let text = format!("{before}{}", written(entry));
        // What was written is what will be read.
        Self::parse(&text, path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let replace = || {
            let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            share(file.as_file(), is_there.then_some(path))?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        };
        replace().map_err(unwritable)?;
        Ok(true)
    }
}

/// Temporary files are private, and this file is to be shared: it keeps its mode, or gets the usual one.
#[cfg(unix)]
fn share(file: &std::fs::File, like: Option<&Path>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = match like {
        Some(path) => std::fs::metadata(path)?.permissions(),
        None => std::fs::Permissions::from_mode(0o644),
    };
    file.set_permissions(permissions)
}

#[cfg(not(unix))]
fn share(_: &std::fs::File, _: Option<&Path>) -> io::Result<()> {
    Ok(())
}

fn written(entry: &FileEntry) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!(
        "\n[[approval]]\naction = {}\nversion = {}\ndigest = {}\ngrant = {}\nasks = [\n",
        quoted(&entry.action),
        quoted(&entry.version),
        quoted(&entry.digest),
        quoted(&entry.asks.digest()),
    );
    for line in entry.asks.lines() {
        // Writing to a string has no error.
        let _ = writeln!(text, "    {},", quoted(line));
    }
    text.push_str("]\n");
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn entry(digest: &str) -> FileEntry {
        let lines = [
            "sees: id",
            r"query: GET {api}/x, mail eq '{name}' \u{456}",
            r#"header: "odd""#,
        ];
        FileEntry {
            action: "tag-users".to_owned(),
            version: "1.0.0".to_owned(),
            digest: digest.to_owned(),
            asks: Asks::of_lines(lines.map(str::to_owned)),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("approvals.toml");
        assert!(ApprovalsFile::add(&path, &entry("aa")).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}# seen by the other team\n")).unwrap();
        assert!(ApprovalsFile::add(&path, &entry("bb")).unwrap());
        assert!(!ApprovalsFile::add(&path, &entry("bb")).unwrap());
        let file = ApprovalsFile::read(&path).unwrap();
        assert_eq!(file.approval("aa"), Some(&entry("aa")));
        assert_eq!(file.of_name("tag-users").unwrap().digest, "bb");
        assert_eq!((file.approval("cc"), file.of_name("other")), (None, None));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("# seen by the other team"));
    }

    #[test]
    fn what_was_changed_by_hand_is_refused_with_its_line() {
        let text = format!("{HEAD}{}", written(&entry("aa")));
        let refused = |text: &str| {
            let error = ApprovalsFile::parse(text, Path::new("a.toml")).unwrap_err();
            error.to_string()
        };
        let wider = refused(&text.replace("sees: id", "sees: mail"));
        assert_eq!(
            wider,
            "a.toml, line 4: the approval of `tag-users` was changed by hand: its `asks` do not have the digest `grant`"
        );
        let twice = refused(&format!("{text}{}", written(&entry("aa"))));
        assert!(twice.contains("approved twice"), "{twice}");
        let unknown = refused(&text.replace("version", "versions"));
        assert!(unknown.starts_with("a.toml, line "), "{unknown}");
        let torn = refused(text.trim_end_matches("]\n"));
        assert!(torn.starts_with("a.toml"), "{torn}");
    }
}
