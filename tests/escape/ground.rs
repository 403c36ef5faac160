//! Where programs are tried: three people that they are given, one whom they are not, a secret that is easy to find
//! again, and one more person for the program that behaves and comes after them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entra_emulator::{App, ClientSecret, Tenant, User};
use tipstaff::enforcement::verdict_text;
use tipstaff::{Assets, Limits, Log, Running, Verdict};
use tipstaff_tests::{Ran, Trial, program};

/// The secret of the connection: nothing that comes out may hold it.
pub(crate) const SECRET: &str = "M4rkedSecretThatNobodyMaySee";

/// Everything that programs logged.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<String>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Log for Lines {
    fn line(&self, _: tracing::Level, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

pub(crate) struct Ground {
    pub(crate) trial: Trial,
    /// The object ids of those whom the program is given; also the ids of the assets.
    pub(crate) ids: Vec<String>,
    /// The object id of somebody whom it is not given.
    pub(crate) stranger: String,
    /// What it logs.
    pub(crate) log: Arc<Lines>,
    /// For the run afterwards.
    next: String,
}

/// Bounds that are met quickly.
pub(crate) fn small() -> Limits {
    Limits {
        memory: 16 << 20,
        computing: Duration::from_millis(300),
        idle: Duration::from_millis(500),
        ending: Duration::from_millis(300),
        ..Limits::default()
    }
}

fn tenant() -> Tenant {
    let app = App {
        secrets: vec![ClientSecret::new(SECRET)],
        ..App::default()
    };
    Tenant::builder()
        .app(app)
        .users(
            ["ada", "bob", "cyd", "dan", "eve"]
                .map(|name| User::member(format!("{name}@contoso.example"))),
        )
        .build()
}

impl Ground {
    pub(crate) async fn of(program: &[u8]) -> Self {
        Self::with(program, Limits::default()).await
    }

    pub(crate) async fn with(program: &[u8], limits: Limits) -> Self {
        let tenant = tenant();
        let mut ids: Vec<String> = tenant
            .users()
            .iter()
            .map(|user| user.id().to_string())
            .collect();
        let stranger = ids.pop().unwrap();
        let next = ids.pop().unwrap();
        let log = Arc::new(Lines::default());
        let trial = Trial::logged(
            program,
            tenant,
            limits,
            Some(Arc::clone(&log) as Arc<dyn Log>),
        )
        .await;
        Self {
            trial,
            ids,
            stranger,
            log,
            next,
        }
    }

    /// Lets the program run on its three people, and tells it of the stranger.
    pub(crate) async fn run(&self) -> Ran {
        self.run_at(&self.stranger).await
    }

    /// The same, and tells it of something else.
    pub(crate) async fn run_at(&self, target: &str) -> Ran {
        Ran::watch(self.start(target).await).await
    }

    pub(crate) async fn start(&self, target: &str) -> Running {
        let draft = self
            .trial
            .draft(Assets::users(&self.ids))
            .setting("target", target);
        draft
            .prepare()
            .await
            .unwrap()
            .approve()
            .start()
            .await
            .unwrap()
    }

    pub(crate) async fn simulate(&self) -> Ran {
        self.trial.simulate(Assets::users(&self.ids)).await
    }

    /// How often somebody's sessions were ended.
    pub(crate) fn revocations(&self, user: &str) -> u64 {
        self.trial.emulator.user(user).unwrap().revocations
    }

    /// What the tenant was asked, as `METHOD PATH`, the parts of batches too.
    pub(crate) fn asked(&self) -> Vec<String> {
        let entries = self.trial.emulator.journal();
        let lines = entries.iter().flat_map(|entry| {
            let parts = entry
                .parts
                .iter()
                .map(|part| format!("{} {}", part.method, part.url));
            std::iter::once(format!("{} {}", entry.method, entry.path)).chain(parts)
        });
        lines.collect()
    }

    /// All three were left alone, and nobody asked for anything else.
    pub(crate) fn nobody_was_touched(&self) {
        let asked = self.asked();
        for id in self.ids.iter().chain([&self.stranger]) {
            assert_eq!(self.revocations(id), 0, "{asked:#?}");
            let about = |line: &&String| line.contains("revoke") && line.contains(id.as_str());
            assert_eq!(asked.iter().find(about), None);
        }
    }

    /// What has to be true whatever the program tried: everybody has one outcome, and it does not lie; the stranger was
    /// not touched; no secret came out; the host goes on.
    pub(crate) async fn holds(&self, ran: &Ran) {
        self.tells_the_truth(ran);
        assert_eq!(
            self.revocations(&self.stranger),
            0,
            "a stranger was touched: {:#?}",
            self.asked()
        );
        self.keeps_its_secrets(ran);
        self.lives().await;
    }

    fn tells_the_truth(&self, ran: &Ran) {
        for id in &self.ids {
            let outcome = ran.outcome(id);
            let revoked = self.revocations(id) > 0;
            match outcome.verdict {
                Verdict::Succeeded => assert!(revoked, "{outcome:?}"),
                Verdict::NotAttempted | Verdict::WouldEnforce => assert!(!revoked, "{outcome:?}"),
                _ => {}
            }
        }
        let counts = ran.summary.counts;
        assert_eq!(ran.outcomes.len(), self.ids.len(), "{ran:#?}");
        assert_eq!(counts.total(), self.ids.len() as u64);
        for (verdict, count) in counts.iter() {
            let told = ran.outcomes.iter().filter(|o| o.verdict == verdict).count();
            assert_eq!(told as u64, count, "{}", verdict_text(verdict));
        }
    }

    fn keeps_its_secrets(&self, ran: &Ran) {
        // The emulator's tokens are signed ones, whose text begins with `{"` in base64.
        let hidden = [SECRET, "eyJ"];
        let journal = serde_json::to_string(&self.trial.emulator.journal()).unwrap();
        for text in [format!("{ran:?}"), journal, self.log.all().join("\n")] {
            for secret in hidden {
                assert!(!text.contains(secret), "`{secret}` is in {text}");
            }
        }
        let state = self.trial.host.state().root();
        let mut files = Vec::new();
        for folder in [state.to_owned(), state.join("audit"), state.join("spool")] {
            files.extend(files_of(&folder));
        }
        assert!(files.iter().any(|(path, _)| path.ends_with("ledger.db")));
        assert!(
            files
                .iter()
                .any(|(path, _)| path.ends_with(&format!("{}.jsonl", ran.summary.run)))
        );
        for (path, bytes) in files {
            for secret in hidden {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "`{secret}` is in {path}");
            }
        }
    }

    /// A program that behaves gets its work done on the same host, at this moment.
    pub(crate) async fn lives(&self) {
        let host = &self.trial.host;
        let action = host.load_bytes("behaves", program::BEHAVES).await.unwrap();
        let before = self.revocations(&self.next);
        let plan = host
            .plan(&action)
            .connection(self.trial.connection())
            .assets(Assets::users([&self.next]))
            .prepare()
            .await
            .unwrap();
        let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
        assert_eq!(ran.result(&self.next), ("succeeded", "done"), "{ran:#?}");
        assert_eq!(self.revocations(&self.next), before + 1);
    }
}

fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect()
}

/// The text of an outcome that was cut short, or of whatever else a run ended with.
pub(crate) fn cut_short(ran: &Ran) -> &str {
    match &ran.summary.ending {
        tipstaff::Ending::CutShort(why) => why,
        other => panic!("the run was not cut short: {other:?}, {ran:#?}"),
    }
}
