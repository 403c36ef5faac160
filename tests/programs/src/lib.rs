//! What the programs for tests share: the contract's bindings, and an action that behaves, of which each program changes
//! one thing.
//!
//! The lints of the workspace are not for these: a program that misbehaves on purpose has to panic.

#![allow(
    missing_docs,
    reason = "each program says in its first line what it does"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "action",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "export_action",
    default_bindings_module: "tipstaff_programs",
});

pub use exports::tipstaff::action::enforcement::{
    Asset, Connection, Ending, Finding, Guest, Manifest, Mode, Outcome,
};
pub use futures;
pub use tipstaff::action::manifest as m;
pub use tipstaff::action::types::{Level, Verdict};
pub use tipstaff::action::{logging, pacing, subjects};
pub use wasi::clocks::monotonic_clock;
pub use wasi::http::types::{ErrorCode, Headers, Method};
pub use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter, spawn_local};

use wasi::http::client;
use wasi::http::types::{Request, Response, Scheme};

/// A manifest that declares little: read and change a user at the endpoint `graph`, with a token got at `login`.
pub fn manifest() -> Manifest {
    let single = |effect, subject| m::Shape::Single(m::Single { effect, subject });
    let subject = || {
        Some(m::Subject {
            named_in: m::Naming::Segment,
            fields: vec!["id".into(), "username".into()],
            learns: vec![m::Learnt {
                json_member: "id".into(),
                echoes: "userPrincipalName".into(),
            }],
        })
    };
    let bearer = || {
        vec![m::Carried {
            what: m::Held::Sealed("token".into()),
            place: m::Place::Bearer,
        }]
    };
    let call = |id: &str, method: &str, url: &str, shape| m::Call {
        id: id.into(),
        method: method.into(),
        url: url.into(),
        query: vec![],
        request_headers: vec![],
        answer_headers: vec![],
        purpose: "testing".into(),
        shape,
        repeatable: true,
        carries: vec![],
        seals: vec![],
        costs: vec![],
        cookie_jar: None,
    };
    let field = |path: &str| m::AssetField {
        path: path.into(),
        required: false,
        purpose: "testing".into(),
    };
    let code = |code: &str| m::OutcomeCode {
        code: code.into(),
        meaning: "as it says".into(),
    };
    Manifest {
        name: "program".into(),
        title: "A program for tests".into(),
        summary: "Does one thing.".into(),
        version: "1.0.0".into(),
        adapter: "azure_ad_adapter".into(),
        asset_kinds: vec!["user".into()],
        asset_fields: vec![field("id"), field("username")],
        settings_schema: r#"{"type":"object","properties":{"target":{"type":"string"}}}"#.into(),
        connection_schema: r#"{"type":"object","properties":{"client_id":{"type":"string"},"tenant_id":{"type":"string"},"client_secret":{"type":"string","writeOnly":true}}}"#.into(),
        endpoints: ["login", "graph"]
            .map(|name| m::Endpoint { name: name.into(), addresses: vec![("global".into(), format!("https://{name}.example"))] })
            .into(),
        calls: vec![
            m::Call {
                carries: vec![m::Carried { what: m::Held::Secret("client_secret".into()), place: m::Place::FormField("client_secret".into()) }],
                seals: vec![m::Sealed { name: "token".into(), found_in: m::FindingPlace::JsonMember("access_token".into()) }],
                ..call("token", "POST", "{login}/{field:tenant_id}/oauth2/v2.0/token", single(m::Effect::SignsIn, None))
            },
            m::Call {
                carries: bearer(),
                query: vec!["$select".into()],
                ..call("look-up", "GET", "{graph}/v1.0/users/*", single(m::Effect::Reads, subject()))
            },
            m::Call {
                carries: bearer(),
                ..call("revoke", "POST", "{graph}/v1.0/users/*/revokeSignInSessions", single(m::Effect::Changes, subject()))
            },
            m::Call {
                carries: bearer(),
                ..call("batch", "POST", "{graph}/v1.0/$batch", m::Shape::Envelope(m::Envelope {
                    format: m::EnvelopeFormat::OdataJsonBatch,
                    base: "{graph}/v1.0".into(),
                    max_parts: 20,
                    calls: vec!["look-up".into(), "revoke".into()],
                }))
            },
        ],
        lanes: vec![],
        outcome_codes: vec![code("done"), code("not-done")],
    }
}

