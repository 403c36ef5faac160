//! A running emulator, as whoever starts it holds it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::clock::Moment;
use crate::exchange::Surface;
use crate::faults::Faults;
use crate::journal::{Journal, JournalEntry};
use crate::server::{self, Listener};
use crate::settings::Settings;
use crate::tenant::directory::Record;
use crate::tenant::{Cloud, Tenant, UserType};
use crate::tls::Identity;
use crate::token::grants::Grant;
use crate::token::keys;
use crate::world::World;
use crate::{admin, login};

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// A port cannot be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The journal's file cannot be opened.
    #[error("failed to open the journal `{path}`", path = path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A certificate could not be made.
    #[error("failed to make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate could not be put to use.
    #[error("failed to set up tls")]
    Tls(#[from] rustls::Error),
    /// An application has a certificate that is none, or whose key is not RSA.
    #[error("a certificate of application `{client_id}` cannot be read")]
    UnreadableCertificate {
        /// The application.
        client_id: Uuid,
    },
    /// No key could be made, or nothing signed with it.
    #[error("failed to make or use a signing key")]
    Key,
}

impl EmulatorError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { .. } => Some("pass another port, or 0 for any free one"),
            Self::UnreadableCertificate { .. } => {
                Some("give a certificate in DER form with an RSA key")
            }
            Self::Journal { .. } => Some("name a file in a folder that exists and can be written"),
            Self::Certificate(_) | Self::Tls(_) | Self::Key => None,
        }
    }
}

/// Where and how an emulator listens.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port of the sign-in service, and of Graph unless [`Options::graph_port`] is set. 0 for any free one.
    pub port: u16,
    /// A port for Graph alone. 0 for any free one.
    pub graph_port: Option<u16>,
    /// The port of the admin side. 0 for any free one.
    pub admin_port: u16,
    /// How long every answer takes at least. More than [`Settings::latency_ms`] wins.
    pub latency: Duration,
    /// Everything else that can be changed later too.
    pub settings: Settings,
    /// Where the journal is appended to, one JSON object a line.
    pub journal_file: Option<PathBuf>,
    /// Clouds that get ports of their own, on which this tenant is a stranger unless it lives there.
    pub other_clouds: Vec<Cloud>,
    /// Further names for the certificate.
    pub host_names: Vec<String>,
}

/// What happened to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserState {
    /// The object id.
    pub id: Uuid,
    /// `userPrincipalName`.
    pub user_principal_name: String,
    /// `userType`.
    pub user_type: UserType,
    /// `accountEnabled`.
    pub account_enabled: bool,
    /// How often the sessions were ended.
    pub revocations: u64,
    /// How often a revoke was accepted that did nothing, because the person signs in elsewhere.
    pub without_effect: u64,
    /// Before this, refresh tokens and sessions are void. In milliseconds, where Graph shows whole seconds.
    pub sign_in_sessions_valid_from: Timestamp,
    /// Whether the person was deleted.
    pub deleted: bool,
}

impl UserState {
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            id: record.user.id,
            user_principal_name: record.user.principal_name.to_string(),
            user_type: record.user.user_type,
            account_enabled: record.user.enabled,
            revocations: record.revocations,
            without_effect: record.without_effect,
            sign_in_sessions_valid_from: record.valid_from().timestamp(),
            deleted: record.deleted.is_some(),
        }
    }
}

/// What happened so far.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct State {
    /// Everybody, in the order in which they were added.
    pub users: Vec<UserState>,
    /// Requests that were answered.
    pub requests: u64,
    /// Parts of batches among them.
    pub parts: u64,
    /// Revokes that had an effect.
    pub revocations: u64,
    /// The emulator's time.
    pub now: Timestamp,
}

impl State {
    pub(crate) fn of(world: &World) -> Self {
        let users: Vec<UserState> = world
            .directory()
            .records()
            .iter()
            .map(UserState::of)
            .collect();
        let (requests, parts) = world.journal.counts();
        Self {
            revocations: users.iter().map(|user| user.revocations).sum(),
            users,
            requests,
            parts,
            now: world.clock.now().timestamp(),
        }
    }
}

/// A certificate with its key, for an application that signs in with one.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate, DER: for [`App::certificates`](crate::App::certificates).
    pub der: Vec<u8>,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The RSA key, PKCS #8, PEM.
    pub key_pem: String,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}

impl ClientCertificate {
    /// Makes one with an RSA key of 2048 bits. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn generate(name: &str) -> Result<Self, EmulatorError> {
        let key = keys::new_rsa_key()?;
        let certificate = keys::self_signed(&key, name)?;
        let pem = crate::wire::base64(&key);
        let lines: Vec<&str> = pem
            .as_bytes()
            .chunks(64)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        Ok(Self {
            der: certificate.der().to_vec(),
            certificate_pem: certificate.pem(),
            key_pem: format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                lines.join("\n")
            ),
        })
    }
}

