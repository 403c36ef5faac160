//! Paths to the fields of an asset, as queries and dynamic values write them, and what they find.
//!
//! | Path | Finds |
//! | --- | --- |
//! | `specific_data.data.f` | `f` of every adapter entity, one after the other: a list, whatever the entities have |
//! | `specific_data.data.f_preferred` | the value of the first entity that has one |
//! | `adapters_data.x_adapter.f` | `f` of the entities of one adapter |
//! | `adapters_data.gui.custom_f`, `custom.f` | a custom field: data of the entity `gui` |
//! | `labels` | the labels |
//! | `adapters` | the names of the adapters that know the asset |
//! | `internal_axon_id` | the asset's id |
//! | `type` | the asset's kind |
//!
//! `f` may go on into objects and lists of objects: `user_factors.factor_type` is what each member has. A member that
//! is no object has nothing. It is not known here what a field means, nor which fields there are.

use std::fmt;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use crate::asset::Asset;
use crate::view::View;

/// The adapter whose fields people define themselves.
pub const CUSTOM_ADAPTER: &str = "gui";

/// How many names a path may have below its beginning.
pub const MAX_STEPS: usize = 16;

/// The longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 512;

const AGGREGATED: &str = "specific_data.data.";
const ADAPTER: &str = "adapters_data.";
const CUSTOM: &str = "custom.";
const PREFERRED: &str = "_preferred";

/// A path that was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    text: Box<str>,
    source: Source,
    steps: Steps,
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// One adapter's entities.
    Adapter(Box<str>),
    /// The names of the adapters.
    Adapters,
    /// All entities.
    Aggregated,
    /// The asset's id.
    Id,
    /// The asset's kind.
    Kind,
    /// The labels.
    Labels,
    /// The first entity that has a value.
    Preferred,
}

/// What a path finds in an asset.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// One value, and no list.
    One(View<'a>),
    /// A list.
    List(Vec<View<'a>>),
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It begins like none.
    #[error("`{path}` is no field")]
    NoField {
        /// The text.
        path: String,
    },

    /// It ends where the name of a field should follow.
    #[error("`{path}` names no field")]
    Incomplete {
        /// The text.
        path: String,
    },

    /// It is too long, or has too many parts.
    #[error("a field has at most {MAX_STEPS} names and {MAX_PATH_BYTES} bytes")]
    TooLong,
}

impl PathError {
    /// What to write instead, as the end of a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoField { .. } => {
                "fields are written `specific_data.data.FIELD` (of all adapters), `adapters_data.NAME_adapter.FIELD` \
                 (of one), `labels`, `adapters` and `internal_axon_id`"
            }
            Self::Incomplete { .. } => "the name of a field follows after the dot",
            Self::TooLong => "name the field only",
        }
    }
}

