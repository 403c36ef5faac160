//! The command line: `entra-emulator`, and the same thing as a subcommand elsewhere.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use uuid::Uuid;

use crate::emulator::{Emulator, EmulatorError, Options};
use crate::settings::{Settings, Throttling};
use crate::tenant::seed;
use crate::tenant::{App, Cloud, DEFAULT_TENANT_ID, SeedError, Tenant};

/// The options of the command.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = help())]
pub struct EmulatorArgs {
    /// Port of the sign-in service and of Graph; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    pub port: u16,
    /// A port for Graph alone
    #[arg(long, value_name = "PORT")]
    pub graph_port: Option<u16>,
    /// Port of the admin side; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub admin_port: u16,
    /// So many users, made up, instead of the sample ones
    #[arg(long, value_name = "N", conflicts_with = "seed")]
    pub users: Option<usize>,
    /// Users from a file: JSON Lines, a JSON array, or CSV
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// How long every answer takes at least, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,
    /// Quota of writes, such as 300/15; `published` for Microsoft's, a factor for scaled ones
    #[arg(long, value_name = "WRITES/SECONDS", default_value = "off")]
    pub quota: Throttling,
    /// How long reads lag behind a revoke, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub replication_delay: u64,
    /// The cloud in which the tenant lives
    #[arg(long, value_enum, default_value = "global")]
    pub cloud: Cloud,
    /// Id of the tenant
    #[arg(long, value_name = "GUID", default_value_t = DEFAULT_TENANT_ID)]
    pub tenant_id: Uuid,
    /// Id of the application
    #[arg(long, value_name = "GUID", default_value_t = App::DEFAULT_CLIENT_ID)]
    pub client_id: Uuid,
    /// Secret of the application
    #[arg(
        long,
        value_name = "SECRET",
        env = "EMULATOR_CLIENT_SECRET",
        hide_env_values = true
    )]
    pub client_secret: Option<String>,
    /// Application permissions, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "User.RevokeSessions.All,User.Read.All"
    )]
    pub roles: Vec<String>,
    /// A certificate that the application signs in with, PEM; once for each
    #[arg(long, value_name = "FILE")]
    pub certificate: Vec<PathBuf>,
    /// Where to write the certificate authority, PEM [default: a file in the temporary folder]
    #[arg(long, value_name = "FILE")]
    pub ca_out: Option<PathBuf>,
    /// Where to append the journal, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// One JSON line on standard output when ready, and nothing else
    #[arg(long)]
    pub ready_json: bool,
}

/// A Microsoft Entra tenant on loopback, for tests and demonstrations
#[derive(Debug, Parser)]
#[command(name = "entra-emulator", version)]
struct Whole {
    #[command(flatten)]
    args: EmulatorArgs,
}

fn help() -> String {
    format!(
        "The admin side is plain HTTP on a port of its own, which is printed at the start:\n\n{}\n{}\n\
         docs/emulator.md describes it.",
        crate::admin::ENDPOINTS,
        crate::faults::RULES
    )
}

/// The command as clap knows it, for completions and manual pages.
#[must_use]
pub fn command() -> clap::Command {
    Whole::command()
}

/// Why the command ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] EmulatorError),
    /// The seed cannot be read.
    #[error("failed to read the seed `{path}`", path = path.display())]
    ReadSeed {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The seed is malformed.
    #[error("failed to read the seed `{path}`: {source}", path = path.display())]
    Seed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SeedError,
    },
    /// A certificate cannot be read.
    #[error("failed to read the certificate `{path}`: {why}", path = path.display())]
    ReadCertificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The certificate authority cannot be written.
    #[error("failed to write the certificate authority to `{path}`: {source}", path = path.display())]
    WriteCa {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Standard output is closed, or signals cannot be waited for.
    #[error("failed to say that it is ready: {0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Start(error) => error.hint(),
            Self::Seed { source, .. } => Some(source.hint()),
            Self::ReadCertificate { .. } => Some("name a file with one certificate in PEM"),
            Self::WriteCa { .. } => Some("name another file with --ca-out"),
            Self::ReadSeed { .. } | Self::Io(_) => None,
        }
    }
}

/// Starts an emulator, says where it is, and serves until SIGINT or SIGTERM.
///
/// # Errors
///
/// A [`ServeError`]; nothing is left behind then.
pub async fn serve(args: EmulatorArgs) -> Result<(), ServeError> {
    let emulator = Emulator::start(tenant(&args)?, options(&args)).await?;
    let ca = write_ca(&emulator, args.ca_out.as_deref())?;
    announce(&emulator, &args, &ca)?;
    let ended = until_told().await;
    emulator.shutdown().await;
    if args.ca_out.is_none() {
        // It is of no use to anybody now; if somebody removed it before, all the better.
        let _ = std::fs::remove_file(&ca);
    }
    Ok(ended?)
}

