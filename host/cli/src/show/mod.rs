//! Text for people, made of what the library tells. Nothing here asks, sends or decides.

pub(crate) mod action;
pub(crate) mod approval;
pub(crate) mod assets;
pub(crate) mod connection;
pub(crate) mod dynamic;
pub(crate) mod form;
pub(crate) mod outcomes;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod proof;
pub(crate) mod summary;
pub(crate) mod table;
