//! Assets that a setting adds to a run, such as a test account to measure by: nobody lists them, the plan shows them,
//! and they are reported apart.
//!
//! Which settings do is in the manifest (`x-adds-asset`), and who is added in the connection; nothing is known here of
//! what the action does with them.

use serde_json::{Map, Value};
use tipstaff_asset::{AdapterData, Asset, AssetId};
use tipstaff_sandbox::Manifest;

use super::plan::PlanError;
use crate::connection::Connection;

/// An asset that a setting adds.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    /// The setting.
    pub(crate) setting: String,
    /// The asset.
    pub(crate) asset: Asset,
}

/// The assets that `settings` add.
///
/// # Errors
///
/// [`PlanError::CannotAdd`] if the connection does not have what it takes.
pub(crate) fn added(
    manifest: &Manifest,
    settings: &Map<String, Value>,
    connection: &Connection,
) -> Result<Vec<Added>, PlanError> {
    let set = |setting: &str| settings.get(setting) == Some(&Value::Bool(true));
    let mut all = Vec::new();
    for adds in manifest.adds.iter().filter(|adds| set(&adds.setting)) {
        let cannot = |reason: String| PlanError::CannotAdd {
            connection: connection.name().to_owned(),
            setting: adds.setting.clone(),
            reason,
        };
        let missing = |field: &str| cannot(format!("there is no `{field}`"));
        let value = connection
            .fields()
            .find(|(field, _)| *field == adds.field)
            .map(|(_, value)| value.trim())
            .ok_or_else(|| missing(&adds.field))?;
        let has = |wanted: &String| {
            connection.fields().any(|(field, _)| field == wanted)
                || connection.secrets().any(|(field, _)| field == wanted)
        };
        if let Some(field) = adds.needs.iter().find(|field| !has(field)) {
            return Err(missing(field));
        }
        let id = AssetId::new(format!("{}:{value}", adds.setting))
            .map_err(|why| cannot(format!("`{}` names nobody: {why}", adds.field)))?;
        let data = Map::from_iter([(adds.identity_field.clone(), Value::from(value))]);
        let mut asset = Asset::new(
            id,
            vec![AdapterData {
                adapter: manifest.adapter.clone(),
                connection: Some(connection.name().to_owned()),
                data,
                other: Map::new(),
            }],
        );
        if let Some(kind) = manifest.asset_kinds.first() {
            asset.kind.clone_from(kind);
        }
        all.push(Added {
            setting: adds.setting.clone(),
            asset,
        });
    }
    Ok(all)
}
