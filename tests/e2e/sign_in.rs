//! Every way of signing in, from the lines of `tipstaff.toml` to the tenant.

use std::sync::Arc;

use entra_emulator::{App, ClientSecret, Cloud, Federated, Mfa, Tenant, User};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tipstaff::{Assets, CheckReport, Config, Connection, Ending, Level, PlanError, SecretSource};
use tipstaff_tests::{Ran, Trial};

const ADA: &str = "ada@contoso.example";
/// Who signs in, and may revoke.
const ADMIN: &str = "admin@contoso.example";
const PASSWORD: &str = "correct horse battery";
/// base32 of `12345678901234567890`.
const KEY: &str = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ";

const CERTIFICATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/testdata/certificate");

fn admin() -> User {
    User::member(ADMIN)
        .with_password(PASSWORD)
        .with_directory_role("User Administrator")
}

/// A tenant of Ada and somebody who may revoke her sessions.
fn tenant(app: App, admin: User) -> Tenant {
    Tenant::builder()
        .app(app)
        .user(User::member(ADA))
        .user(admin)
        .build()
}

/// An application that only its certificate proves.
fn certified() -> App {
    let pem = CertificateDer::from_pem_file(format!("{CERTIFICATES}/app.pem"));
    App {
        secrets: Vec::new(),
        certificates: vec![pem.unwrap().to_vec()],
        ..App::default()
    }
}

/// An application that signs people in without a credential of its own.
fn public() -> App {
    App {
        secrets: Vec::new(),
        public: true,
        ..App::default()
    }
}

/// A trial whose connection is described in a file.
struct Described(Trial);

impl Described {
    async fn new(tenant: Tenant) -> Self {
        let trial = Trial::new(tenant).await;
        let file =
            |name: &str, text: &str| std::fs::write(trial.folder().join(name), text).unwrap();
        file("ca.pem", trial.emulator.ca_pem());
        file("secret", App::DEFAULT_SECRET);
        file("password", PASSWORD);
        file("key", KEY);
        Self(trial)
    }

    /// The connection that has these lines beside the addresses and the application.
    fn connection(&self, lines: &str) -> Connection {
        let Trial { emulator, .. } = &self.0;
        let text = format!(
            "[connections.corp]\nadapter = \"azure_ad_adapter\"\nclient_id = \"{}\"\n\
             cloud = {{ login = \"{}\", graph = \"{}\" }}\nca_file = \"ca.pem\"\nallow_private_network = true\n{lines}\n",
            emulator.client_id(),
            emulator.login_url(),
            emulator.graph_url(),
        );
        let path = self.0.folder().join("tipstaff.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap().connection("corp").unwrap()
    }

    /// The same, with the tenant's id.
    fn in_tenant(&self, lines: &str) -> Connection {
        self.connection(&format!(
            "tenant_id = \"{}\"\n{lines}",
            self.0.emulator.tenant_id()
        ))
    }

    async fn run(&self, connection: Connection) -> Ran {
        let draft = self.0.host.plan(&self.0.action);
        let plan = draft
            .connection(Arc::new(connection))
            .assets(Assets::users([ADA]))
            .prepare()
            .await
            .unwrap();
        Ran::watch(plan.approve().start().await.unwrap()).await
    }

    /// Runs, and Ada's sessions are revoked.
    async fn revokes(&self, connection: Connection) {
        let before = self.0.emulator.user(ADA).unwrap().revocations;
        let ran = self.run(connection).await;
        assert_eq!(ran.result(ADA), ("succeeded", "revoked"), "{ran:#?}");
        assert_eq!(self.0.emulator.user(ADA).unwrap().revocations, before + 1);
    }

    /// Runs, nothing is revoked, and the sentence says why.
    async fn stops(&self, connection: Connection) -> String {
        let ran = self.run(connection).await;
        assert_eq!(ran.result(ADA).0, "not-attempted", "{ran:#?}");
        assert_eq!(self.0.emulator.user(ADA).unwrap().revocations, 0);
        match ran.summary.ending {
            Ending::Stopped(why) => format!("{why} {}", ran.warnings.join(" ")),
            other => panic!("{other:?}"),
        }
    }

    async fn check(&self, connection: Connection) -> CheckReport {
        let checked = self.0.host.check(&self.0.action, Arc::new(connection));
        checked.await.unwrap()
    }

    /// The paths of the sign-in side that were asked, in their order.
    fn asked(&self) -> Vec<String> {
        let journal = self.0.emulator.journal().into_iter();
        let paths = journal.map(|entry| entry.path);
        paths.filter(|path| !path.starts_with("/v1.0/")).collect()
    }

    /// Everything that was written down anywhere in the state folder.
    fn written(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut folders = vec![self.0.host.state().root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    all.extend(std::fs::read(path).unwrap());
                }
            }
        }
        all
    }
}

