//! The tenant's side of the wire: what it answers to what arrives.

use super::{Entry, Fault, Kind, World, id};
use revoke_user_sessions::service::{Answer, Method, Request, SendFailure};
use serde_json::{Value, json};
use std::time::Duration;

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
        let [login, graph] = self.endpoints.get();
        let kind = match path.as_str() {
            path if path.ends_with("/oauth2/v2.0/token") => {
                if body.contains("grant_type=refresh_token") {
                    Kind::Redeem
                } else {
                    Kind::Token
                }
            }
            "/v1.0/$batch" => Kind::Batch,
            path if path.ends_with("/.well-known/openid-configuration") => Kind::Tenant,
            path => match path.strip_prefix("/v1.0") {
                Some(path) => name(path).1,
                None => Kind::Page,
            },
        };
        let is_login = matches!(kind, Kind::Token | Kind::Redeem | Kind::Page | Kind::Tenant);
        assert_eq!(origin, if is_login { login } else { graph });
        let about = match kind {
            Kind::Token | Kind::Redeem | Kind::Page | Kind::Tenant => Vec::new(),
            Kind::Batch => {
                let parts: Value = serde_json::from_str(&body).unwrap();
                parts["requests"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|part| name(part["url"].as_str().unwrap()).0)
                    .collect()
            }
            _ => vec![name(path.strip_prefix("/v1.0").unwrap()).0],
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
            Kind::Redeem => self.redeem(&body),
            Kind::Page => return self.page(method, &path, &body),
            Kind::Tenant => self.tenant(&path),
            Kind::Batch => self.batch(&body),
            _ => {
                let path = path.strip_prefix("/v1.0").unwrap();
                let (asked, kind) = name(path);
                let fault = self.fault(kind, &asked);
                if !matches!(fault, Some(Fault::Refused)) {
                    self.leaves(kind, &asked);
                }
                self.one(method, path, fault)
            }
        };
        let left = !matches!(
            reply,
            Reply::Failure(SendFailure::Refused | SendFailure::Unreachable { .. })
        );
        if left && (kind == Kind::Revoke || body.contains("revokeSignInSessions")) {
            let journal = self.journal.borrow();
            let about = journal.last().map(|entry| entry.about.clone());
            self.sent.borrow_mut().extend(about.unwrap_or_default());
        }
        match reply {
            Reply::Answer(status, mut headers, body) => {
                headers.push((
                    "Request-Id".into(),
                    format!("r{}", self.journal.borrow().len()),
                ));
                headers.push(("Date".into(), self.date()));
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
        if self.secrets.borrow().contains_key("client_secret") {
            assert!(body.contains("client_secret=stand%2Fin%2Bsecret"), "{body}");
        }
        if let Some(fault) = self.fault(Kind::Token, "") {
            return faulty(fault, || unreachable!("a sign-in has no effect"));
        }
        self.tokens.set(self.tokens.get() + 1);
        let mut claims = self.token_claims.borrow().clone();
        claims["roles"] = json!(*self.roles.borrow());
        let claims = claims.to_string();
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

    /// The test account is the one that was named first among those that have been revoked, or nobody.
    fn redeem(&self, body: &str) -> Reply {
        assert!(
            body.contains("refresh_token=stand%2Fin%2Brefresh"),
            "{body}"
        );
        if let Some(fault) = self.fault(Kind::Redeem, "") {
            return faulty(fault, || unreachable!("a try has no effect"));
        }
        let now = self.clock.now();
        let users = self.users.borrow();
        let cut = users.get(&id(77)).and_then(|canary| canary.cut_at);
        if cut.is_some_and(|at| now >= at + self.propagation.get()) {
            let error = json!({"error": "invalid_grant", "error_codes": [50173],
                "error_description": "AADSTS50173: The provided grant has expired due to it being revoked."});
            return Reply::Answer(400, Vec::new(), error.to_string());
        }
        let granted = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "a.b.c", "refresh_token": "r"});
        Reply::Answer(200, Vec::new(), granted.to_string())
    }

    /// The time as HTTP writes it, on the day on which the world begins.
    fn date(&self) -> String {
        if let Some(date) = self.date.get() {
            return date.to_owned();
        }
        let seconds = self.clock.now().as_secs();
        format!(
            "Mon, 23 Nov 2026 {:02}:{:02}:{:02} GMT",
            8 + seconds / 3_600 % 16,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    /// Tenants are named by their ids; the sub domain `contoso` is that of the connection's tenant.
    fn tenant(&self, path: &str) -> Reply {
        let asked = path.split('/').nth(1).unwrap();
        let tenant = match asked {
            "contoso.onmicrosoft.com" => id(0xd),
            other if other.ends_with(".onmicrosoft.com") => id(0xbad),
            other => other.to_owned(),
        };
        if let Some(fault) = self.fault(Kind::Tenant, asked) {
            return faulty(fault, || unreachable!("reading has no effect"));
        }
        let issuer = format!("https://login.test/{tenant}/v2.0");
        Reply::Answer(200, Vec::new(), json!({"issuer": issuer}).to_string())
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
        let right = || self.right(kind, &asked, path);
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

    fn right(&self, kind: Kind, asked: &str, path: &str) -> (u16, String) {
        if self.basic.get() && (path.contains("userType") || kind == Kind::ReadBack) {
            let error = json!({"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}});
            return (403, error.to_string());
        }
        if kind == Kind::Find {
            let found: Vec<Value> = (self.users.borrow().values())
                .filter(|user| finds(path, user, asked))
                .take(2)
                .map(|user| self.shown(user))
                .collect();
            return (200, json!({ "value": found }).to_string());
        }
        let found = self
            .users
            .borrow()
            .values()
            .find(|u| u.id == asked || u.principal.eq_ignore_ascii_case(asked))
            .cloned();
        let Some(user) = found else {
            let error = json!({"error": {"code": "Request_ResourceNotFound", "message": "Resource does not exist",
                                         "innerError": {"request-id": id(0xe)}}});
            return (404, error.to_string());
        };
        if kind == Kind::Revoke {
            let now = self.clock.now();
            // A guest's sessions are not this tenant's.
            self.change(asked, |user| {
                if user.user_type == "Member" {
                    user.revoked += 1;
                    user.cut_at = Some(now);
                }
            });
            return (200, json!({"@odata.context": "https://graph.test/v1.0/$metadata#Edm.Boolean", "value": true}).to_string());
        }
        if kind == Kind::Reach {
            let assigned: Vec<Value> = (user.apps.iter())
                .map(|app| json!({"principalId": user.id, "principalType": "User", "resourceDisplayName": app}))
                .collect();
            return (200, json!({ "value": assigned }).to_string());
        }
        (200, self.shown(&user).to_string())
    }

    /// All properties, whichever were asked for: a client has to pass over what it did not ask for.
    fn shown(&self, user: &super::User) -> Value {
        if self.basic.get() {
            return json!({"id": user.id, "userPrincipalName": user.principal, "mail": user.mail});
        }
        let seen = |at: &Duration| self.clock.now() >= *at + self.lag.get();
        let cut_off = match user.cut_at.filter(seen) {
            Some(at) => {
                let seconds = at.as_secs();
                format!(
                    "2026-11-23T{:02}:{:02}:{:02}Z",
                    8 + seconds / 3_600 % 16,
                    seconds / 60 % 60,
                    seconds % 60
                )
            }
            None => "2026-01-01T00:00:00Z".to_owned(),
        };
        json!({
            "@odata.context": "https://graph.test/v1.0/$metadata#users/$entity",
            "id": user.id, "userPrincipalName": user.principal, "userType": user.user_type,
            "accountEnabled": user.enabled, "externalUserState": user.state, "onPremisesSyncEnabled": user.synced,
            "mail": user.mail, "proxyAddresses": user.proxies, "onPremisesImmutableId": user.immutable_id,
            "signInSessionsValidFromDateTime": cut_off,
        })
    }
}

/// Whether a user fits the filter of `path`, in which `asked` is the name.
fn finds(path: &str, user: &super::User, asked: &str) -> bool {
    let query = decode_query(path);
    let same = |text: &str| text.eq_ignore_ascii_case(asked);
    let has = |literal: &str| user.proxies.iter().any(|p| p.eq_ignore_ascii_case(literal));
    match query.split_once(" eq ").unwrap().0 {
        "userPrincipalName" => same(&user.principal),
        "mail" => user.mail.as_deref().is_some_and(same),
        "proxyAddresses/any(a:a" => has(&format!("smtp:{asked}")),
        "proxyAddresses/any(p:p" => has(asked),
        "onPremisesImmutableId" => user.immutable_id == Some(asked),
        other => panic!("no filter of the action's: {other}"),
    }
}

/// The filter of a list's address.
fn decode_query(path: &str) -> String {
    let query = path.strip_prefix("/users?$filter=").unwrap();
    decode(query.split('&').next().unwrap())
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
    if path.starts_with("/users?$filter=") {
        let filter = decode_query(path);
        assert!(path.ends_with("&$top=2"), "{path}");
        let literal = filter
            .split_once('\'')
            .unwrap()
            .1
            .rsplit_once('\'')
            .unwrap()
            .0;
        let literal = literal.replace("''", "'");
        let name = match filter.contains("any(a:a") {
            true => literal.strip_prefix("smtp:").unwrap().to_owned(),
            false => literal,
        };
        return (name, Kind::Find);
    }
    let rest = path.strip_prefix("/users/").unwrap();
    if let Some(segment) = rest.strip_suffix("/revokeSignInSessions") {
        return (decode(segment), Kind::Revoke);
    }
    let (segment, query) = rest.split_once('?').unwrap();
    if let Some(segment) = segment.strip_suffix("/appRoleAssignments") {
        return (decode(segment), Kind::Reach);
    }
    if query == "$select=id,signInSessionsValidFromDateTime" {
        return (decode(segment), Kind::ReadBack);
    }
    assert!(query.starts_with("$select=id,userPrincipalName"), "{query}");
    (decode(segment), Kind::LookUp)
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
