//! A log that shows when somebody wrote in it by hand: what was installed, approved and activated, a line each.
//!
//! Each line carries a seal over itself and the seal before it, made with the state folder's key; the head says how many
//! lines there are, and is sealed too. So a line that was changed, added, removed or moved is found, and nothing of the
//! log is believed any more. It does not know what its lines mean.
//!
//! # Several processes
//! Writers take turns by a lock file. A line is on disk before the head counts it, so a reader, who reads the head first
//! and waits for nobody, finds at least as many lines as the head says. What follows the last line break is a line that
//! its writer did not finish: no reader believes it, and the next writer removes it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::key::{Key, sync_folder};

/// A folder with a log, its head, its key and its lock.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
}

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Somebody wrote in it.
    #[error("`{path}` was changed by hand{}: {what}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Tampered {
        /// The file.
        path: PathBuf,
        /// The line, from 1, if one is at fault.
        line: Option<usize>,
        /// What does not fit.
        what: &'static str,
    },
    /// Others than the owner may write it.
    #[error("`{0}` can be written by others than its owner")]
    Open(PathBuf),
    /// It cannot be read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LogError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Tampered { path, .. } => {
                let folder = path.parent().unwrap_or(path).display();
                format!(
                    "nothing was sent, and no approval in it is believed: put the folder back from a backup, or move \
                     `{folder}` away, and install and approve again"
                )
            }
            Self::Open(path) => format!("nothing was sent: `chmod go-w {}`", path.display()),
            Self::Io { .. } => {
                "nothing was sent: without it nobody knows what was approved".to_owned()
            }
        }
    }
}

/// Changes when the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

/// The texts of a log, in their order.
pub(super) type Texts = Vec<String>;

#[derive(Deserialize, Serialize)]
struct Line<'a> {
    seal: &'a str,
    #[serde(borrow)]
    entry: &'a RawValue,
}

#[derive(Deserialize, Serialize)]
struct Head {
    lines: usize,
    last: String,
    seal: String,
}

/// What a seal is for, so that none can stand for another.
const OF_A_LINE: &str = "tipstaff registry line";
const OF_THE_HEAD: &str = "tipstaff registry head";

impl Stamp {
    /// Whether the log is longer than it was at `before`.
    pub(super) fn is_beyond(self, before: Self) -> bool {
        self.length > before.length
    }
}