fn level(report: &CheckReport, code: &str) -> Option<Level> {
    let mut findings = report.findings.iter();
    findings
        .find(|finding| finding.code == code)
        .map(|finding| finding.level)
}

fn message<'r>(report: &'r CheckReport, code: &str) -> &'r str {
    let mut findings = report.findings.iter();
    let found = findings.find(|finding| finding.code == code);
    found.map_or("", |finding| &finding.message)
}

#[tokio::test]
async fn a_certificate_signs_in_from_every_place_that_it_can_be_in() {
    let described = Described::new(tenant(certified(), admin())).await;
    let password = described.0.folder().join("pfx-password");
    std::fs::write(&password, "correct horse\n").unwrap();
    for certificate in [
        format!(
            "{{ cert_file = \"{CERTIFICATES}/app.pem\", key = {{ file = \"{CERTIFICATES}/app.key\" }} }}"
        ),
        format!(
            "{{ cert_file = \"{CERTIFICATES}/app.pem\", key = {{ command = [\"cat\", \"{CERTIFICATES}/app-pkcs1.key\"] }} }}"
        ),
        format!(
            "{{ pfx_file = \"{CERTIFICATES}/app.pfx\", password = {{ file = \"pfx-password\" }} }}"
        ),
        format!(
            "{{ pfx_file = \"{CERTIFICATES}/legacy.pfx\", password = {{ file = \"pfx-password\" }} }}"
        ),
    ] {
        let lines = format!("certificate = {certificate}");
        described.revokes(described.in_tenant(&lines)).await;
    }
    let key = std::fs::read_to_string(format!("{CERTIFICATES}/app.key")).unwrap();
    let key = key.lines().nth(1).unwrap();
    let written = described.written();
    assert!(
        !String::from_utf8_lossy(&written).contains(key),
        "the key was written down"
    );
}

