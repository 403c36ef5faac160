//! E13: the sign-in pages.

use std::time::Duration;

use base64::Engine as _;
use entra_emulator::{App, Mfa, Tenant, User};
use serde_json::{Value, json};

use crate::client::{Got, Trial, claims};

const ADA: &str = "ada@contoso.example";
/// base32 of `12345678901234567890`.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const VERIFIER: &str = "a-code-verifier-that-is-long-enough-to-be-one";

fn code_at(seconds: i64) -> String {
    let key = ring::hmac::Key::new(
        ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        b"12345678901234567890",
    );
    let digest = ring::hmac::sign(&key, &(seconds / 30).to_be_bytes());
    let digest = digest.as_ref();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn tenant() -> Tenant {
    let app = App {
        public: true,
        secrets: Vec::new(),
        ..App::default()
    };
    Tenant::builder()
        .app(app)
        .user(User::member(ADA).with_password("pw").with_otp_secret(SEED))
        .user(User::member("plain@contoso.example").with_password("pw"))
        .user(
            User::member("enrol@contoso.example")
                .with_password("pw")
                .with_mfa(Mfa::MustEnrol),
        )
        .user(
            User::member("asked@contoso.example")
                .with_password("pw")
                .interrupted_by("CmsiInterrupt"),
        )
        .user(
            User::member("blocked@contoso.example")
                .with_password("pw")
                .blocked_by_policy(),
        )
        .build()
}

/// The `$Config` of a page.
fn config(got: &Got) -> Value {
    assert!(got.text().contains("emulator"));
    let text = got
        .text()
        .split("$Config=")
        .nth(1)
        .unwrap()
        .split(";\n//]]>")
        .next()
        .unwrap();
    serde_json::from_str(text).unwrap()
}

fn text(config: &Value, name: &str) -> String {
    config[name]
        .as_str()
        .unwrap_or_else(|| unreachable!("{name} in {config}"))
        .to_owned()
}

/// A browser, as far as these pages need one.
struct Browser<'a> {
    trial: &'a Trial,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn new(trial: &'a Trial) -> Self {
        Self {
            trial,
            cookie: String::new(),
        }
    }

    fn url(&self, address: &str) -> String {
        if address.starts_with('/') {
            format!("{}{address}", self.trial.emulator.login_url())
        } else {
            address.to_owned()
        }
    }

    async fn begin(&self, more: &[(&str, &str)]) -> Got {
        let digest = ring::digest::digest(&ring::digest::SHA256, VERIFIER.as_bytes());
        let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        let id = self.trial.emulator.client_id();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("client_id", id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:51234"),
            (
                "scope",
                "https://graph.microsoft.com/User.Read offline_access openid",
            ),
            ("state", "st&te"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        query.extend_pairs(more);
        let path = format!(
            "/{}/oauth2/v2.0/authorize?{}",
            self.trial.emulator.tenant_id(),
            query.finish()
        );
        self.trial
            .ask("GET", self.url(&path))
            .header("cookie", self.cookie.clone())
            .send()
            .await
    }

    async fn password(&self, page: &Value, name: &str, password: &str) -> Got {
        let form = [
            ("login", name.to_owned()),
            ("loginfmt", name.to_owned()),
            ("passwd", password.to_owned()),
            ("canary", text(page, "canary")),
            ("ctx", text(page, "sCtx")),
            ("hpgrequestid", text(page, "sessionId")),
            ("flowToken", text(page, "sFT")),
        ];
        self.post(&text(page, "urlPost"), &form).await
    }

    async fn post(&self, address: &str, form: &[(&str, String)]) -> Got {
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.trial
            .ask("POST", self.url(address))
            .form(&form)
            .send()
            .await
    }

    async fn code(&self, page: &Value, code: &str) -> (Value, Value) {
        let begin = json!({
            "AuthMethodId": "PhoneAppOTP", "Method": "BeginAuth",
            "Ctx": page["sCtx"], "FlowToken": page["sFT"],
        });
        let begun = self
            .trial
            .ask("POST", text(page, "urlBeginAuth"))
            .json(&begin)
            .send()
            .await
            .json();
        assert_eq!(begun["Success"], true, "{begun}");
        let end = json!({
            "AuthMethodId": "PhoneAppOTP", "Method": "EndAuth", "Ctx": begun["Ctx"], "FlowToken": begun["FlowToken"],
            "SessionId": begun["SessionId"], "AdditionalAuthData": code, "PollCount": 1,
        });
        let ended = self
            .trial
            .ask("POST", text(page, "urlEndAuth"))
            .json(&end)
            .send()
            .await
            .json();
        (begun, ended)
    }

    async fn stay(&mut self, page: &Value) -> String {
        let form = [
            ("LoginOptions", "1".to_owned()),
            ("type", "28".to_owned()),
            ("ctx", text(page, "sCtx")),
            ("flowToken", text(page, "sFT")),
            ("canary", text(page, "canary")),
        ];
        let got = self.post(&text(page, "urlPost"), &form).await;
        assert_eq!(got.status, 302, "{got:?}");
        let cookies = got
            .headers
            .get_all("set-cookie")
            .into_iter()
            .map(|value| value.to_str().unwrap());
        let session = cookies
            .filter(|value| value.starts_with("ESTSAUTH="))
            .map(|value| value.split(';').next().unwrap());
        self.cookie = session.collect::<Vec<_>>().join("; ");
        got.header("location").unwrap().to_owned()
    }
}

fn code_of(location: &str) -> String {
    let url = url::Url::parse(location).unwrap();
    assert_eq!(
        (url.host_str(), url.port()),
        (Some("localhost"), Some(51234))
    );
    assert!(
        url.query_pairs()
            .any(|(name, value)| name == "state" && value == "st&te")
    );
    url.query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned()
}

async fn redeem(trial: &Trial, code: &str, verifier: &str) -> Got {
    let id = trial.emulator.client_id();
    let form = [
        ("client_id", id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "http://localhost:51234"),
        ("code_verifier", verifier),
    ];
    trial
        .ask("POST", trial.token_url())
        .form(&form)
        .send()
        .await
}

#[tokio::test]
async fn e13_a_person_signs_in_with_a_one_time_code_and_the_session_ends_with_a_revoke() {
    let trial = Trial::of(tenant()).await;
    trial.emulator.stop_clock();
    let mut browser = Browser::new(&trial);
    let page = config(&browser.begin(&[]).await);
    assert_eq!(page["pgid"], "ConvergedSignIn");
    let kind = json!({"username": ADA, "originalRequest": page["sCtx"], "flowToken": page["sFT"]});
    let kind = trial
        .ask("POST", text(&page, "urlGetCredentialType"))
        .json(&kind)
        .send()
        .await
        .json();
    assert_eq!(
        (&kind["IfExistsResult"], &kind["Credentials"]["HasPassword"]),
        (&0.into(), &true.into())
    );
    let mut page = page;
    page["sFT"] = kind["FlowToken"].clone();
    let page = config(&browser.password(&page, ADA, "pw").await);
    assert_eq!(
        (&page["pgid"], &page["arrUserProofs"][0]["authMethodId"]),
        (&"ConvergedTFA".into(), &"PhoneAppOTP".into())
    );
    let (_, ended) = browser
        .code(&page, &code_at(trial.emulator.now().as_second()))
        .await;
    assert_eq!(
        (&ended["Success"], &ended["ResultValue"]),
        (&true.into(), &"Success".into())
    );
    let form = [
        ("request", text(&ended, "Ctx")),
        ("flowToken", text(&ended, "FlowToken")),
        ("login", text(&page, "sPOST_Username")),
        ("type", "19".to_owned()),
        ("mfaAuthMethod", "PhoneAppOTP".to_owned()),
    ];
    let page = config(&browser.post(&text(&page, "urlPost"), &form).await);
    assert_eq!(page["pgid"], "KmsiInterrupt");
    let code = code_of(&browser.stay(&page).await);

    let got = redeem(&trial, &code, VERIFIER).await;
    assert_eq!(got.status, 200, "{got:?}");
    let token = got.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        (&claims(&token)["scp"], &claims(&token)["amr"]),
        (&"User.Read".into(), &json!(["pwd", "mfa"]))
    );
    assert!(got.json()["refresh_token"].is_string() && got.json()["id_token"].is_string());
    assert_eq!(
        trial
            .graph("GET", "/v1.0/me")
            .bearer(&token)
            .send()
            .await
            .json()["userPrincipalName"],
        ADA
    );
    assert_eq!(redeem(&trial, &code, VERIFIER).await.aadsts(), 54_005);

    // The browser stays signed in, until the sessions are cut.
    let again = browser.begin(&[]).await;
    assert_eq!(again.status, 302);
    assert_eq!(
        redeem(&trial, &code_of(again.header("location").unwrap()), "wrong")
            .await
            .aadsts(),
        501_481
    );
    trial
        .admin(
            "PATCH",
            &format!("/apps/{}", trial.emulator.client_id()),
            r#"{"scopes":["User.Read","User.RevokeSessions.All"]}"#,
        )
        .await;
    trial.emulator.change_app(App::DEFAULT_CLIENT_ID, |app| {
        (app.public, app.secrets) = (false, App::default().secrets)
    });
    let secret = [("client_secret", App::DEFAULT_SECRET)];
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let id = trial.emulator.client_id();
    let form: Vec<(&str, &str)> = form
        .into_iter()
        .chain(secret)
        .chain([("client_id", id.as_str())])
        .collect();
    let app = trial
        .ask("POST", trial.token_url())
        .form(&form)
        .send()
        .await
        .json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1.0/users/{ADA}/revokeSignInSessions");
    assert_eq!(
        trial.graph("POST", &path).bearer(&app).send().await.status,
        200
    );
    let page = config(&browser.begin(&[]).await);
    assert_eq!(
        (&page["pgid"], &page["sErrorCode"]),
        (&"ConvergedSignIn".into(), &"50133".into())
    );
    let silent = browser.begin(&[("prompt", "none")]).await;
    assert!(
        silent
            .header("location")
            .unwrap()
            .contains("error=login_required")
    );
}