/// A running emulator. It stops when it is dropped, or in good order with [`Emulator::shutdown`].
pub struct Emulator {
    world: Arc<World>,
    login_url: String,
    graph_url: String,
    admin_url: String,
    cloud_urls: Vec<(Cloud, String)>,
    ca_pem: String,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Emulator {
    /// Starts an emulator of `tenant` on loopback.
    ///
    /// # Errors
    ///
    /// When a port is taken, the journal cannot be opened, or no certificate can be made.
    pub async fn start(tenant: Tenant, options: Options) -> Result<Self, EmulatorError> {
        if let Some(client_id) = World::unreadable_certificate(&tenant) {
            return Err(EmulatorError::UnreadableCertificate { client_id });
        }
        let mut names: Vec<String> = Cloud::HOST_NAMES.iter().map(ToString::to_string).collect();
        names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
        names.extend(options.host_names);
        let identity = Identity::new(names)?;
        let journal = match options.journal_file {
            None => Journal::new(None),
            Some(path) => {
                let file = std::fs::OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&path);
                Journal::new(Some(
                    file.map_err(|source| EmulatorError::Journal { path, source })?,
                ))
            }
        };
        let mut settings = options.settings;
        settings.latency_ms = settings
            .latency_ms
            .max(u64::try_from(options.latency.as_millis()).unwrap_or(u64::MAX));
        let home = tenant.cloud;
        let world = Arc::new(World::new(tenant, settings, journal));
        let (stop, stopped) = watch::channel(false);
        let tls = TlsAcceptor::from(identity.config);
        let mut tasks = Vec::new();
        let mut listen =
            async |port: u16, surface: Surface, cloud: Cloud| -> Result<String, EmulatorError> {
                let (sockets, port) = bind(port).await?;
                for socket in sockets {
                    let listener = Listener {
                        socket,
                        surface,
                        cloud,
                    };
                    tasks.push(tokio::spawn(server::run(
                        Arc::clone(&world),
                        listener,
                        tls.clone(),
                        stopped.clone(),
                    )));
                }
                Ok(format!("https://localhost:{port}"))
            };
        let (login_url, graph_url) = match options.graph_port {
            None => {
                let url = listen(options.port, Surface::Both, home).await?;
                (url.clone(), url)
            }
            Some(graph_port) => (
                listen(options.port, Surface::Login, home).await?,
                listen(graph_port, Surface::Graph, home).await?,
            ),
        };
        let mut cloud_urls = vec![(home, graph_url.clone())];
        for cloud in options.other_clouds {
            cloud_urls.push((cloud, listen(0, Surface::Both, cloud).await?));
        }
        let (admin, admin_port) =
            bind_one(SocketAddr::from((Ipv4Addr::LOCALHOST, options.admin_port))).await?;
        tasks.push(tokio::spawn(admin::run(
            Arc::clone(&world),
            admin,
            stopped.clone(),
        )));
        // The key is made beside everything else; whoever needs it first waits for it.
        tasks.push(tokio::spawn(login::warm_up()));
        Ok(Self {
            world,
            login_url,
            graph_url,
            admin_url: format!("http://127.0.0.1:{admin_port}"),
            cloud_urls,
            ca_pem: identity.ca_pem,
            stop,
            tasks,
        })
    }

    /// `https://localhost:PORT` of the sign-in service.
    #[must_use]
    pub fn login_url(&self) -> &str {
        &self.login_url
    }

    /// `https://localhost:PORT` of Graph.
    #[must_use]
    pub fn graph_url(&self) -> &str {
        &self.graph_url
    }

    /// `http://127.0.0.1:PORT` of the admin side.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The address of a cloud of [`Options::other_clouds`], or of the tenant's own.
    #[must_use]
    pub fn cloud_url(&self, cloud: Cloud) -> Option<&str> {
        self.cloud_urls
            .iter()
            .find(|(known, _)| *known == cloud)
            .map(|(_, url)| url.as_str())
    }

    /// The certificate authority, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The tenant's id.
    #[must_use]
    pub fn tenant_id(&self) -> String {
        self.world.tenant.id.to_string()
    }

