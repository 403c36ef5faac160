//! Instructions a user in the action: a number that is the same whatever else the machine does, so that a change that
//! doubles it is seen.
//!
//! The action runs natively against answers from memory, under callgrind, for two numbers of users; what starting costs
//! is in both, and drops out of the difference. What the answers cost is measured with it, and is a small part.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use revoke_user_sessions::service::{
    Answer, Asset, Assets, Claim, Closed, LogLevel, Method, Mode, Outcome, Outcomes, Request,
    SendFailure, Service, Verdict,
};

use crate::{Failed, row, table};

/// This program in another role: it only runs the action.
pub(crate) const ROLE: &str = "instructions-only";

/// Users of the two runs.
const USERS: [u32; 2] = [2_000, 4_000];

/// Ways to run it: a name, and settings.
const WAYS: [(&str, &str); 3] = [
    ("in batches of 20", "{}"),
    ("in batches, read back", r#"{"verify":true}"#),
    ("alone", r#"{"batch_size":1}"#),
];

pub(crate) fn measure() -> Result<(), Failed> {
    let mut rows = vec![row!["users are asked about", "instructions a user"]];
    for (name, settings) in WAYS {
        let [few, many] = USERS.map(|users| count(users, settings));
        let each = (many? - few?) / u64::from(USERS[1] - USERS[0]);
        rows.push(row![name, each]);
    }
    table::print(
        "Instructions a user: the action as native code, answers from memory (callgrind)",
        &rows,
    );
    Ok(())
}

/// Instructions of a whole run.
fn count(users: u32, settings: &str) -> Result<u64, Failed> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([ROLE, &users.to_string(), settings])
        .output()
        .map_err(|error| {
            format!("valgrind, which counts instructions, cannot be started: {error}")
        })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    Ok(count.ok_or_else(|| format!("callgrind counted nothing: {said}"))?)
}

/// Runs the action, in the other role.
pub(crate) fn play(arguments: &[String]) -> Result<(), Failed> {
    let [_, users, settings] = arguments else {
        return Err(format!("{ROLE} USERS SETTINGS").into());
    };
    let users: u32 = users.parse()?;
    let memory = Memory::default();
    let done = Cell::new(0);
    let run = revoke_user_sessions::run(
        &memory,
        Mode::Enforce,
        settings,
        Source { next: 0, users },
        Sink(&done),
    );
    // Nothing here waits for anything, so it is a matter of asking again.
    let mut run = pin!(run);
    let mut context = Context::from_waker(Waker::noop());
    while run.as_mut().poll(&mut context) == Poll::Pending {}
    if done.get() == users {
        Ok(())
    } else {
        Err(format!("{} of {users} users were revoked", done.get()).into())
    }
}

/// A tenant in which everybody is there.
#[derive(Default)]
struct Memory {
    random: Cell<u64>,
}

impl Service for Memory {
    async fn send(&self, request: Request) -> Result<Answer, SendFailure> {
        let body = match request.path.as_str() {
            path if path.ends_with("/token") => {
                r#"{"token_type":"Bearer","expires_in":3599,"access_token":"a.b.c"}"#.to_owned()
            }
            "/v1.0/$batch" => batch(&request.body),
            path => answer(path, request.method == Method::Post),
        };
        Ok(Answer {
            status: 200,
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                (
                    "date".to_owned(),
                    "Mon, 23 Nov 2026 08:00:00 GMT".to_owned(),
                ),
            ],
            body: body.into_bytes(),
        })
    }

    async fn sleep(&self, _: Duration) {}

    fn monotonic(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn unix_seconds(&self) -> u64 {
        1_795_420_800
    }

    fn random(&self) -> u64 {
        self.random.set(self.random.get() + 1);
        self.random.get()
    }

    fn field(&self, name: &str) -> Option<String> {
        matches!(name, "client_id" | "tenant_id").then(|| "contoso".to_owned())
    }

    fn stand_in(&self, field: &str) -> Option<String> {
        (field == "client_secret").then(|| "stand-in".to_owned())
    }

    async fn assertion(&self, _: &str) -> Result<String, String> {
        Err("it has a client secret".to_owned())
    }

    async fn one_time_code(&self, _: &str, _: &str) -> Result<String, String> {
        Err("it signs in as the application".to_owned())
    }

    fn endpoint(&self, _: &str) -> Option<String> {
        Some("https://localhost".to_owned())
    }

    async fn claim(&self, claims: Vec<Claim>) -> Vec<Option<String>> {
        vec![None; claims.len()]
    }

    fn hold(&self, _: &str, _: Duration) {}

    fn log(&self, _: LogLevel, _: &str) {}
}

/// What Graph says about the user in an address.
fn answer(path: &str, revoke: bool) -> String {
    if revoke {
        return r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean","value":true}"#.to_owned();
    }
    let id = path
        .rsplit_once("/users/")
        .map_or("", |(_, rest)| &rest[..36.min(rest.len())]);
    // Read back, it has moved; a look-up asks for more than two properties.
    let day = if path.contains("$select=id,sign") {
        23
    } else {
        1
    };
    format!(
        r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users/$entity","id":"{id}","userPrincipalName":"user@contoso.example","userType":"Member","accountEnabled":true,"externalUserState":null,"onPremisesSyncEnabled":null,"signInSessionsValidFromDateTime":"2026-11-{day:02}T08:00:00Z"}}"#
    )
}

/// The answer to a batch, made of the text of its parts: reading them as JSON would cost more than what is measured.
fn batch(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let mut out = String::from(r#"{"responses":["#);
    for (at, part) in body.split(r#""url":""#).skip(1).enumerate() {
        let url = part.split('"').next().unwrap_or_default();
        if at > 0 {
            out.push(',');
        }
        out.push_str(&format!(
            r#"{{"id":"{}","status":200,"headers":{{"Content-Type":"application/json"}},"body":{}}}"#,
            at + 1,
            answer(url, url.ends_with("Sessions"))
        ));
    }
    out.push_str("]}");
    out
}

struct Source {
    next: u32,
    users: u32,
}

impl Assets for Source {
    async fn next(&mut self) -> Option<Vec<Asset>> {
        let chunk: Vec<Asset> = (self.next..self.users.min(self.next + 1_280))
            .map(|n| {
                let id = format!("00000000-0000-4000-8000-{n:012x}");
                Asset {
                    identities: vec![format!(r#"{{"id":"{id}"}}"#)],
                    id,
                    ..Asset::default()
                }
            })
            .collect();
        self.next += 1_280;
        (!chunk.is_empty()).then_some(chunk)
    }
}

/// Counts successes.
struct Sink<'a>(&'a Cell<u32>);

impl Outcomes for Sink<'_> {
    async fn write(&mut self, outcomes: Vec<Outcome>) -> Result<(), Closed> {
        let succeeded = |outcome: &&Outcome| outcome.verdict == Verdict::Succeeded;
        let more = outcomes.iter().filter(succeeded).count();
        self.0
            .set(self.0.get() + u32::try_from(more).unwrap_or(u32::MAX));
        Ok(())
    }
}
