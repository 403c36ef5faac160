//! A tenant for tests of the logic: users, faults and a journal, on a clock that jumps.
//!
//! Not a faithful Graph, which the emulator is; just what the logic talks to, where every wait takes no time and every
//! fault happens when a test says so.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails may panic"
)]

mod clock;
pub mod pages;
pub mod wire;

pub use clock::Clock;
use revoke_user_sessions::service::{
    Answer, Asset, Assets, Claim, Closed, Ending, LogLevel, Mode, Outcome, Outcomes, Request,
    SendFailure, Service, Verdict,
};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

/// What kind of request, or part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Token,
    /// One of the sign-in pages, or of their own requests.
    Page,
    /// What a tenant publishes of itself.
    Tenant,
    Batch,
    LookUp,
    /// A look-up by a filter.
    Find,
    Revoke,
    ReadBack,
    Reach,
    /// A try of the test account's refresh token.
    Redeem,
}

/// What happens to a request instead of what would.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answered like this; `effect` if the request is carried out nevertheless.
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
        effect: bool,
    },
    /// No answer.
    Lost { effect: bool },
    /// No connection.
    Unreachable { lasting: bool },
    /// The host refuses.
    Refused,
    /// A part that is not answered.
    Missing { effect: bool },
    /// A part that is answered rightly and then with 500.
    Twice,
}

impl Fault {
    pub fn status(status: u16) -> Self {
        let body = format!(
            r#"{{"error":{{"code":"Code{status}","message":"m","innerError":{{"request-id":"inner-{status}"}}}}}}"#
        );
        Self::Answer {
            status,
            headers: Vec::new(),
            body,
            effect: false,
        }
    }

    pub fn code(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"text that may change"}}}}"#);
        Self::Answer {
            status,
            headers: Vec::new(),
            body,
            effect: false,
        }
    }

    pub fn body(status: u16, body: &str) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
            effect: false,
        }
    }

    pub fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Answer {
                status,
                mut headers,
                body,
                effect,
            } => {
                headers.push((name, value.to_owned()));
                Self::Answer {
                    status,
                    headers,
                    body,
                    effect,
                }
            }
            other => other,
        }
    }
}

/// A user of the tenant.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub principal: String,
    pub user_type: &'static str,
    pub state: Option<&'static str>,
    pub enabled: bool,
    pub synced: Option<bool>,
    pub mail: Option<String>,
    pub proxies: Vec<String>,
    pub immutable_id: Option<&'static str>,
    pub apps: Vec<&'static str>,
    /// When its sessions were revoked last, on the clock.
    pub cut_at: Option<Duration>,
    /// How often its sessions were revoked.
    pub revoked: u32,
    /// How often a revoke of it was answered with success.
    pub accepted: u32,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: Duration,
    pub kind: Kind,
    pub path: String,
    /// Names of the users that it was about.
    pub about: Vec<String>,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

type Script = Box<dyn FnMut(Kind, &str, u32) -> Option<Fault>>;