impl FieldPath {
    /// Reads a path, without the kind of asset before it (`user.`) that statements write.
    ///
    /// # Errors
    ///
    /// [`PathError`] if it is none. Whether any asset has the field is not looked at.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong);
        }
        let path = || text.to_owned();
        let made = |source, steps| Self {
            text: text.into(),
            source,
            steps,
        };
        let none = Steps::default();
        match text {
            "adapters" => return Ok(made(Source::Adapters, none)),
            "internal_axon_id" => return Ok(made(Source::Id, none)),
            "labels" => return Ok(made(Source::Labels, none)),
            "type" => return Ok(made(Source::Kind, none)),
            _ => {}
        }
        if let Some(field) = text.strip_prefix(AGGREGATED) {
            let preferred = field
                .strip_suffix(PREFERRED)
                .filter(|field| !field.is_empty() && !field.ends_with('.'));
            return match preferred {
                Some(field) => Ok(made(Source::Preferred, Steps::parse(field, path)?)),
                None => Ok(made(Source::Aggregated, Steps::parse(field, path)?)),
            };
        }
        if let Some(rest) = text.strip_prefix(ADAPTER) {
            let (adapter, field) = rest
                .split_once('.')
                .ok_or_else(|| PathError::Incomplete { path: path() })?;
            if adapter.is_empty() {
                return Err(PathError::Incomplete { path: path() });
            }
            let source = Source::Adapter(adapter.into());
            return Ok(made(source, Steps::parse(field, path)?));
        }
        if let Some(field) = text.strip_prefix(CUSTOM) {
            let field = format!("custom_{field}");
            let source = Source::Adapter(CUSTOM_ADAPTER.into());
            return Ok(made(source, Steps::parse(&field, path)?));
        }
        match text {
            "specific_data" | "specific_data.data" | "adapters_data" | "custom" => {
                Err(PathError::Incomplete { path: path() })
            }
            _ => Err(PathError::NoField { path: path() }),
        }
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it begins.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The names that follow: of a field, and of what is in it.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &str> {
        self.steps.0.iter().map(AsRef::as_ref)
    }

    /// Visits what each entity has under the path, in their order, until `found` breaks. Lists are visited whole,
    /// unless the path goes on into their members.
    pub fn visit<'a>(
        &self,
        asset: &'a Asset,
        mut found: impl FnMut(View<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &self.source {
            Source::Id => found(View::Text(asset.id.as_str())),
            Source::Kind => found(View::Text(&asset.kind)),
            Source::Labels => asset
                .labels
                .iter()
                .try_for_each(|label| found(View::Text(label))),
            Source::Adapters => asset
                .adapters
                .iter()
                .try_for_each(|entity| found(View::Text(&entity.adapter))),
            Source::Aggregated => asset
                .adapters
                .iter()
                .try_for_each(|entity| self.steps.visit(&entity.data, &mut found)),
            Source::Adapter(adapter) => asset
                .adapters
                .iter()
                .filter(|entity| *entity.adapter == **adapter)
                .try_for_each(|entity| self.steps.visit(&entity.data, &mut found)),
            Source::Preferred => match self.preferred(asset) {
                Some(value) => found(value),
                None => ControlFlow::Continue(()),
            },
        }
    }

    /// What the path finds, as one value: a list where the path says so (all entities, labels, adapters), where it
    /// goes through a list, and where the asset has several entities of the adapter, so that none is lost; else the
    /// value itself. `null` and `""` are kept, for the reader to judge. `None` if there is no single value.
    #[must_use]
    pub fn find<'a>(&self, asset: &'a Asset) -> Option<Found<'a>> {
        let mut members = Vec::new();
        let mut count = 0_usize;
        let mut whole = None;
        let _ = self.visit(asset, |found| {
            count += 1;
            match found {
                View::List(list) => members.extend(list.iter().map(View::from)),
                other => members.push(other),
            }
            if count == 1 {
                whole = Some(found);
            }
            ControlFlow::Continue(())
        });
        let one = whole.map(|whole| match whole {
            View::List(list) => Found::List(list.iter().map(View::from).collect()),
            other => Found::One(other),
        });
        match &self.source {
            Source::Adapters | Source::Aggregated | Source::Labels => Some(Found::List(members)),
            Source::Id | Source::Kind | Source::Preferred => one,
            Source::Adapter(adapter) => {
                let mut entities = asset
                    .adapters
                    .iter()
                    .filter(|entity| *entity.adapter == **adapter);
                let (first, another) = (entities.next(), entities.next());
                let is_list = another.is_some()
                    || first.is_some_and(|entity| self.steps.cross_a_list(&entity.data));
                match (count, is_list) {
                    (0, _) => None,
                    (_, true) => Some(Found::List(members)),
                    (_, false) => one,
                }
            }
        }
    }

    /// The same as a value of its own.
    #[must_use]
    pub fn value(&self, asset: &Asset) -> Option<Value> {
        self.find(asset).map(|found| match found {
            Found::One(value) => value.to_value(),
            Found::List(members) => members.into_iter().map(View::to_value).collect(),
        })
    }

    /// Whether it finds a list, whatever the asset holds.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(
            self.source,
            Source::Adapters | Source::Aggregated | Source::Labels
        )
    }

    /// Whether it finds one value at most, whatever the asset holds.
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(self.source, Source::Id | Source::Kind | Source::Preferred)
    }

    /// The first value of the first entity that has one.
    fn preferred<'a>(&self, asset: &'a Asset) -> Option<View<'a>> {
        let mut first = None;
        let _ = asset.adapters.iter().try_for_each(|entity| {
            self.steps.visit(&entity.data, &mut |found: View<'a>| {
                first = match found {
                    View::List(members) => {
                        members.iter().map(View::from).find(|m| m.is_something())
                    }
                    other => Some(other).filter(|other| other.is_something()),
                };
                match first {
                    Some(_) => ControlFlow::Break(()),
                    None => ControlFlow::Continue(()),
                }
            })
        });
        first
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names that lead from an object to something in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Steps(Box<[Box<str>]>);

