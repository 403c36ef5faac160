//! `tipstaff:action@0.1.0`: bindings, conversions, and what stands behind the imports.

use std::time::Duration;

use tipstaff_egress::declare;
use wasmtime::Result;
use wasmtime::component::{Accessor, HasData, Resource};

use crate::manifest::{AssetField, ManifestParts, OutcomeCode};
use crate::outcome::{Report, Verdict};
use crate::run::{Finding, HandOver, Level};
use crate::store::State;

mod generated {
    #![allow(unreachable_pub, clippy::all, reason = "made from wit/")]

    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "action",
        imports: { default: async | trappable },
        exports: { default: async | store },
        with: {
            "wasi:http": wasmtime_wasi_http::p3::bindings::http,
            "wasi:clocks": wasmtime_wasi::p3::bindings::clocks,
            "wasi:random": wasmtime_wasi::p3::bindings::random,
            "tipstaff:action/credentials.connection": super::Connection,
        },
    });
}

pub(crate) use generated::ActionPre;
pub(crate) use generated::exports::tipstaff::action::enforcement::Mode as WitMode;
use generated::tipstaff::action as wit;
pub(crate) use wit::types::{Asset, Ending, Outcome};

/// What stands behind the guest's `connection`: the store's state, of which there is one a run.
#[expect(unreachable_pub, reason = "the bindings export it again")]
pub struct Connection;

struct Ours;

impl HasData for Ours {
    type Data<'a> = &'a mut State;
}

/// Puts the contract's own imports behind a linker.
pub(crate) fn add_to_linker(linker: &mut wasmtime::component::Linker<State>) -> Result<()> {
    wit::credentials::add_to_linker::<_, Ours>(linker, |state| state)?;
    wit::subjects::add_to_linker::<_, Ours>(linker, |state| state)?;
    wit::pacing::add_to_linker::<_, Ours>(linker, |state| state)?;
    wit::logging::add_to_linker::<_, Ours>(linker, |state| state)
}

impl wit::credentials::Host for State {}

impl wit::credentials::HostConnection for State {
    async fn name(&mut self, connection: Resource<Connection>) -> Result<String> {
        self.table.get(&connection)?;
        Ok(self
            .behind
            .connection()
            .map(|c| c.name.clone())
            .unwrap_or_default())
    }

    async fn field(
        &mut self,
        connection: Resource<Connection>,
        name: String,
    ) -> Result<Option<String>> {
        self.table.get(&connection)?;
        Ok(self
            .behind
            .connection()
            .and_then(|c| c.fields.get(&name).cloned()))
    }

    async fn endpoint(
        &mut self,
        connection: Resource<Connection>,
        name: String,
    ) -> Result<Option<String>> {
        self.table.get(&connection)?;
        Ok(self
            .behind
            .connection()
            .and_then(|c| c.endpoints.get(&name).cloned()))
    }

