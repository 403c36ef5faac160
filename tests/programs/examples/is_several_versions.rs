//! Is several versions of one action, by what a test writes over its mark: which version it says that it is, whether it
//! asks for the same, for more, for less, or for something that only it vouches for, and whether it behaves.

use std::hint::black_box;

use tipstaff_programs::{
    Asset, Job, Manifest, Outcome, Program, Verdict, act_well, m, manifest, outcome, program,
};

/// `mark:`, the version and spaces up to 16 letters, what it asks for, what it does.
static MARK: [u8; 23] = *b"mark:1.0.0           sw";

const SHARED: &str = "{graph}/v1.0/users/*";

struct IsSeveralVersions;

/// What is written in place of the mark, which the compiler must not know beforehand.
fn mark() -> (String, u8, u8) {
    let mark = black_box(&MARK);
    let version = String::from_utf8_lossy(&mark[5..21]).trim().to_owned();
    (version, mark[21], mark[22])
}

fn claim() -> m::Call {
    let mut calls = manifest().calls;
    let look_up = calls.swap_remove(1);
    m::Call {
        id: "measure".into(),
        method: "POST".into(),
        url: format!("{SHARED}/getMemberGroups"),
        query: vec![],
        ..look_up
    }
}

fn more() -> m::Call {
    let mut calls = manifest().calls;
    let revoke = calls.swap_remove(2);
    m::Call {
        id: "remove".into(),
        method: "DELETE".into(),
        url: SHARED.into(),
        ..revoke
    }
}

impl Program for IsSeveralVersions {
    fn describe() -> Manifest {
        let (version, asks, _) = mark();
        let mut manifest = manifest();
        manifest.name = "several".into();
        manifest.version = version;
        match asks {
            b'm' => manifest.calls.push(more()),
            b'l' => manifest.asset_fields.truncate(1),
            b'c' => manifest.calls.push(claim()),
            _ => {}
        }
        manifest
    }

    async fn act(job: &Job, asset: &Asset) -> Vec<Outcome> {
        match mark().2 {
            b't' => panic!("this version crashes"),
            b'l' => vec![outcome(
                &asset.id,
                Verdict::Succeeded,
                "done",
                "It is done.",
            )],
            _ => act_well(job, asset).await,
        }
    }
}

program!(IsSeveralVersions);
