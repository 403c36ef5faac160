//! What decides over a yes: how an action differs from what was approved, what only it vouches for, and its bounds.

use tipstaff::registry::{Before, Yes};
use tipstaff::{Asks, Limits, Standing};

use super::table::pairs;
use crate::printer::Paint;
use crate::text::{duration, harmless, number, short_digest, wrapped};

/// How a component stands, in a few words.
pub(crate) fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Carried => "approved: this program carries it".to_owned(),
        Standing::Approved { at, how } => {
            let at = tipstaff::enforcement::time_text(*at);
            match how {
                Yes::Said => format!("approved on {at}"),
                Yes::File(path) => format!("approved on {at}, by `{path}`"),
                Yes::NoMoreThan(digest) => {
                    let digest = short_digest(digest);
                    format!("approved on {at}: it asks for no more than sha-256 {digest}")
                }
            }
        }
        Standing::InFile(path) => format!("approved by `{}`", path.display()),
        _ => "not approved: it runs only if somebody says yes to what is written here (`--yes`)"
            .to_owned(),
    }
}

/// How a component differs from the one of its name that was approved, a line for each thing.
pub(crate) fn difference(before: &Before, columns: usize, paint: Paint) -> String {
    let mut text = format!(
        "{}\n",
        paint.heading(&format!(
            "Compared with version {} (sha-256 {}), which was approved",
            harmless(&before.version),
            short_digest(&before.digest)
        ))
    );
    let difference = &before.difference;
    for (mark, lines) in [("+", &difference.more), ("-", &difference.less)] {
        for line in lines {
            text.push_str(&hanging(mark, line, columns));
        }
    }
    if difference.more.is_empty() && difference.less.is_empty() {
        text.push_str("  it asks for the same\n");
    }
    text
}

/// Calls of which only the action says that they change nothing; empty if there is none.
pub(crate) fn claims(asks: &Asks, columns: usize, paint: Paint) -> String {
    let calls: Vec<&str> = asks.claims().collect();
    if calls.is_empty() {
        return String::new();
    }
    let title = "Only the action says that these change nothing: they need a yes of their own";
    let mut text = format!("{}\n", paint.heading(title));
    for call in calls {
        text.push_str(&hanging("!", call, columns));
    }
    text
}

/// What an instance may use.
pub(crate) fn limits(limits: &Limits) -> String {
    let mib = |bytes: usize| format!("{} MiB", number((bytes >> 20) as u64));
    pairs(
        &[
            ("memory", mib(limits.memory)),
            (
                "computing",
                format!("{} without doing anything else", duration(limits.computing)),
            ),
            (
                "idle",
                format!("{} without a request or an outcome", duration(limits.idle)),
            ),
            ("run", duration(limits.run)),
            (
                "assets",
                format!("{} at a time", number(limits.window as u64)),
            ),
            ("log", format!("{} lines", number(limits.log_lines.into()))),
        ],
        2,
    )
}

/// A line behind a mark; what does not fit hangs below it.
fn hanging(mark: &str, line: &str, columns: usize) -> String {
    let lines = wrapped(&harmless(line), 4, columns);
    format!("  {mark} {}", lines.get(4..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tipstaff::registry::Difference;

    use super::*;

    fn before(more: &[&str], less: &[&str]) -> Before {
        let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        Before {
            version: "1.0.0".to_owned(),
            digest: "0".repeat(64),
            difference: Difference {
                more: lines(more),
                less: lines(less),
            },
        }
    }

    #[test]
    fn what_is_more_and_what_is_less_is_told() {
        let before = before(
            &[
                "sees: mail",
                "sends: DELETE {graph}/v1.0/users/*, changes about an asset named in the path by id",
            ],
            &["sees: id"],
        );
        insta::assert_snapshot!(difference(&before, 60, Paint::plain()), @r"
        Compared with version 1.0.0 (sha-256 000000000000), which was approved
          + sees: mail
          + sends: DELETE {graph}/v1.0/users/*, changes about an
            asset named in the path by id
          - sees: id
        ");
    }

    #[test]
    fn the_same_is_called_the_same() {
        let text = difference(&before(&[], &[]), 60, Paint::plain());
        assert!(text.ends_with("  it asks for the same\n"), "{text}");
    }

    #[test]
    fn claims_are_marked() {
        let asks = Asks::of_lines(
            ["claim: POST {api}/x, which it says only reads", "sees: id"].map(str::to_owned),
        );
        insta::assert_snapshot!(claims(&asks, 60, Paint::plain()), @r"
        Only the action says that these change nothing: they need a yes of their own
          ! POST {api}/x, which it says only reads
        ");
        assert_eq!(claims(&Asks::default(), 60, Paint::plain()), "");
    }

    #[test]
    fn limits_are_words() {
        let few = Limits {
            memory: 32 << 20,
            computing: Duration::from_secs(20),
            idle: Duration::from_secs(90),
            run: Duration::from_secs(2 * 60 * 60),
            window: 1_000,
            log_lines: 2_000,
            ..Limits::default()
        };
        insta::assert_snapshot!(limits(&few), @r"
          memory     32 MiB
          computing  20 s without doing anything else
          idle       1 min 30 s without a request or an outcome
          run        2 h 0 min
          assets     1,000 at a time
          log        2,000 lines
        ");
    }
}
