//! A tenant, and connections to it as `tipstaff.toml` describes them.

use std::path::PathBuf;

use entra_emulator::Tenant;
use tipstaff::{Assets, Config, Connection, Draft};
use tipstaff_tests::{Ran, Trial};

/// A trial, with what an operator would have in files.
pub(crate) struct Ground {
    pub(crate) trial: Trial,
}

impl Ground {
    pub(crate) async fn new(tenant: Tenant) -> Self {
        let ground = Self {
            trial: Trial::new(tenant).await,
        };
        ground.put("ca.pem", ground.trial.emulator.ca_pem());
        ground.put("secret", &ground.trial.emulator.client_secret());
        ground
    }

    /// Writes a file, and gives its path.
    pub(crate) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.trial.folder().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// A connection with these lines of TOML besides. `None` where there is no such thing.
    pub(crate) fn connection(&self, lines: &str) -> Option<Connection> {
        let emulator = &self.trial.emulator;
        let text = format!(
            "[connections.corp]\nadapter = \"azure_ad_adapter\"\ntenant_id = \"{}\"\nclient_id = \"{}\"\n\
             ca_file = \"ca.pem\"\nallow_private_network = true\n{lines}\n",
            emulator.tenant_id(),
            emulator.client_id(),
        );
        let path = self.trial.folder().join("tipstaff.toml");
        Config::parse(&text, &path).ok()?.connection("corp").ok()
    }

    /// The lines that say where the tenant is.
    pub(crate) fn addresses(&self) -> String {
        let emulator = &self.trial.emulator;
        let (login, graph) = (emulator.login_url(), emulator.graph_url());
        format!("cloud = {{ login = \"{login}\", graph = \"{graph}\" }}")
    }

    /// A draft for these users, with the client secret.
    pub(crate) fn draft<T: AsRef<str>>(&self, users: impl IntoIterator<Item = T>) -> Draft {
        self.trial.draft(Assets::users(users))
    }

    /// The draft of another connection.
    pub(crate) fn draft_of<T: AsRef<str>>(
        &self,
        connection: Connection,
        users: impl IntoIterator<Item = T>,
    ) -> Draft {
        let draft = self.trial.host.plan(&self.trial.action);
        draft.connection(connection).assets(Assets::users(users))
    }

    pub(crate) fn revocations(&self, user: &str) -> u64 {
        let user = self.trial.emulator.user(user);
        user.map(|user| user.revocations).unwrap_or_default()
    }

    /// Batches that have a revoke in them: their statuses, and the numbers of their parts.
    pub(crate) fn batches(&self) -> Vec<(u16, usize)> {
        let journal = self.trial.emulator.journal();
        let batches = journal.iter().filter(|entry| {
            entry
                .parts
                .iter()
                .any(|part| part.url.contains("revokeSignInSessions"))
        });
        batches
            .map(|entry| (entry.status, entry.parts.len()))
            .collect()
    }
}

/// The run of a draft. `None` where the plan is refused, because it asks for what there is not.
pub(crate) async fn run(draft: Draft) -> Option<Ran> {
    let plan = draft.prepare().await.ok()?;
    Some(Ran::watch(plan.approve().start().await.expect("a run")).await)
}

/// So many members.
pub(crate) fn members(count: usize) -> Tenant {
    Tenant::builder().seed_users(count).build()
}

/// `user000001@contoso.example` and following.
pub(crate) fn names(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("user{number:06}@contoso.example"))
        .collect()
}
