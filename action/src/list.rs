//! Lists the tenant's users, and what changed about them since the last time ("Get incremental changes for users").
//!
//! This is the second component of the package, built with the feature `list-users`. The contract has assets go in and
//! outcomes come out, and no other way for an action to hand over what it read; so the assets of this run are empty
//! *pages*, each outcome fills one in its evidence, and the host stops giving pages when it has the last. Nothing is
//! changed: the manifest has no call that could.
//!
//! | Code | Evidence |
//! | --- | --- |
//! | `anew` | none: what follows is everybody, and who is not in it is gone |
//! | `page` | `{"users":[{"id":…,"data":{…}}, {"id":…,"gone":true}]}` |
//! | `last` | `{"link":…}`: what the next listing is to be given |
//! | `unused` | none: there was nothing left to fill the page with |

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

use crate::backoff;
use crate::chance::Chance;
use crate::manifest::{self, GRAPH, Manifest};
use crate::names::{is_guid, push_form_value};
use crate::service::{
    Answer, Asset, Assets, Ending, Finding, Level, Method, Mode, Outcome, Outcomes, Request,
    SendFailure, Service, Verdict,
};
use crate::sign_in::{self, SignIn, Token};

/// The properties that are asked for, and what the adapter calls them.
const PROPERTIES: &[(&str, &str)] = &[
    ("userPrincipalName", "username"),
    ("mail", "mail"),
    ("displayName", "display_name"),
    ("givenName", "first_name"),
    ("surname", "last_name"),
    ("userType", "user_type"),
    ("accountEnabled", "account_enabled"),
    ("country", "user_country"),
    ("department", "department"),
    ("jobTitle", "job_title"),
    ("createdDateTime", "user_created"),
    ("externalUserState", "external_user_state"),
    ("onPremisesSyncEnabled", "on_premises_synced"),
];
/// Evidence is at most 8 KiB.
const FULL_PAGE_BYTES: usize = 7 * 1024;
/// Tries of one request that meet a passing fault.
const TRIES: u32 = 6;
/// The path of every request; only its query differs.
const PATH: &str = "/v1.0/users/delta";
/// The query parameters that go on with a listing.
const TOKENS: [&str; 2] = ["$skiptoken", "$deltatoken"];

/// The JSON Schema of the settings.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "link": {
      "type": "string", "maxLength": 16384,
      "title": "Link",
      "description": "What the last listing gave at its end. Without it everybody is listed."
    }
  }
}"#;

/// Every code, and what it means.
pub(crate) const CODES: &[(&str, &str)] = &[
    (
        "anew",
        "Everybody is listed, because there was no link, or because it is older than the service keeps changes.",
    ),
    (
        "denied",
        "Microsoft Graph answered 403. Grant the application permission User.Read.All and an administrator's consent in this very tenant.",
    ),
    (
        "failed",
        "The listing could not go on; the message says why. What was listed until then stands, and the next listing begins where this one did.",
    ),
    ("last", "The listing is complete."),
    ("page", "Some of the users."),
    ("unused", "There was nothing left for this page."),
];

/// What the component is and needs.
#[must_use]
pub fn manifest() -> Manifest {
    Manifest {
        name: "list-entra-users",
        title: "Microsoft Entra ID - List Users",
        summary: "Reads the users of a tenant, and what changed about them since the last time. It changes nothing.",
        asset_kinds: &["page"],
        asset_fields: &[],
        settings_schema: SCHEMA,
        calls: manifest::listing_calls(),
        outcome_codes: CODES.to_vec(),
        ..manifest::manifest()
    }
}

/// Signs in, and says whether that worked.
pub async fn check<S: Service>(service: &S) -> Vec<Finding> {
    let finding = |level, code, message: String| {
        vec![Finding {
            level,
            code,
            message,
        }]
    };
    match Reader::open(service).await {
        Ok(_) => finding(
            Level::Good,
            "signed-in",
            "The sign-in service gave a token for Microsoft Graph.".into(),
        ),
        Err(stop) => finding(Level::Bad, "sign-in-failed", stop.message),
    }
}

/// Fills the pages. It reads in every mode, and does nothing else.
pub async fn list<S: Service>(
    service: &S,
    _: Mode,
    settings: &str,
    mut pages: impl Assets,
    mut outcomes: impl Outcomes,
) -> Ending {
    let mut book = Book {
        pages: &mut pages,
        outcomes: &mut outcomes,
        blank: Vec::new(),
    };
    let ended = fill(service, settings, &mut book).await;
    let (code, verdict, message, ending) = match ended {
        Ok(()) => (
            "unused",
            Verdict::Skipped,
            "There was nothing left for it.".to_owned(),
            Ending::Complete,
        ),
        Err(stop) => (
            stop.code,
            Verdict::NotAttempted,
            stop.message.clone(),
            Ending::Stopped(stop.message),
        ),
    };
    if matches!(ending, Ending::Stopped(_)) {
        // The host may go on giving pages for ever, so none is asked for; those that are held come back.
        book.give_back(verdict, code, &message).await;
        return ending;
    }
    loop {
        book.give_back(verdict, code, &message).await;
        if !book.ask().await {
            return ending;
        }
    }
}