#[tokio::test]
async fn a_certificate_is_checked_with_the_days_that_it_has_left() {
    let described = Described::new(tenant(certified(), admin())).await;
    let lines = |key: &str| {
        format!(
            "certificate = {{ cert_file = \"{CERTIFICATES}/app.pem\", key = {{ file = \"{CERTIFICATES}/{key}\" }} }}"
        )
    };
    let report = described
        .check(described.in_tenant(&lines("app.key")))
        .await;
    assert_eq!(level(&report, "signed-in"), Some(Level::Good), "{report:?}");
    assert_eq!(level(&report, "certificate-good"), Some(Level::Good));
    assert!(message(&report, "certificate-good").contains("days more"));
    let report = described
        .check(described.in_tenant(&lines("other.key")))
        .await;
    assert_eq!(
        level(&report, "certificate-unusable"),
        Some(Level::Bad),
        "{report:?}"
    );
    assert!(message(&report, "certificate-unusable").contains("another certificate"));
    // What cannot be read is never sent.
    assert_eq!(described.asked().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_the_application_does_not_know_is_told() {
    let described = Described::new(tenant(App::default(), admin())).await;
    let lines = format!(
        "certificate = {{ pfx_file = \"{CERTIFICATES}/app.pfx\", password = {{ file = \"p\" }} }}"
    );
    std::fs::write(described.0.folder().join("p"), "correct horse").unwrap();
    let why = described.stops(described.in_tenant(&lines)).await;
    assert!(
        why.contains("AADSTS700027") && why.contains("upload it"),
        "{why}"
    );
}

#[tokio::test]
async fn a_federated_token_is_read_anew_for_each_sign_in() {
    let subject = "system:serviceaccount:security:tipstaff";
    let app = App {
        secrets: Vec::new(),
        federated: vec![Federated {
            issuer: "https://oidc.cluster.example".into(),
            subject: subject.into(),
            audience: "api://AzureADTokenExchange".into(),
            issuer_certificate: None,
        }],
        ..App::default()
    };
    let described = Described::new(tenant(app, admin())).await;
    let file = described.0.folder().join("token");
    let write = |subject: &str| std::fs::write(&file, format!("{}\n", issued(subject))).unwrap();
    let connection = || described.in_tenant("federated_token = { file = \"token\" }");
    write("system:serviceaccount:security:another");
    let why = described.stops(connection()).await;
    assert!(
        why.contains("AADSTS700213") && why.contains("must match exactly"),
        "{why}"
    );
    let kept = Arc::new(connection());
    write(subject);
    let draft = described
        .0
        .host
        .plan(&described.0.action)
        .connection(Arc::clone(&kept));
    let plan = draft.assets(Assets::users([ADA])).prepare().await.unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;
    assert_eq!(ran.result(ADA), ("succeeded", "revoked"), "{ran:#?}");
    let command = format!(
        "federated_token = {{ command = [\"cat\", \"{}\"] }}",
        file.display()
    );
    described.revokes(described.in_tenant(&command)).await;
    std::fs::write(&file, "no token at all").unwrap();
    let ran = described.run(connection()).await;
    let warnings = ran.warnings.join(" ");
    assert!(warnings.contains("no JSON Web Token"), "{ran:#?}");
    let written = String::from_utf8_lossy(&described.written()).into_owned();
    assert!(!written.contains(&issued(subject)) && !written.contains("no token at all"));
}

/// A token of the outside issuer. Nobody looks at its signature, because the tenant has no certificate of the issuer.
fn issued(subject: &str) -> String {
    use base64::Engine as _;
    let part = |value: serde_json::Value| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let claims = serde_json::json!({
        "iss": "https://oidc.cluster.example", "sub": subject, "aud": "api://AzureADTokenExchange", "exp": 4_000_000_000_u64,
    });
    format!(
        "{}.{}.c2ln",
        part(serde_json::json!({"alg": "RS256"})),
        part(claims)
    )
}

#[tokio::test]
async fn a_user_signs_in_with_name_and_password() {
    const USER: &str = "sign_in = \"user\"\nusername = \"admin@contoso.example\"\npassword = { file = \"password\" }";
    let without_secret = Described::new(tenant(public(), admin())).await;
    without_secret.revokes(without_secret.in_tenant(USER)).await;
    let with_secret = Described::new(tenant(App::default(), admin())).await;
    let lines = format!("client_secret = {{ file = \"secret\" }}\n{USER}");
    with_secret.revokes(with_secret.in_tenant(&lines)).await;
    // A confidential application has to prove itself beside the user.
    let report = with_secret.check(with_secret.in_tenant(USER)).await;
    assert!(
        message(&report, "sign-in-failed").contains("AADSTS7000218"),
        "{report:?}"
    );
    let report = with_secret.check(with_secret.in_tenant(&lines)).await;
    assert!(
        message(&report, "signed-in-as").contains("the user admin@contoso.example"),
        "{report:?}"
    );
    assert_eq!(level(&report, "directory-role"), Some(Level::Good));
    let written = String::from_utf8_lossy(&with_secret.written()).into_owned();
    assert!(!written.contains(PASSWORD) && !written.contains("correct+horse"));
}

#[tokio::test]
async fn a_user_without_a_directory_role_is_told_which_is_needed() {
    let plain = User::member(ADMIN).with_password(PASSWORD);
    let described = Described::new(tenant(public(), plain)).await;
    let lines = "sign_in = \"user\"\nusername = \"admin@contoso.example\"\npassword = { file = \"password\" }";
    let ran = described.run(described.in_tenant(lines)).await;
    assert_eq!(ran.result(ADA), ("failed", "denied"), "{ran:#?}");
    let Ending::Stopped(why) = &ran.summary.ending else {
        panic!("{ran:#?}")
    };
    assert!(
        why.contains("User Administrator") && why.contains("the third"),
        "{why}"
    );
    let report = described.check(described.in_tenant(lines)).await;
    assert_eq!(
        level(&report, "no-directory-role"),
        Some(Level::Warning),
        "{report:?}"
    );
}

#[tokio::test]
async fn what_hinders_a_user_is_explained() {
    let cases: [(User, &str, &str); 6] = [
        (admin().locked(), "AADSTS50053", "locked"),
        (admin().disabled(), "AADSTS50057", "disabled"),
        (admin().with_expired_password(), "AADSTS50055", "change it"),
        (admin().with_mfa(Mfa::Required), "AADSTS50076", "otp_secret"),
        (
            admin().blocked_by_policy(),
            "AADSTS53003",
            "Conditional Access",
        ),
        (
            User::member(ADMIN).with_password("another"),
            "AADSTS50126",
            "lock the account",
        ),
    ];
    for (user, code, part) in cases {
        let described = Described::new(tenant(public(), user)).await;
        let lines = "sign_in = \"user\"\nusername = \"admin@contoso.example\"\npassword = { file = \"password\" }";
        let why = described.stops(described.in_tenant(lines)).await;
        assert!(why.contains(code) && why.contains(part), "{why}");
        assert_eq!(described.asked().len(), 1, "a password is tried once");
    }
}

const WITH_CODE: &str = "sign_in = \"user\"\nusername = \"admin@contoso.example\"\npassword = { file = \"password\" }\n\
                         otp_secret = { file = \"key\" }";

#[tokio::test]
async fn a_user_with_a_one_time_code_walks_through_the_pages() {
    let described = Described::new(tenant(public(), admin().with_otp_secret(KEY))).await;
    described.revokes(described.in_tenant(WITH_CODE)).await;
    let tenant = described.0.emulator.tenant_id();
    assert_eq!(
        described.asked(),
        [
            format!("/{tenant}/oauth2/v2.0/authorize").as_str(),
            "/common/GetCredentialType",
            "/common/login",
            "/common/SAS/BeginAuth",
            "/common/SAS/EndAuth",
            "/common/SAS/ProcessAuth",
            "/kmsi",
            format!("/{tenant}/oauth2/v2.0/token").as_str(),
        ]
    );
    // Neither the password, nor the key, nor anything of the pages is written down.
    let written = String::from_utf8_lossy(&described.written()).into_owned();
    for secret in [
        PASSWORD,
        "GEZDGNBV",
        "GEZD GNBV",
        "AQABIQEA",
        "rQQIARAA",
        "0.AEmu",
        "ESTSAUTH",
    ] {
        assert!(!written.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn two_runs_on_one_account_use_two_codes() {
    let described = Described::new(tenant(App::default(), admin().with_otp_secret(KEY))).await;
    let lines = format!("client_secret = {{ file = \"secret\" }}\n{WITH_CODE}");
    let one = described.check(described.in_tenant(&lines));
    let other = described.check(described.in_tenant(&lines));
    let (one, other) = tokio::join!(one, other);
    for report in [one, other] {
        assert_eq!(level(&report, "signed-in"), Some(Level::Good), "{report:?}");
    }
}

#[tokio::test]
async fn what_hinders_a_user_on_the_pages_is_explained_with_the_page() {
    let cases: [(User, &str, &str); 4] = [
        (
            admin().with_mfa(Mfa::MustEnrol),
            "AADSTS50079",
            "ConvergedProofUpRedirect",
        ),
        (
            admin().blocked_by_policy(),
            "AADSTS53003",
            "ConvergedConditionalAccess",
        ),
        (
            User::member(ADMIN)
                .with_password("another")
                .with_otp_secret(KEY),
            "AADSTS50126",
            "ConvergedSignIn",
        ),
        (
            admin().with_otp_secret("JBSWY3DPEHPK3PXP"),
            "AADSTS500121",
            "one-time code was not accepted",
        ),
    ];
    for (user, code, part) in cases {
        let described = Described::new(tenant(public(), user)).await;
        let why = described.stops(described.in_tenant(WITH_CODE)).await;
        assert!(why.contains(code) && why.contains(part), "{why}");
    }
    let nobody = Described::new(
        Tenant::builder()
            .app(public())
            .user(User::member(ADA))
            .build(),
    )
    .await;
    let why = nobody.stops(nobody.in_tenant(WITH_CODE)).await;
    assert!(why.contains("no such user"), "{why}");
    let described = Described::new(tenant(public(), admin().with_otp_secret(KEY))).await;
    std::fs::write(described.0.folder().join("key"), "no base32!").unwrap();
    let why = described.stops(described.in_tenant(WITH_CODE)).await;
    assert!(
        why.contains("base32") && !why.contains("no base32!"),
        "{why}"
    );
}

#[tokio::test]
async fn user_fields_beside_an_application_are_not_used_and_said_to_be_unused() {
    let described = Described::new(tenant(App::default(), admin())).await;
    let lines = "client_secret = { file = \"secret\" }\nusername = \"admin@contoso.example\"\n\
                 password = { file = \"password\" }\notp_secret = { file = \"key\" }\nsso_provider = true";
    described.revokes(described.in_tenant(lines)).await;
    assert_eq!(described.asked().len(), 1);
    let report = described.check(described.in_tenant(lines)).await;
    assert_eq!(
        level(&report, "user-fields-unused"),
        Some(Level::Warning),
        "{report:?}"
    );
    assert!(
        message(&report, "signed-in-as").contains("the application Tipstaff"),
        "{report:?}"
    );
    assert_eq!(level(&report, "clock-agrees"), Some(Level::Good));
}

#[tokio::test]
async fn a_sub_domain_names_the_tenant_and_is_proven_to_be_the_same() {
    let described = Described::new(tenant(App::default(), admin())).await;
    let secret = "client_secret = { file = \"secret\" }";
    let alone = format!("account_sub_domain = \"contoso\"\n{secret}");
    described.revokes(described.connection(&alone)).await;
    assert_eq!(
        described.asked(),
        ["/contoso.onmicrosoft.com/oauth2/v2.0/token"]
    );
    let report = described.check(described.in_tenant(&alone)).await;
    assert_eq!(
        level(&report, "same-tenant"),
        Some(Level::Good),
        "{report:?}"
    );
    let other = format!("account_sub_domain = \"fabrikam\"\n{secret}");
    let report = described.check(described.in_tenant(&other)).await;
    assert_eq!(
        level(&report, "tenant-unknown"),
        Some(Level::Warning),
        "{report:?}"
    );
    assert!(
        message(&report, "tenant-unknown").contains("HTTP 400"),
        "{report:?}"
    );
}

#[tokio::test]
async fn every_cloud_has_its_own_addresses_and_tenants() {
    for cloud in [Cloud::Global, Cloud::UsGov, Cloud::UsGovDod, Cloud::China] {
        let tenant = Tenant::builder().cloud(cloud).app(App::default());
        let described = Described::new(tenant.user(User::member(ADA)).build()).await;
        let lines = "client_secret = { file = \"secret\" }";
        described.revokes(described.in_tenant(lines)).await;
    }
    let described = Described::new(tenant(App::default(), admin())).await;
    for (cloud, login, graph) in [
        (
            "global",
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
        ),
        (
            "us-gov",
            "https://login.microsoftonline.us",
            "https://graph.microsoft.us",
        ),
        (
            "us-gov-dod",
            "https://login.microsoftonline.us",
            "https://dod-graph.microsoft.us",
        ),
        (
            "china",
            "https://login.partner.microsoftonline.cn",
            "https://microsoftgraph.chinacloudapi.cn",
        ),
    ] {
        let connection = described
            .in_tenant("client_secret = { file = \"secret\" }")
            .cloud(tipstaff::Cloud::Named(cloud.to_owned()));
        let draft = described
            .0
            .host
            .plan(&described.0.action)
            .connection(Arc::new(connection));
        let plan = draft.assets(Assets::users([ADA])).prepare().await.unwrap();
        let endpoints: Vec<_> = plan.endpoints().collect();
        assert_eq!(endpoints, [("graph", graph), ("login", login)], "{cloud}");
    }
}

#[tokio::test]
async fn fields_that_do_not_add_up_are_refused_before_anything_is_sent() {
    let described = Described::new(tenant(App::default(), admin())).await;
    for (lines, part) in [
        ("", "there is no `client_secret`"),
        (
            "client_secret = { file = \"secret\" }\nfederated_token = { file = \"key\" }",
            "are there together",
        ),
        ("sign_in = \"user\"\nusername = \"a\"", "needs `password`"),
        (
            "sign_in = \"admin\"\nclient_secret = { file = \"secret\" }",
            "neither `app` nor `user`",
        ),
        (
            "certificate = { cert_file = \"key\", key = { file = \"key\" } }",
            "holds no certificate",
        ),
        (
            "certificate = { pfx_file = \"gone.pfx\" }",
            "cannot be read",
        ),
        ("federated_token = { file = \"gone\" }", "cannot be read"),
    ] {
        let connection = Arc::new(described.in_tenant(lines));
        let draft = described
            .0
            .host
            .plan(&described.0.action)
            .connection(connection);
        let refused = draft.assets(Assets::users([ADA])).prepare().await;
        let Err(error @ PlanError::Access(_)) = refused else {
            panic!("{lines} was not refused")
        };
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
    assert!(described.0.emulator.journal().is_empty());
}

#[tokio::test]
async fn a_secret_of_an_embedding_program_does_for_every_way() {
    let described = Described::new(tenant(public(), admin().with_otp_secret(KEY))).await;
    let given = |text: &str| SecretSource::Given(tipstaff::Secret::new(text.to_owned()));
    let connection = described
        .in_tenant("sign_in = \"user\"\nusername = \"admin@contoso.example\"")
        .secret("password", given(PASSWORD))
        .secret("otp_secret", given(KEY));
    described.revokes(connection).await;
}

#[tokio::test]
async fn an_expired_secret_and_a_new_one_are_told_apart() {
    let expired = ClientSecret {
        value: App::DEFAULT_SECRET.into(),
        expires: Some("2020-01-01T00:00:00Z".parse().unwrap()),
    };
    let app = App {
        secrets: vec![expired],
        ..App::default()
    };
    let described = Described::new(tenant(app, admin())).await;
    let lines = "client_secret = { file = \"secret\" }";
    let why = described.stops(described.in_tenant(lines)).await;
    assert!(
        why.contains("AADSTS7000222") && why.contains("make a new one"),
        "{why}"
    );
}