    async fn secret(
        &mut self,
        connection: Resource<Connection>,
        name: String,
    ) -> Result<Option<String>> {
        self.table.get(&connection)?;
        Ok(self
            .behind
            .session()
            .and_then(|session| session.stand_in(&name)))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T> wit::credentials::HostConnectionWithStore<T> for Ours {
    async fn assertion(
        store: &Accessor<T, Self>,
        _: Resource<Connection>,
        call: String,
    ) -> Result<std::result::Result<String, String>> {
        match store.with(|mut access| access.get().behind.session()) {
            Some(session) => Ok(session.assertion(&call).map_err(|error| error.to_string())),
            None => Ok(Err("there is no connection".to_owned())),
        }
    }

    async fn one_time_code(
        store: &Accessor<T, Self>,
        _: Resource<Connection>,
        name: String,
        call: String,
    ) -> Result<std::result::Result<String, String>> {
        match store.with(|mut access| access.get().behind.session()) {
            Some(session) => Ok(session
                .one_time_code(&name, &call)
                .map_err(|error| error.to_string())),
            None => Ok(Err("there is no connection".to_owned())),
        }
    }
}

impl wit::subjects::Host for State {}

impl<T> wit::subjects::HostWithStore<T> for Ours {
    async fn claim(
        store: &Accessor<T, Self>,
        names: Vec<wit::subjects::Named>,
    ) -> Result<Vec<Option<String>>> {
        let behind = store.with(|mut access| access.get().behind.clone());
        behind
            .claim(
                names
                    .into_iter()
                    .map(|named| (named.asset, named.name))
                    .collect(),
            )
            .await
    }
}

impl wit::pacing::Host for State {
    async fn hold(&mut self, lane: String, wait: u64) -> Result<()> {
        if let Some(session) = self.behind.session() {
            session.hold(&lane, Duration::from_nanos(wait));
        }
        Ok(())
    }
}

impl wit::logging::Host for State {
    async fn log(&mut self, level: wit::logging::Level, message: String) -> Result<()> {
        self.behind.log.line(
            match level {
                wit::logging::Level::Trace => tracing::Level::TRACE,
                wit::logging::Level::Debug => tracing::Level::DEBUG,
                wit::logging::Level::Info => tracing::Level::INFO,
                wit::logging::Level::Warn => tracing::Level::WARN,
                wit::logging::Level::Error => tracing::Level::ERROR,
            },
            &message,
        );
        Ok(())
    }
}

impl wit::types::Host for State {}
impl wit::manifest::Host for State {}

impl From<HandOver> for Asset {
    fn from(asset: HandOver) -> Self {
        Self {
            id: asset.id,
            identities: asset.identities,
            settings: asset.settings,
            sent_before: asset.sent_before,
            added_for: asset.added_for,
        }
    }
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        use wit::types::Verdict as Wit;
        Self {
            asset: outcome.asset,
            verdict: match outcome.verdict {
                Wit::Succeeded => Verdict::Succeeded,
                Wit::Skipped => Verdict::Skipped,
                Wit::Failed => Verdict::Failed,
                Wit::InDoubt => Verdict::InDoubt,
                Wit::NotAttempted => Verdict::NotAttempted,
                Wit::WouldEnforce => Verdict::WouldEnforce,
            },
            code: outcome.code,
            message: outcome.message,
            evidence: outcome.evidence,
        }
    }
}

impl From<wit::types::Finding> for Finding {
    fn from(finding: wit::types::Finding) -> Self {
        Self {
            level: match finding.level {
                wit::types::Level::Good => Level::Good,
                wit::types::Level::Warning => Level::Warning,
                wit::types::Level::Bad => Level::Bad,
            },
            code: finding.code,
            message: finding.message,
        }
    }
}

impl From<wit::manifest::Manifest> for ManifestParts {
    fn from(m: wit::manifest::Manifest) -> Self {
        Self {
            name: m.name,
            title: m.title,
            summary: m.summary,
            version: m.version,
            adapter: m.adapter,
            asset_kinds: m.asset_kinds,
            asset_fields: m
                .asset_fields
                .into_iter()
                .map(|f| AssetField {
                    path: f.path,
                    required: f.required,
                    purpose: f.purpose,
                })
                .collect(),
            settings_schema: m.settings_schema,
            connection_schema: m.connection_schema,
            network: declare::Declaration {
                endpoints: m
                    .endpoints
                    .into_iter()
                    .map(|e| declare::Endpoint {
                        name: e.name,
                        addresses: e.addresses,
                    })
                    .collect(),
                calls: m.calls.into_iter().map(call).collect(),
                lanes: m
                    .lanes
                    .into_iter()
                    .map(|l| declare::Lane {
                        id: l.id,
                        units: l.units,
                        window: Duration::from_nanos(l.window),
                        used_header: l.used_header,
                    })
                    .collect(),
            },
            outcome_codes: m
                .outcome_codes
                .into_iter()
                .map(|c| OutcomeCode {
                    code: c.code,
                    meaning: c.meaning,
                })
                .collect(),
        }
    }
}

fn call(c: wit::manifest::Call) -> declare::Call {
    declare::Call {
        id: c.id,
        method: c.method,
        url: c.url,
        query: c.query,
        request_headers: c.request_headers,
        answer_headers: c.answer_headers,
        purpose: c.purpose,
        shape: match c.shape {
            wit::manifest::Shape::Single(single) => declare::Shape::Single {
                effect: match single.effect {
                    wit::manifest::Effect::SignsIn => declare::Effect::SignsIn,
                    wit::manifest::Effect::Reads => declare::Effect::Reads,
                    wit::manifest::Effect::Changes => declare::Effect::Changes,
                },
                subject: single.subject.map(|s| declare::Subject {
                    named_in: match s.named_in {
                        wit::manifest::Naming::Segment => declare::Naming::Segment,
                        wit::manifest::Naming::Filter(template) => {
                            declare::Naming::Filter(template)
                        }
                        wit::manifest::Naming::JsonMember(pointer) => {
                            declare::Naming::JsonMember(pointer)
                        }
                    },
                    fields: s.fields,
                    learns: s
                        .learns
                        .into_iter()
                        .map(|l| declare::Learnt {
                            json_member: l.json_member,
                            echoes: l.echoes,
                        })
                        .collect(),
                }),
            },
            wit::manifest::Shape::Envelope(envelope) => match envelope.format {
                wit::manifest::EnvelopeFormat::OdataJsonBatch => declare::Shape::ODataJsonBatch {
                    base: envelope.base,
                    max_parts: envelope.max_parts,
                    calls: envelope.calls,
                },
            },
        },
        repeatable: c.repeatable,
        carries: c
            .carries
            .into_iter()
            .map(|carried| declare::Carried {
                what: match carried.what {
                    wit::manifest::Held::Secret(field) => declare::Held::Secret(field),
                    wit::manifest::Held::Sealed(name) => declare::Held::Sealed(name),
                    wit::manifest::Held::Assertion => declare::Held::Assertion,
                    wit::manifest::Held::OneTimeCode(field) => declare::Held::OneTimeCode(field),
                },
                place: match carried.place {
                    wit::manifest::Place::Header(name) => declare::Place::Header(name),
                    wit::manifest::Place::Bearer => declare::Place::Bearer,
                    wit::manifest::Place::FormField(name) => declare::Place::FormField(name),
                    wit::manifest::Place::JsonMember(pointer) => {
                        declare::Place::JsonMember(pointer)
                    }
                },
            })
            .collect(),
        seals: c
            .seals
            .into_iter()
            .map(|sealed| declare::Sealed {
                name: sealed.name,
                found_in: match sealed.found_in {
                    wit::manifest::FindingPlace::JsonMember(m) => {
                        declare::FindingPlace::JsonMember(m)
                    }
                    wit::manifest::FindingPlace::Header(h) => declare::FindingPlace::Header(h),
                    wit::manifest::FindingPlace::LocationQuery(q) => {
                        declare::FindingPlace::LocationQuery(q)
                    }
                    wit::manifest::FindingPlace::ScriptVariable((v, m)) => {
                        declare::FindingPlace::ScriptVariable(v, m)
                    }
                },
            })
            .collect(),
        costs: c
            .costs
            .into_iter()
            .map(|cost| declare::Cost {
                lane: cost.lane,
                units: cost.units,
            })
            .collect(),
        cookie_jar: c.cookie_jar,
    }
}