fn tenant(args: &EmulatorArgs) -> Result<Tenant, ServeError> {
    let app = App {
        client_id: args.client_id,
        roles: args
            .roles
            .iter()
            .map(|role| role.trim().to_owned())
            .filter(|role| !role.is_empty())
            .collect(),
        certificates: args
            .certificate
            .iter()
            .map(|path| certificate(path))
            .collect::<Result<_, _>>()?,
        ..App::default()
    };
    let app = match &args.client_secret {
        Some(secret) => App {
            secrets: Vec::new(),
            ..app
        }
        .secret(secret.as_str()),
        None => app,
    };
    let builder = Tenant::builder()
        .id(args.tenant_id)
        .cloud(args.cloud)
        .app(app);
    Ok(match (&args.seed, args.users) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path).map_err(|source| ServeError::ReadSeed {
                path: path.clone(),
                source,
            })?;
            builder.users(seed::read(&text).map_err(|source| ServeError::Seed {
                path: path.clone(),
                source,
            })?)
        }
        (None, Some(count)) => builder.seed_users(count),
        (None, None) => builder.users(Tenant::sample().users().to_vec()),
    }
    .build())
}

fn certificate(path: &Path) -> Result<Vec<u8>, ServeError> {
    CertificateDer::from_pem_file(path)
        .map(|der| der.to_vec())
        .map_err(|error| ServeError::ReadCertificate {
            path: path.to_owned(),
            why: error.to_string(),
        })
}

fn options(args: &EmulatorArgs) -> Options {
    Options {
        port: args.port,
        graph_port: args.graph_port,
        admin_port: args.admin_port,
        latency: Duration::from_millis(args.latency),
        settings: Settings {
            throttle: args.quota,
            replication_delay_ms: args.replication_delay,
            ..Settings::default()
        },
        journal_file: args.journal.clone(),
        ..Options::default()
    }
}

fn write_ca(emulator: &Emulator, wanted: Option<&Path>) -> Result<PathBuf, ServeError> {
    let (path, opened) = match wanted {
        Some(path) => (path.to_owned(), std::fs::File::create(path)),
        None => {
            // A new file only: others can write to the temporary folder too.
            let path = std::env::temp_dir()
                .join(format!("entra-emulator-{}-ca.pem", Uuid::new_v4().simple()));
            let opened = OpenOptions::new().write(true).create_new(true).open(&path);
            (path, opened)
        }
    };
    match opened.and_then(|mut file| file.write_all(emulator.ca_pem().as_bytes())) {
        Ok(()) => Ok(path),
        Err(source) => Err(ServeError::WriteCa { path, source }),
    }
}

fn announce(emulator: &Emulator, args: &EmulatorArgs, ca: &Path) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // The secret is shown where it is the well-known one; one that was given is known to whoever gave it.
    let secret = args.client_secret.is_none().then_some(App::DEFAULT_SECRET);
    if args.ready_json {
        let line = json!({
            "login_url": emulator.login_url(),
            "graph_url": emulator.graph_url(),
            "admin_url": emulator.admin_url(),
            "ca_file": ca,
            "tenant_id": emulator.tenant_id(),
            "client_id": emulator.client_id(),
            "client_secret": secret,
            "version": env!("CARGO_PKG_VERSION"),
        });
        writeln!(out, "{line}")?;
    } else {
        write!(out, "{}", introduction(emulator, ca, secret))?;
    }
    out.flush()
}

fn introduction(emulator: &Emulator, ca: &Path, secret: Option<&str>) -> String {
    let secret = match secret {
        Some(secret) => format!("the secret is set by: export EMULATOR_CLIENT_SECRET='{secret}'"),
        None => "EMULATOR_CLIENT_SECRET has to hold the secret that you gave".to_owned(),
    };
    format!(
        "Entra emulator {version}, not Microsoft Entra. {users} users. Admin side: {admin}\n\
         \n\
         # for tipstaff.toml; {secret}\n\
         [connections.emulator]\n\
         adapter = \"azure_ad_adapter\"\n\
         tenant_id = \"{tenant}\"\n\
         client_id = \"{client}\"\n\
         client_secret = {{ env = \"EMULATOR_CLIENT_SECRET\" }}\n\
         cloud = {{ login = \"{login}\", graph = \"{graph}\" }}\n\
         ca_file = {ca:?}\n\
         allow_private_network = true\n\
         \n\
         Ctrl-C ends it.\n",
        version = env!("CARGO_PKG_VERSION"),
        users = emulator.living_users(),
        admin = emulator.admin_url(),
        tenant = emulator.tenant_id(),
        client = emulator.client_id(),
        login = emulator.login_url(),
        graph = emulator.graph_url(),
        ca = ca.display().to_string(),
    )
}

#[cfg(unix)]
async fn until_told() -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn until_told() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use clap::FromArgMatches as _;

    use super::*;

    /// Whatever the command is called.
    #[test]
    fn the_help_of_a_subcommand_has_the_admin_side_too() {
        let mut command = EmulatorArgs::augment_args(clap::Command::new("emulator"));
        let help = command.render_long_help().to_string();
        assert!(help.contains("POST   /faults") && help.contains("overloaded"));
    }

    #[test]
    fn the_command_is_sound_and_its_defaults_are_the_tenants() {
        command().debug_assert();
        let matches = command()
            .try_get_matches_from(["entra-emulator", "--quota", "300/15", "--users", "3"])
            .unwrap();
        let args = EmulatorArgs::from_arg_matches(&matches).unwrap();
        assert_eq!(
            args.quota,
            Throttling::Quota {
                writes: 300,
                seconds: 15.0
            }
        );
        let tenant = tenant(&args).unwrap();
        assert_eq!(tenant.users().len(), 3);
        assert_eq!(
            tenant.apps()[0].secrets[0].value.expose(),
            App::DEFAULT_SECRET
        );
    }
}
