//! The spool of a run that is over, for a second try of some of its assets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value};
use tipstaff_asset::{AdapterData, Asset};
use tipstaff_sandbox::Manifest;

use super::{SpoolError, failed, up_to_date};
use crate::enforcement::outcome::RunId;
use crate::enforcement::routes::Route;

/// The assets of a run that is over, for a second try.
pub(crate) struct Old {
    connection: Connection,
    path: PathBuf,
}

impl Old {
    pub(crate) fn open(folder: &Path, run: RunId) -> Result<Self, SpoolError> {
        let path = folder.join(format!("{run}.db"));
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut connection = Connection::open_with_flags(&path, flags)
            .map_err(|error| failed(&path)(&format!("it is gone ({error})")))?;
        up_to_date(&mut connection, &path)?;
        Ok(Self { connection, path })
    }

    /// Where the asset went and with what, if that was not the run's.
    pub(crate) fn route(&self, id: &str) -> Result<Option<Route>, SpoolError> {
        self.connection
            .prepare_cached(
                "select route.connection, settings, mark from route join asset using (ordinal) where id = ?",
            )
            .and_then(|mut s| {
                let read = |row: &rusqlite::Row<'_>| {
                    let text = |at| row.get::<_, Option<String>>(at).map(|text| text.map(Arc::from));
                    let mark: Option<String> = row.get(2)?;
                    Ok(Route {
                        connection: text(0)?,
                        settings: text(1)?,
                        fell_back: mark.as_deref().is_some_and(|mark| mark.contains("\"fallback\":")),
                        mark,
                        refusal: None,
                    })
                };
                s.query_row([id], read).optional()
            })
            .map_err(|error| failed(&self.path)(&error))
    }

    /// The asset as the action saw it, and the setting that added it if one did. None if the line was no asset, or if the asset was refused because of its dynamic
    /// values: what they would have been is not known here.
    pub(crate) fn asset(
        &self,
        id: &str,
        manifest: &Manifest,
        connection: &str,
    ) -> Result<Option<(Asset, Option<String>)>, SpoolError> {
        let found: Option<(String, Option<String>)> = self
            .connection
            .prepare_cached(
                "select identities, added_for from asset
                    where id = ? and code is not 'not-an-asset' and code is not 'dynamic-values'",
            )
            .and_then(|mut s| {
                s.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(|error| failed(&self.path)(&error))?;
        let route = self.route(id)?.and_then(|route| route.connection);
        let connection = route.as_deref().unwrap_or(connection);
        let (Some((identities, added_for)), Ok(id)) = (found, tipstaff_asset::AssetId::new(id))
        else {
            return Ok(None);
        };
        let identities: Vec<Map<String, Value>> =
            serde_json::from_str(&identities).unwrap_or_default();
        let adapters = identities
            .into_iter()
            .map(|data| AdapterData {
                adapter: manifest.adapter.clone(),
                connection: Some(connection.to_owned()),
                data,
                other: Map::new(),
            })
            .collect();
        Ok(Some((Asset::new(id, adapters), added_for)))
    }
}
