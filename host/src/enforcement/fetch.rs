//! Fills the inventory from a service: the assets of a run are blank pages, which a listing component fills.
//!
//! The host knows no service. It gives blank pages to a component that is held to its manifest as every action is, in a
//! mode in which nothing can be changed; reads what comes back as changes of the inventory; and gives no more pages
//! when the last has come. What the component has to do is described in `docs/fetching.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tipstaff_asset::inventory::{Change, FetchReport, Fetching, Origin};
use tipstaff_asset::{Inventory, InventoryError};
use tipstaff_egress::{Mode, Owner, Roster, Urgency};
use tipstaff_sandbox::{Action, Claims, Cut, End, HandOver, Run, Settled};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::outcome::RunId;
use super::spool::SpoolError;
use super::witness::{Audit, Notes, Tell};
use crate::access::{Access, AccessError};
use crate::connection::Connection;
use crate::host::Host;

/// Blank pages that are given at once.
const PAGES: u64 = 32;
/// Groups of pages, and of filled ones, that wait at most.
const GROUPS: usize = 2;

/// Why a fetch did not come to its end. What it had brought stays, and the next one begins where it did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The connection does not do; nothing was sent.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The audit cannot be written; nothing was sent.
    #[error(transparent)]
    Audit(#[from] SpoolError),
    /// The host ended it.
    #[error("the fetch was cut short: {0}")]
    Cut(Cut),
    /// The inventory cannot be used.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The service or the component saw that it could not go on.
    #[error("the fetch stopped: {0}")]
    Stopped(String),
    /// What came back is no listing.
    #[error("the component that lists does not keep to its contract: {0}")]
    Unreadable(String),
}

impl FetchError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Access(error) => error.hint(),
            Self::Audit(error) => error.hint().map(str::to_owned),
            Self::Inventory(error) => Some(error.hint().to_owned()),
            Self::Cut(_) | Self::Stopped(_) => Some(
                "what was fetched is kept; the next fetch begins where this one did".to_owned(),
            ),
            Self::Unreadable(_) => None,
        }
    }
}

impl Host {
    /// Brings what changed at a service into the inventory, with a component that lists. `told` hears how many changes
    /// were taken so far.
    ///
    /// # Errors
    ///
    /// [`FetchError`]: the connection does not do, the listing stopped, or the inventory cannot be written to.
    pub async fn fetch_assets(
        &self,
        lister: &Action,
        connection: impl Into<Arc<Connection>>,
        mut inventory: Inventory,
        told: impl Fn(u64) + Send + 'static,
    ) -> Result<FetchReport, FetchError> {
        let connection = connection.into();
        let access = Access::new(Arc::clone(&connection), lister.manifest())?;
        let id = RunId::new();
        let path = self.inner.state.audit().join(format!("fetch-{id}.jsonl"));
        let audit =
            Audit::open(&path, &id.to_string(), lister.digest()).map_err(|error| SpoolError {
                path,
                reason: error.to_string(),
            })?;
        let tell: Tell = Arc::new(|_| {});
        let notes = Arc::new(Notes::new(audit, None, tell));
        let roster = Arc::new(Roster::new());
        // Nothing may change, whatever the component asks for.
        let session = access.session(
            self,
            (Mode::Simulate, Urgency::Ordinary),
            Arc::clone(&roster),
            notes,
        );
        let origin = Origin {
            adapter: connection.adapter().to_owned(),
            connection: connection.name().to_owned(),
            account: connection.account(),
        };
        let (to_lister, pages) = mpsc::channel(GROUPS);
        let (filled, from_lister) = mpsc::channel(GROUPS);
        let (link_known, link) = tokio::sync::oneshot::channel();
        let is_done = Arc::new(AtomicBool::new(false));
        let abort = CancellationToken::new();
        let taking = {
            let (is_done, abort) = (Arc::clone(&is_done), abort.clone());
            tokio::task::spawn_blocking(move || {
                let taken = take(&mut inventory, origin, link_known, from_lister, told);
                // No more pages, and nothing to wait for if it went wrong.
                is_done.store(true, Ordering::Release);
                if taken.is_err() {
                    abort.cancel();
                }
                taken
            })
        };
        // Without one the inventory could not be opened, which is told below.
        let link = link.await.unwrap_or_default();
        let settings = match link {
            Some(link) => json!({ "link": link }),
            None => json!({}),
        };
        let feeding = tokio::spawn(feed(to_lister, is_done));
        let end = lister
            .run(Run {
                mode: Mode::Simulate,
                settings: settings.to_string(),
                connection: Arc::clone(&access.view),
                session,
                roster,
                claims: Arc::new(NoNames),
                log: Arc::clone(&self.inner.log),
                limits: self.inner.limits.clone(),
                assets: pages,
                outcomes: filled,
                finish: CancellationToken::new(),
                abort,
            })
            .await;
        feeding.abort();
        let taken = match taking.await {
            Ok(taken) => taken,
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        };
        match (taken, end) {
            (Ok(Some(report)), _) => Ok(report),
            (Err(error), _) => Err(error),
            (Ok(None), End::Stopped(why)) => Err(FetchError::Stopped(why)),
            (Ok(None), End::Cut(cut)) => Err(FetchError::Cut(cut)),
            (Ok(None), End::Complete) => Err(FetchError::Unreadable(
                "it said that it was done, and gave no last page".to_owned(),
            )),
        }
    }
}

