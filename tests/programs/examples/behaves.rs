//! Does everything right.

use tipstaff_programs::{Program, program};

struct Behaves;

impl Program for Behaves {}

program!(Behaves);
