//! Requests to Microsoft Graph about users, alone and in batches.

use super::Step;
use crate::manifest::SELECT;
use crate::names::{Name, push_form_value, push_segment};
use crate::service::{Method, Request};

const VERSION: &str = "/v1.0";

/// One request about one user.
pub(crate) fn plain(
    step: Step,
    name: &Name,
    origin: &str,
    authorization: &str,
    request_id: String,
) -> Request {
    let mut path = String::with_capacity(192);
    path.push_str(VERSION);
    push_path(&mut path, step, name);
    let method = match step {
        Step::LookUp => Method::Get,
        Step::Revoke => Method::Post,
    };
    // "user: revokeSignInSessions": the request has no body.
    request(method, path, origin, authorization, request_id, Vec::new())
}

/// One request about several users, at most 20. Its parts are numbered from 1 in the order of `names` ("Combine
/// multiple HTTP requests using JSON batching").
pub(crate) fn batch<'a>(
    step: Step,
    names: impl ExactSizeIterator<Item = &'a Name>,
    origin: &str,
    authorization: &str,
    request_id: String,
) -> Request {
    let mut body = String::with_capacity(16 + names.len() * 256);
    body.push_str(r#"{"requests":["#);
    for (at, name) in names.enumerate() {
        body.push_str(if at == 0 { r#"{"id":""# } else { r#",{"id":""# });
        body.push_str(&(at + 1).to_string());
        body.push_str(match step {
            Step::LookUp => r#"","method":"GET","url":""#,
            Step::Revoke => r#"","method":"POST","url":""#,
        });
        // What `push_path` writes needs no escape: it is percent-encoded but for letters, digits and a few signs.
        push_path(&mut body, step, name);
        body.push_str(match step {
            Step::LookUp => r#""}"#,
            // The documented sample of a POST without content; a body needs its type named.
            Step::Revoke => r#"","headers":{"Content-Type":"application/json"},"body":{}}"#,
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
    request
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

/// Appends the address of `step` about the user called `name`, relative to the version.
fn push_path(out: &mut String, step: Step, name: &Name) {
    if step == Step::LookUp && !name.fits_path() {
        out.push_str("/users?$filter=");
        // In OData a quote in a literal is doubled (OData 4.01 ABNF, SQUOTE-in-string).
        let literal = name.as_str().replace('\'', "''");
        push_form_value(out, &format!("userPrincipalName eq '{literal}'"));
        out.push_str("&$select=");
        out.push_str(SELECT);
        // Two would show that the name is not unique; the first of two is never taken.
        out.push_str("&$top=2");
        return;
    }
    out.push_str("/users/");
    push_segment(out, name.as_str());
    match step {
        Step::LookUp => {
            out.push_str("?$select=");
            out.push_str(SELECT);
        }
        Step::Revoke => out.push_str("/revokeSignInSessions"),
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

    fn ask(step: Step, text: &str) -> Request {
        plain(
            step,
            &Name::of(text).unwrap(),
            "https://graph.microsoft.com",
            "Bearer t",
            "r".into(),
        )
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
        let request = batch(
            Step::Revoke,
            names.iter(),
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
            for step in [Step::LookUp, Step::Revoke] {
                let request = batch(step, names.iter(), "https://g", "Bearer t", "r".into());
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                prop_assert_eq!(body["requests"].as_array().unwrap().len(), names.len());
            }
        }
    }
}