impl Log {
    /// The log in `folder`. Nothing is read or made yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it is now. None as long as there is no log.
    pub(super) fn stamp(&self) -> Result<Option<Stamp>, LogError> {
        let path = self.log();
        match fs::metadata(&path) {
            Ok(found) => Ok(Some(Stamp {
                length: found.len(),
                modified: found.modified().ok(),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LogError::Io { path, source }),
        }
    }

    /// Everything in it after `from`, checked, and where it ends. Nothing if there is no log.
    pub(super) fn read(&self, from: &Mark) -> Result<(Texts, Mark), LogError> {
        if self.is_new()? {
            return Ok((Vec::new(), Mark::default()));
        }
        let key = self.key()?;
        self.checked(&key, from)
    }

    /// Adds to the log what `decide` makes of everything in it, in one piece: no other process comes in between.
    ///
    /// # Errors
    ///
    /// The log's, or what `decide` says; then nothing was added.
    pub(super) fn change<T, E: From<LogError>>(
        &self,
        decide: impl FnOnce(&[String]) -> Result<(Vec<String>, T), E>,
    ) -> Result<T, E> {
        self.make_folder().map_err(self.at(&self.folder))?;
        let path = self.folder.join("lock");
        let lock = private()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(self.at(&path))?;
        let key = if self.is_new()? {
            self.begin()?
        } else {
            self.key()?
        };
        let (texts, end) = self.checked(&key, &Mark::default())?;
        let (new, result) = decide(&texts)?;
        if !new.is_empty() {
            self.append(&key, end, &new)?;
        }
        drop(lock);
        Ok(result)
    }

    fn append(&self, key: &Key, end: Mark, new: &[String]) -> Result<(), LogError> {
        let Mark {
            mut last,
            length,
            lines,
        } = end;
        let mut text = String::new();
        for entry in new {
            let seal = key.seal(&[OF_A_LINE, &last, entry]);
            let entry = RawValue::from_string(entry.clone())
                .map_err(|error| self.at(&self.log())(error.into()))?;
            let line = Line {
                seal: &seal,
                entry: &entry,
            };
            text.push_str(
                &serde_json::to_string(&line)
                    .map_err(|error| self.at(&self.log())(error.into()))?,
            );
            text.push('\n');
            last = seal;
        }
        let path = self.log();
        let write = || {
            let mut file = private().create(true).append(true).open(&path)?;
            if file.metadata()?.len() > length {
                file.set_len(length)?;
            }
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(self.at(&path))?;
        self.write_head(key, lines + new.len(), &last)
    }

    /// Reads and checks what follows `from`. The head is read first: the log never has fewer lines than it says.
    fn checked(&self, key: &Key, from: &Mark) -> Result<(Texts, Mark), LogError> {
        let path = self.head();
        let head = fs::read_to_string(&path).map_err(self.at(&path))?;
        let tampered = |path: &Path, line, what| LogError::Tampered {
            path: path.to_owned(),
            line,
            what,
        };
        let head: Head = serde_json::from_str(&head)
            .map_err(|_| tampered(&path, None, "it is not what this program writes"))?;
        if !key.sealed(
            &[OF_THE_HEAD, &head.lines.to_string(), &head.last],
            &head.seal,
        ) {
            return Err(tampered(&path, None, "its seal does not fit"));
        }
        let path = self.log();
        let text = match read_from(&path, from.length) {
            Ok(text) => text,
            // Nothing was written yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound && head.lines == 0 => {
                String::new()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Self::gone(path));
            }
            Err(error) => return Err(self.at(&path)(error)),
        };
        let (mut texts, mut end) = (Vec::new(), from.clone());
        for line in text.split_inclusive('\n') {
            let Some(whole) = line.strip_suffix('\n') else {
                break;
            };
            end.lines += 1;
            let at = Some(end.lines);
            let read: Line<'_> = serde_json::from_str(whole)
                .map_err(|_| tampered(&path, at, "it is not what this program writes"))?;
            if !key.sealed(&[OF_A_LINE, &end.last, read.entry.get()], read.seal) {
                return Err(tampered(&path, at, "its seal does not fit"));
            }
            texts.push(read.entry.get().to_owned());
            read.seal.clone_into(&mut end.last);
            end.length += line.len() as u64;
            if end.lines == head.lines && end.last != head.last {
                return Err(tampered(&path, at, "it is not the line that stood there"));
            }
        }
        if end.lines < head.lines {
            return Err(tampered(&path, None, "lines are missing at its end"));
        }
        Ok((texts, end))
    }

    /// Whether nothing was ever written here.
    fn is_new(&self) -> Result<bool, LogError> {
        let there = |path: PathBuf| path.try_exists().map_err(self.at(&path));
        if there(self.head())? {
            return Ok(false);
        }
        if there(self.log())? {
            return Err(Self::gone(self.head()));
        }
        Ok(true)
    }

    /// Makes the key, and a head that counts no lines.
    fn begin(&self) -> Result<Key, LogError> {
        let path = self.key_file();
        let key = match Key::read(&path) {
            // Left by a process that was killed before it wrote the head.
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Key::make(&path).map_err(self.at(&path))?
            }
            Err(error) => return Err(self.at(&path)(error)),
        };
        self.write_head(&key, 0, "")?;
        Ok(key)
    }

