//! A Microsoft Entra tenant on loopback, for tests and demonstrations.
//!
//! It speaks TLS with a certificate authority of its own, signs real tokens, and answers Microsoft Graph's requests about
//! users and their sessions as the service does, as far as that is known. Each answer says `x-emulator`.
//!
//! ```
//! # async fn example() -> Result<(), entra_emulator::EmulatorError> {
//! use entra_emulator::{Emulator, Options, Tenant, User};
//!
//! let tenant = Tenant::builder().user(User::member("ada@contoso.example")).build();
//! let emulator = Emulator::start(tenant, Options::default()).await?;
//! println!("{} {} {}", emulator.login_url(), emulator.graph_url(), emulator.client_id());
//! // … point a client at it, with `emulator.ca_pem()` as a root, then look at what happened:
//! assert_eq!(emulator.user("ada@contoso.example").map(|ada| ada.revocations), Some(0));
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! `docs/emulator.md` describes the admin side, the settings, and where each behaviour was witnessed.

mod admin;
mod cli;
mod clock;
mod emulator;
mod exchange;
mod faults;
mod graph;
mod journal;
mod login;
mod server;
mod settings;
mod signin;
mod tenant;
mod throttle;
mod tls;
mod token;
mod wire;
mod world;

pub use cli::{EmulatorArgs, ServeError, command, serve};
pub use emulator::{ClientCertificate, Emulator, EmulatorError, Options, State, UserState};
pub use faults::{Fault, FaultRule, Faults, Place, RetryAfter, Route};
pub use journal::{JournalEntry, JournalPart};
pub use settings::{BasicProfile, Refill, Settings, Throttling};
pub use tenant::seed::read as read_seed;
pub use tenant::{
    App, ClientSecret, Cloud, DEFAULT_TENANT_ID, Federated, Hidden, Mfa, SeedError, Tenant,
    TenantBuilder, User, UserType,
};
