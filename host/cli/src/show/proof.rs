//! An export whose chain holds, in words for a person.

use tipstaff::enforcement::proof::Proof;
use tipstaff::enforcement::verdict_text;

use crate::show::table::pairs;
use crate::text::{assets, number};

/// What was proven, and what only somebody who kept more can prove.
pub(crate) fn told(proof: &Proof) -> String {
    let counts: Vec<String> = proof
        .counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{} {}", number(count), verdict_text(verdict)))
        .collect();
    let begins = match &proof.plan {
        Some(plan) => format!("with plan {plan}"),
        None => "not checked: give the plan's digest with `--plan`".to_owned(),
    };
    let ends = if proof.ends_as_known {
        format!("with the link that was given, {}", proof.last)
    } else {
        format!(
            "with link {}; compare it with the one that the run told at its end (`--link`)",
            proof.last
        )
    };
    let head = "the chain holds: nothing between its first and its last line was changed, added, left out or moved\n\n";
    head.to_owned()
        + &pairs(
            &[
                ("run", proof.run.clone()),
                (
                    "outcomes",
                    format!("{}: {}", assets(proof.counts.total()), counts.join(", ")),
                ),
                ("begins", begins),
                ("ends", ends),
            ],
            2,
        )
}
