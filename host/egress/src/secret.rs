//! A value that must not be seen: no `Display`, `Clone`, `PartialEq` or `Serialize`, and nothing left behind in memory.

use std::fmt;

use zeroize::Zeroizing;

/// A secret or a token. [`Secret::expose`] is the one way in; search for it to find every use.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over `value`, which is zeroed when the secret is dropped.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. What is made of it has to be zeroed too.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