/// The tenant, and the host around it.
pub struct World {
    pub clock: Clock,
    pub users: RefCell<BTreeMap<String, User>>,
    pub journal: RefCell<Vec<Entry>>,
    pub logs: RefCell<Vec<String>>,
    pub holds: RefCell<Vec<(String, Duration)>>,
    pub fields: RefCell<HashMap<&'static str, String>>,
    pub secrets: RefCell<HashMap<&'static str, String>>,
    pub claims: RefCell<HashMap<String, String>>,
    /// The roles in tokens.
    pub roles: RefCell<Vec<&'static str>>,
    /// Further claims in tokens.
    pub token_claims: RefCell<serde_json::Value>,
    /// What stands in place of an assertion, if the connection has something to make one of.
    pub assertion: RefCell<Option<&'static str>>,
    /// What stands in place of a one-time code, or why there is none.
    pub one_time_code: RefCell<Result<&'static str, &'static str>>,
    /// The date of answers, where it is not the world's.
    pub date: Cell<Option<&'static str>>,
    /// The addresses of login and Graph.
    pub endpoints: Cell<[&'static str; 2]>,
    pub token_lifetime: Cell<u64>,
    pub latency: Cell<Duration>,
    /// Whether only names may be read.
    pub basic: Cell<bool>,
    /// How long reads show the cut-off time of before.
    pub lag: Cell<Duration>,
    /// How long refresh tokens work after a revoke.
    pub propagation: Cell<Duration>,
    script: RefCell<Script>,
    /// What the sign-in pages do instead of what they should.
    pub pages: RefCell<pages::Pages>,
    counts: RefCell<HashMap<(Kind, String), u32>>,
    left: RefCell<HashMap<(Kind, String), u32>>,
    /// Names of whom a revoke was sent about.
    sent: RefCell<HashSet<String>>,
    tokens: Cell<u32>,
    busy: Cell<usize>,
    /// The most requests at once.
    pub busiest: Cell<usize>,
}

pub fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012x}")
}

pub fn principal(n: u32) -> String {
    format!("user{n:06}@contoso.example")
}

impl World {
    /// A tenant with `count` members, numbered from 1.
    pub fn of(count: u32) -> Self {
        let world = Self {
            clock: Clock::default(),
            users: RefCell::default(),
            journal: RefCell::default(),
            logs: RefCell::default(),
            holds: RefCell::default(),
            fields: RefCell::new(HashMap::from([
                ("client_id", id(0xc)),
                ("tenant_id", id(0xd)),
            ])),
            secrets: RefCell::new(HashMap::from([(
                "client_secret",
                "stand/in+secret".to_owned(),
            )])),
            claims: RefCell::default(),
            roles: RefCell::new(vec!["User.RevokeSessions.All", "User.Read.All"]),
            token_claims: RefCell::new(serde_json::json!({})),
            assertion: RefCell::new(None),
            one_time_code: RefCell::new(Ok("standinofaonetimecode")),
            date: Cell::new(None),
            endpoints: Cell::new(["https://login.test", "https://graph.test"]),
            token_lifetime: Cell::new(3_599),
            latency: Cell::new(Duration::from_millis(50)),
            basic: Cell::default(),
            lag: Cell::default(),
            propagation: Cell::default(),
            script: RefCell::new(Box::new(|_, _, _| None)),
            pages: RefCell::new(Box::new(|_| None)),
            counts: RefCell::default(),
            left: RefCell::default(),
            sent: RefCell::default(),
            tokens: Cell::new(0),
            busy: Cell::new(0),
            busiest: Cell::new(0),
        };
        for n in 1..=count {
            world.add(n, |_| {});
        }
        world
    }

    /// Adds or replaces user `n`.
    pub fn add(&self, n: u32, change: impl FnOnce(&mut User)) {
        let mut user = User {
            id: id(n),
            principal: principal(n),
            user_type: "Member",
            state: None,
            enabled: true,
            synced: None,
            mail: None,
            proxies: Vec::new(),
            immutable_id: None,
            apps: Vec::new(),
            cut_at: None,
            revoked: 0,
            accepted: 0,
        };
        change(&mut user);
        self.users.borrow_mut().insert(user.id.clone(), user);
    }

    /// Has faults happen: told the kind, the name that was asked for and how often it was, from 1.
    pub fn script(self, script: impl FnMut(Kind, &str, u32) -> Option<Fault> + 'static) -> Self {
        *self.script.borrow_mut() = Box::new(script);
        self
    }

    pub fn user(&self, n: u32) -> User {
        self.users.borrow()[&id(n)].clone()
    }

    pub fn requests(&self, kind: Kind) -> Vec<Entry> {
        self.journal
            .borrow()
            .iter()
            .filter(|entry| entry.kind == kind)
            .cloned()
            .collect()
    }

