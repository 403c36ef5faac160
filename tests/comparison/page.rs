//! The page, and whether what it claims of us held.

use crate::Measured;

const PAGE: &str = include_str!("../../docs/comparison.md");

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|');
    line.split('|').map(str::trim).collect()
}

/// What is wrong with the page.
pub(crate) fn compare(all: &[Measured]) -> Vec<String> {
    let header = PAGE.lines().find(|line| line.starts_with("| |"));
    let ours = PAGE
        .lines()
        .find(|line| line.starts_with("| **Tipstaff** |"));
    let (Some(header), Some(ours)) = (header, ours) else {
        return vec!["there is no table with a row for Tipstaff".to_owned()];
    };
    let (header, ours) = (cells(header), cells(ours));
    let mut wrong = Vec::new();
    for (aspect, cell) in header.iter().zip(&ours).skip(1) {
        let Some(measured) = all.iter().find(|measured| measured.aspect == *aspect) else {
            wrong.push(format!("`{aspect}` is not measured"));
            continue;
        };
        for claim in cell.split(", ").filter(|claim| *claim != "no") {
            if !measured.claims.contains(&claim) {
                wrong.push(format!("`{aspect}` claims `{claim}`, which did not hold"));
            }
        }
    }
    for measured in all {
        let at = header.iter().position(|aspect| *aspect == measured.aspect);
        let Some(cell) = at.and_then(|at| ours.get(at)) else {
            wrong.push(format!("`{}` has no column", measured.aspect));
            continue;
        };
        let claimed: Vec<&str> = cell.split(", ").collect();
        for claim in measured.claims.iter().filter(|c| !claimed.contains(c)) {
            println!(
                "note: docs/comparison.md could also claim `{claim}` of `{}`",
                measured.aspect
            );
        }
    }
    wrong
}
