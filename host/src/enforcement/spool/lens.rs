//! How an action sees an asset: which of its identities, which of their fields, and by which names.

use serde_json::{Map, Value};
use tipstaff_asset::Asset;
use tipstaff_sandbox::Manifest;

/// How an asset is seen by an action: which identities, and by which names.
pub(crate) struct Lens<'a> {
    pub(super) adapter: &'a str,
    pub(super) connection: &'a str,
    pub(super) manifest: &'a Manifest,
    naming: Vec<&'a str>,
    unique: Vec<&'a str>,
}

/// Names that one field of an identity can have: people have a handful of addresses, and a list can say anything.
const MOST_NAMES: usize = 64;

impl<'a> Lens<'a> {
    pub(crate) fn new(manifest: &'a Manifest, connection: &'a str) -> Self {
        // In the manifest's order: its first field is the name that the action prefers.
        let ordered = |known: Vec<&str>| {
            manifest
                .asset_fields
                .iter()
                .map(|f| f.path.as_str())
                .filter(|path| known.contains(path))
                .collect()
        };
        Self {
            adapter: &manifest.adapter,
            connection,
            manifest,
            naming: ordered(manifest.naming_fields()),
            unique: ordered(manifest.unique_fields()),
        }
    }

    /// The same on another connection.
    pub(super) fn on(&self, connection: Option<&'a str>) -> Self {
        Self {
            connection: connection.unwrap_or(self.connection),
            naming: self.naming.clone(),
            unique: self.unique.clone(),
            ..*self
        }
    }

    /// The identities of the asset on this connection, with the fields that the manifest asks for and no others.
    pub(super) fn identities(&self, asset: &Asset) -> Vec<Map<String, Value>> {
        let of_connection = asset.adapters.iter().filter(|data| {
            data.adapter == self.adapter
                && data
                    .connection
                    .as_deref()
                    .is_none_or(|name| name == self.connection)
        });
        of_connection
            .map(|data| {
                let fields = self.manifest.asset_fields.iter();
                fields
                    .filter_map(|f| Some((f.path.clone(), data.data.get(&f.path)?.clone())))
                    .collect()
            })
            .filter(|identity: &Map<String, Value>| {
                !identity.is_empty()
                    && self
                        .manifest
                        .asset_fields
                        .iter()
                        .all(|f| !f.required || identity.contains_key(&f.path))
            })
            .collect()
    }

    /// The names that calls may use for it, with the fields that they are from.
    pub(super) fn names<'i>(&self, identity: &'i Map<String, Value>) -> Vec<(&'a str, &'i str)> {
        let mut names = Vec::with_capacity(self.naming.len());
        for field in &self.naming {
            let texts = match identity.get(*field) {
                Some(Value::Array(list)) => list.as_slice(),
                Some(value) => std::slice::from_ref(value),
                None => &[],
            };
            let texts = texts.iter().take(MOST_NAMES).filter_map(Value::as_str);
            names.extend(
                texts
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(|name| (*field, name)),
            );
        }
        names
    }

    /// The name by which it would be changed.
    pub(super) fn unique_name<'i>(&self, identity: &'i Map<String, Value>) -> Option<&'i str> {
        self.unique.iter().find_map(|field| {
            let name = identity.get(*field)?.as_str()?.trim();
            (!name.is_empty()).then_some(name)
        })
    }
}
