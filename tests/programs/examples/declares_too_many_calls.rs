//! Declares fifty thousand calls: more than anybody reads, and much to lift out of its memory.

use tipstaff_programs::{Manifest, Program, m, manifest, program};

struct DeclaresTooManyCalls;

impl Program for DeclaresTooManyCalls {
    fn describe() -> Manifest {
        let mut manifest = manifest();
        let look_up = manifest.calls.swap_remove(1);
        manifest.calls.extend((0..50_000).map(|number| m::Call {
            id: format!("call-{number}"),
            url: format!("{{graph}}/v1.0/users/*/{number}"),
            ..look_up.clone()
        }));
        manifest
    }
}

program!(DeclaresTooManyCalls);
