//! What fuzzers throw bytes at, and what has to hold whatever they are. Not part of the library: built for tests and with
//! `--cfg fuzzing` alone.

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::Value;

use crate::admit::Body;
use crate::answer::Reading;
use crate::client::Exchange;
use crate::jwt;
use crate::release::release;
use crate::secret::Secret;
use crate::testing::{ADA, BOB, Bench, batch as batch_of, form, get};
use crate::witness::{SecretError, Secrets};

/// Judges `data` as the address of a request. What is admitted names the granted host and one of the granted paths.
pub fn url(data: &[u8]) {
    let Ok(uri) = Uri::try_from(data) else { return };
    for method in [Method::GET, Method::POST] {
        let bench = Bench::new();
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        let Ok(admitted) = bench.admit(request) else {
            continue;
        };
        let sent = &admitted.uri;
        let host = sent.host().unwrap_or_default();
        assert!(
            matches!(host, "graph.microsoft.com" | "login.microsoftonline.com"),
            "{sent}"
        );
        assert_eq!(sent.scheme_str(), Some("https"), "{sent}");
        let path = decoded(sent.path()).to_lowercase();
        let known = [
            "/v1.0/users".to_owned(),
            "/v1.0/tags".to_owned(),
            "/v1.0/$batch".to_owned(),
            "/contoso/oauth2/v2.0/token".to_owned(),
            "/log-in".to_owned(),
        ];
        let people = [ADA, BOB, "ada@contoso.com", "bob#ext#@contoso.com"];
        let about = people.iter().flat_map(|name| {
            let user = format!("/v1.0/users/{name}");
            [format!("{user}/revokesigninsessions"), user]
        });
        assert!(
            known.into_iter().chain(about).any(|one| one == path),
            "{sent}"
        );
    }
}

/// Judges `data` as the body of a batch. What is admitted is forwarded with the same meaning, and has parts that were
/// judged, each under a name of its own.
pub fn batch(data: &[u8]) {
    let bench = Bench::new();
    let Ok(admitted) = bench.admit(batch_of(data.to_vec())) else {
        return;
    };
    let Body::Json(text) = &admitted.body else {
        unreachable!("a batch has a body");
    };
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
    let (forwarded, written) = (read(text), read(data));
    assert!(forwarded.is_some(), "what is forwarded is JSON");
    if written.is_some() {
        assert_eq!(forwarded, written);
    }
    let parts = forwarded
        .as_ref()
        .and_then(|body| body["requests"].as_array().cloned());
    let parts = parts.unwrap_or_default();
    assert_eq!(parts.len(), admitted.parts.len());
    let mut ids: Vec<String> = admitted
        .parts
        .iter()
        .map(|part| part.id.to_lowercase())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), parts.len());
    assert!(parts.len() <= 20);
}

struct Vault;

impl Secrets for Vault {
    fn has(&self, field: &str) -> bool {
        field == "client_secret"
    }

    fn reveal<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(std::future::ready(Ok(Secret::new(SECRET.to_owned()))))
    }
}

const SECRET: &str = "s3cr3t~value.with/odd+letters";

/// Releases `data`, after a status in its first two bytes, as the answer to a sign-in, a look-up and a batch. What comes
/// out holds neither the secret that was sent nor a token.
pub fn answer(data: &[u8]) {
    let [high, low, body @ ..] = data else { return };
    let status = 100 + u16::from_be_bytes([*high, *low]) % 500;
    let mut head = Response::new(()).into_parts().0;
    head.status = StatusCode::from_u16(status).unwrap_or_default();
    head.headers
        .insert("request-id", HeaderValue::from_static("r"));
    let exchange = Exchange {
        head,
        body: zeroize::Zeroizing::new(body.to_vec()),
        remote: ([127, 0, 0, 1], 443).into(),
    };
    let bench = Bench::new();
    let stand_in = bench.stand_ins.of_field("client_secret");
    let sign_in = form(format!("client_secret={}", stand_in.unwrap_or_default()));
    let look_up = get(&format!("https://graph.microsoft.com/v1.0/users/{ADA}"));
    let two = format!(
        r#"{{"requests":[{{"id":"a","method":"GET","url":"/users/{ADA}"}},{{"id":"b","method":"GET","url":"/users/{BOB}"}}]}}"#
    );
    for request in [sign_in, look_up, batch_of(two)] {
        let Ok(admitted) = bench.admit(request) else {
            unreachable!("these were granted");
        };
        let rule = bench.grant.rule(admitted.rule);
        let sealed = crate::swap::seal(
            &admitted,
            rule.method.clone(),
            &rule.id,
            &bench.stand_ins,
            &Vault,
        );
        let Some(Ok(sealed)) = sealed.now_or_never() else {
            unreachable!("the vault answers at once");
        };
        let reading = Reading::of(&exchange.body);
        let released = release(
            &bench.grant,
            &admitted,
            &exchange,
            &reading,
            sealed.kept(),
            &bench.stand_ins,
            &bench.jars,
        );
        if let Ok(response) = released {
            let seen = response.body();
            assert!(!jwt::is_in(seen), "a token came through");
            let carried = sealed.kept().iter().any(|kept| kept.expose() == SECRET);
            assert!(
                !carried || memchr::memmem::find(seen, SECRET.as_bytes()).is_none(),
                "the secret came back"
            );
        }
    }
}

fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let code = path
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) if *byte == b'%' => {
                out.push(code);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATHS: &str = "(https://(graph\\.microsoft\\.com|login\\.microsoftonline\\.com|evil\\.example))?(/v1\\.0|/users|/contoso|/\\$batch|/00000000-0000-4000-8000-000000000001|/revokeSignInSessions|%2[fe5]|\\.\\.?|[/;?#@:\\\\a-z%0-9]){0,8}";
    const PARTS: &str = "\\{\"requests\":\\[(\\{(\"(id|Id)\":(\"[a-cA-C]\"|1),?|\"method\":\"(GET|POST|get)\",?|\"url\":\"/?users/00000000-0000-4000-8000-00000000000[12](/revokeSignInSessions)?\",?|\"body\":\\{\\},?|\"headers\":\\{\"content-type\":\"application/json\"\\},?|\"dependsOn\":\\[\"a\"\\],?){0,5}\\},?){0,3}\\]\\}";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn any_url(text in prop_oneof![PATHS, "\\PC{0,60}"]) {
            url(text.as_bytes());
        }

        #[test]
        fn any_batch(text in prop_oneof![PARTS, "[\\[\\]{}\",:a-z0-9/\\\\]{0,80}"]) {
            batch(text.as_bytes());
        }

        #[test]
        fn any_answer(status in any::<[u8; 2]>(), text in prop_oneof![
            "\\{\"access_token\":\"(\\PC{0,20}|eyJ[a-zA-Z0-9_-]{4,20}\\.eyJ[a-zA-Z0-9_-]{4,20}\\.[a-z]{0,9})\",?\"?[ -~]{0,30}\\}",
            "\\{\"responses\":\\[(\\{\"id\":\"[ab]\",\"status\":[0-9]{1,3},\"body\":\\{(\"[a-z_]{1,12}\":\"[ -~]{0,20}\",?){0,2}\\}\\},?){0,3}\\]\\}",
            "[ -~]{0,80}",
        ]) {
            answer(&[&status[..], text.as_bytes()].concat());
        }
    }
}