    fn write_head(&self, key: &Key, lines: usize, last: &str) -> Result<(), LogError> {
        let head = Head {
            lines,
            last: last.to_owned(),
            seal: key.seal(&[OF_THE_HEAD, &lines.to_string(), last]),
        };
        let path = self.head();
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            writeln!(file, "{}", serde_json::to_string(&head)?)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            sync_folder(&self.folder)
        };
        write().map_err(self.at(&path))
    }

    fn key(&self) -> Result<Key, LogError> {
        for path in [self.folder.clone(), self.key_file(), self.head()] {
            match crate::state::is_open_to_others(&path) {
                Ok(false) => {}
                Ok(true) => return Err(LogError::Open(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(Self::gone(path));
                }
                Err(error) => return Err(self.at(&path)(error)),
            }
        }
        let path = self.key_file();
        Key::read(&path).map_err(self.at(&path))
    }

    fn gone(path: PathBuf) -> LogError {
        LogError::Tampered {
            path,
            line: None,
            what: "it is not there any more",
        }
    }

    fn make_folder(&self) -> io::Result<()> {
        crate::state::make_private(&self.folder)
    }

    fn at(&self, path: &Path) -> impl FnOnce(io::Error) -> LogError + use<> {
        let path = path.to_owned();
        move |source| LogError::Io { path, source }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log.jsonl")
    }

    fn head(&self) -> PathBuf {
        self.folder.join("head.json")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("key")
    }
}

/// The end of a line of a log: everything before it was checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    lines: usize,
    last: String,
    length: u64,
}

impl Mark {
    /// How many lines are before it.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }
}

