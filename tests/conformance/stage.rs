//! A tenant, and clients in processes of their own that know of it only what somebody's configuration would say.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use entra_emulator::{
    App, ClientCertificate, Cloud, Emulator, Federated, Mfa, Options, Settings, Tenant, User,
};
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

/// A client that says nothing for so long has hung. Generous, as the machine may do other things.
const PATIENCE: Duration = Duration::from_secs(180);
/// How many `userNNNNNN@contoso.example` there are.
pub(crate) const NUMBERED: usize = 20;
/// How many people there are: the sample ones, the numbered ones, and three who sign in.
pub(crate) const PEOPLE: usize = 12 + NUMBERED + 3;
/// The application that signs people in and has no credential.
const PUBLIC_CLIENT: Uuid = Uuid::from_u128(0x7777_7777_7777_8888_9999_0000_0000_0000);
const PASSWORD: &str = "Correct-Horse-9";
const OTP_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// What a client sends as `client-request-id` where it is told to.
pub(crate) const REQUEST_ID: &str = "3f1b7c6a-0d5e-4a55-9a5e-7a2f4c1d9b10";

/// A tenant, and a folder for what clients are given and leave behind.
pub(crate) struct Stage {
    pub(crate) emulator: Emulator,
    cloud: Cloud,
    folder: tempfile::TempDir,
}

impl Stage {
    /// A tenant with the sample people and some more.
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// The same, and the emulator behaves so.
    pub(crate) async fn with(settings: Settings) -> Self {
        Self::of(Cloud::Global, settings).await
    }

    /// The same, in another cloud.
    pub(crate) async fn of(cloud: Cloud, settings: Settings) -> Self {
        let certificate = ClientCertificate::generate("conformance").unwrap();
        let confidential = App {
            certificates: vec![certificate.der.clone()],
            federated: vec![Federated {
                issuer: "https://issuer.example".to_owned(),
                subject: "system:serviceaccount:security:tipstaff".to_owned(),
                audience: "api://AzureADTokenExchange".to_owned(),
                issuer_certificate: Some(certificate.der.clone()),
            }],
            ..App::default()
        };
        let public = App {
            public: true,
            scopes: vec!["User.Read".to_owned()],
            ..App::new(PUBLIC_CLIENT)
        };
        let tenant = Tenant::builder()
            .cloud(cloud)
            .app(confidential)
            .app(public)
            .users(Tenant::sample().users().to_vec())
            .seed_users(NUMBERED)
            .user(User::member("mia@contoso.example").with_password(PASSWORD))
            .users(
                ["otto@contoso.example", "olga@contoso.example"].map(|name| {
                    User::member(name)
                        .with_password(PASSWORD)
                        .with_mfa(Mfa::Required)
                        .with_otp_secret(OTP_SECRET)
                }),
            )
            .build();
        let options = Options {
            settings,
            ..Options::default()
        };
        let emulator = Emulator::start(tenant, options).await.unwrap();
        let stage = Self {
            emulator,
            cloud,
            folder: tempfile::tempdir().unwrap(),
        };
        let (cert, key) = (&certificate.certificate_pem, &certificate.key_pem);
        for (name, text) in [
            ("ca.pem", stage.emulator.ca_pem()),
            ("cert.pem", cert),
            ("key.pem", key),
            ("both.pem", &format!("{key}{cert}")),
        ] {
            std::fs::write(stage.file(name), text).unwrap();
        }
        stage
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a client is told.
    fn configuration(&self) -> Value {
        json!({
            "login_host": self.cloud.login_host(),
            "graph_host": self.cloud.graph_host(),
            "tenant_id": self.emulator.tenant_id(),
            "client_id": self.emulator.client_id(),
            "client_secret": self.emulator.client_secret(),
            "certificate_file": self.file("cert.pem"),
            "key_file": self.file("key.pem"),
            "pem_file": self.file("both.pem"),
            "federated": {
                "issuer": "https://issuer.example",
                "subject": "system:serviceaccount:security:tipstaff",
                "audience": "api://AzureADTokenExchange",
            },
            "public_client_id": PUBLIC_CLIENT,
            "password": PASSWORD,
            "otp_secret": OTP_SECRET,
            "user_id": self.emulator.user("grace@contoso.example").unwrap().id,
            "request_id": REQUEST_ID,
            "now": self.emulator.now().as_second(),
            "admin_url": self.emulator.admin_url(),
        })
    }

    /// What the Python client `script` saw when it did `what`.
    pub(crate) async fn python(&self, script: &str, what: &str) -> Value {
        let python = installed("python/bin/python");
        self.run(Command::new(python), script, what).await
    }

    /// What the Node client `script` saw when it did `what`.
    pub(crate) async fn node(&self, script: &str, what: &str) -> Value {
        let clients = installed("node/node_modules");
        let mut command = Command::new("node");
        command.env("CLIENTS", clients.parent().unwrap());
        self.run(command, script, what).await
    }

    async fn run(&self, mut command: Command, script: &str, what: &str) -> Value {
        let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/clients");
        let loopback = clients.join("loopback");
        let path = std::env::var_os("PATH").unwrap();
        let given: Vec<_> = command
            .as_std()
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let port = self.emulator.login_url().rsplit(':').next().unwrap();
        let ca = self.file("ca.pem");
        // Nothing of this process's environment: no proxy, no other certificates, nobody's settings.
        command
            .env_clear()
            .envs(given)
            .env("PATH", path)
            .env("HOME", self.folder.path())
            // These names stand for the emulator.
            .env(
                "EMULATED_HOSTS",
                format!("{},{}", self.cloud.login_host(), self.cloud.graph_host()),
            )
            .env("EMULATED_PORT", port)
            .env("TENANT", self.configuration().to_string())
            .env("PYTHONPATH", &loopback)
            // Compiled once for all, and not beside the scripts.
            .env(
                "PYTHONPYCACHEPREFIX",
                installed("python").with_file_name("pycache"),
            )
            .env("SSL_CERT_FILE", &ca)
            .env("REQUESTS_CA_BUNDLE", &ca)
            .env("NODE_EXTRA_CA_CERTS", &ca)
            .env(
                "NODE_OPTIONS",
                format!("--require {}", loopback.join("loopback.cjs").display()),
            )
            .arg(clients.join(script))
            .arg(what)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .unwrap_or_else(|_| panic!("`{script} {what}` hangs"))
            .unwrap_or_else(|error| panic!("`{script}` does not start: {error}"));
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "`{script} {what}`: {out}\n{err}");
        serde_json::from_str(&out)
            .unwrap_or_else(|error| panic!("`{script} {what}` reports {error}: {out}\n{err}"))
    }

    /// How often somebody's sessions were ended.
    pub(crate) fn revocations(&self, name: &str) -> u64 {
        self.emulator.user(name).unwrap().revocations
    }

    /// How many requests to paths that end so had this answer, alone.
    pub(crate) fn answered(&self, end: &str, status: u16) -> usize {
        let journal = self.emulator.journal();
        let fits = |path: &str| path.split('?').next().is_some_and(|p| p.ends_with(end));
        journal
            .iter()
            .filter(|entry| entry.status == status && fits(&entry.path))
            .count()
    }
}

/// Where `make conformance-clients` puts clients.
fn installed(path: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let found = target.join("conformance").join(path);
    assert!(
        found.exists(),
        "`{}` is not there: run `make conformance-clients` once",
        found.display()
    );
    found
}