/// Why the listing cannot go on.
struct Stop {
    code: &'static str,
    message: String,
}

impl Stop {
    fn failed(message: impl Into<String>) -> Self {
        Self {
            code: "failed",
            message: message.into(),
        }
    }
}

/// Blank pages, and where filled ones go.
struct Book<'a, A, O> {
    pages: &'a mut A,
    outcomes: &'a mut O,
    blank: Vec<Asset>,
}

impl<A: Assets, O: Outcomes> Book<'_, A, O> {
    /// Asks for more blank pages; false when there are no more.
    async fn ask(&mut self) -> bool {
        match self.pages.next().await {
            Some(more) => {
                self.blank.extend(more.into_iter().rev());
                true
            }
            None => false,
        }
    }

    async fn write(&mut self, code: &'static str, evidence: Option<Value>) -> Result<(), Stop> {
        let page = loop {
            match self.blank.pop() {
                Some(page) => break page,
                None if self.ask().await => {}
                None => return Err(Stop::failed("The host gave too few pages.")),
            }
        };
        let outcome = Outcome {
            asset: page.id,
            verdict: Verdict::Skipped,
            code,
            message: String::new(),
            evidence: evidence.map(|evidence| evidence.to_string()),
        };
        let written = self.outcomes.write(vec![outcome]).await;
        written.map_err(|_| Stop::failed("The host takes no more pages."))
    }

    async fn give_back(&mut self, verdict: Verdict, code: &'static str, message: &str) {
        let outcomes: Vec<Outcome> = std::mem::take(&mut self.blank)
            .into_iter()
            .map(|page| Outcome {
                asset: page.id,
                verdict,
                code,
                message: message.to_owned(),
                evidence: None,
            })
            .collect();
        if !outcomes.is_empty() {
            // Nobody takes them any more: the host knows that by itself.
            let _ = self.outcomes.write(outcomes).await;
        }
    }
}

async fn fill<S: Service, A: Assets, O: Outcomes>(
    service: &S,
    settings: &str,
    book: &mut Book<'_, A, O>,
) -> Result<(), Stop> {
    #[derive(Deserialize)]
    struct Settings {
        #[serde(default)]
        link: Option<String>,
    }
    let settings: Settings = serde_json::from_str(settings)
        .map_err(|_| Stop::failed("The settings are not those of this action."))?;
    let mut reader = Reader::open(service).await?;
    let mut query = match settings.link.as_deref().filter(|link| !link.is_empty()) {
        Some(link) => token(link)?,
        None => {
            book.write("anew", None).await?;
            everybody()
        }
    };
    let mut is_first = true;
    loop {
        let answer = reader.get(&query).await?;
        let page = match answer.status {
            200 => Page::read(&answer.body)?,
            // "Use delta query": the link is older than the service keeps changes.
            410 if is_first && settings.link.is_some() => {
                book.write("anew", None).await?;
                (query, is_first) = (everybody(), false);
                continue;
            }
            status => return Err(refused(status)),
        };
        is_first = false;
        for users in page.users {
            book.write("page", Some(json!({ "users": users }))).await?;
        }
        match page.next {
            Next::Page(link) => query = token(&link)?,
            Next::End(link) => return book.write("last", Some(json!({ "link": link }))).await,
        }
    }
}

fn everybody() -> String {
    let mut names: Vec<&str> = vec!["id"];
    names.extend(PROPERTIES.iter().map(|(property, _)| *property));
    format!("$select={}", names.join(","))
}

/// The part of a link that goes on with the listing; the rest of it is not followed, for it may lead anywhere.
fn token(link: &str) -> Result<String, Stop> {
    let query = link.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .find(|part| {
            let name = part
                .split('=')
                .next()
                .unwrap_or_default()
                .replace("%24", "$");
            TOKENS.contains(&name.as_str())
        })
        .filter(|part| part.bytes().all(|b| b.is_ascii_graphic() && b != b'#'))
        .map(|part| part.replacen("%24", "$", 1))
        .ok_or_else(|| {
            Stop::failed("Microsoft Graph gave a link that does not go on with the listing.")
        })
}