#[tokio::test]
async fn e13_a_code_works_once() {
    let trial = Trial::of(tenant()).await;
    trial.emulator.stop_clock();
    let code = code_at(trial.emulator.now().as_second());
    let results = async |code: &str| {
        let browser = Browser::new(&trial);
        let page = config(&browser.begin(&[]).await);
        let page = config(&browser.password(&page, ADA, "pw").await);
        let (_, ended) = browser.code(&page, code).await;
        (
            ended["ResultValue"].as_str().unwrap().to_owned(),
            ended["ErrCode"].as_u64().unwrap(),
        )
    };
    assert_eq!(results(&code).await, ("Success".to_owned(), 0));
    assert_eq!(
        results(&code).await,
        (
            "PhoneAppOtpAuthFailedDuplicateCodeEntered".to_owned(),
            500_121
        )
    );
    assert_eq!(results("000000").await.1, 500_121);
    trial.emulator.advance_clock(Duration::from_secs(30));
    assert_eq!(
        results(&code_at(trial.emulator.now().as_second())).await,
        ("Success".to_owned(), 0)
    );
}

#[tokio::test]
async fn e13_every_obstacle_has_its_page() {
    let trial = Trial::of(tenant()).await;
    let browser = Browser::new(&trial);
    for (name, password, id, code) in [
        (ADA, "wrong", "ConvergedSignIn", "50126"),
        ("nobody@contoso.example", "pw", "ConvergedSignIn", "50034"),
        (
            "enrol@contoso.example",
            "pw",
            "ConvergedProofUpRedirect",
            "50079",
        ),
        (
            "blocked@contoso.example",
            "pw",
            "ConvergedConditionalAccess",
            "53003",
        ),
    ] {
        let page = config(&browser.begin(&[]).await);
        let page = config(&browser.password(&page, name, password).await);
        assert_eq!(
            (&page["pgid"], &page["sErrorCode"]),
            (&id.into(), &code.into()),
            "{name}"
        );
    }
    let page = config(&browser.begin(&[]).await);
    let page = config(&browser.password(&page, "asked@contoso.example", "pw").await);
    assert_eq!(page["pgid"], "CmsiInterrupt");
    let got = browser.post(&text(&page, "urlPost"), &[]).await;
    assert_eq!(got.status, 404);
    let page = config(&browser.begin(&[]).await);
    browser.password(&page, "plain@contoso.example", "pw").await;
    // The flow token was used up.
    let page = config(&browser.password(&page, "plain@contoso.example", "pw").await);
    assert_eq!(page["pgid"], "ConvergedError");
    let got = browser
        .begin(&[("redirect_uri", "https://evil.example/")])
        .await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn e13_a_fragment_can_carry_the_code_back() {
    let trial = Trial::of(tenant()).await;
    let mut browser = Browser::new(&trial);
    let page = config(&browser.begin(&[("response_mode", "fragment")]).await);
    let page = config(&browser.password(&page, "plain@contoso.example", "pw").await);
    let location = url::Url::parse(&browser.stay(&page).await).unwrap();
    assert_eq!(location.query(), None);
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(location.fragment().unwrap().as_bytes())
            .into_owned()
            .collect();
    assert!(fields.contains(&("state".to_owned(), "st&te".to_owned())));
    let code = fields.iter().find(|(name, _)| name == "code").unwrap();
    assert_eq!(redeem(&trial, &code.1, VERIFIER).await.status, 200);
    // A mode that there is not is refused before anybody types a password.
    let page = config(&browser.begin(&[("response_mode", "pigeon")]).await);
    assert_eq!(
        (&page["pgid"], &page["sErrorCode"]),
        (&"ConvergedError".into(), &"90013".into())
    );
}

#[tokio::test]
async fn e13_the_second_factor_takes_members_in_any_case() {
    let trial = Trial::of(tenant()).await;
    let browser = Browser::new(&trial);
    let page = config(&browser.begin(&[]).await);
    let page = config(&browser.password(&page, ADA, "pw").await);
    // As grizzly sends it.
    let begin = json!({
        "AuthMethodId": "PhoneAppOTP", "Method": "BeginAuth",
        "ctx": page["sCtx"], "flowToken": page["sFT"],
    });
    let begun = trial
        .ask("POST", text(&page, "urlBeginAuth"))
        .json(&begin)
        .send()
        .await
        .json();
    assert_eq!(begun["Success"], true, "{begun}");
}

#[tokio::test]
async fn e13_a_form_can_carry_the_code_back() {
    let trial = Trial::of(tenant()).await;
    let browser = Browser::new(&trial);
    let page = config(&browser.begin(&[("response_mode", "form_post")]).await);
    let page = config(&browser.password(&page, "plain@contoso.example", "pw").await);
    let form = [
        ("ctx", text(&page, "sCtx")),
        ("flowToken", text(&page, "sFT")),
    ];
    let got = browser.post(&text(&page, "urlPost"), &form).await;
    assert!(
        got.text().contains("name=\"hiddenform\"") && got.text().contains("value=\"st&amp;te\"")
    );
}
