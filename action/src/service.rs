//! What the logic needs from the world around it, as traits and plain types.
//!
//! It does no I/O of its own: the component puts the host's imports behind these traits, tests a script with virtual
//! time, and a native program whatever client it has. No type of the contract's bindings appears here.

use std::{fmt, future::Future, time::Duration};

/// The services and facilities of one run.
pub trait Service {
    /// Sends `request` and reads the answer whole.
    ///
    /// # Errors
    ///
    /// A [`SendFailure`] when there is no whole answer.
    fn send(&self, request: Request) -> impl Future<Output = Result<Answer, SendFailure>>;

    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()>;

    /// Time on a clock that never goes back, since some moment of its own.
    fn monotonic(&self) -> Duration;

    /// Seconds since 1970, UTC.
    fn unix_seconds(&self) -> u64;

    /// 64 random bits.
    fn random(&self) -> u64;

    /// The value of a field of the connection that is no secret.
    fn field(&self, name: &str) -> Option<String>;

    /// What to send in place of a secret field of the connection.
    fn stand_in(&self, field: &str) -> Option<String>;

    /// What to send in place of a signed client assertion, in one request of the call of this id.
    ///
    /// # Errors
    ///
    /// Why there is none, as the end of a sentence.
    fn assertion(&self, call: &str) -> impl Future<Output = Result<String, String>>;

    /// What to send in place of a one-time code of a secret field, in one request of the call of this id.
    ///
    /// # Errors
    ///
    /// Why there is none, as the end of a sentence.
    fn one_time_code(
        &self,
        field: &str,
        call: &str,
    ) -> impl Future<Output = Result<String, String>>;

    /// The address of an endpoint of the manifest, without a slash at its end.
    fn endpoint(&self, name: &str) -> Option<String>;

    /// For each claim, the id of the other asset of the run that has the name already.
    fn claim(&self, claims: Vec<Claim>) -> impl Future<Output = Vec<Option<String>>>;

    /// Lets nothing that costs `lane` leave before `wait` is over, in any run that shares it.
    fn hold(&self, lane: &str, wait: Duration);

    /// A note for whoever runs or writes the action.
    fn log(&self, level: LogLevel, message: &str);
}

/// The assets of a run, in chunks.
pub trait Assets {
    /// The next few, at least one; none when there are no more.
    fn next(&mut self) -> impl Future<Output = Option<Vec<Asset>>>;
}

/// Where outcomes go.
pub trait Outcomes {
    /// Hands over a group of outcomes.
    ///
    /// # Errors
    ///
    /// [`Closed`] when nobody takes outcomes any more.
    fn write(&mut self, outcomes: Vec<Outcome>) -> impl Future<Output = Result<(), Closed>>;
}

/// Nobody takes outcomes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// One HTTP request. Its body and headers may hold stand-ins, so [`fmt::Debug`] shows neither.
pub struct Request {
    /// `GET` or `POST`.
    pub method: Method,
    /// The origin: `https://graph.microsoft.com`.
    pub origin: String,
    /// The path with its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for a `GET`.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("origin", &self.origin)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The methods that this action uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

/// One HTTP answer. Its body may hold what must not be printed, so [`fmt::Debug`] shows the status only.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in any case.
    pub headers: Vec<(String, String)>,
    /// Whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// The host refused the request; nothing left.
    Refused,
    /// Nothing left, because there was no connection. `lasting` if another try cannot help.
    Unreachable {
        /// What went wrong, for a person: `the certificate is not trusted`.
        why: String,
        /// Trying again cannot help.
        lasting: bool,
    },
    /// The request may have left, and nobody knows what became of it.
    Lost {
        /// What went wrong, for a person: `the connection was lost`.
        why: String,
    },
}

/// One thing to act on, as the host hands it over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asset {
    /// Its name in this run.
    pub id: String,
    /// A JSON object for each identity.
    pub identities: Vec<String>,
    /// Settings that hold for this asset alone, as JSON.
    pub settings: Option<String>,
    /// When a change may have left in an earlier try, in seconds since 1970.
    pub sent_before: Option<u64>,
    /// The setting for which the host added it, if nobody listed it.
    pub added_for: Option<String>,
}

/// An asset of the run, and a name of it that an answer taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The asset's id.
    pub asset: String,
    /// Its object id.
    pub name: String,
}

/// What happened to an asset. The kinds are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Done, as far as the service said.
    Succeeded,
    /// Nothing to do.
    Skipped,
    /// Looked into or tried, and it did not happen.
    Failed,
    /// Sent, and nobody knows.
    InDoubt,
    /// Never sent.
    NotAttempted,
    /// In a simulation: would have been done.
    WouldEnforce,
}

/// The one report on an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The asset's id.
    pub asset: String,
    /// What happened.
    pub verdict: Verdict,
    /// One of the manifest's outcome codes.
    pub code: &'static str,
    /// For a person.
    pub message: String,
    /// A JSON object.
    pub evidence: Option<String>,
}

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every asset was worked on.
    Complete,
    /// Going on could not help; the sentence says why and what to do.
    Stopped(String),
}

/// Whether to do it, or to do everything but that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Do it.
    Enforce,
    /// Sign in and look up only.
    Simulate,
}

/// One thing that a check found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// kebab-case, stable.
    pub code: &'static str,
    /// One sentence for a person.
    pub message: String,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It works.
    Good,
    /// It can work, but somebody should know.
    Warning,
    /// It cannot work until this is mended.
    Bad,
}

/// The importance of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For authors.
    Debug,
    /// For operators.
    Info,
    /// Something is not as it should be.
    Warn,
}
