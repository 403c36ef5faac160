//! How much of the host an instance may use. Beyond one of these its run ends, and the host goes on.

use std::time::Duration;

/// The bounds of one instance. The first action stays far below all of them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of linear memory, of all its memories together. 64 MiB.
    pub memory: usize,
    /// Entries of all its tables together. 100,000.
    pub table_entries: usize,
    /// Time that it may compute without an asset taken, a request sent or an outcome reported. 10 s.
    pub computing: Duration,
    /// Time from the start to the last outcome. 24 h; quotas make large runs long.
    pub run: Duration,
    /// Time without an asset taken, a request under way or an outcome reported. 15 min, more than a hold may last.
    pub idle: Duration,
    /// Time for `describe`, and for `check` ten times of it. 5 s.
    pub describe: Duration,
    /// Time from the end of the outcomes to the ending. 5 s.
    pub ending: Duration,
    /// Assets handed over and not yet reported. 2,048.
    pub window: usize,
    /// Log lines; what comes after is counted and dropped. 10,000.
    pub log_lines: u32,
    /// Host objects (requests, bodies, fields) that it holds at one time. 20,000.
    pub handles: usize,
    /// Bytes that it may copy into or out of the host in one call. 16 MiB.
    pub copied: usize,
    /// Bytes of headers in one `fields`. 32 KiB.
    pub fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            table_entries: 100_000,
            computing: Duration::from_secs(10),
            run: Duration::from_secs(24 * 60 * 60),
            idle: Duration::from_secs(15 * 60),
            describe: Duration::from_secs(5),
            ending: Duration::from_secs(5),
            window: 2_048,
            log_lines: 10_000,
            handles: 20_000,
            copied: 16 << 20,
            fields: 32 << 10,
        }
    }
}

/// What a component may be before anything of it is compiled. Nested components and huge functions cost the compiler
/// far more than their size.
#[derive(Clone, Debug)]
pub struct ComponentLimits {
    /// Bytes of the file. 64 MiB.
    pub size: usize,
    /// Components within components. 8.
    pub depth: u32,
    /// Modules and components together. 200.
    pub parts: u32,
    /// Functions of all modules together. 200,000.
    pub functions: u32,
    /// Bytes of one function. 1 MiB.
    pub function_size: usize,
    /// Entries of any other kind (types, imports, exports, aliases, instances) together. 400,000.
    pub entries: u32,
}

impl Default for ComponentLimits {
    fn default() -> Self {
        Self {
            size: 64 << 20,
            depth: 8,
            parts: 200,
            functions: 200_000,
            function_size: 1 << 20,
            entries: 400_000,
        }
    }
}