/// An answer as far as programs care.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Sends a request to `origin` (`https://host:port`) and gives the answer.
pub async fn send(
    method: Method,
    origin: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, ErrorCode> {
    let fields = Headers::new();
    for (name, value) in headers {
        fields
            .append(name, value.as_bytes())
            .map_err(|_| ErrorCode::HttpProtocolError)?;
    }
    let (mut tx, rx) = wit_stream::new();
    let (trailers_tx, trailers) = wit_future::new(|| Ok(None));
    drop(trailers_tx);
    let contents = (!body.is_empty()).then_some(rx);
    let (request, _sent) = Request::new(fields, contents, trailers, None);
    let authority = origin.trim_start_matches("https://");
    let scheme = if origin.starts_with("http://") {
        Scheme::Http
    } else {
        Scheme::Https
    };
    request
        .set_method(&method)
        .map_err(|()| ErrorCode::HttpRequestMethodInvalid)?;
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    request
        .set_authority(Some(authority.trim_start_matches("http://")))
        .map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    request
        .set_path_with_query(Some(path))
        .map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let body = body.as_bytes().to_vec();
    let (answer, ()) = futures::join!(client::send(request), async move {
        tx.write_all(body).await;
    });
    let answer = answer?;
    let status = answer.get_status_code();
    let (done_tx, done) = wit_future::new(|| Ok(()));
    drop(done_tx);
    let (body, _trailers) = Response::consume_body(answer, done);
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body.collect().await).into_owned(),
    })
}

/// Signs in as a client should, and gives the token's stand-in.
pub async fn sign_in(connection: &Connection) -> Result<String, String> {
    let field = |name: &str| connection.field(name).unwrap_or_default();
    let graph = connection.endpoint("graph").unwrap_or_default();
    let form = format!(
        "client_id={}&scope={}%2F.default&client_secret={}&grant_type=client_credentials",
        field("client_id"),
        graph.replace(':', "%3A").replace('/', "%2F"),
        connection.secret("client_secret").unwrap_or_default()
    );
    let answer = send(
        Method::Post,
        &connection.endpoint("login").unwrap_or_default(),
        &format!("/{}/oauth2/v2.0/token", field("tenant_id")),
        &[("content-type", "application/x-www-form-urlencoded")],
        &form,
    )
    .await
    .map_err(|error| format!("{error:?}"))?;
    member(&answer.body, "access_token").ok_or(answer.body)
}

/// The text of a member of a JSON object: enough for answers that the tests' own emulator gives.
pub fn member(json: &str, name: &str) -> Option<String> {
    let rest = json.split_once(&format!("\"{name}\":\""))?.1;
    Some(rest.split_once('"')?.0.to_owned())
}

/// What a run was given, and the stand-in of a token.
pub struct Job {
    pub mode: Mode,
    pub settings: String,
    pub connection: Connection,
    pub token: String,
}

impl Job {
    /// Signs in.
    pub async fn begin(mode: Mode, settings: String, connection: Connection) -> Self {
        let token = sign_in(&connection).await.unwrap_or_default();
        Self {
            mode,
            settings,
            connection,
            token,
        }
    }

    /// Whom or what the test tells the program to reach for.
    pub fn target(&self) -> String {
        member(&self.settings, "target").unwrap_or_default()
    }

    /// The stand-in of the client's secret.
    pub fn secret(&self) -> String {
        self.connection.secret("client_secret").unwrap_or_default()
    }