fn read_from(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Options for files that only their owner can read.
fn private() -> fs::OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are Unix's"))]
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn add(log: &Log, texts: &[&str]) -> Result<(), LogError> {
        let texts = texts.iter().map(|text| format!("\"{text}\"")).collect();
        log.change(|_| Ok((texts, ())))
    }

    fn all(log: &Log) -> Result<Texts, LogError> {
        log.read(&Mark::default()).map(|(texts, _)| texts)
    }

    /// A log of three lines in a folder of its own.
    fn three() -> (tempfile::TempDir, Log) {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path().join("registry"));
        assert_eq!(all(&log).unwrap(), [""; 0]);
        assert_eq!(log.stamp().unwrap(), None);
        add(&log, &["one"]).unwrap();
        add(&log, &["two", "three"]).unwrap();
        (folder, log)
    }

    fn lines(log: &Log) -> Vec<String> {
        let text = fs::read_to_string(log.log()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What the log says after somebody wrote these lines; it says the same to who reads and to who writes.
    fn after(log: &Log, lines: &[String]) -> (Option<usize>, &'static str) {
        fs::write(log.log(), lines.join("\n") + "\n").unwrap();
        let refused = [all(log).map(drop), add(log, &["four"])];
        let [one, other] = refused.map(|refused| match refused {
            Err(LogError::Tampered { line, what, .. }) => (line, what),
            other => (
                None,
                if other.is_ok() {
                    "nothing"
                } else {
                    "another error"
                },
            ),
        });
        assert_eq!(one, other);
        one
    }

    #[test]
    fn what_is_added_is_read_by_everybody() {
        let (_folder, log) = three();
        assert_eq!(all(&log).unwrap(), ["\"one\"", "\"two\"", "\"three\""]);
        let other = Log::new(log.folder.clone());
        let before = other.stamp().unwrap();
        add(&other, &["four"]).unwrap();
        assert_ne!(other.stamp().unwrap(), before);
        assert_eq!(all(&log).unwrap().len(), 4);
    }

    #[test]
    fn who_has_read_it_reads_what_is_new() {
        let (_folder, log) = three();
        let (_, mark) = log.read(&Mark::default()).unwrap();
        let before = log.stamp().unwrap().unwrap();
        add(&log, &["four"]).unwrap();
        assert!(log.stamp().unwrap().unwrap().is_beyond(before));
        let (texts, mark) = log.read(&mark).unwrap();
        assert_eq!(texts, ["\"four\""]);
        assert_eq!(log.read(&mark).unwrap().0, [""; 0]);
        // What was written before the mark by hand does not fit what follows it.
        let text = fs::read_to_string(log.log()).unwrap();
        fs::write(log.log(), text.replace("one", "another one")).unwrap();
        assert!(log.read(&mark).is_err());
    }

    #[test]
    fn a_log_that_was_written_by_hand_is_not_believed() {
        const SEAL: &str = "its seal does not fit";
        let (_folder, log) = three();
        let whole = lines(&log);
        let with = |change: &dyn Fn(&mut Vec<String>)| {
            let mut lines = whole.clone();
            change(&mut lines);
            lines
        };
        let changed = with(&|lines| lines[1] = lines[1].replace("two", "2"));
        assert_eq!(after(&log, &changed), (Some(2), SEAL));
        let removed = with(&|lines| drop(lines.remove(0)));
        assert_eq!(after(&log, &removed), (Some(1), SEAL));
        let moved = with(&|lines| lines.swap(1, 2));
        assert_eq!(after(&log, &moved), (Some(2), SEAL));
        let doubled = with(&|lines| lines.push(lines[2].clone()));
        assert_eq!(after(&log, &doubled), (Some(4), SEAL));
        let shortened = with(&|lines| lines.truncate(2));
        let missing = (None, "lines are missing at its end");
        assert_eq!(after(&log, &shortened), missing);
        let foreign = with(&|lines| lines[0] = "# a remark".to_owned());
        let not_ours = (Some(1), "it is not what this program writes");
        assert_eq!(after(&log, &foreign), not_ours);
        assert_eq!(after(&log, &whole), (None, "nothing"));
    }

    #[test]
    fn a_log_whose_parts_were_removed_is_not_believed() {
        for part in ["key", "head.json", "log.jsonl"] {
            let (_folder, log) = three();
            fs::remove_file(log.folder.join(part)).unwrap();
            let error = all(&log).unwrap_err();
            assert!(
                matches!(&error, LogError::Tampered { path, .. } if path.ends_with(part)),
                "{part}: {error}"
            );
            assert!(add(&log, &["four"]).is_err());
        }
    }

    #[test]
    fn a_head_that_was_written_by_hand_is_not_believed() {
        let (_folder, log) = three();
        let head = fs::read_to_string(log.head()).unwrap();
        fs::write(log.head(), head.replace("\"lines\":3", "\"lines\":2")).unwrap();
        assert!(matches!(all(&log), Err(LogError::Tampered { .. })));
    }

    #[test]
    fn another_folders_log_is_not_believed() {
        let (_one, log) = three();
        let (_two, other) = three();
        for part in ["head.json", "log.jsonl"] {
            fs::copy(log.folder.join(part), other.folder.join(part)).unwrap();
        }
        assert!(matches!(all(&other), Err(LogError::Tampered { .. })));
    }

    #[test]
    fn a_line_that_its_writer_did_not_finish_is_forgotten() {
        let (_folder, log) = three();
        let mut file = private().append(true).open(log.log()).unwrap();
        file.write_all(b"{\"seal\":\"ab").unwrap();
        assert_eq!(all(&log).unwrap().len(), 3);
        add(&log, &["four"]).unwrap();
        assert_eq!(all(&log).unwrap().len(), 4);
    }

    #[test]
    fn a_writer_that_died_before_the_head_counted_has_written() {
        let (_folder, log) = three();
        let head = fs::read(log.head()).unwrap();
        add(&log, &["four"]).unwrap();
        fs::write(log.head(), head).unwrap();
        assert_eq!(all(&log).unwrap().len(), 4);
        add(&log, &["five"]).unwrap();
        assert_eq!(all(&log).unwrap().len(), 5);
    }

    #[test]
    fn writers_take_turns() {
        let (_folder, log) = three();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let log = &log;
                scope.spawn(move || {
                    for line in 0..10 {
                        add(log, &[&format!("{writer}-{line}")]).unwrap();
                    }
                });
            }
        });
        assert_eq!(all(&log).unwrap().len(), 43);
    }

    #[cfg(unix)]
    #[test]
    fn a_log_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, log) = three();
        fs::set_permissions(&log.folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(all(&log), Err(LogError::Open(_))));
    }
}
