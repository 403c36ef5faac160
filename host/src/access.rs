//! What a connection becomes for one action: addresses, a grant, a client, its secrets, all checked before anything is
//! sent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tipstaff_egress::{
    Addresses, Client, ClientOptions, DeclarationFaults, Grant, LaneLimits, Limits, Mode, Origin,
    OriginError, Password, Proxy, Quota as LaneQuota, Roster, SecretError, Session, SessionParts,
    Tls, TlsError, Urgency, Witness, danger,
};
use tipstaff_sandbox::{ConnectionView, Finding, Level, Manifest};

use crate::connection::{
    CertificateError, Cloud, Connection, Misfit, OneTimeCodes, Quota, SourceError, Standing, Vault,
};
use crate::host::Host;

/// Why a connection does not do for an action.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// It leads to another kind of service.
    #[error("connection `{connection}` is for `{has}`, and the action works with `{wants}`")]
    WrongAdapter {
        /// The connection.
        connection: String,
        /// Its adapter.
        has: String,
        /// The action's.
        wants: String,
    },
    /// A field that its adapter does not have, or has as a secret.
    #[error("connection `{connection}`: `{field}` is no such field of its adapter")]
    Misplaced {
        /// The connection.
        connection: String,
        /// The field.
        field: String,
    },
    /// Its fields do not add up to one way of signing in.
    #[error("connection `{connection}`: {source}")]
    Misfit {
        /// The connection.
        connection: String,
        /// Why not.
        source: Misfit,
    },
    /// Its fields are not what the action needs.
    #[error("connection `{connection}` does not have what the action needs: {reason}")]
    Fields {
        /// The connection.
        connection: String,
        /// By the manifest's schema.
        reason: String,
    },
    /// A secret is not where it should be.
    #[error("connection `{connection}`: `{field}`: {source}")]
    Secret {
        /// The connection.
        connection: String,
        /// The field.
        field: String,
        /// What is missing.
        source: SourceError,
    },
    /// The certificate cannot be used.
    #[error("connection `{connection}`: `certificate`: {source}")]
    Certificate {
        /// The connection.
        connection: String,
        /// Why not.
        source: CertificateError,
    },
    /// The cloud has no address for a service of the action.
    #[error("connection `{connection}`: there is no address for `{endpoint}` in its cloud")]
    NoAddress {
        /// The connection.
        connection: String,
        /// The action's name for the service.
        endpoint: String,
    },
    /// An address that is none.
    #[error("connection `{connection}`: address `{address}`: {source}")]
    Address {
        /// The connection.
        connection: String,
        /// What stands there.
        address: String,
        /// Why it is none.
        source: OriginError,
    },
    /// The authorities that it names cannot be trusted.
    #[error("connection `{connection}`: `ca_file`{}: {reason}", path.as_ref().map(|p| format!(" `{}`", p.display())).unwrap_or_default())]
    Authorities {
        /// The connection.
        connection: String,
        /// The file.
        path: Option<PathBuf>,
        /// Why not.
        reason: String,
    },
    /// The manifest and the connection do not fit.
    #[error("the action's calls cannot be granted on connection `{connection}`: {source}")]
    Grant {
        /// The connection.
        connection: String,
        /// Everything that is wrong.
        source: DeclarationFaults,
    },
}

impl AccessError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Secret {
                source: SourceError::NoVariable(name),
                ..
            } => Some(format!("set it where tipstaff starts: `export {name}=…`")),
            Self::Secret { field, .. } => Some(format!(
                "check where `{field}` is said to be; nothing was read from it and nothing was sent"
            )),
            Self::NoAddress { endpoint, .. } => Some(format!(
                "add it: `cloud = {{ {endpoint} = \"https://…\" }}`, with all endpoints"
            )),
            Self::Misfit { source, .. } => Some(source.hint.to_owned()),
            Self::Certificate { source, .. } => Some(source.hint().to_owned()),
            Self::Fields { .. } => Some("`tipstaff actions inspect` shows the fields".to_owned()),
            Self::Authorities { .. } => {
                Some("it has to hold certificates in PEM format".to_owned())
            }
            _ => None,
        }
    }
}

/// A connection that does for an action.
pub(crate) struct Access {
    pub(crate) connection: Arc<Connection>,
    pub(crate) view: Arc<ConnectionView>,
    grant: Arc<Grant>,
    client: Arc<Client>,
    lane_limits: LaneLimits,
}

