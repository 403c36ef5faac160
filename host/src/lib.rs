//! Runs enforcement actions as sandboxed WebAssembly components.
