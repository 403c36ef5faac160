//! The tenant's side of the wire: what it answers to what arrives.

use super::{Entry, Fault, Kind, World, id};
use revoke_user_sessions::service::{Answer, Method, Request, SendFailure};
use serde_json::{Value, json};

/// An answer, or why there is none.
enum Reply {
    Answer(u16, Vec<(String, String)>, String),
    Twice(u16, String),
    Failure(SendFailure),
    Nothing,
}

impl World {
    pub(super) fn serve(&self, request: Request) -> Result<Answer, SendFailure> {
        let Request {
            method,
            origin,
            path,
            headers,
            body,
        } = request;
        let body = String::from_utf8(body).unwrap();
        let token = path.ends_with("/oauth2/v2.0/token");
        assert_eq!(
            origin,
            if token {
                "https://login.test"
            } else {
                "https://graph.test"
            }
        );
        let kind = match path.as_str() {
            _ if token => Kind::Token,
            "/v1.0/$batch" => Kind::Batch,
            path if path.ends_with("/revokeSignInSessions") => Kind::Revoke,
            _ => Kind::LookUp,
        };
        let about = match kind {
            Kind::Token => Vec::new(),
            Kind::Batch => {
                let parts: Value = serde_json::from_str(&body).unwrap();
                parts["requests"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|part| name(part["url"].as_str().unwrap()).0)
                    .collect()
            }
            Kind::LookUp | Kind::Revoke => vec![name(path.strip_prefix("/v1.0").unwrap()).0],
        };
        let entry = Entry {
            at: self.clock.now(),
            kind,
            path: path.clone(),
            about,
            body: body.clone(),
            headers,
        };
        self.journal.borrow_mut().push(entry);
        let reply = match kind {
            Kind::Token => self.token(&body),
            Kind::Batch => self.batch(&body),
            Kind::LookUp | Kind::Revoke => {
                let path = path.strip_prefix("/v1.0").unwrap();
                let (asked, kind) = name(path);
                let fault = self.fault(kind, &asked);
                if !matches!(fault, Some(Fault::Refused)) {
                    self.leaves(kind, &asked);
                }
                self.one(method, path, fault)
            }
        };
        match reply {
            Reply::Answer(status, mut headers, body) => {
                headers.push((
                    "Request-Id".into(),
                    format!("r{}", self.journal.borrow().len()),
                ));
                Ok(Answer {
                    status,
                    headers,
                    body: body.into_bytes(),
                })
            }
            Reply::Failure(failure) => Err(failure),
            Reply::Twice(..) | Reply::Nothing => Err(SendFailure::Lost {
                why: "the connection was lost".into(),
            }),
        }
    }

    fn token(&self, body: &str) -> Reply {
        assert!(body.contains("client_secret=stand%2Fin%2Bsecret"), "{body}");
        if let Some(fault) = self.fault(Kind::Token, "") {
            return faulty(fault, || unreachable!("a sign-in has no effect"));
        }
        self.tokens.set(self.tokens.get() + 1);
        let claims = json!({"roles": *self.roles.borrow()}).to_string();
        let token = format!(
            "{}.{}.token{}",
            base64("{}"),
            base64(&claims),
            self.tokens.get()
        );
        let lifetime = self.token_lifetime.get();
        Reply::Answer(
            200,
            Vec::new(),
            json!({"token_type": "Bearer", "expires_in": lifetime, "access_token": token})
                .to_string(),
        )
    }

    fn batch(&self, body: &str) -> Reply {
        if let Some(fault) = self.fault(Kind::Batch, "") {
            return faulty(fault, || unreachable!("give the parts faults with effects"));
        }
        let body: Value = serde_json::from_str(body).unwrap();
        let parts = body["requests"].as_array().unwrap();
        assert!((1..=20).contains(&parts.len()));
        // What the host refuses, or has no connection for, does not arrive in part.
        let faults: Vec<Option<Fault>> = parts
            .iter()
            .map(|part| {
                let (asked, kind) = name(part["url"].as_str().unwrap());
                self.fault(kind, &asked)
            })
            .collect();
        let held = |fault: &&Fault| matches!(fault, Fault::Refused | Fault::Unreachable { .. });
        let held = faults.iter().flatten().find(held);
        if !matches!(held, Some(Fault::Refused)) {
            for part in parts {
                let (asked, kind) = name(part["url"].as_str().unwrap());
                self.leaves(kind, &asked);
            }
        }
        if let Some(fault) = held {
            return faulty(fault.clone(), || unreachable!("nothing arrived"));
        }
        let mut responses = Vec::new();
        for (part, fault) in parts.iter().zip(faults) {
            let method = if part["method"] == "GET" {
                Method::Get
            } else {
                Method::Post
            };
            if method == Method::Post {
                assert_eq!(part["headers"]["Content-Type"], "application/json");
                assert_eq!(part["body"], json!({}));
            }
            let mut add = |status: u16, headers: Vec<(String, String)>, body: String| {
                let headers: serde_json::Map<String, Value> = headers
                    .into_iter()
                    .map(|(name, value)| (name, Value::String(value)))
                    .collect();
                // As Graph does with content that is not JSON.
                let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
                responses.push(
                    json!({"id": part["id"], "status": status, "headers": headers, "body": body}),
                );
            };
            match self.one(method, part["url"].as_str().unwrap(), fault) {
                Reply::Answer(status, headers, body) => add(status, headers, body),
                Reply::Twice(status, body) => {
                    add(status, Vec::new(), body);
                    add(500, Vec::new(), "{}".into());
                }
                Reply::Failure(failure) => return Reply::Failure(failure),
                Reply::Nothing => {}
            }
        }
        // In any order: the last first.
        responses.reverse();
        Reply::Answer(
            200,
            Vec::new(),
            json!({ "responses": responses }).to_string(),
        )
    }

