//! `tipstaff demo`: an emulated tenant in this process, and the first action against it, told step by step.
//!
//! It uses the library as `tipstaff run` does; only the addresses are others. What it tells at the end, it asked the
//! emulator for.

use std::process::ExitCode;

use clap::Args;
use entra_emulator::{Emulator, EmulatorError, Options, State, Tenant};
use revoke_user_sessions_component::NAME;
use tipstaff::enforcement::ledger::RunRecord;
use tipstaff::{
    Action, Assets, Connection, Host, Level, Network, NetworkPolicy, Plan, RunId, Running, Secret,
    SecretSource, Summary, Verdict,
};

use crate::context::Context;
use crate::diagnostic::{Failure, chain, exit};
use crate::printer::Paint;
use crate::show;
use crate::show::outcomes::{Choice, Look};
use crate::show::table::table;
use crate::text::{assets, counted, padded, short_digest, wrapped};

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}

/// Beside the emulator's people: somebody it does not know, one of its people by the other name, and no name at all.
const MORE: [&str; 3] = [
    "nobody@contoso.example",
    "a0000000-0000-4000-8000-000000000001",
    "not a user",
];

/// The six lines, for a tenant of one's own.
const TOML: &str = r#"[connections.corp]
adapter = "azure_ad_adapter"
tenant_id = "11111111-2222-3333-4444-555555555555"
client_id = "66666666-7777-8888-9999-000000000000"
client_secret = { env = "CORP_ENTRA_SECRET" }
verify_ssl = true
"#;

pub(crate) async fn run(context: &Context, _args: DemoArgs) -> Result<ExitCode, Failure> {
    let state = match context.named_state() {
        Some(path) => path.to_owned(),
        None => context.state_path()?.join("demo"),
    };
    let context = context.with_state(state);
    let host = context.host().await?;
    let tenant = Tenant::sample();
    let mut people: Vec<String> = tenant
        .users()
        .iter()
        .map(|user| user.principal_name().to_owned())
        .collect();
    people.extend(MORE.map(str::to_owned));
    let emulator = Emulator::start(tenant, Options::default()).await?;
    let demo = Demo {
        context: &context,
        host: &host,
        emulator: &emulator,
        paint: context.printer.paint(),
        columns: context.printer.columns(),
    };
    let agrees = demo.play(&people).await;
    emulator.shutdown().await;
    Ok(ExitCode::from(if agrees? {
        exit::DONE
    } else {
        exit::NOT_ALL
    }))
}

struct Demo<'a> {
    context: &'a Context,
    host: &'a Host,
    emulator: &'a Emulator,
    paint: Paint,
    columns: usize,
}

