//! Where the command is tried: a tenant on loopback, a folder with a configuration, and a state folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use entra_emulator::{App, ClientSecret, Emulator, Options, Tenant, User};

pub(crate) struct Place {
    pub(crate) emulator: Emulator,
    folder: tempfile::TempDir,
}

/// What a process said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// With a tenant whose application has this secret.
    pub(crate) async fn new(secret: &str) -> Self {
        let app = App {
            secrets: vec![ClientSecret::new(secret)],
            ..App::default()
        };
        let tenant = Tenant::builder()
            .app(app)
            .user(User::member("ada@contoso.example"))
            .build();
        let emulator = Emulator::start(tenant, Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), emulator.ca_pem()).unwrap();
        Self { emulator, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The connection `corp`, with these lines more.
    pub(crate) fn configure(&self, lines: &str) {
        let text = format!(
            "[connections.corp]\nadapter = \"azure_ad_adapter\"\ntenant_id = \"{}\"\nclient_id = \"{}\"\n\
             cloud = {{ login = \"{}\", graph = \"{}\" }}\nca_file = \"ca.pem\"\nallow_private_network = true\n{lines}\n",
            self.emulator.tenant_id(),
            self.emulator.client_id(),
            self.emulator.login_url(),
            self.emulator.graph_url(),
        );
        self.write("tipstaff.toml", text);
    }

    /// Runs the command in the folder, without a terminal.
    pub(crate) fn tipstaff(&self, words: &[&str]) -> Said {
        self.tipstaff_with(words, &[])
    }

    /// The same with variables in its environment.
    pub(crate) fn tipstaff_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Said {
        let output = Command::new(Path::new(env!("CARGO_BIN_EXE_tipstaff")))
            .args(words)
            .arg("--state")
            .arg(self.state())
            .current_dir(self.folder.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
