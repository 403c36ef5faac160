//! The asset model of Tipstaff: what an asset is, how a list of assets is read, and the inventory that keeps them.
//!
//! It knows nothing of actions, runs or the network: whether an asset can be enforced upon is for others to say.
//!
//! ```
//! use tipstaff_asset::{Entry, read};
//!
//! let list = "{\"userPrincipalName\":\"ada@contoso.com\"}\n\"grace@contoso.com\"\n";
//! for entry in read(list.as_bytes(), None)? {
//!     match entry? {
//!         Entry::Asset { asset, .. } => assert_eq!(asset.id.as_str(), "ada@contoso.com"),
//!         Entry::Broken { line, reason } => assert!(line == 2 && reason.to_string().contains("bare string")),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod asset;
pub mod catalog;
pub mod cell;
pub mod date;
mod fault;
pub mod fields;
pub mod inventory;
mod json;
pub mod path;
pub mod query;
pub mod read;
mod shape;
pub mod view;

pub use asset::{AZURE_AD_ADAPTER, AdapterData, Asset, AssetId, InvalidId, USER};
pub use catalog::{Catalog, Kinds};
pub use cell::csv_safe;
pub use fault::Fault;
pub use inventory::{
    ImportError, ImportReport, Inventory, InventoryError, QueryFailure, SaveError, Selected,
};
pub use path::{FieldPath, Found, PathError};
pub use query::{Query, QueryError, SavedQuery};
pub use read::{Entry, Format, NotAList, ReadError, Reader, open, read};
pub use view::View;
