//! Logs far more than anybody reads, and writes as much to standard error.

use tipstaff_programs::{Asset, Job, Outcome, Program, act_well, logging, program};

struct FloodsTheLog;

impl Program for FloodsTheLog {
    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        let line = "x".repeat(10_000);
        for _ in 0..5_000 {
            logging::log(logging::Level::Error, &line);
            eprintln!("{line}");
        }
        act_well(job, asset).await
    }
}

program!(FloodsTheLog);