impl Steps {
    /// Reads `a.b.c`.
    ///
    /// # Errors
    ///
    /// [`PathError`] if a name is empty, or if there are too many.
    pub fn parse(text: &str, whole: impl Fn() -> String) -> Result<Self, PathError> {
        let steps: Box<[Box<str>]> = text.split('.').map(Box::from).collect();
        if steps.iter().any(|step| step.trim().is_empty()) {
            return Err(PathError::Incomplete { path: whole() });
        }
        if steps.len() > MAX_STEPS {
            return Err(PathError::TooLong);
        }
        Ok(Self(steps))
    }

    /// The names.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Visits what the names lead to, through the members of lists on the way.
    pub fn visit<'a>(
        &self,
        object: &'a Map<String, Value>,
        found: &mut impl FnMut(View<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        visit(object, &self.0, found)
    }

    /// Whether there is a list on the way.
    fn cross_a_list(&self, object: &Map<String, Value>) -> bool {
        let mut object = object;
        for step in self.0.iter().take(self.0.len().saturating_sub(1)) {
            match object.get(&**step) {
                Some(Value::Object(below)) => object = below,
                Some(Value::Array(_)) => return true,
                _ => return false,
            }
        }
        false
    }
}

fn visit<'a>(
    object: &'a Map<String, Value>,
    steps: &[Box<str>],
    found: &mut impl FnMut(View<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((step, rest)) = steps.split_first() else {
        return ControlFlow::Continue(());
    };
    match (object.get(&**step), rest.is_empty()) {
        (None, _) => ControlFlow::Continue(()),
        (Some(value), true) => found(View::from(value)),
        (Some(Value::Object(below)), false) => visit(below, rest, found),
        (Some(Value::Array(members)), false) => members
            .iter()
            .filter_map(Value::as_object)
            .try_for_each(|below| visit(below, rest, found)),
        (Some(_), false) => ControlFlow::Continue(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn ada() -> Asset {
        serde_json::from_value(json!({
            "id": "b2374c0e", "type": "user", "labels": ["vip", "offboarding"], "adapters": [
                {"adapter": "ad_adapter", "data": {"username": "ada", "mail": "", "logon": null, "groups": ["a", "b"]}},
                {"adapter": "azure_ad_adapter", "connection": "one", "data": {
                    "username": "ada@contoso.com", "mail": "ada@contoso.com", "tenant_id": "one", "groups": [],
                    "user_factors": [{"factor_type": "Password"}, {"factor_type": "Fido", "tags": ["x", "y"]}, 7],
                    "manager": {"mail": "grace@contoso.com"}}},
                {"adapter": "azure_ad_adapter", "connection": "two", "data": {"tenant_id": "two"}},
                {"adapter": "gui", "data": {"custom_score": 7}},
            ],
        }))
        .unwrap()
    }

    fn value(path: &str) -> Option<Value> {
        FieldPath::parse(path).unwrap().value(&ada())
    }

    #[test]
    fn aggregated_fields_are_lists_of_what_all_entities_have() {
        assert_eq!(
            value("specific_data.data.username"),
            Some(json!(["ada", "ada@contoso.com"]))
        );
        assert_eq!(value("specific_data.data.groups"), Some(json!(["a", "b"])));
        assert_eq!(
            value("specific_data.data.tenant_id"),
            Some(json!(["one", "two"]))
        );
        assert_eq!(value("specific_data.data.logon"), Some(json!([null])));
        assert_eq!(value("specific_data.data.custom_score"), Some(json!([7])));
        assert_eq!(value("specific_data.data.nothing"), Some(json!([])));
    }

    #[test]
    fn preferred_fields_are_the_first_that_say_something() {
        assert_eq!(
            value("specific_data.data.mail_preferred"),
            Some(json!("ada@contoso.com"))
        );
        assert_eq!(
            value("specific_data.data.username_preferred"),
            Some(json!("ada"))
        );
        assert_eq!(
            value("specific_data.data.groups_preferred"),
            Some(json!("a"))
        );
        assert_eq!(value("specific_data.data.logon_preferred"), None);
        assert_eq!(
            value("specific_data.data.manager.mail_preferred"),
            Some(json!("grace@contoso.com"))
        );
    }

    #[test]
    fn fields_of_an_adapter_are_as_it_has_them_and_none_of_several_is_lost() {
        assert_eq!(
            value("adapters_data.ad_adapter.username"),
            Some(json!("ada"))
        );
        assert_eq!(
            value("adapters_data.ad_adapter.groups"),
            Some(json!(["a", "b"]))
        );
        assert_eq!(value("adapters_data.ad_adapter.logon"), Some(json!(null)));
        assert_eq!(
            value("adapters_data.azure_ad_adapter.tenant_id"),
            Some(json!(["one", "two"]))
        );
        assert_eq!(value("adapters_data.ad_adapter.nothing"), None);
        assert_eq!(value("adapters_data.none_adapter.username"), None);
        assert_eq!(value("adapters_data.gui.custom_score"), Some(json!(7)));
        assert_eq!(value("custom.score"), Some(json!(7)));
    }

    #[test]
    fn paths_go_through_objects_and_lists_of_objects() {
        assert_eq!(
            value("specific_data.data.user_factors.factor_type"),
            Some(json!(["Password", "Fido"]))
        );
        assert_eq!(
            value("specific_data.data.user_factors.tags"),
            Some(json!(["x", "y"]))
        );
        assert_eq!(
            value("adapters_data.azure_ad_adapter.manager.mail"),
            Some(json!(["grace@contoso.com"]))
        );
        assert_eq!(value("specific_data.data.username.x"), Some(json!([])));
    }

    #[test]
    fn children_of_a_list_are_a_list_even_of_one() {
        let asset: Asset = serde_json::from_value(json!({"id": "a", "adapters": [
            {"adapter": "x_adapter", "data": {"tags": [{"key": "owner"}], "one": {"key": "k"}}}]}))
        .unwrap();
        let value = |path: &str| FieldPath::parse(path).unwrap().value(&asset);
        assert_eq!(
            value("adapters_data.x_adapter.tags.key"),
            Some(json!(["owner"]))
        );
        assert_eq!(value("adapters_data.x_adapter.one.key"), Some(json!("k")));
    }

    #[test]
    fn an_asset_has_fields_of_its_own() {
        assert_eq!(value("labels"), Some(json!(["vip", "offboarding"])));
        assert_eq!(value("internal_axon_id"), Some(json!("b2374c0e")));
        assert_eq!(value("type"), Some(json!("user")));
        assert_eq!(
            value("adapters"),
            Some(json!([
                "ad_adapter",
                "azure_ad_adapter",
                "azure_ad_adapter",
                "gui"
            ]))
        );
    }

    #[test]
    fn what_is_no_path_is_told_apart() {
        for text in [
            "username",
            "",
            "Labels",
            "labels.x",
            "specific_data.username",
        ] {
            assert!(
                matches!(FieldPath::parse(text), Err(PathError::NoField { .. })),
                "{text}"
            );
        }
        for text in [
            "specific_data.data",
            "specific_data.data.",
            "specific_data.data.a..b",
            "adapters_data.azure_ad_adapter",
            "adapters_data..id",
            "custom",
        ] {
            assert!(
                matches!(FieldPath::parse(text), Err(PathError::Incomplete { .. })),
                "{text}"
            );
        }
        let deep = format!("specific_data.data{}", ".a".repeat(MAX_STEPS + 1));
        let long = format!("specific_data.data.{}", "a".repeat(MAX_PATH_BYTES));
        for text in [deep, long] {
            assert_eq!(FieldPath::parse(&text), Err(PathError::TooLong));
        }
        let odd = FieldPath::parse("specific_data.data._preferred").unwrap();
        assert_eq!(odd.source(), &Source::Aggregated);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(specific_data\\.data\\.|adapters_data\\.|custom\\.)?[a-z_.]{0,20}|\\PC{0,20}") {
            if let Ok(path) = FieldPath::parse(&text) {
                prop_assert_eq!(path.as_str(), text.as_str());
                let _ = path.value(&ada());
            }
        }
    }
}
