//! Requests to Microsoft Graph about users, alone and in batches.

use super::{Find, Step};
use crate::manifest::{CUT_OFF, SELECT, SELECT_BASIC};
use crate::names::{Name, push_form_value, push_segment};
use crate::service::{Method, Request};

const VERSION: &str = "/v1.0";

/// "Microsoft Graph throttling guidance": requests of a higher priority are refused later.
const PRIORITY: &str = "x-ms-throttle-priority";

/// Whom a request asks about, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// What to call the user by.
    pub name: &'a Name,
    /// It is pressing.
    pub high: bool,
    /// Ask a look-up for the cut-off time too.
    pub cut_off: bool,
    /// Ask a look-up for names only: the application may not read more.
    pub basic: bool,
}

/// One request about one user.
pub(crate) fn plain(
    step: Step,
    question: Question<'_>,
    origin: &str,
    authorization: &str,
    request_id: String,
) -> Request {
    let mut path = String::with_capacity(224);
    path.push_str(VERSION);
    push_path(&mut path, step, question);
    let method = match step {
        Step::LookUp | Step::ReadBack | Step::Reach => Method::Get,
        Step::Revoke => Method::Post,
    };
    // "user: revokeSignInSessions": the request has no body.
    let mut request = request(method, path, origin, authorization, request_id, Vec::new());
    prioritise(&mut request, question.high);
    request
}