fn refused(status: u16) -> Stop {
    match status {
        403 => Stop {
            code: "denied",
            message: "Microsoft Graph answered 403: grant the application permission User.Read.All and an administrator's \
                      consent in this very tenant."
                .to_owned(),
        },
        status => Stop::failed(format!("Microsoft Graph answered the listing with HTTP {status}.")),
    }
}

/// Asks Graph, with a token that is good.
struct Reader<'s, S> {
    service: &'s S,
    chance: Chance,
    sign_in: SignIn,
    origin: String,
    token: Token,
}

impl<'s, S: Service> Reader<'s, S> {
    async fn open(service: &'s S) -> Result<Self, Stop> {
        let chance = Chance::new(service.random());
        let refused = |refusal: sign_in::NoToken| Stop::failed(refusal.message);
        let sign_in = SignIn::of(service).map_err(refused)?;
        let token = sign_in
            .token(service, &chance, None, 1)
            .await
            .map_err(refused)?;
        let origin = service
            .endpoint(GRAPH)
            .ok_or_else(|| Stop::failed("The connection has no address for Microsoft Graph."))?;
        Ok(Self {
            service,
            chance,
            sign_in,
            origin,
            token,
        })
    }

    /// The answer to a request with this query, after as many tries as it took.
    async fn get(&mut self, query: &str) -> Result<Answer, Stop> {
        let mut tries = 1;
        let mut renewed = false;
        loop {
            if self.service.monotonic() >= self.token.renew_at {
                self.renew(None).await?;
            }
            let wait = match self.service.send(self.request(query)).await {
                Ok(answer) if answer.status == 401 && !renewed => {
                    let claims = answer
                        .header("www-authenticate")
                        .and_then(sign_in::challenge);
                    self.renew(claims.as_deref()).await?;
                    renewed = true;
                    continue;
                }
                Ok(answer) if !matches!(answer.status, 429 | 500 | 502 | 503 | 504) => {
                    return Ok(answer);
                }
                Ok(answer) if tries >= TRIES => return Ok(answer),
                Ok(answer) => answer
                    .header("retry-after")
                    .and_then(|text| backoff::retry_after(text, self.service.unix_seconds())),
                Err(SendFailure::Refused) => {
                    return Err(Stop::failed(
                        "The host did not let a request leave: the audit names the rule.",
                    ));
                }
                Err(SendFailure::Unreachable { why, lasting }) if lasting || tries >= TRIES => {
                    return Err(Stop::failed(format!(
                        "Microsoft Graph cannot be reached: {why}."
                    )));
                }
                Err(SendFailure::Lost { why }) if tries >= TRIES => {
                    return Err(Stop::failed(format!(
                        "Microsoft Graph did not answer: {why}."
                    )));
                }
                Err(SendFailure::Unreachable { .. } | SendFailure::Lost { .. }) => None,
            };
            let wait: Duration =
                wait.unwrap_or_else(|| self.chance.jittered(backoff::exponential(tries)));
            self.service.sleep(wait).await;
            tries += 1;
        }
    }

    async fn renew(&mut self, claims: Option<&str>) -> Result<(), Stop> {
        let generation = self.token.generation + 1;
        self.token = self
            .sign_in
            .token(self.service, &self.chance, claims, generation)
            .await
            .map_err(|refusal| Stop::failed(refusal.message))?;
        Ok(())
    }

    fn request(&self, query: &str) -> Request {
        let mut path = String::from(PATH);
        path.push('?');
        for (at, part) in query.split('&').enumerate() {
            if at > 0 {
                path.push('&');
            }
            match part.split_once('=') {
                // What the service gave is percent-encoded already.
                Some((name, value)) if TOKENS.contains(&name) => {
                    path.push_str(&format!("{name}={value}"));
                }
                Some((name, value)) => {
                    path.push_str(&format!("{name}="));
                    push_form_value(&mut path, value);
                }
                None => path.push_str(part),
            }
        }
        Request {
            method: Method::Get,
            origin: self.origin.clone(),
            path,
            headers: vec![
                ("accept", "application/json".into()),
                ("authorization", self.token.authorization.clone()),
                ("client-request-id", self.chance.guid()),
            ],
            body: Vec::new(),
        }
    }
}

/// One answer, cut into what fits into evidence.
struct Page {
    users: Vec<Vec<Value>>,
    next: Next,
}

enum Next {
    End(String),
    Page(String),
}

