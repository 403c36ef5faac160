//! Which fields there are: those that some asset had, and those that the Entra adapter is documented to have.
//!
//! It answers whether a field can be meant, and which was probably meant. It knows no values.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{BitOr, BitOrAssign};

use serde_json::{Map, Value};

use crate::asset::{AZURE_AD_ADAPTER, Asset};
use crate::date;
use crate::path::{CUSTOM_ADAPTER, MAX_STEPS};

/// From so many fields on no field counts as unknown: files of others could fill the memory with names.
pub const MAX_FIELDS: usize = 20_000;

/// How many members of a list are looked at.
const MAX_MEMBERS: usize = 100;

/// The longest name of a field that is kept, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// How many suggestions are made.
const SUGGESTIONS: usize = 3;

/// Fields of users that are known before the first asset is: "Awesome Axonius Queries" (public), the documentation of
/// the product's API client, and the admin centre's "Download users".
const DOCUMENTED: &[(&str, Kinds)] = &[
    ("account_disabled", Kinds::BOOL),
    ("account_enabled", Kinds::BOOL),
    ("account_expired", Kinds::BOOL),
    ("associated_devices", Kinds::OBJECT.and(Kinds::LIST)),
    ("display_name", Kinds::TEXT),
    ("domain", Kinds::TEXT),
    ("first_name", Kinds::TEXT),
    ("id", Kinds::TEXT),
    ("is_admin", Kinds::BOOL),
    ("is_locked", Kinds::BOOL),
    ("last_logon", Kinds::DATE),
    ("last_logon_timestamp", Kinds::DATE),
    ("last_name", Kinds::TEXT),
    ("last_seen", Kinds::DATE),
    ("logon_count", Kinds::NUMBER),
    ("mail", Kinds::TEXT),
    ("nested_applications", Kinds::OBJECT.and(Kinds::LIST)),
    ("nested_applications.app_display_name", Kinds::TEXT),
    ("nested_applications.extension_type", Kinds::TEXT),
    ("on_premises_synced", Kinds::BOOL),
    ("tenant_id", Kinds::TEXT),
    ("user_country", Kinds::TEXT),
    ("user_created", Kinds::DATE),
    ("user_factors", Kinds::OBJECT.and(Kinds::LIST)),
    ("user_factors.factor_status", Kinds::TEXT),
    ("user_factors.factor_type", Kinds::TEXT),
    ("user_manager_mail", Kinds::TEXT),
    ("user_type", Kinds::TEXT),
    ("username", Kinds::TEXT),
];