/// Gives blank pages until the last one came back.
async fn feed(to_lister: mpsc::Sender<Vec<HandOver>>, is_done: Arc<AtomicBool>) {
    let mut next = 0;
    while !is_done.load(Ordering::Acquire) {
        let group = (next..next + PAGES).map(|number| HandOver {
            owner: Owner(number),
            id: format!("page {number}"),
            identities: vec!["{}".to_owned()],
            names: Vec::new(),
            settings: None,
            sent_before: None,
            added_for: None,
        });
        next += PAGES;
        if to_lister.send(group.collect()).await.is_err() {
            return;
        }
    }
}

/// Takes filled pages into the inventory. `None` if the last one never came.
fn take(
    inventory: &mut Inventory,
    origin: Origin,
    link_known: tokio::sync::oneshot::Sender<Option<String>>,
    mut filled: mpsc::Receiver<Vec<Settled>>,
    told: impl Fn(u64),
) -> Result<Option<FetchReport>, FetchError> {
    let mut fetching = inventory.fetch(origin)?;
    let _ = link_known.send(fetching.link().map(str::to_owned));
    let (mut count, mut last) = (0, None);
    while let Some(group) = filled.blocking_recv() {
        for page in group {
            if let Some(lie) = &page.lie {
                return Err(FetchError::Unreadable(lie.to_string()));
            }
            match page.code.as_str() {
                "anew" => fetching.anew()?,
                "page" => count += apply(&mut fetching, &page)?,
                "last" => last = Some(read::<Last>(&page)?.link),
                _ => {}
            }
        }
        told(count);
        if let Some(link) = last {
            // Whatever is still under way is thrown away with the channel.
            return Ok(Some(fetching.finish(&link)?));
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
struct Last {
    link: String,
}

#[derive(Deserialize)]
struct Users {
    users: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    id: String,
    #[serde(default)]
    gone: bool,
    #[serde(default)]
    data: Map<String, Value>,
}

fn apply(fetching: &mut Fetching<'_>, page: &Settled) -> Result<u64, FetchError> {
    let Users { users } = read(page)?;
    let count = users.len() as u64;
    let changes = users
        .into_iter()
        .map(|Told { id, gone, data }| match gone {
            true => Change::Gone { identity: id },
            false => Change::There { identity: id, data },
        })
        .collect();
    fetching.apply(changes)?;
    Ok(count)
}

fn read<'p, T: Deserialize<'p>>(page: &'p Settled) -> Result<T, FetchError> {
    let evidence = page.evidence.as_deref().map_or("null", |raw| raw.get());
    serde_json::from_str(evidence)
        .map_err(|error| FetchError::Unreadable(format!("a page cannot be read: {error}")))
}

/// Pages have no names.
struct NoNames;

impl Claims for NoNames {
    fn claim(
        &self,
        claims: Vec<(Owner, String)>,
    ) -> BoxFuture<'_, Result<Vec<Option<String>>, String>> {
        let nobody = vec![None; claims.len()];
        Box::pin(async move { Ok(nobody) })
    }
}