impl Page {
    fn read(body: &[u8]) -> Result<Self, Stop> {
        #[derive(Deserialize)]
        struct Listed {
            value: Vec<Map<String, Value>>,
            #[serde(rename = "@odata.nextLink", default)]
            next: Option<String>,
            #[serde(rename = "@odata.deltaLink", default)]
            end: Option<String>,
        }
        let unreadable = || Stop::failed("What answered the listing is not Microsoft Graph.");
        let listed: Listed = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let next = match (listed.next, listed.end) {
            (Some(link), _) => Next::Page(link),
            (None, Some(link)) => Next::End(link),
            (None, None) => return Err(unreadable()),
        };
        let mut users: Vec<Vec<Value>> = Vec::new();
        let mut room = 0;
        for entry in listed.value.into_iter().filter_map(user) {
            let bytes = entry.to_string().len() + 1;
            if bytes > room || users.is_empty() {
                users.push(Vec::new());
                room = FULL_PAGE_BYTES;
            }
            room = room.saturating_sub(bytes);
            if let Some(page) = users.last_mut() {
                page.push(entry);
            }
        }
        Ok(Self { users, next })
    }
}

/// A user in the adapter's words. A property that is not in the answer did not change; one that is `null` has no value.
fn user(mut properties: Map<String, Value>) -> Option<Value> {
    let id = properties
        .get("id")
        .and_then(Value::as_str)
        .filter(|id| is_guid(id))?;
    if properties.contains_key("@removed") {
        return Some(json!({"id": id, "gone": true}));
    }
    let mut data = Map::from_iter([("id".to_owned(), Value::from(id))]);
    let id = id.to_owned();
    for (property, field) in PROPERTIES {
        match properties.remove(*property) {
            // Longer than any of these can be: whatever that is, it does not belong into an inventory.
            Some(Value::String(text)) if text.len() > 512 => {}
            Some(value @ (Value::String(_) | Value::Bool(_) | Value::Null)) => {
                if let Value::Bool(enabled) = value
                    && *field == "account_enabled"
                {
                    data.insert("account_disabled".to_owned(), Value::Bool(!enabled));
                }
                data.insert((*field).to_owned(), value);
            }
            _ => {}
        }
    }
    Some(json!({"id": id, "data": data}))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    const ID: &str = "00000000-0000-4000-8000-000000000001";

    #[test]
    fn a_user_is_told_in_the_adapters_words() {
        let properties = json!({"id": ID, "userPrincipalName": "ada@contoso.com", "accountEnabled": false, "mail": null,
            "displayName": "x".repeat(600), "other": 1});
        let told = user(properties.as_object().unwrap().clone()).unwrap();
        let wanted = json!({"id": ID, "data": {"id": ID, "username": "ada@contoso.com", "account_enabled": false,
            "account_disabled": true, "mail": null}});
        assert_eq!(told, wanted);
        let gone = json!({"id": ID, "@removed": {"reason": "deleted"}});
        assert_eq!(
            user(gone.as_object().unwrap().clone()),
            Some(json!({"id": ID, "gone": true}))
        );
        assert_eq!(user(json!({"id": "x"}).as_object().unwrap().clone()), None);
    }

    #[test]
    fn a_link_is_followed_for_its_token_only() {
        let link = "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=a%2Bb";
        assert_eq!(token(link).ok().as_deref(), Some("$deltatoken=a%2Bb"));
        let link = "https://evil.example/x?a=b&%24skiptoken=x";
        assert_eq!(token(link).ok().as_deref(), Some("$skiptoken=x"));
        for link in [
            "",
            "https://x/",
            "https://x/?$top=1",
            "https://x/?$skiptoken=a\r\nb",
        ] {
            assert!(token(link).is_err(), "{link}");
        }
    }

    #[test]
    fn pages_fit_into_evidence() {
        let value: Vec<Value> = (0..200)
            .map(|n| json!({"id": format!("00000000-0000-4000-8000-{n:012}"), "displayName": "x".repeat(500)}))
            .collect();
        let body = json!({"value": value, "@odata.deltaLink": "l"}).to_string();
        let page = Page::read(body.as_bytes()).ok().unwrap();
        assert_eq!(page.users.iter().map(Vec::len).sum::<usize>(), 200);
        for users in &page.users {
            assert!(json!({ "users": users }).to_string().len() <= 8 * 1024);
        }
        assert!(Page::read(b"{\"value\":[]}").is_err() && Page::read(b"<html>").is_err());
    }

    #[test]
    fn nothing_that_it_may_call_changes_anything() {
        let manifest = manifest();
        for call in &manifest.calls {
            assert!(matches!(
                call.shape,
                crate::Shape::Single {
                    effect: crate::Effect::Reads | crate::Effect::SignsIn,
                    subject: None
                }
            ));
        }
        assert!(serde_json::from_str::<Value>(SCHEMA).is_ok());
    }
}
