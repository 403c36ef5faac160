//! Suites that cross a boundary.