/// One request about several users, at most 20. Its parts are numbered from 1 in the order of `questions` ("Combine
/// multiple HTTP requests using JSON batching").
pub(crate) fn batch(
    step: Step,
    questions: &[Question<'_>],
    origin: &str,
    authorization: &str,
    request_id: String,
) -> Request {
    let mut body = String::with_capacity(16 + questions.len() * 288);
    body.push_str(r#"{"requests":["#);
    for (at, question) in questions.iter().enumerate() {
        body.push_str(if at == 0 { r#"{"id":""# } else { r#",{"id":""# });
        body.push_str(&(at + 1).to_string());
        body.push_str(match step {
            Step::LookUp | Step::ReadBack | Step::Reach => r#"","method":"GET","url":""#,
            Step::Revoke => r#"","method":"POST","url":""#,
        });
        // What `push_path` writes needs no escape: it is percent-encoded but for letters, digits and a few signs.
        push_path(&mut body, step, *question);
        // The documented sample of a POST without content has an empty object; a body needs its type named.
        body.push_str(match (step.changes(), question.high) {
            (false, false) => r#""}"#,
            (false, true) => r#"","headers":{"x-ms-throttle-priority":"High"}}"#,
            (true, false) => r#"","headers":{"Content-Type":"application/json"},"body":{}}"#,
            (true, true) => {
                r#"","headers":{"Content-Type":"application/json","x-ms-throttle-priority":"High"},"body":{}}"#
            }
        });
    }
    body.push_str("]}");
    let mut request = request(
        Method::Post,
        format!("{VERSION}/$batch"),
        origin,
        authorization,
        request_id,
        body.into_bytes(),
    );
    request
        .headers
        .push(("content-type", "application/json".into()));
    prioritise(&mut request, questions.iter().any(|question| question.high));
    request
}

fn prioritise(request: &mut Request, high: bool) {
    if high {
        request.headers.push((PRIORITY, "High".into()));
    }
}

fn request(
    method: Method,
    path: String,
    origin: &str,
    authorization: &str,
    request_id: String,
    body: Vec<u8>,
) -> Request {
    // A19: a name of its own for every request, so that Microsoft's support can find it.
    let headers = vec![
        ("accept", "application/json".into()),
        ("authorization", authorization.to_owned()),
        ("client-request-id", request_id),
    ];
    Request {
        method,
        origin: origin.to_owned(),
        path,
        headers,
        body,
    }
}

/// Appends the address of `step` about a user, relative to the version.
fn push_path(out: &mut String, step: Step, question: Question<'_>) {
    if step == Step::LookUp
        && let Some(find) = Find::of(question.name)
    {
        out.push_str("/users?$filter=");
        push_form_value(out, &find.filter(question.name.as_str()));
        out.push_str("&$select=");
        push_select(out, question);
        if !SELECT.contains(find.echo) {
            out.push(',');
            out.push_str(find.echo);
        }
        // Two would show that the name is not unique; the first of two is never taken.
        out.push_str("&$top=2");
        return;
    }
    out.push_str("/users/");
    push_segment(out, question.name.as_str());
    match step {
        Step::LookUp => {
            out.push_str("?$select=");
            push_select(out, question);
        }
        Step::Revoke => out.push_str("/revokeSignInSessions"),
        Step::ReadBack => {
            out.push_str("?$select=id,");
            out.push_str(CUT_OFF);
        }
        Step::Reach => {
            out.push_str(
                "/appRoleAssignments?$select=principalId,principalType,resourceDisplayName",
            );
        }
    }
}

fn push_select(out: &mut String, question: Question<'_>) {
    if question.basic {
        return out.push_str(SELECT_BASIC);
    }
    out.push_str(SELECT);
    if question.cut_off {
        out.push(',');
        out.push_str(CUT_OFF);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ID: &str = "00000000-0000-4000-8000-000000000001";

    fn names(texts: &[&str]) -> Vec<Name> {
        texts.iter().map(|text| Name::of(text).unwrap()).collect()
    }

    fn about(name: &Name) -> Question<'_> {
        Question {
            name,
            high: false,
            cut_off: false,
            basic: false,
        }
    }

    fn ask_by(step: Step, name: &Name) -> Request {
        plain(
            step,
            about(name),
            "https://graph.microsoft.com",
            "Bearer t",
            "r".into(),
        )
    }

    fn ask(step: Step, text: &str) -> Request {
        ask_by(step, &Name::of(text).unwrap())
    }

    #[test]
    fn a8_the_segment_is_percent_encoded() {
        assert_eq!(
            ask(Step::Revoke, ID).path,
            format!("/v1.0/users/{ID}/revokeSignInSessions")
        );
        assert_eq!(
            ask(Step::Revoke, "a_b.com#EXT#@t.com").path,
            "/v1.0/users/a_b.com%23EXT%23@t.com/revokeSignInSessions"
        );
        assert_eq!(
            ask(Step::LookUp, ID).path,
            format!("/v1.0/users/{ID}?$select={SELECT}")
        );
    }

    #[test]
    fn a8_names_that_start_with_a_dollar_are_found_by_filter() {
        assert_eq!(
            ask(Step::LookUp, "$o'neil@t.com").path,
            format!(
                "/v1.0/users?$filter=userPrincipalName%20eq%20%27%24o%27%27neil%40t.com%27&$select={SELECT}&$top=2"
            )
        );
    }

    #[test]
    fn a11_a_batch_numbers_its_parts_and_names_the_type_of_their_bodies() {
        let names = names(&[ID, "a#b@t.com"]);
        let questions: Vec<Question<'_>> = names.iter().map(about).collect();
        let request = batch(
            Step::Revoke,
            &questions,
            "https://g",
            "Bearer t",
            "r".into(),
        );
        assert_eq!(request.path, "/v1.0/$batch");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let part = |id: &str, segment: &str| {
            json!({"id": id, "method": "POST", "url": format!("/users/{segment}/revokeSignInSessions"),
                   "headers": {"Content-Type": "application/json"}, "body": {}})
        };
        assert_eq!(
            body,
            json!({"requests": [part("1", ID), part("2", "a%23b@t.com")]})
        );
    }

    #[test]
    fn a6_the_lesser_names_are_found_by_filter() {
        let name = Name::of_mail("ada@t.com").unwrap();
        assert_eq!(
            ask_by(Step::LookUp, &name).path,
            format!(
                "/v1.0/users?$filter=mail%20eq%20%27ada%40t.com%27&$select={SELECT},mail&$top=2"
            )
        );
        let name = name.otherwise().unwrap();
        assert_eq!(
            ask_by(Step::LookUp, &name).path,
            format!(
                "/v1.0/users?$filter=proxyAddresses%2Fany%28a%3Aa%20eq%20%27smtp%3Aada%40t.com%27%29&$select={SELECT},proxyAddresses&$top=2"
            )
        );
        assert_eq!(name.otherwise(), None);
    }

    #[test]
    fn what_is_pressing_says_so_whole_and_in_parts() {
        let (one, two) = (Name::of(ID).unwrap(), Name::of("b@t.com").unwrap());
        let high = |name| Question {
            high: true,
            ..about(name)
        };
        let header = (PRIORITY, "High".to_owned());
        let alone = plain(
            Step::Revoke,
            high(&one),
            "https://g",
            "Bearer t",
            "r".into(),
        );
        assert!(alone.headers.contains(&header));
        let alone = plain(
            Step::Revoke,
            about(&one),
            "https://g",
            "Bearer t",
            "r".into(),
        );
        assert!(!alone.headers.iter().any(|(name, _)| *name == PRIORITY));
        for step in Step::ALL {
            let questions = [high(&one), about(&two)];
            let request = batch(step, &questions, "https://g", "Bearer t", "r".into());
            assert!(request.headers.contains(&header));
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(body["requests"][0]["headers"][PRIORITY], "High");
            assert_eq!(body["requests"][1]["headers"][PRIORITY], Value::Null);
        }
    }

    #[test]
    fn a19_each_request_carries_its_own_id() {
        let request = ask(Step::Revoke, ID);
        assert!(request.headers.contains(&("client-request-id", "r".into())));
        assert!(request.body.is_empty());
        assert!(!format!("{request:?}").contains("Bearer"), "{request:?}");
    }

    proptest! {
        #[test]
        fn a_batch_of_any_names_is_json(texts in prop::collection::vec("[$#'\"+%&a-zé]{1,9}@[a-z]{1,9}", 1..20)) {
            let names: Vec<Name> = texts.iter().filter_map(|text| Name::of(text)).collect();
            let questions: Vec<Question<'_>> = names.iter().map(about).collect();
            for step in Step::ALL {
                let request = batch(step, &questions, "https://g", "Bearer t", "r".into());
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                prop_assert_eq!(body["requests"].as_array().unwrap().len(), names.len());
            }
        }
    }
}