impl Demo<'_> {
    /// Tells it all. False if what the run reported is not what the emulator did.
    async fn play(&self, people: &[String]) -> Result<bool, Failure> {
        self.step(
            1,
            "A tenant to try it on",
            &format!(
                "An emulator of Microsoft Entra listens at {}, over TLS with a certificate authority of its own. It has {} \
                 sample users. Nothing leaves this machine.",
                self.emulator.graph_url(),
                self.emulator.living_users(),
            ),
        )?;
        let action = self.host.load(NAME).await?;
        self.introduce(&action)?;
        self.check(&action).await?;
        self.simulate(&action, people).await?;
        let record = self.enforce(&action, people).await?;
        let agrees = self.compare(&record)?;
        self.your_turn(&record)?;
        Ok(agrees)
    }

    fn introduce(&self, action: &Action) -> Result<(), Failure> {
        let manifest = action.manifest();
        let calls = counted(manifest.network.calls.len() as u64, "request", "requests");
        self.step(
            2,
            "The action",
            &format!(
                "{} {} is a WebAssembly component of {} KiB that this program carries. It may send {calls} that its \
                 manifest declares and no others, only about users that it is given, and it sees no secret and no \
                 token. `tipstaff actions inspect {}` says all of it.",
                manifest.name,
                manifest.version,
                action.inspection().size / 1024,
                manifest.name,
            ),
        )
    }

    async fn check(&self, action: &Action) -> Result<(), Failure> {
        self.step(
            3,
            "It signs in",
            "As the application, with its client secret; it looks what it may do, and changes nothing.",
        )?;
        let report = self.host.check(action, self.connection()).await?;
        let mut text = "\n".to_owned();
        for finding in &report.findings {
            let word = match finding.level {
                Level::Good => "works",
                Level::Warning => "warning",
                Level::Bad => "broken",
            };
            let body = wrapped(&finding.message, 11, self.columns);
            text.push_str(&format!(
                "  {}  {}\n",
                padded(word, 7),
                body.trim_start().trim_end()
            ));
        }
        self.print(&text)
    }

    async fn simulate(&self, action: &Action, people: &[String]) -> Result<(), Failure> {
        let plan = self.plan(action, people).await?;
        self.step(
            4,
            "The plan, and a simulation",
            &format!(
                "{} in the list, by principal name and by object id, with a stranger, a double and a typing mistake \
                 among them. A simulation does all but the change: the host itself refuses every call that would \
                 change something.",
                assets(plan.census().assets),
            ),
        )?;
        let sketch = show::plan::Sketch::of(&plan, true);
        self.print(&format!("\n{}\n", sketch.render(self.paint)))?;
        let running = plan.simulate().await?;
        let record = self.finished(running).await?;
        self.print(&show::summary::counts(&record, self.paint))?;
        let state = self.emulator.state();
        let text = format!(
            "The emulator has answered {}, and ended {}.",
            counted(state.requests, "request", "requests"),
            counted(state.revocations, "person's sessions", "people's sessions"),
        );
        self.print(&format!("\n{}", wrapped(&text, 2, self.columns)))
    }

    async fn enforce(&self, action: &Action, people: &[String]) -> Result<RunRecord, Failure> {
        let plan = self.plan(action, people).await?;
        self.step(
            5,
            "The run",
            &format!(
                "The same plan ({}), now for real. Each user that goes in comes out once, with what was witnessed.",
                short_digest(plan.digest())
            ),
        )?;
        self.print("\n")?;
        let id = plan.run_id();
        let running = plan.approve().start().await?;
        let record = self.finished(running).await?;
        self.table(id)?;
        self.print(&format!("\n{}", show::summary::headline(&record, false)))?;
        self.print(&show::summary::counts(&record, self.paint))?;
        Ok(record)
    }

    /// Puts the run's word beside the emulator's.
    fn compare(&self, record: &RunRecord) -> Result<bool, Failure> {
        let state = self.emulator.state();
        self.step(
            6,
            "What the emulator says",
            "Its own state, which the run cannot write to: whose sessions began anew, and when.",
        )?;
        self.print("\n")?;
        self.print(&table(
            ["USER", "KIND", "SESSIONS ENDED", "VALID FROM"],
            &people(&state),
            self.paint,
        ))?;
        let said = record.counts.get(Verdict::Succeeded);
        let agrees =
            said > 0 && said == state.revocations && record.counts.total() == record.assets;
        let text = if agrees {
            format!(
                "The run says that it ended the sessions of {}, and so does the emulator.",
                counted(said, "person", "people")
            )
        } else {
            format!(
                "The run says that it ended the sessions of {}, the emulator says {}: that is a mistake of this program.",
                counted(said, "person", "people"),
                state.revocations
            )
        };
        self.print(&format!("\n{}", wrapped(&text, 2, self.columns)))?;
        Ok(agrees)
    }

    fn your_turn(&self, record: &RunRecord) -> Result<(), Failure> {
        self.step(
            7,
            "Your tenant",
            "The same, with six lines of `tipstaff.toml` and the application permission User.RevokeSessions.All (and \
             User.Read.All, to tell guests and unknown users). Nothing differs but the addresses.",
        )?;
        let commands = [
            "export CORP_ENTRA_SECRET=…".to_owned(),
            "tipstaff check --connection corp".to_owned(),
            format!("tipstaff run {NAME} --connection corp --user ada@contoso.com --simulate"),
            self.context
                .next_command(&format!("runs show {}", record.id)),
        ];
        let lines: String = std::iter::once("")
            .chain(TOML.lines())
            .chain([""])
            .map(str::to_owned)
            .chain(commands)
            .map(|line| format!("  {line}").trim_end().to_owned() + "\n")
            .collect();
        self.print(&lines)
    }

    /// To the emulator, with what it says of itself.
    fn connection(&self) -> Connection {
        let emulator = self.emulator;
        Connection::entra("demo")
            .tenant_id(emulator.tenant_id())
            .client_id(emulator.client_id())
            .client_secret(SecretSource::Given(Secret::new(emulator.client_secret())))
            .addresses([
                ("login", emulator.login_url()),
                ("graph", emulator.graph_url()),
            ])
            .network(Network {
                ca_pem: Some(emulator.ca_pem().to_owned()),
                private: NetworkPolicy::private(),
                ..Network::default()
            })
    }

    async fn plan(&self, action: &Action, people: &[String]) -> Result<Plan, Failure> {
        let draft = self.host.plan(action).connection(self.connection());
        Ok(draft.assets(Assets::users(people)).prepare().await?)
    }

    async fn finished(&self, running: Running) -> Result<RunRecord, Failure> {
        let summary: Option<Summary> = running.finished().await;
        let summary = summary.ok_or_else(|| Failure::new("the run ended without a word"))?;
        Ok(self.host.ledger().run(&summary.run.to_string())?)
    }

    fn table(&self, run: RunId) -> Result<(), Failure> {
        let out = self.context.printer.results();
        let look = Look::of(&self.context.printer);
        show::outcomes::write(self.host.ledger(), run, Choice::All, look, out)
    }

    fn step(&self, number: u32, title: &str, text: &str) -> Result<(), Failure> {
        let space = if number == 1 { "" } else { "\n" };
        let heading = self.paint.heading(&format!("{number}. {title}"));
        let body = wrapped(text, 2, self.columns);
        self.print(&format!("{space}{heading}\n{body}"))
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        self.context.printer.print(text)
    }
}

fn people(state: &State) -> Vec<[String; 4]> {
    state
        .users
        .iter()
        .map(|user| {
            let kind = format!("{:?}", user.user_type).to_lowercase();
            [
                user.user_principal_name.clone(),
                kind,
                match user.revocations {
                    0 => "-".to_owned(),
                    times => counted(times, "time", "times"),
                },
                format!("{:.0}", user.sign_in_sessions_valid_from),
            ]
        })
        .collect()
}

impl From<EmulatorError> for Failure {
    fn from(error: EmulatorError) -> Self {
        Self::new(chain(&error)).hint(error.hint().unwrap_or_default())
    }
}
