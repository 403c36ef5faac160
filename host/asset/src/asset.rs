//! What an asset is: an id, a kind, labels, and what each adapter knows of it.
//!
//! Nothing here reads files; `shape` makes assets of JSON objects, `read` of lists.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::shape;

/// The adapter of Microsoft Entra ID, as inventories name it.
pub const AZURE_AD_ADAPTER: &str = "azure_ad_adapter";

/// The kind of an asset that says nothing of its kind.
pub const USER: &str = "user";

/// The name of an asset: 1 to 512 bytes, no control characters, no white space at either end.
///
/// The bounds are those of `asset.id` in the contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AssetId(Box<str>);

impl AssetId {
    /// The most bytes that an id may have.
    pub const MAX_BYTES: usize = 512;

    /// Takes `text` for an id, without the white space around it.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] if nothing is left, or if it is too long or has a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
        let text = text.as_ref().trim();
        if text.is_empty() {
            return Err(InvalidId::Blank);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidId::TooLong { bytes: text.len() });
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidId::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The id under which a record that is no asset has its outcome: `line:N`.
    #[must_use]
    pub fn of_line(line: u64) -> Self {
        Self(format!("line:{line}").into())
    }

    /// Whether it has the form `line:N`. Readers refuse such an id, because it could be taken for the outcome of
    /// another record.
    #[must_use]
    pub fn is_of_line(&self) -> bool {
        self.0
            .strip_prefix("line:")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for AssetId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for AssetId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for AssetId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for AssetId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Why a text cannot be an [`AssetId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// There is nothing but white space.
    #[error("its id is blank")]
    Blank,

    /// It has a line break, a tab or another control character.
    #[error("its id has a control character")]
    ControlCharacter,

    /// It is longer than [`AssetId::MAX_BYTES`].
    #[error("its id has {bytes} bytes, and {} are the most", AssetId::MAX_BYTES)]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// One thing to act on, as the inventory has it.
///
/// As JSON it is `{"id":…,"type":…,"labels":[…],"adapters":[{"adapter":…,"connection":…,"data":{…}}]}`. Deserialising
/// also takes the short form of one Entra identity, `{"id":…}` or `{"userPrincipalName":…}` (see [`fields`]), and an
/// asset that was read in its full form is written as it was.
///
/// [`fields`]: crate::fields
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// Its name in lists and outcomes.
    pub id: AssetId,
    /// What it is: `user`, `device`.
    pub kind: String,
    /// Marks that people put on it.
    pub labels: Vec<String>,
    /// What each adapter knows of it. May be empty, and may name an adapter several times (several tenants).
    pub adapters: Vec<AdapterData>,
    /// Members that this version does not know, kept so that an asset is printed as it was imported.
    pub other: Map<String, Value>,
    /// Which members it was read without.
    pub(crate) unsaid: Unsaid,
}

/// Members that were missing where an asset was read, so that they are missing again where it is written. They say
/// nothing of the asset, and two that differ in no more than this are equal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unsaid {
    pub(crate) kind: bool,
    pub(crate) labels: bool,
}

impl PartialEq for Unsaid {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Serialize for Asset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("id", &self.id)?;
        if !(self.unsaid.kind && self.kind == USER) {
            members.serialize_entry("type", &self.kind)?;
        }
        if !(self.unsaid.labels && self.labels.is_empty()) {
            members.serialize_entry("labels", &self.labels)?;
        }
        members.serialize_entry("adapters", &self.adapters)?;
        for (name, value) in &self.other {
            members.serialize_entry(name, value)?;
        }
        members.end()
    }
}

/// What one adapter knows of an asset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdapterData {
    /// Which adapter: [`AZURE_AD_ADAPTER`].
    pub adapter: String,
    /// The connection that it was fetched with, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The fields, under the adapter's names for them.
    pub data: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Asset {
    /// A user without labels.
    #[must_use]
    pub fn new(id: AssetId, adapters: Vec<AdapterData>) -> Self {
        Self {
            id,
            kind: USER.to_owned(),
            labels: Vec::new(),
            adapters,
            other: Map::new(),
            unsaid: Unsaid::default(),
        }
    }

    /// The user that an operator typed: an object id if `text` has the form of one, else a user principal name. Its
    /// asset id is the text given.
    ///
    /// Whether the text is a good name is for the action to say (`invalid-id`).
    ///
    /// # Errors
    ///
    /// A [`Fault`] if `text` cannot be an asset's id: it is blank, too long, has control characters, or could be
    /// taken for the outcome of a line.
    pub fn from_user(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let field = if is_guid(text) { "id" } else { "username" };
        let data = Map::from_iter([(field.to_owned(), Value::from(text))]);
        let asset = Self::new(AssetId::new(text)?, vec![AdapterData::entra(data)]);
        if asset.id.is_of_line() {
            return Err(Fault::ReservedId);
        }
        Ok(asset)
    }
}

impl<'de> Deserialize<'de> for Asset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::asset(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl AdapterData {
    /// What Entra knows of a user, connection unknown.
    #[must_use]
    pub fn entra(data: Map<String, Value>) -> Self {
        Self {
            adapter: AZURE_AD_ADAPTER.to_owned(),
            connection: None,
            data,
            other: Map::new(),
        }
    }
}

/// Whether `text` has the form of a GUID: 8-4-4-4-12 hexadecimal digits (RFC 9562 section 4).
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use super::*;

    #[test]
    fn ids_are_trimmed_and_bounded() {
        assert_eq!(AssetId::new("  b2374c0e\n").unwrap().as_str(), "b2374c0e");
        assert_eq!(AssetId::new(" \u{a0}\t"), Err(InvalidId::Blank));
        assert_eq!(AssetId::new("a\u{85}b"), Err(InvalidId::ControlCharacter));
        assert!(AssetId::new("ü".repeat(256)).is_ok());
        assert_eq!(
            AssetId::new("ü".repeat(257)),
            Err(InvalidId::TooLong { bytes: 514 })
        );
    }

    #[test]
    fn only_numbers_make_an_id_of_a_line() {
        assert!(AssetId::of_line(7).is_of_line());
        for text in ["line:", "line:7a", "Line:7", "line 7"] {
            assert!(!AssetId::new(text).unwrap().is_of_line(), "{text}");
        }
    }

    #[test]
    fn a_typed_guid_is_an_object_id_and_all_else_a_name() {
        let guid = "00000000-0000-4000-8000-00000000000A";
        let asset = Asset::from_user(&format!(" {guid} ")).unwrap();
        assert_eq!(asset.id.as_str(), guid);
        assert_eq!(asset.adapters[0].data["id"], guid);
        assert_eq!(asset.adapters[0].adapter, "azure_ad_adapter");

        let asset = Asset::from_user("nobody at all").unwrap();
        assert_eq!(asset.adapters[0].data["username"], "nobody at all");
        assert_eq!(asset.adapters[0].data.len(), 1);

        assert_eq!(Asset::from_user("  "), Err(Fault::Id(InvalidId::Blank)));
        assert_eq!(Asset::from_user("line:3"), Err(Fault::ReservedId));
    }

    #[test]
    fn an_asset_is_written_as_it_is_documented() {
        let line = concat!(
            r#"{"id":"b2374c0e","type":"user","labels":["offboarding"],"adapters":[{"adapter":"azure_ad_adapter","#,
            r#""connection":"corp","data":{"id":"00000000-0000-4000-8000-000000000001","mail":"ada@contoso.com","#,
            r#""user_type":"Member","username":"ada@contoso.com"}}]}"#
        );
        let asset: Asset = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&asset).unwrap(), line);
    }

    #[test]
    fn what_was_not_said_is_not_written() {
        for line in [
            r#"{"id":"a","adapters":[]}"#,
            r#"{"id":"a","labels":[],"adapters":[],"seen":1}"#,
            r#"{"id":"a","type":"user","adapters":[{"adapter":"x_adapter","data":{}}]}"#,
        ] {
            let mut asset: Asset = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&asset).unwrap(), line);
            asset.labels.push("vip".to_owned());
            assert!(serde_json::to_string(&asset).unwrap().contains("vip"));
        }
    }
}
