//! Crashes instead of saying what it is.

use tipstaff_programs::{Manifest, Program, program};

struct TrapsInDescribe;

impl Program for TrapsInDescribe {
    fn describe() -> Manifest {
        panic!("it will not say")
    }
}

program!(TrapsInDescribe);