    /// The id of the first application.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.world
            .tenant
            .apps
            .first()
            .map(|app| app.client_id.to_string())
            .unwrap_or_default()
    }

    /// The first secret of the first application; empty where it has none.
    #[must_use]
    pub fn client_secret(&self) -> String {
        let app = self.world.tenant.apps.first();
        app.and_then(|app| app.secrets.first())
            .map(|secret| secret.value.expose().to_owned())
            .unwrap_or_default()
    }

    /// What happened to everybody.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(&self.world)
    }

    /// What happened to one person, by object id or principal name.
    #[must_use]
    pub fn user(&self, key: &str) -> Option<UserState> {
        let directory = self.world.directory();
        directory
            .index_of(key)
            .and_then(|index| directory.get(index))
            .map(UserState::of)
    }

    /// Adds a person, or replaces the one with the same object id.
    pub fn put_user(&self, user: crate::User) {
        let now = self.world.clock.now();
        self.world.directory_mut().put(user, now);
    }

    /// Deletes a person, by object id or principal name. False if there is none.
    pub fn delete_user(&self, key: &str) -> bool {
        let now = self.world.clock.now();
        let mut directory = self.world.directory_mut();
        directory
            .index_of(key)
            .is_some_and(|index| directory.delete(index, now))
    }

    /// How many people there are.
    #[must_use]
    pub fn living_users(&self) -> usize {
        self.world.directory().living()
    }

    /// The requests so far; the latest 20,000.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.world.journal.entries()
    }

    /// The faults to inject.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.world.faults
    }

    /// Sets how long every answer takes at least.
    pub fn set_latency(&self, latency: Duration) {
        self.change(|settings| {
            settings.latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
        });
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.world.settings().clone()
    }

    /// Changes settings: `emulator.change(|settings| settings.replication_delay_ms = 500)`.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        self.world.set_settings(settings);
    }

    /// Changes an application. False if there is none of this id.
    pub fn change_app(&self, client_id: Uuid, change: impl FnOnce(&mut crate::App)) -> bool {
        let mut apps = self.world.apps_mut();
        apps.iter_mut()
            .find(|app| app.client_id == client_id)
            .map(change)
            .is_some()
    }

    /// The emulator's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world.clock.now().timestamp()
    }

    /// Sets the emulator's clock, which goes on from there.
    pub fn set_clock(&self, at: Timestamp) {
        self.world.clock.set(Moment::from(at));
    }

    /// Moves the emulator's clock forward.
    pub fn advance_clock(&self, by: Duration) {
        self.world
            .clock
            .advance(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    }

    /// Stops the emulator's clock, so that it moves only when it is moved.
    pub fn stop_clock(&self) {
        self.world.clock.stop();
    }

    /// From now on tokens of this person or application are challenged, until one is asked for with the claims of the
    /// challenge. Takes an object id, a principal name or a client id. False if there is none.
    pub fn challenge(&self, who: &str) -> bool {
        admin::flag(&self.world, who)
    }

    /// Signs a person in to the first application as if by hand, and gives the refresh token. `None` if there is no such
    /// person.
    #[must_use]
    pub fn issue_refresh_token(&self, user: &str) -> Option<String> {
        issue_refresh_token(&self.world, user)
    }

    /// Puts everything back to how it was at the start.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// Stops listening and ends all connections.
    pub async fn shutdown(mut self) {
        // Nobody listens where all tasks have ended already.
        let _ = self.stop.send(true);
        for task in std::mem::take(&mut self.tasks) {
            // A task that panicked has ended, too.
            let _ = task.await;
        }
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator")
            .field("login_url", &self.login_url)
            .field("graph_url", &self.graph_url)
            .field("admin_url", &self.admin_url)
            .finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// See [`Emulator::issue_refresh_token`].
pub(crate) fn issue_refresh_token(world: &World, user: &str) -> Option<String> {
    let app = world.apps().first().cloned()?;
    let now = world.clock.now();
    let grant = {
        let directory = world.directory();
        let record = directory
            .find(user, now)
            .and_then(|index| directory.get(index))?;
        Grant {
            user: record.user.id,
            client: app.client_id,
            scopes: app.scopes,
            since: now,
            change: directory.changes(),
            with_second_factor: true,
        }
    };
    Some(world.grants().issue_refresh_token(grant))
}

/// Listens on both loopback addresses, on the same port; on one where the machine has only one.
async fn bind(port: u16) -> Result<(Vec<TcpListener>, u16), EmulatorError> {
    let (first, port) = bind_one(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let mut sockets = vec![first];
    if let Ok((second, _)) = bind_one(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
        sockets.push(second);
    }
    Ok((sockets, port))
}

async fn bind_one(address: SocketAddr) -> Result<(TcpListener, u16), EmulatorError> {
    let failed = |source| EmulatorError::Listen { address, source };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let port = socket.local_addr().map_err(failed)?.port();
    Ok((socket, port))
}
