//! Where the assets of a run come from: anything that gives one after the other.

use std::io::BufRead;
use std::path::Path;

use tipstaff_asset::{
    Asset, Entry, Format, Inventory, InventoryError, NotAList, Query, ReadError, Reader,
};

/// Why assets stopped coming before all were there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssetsError {
    /// The inventory cannot be read on.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// A list cannot be read on.
    #[error(transparent)]
    List(#[from] ReadError),
}

impl AssetsError {
    /// What to do next, as a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Inventory(error) => error.hint(),
            Self::List(error) => error.hint(),
        }
    }
}

/// A list of assets that has not been read yet.
pub struct Assets {
    pub(crate) entries: Box<dyn Iterator<Item = Result<Entry, AssetsError>> + Send>,
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
        Ok(Self::list(reader, path.display().to_string()))
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
        Ok(Self::list(reader, "a stream".to_owned()))
    }

    fn list(reader: Reader, from: String) -> Self {
        Self {
            entries: Box::new(reader.map(|entry| Ok(entry?))),
            from,
        }
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

    /// The assets of the inventory that a query finds, in the order in which they were first imported.
    ///
    /// # Errors
    ///
    /// The inventory cannot be read.
    pub fn matching(inventory: Inventory, query: Query) -> Result<Self, InventoryError> {
        let entries = inventory
            .into_matches(query)?
            .zip(1..)
            .map(|(asset, line)| {
                Ok(Entry::Asset {
                    line,
                    asset: asset?,
                })
            });
        Ok(Self {
            entries: Box::new(entries),
            from: "the query".to_owned(),
        })
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