impl Access {
    /// Checks everything that can be checked without a request, and reads no secret.
    pub(crate) fn new(
        connection: Arc<Connection>,
        manifest: &Manifest,
    ) -> Result<Self, AccessError> {
        let name = || connection.name().to_owned();
        if connection.adapter() != manifest.adapter {
            return Err(AccessError::WrongAdapter {
                connection: name(),
                has: connection.adapter().to_owned(),
                wants: manifest.adapter.clone(),
            });
        }
        if let Some(field) = connection.misplaced() {
            return Err(AccessError::Misplaced {
                connection: name(),
                field: field.to_owned(),
            });
        }
        connection.fits().map_err(|source| AccessError::Misfit {
            connection: name(),
            source,
        })?;
        check_fields(&connection, manifest)?;
        if let Some(certificate) = connection.which_certificate() {
            let unusable = |source| AccessError::Certificate {
                connection: name(),
                source,
            };
            certificate.is_there().map_err(unusable)?;
        }
        for (field, source) in connection.secrets() {
            source.is_there().map_err(|source| AccessError::Secret {
                connection: name(),
                field: field.to_owned(),
                source,
            })?;
        }
        let origins = origins(&connection, manifest)?;
        let fields: BTreeMap<String, String> = connection
            .fields()
            .map(|(field, value)| (field.to_owned(), value.to_owned()))
            .collect();
        let endpoints = origins
            .iter()
            .map(|(name, origin)| (name.clone(), origin.to_string()))
            .collect();
        let view = ConnectionView {
            name: name(),
            fields: fields.clone(),
            endpoints,
        };
        let grant =
            Grant::new(&manifest.network, &Addresses { origins, fields }).map_err(|source| {
                AccessError::Grant {
                    connection: name(),
                    source,
                }
            })?;
        let client = client(&connection)?;
        let lane_limits = match (connection.which_quota(), connection.which_cloud()) {
            (Quota::Published, _) | (Quota::ByCloud, Cloud::Named(_)) => LaneLimits::Published,
            (Quota::Unlimited, _) | (Quota::ByCloud, Cloud::Own(_)) => LaneLimits::Unlimited,
            (Quota::Set(lanes), _) => LaneLimits::Set(
                lanes
                    .iter()
                    .map(|(lane, (units, window))| {
                        (
                            lane.clone(),
                            LaneQuota {
                                units: *units,
                                window: *window,
                            },
                        )
                    })
                    .collect(),
            ),
        };
        Ok(Self {
            connection: Arc::clone(&connection),
            view: Arc::new(view),
            grant: Arc::new(grant),
            client: Arc::new(client),
            lane_limits,
        })
    }

    /// Opens a way to the network for one run.
    pub(crate) fn session(
        &self,
        host: &Host,
        (mode, urgency): (Mode, Urgency),
        roster: Arc<Roster>,
        witness: Arc<dyn Witness>,
    ) -> Arc<Session> {
        let lanes = host.inner.lanes.open(
            &self.connection.account(),
            self.grant.lanes(),
            &self.lane_limits,
            urgency,
        );
        Arc::new(Session::new(SessionParts {
            grant: Arc::clone(&self.grant),
            mode,
            roster,
            client: Arc::clone(&self.client),
            lanes,
            secrets: Arc::new(Vault::new(
                Arc::clone(&self.connection),
                OneTimeCodes::new(host.inner.state.one_time_codes()),
            )),
            witness,
            limits: Limits::default(),
        }))
    }

    /// What somebody should know before a run, and is no error.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let network = self.connection.how_to_connect();
        let mut warnings = Vec::new();
        if !network.verify_ssl {
            warnings.push(format!(
                "connection `{}` does not verify who answers (`verify_ssl = false`): whoever stands between can read its \
                 credentials; `ca_file` is the safe way to trust a private authority",
                self.connection.name()
            ));
        }
        let certificate = self.connection.which_certificate();
        let standing = certificate.and_then(|one| one.standing(Timestamp::now()));
        if let Some(standing) = standing.filter(|one| !matches!(one, Standing::Good(_))) {
            warnings.push(format!(
                "connection `{}`: {standing}",
                self.connection.name()
            ));
        }
        warnings
    }

    /// What a check finds out of the host's own knowledge: the certificate, which no action sees.
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        let Some(certificate) = self.connection.which_certificate() else {
            return Vec::new();
        };
        let finding = |level, code: &str, message| Finding {
            level,
            code: code.to_owned(),
            message,
        };
        vec![match certificate.examine(Timestamp::now()).await {
            Ok(standing) => {
                let (level, code) = match standing {
                    Standing::Good(_) => (Level::Good, "certificate-good"),
                    Standing::EndsSoon(..) => (Level::Warning, "certificate-ends"),
                    Standing::Ended(_) | Standing::Early(_) => (Level::Bad, "certificate-not-good"),
                };
                finding(level, code, standing.to_string())
            }
            Err(error) => finding(
                Level::Bad,
                "certificate-unusable",
                format!(
                    "The certificate cannot be used: {error}. {}.",
                    capital(error.hint())
                ),
            ),
        }]
    }

    /// What a plan says of the connection: no secrets, and where each is.
    pub(crate) fn describe(&self) -> Value {
        let connection = &self.connection;
        let network = connection.how_to_connect();
        serde_json::json!({
            "name": connection.name(),
            "adapter": connection.adapter(),
            "fields": connection.fields().collect::<BTreeMap<_, _>>(),
            "secrets": connection.places(),
            "endpoints": self.view.endpoints,
            "verify_ssl": network.verify_ssl,
            "pins": network.pins.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "proxy": connection.which_proxy().map(|proxy| proxy.address.to_string()),
        })
    }
}

