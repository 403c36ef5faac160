//! The applications that a user reaches through the tenant, as far as one page shows them.

use crate::json::Loose;
use serde::Deserialize;

/// Applications that are kept by name.
const KEPT: usize = 16;
/// The longest name of one that is kept, in characters.
const NAME_CHARS: usize = 48;

/// What a user reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Names of applications, in alphabetical order, each once.
    pub names: Vec<String>,
    /// There are more than these.
    pub more: bool,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<Assignment<'a>>,
    #[serde(borrow, default, rename = "@odata.nextLink")]
    next: Loose<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment<'a> {
    #[serde(borrow, default)]
    principal_id: Loose<'a>,
    #[serde(borrow, default)]
    principal_type: Loose<'a>,
    #[serde(borrow, default)]
    resource_display_name: Loose<'a>,
}

impl Reach {
    /// Reads the answer about the user of this object id. None if it is not one.
    pub(crate) fn read(object_id: &str, body: &[u8]) -> Option<Self> {
        let page: Page<'_> = serde_json::from_slice(body).ok()?;
        let mut names = Vec::new();
        for assignment in &page.value {
            // An assignment is the user's own, or that of a group.
            let own = assignment
                .principal_type
                .text()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("user"));
            let about = |id: &str| id.eq_ignore_ascii_case(object_id);
            if own && !assignment.principal_id.text().is_some_and(about) {
                return None;
            }
            let name = assignment.resource_display_name.text()?;
            // A stranger's text: what could break a line or turn it around is left out.
            let name: String = name
                .chars()
                .filter(|c| !c.is_control() && !is_invisible(*c))
                .take(NAME_CHARS)
                .collect();
            if !name.trim().is_empty() {
                names.push(name);
            }
        }
        names.sort_unstable();
        names.dedup();
        let more = names.len() > KEPT || page.next != Loose::Null;
        names.truncate(KEPT);
        Some(Self { names, more })
    }
}

/// What Unicode Technical Report 36 warns of in texts that people read: direction marks and invisible letters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-4000-8000-00000000000a";

    #[test]
    fn names_are_listed_once_and_in_order() {
        let body = format!(
            r#"{{"value":[{{"principalId":"{}","principalType":"User","resourceDisplayName":"Jira"}},
                {{"principalId":"g","principalType":"Group","resourceDisplayName":"Box\u202e\n"}},
                {{"resourceDisplayName":"Jira"}},{{"resourceDisplayName":" "}}]}}"#,
            ID.to_uppercase()
        );
        let reach = Reach::read(ID, body.as_bytes());
        let names = vec!["Box".to_owned(), "Jira".to_owned()];
        assert_eq!(reach, Some(Reach { names, more: false }));
    }

    #[test]
    fn there_may_be_more_than_is_shown() {
        let next = br#"{"value":[],"@odata.nextLink":"https://graph/next"}"#;
        assert_eq!(Reach::read(ID, next).map(|reach| reach.more), Some(true));
        let many: Vec<String> = (0..30)
            .map(|n| format!(r#"{{"resourceDisplayName":"app {n:02}"}}"#))
            .collect();
        let many = format!(r#"{{"value":[{}]}}"#, many.join(","));
        let reach = Reach::read(ID, many.as_bytes()).unwrap_or_default();
        assert_eq!((reach.names.len(), reach.more), (KEPT, true));
    }

    #[test]
    fn an_answer_about_somebody_else_is_none() {
        for body in [
            r#"{"value":[{"principalId":"other","principalType":"User","resourceDisplayName":"Jira"}]}"#,
            r#"{"value":[{"resourceDisplayName":["Jira"]}]}"#,
            r#"{"value":[{}]}"#,
            r#"{"value":{}}"#,
            "<html>",
            "",
        ] {
            assert!(Reach::read(ID, body.as_bytes()).is_none(), "{body}");
        }
    }
}
