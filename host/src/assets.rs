//! Where the assets of a run come from: anything that gives one after the other.

use std::io::BufRead;
use std::path::Path;

use tipstaff_asset::{Asset, Entry, Format, NotAList, ReadError};

/// A list of assets that has not been read yet.
pub struct Assets {
    pub(crate) entries: Box<dyn Iterator<Item = Result<Entry, ReadError>> + Send>,
    pub(crate) from: String,
}

impl std::fmt::Debug for Assets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assets")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Assets {
    /// A file of JSON Lines, a JSON array, or CSV with a header.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no list.
    pub fn file(path: &Path) -> Result<Self, NotAList> {
        let reader = tipstaff_asset::open(path)?;
        Ok(Self {
            entries: Box::new(reader),
            from: path.display().to_string(),
        })
    }

    /// The same from anything that can be read, with its format if it is known.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no list.
    pub fn reader(
        reader: impl BufRead + Send + 'static,
        format: Option<Format>,
    ) -> Result<Self, NotAList> {
        let reader = tipstaff_asset::read(reader, format)?;
        Ok(Self {
            entries: Box::new(reader),
            from: "a stream".to_owned(),
        })
    }

    /// CSV with a header.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no list.
    pub fn csv(reader: impl BufRead + Send + 'static) -> Result<Self, NotAList> {
        Self::reader(reader, Some(Format::Csv))
    }

    /// Entra users, each by object id or user principal name. What is neither becomes an outcome that says so.
    pub fn users<T: AsRef<str>>(users: impl IntoIterator<Item = T>) -> Self {
        let entries: Vec<_> = users
            .into_iter()
            .zip(1..)
            .map(|(user, line)| match Asset::from_user(user.as_ref()) {
                Ok(asset) => Ok(Entry::Asset { line, asset }),
                Err(reason) => Ok(Entry::Broken { line, reason }),
            })
            .collect();
        let count = entries.len();
        let from = if count == 1 {
            "one user".to_owned()
        } else {
            format!("{count} users")
        };
        Self {
            entries: Box::new(entries.into_iter()),
            from,
        }
    }

    /// Assets from anywhere else.
    pub fn given(assets: impl IntoIterator<Item = Asset, IntoIter: Send + 'static>) -> Self {
        let entries = assets
            .into_iter()
            .zip(1..)
            .map(|(asset, line)| Ok(Entry::Asset { line, asset }));
        Self {
            entries: Box::new(entries),
            from: "the program".to_owned(),
        }
    }
}