/// A hint as a sentence of its own, without its full stop.
fn capital(hint: &str) -> String {
    let mut letters = hint.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// Holds the fields against the manifest's schema. Secrets are there or not; their values are nobody's business here.
fn check_fields(connection: &Connection, manifest: &Manifest) -> Result<(), AccessError> {
    let known = manifest
        .connection_schema
        .get("properties")
        .and_then(Value::as_object);
    let typed =
        |field: &str, value: &str| match known.and_then(|k| k.get(field)?.get("type")?.as_str()) {
            Some("boolean") => Value::Bool(value == "true"),
            _ => Value::String(value.to_owned()),
        };
    let open = connection
        .fields()
        .map(|(field, value)| (field.to_owned(), typed(field, value)));
    let secret = connection
        .places()
        .into_keys()
        .map(|field| (field.to_owned(), Value::String("(secret)".to_owned())));
    let object: Map<String, Value> = open
        .chain(secret)
        .filter(|(field, _)| known.is_none_or(|known| known.contains_key(field)))
        .collect();
    crate::schema::check(&manifest.connection_schema, &Value::Object(object)).map_err(|reason| {
        AccessError::Fields {
            connection: connection.name().to_owned(),
            reason,
        }
    })
}

fn origins(
    connection: &Connection,
    manifest: &Manifest,
) -> Result<BTreeMap<String, Origin>, AccessError> {
    let mut origins = BTreeMap::new();
    for endpoint in &manifest.network.endpoints {
        let address = match connection.which_cloud() {
            Cloud::Own(addresses) => addresses.get(&endpoint.name).map(String::as_str),
            Cloud::Named(cloud) => endpoint
                .addresses
                .iter()
                .find(|(name, _)| name == cloud)
                .map(|(_, address)| address.as_str()),
        };
        let address = address.ok_or_else(|| AccessError::NoAddress {
            connection: connection.name().to_owned(),
            endpoint: endpoint.name.clone(),
        })?;
        let origin = Origin::parse(address).map_err(|source| AccessError::Address {
            connection: connection.name().to_owned(),
            address: address.to_owned(),
            source,
        })?;
        origins.insert(endpoint.name.clone(), origin);
    }
    Ok(origins)
}

fn client(connection: &Connection) -> Result<Client, AccessError> {
    let network = connection.how_to_connect();
    let failed = |path: Option<&PathBuf>, reason: String| AccessError::Authorities {
        connection: connection.name().to_owned(),
        path: path.cloned(),
        reason,
    };
    let unusable = |path| move |error: TlsError| failed(path, error.to_string());
    let mut tls = Tls::public();
    if let Some(path) = &network.ca_file {
        let pem = std::fs::read(path).map_err(|error| failed(Some(path), error.to_string()))?;
        tls = tls.with_ca_pem(&pem).map_err(unusable(Some(path)))?;
    }
    if let Some(pem) = &network.ca_pem {
        tls = tls.with_ca_pem(pem.as_bytes()).map_err(unusable(None))?;
    }
    if !network.verify_ssl {
        tls = danger::trust_anybody(tls);
    }
    tls = tls.with_pins(network.pins.iter().copied());
    let proxy = connection.which_proxy().map(|proxy| {
        let way = Proxy::new(proxy.address.clone());
        match proxy.account.clone() {
            None => way,
            Some((username, password)) => {
                let read: Password = Arc::new(move || {
                    let password = Arc::clone(&password);
                    Box::pin(async move {
                        password.read().await.map_err(|error| SecretError::Source {
                            field: "proxy_password".to_owned(),
                            reason: error.to_string(),
                        })
                    })
                });
                way.with_account(username, read)
            }
        }
    });
    Client::new(ClientOptions {
        network: network.private.clone(),
        proxy,
        tls,
        ..ClientOptions::default()
    })
    .map_err(unusable(None))
}
