//! What happened to one asset, as it is kept and shown: the last word on it in its run.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
pub use tipstaff_sandbox::Verdict;
use uuid::Uuid;

/// Names a run: a UUIDv7 (RFC 9562), so that names sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Uuid);

impl RunId {
    /// A new one, for now.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A link of the chain that the outcomes of a run make: the SHA-256 of the link before it and of the outcome's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link(pub [u8; 32]);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a text is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a link is 64 hexadecimal digits, the letters small")]
pub struct NoLink;

impl FromStr for Link {
    type Err = NoLink;

    fn from_str(text: &str) -> Result<Self, NoLink> {
        // One link has one spelling, so that no change of a line goes unseen.
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NoLink);
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or(NoLink)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoLink)?;
        }
        Ok(Self(bytes))
    }
}

/// What happened to one asset. Made only where it is written to the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The run.
    pub run: RunId,
    /// The asset's id, or `line:N` for a line that is no asset.
    pub asset: String,
    /// What happened.
    #[serde(serialize_with = "verdict_as_text")]
    pub verdict: Verdict,
    /// A stable code: one of the action's, or one of [`host_code`].
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// What was seen; an empty object if nothing was.
    pub evidence: Box<RawValue>,
    /// When it became final.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// What ties it to the outcomes before it.
    #[serde(skip)]
    pub link: Link,
}

impl Outcome {
    /// What its link is computed over: the line without the link.
    pub(crate) fn sealed_text(&self) -> String {
        // The parts are strings, numbers and JSON that was parsed before; they have no error.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Its line in reports and exports, without a line break: what was sealed, and the link at its end.
    #[must_use]
    pub fn line(&self) -> String {
        let mut text = self.sealed_text();
        text.pop();
        text.push_str(LINK_MEMBER);
        text.push_str(&self.link.to_string());
        text.push_str("\"}");
        text
    }
}

/// What stands before the link in a line.
const LINK_MEMBER: &str = ",\"link\":\"";

/// Takes a line apart into what was sealed and its link.
pub(crate) fn unsealed(line: &str) -> Option<(String, Link)> {
    let (text, link) = line.strip_suffix("\"}")?.rsplit_once(LINK_MEMBER)?;
    Some((format!("{text}}}"), link.parse().ok()?))
}

/// Codes of outcomes that the host gives, beside those of the actions.
pub mod host_code {
    pub use tipstaff_sandbox::BROKE_CONTRACT;
    /// The line or element of the list is no asset.
    pub const NOT_AN_ASSET: &str = "not-an-asset";
    /// Another asset of the run is the same person or thing.
    pub const DUPLICATE: &str = "duplicate";
    /// The asset has no identity on the connection that this action works with.
    pub const NO_IDENTITY: &str = "no-identity";
    /// The asset is of a kind that the action does not work with.
    pub const WRONG_KIND: &str = "wrong-kind";
    /// A field fell back to its static value, and such assets were to fail.
    pub const DYNAMIC_VALUES: &str = "dynamic-values";
    /// The run was stopped by a person or the system before the asset's turn came.
    pub const INTERRUPTED: &str = "interrupted";
    /// The action ended the run, and says why.
    pub const STOPPED: &str = "stopped";
    /// The host ended the run: a limit, a crash, a breach of the contract.
    pub const CUT_SHORT: &str = "cut-short";
}

/// The word for a verdict in files and on the command line.
#[must_use]
pub fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "succeeded",
        Verdict::Skipped => "skipped",
        Verdict::Failed => "failed",
        Verdict::InDoubt => "in-doubt",
        Verdict::NotAttempted => "not-attempted",
        Verdict::WouldEnforce => "would-enforce",
    }
}

/// All verdicts, in the order in which they are listed.
pub const VERDICTS: [Verdict; 6] = [
    Verdict::Succeeded,
    Verdict::WouldEnforce,
    Verdict::Skipped,
    Verdict::Failed,
    Verdict::InDoubt,
    Verdict::NotAttempted,
];

/// The verdict of a word.
#[must_use]
pub fn verdict_of(text: &str) -> Option<Verdict> {
    VERDICTS
        .into_iter()
        .find(|verdict| verdict_text(*verdict) == text)
}

/// The time with milliseconds in UTC, as all files carry it: `2026-11-23T08:00:00.000Z`.
#[must_use]
pub fn time_text(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn verdict_as_text<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict_text(*verdict))
}

fn as_text<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_text(*at))
}

/// How many assets have each verdict. Verdicts partition the assets, so the sum is their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; VERDICTS.len()]);

impl Counts {
    fn place(verdict: Verdict) -> usize {
        VERDICTS
            .iter()
            .position(|v| *v == verdict)
            .unwrap_or_default()
    }

    /// Counts `count` more.
    pub fn add(&mut self, verdict: Verdict, count: u64) {
        if let Some(entry) = self.0.get_mut(Self::place(verdict)) {
            *entry += count;
        }
    }

    /// How many have this verdict.
    #[must_use]
    pub fn get(&self, verdict: Verdict) -> u64 {
        self.0
            .get(Self::place(verdict))
            .copied()
            .unwrap_or_default()
    }

    /// How many have one.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Whether every asset succeeded, was skipped, or would be enforced.
    #[must_use]
    pub fn all_well(&self) -> bool {
        [Verdict::Failed, Verdict::InDoubt, Verdict::NotAttempted]
            .iter()
            .all(|verdict| self.get(*verdict) == 0)
    }

    /// Pairs of a verdict and its count, in the order of [`VERDICTS`].
    pub fn iter(&self) -> impl Iterator<Item = (Verdict, u64)> {
        VERDICTS.into_iter().zip(self.0)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.iter()
                .map(|(verdict, count)| (verdict_text(verdict), count)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_written_as_the_report_format_says() {
        let outcome = Outcome {
            run: RunId(Uuid::nil()),
            asset: "b2374c0e".to_owned(),
            verdict: Verdict::InDoubt,
            code: "no-answer".to_owned(),
            message: "x".to_owned(),
            evidence: RawValue::from_string(r#"{"attempts":1}"#.to_owned()).unwrap_or_default(),
            at: Timestamp::from_second(1_795_420_800).unwrap_or_default(),
            link: Link([0xa5; 32]),
        };
        let text = r#"{"run":"00000000-0000-0000-0000-000000000000","asset":"b2374c0e","verdict":"in-doubt","code":"no-answer","message":"x","evidence":{"attempts":1},"at":"2026-11-23T08:00:00.000Z""#;
        let line = format!("{text},\"link\":\"{}\"}}", "a5".repeat(32));
        assert_eq!(outcome.line(), line);
        assert_eq!(unsealed(&line), Some((format!("{text}}}"), outcome.link)));
        for broken in ["", "{}", &line.replace("a5a5", "zz"), text] {
            assert_eq!(unsealed(broken), None, "{broken}");
        }
    }

    #[test]
    fn verdicts_and_their_words_are_one_to_one() {
        for verdict in VERDICTS {
            assert_eq!(verdict_of(verdict_text(verdict)), Some(verdict));
        }
    }
}
