//! Computes for ever instead of saying what it is.

use tipstaff_programs::{Manifest, Program, program};

struct SpinsInDescribe;

impl Program for SpinsInDescribe {
    fn describe() -> Manifest {
        loop {
            std::hint::black_box(());
        }
    }
}

program!(SpinsInDescribe);