    fn one(&self, method: Method, path: &str, fault: Option<Fault>) -> Reply {
        let (asked, kind) = name(path);
        assert_eq!(method == Method::Post, kind == Kind::Revoke);
        let right = || self.right(kind, &asked, path.starts_with("/users?"));
        match fault {
            Some(Fault::Twice) => {
                let (status, body) = right();
                Reply::Twice(status, body)
            }
            Some(fault) => faulty(fault, || {
                right();
            }),
            None => {
                let (status, body) = right();
                if kind == Kind::Revoke && status == 200 {
                    self.change(&asked, |user| user.accepted += 1);
                }
                Reply::Answer(status, Vec::new(), body)
            }
        }
    }

    fn change(&self, asked: &str, change: impl FnOnce(&mut super::User)) {
        let mut users = self.users.borrow_mut();
        if let Some(user) = users
            .values_mut()
            .find(|user| user.id == asked || user.principal.eq_ignore_ascii_case(asked))
        {
            change(user);
        }
    }

    fn right(&self, kind: Kind, asked: &str, listed: bool) -> (u16, String) {
        let found = self
            .users
            .borrow()
            .values()
            .find(|u| u.id == asked || u.principal.eq_ignore_ascii_case(asked))
            .cloned();
        let Some(user) = found else {
            if listed {
                return (200, json!({"value": []}).to_string());
            }
            let error = json!({"error": {"code": "Request_ResourceNotFound", "message": "Resource does not exist",
                                         "innerError": {"request-id": id(0xe)}}});
            return (404, error.to_string());
        };
        if kind == Kind::Revoke {
            // A guest's sessions are not this tenant's.
            self.change(asked, |user| {
                user.revoked += u32::from(user.user_type == "Member")
            });
            return (200, json!({"@odata.context": "https://graph.test/v1.0/$metadata#Edm.Boolean", "value": true}).to_string());
        }
        let user = json!({
            "@odata.context": "https://graph.test/v1.0/$metadata#users/$entity",
            "id": user.id, "userPrincipalName": user.principal, "userType": user.user_type,
            "accountEnabled": user.enabled, "externalUserState": user.state, "onPremisesSyncEnabled": user.synced,
        });
        (
            200,
            if listed {
                json!({"value": [user]}).to_string()
            } else {
                user.to_string()
            },
        )
    }
}

fn faulty(fault: Fault, effect: impl FnOnce()) -> Reply {
    match fault {
        Fault::Answer {
            status,
            headers,
            body,
            effect: has,
        } => {
            if has {
                effect();
            }
            Reply::Answer(
                status,
                headers
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
                body,
            )
        }
        Fault::Lost { effect: has } => {
            if has {
                effect();
            }
            Reply::Failure(SendFailure::Lost {
                why: "the connection was lost".into(),
            })
        }
        Fault::Missing { effect: has } => {
            if has {
                effect();
            }
            Reply::Nothing
        }
        Fault::Unreachable { lasting } => Reply::Failure(SendFailure::Unreachable {
            why: "the connection was refused".into(),
            lasting,
        }),
        Fault::Refused => Reply::Failure(SendFailure::Refused),
        Fault::Twice => unreachable!("only of a part"),
    }
}

/// The name that an address is about, and what it asks.
fn name(path: &str) -> (String, Kind) {
    if let Some(query) = path.strip_prefix("/users?$filter=") {
        let filter = decode(query.split('&').next().unwrap());
        let name = filter
            .strip_prefix("userPrincipalName eq '")
            .unwrap()
            .strip_suffix('\'')
            .unwrap();
        return (name.replace("''", "'"), Kind::LookUp);
    }
    let rest = path.strip_prefix("/users/").unwrap();
    match rest.strip_suffix("/revokeSignInSessions") {
        Some(segment) => (decode(segment), Kind::Revoke),
        None => {
            let (segment, query) = rest.split_once('?').unwrap();
            assert!(
                query.starts_with("$select=id,userPrincipalName,"),
                "{query}"
            );
            (decode(segment), Kind::LookUp)
        }
    }
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        assert!(!matches!(first, b'/' | b'#' | b'?'), "{text}");
        if *first == b'%' {
            out.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(out).unwrap()
}

/// base64url without padding.
pub fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three.iter().enumerate().fold(0_u32, |bits, (at, byte)| {
            bits | u32::from(*byte) << (16 - 8 * at)
        });
        for at in 0..=three.len() {
            out.push(char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    out
}
