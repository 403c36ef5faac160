//! Does everything right.

#![cfg(target_family = "wasm")]

use tipstaff_programs::{Program, program};

struct Behaves;

impl Program for Behaves {}

program!(Behaves);
