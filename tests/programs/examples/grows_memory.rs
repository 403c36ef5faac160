//! Takes memory until there is none.

use tipstaff_programs::{Asset, Job, Outcome, Program, program};

struct GrowsMemory;

impl Program for GrowsMemory {
    async fn act(_: &Job, _: &Asset) -> Vec<Outcome> {
        let mut kept = Vec::new();
        loop {
            kept.push(vec![1_u8; 1 << 20]);
            std::hint::black_box(&kept);
        }
    }
}

program!(GrowsMemory);