    /// How often a kind of request was about `name`, in whatever envelope.
    pub fn count(&self, kind: Kind, name: &str) -> u32 {
        self.counts
            .borrow()
            .get(&(kind, name.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    /// Runs the action to its end.
    pub fn run(&self, mode: Mode, settings: &str, assets: Vec<Asset>) -> (Vec<Outcome>, Ending) {
        self.run_in_chunks(mode, settings, assets, 1_000)
    }

    pub fn run_in_chunks(
        &self,
        mode: Mode,
        settings: &str,
        assets: Vec<Asset>,
        chunk: usize,
    ) -> (Vec<Outcome>, Ending) {
        let given: Vec<String> = assets.iter().map(|asset| asset.id.clone()).collect();
        let sink = Rc::new(RefCell::new(Vec::new()));
        let source = Chunks {
            rest: assets.into_iter(),
            chunk,
        };
        let run =
            revoke_user_sessions::run(self, mode, settings, source, Collector(Rc::clone(&sink)));
        let ending = self.clock.drive(run);
        let outcomes = sink.take();
        let mut answered: Vec<&str> = outcomes
            .iter()
            .map(|outcome: &Outcome| outcome.asset.as_str())
            .collect();
        let mut expected: Vec<&str> = given.iter().map(String::as_str).collect();
        answered.sort_unstable();
        expected.sort_unstable();
        assert_eq!(answered, expected, "every asset has one outcome");
        // The host takes nobody's word that nothing was sent. (Of several with one id, one was sent about.)
        let ids: Vec<Option<String>> = outcomes
            .iter()
            .map(|outcome| {
                let evidence = outcome.evidence.as_deref().unwrap_or("{}");
                let evidence: serde_json::Value = serde_json::from_str(evidence).unwrap();
                evidence["object_id"].as_str().map(str::to_owned)
            })
            .collect();
        for (outcome, id) in outcomes.iter().zip(&ids) {
            let alone = ids.iter().filter(|other| *other == id).count() == 1;
            let sent = id
                .as_ref()
                .is_some_and(|id| self.sent.borrow().contains(id));
            let untouched = outcome.verdict == Verdict::NotAttempted;
            assert!(!(untouched && sent && alone), "{outcome:?}");
        }
        (outcomes, ending)
    }

    /// How many of those left: not those that the host refused.
    pub fn left(&self, kind: Kind, name: &str) -> u32 {
        self.left
            .borrow()
            .get(&(kind, name.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    fn leaves(&self, kind: Kind, name: &str) {
        *self
            .left
            .borrow_mut()
            .entry((kind, name.to_owned()))
            .or_default() += 1;
    }

    fn fault(&self, kind: Kind, name: &str) -> Option<Fault> {
        let nth = {
            let mut counts = self.counts.borrow_mut();
            let count = counts.entry((kind, name.to_owned())).or_default();
            *count += 1;
            *count
        };
        (self.script.borrow_mut())(kind, name, nth)
    }
}

/// Enforces with the default settings.
pub fn enforce(world: &World, assets: Vec<Asset>) -> (Vec<Outcome>, Ending) {
    world.run(Mode::Enforce, "{}", assets)
}

/// Users by number, as assets named `a1`, `a2`, …, known by object id.
pub fn assets(numbers: impl IntoIterator<Item = u32>) -> Vec<Asset> {
    numbers
        .into_iter()
        .map(|n| asset(&format!("a{n}"), &format!(r#"{{"id":"{}"}}"#, id(n))))
        .collect()
}

/// The test account that the host adds for the setting `canary`: user `n`.
pub fn canary(n: u32) -> Asset {
    Asset {
        added_for: Some("canary".into()),
        ..asset(
            &format!("canary:{}", principal(n)),
            &format!(r#"{{"username":"{}"}}"#, principal(n)),
        )
    }
}

/// Users by number, known by principal name.
pub fn by_name(numbers: impl IntoIterator<Item = u32>) -> Vec<Asset> {
    numbers
        .into_iter()
        .map(|n| {
            asset(
                &format!("a{n}"),
                &format!(r#"{{"username":"{}"}}"#, principal(n)),
            )
        })
        .collect()
}

pub fn asset(id: &str, identity: &str) -> Asset {
    Asset {
        id: id.into(),
        identities: vec![identity.into()],
        ..Asset::default()
    }
}

/// The outcome of an asset.
#[track_caller]
pub fn of<'a>(outcomes: &'a [Outcome], asset: &str) -> &'a Outcome {
    outcomes
        .iter()
        .find(|outcome| outcome.asset == asset)
        .unwrap()
}

/// Verdict and code of an asset.
#[track_caller]
pub fn verdict(outcomes: &[Outcome], asset: &str) -> (Verdict, &'static str) {
    let outcome = of(outcomes, asset);
    (outcome.verdict, outcome.code)
}

/// The evidence of an asset.
#[track_caller]
pub fn evidence(outcomes: &[Outcome], asset: &str) -> serde_json::Value {
    serde_json::from_str(of(outcomes, asset).evidence.as_deref().unwrap()).unwrap()
}

struct Chunks {
    rest: std::vec::IntoIter<Asset>,
    chunk: usize,
}

impl Assets for Chunks {
    async fn next(&mut self) -> Option<Vec<Asset>> {
        let chunk: Vec<Asset> = self.rest.by_ref().take(self.chunk).collect();
        (!chunk.is_empty()).then_some(chunk)
    }
}

struct Collector(Rc<RefCell<Vec<Outcome>>>);

impl Outcomes for Collector {
    async fn write(&mut self, outcomes: Vec<Outcome>) -> Result<(), Closed> {
        self.0.borrow_mut().extend(outcomes);
        Ok(())
    }
}

impl Service for World {
    async fn send(&self, request: Request) -> Result<Answer, SendFailure> {
        self.busy.set(self.busy.get() + 1);
        self.busiest.set(self.busiest.get().max(self.busy.get()));
        self.clock.sleep(self.latency.get()).await;
        self.busy.set(self.busy.get() - 1);
        self.serve(request)
    }

    async fn sleep(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    fn monotonic(&self) -> Duration {
        self.clock.now()
    }

    fn unix_seconds(&self) -> u64 {
        1_795_420_800 + self.clock.now().as_secs()
    }

    fn random(&self) -> u64 {
        7
    }

    fn field(&self, name: &str) -> Option<String> {
        self.fields.borrow().get(name).cloned()
    }

    fn stand_in(&self, field: &str) -> Option<String> {
        self.secrets.borrow().get(field).cloned()
    }

    async fn assertion(&self, call: &str) -> Result<String, String> {
        assert!(call.starts_with("sign-in"), "{call}");
        let made = *self.assertion.borrow();
        made.map(str::to_owned)
            .ok_or_else(|| "there is nothing to make one of".to_owned())
    }

    async fn one_time_code(&self, field: &str, call: &str) -> Result<String, String> {
        assert_eq!((field, call), ("otp_secret", "page-end-code"));
        let made = *self.one_time_code.borrow();
        made.map(str::to_owned).map_err(str::to_owned)
    }

    fn endpoint(&self, name: &str) -> Option<String> {
        let [login, graph] = self.endpoints.get();
        match name {
            "login" => Some(login.into()),
            "graph" => Some(graph.into()),
            _ => None,
        }
    }

    async fn claim(&self, claims: Vec<Claim>) -> Vec<Option<String>> {
        let mut owners = self.claims.borrow_mut();
        let claim = |Claim { asset, name }: Claim| {
            let owner = owners.entry(name).or_insert_with(|| asset.clone());
            (*owner != asset).then(|| owner.clone())
        };
        claims.into_iter().map(claim).collect()
    }

    fn hold(&self, lane: &str, wait: Duration) {
        self.holds.borrow_mut().push((lane.to_owned(), wait));
    }

    fn log(&self, _: LogLevel, message: &str) {
        self.logs.borrow_mut().push(message.to_owned());
    }
}
