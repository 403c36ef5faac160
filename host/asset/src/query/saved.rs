//! Queries that are kept under a name, for others to use.

use crate::fault::quoted;

/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// A query that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedQuery {
    /// What it is called for good: letters and digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// Why a text cannot be the name of a saved query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be the name of a query")]
pub struct InvalidName {
    name: String,
}

impl InvalidName {
    /// What can.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "a name has 1 to 128 bytes, no line breaks or other control characters, no braces, and nothing blank at its ends"
    }
}

/// The name, if it is one that `{{QueryID=…}}` can hold.
pub(crate) fn checked_name(name: &str) -> Result<&str, InvalidName> {
    let fits = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.trim() == name
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '{' | '}'));
    match fits {
        true => Ok(name),
        false => Err(InvalidName { name: quoted(name) }),
    }
}

/// The names that are spelt like `reference`, nearest first.
#[must_use]
pub fn nearest(saved: &[SavedQuery], reference: &str) -> Vec<String> {
    let most = (reference.chars().count() / 4).clamp(1, 3);
    let folded = reference.to_lowercase();
    let mut near: Vec<(usize, &str)> = saved
        .iter()
        .map(|query| {
            let distance = strsim::osa_distance(&folded, &query.name.to_lowercase());
            (distance, query.name.as_str())
        })
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort_unstable();
    near.into_iter()
        .take(3)
        .map(|(_, name)| name.to_owned())
        .collect()
}
