//! The sign-in pages, as far as the logic has to walk through them. The emulator's are faithful; these go wrong when a
//! test says so.

use super::{Entry, World};
use revoke_user_sessions::service::{Answer, Method, SendFailure};
use serde_json::{Value, json};

/// A page, by its name, with an error.
pub fn page(id: &str, error: Option<u32>) -> String {
    let config = json!({
        "pgid": id, "sFT": format!("flow-of-{id}"), "sCtx": "ctx/1", "canary": "can+ary", "apiCanary": "api-canary",
        "sessionId": "session", "hpgact": 1800, "hpgid": 1104, "country": "NL",
        "urlPost": post_url(id), "urlGetCredentialType": "https://login.test/common/GetCredentialType",
        "urlBeginAuth": "https://login.test/common/SAS/BeginAuth", "urlEndAuth": "https://login.test/common/SAS/EndAuth",
        "sPOST_Username": "ada@contoso.example", "sErrorCode": error.map(|code| code.to_string()),
        "arrUserProofs": [{"authMethodId": "PhoneAppNotification"}, {"authMethodId": "PhoneAppOTP"}],
    });
    format!("<html><script>//<![CDATA[\n$Config={config};\n//]]></script></html>")
}

fn post_url(id: &str) -> &'static str {
    match id {
        "ConvergedSignIn" => "/common/login?mkt=en",
        "ConvergedTFA" => "https://login.test/common/SAS/ProcessAuth",
        _ => "/kmsi",
    }
}

/// Where a page's script leads to, by the path that it was asked at.
pub type Pages = Box<dyn FnMut(&str) -> Option<Reply>>;

/// What a test has the pages answer.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Reply {
    pub fn page(id: &str, error: Option<u32>) -> Self {
        Self::body(200, &page(id, error))
    }

    pub fn body(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
        }
    }

    pub fn redirect(location: &str) -> Self {
        Self {
            status: 302,
            headers: vec![("Location", location.to_owned())],
            body: String::new(),
        }
    }
}

impl World {
    pub(super) fn page(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<Answer, SendFailure> {
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let changed = (self.pages.borrow_mut())(bare);
        let reply = changed.unwrap_or_else(|| self.expected(method, bare, query, body));
        let headers = reply.headers.into_iter();
        Ok(Answer {
            status: reply.status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: reply.body.into_bytes(),
        })
    }

    /// What the real pages do, if each request is right.
    fn expected(&self, method: Method, path: &str, query: &str, body: &str) -> Reply {
        let form = |name: &str| {
            let pair = body
                .split('&')
                .find(|pair| pair.starts_with(&format!("{name}=")));
            pair.map(|pair| pair[name.len() + 1..].to_owned())
        };
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        assert_eq!(method == Method::Get, body.is_empty());
        match path {
            path if path.ends_with("/oauth2/v2.0/authorize") => {
                assert!(
                    query.contains("redirect_uri=http%3A%2F%2Flocalhost&"),
                    "{query}"
                );
                assert!(query.contains("code_challenge_method=S256"), "{query}");
                Reply::page("ConvergedSignIn", Some(50_058))
            }
            "/common/GetCredentialType" => {
                assert_eq!(json["username"], "ada@contoso.example");
                assert_eq!(json["flowToken"], "flow-of-ConvergedSignIn");
                assert_eq!(json["originalRequest"], "ctx/1");
                assert_eq!(self.header("canary").as_deref(), Some("api-canary"));
                assert_eq!(self.header("hpgid").as_deref(), Some("1104"));
                let kind = json!({"IfExistsResult": 0, "Credentials": {"HasPassword": true}, "FlowToken": "renewed"});
                Reply::body(200, &kind.to_string())
            }
            "/common/login" => {
                assert_eq!(form("passwd").as_deref(), Some("standinofthepassword"));
                assert_eq!(form("flowToken").as_deref(), Some("renewed"));
                assert_eq!(form("ctx").as_deref(), Some("ctx%2F1"));
                assert_eq!(form("canary").as_deref(), Some("can%2Bary"));
                Reply::page("ConvergedTFA", None)
            }
            "/common/SAS/BeginAuth" => {
                assert_eq!(json["FlowToken"], "flow-of-ConvergedTFA");
                self.step("begun")
            }
            "/common/SAS/EndAuth" => {
                assert_eq!(json["FlowToken"], "begun");
                assert_eq!(json["AdditionalAuthData"], "standinofaonetimecode");
                assert_eq!(json["SessionId"], "session-2");
                self.step("ended")
            }
            "/common/SAS/ProcessAuth" => {
                assert_eq!(form("flowToken").as_deref(), Some("ended"));
                assert_eq!(form("login").as_deref(), Some("ada%40contoso.example"));
                Reply::page("KmsiInterrupt", None)
            }
            "/kmsi" => {
                assert_eq!(form("LoginOptions").as_deref(), Some("3"));
                let state = self.state();
                Reply::redirect(&format!(
                    "http://localhost/?code=standinofthecode&state={state}"
                ))
            }
            other => unreachable!("{other} is no page"),
        }
    }

    fn step(&self, token: &str) -> Reply {
        let said = json!({
            "Success": true, "ResultValue": "Success", "ErrCode": 0, "FlowToken": token, "Ctx": "ctx/2",
            "SessionId": "session-2",
        });
        Reply::body(200, &said.to_string())
    }

    /// The state that the last way through the pages began with.
    pub fn state(&self) -> String {
        let journal = self.journal.borrow();
        let mut starts = journal.iter().rev().filter_map(|entry| {
            let (_, rest) = entry.path.split_once("&state=")?;
            Some(rest.split('&').next()?.to_owned())
        });
        starts.next().unwrap()
    }

    fn header(&self, name: &str) -> Option<String> {
        let journal = self.journal.borrow();
        let entry: &Entry = journal.last()?;
        let mut headers = entry.headers.iter();
        headers
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.clone())
    }
}
