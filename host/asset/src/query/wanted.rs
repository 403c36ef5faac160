//! What has to be read of an asset to evaluate a query, so that the rest of its JSON is skipped unread.

use std::collections::BTreeSet;
use std::fmt;

use memchr::memmem::Finder;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::syntax::{Check, Expr, Relation, Subject, Test};
use crate::asset::{AdapterData, Asset, AssetId};
use crate::path::Source;

/// The parts of an asset that a query looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Members of the adapters' data.
    fields: Vec<String>,
    labels: bool,
    adapters: bool,
    /// Texts without which an asset's JSON cannot be one that the query finds.
    needles: Vec<Finder<'static>>,
}

impl Wanted {
    pub(super) fn of(expr: &Expr) -> Self {
        let mut wanted = Self::default();
        let mut fields = BTreeSet::new();
        wanted.add(expr, &mut fields);
        wanted.fields = fields.into_iter().collect();
        wanted.add_needles(expr);
        wanted
    }

    fn add(&mut self, expr: &Expr, fields: &mut BTreeSet<String>) {
        match expr {
            Expr::All(parts) | Expr::Any(parts) => {
                parts.iter().for_each(|part| self.add(part, fields));
            }
            Expr::Not(part) | Expr::Entity(part) => self.add(part, fields),
            Expr::Test(test) => self.add_test(test, fields),
        }
    }

    fn add_test(&mut self, test: &Test, fields: &mut BTreeSet<String>) {
        let first = match &test.subject {
            Subject::Asset(path) => {
                match path.source() {
                    Source::Adapter(_) | Source::Adapters => self.adapters = true,
                    Source::Labels => self.labels = true,
                    Source::Aggregated | Source::Id | Source::Kind | Source::Preferred => {}
                }
                path.steps().next()
            }
            Subject::Adapter => {
                self.adapters = true;
                None
            }
            Subject::Data(steps) => steps.names().next(),
            // Of a value that is wanted whole.
            Subject::Member(_) => None,
        };
        fields.extend(first.map(str::to_owned));
    }

    /// What is equal to a text has it in its JSON, letter by letter: the inventory and this write texts alike.
    fn add_needles(&mut self, expr: &Expr) {
        match expr {
            Expr::All(parts) => parts.iter().for_each(|part| self.add_needles(part)),
            Expr::Entity(part) => self.add_needles(part),
            Expr::Test(test) => match &test.check {
                Check::Text(Relation::Equal, text) => self.add_needle(text),
                Check::OneOf(members) if members.len() == 1 => {
                    members.texts.iter().for_each(|text| self.add_needle(text));
                }
                Check::Object(part) => self.add_needles(part),
                _ => {}
            },
            Expr::Any(_) | Expr::Not(_) => {}
        }
    }

    fn add_needle(&mut self, text: &str) {
        let written = Value::from(text).to_string();
        self.needles
            .push(Finder::new(written.as_bytes()).into_owned());
    }

    /// What tells which entity of an adapter an asset has: `data.id` of each, with its adapter and connection.
    pub(crate) fn identities() -> Self {
        Self {
            fields: vec!["id".to_owned()],
            adapters: true,
            ..Self::default()
        }
    }

    /// Whether an asset whose JSON is `body` can be one that the query finds at all.
    pub(crate) fn may_be_in(&self, body: &str) -> bool {
        self.needles
            .iter()
            .all(|needle| needle.find(body.as_bytes()).is_some())
    }

    /// The asset whose JSON is `body`, in its full form, without what the query does not look at.
    pub(crate) fn read(&self, body: &str) -> Result<Asset, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(body);
        let asset = WholeAsset(self).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(asset)
    }
}

struct WholeAsset<'w>(&'w Wanted);

impl<'de> DeserializeSeed<'de> for WholeAsset<'_> {
    type Value = Asset;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Asset, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WholeAsset<'_> {
    type Value = Asset;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an asset")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Asset, A::Error> {
        let (mut id, mut kind, mut labels, mut adapters) = (None, None, Vec::new(), None);
        while let Some(member) =
            access.next_key_seed(Name(&["id", "type", "labels", "adapters"]))?
        {
            match member {
                Some(0) => id = Some(access.next_value::<AssetId>()?),
                Some(1) => kind = Some(access.next_value::<String>()?),
                Some(2) if self.0.labels => labels = access.next_value()?,
                Some(3) => adapters = Some(access.next_value_seed(Entities(self.0))?),
                _ => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        let missing = A::Error::missing_field;
        let mut asset = Asset::new(
            id.ok_or_else(|| missing("id"))?,
            adapters.ok_or_else(|| missing("adapters"))?,
        );
        if let Some(kind) = kind {
            asset.kind = kind;
        }
        asset.labels = labels;
        Ok(asset)
    }
}

struct Entities<'w>(&'w Wanted);

impl<'de> DeserializeSeed<'de> for Entities<'_> {
    type Value = Vec<AdapterData>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entities<'_> {
    type Value = Vec<AdapterData>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of adapters' data")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut entities = Vec::new();
        while let Some(entity) = access.next_element_seed(Entity(self.0))? {
            entities.push(entity);
        }
        Ok(entities)
    }
}

struct Entity<'w>(&'w Wanted);

impl<'de> DeserializeSeed<'de> for Entity<'_> {
    type Value = AdapterData;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<AdapterData, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entity<'_> {
    type Value = AdapterData;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an adapter's data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<AdapterData, A::Error> {
        let mut entity = AdapterData {
            adapter: String::new(),
            connection: None,
            data: Map::new(),
            other: Map::new(),
        };
        while let Some(member) = access.next_key_seed(Name(&["adapter", "data", "connection"]))? {
            match member {
                Some(0) if self.0.adapters => entity.adapter = access.next_value()?,
                Some(1) => entity.data = access.next_value_seed(Data(&self.0.fields))?,
                Some(2) if self.0.adapters => entity.connection = access.next_value()?,
                _ => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(entity)
    }
}

struct Data<'w>(&'w [String]);

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Data<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut data = Map::new();
        while let Some(field) = access.next_key_seed(Name(self.0))? {
            match field.and_then(|at| self.0.get(at)) {
                Some(field) => {
                    data.insert(field.clone(), access.next_value()?);
                }
                None => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(data)
    }
}

/// The place of a member's name among those that are wanted; no name is copied.
struct Name<'w, S>(&'w [S]);

impl<'de, S: AsRef<str>> DeserializeSeed<'de> for Name<'_, S> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<S: AsRef<str>> Visitor<'_> for Name<'_, S> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| wanted.as_ref() == name))
    }
}