    /// Asks Graph something, with the token.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, ErrorCode> {
        let graph = self.connection.endpoint("graph").unwrap_or_default();
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        send(method, &graph, path, &all, body).await
    }

    /// Revokes the sessions of the user named by `name`.
    pub async fn revoke(&self, name: &str) -> Result<Answer, ErrorCode> {
        let path = format!("/v1.0/users/{name}/revokeSignInSessions");
        self.ask(Method::Post, &path, &[], "").await
    }

    /// Sends a batch of these methods and addresses.
    pub async fn batch(&self, parts: &[(&str, &str)]) -> Result<Answer, ErrorCode> {
        let parts: Vec<String> = parts
            .iter()
            .zip(1..)
            .map(|((method, url), id)| {
                format!(r#"{{"id":"{id}","method":"{method}","url":"{url}"}}"#)
            })
            .collect();
        let body = format!(r#"{{"requests":[{}]}}"#, parts.join(","));
        let json = [("content-type", "application/json")];
        self.ask(Method::Post, "/v1.0/$batch", &json, &body).await
    }
}

/// The outcome of an attempt that should not have come through: its message says what came of it.
pub fn tried(asset: &Asset, result: Result<Answer, ErrorCode>) -> Vec<Outcome> {
    let message = match result {
        Ok(answer) => format!("It came through, with status {}.", answer.status),
        Err(error) => format!("It did not come through: {error:?}."),
    };
    vec![outcome(&asset.id, Verdict::Failed, "not-done", &message)]
}

/// Does the work, and reports what came of it.
pub async fn act_well(job: &Job, asset: &Asset) -> Vec<Outcome> {
    let (verdict, code, message) = match job.mode {
        Mode::Simulate => (Verdict::WouldEnforce, "done", "It would be done.".into()),
        Mode::Enforce => match job.revoke(&object_id(asset)).await {
            Ok(Answer { status: 200, .. }) => (Verdict::Succeeded, "done", "It is done.".into()),
            Ok(Answer { status, .. }) => (Verdict::Failed, "not-done", format!("Status {status}.")),
            Err(error) => (Verdict::NotAttempted, "not-done", format!("{error:?}")),
        },
    };
    vec![outcome(&asset.id, verdict, code, &message)]
}

/// The object id in an asset's first identity.
pub fn object_id(asset: &Asset) -> String {
    asset
        .identities
        .first()
        .and_then(|identity| member(identity, "id"))
        .unwrap_or_default()
}

pub fn outcome(asset: &str, verdict: Verdict, code: &str, message: &str) -> Outcome {
    Outcome {
        asset: asset.into(),
        verdict,
        code: code.into(),
        message: message.into(),
        evidence: None,
    }
}

/// What a program is. Everything has a default that behaves; a program replaces what it does wrong.
pub trait Program: 'static {
    fn describe() -> Manifest {
        manifest()
    }

    fn check(_: Connection) -> impl Future<Output = Vec<Finding>> {
        async { vec![] }
    }

    /// The outcomes of one asset: there should be one.
    fn act(job: &Job, asset: &Asset) -> impl Future<Output = Vec<Outcome>> {
        act_well(job, asset)
    }

    /// The whole run.
    fn run(
        job: Job,
        mut assets: StreamReader<Asset>,
        outcomes: &mut StreamWriter<Outcome>,
    ) -> impl Future<Output = Ending> {
        async move {
            loop {
                let (status, group) = assets.read(Vec::with_capacity(16)).await;
                for asset in &group {
                    let reports = Self::act(&job, asset).await;
                    outcomes.write_all(reports).await;
                }
                if matches!(status, StreamResult::Dropped) {
                    return Ending::Complete;
                }
            }
        }
    }
}

/// Makes the component of a [`Program`].
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Program> Guest for Component<P> {
    fn describe() -> Manifest {
        P::describe()
    }

    async fn check(connection: Connection) -> Vec<Finding> {
        P::check(connection).await
    }

    async fn run(
        mode: Mode,
        settings: String,
        connection: Connection,
        assets: StreamReader<Asset>,
    ) -> (StreamReader<Outcome>, FutureReader<Ending>) {
        let (mut tx, rx) = wit_stream::new();
        let (ending_tx, ending_rx) = wit_future::new(|| Ending::Stopped("it vanished".into()));
        spawn_local(async move {
            let job = Job::begin(mode, settings, connection).await;
            let ending = P::run(job, assets, &mut tx).await;
            let _ = ending_tx.write(ending).await;
            drop(tx);
        });
        (rx, ending_rx)
    }
}

/// `program!(Name);` makes this crate's component of the type `Name`.
#[macro_export]
macro_rules! program {
    ($name:ident) => {
        type ThisComponent = $crate::Component<$name>;
        $crate::export_action!(ThisComponent with_types_in $crate);
    };
}