/// What a field's values were seen to be; several if assets differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Texts that are no dates.
    pub const TEXT: Self = Self(1);
    /// Numbers.
    pub const NUMBER: Self = Self(2);
    /// Truth values.
    pub const BOOL: Self = Self(4);
    /// Texts that are dates.
    pub const DATE: Self = Self(8);
    /// Objects.
    pub const OBJECT: Self = Self(16);
    /// Lists of these.
    pub const LIST: Self = Self(32);

    /// Each with its name.
    pub const NAMES: [(Self, &'static str); 6] = [
        (Self::TEXT, "text"),
        (Self::NUMBER, "number"),
        (Self::BOOL, "bool"),
        (Self::DATE, "date"),
        (Self::OBJECT, "object"),
        (Self::LIST, "list"),
    ];

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` were seen.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As the inventory keeps it.
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits & 63)
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::default(),
            Value::Bool(_) => Self::BOOL,
            Value::Number(_) => Self::NUMBER,
            Value::String(text) if date::of_text(text).is_some() => Self::DATE,
            Value::String(_) => Self::TEXT,
            Value::Object(_) => Self::OBJECT,
            Value::Array(members) => members
                .iter()
                .take(MAX_MEMBERS)
                .fold(Self::LIST, |kinds, member| {
                    kinds | Self(Self::of(member).0 & !Self::LIST.0)
                }),
        }
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

impl BitOrAssign for Kinds {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.and(other);
    }
}

/// The fields of all adapters.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    adapters: BTreeMap<Box<str>, BTreeMap<Box<str>, Kinds>>,
    count: usize,
    /// What was seen for the first time, until it is taken.
    news: BTreeSet<(Box<str>, Box<str>)>,
}

impl Catalog {
    /// Every field of every adapter, with what was seen of it. Fields within objects have their path: `manager.mail`.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str, Kinds)> {
        self.adapters.iter().flat_map(|(adapter, fields)| {
            fields
                .iter()
                .map(move |(field, kinds)| (&**adapter, &**field, *kinds))
        })
    }

    /// Fields that users are documented to have, whether or not one has them.
    pub fn documented() -> impl Iterator<Item = (&'static str, Kinds)> {
        DOCUMENTED.iter().copied()
    }

    /// Whether some asset may have `field`: of this adapter, or of any.
    #[must_use]
    pub fn knows(&self, adapter: Option<&str>, field: &str) -> bool {
        if self.count >= MAX_FIELDS {
            return true;
        }
        let has = |field: &str| match adapter {
            Some(adapter) => self
                .adapters
                .get(adapter)
                .is_some_and(|fields| fields.contains_key(field)),
            None => self
                .adapters
                .values()
                .any(|fields| fields.contains_key(field)),
        };
        let is_documented = |field: &str| {
            adapter.is_none_or(|adapter| self.knows_adapter(adapter) && adapter != CUSTOM_ADAPTER)
                && DOCUMENTED.iter().any(|(known, _)| *known == field)
        };
        has(field) || is_documented(field)
    }

    fn knows_adapter(&self, adapter: &str) -> bool {
        adapter == AZURE_AD_ADAPTER || self.adapters.contains_key(adapter)
    }

    /// What may have been meant by `path`, which was written for `field` and is unknown.
    pub(crate) fn nearest(&self, adapter: Option<&str>, field: &str, path: &str) -> Vec<String> {
        let mut near = Near::new();
        // Inside of an object only the end of the field was written.
        let above = field.strip_suffix(path).filter(|above| !above.is_empty());
        if let Some(above) = above {
            for known in self.names(adapter) {
                if let Some(below) = known.strip_prefix(above) {
                    near.add(path, below, || below.to_owned());
                }
            }
            return near.take();
        }
        let Some(adapter) = adapter else {
            let (begin, end) = match path.strip_suffix(field) {
                Some(begin) => (begin, ""),
                None => ("specific_data.data.", "_preferred"),
            };
            for known in self.names(None) {
                near.add(field, known, || format!("{begin}{known}{end}"));
            }
            return near.take();
        };
        for known in self.names(Some(adapter)) {
            near.add(field, known, || format!("adapters_data.{adapter}.{known}"));
        }
        let others = self.adapters.keys().map(|known| &**known);
        for known in others.chain([AZURE_AD_ADAPTER]) {
            if known != adapter && self.knows(Some(known), field) {
                near.add(adapter, known, || format!("adapters_data.{known}.{field}"));
            }
        }
        if self.knows(None, field) {
            near.add(field, field, || format!("specific_data.data.{field}"));
        }
        near.take()
    }

    /// What may have been meant by a text that begins like no path.
    pub(crate) fn nearest_path(&self, text: &str) -> Vec<String> {
        let mut near = Near::new();
        for known in ["adapters", "internal_axon_id", "labels", "type"] {
            near.add(text, known, || known.to_owned());
        }
        let last = text.rsplit('.').next().unwrap_or(text);
        for known in self.names(None) {
            near.add(last, known, || format!("specific_data.data.{known}"));
        }
        near.take()
    }

    fn names<'a>(&'a self, adapter: Option<&'a str>) -> impl Iterator<Item = &'a str> {
        let seen = self
            .adapters
            .iter()
            .filter(move |(name, _)| adapter.is_none_or(|adapter| ***name == *adapter))
            .flat_map(|(_, fields)| fields.keys().map(|field| &**field));
        let is_users = adapter.is_none_or(|adapter| adapter != CUSTOM_ADAPTER);
        let documented = DOCUMENTED
            .iter()
            .filter(move |_| is_users)
            .map(|(field, _)| *field);
        seen.chain(documented)
    }

    /// Notes a field that is kept already.
    pub(crate) fn known(&mut self, adapter: &str, field: &str, kinds: Kinds) {
        self.note(adapter, field, kinds);
        self.news.clear();
    }

    /// Notes the fields of `asset`.
    pub(crate) fn learn(&mut self, asset: &Asset) {
        for entity in &asset.adapters {
            let mut path = String::new();
            self.learn_object(&entity.adapter, &entity.data, &mut path, 1);
        }
    }

    /// What was noted since this was asked last.
    pub(crate) fn take_news(&mut self) -> Vec<(Box<str>, Box<str>, Kinds)> {
        std::mem::take(&mut self.news)
            .into_iter()
            .map(|(adapter, field)| {
                let kinds = self.adapters.get(&adapter).and_then(|f| f.get(&field));
                let kinds = kinds.copied().unwrap_or_default();
                (adapter, field, kinds)
            })
            .collect()
    }

    fn learn_object(
        &mut self,
        adapter: &str,
        object: &Map<String, Value>,
        path: &mut String,
        depth: usize,
    ) {
        for (name, value) in object {
            // Such a name cannot be written in a path.
            if name.is_empty() || name.contains('.') || path.len() + name.len() > MAX_NAME_BYTES {
                continue;
            }
            let end = path.len();
            if end > 0 {
                path.push('.');
            }
            path.push_str(name);
            self.note(adapter, path, Kinds::of(value));
            if depth < MAX_STEPS {
                match value {
                    Value::Object(below) => self.learn_object(adapter, below, path, depth + 1),
                    Value::Array(members) => {
                        for below in members
                            .iter()
                            .take(MAX_MEMBERS)
                            .filter_map(Value::as_object)
                        {
                            self.learn_object(adapter, below, path, depth + 1);
                        }
                    }
                    _ => {}
                }
            }
            path.truncate(end);
        }
    }

    fn note(&mut self, adapter: &str, field: &str, kinds: Kinds) {
        if let Some(seen) = self
            .adapters
            .get_mut(adapter)
            .and_then(|fields| fields.get_mut(field))
        {
            if !seen.contains(kinds) {
                *seen |= kinds;
                self.news.insert((adapter.into(), field.into()));
            }
        } else if self.count < MAX_FIELDS {
            let fields = self.adapters.entry(adapter.into()).or_default();
            fields.insert(field.into(), kinds);
            self.count += 1;
            self.news.insert((adapter.into(), field.into()));
        }
    }
}

/// The best of what was compared.
struct Near(Vec<(usize, String)>);

impl Near {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, wanted: &str, known: &str, written: impl FnOnce() -> String) {
        let most = (wanted.chars().count() / 4 + 1).min(4);
        if wanted.len().abs_diff(known.len()) > 4 * most {
            return;
        }
        let distance = strsim::osa_distance(&wanted.to_lowercase(), &known.to_lowercase());
        if distance <= most {
            self.0.push((distance, written()));
        }
    }

    fn take(mut self) -> Vec<String> {
        self.0.sort();
        self.0.dedup_by(|one, other| one.1 == other.1);
        self.0
            .into_iter()
            .take(SUGGESTIONS)
            .map(|(_, written)| written)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use serde_json::json;

    use super::*;

    fn catalog() -> Catalog {
        let asset: Asset = serde_json::from_value(json!({"id": "a", "adapters": [
            {"adapter": "okta_adapter", "data": {"nickname": "x", "seen": "2026-11-20", "tags": [{"tag_key": 1}]}},
            {"adapter": "gui", "data": {"custom_score": 7, "custom_odd": [1, "x", null]}},
        ]}))
        .unwrap();
        let mut catalog = Catalog::default();
        catalog.learn(&asset);
        catalog
    }

    #[test]
    fn fields_that_an_asset_has_and_documented_ones_are_known() {
        let catalog = catalog();
        for (adapter, field) in [
            (None, "nickname"),
            (None, "tags.tag_key"),
            (None, "custom_score"),
            (None, "mail"),
            (Some("okta_adapter"), "nickname"),
            (Some("okta_adapter"), "mail"),
            (Some("azure_ad_adapter"), "user_factors.factor_type"),
        ] {
            assert!(catalog.knows(adapter, field), "{adapter:?} {field}");
        }
        for (adapter, field) in [
            (None, "nicknam"),
            (Some("azure_ad_adapter"), "nickname"),
            (Some("gui"), "mail"),
            (Some("jira_adapter"), "mail"),
        ] {
            assert!(!catalog.knows(adapter, field), "{adapter:?} {field}");
        }
    }

    #[test]
    fn kinds_are_what_was_seen() {
        let catalog = catalog();
        let kinds = |wanted: &str| {
            let mut fields = catalog.fields();
            fields.find(|(_, field, _)| *field == wanted).unwrap().2
        };
        assert_eq!(kinds("nickname"), Kinds::TEXT);
        assert_eq!(kinds("seen"), Kinds::DATE);
        assert_eq!(kinds("tags"), Kinds::OBJECT | Kinds::LIST);
        assert_eq!(
            kinds("custom_odd"),
            Kinds::NUMBER | Kinds::TEXT | Kinds::LIST
        );
        assert_eq!(Kinds::from_bits(kinds("tags").bits()), kinds("tags"));
    }

    #[test]
    fn what_was_meant_is_written_as_it_was_written() {
        let catalog = catalog();
        let nearest = |adapter, field: &str, path: &str| catalog.nearest(adapter, field, path);
        assert_eq!(
            nearest(None, "usernmae", "specific_data.data.usernmae"),
            ["specific_data.data.username"]
        );
        assert_eq!(
            nearest(None, "nicknam", "specific_data.data.nicknam_preferred"),
            ["specific_data.data.nickname_preferred"]
        );
        assert_eq!(nearest(None, "nicknam", "data.nicknam"), ["data.nickname"]);
        assert_eq!(nearest(None, "tags.tag_kee", "tag_kee"), ["tag_key"]);
        assert_eq!(
            nearest(
                Some("octa_adapter"),
                "nickname",
                "adapters_data.octa_adapter.nickname"
            ),
            [
                "specific_data.data.nickname",
                "adapters_data.okta_adapter.nickname"
            ]
        );
        assert!(nearest(None, "zzzzzz", "specific_data.data.zzzzzz").is_empty());
        assert_eq!(catalog.nearest_path("label"), ["labels"]);
        assert_eq!(
            catalog.nearest_path("user.username"),
            ["specific_data.data.username"]
        );
    }

    #[test]
    fn news_are_told_once() {
        let mut catalog = catalog();
        assert_eq!(catalog.take_news().len(), 6);
        assert!(catalog.take_news().is_empty());
        catalog.known("okta_adapter", "nickname", Kinds::NUMBER);
        assert!(catalog.take_news().is_empty());
    }

    #[test]
    fn names_cannot_fill_the_memory() {
        let mut catalog = Catalog::default();
        let data: Map<String, Value> = (0..MAX_FIELDS + 10)
            .map(|n| (format!("f{n}"), json!(1)))
            .collect();
        let mut path = String::new();
        catalog.learn_object("x_adapter", &data, &mut path, 1);
        assert_eq!(catalog.fields().count(), MAX_FIELDS);
        assert!(catalog.knows(None, "anything"));
    }
}
