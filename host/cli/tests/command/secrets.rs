//! Marked secrets go in by every way in; nothing that comes out has one of them, in no form.

use serde_json::json;

use crate::needles;
use crate::place::{Place, Said};

const CLIENT: &str = "Pl4nted+Client/Secret=That?Nobody~Sees";
const WRONG: &str = "Pl4nted~Wrong/Secret=That?Nobody+Sees";
const PASSWORD: &str = "Pl4nted%Password&That#Nobody_Sees";
const ONE_TIME: &str = "PL4NTEDONETIMESECRETTHATNOBODYSEES";
const PROXY: &str = "Pl4nted;Proxy:Password'That\"Nobody-Sees";
/// How the emulator's tokens begin, as do those of Entra: `{"typ":` and `{"alg":` in base64.
const TOKENS: [&str; 2] = ["eyJ0eXAi", "eyJhbGci"];

/// Everything that came out, with its place.
struct Out(Vec<(String, Vec<u8>)>);

impl Out {
    fn add(&mut self, what: &str, said: Said) -> Said {
        self.0
            .push((format!("{what}: output"), said.out.clone().into_bytes()));
        self.0.push((
            format!("{what}: notes and log"),
            said.err.clone().into_bytes(),
        ));
        said
    }

    fn has_no_secret(&self) {
        for (place, bytes) in &self.0 {
            for secret in [CLIENT, WRONG, PASSWORD, ONE_TIME, PROXY] {
                let found = needles::found(secret, bytes);
                assert!(found.is_empty(), "`{secret}` is in {place}: {found:?}");
            }
            for token in TOKENS {
                let found = bytes
                    .windows(token.len())
                    .any(|window| window == token.as_bytes());
                assert!(!found, "a token is in {place}");
            }
        }
    }
}

/// What a person does with a connection, with the log at its most talkative.
fn use_it(place: &Place, name: &str, variables: &[(&str, &str)], out: &mut Out) -> Vec<Said> {
    let report = format!("{name}.jsonl");
    let commands: [&[&str]; 9] = [
        &["connections", "list"],
        &["connections", "show", "corp"],
        &["check", "--connection", "corp", "-vvv"],
        &[
            "run",
            "revoke-user-sessions",
            "--connection",
            "corp",
            "--user",
            "ada@contoso.example",
            "--user",
            "nobody@contoso.example",
            "--yes",
            "-vvv",
            "--log-format",
            "json",
            "--report",
            &report,
            "--format",
            "json",
        ],
        &["connections", "test", "corp", "-vvv"],
        &["assets", "fetch", "--connection", "corp", "-vvv"],
        &["runs", "list"],
        &["runs", "show", "last", "-vvv"],
        &["runs", "export", "last"],
    ];
    commands
        .iter()
        .map(|words| {
            let said = place.tipstaff_with(words, variables);
            out.add(&format!("{name}, {}", words.join(" ")), said)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_comes_out_of_any_place() {
    let place = Place::new(CLIENT).await;
    let mut out = Out(Vec::new());
    place.write("client-secret", CLIENT);
    place.write("wrong-secret", WRONG);
    place.write("one-time-secret", ONE_TIME);
    let beside = "username = \"svc@contoso.example\"\npassword = { env = \"PLANTED_PASSWORD\" }\n\
                  otp_secret = { file = \"one-time-secret\" }";
    let variables = [
        ("PLANTED_SECRET", CLIENT),
        ("PLANTED_PASSWORD", PASSWORD),
        ("PLANTED_PROXY", PROXY),
    ];
    for (name, source) in [
        ("variable", "{ env = \"PLANTED_SECRET\" }"),
        ("file", "{ file = \"client-secret\" }"),
        ("command", "{ command = [\"cat\", \"client-secret\"] }"),
    ] {
        place.configure(&format!("client_secret = {source}\n{beside}"));
        let said = use_it(&place, name, &variables, &mut out);
        // It is the secret that is looked for, and it was used.
        assert!(said[3].out.contains("\"revoked\""), "{name}: {:?}", said[3]);
        assert!(
            said[3].err.contains("DEBUG"),
            "{name}: the log says too little to be a test"
        );
    }
    // Secrets that do not do: a service that refuses one, and a proxy that is not there.
    place.configure(&format!(
        "client_secret = {{ file = \"wrong-secret\" }}\n{beside}"
    ));
    let said = use_it(&place, "wrong", &variables, &mut out);
    assert!(
        said[3].code != 0 && said[3].err.contains("AADSTS7000215"),
        "{:?}",
        said[3]
    );
    place.configure(&format!(
        "client_secret = {{ file = \"client-secret\" }}\nhttps_proxy = \"http://127.0.0.1:9\"\n\
         proxy_username = \"svc\"\nproxy_password = {{ env = \"PLANTED_PROXY\" }}\n{beside}"
    ));
    let said = use_it(&place, "proxy", &variables, &mut out);
    assert!(said[3].code != 0, "{:?}", said[3]);
    // Secrets where they must not be.
    for line in [
        format!("client_secret = {}", json!(CLIENT)),
        format!(
            "client_secret = {{ file = \"client-secret\" }}\npassword = {}",
            json!(PASSWORD)
        ),
        format!("client_secret = {{ files = {} }}", json!(CLIENT)),
    ] {
        place.configure(&line);
        for said in use_it(&place, "in clear", &variables, &mut out)
            .iter()
            .take(4)
        {
            assert_eq!(said.code, 2, "{said:?}");
        }
    }

    let state = needles::files(&place.state()).unwrap();
    for part in ["ledger.db", "audit", "code"] {
        assert!(
            state.iter().any(|(path, _)| path.contains(part)),
            "there is no {part}"
        );
    }
    out.0.extend(state);
    for name in ["variable", "file", "command", "wrong", "proxy"] {
        let report = std::fs::read(place.path(&format!("{name}.jsonl"))).unwrap();
        out.0.push((format!("the report of {name}"), report));
    }
    let journal = serde_json::to_vec(&place.emulator.journal()).unwrap();
    assert!(!journal.is_empty());
    out.0.push(("the tenant's journal".to_owned(), journal));
    out.has_no_secret();
}
