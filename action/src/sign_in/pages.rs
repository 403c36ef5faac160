//! Walks through the sign-in pages as a browser would: name, password, one-time code, and back with a code to redeem.
//!
//! Microsoft documents none of this and may change it; so a page that is not known ends the sign-in with its name, and
//! nothing is tried twice. The pages' tokens, the password and the one-time code are stand-ins, cookies stay with the
//! host, and no redirect is followed: each request is one that the manifest declares.

use super::SignIn;
use super::form::Form;
use super::page::{Page, id};
use super::refusal::{NoToken, refused, stopped, unanswered, unreadable};
use crate::base64;
use crate::chance::Chance;
use crate::json::Loose;
use crate::manifest::END_CODE;
use crate::names::push_form_value;
use crate::service::{Answer, Method, Request, Service};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Where the pages send a native application back to; nothing listens there, and nothing asks for it.
pub(super) const REDIRECT: &str = "http://localhost";

/// A one-time code of an authenticator app, as the pages call it.
const FACTOR: &str = "PhoneAppOTP";
/// Pages on one way. The longest that is known has four.
const MOST_PAGES: usize = 8;

/// A code to redeem.
pub(super) struct Code {
    pub(super) stand_in: String,
    /// What proves that it was asked for here (RFC 7636).
    pub(super) verifier: String,
}

/// One way through the pages.
pub(super) struct Walk<'a, S> {
    sign_in: &'a SignIn,
    service: &'a S,
    chance: &'a Chance,
    username: &'a str,
    password: &'a str,
}

/// Where a request has led to.
enum Place {
    Page(Box<Page>),
    /// Back, with a code.
    Back(String),
}

/// What was given to the pages already; nothing is given twice.
#[derive(Default)]
struct Given {
    password: bool,
    code: bool,
    stay: bool,
}

impl<'a, S: Service> Walk<'a, S> {
    pub(super) fn new(
        sign_in: &'a SignIn,
        service: &'a S,
        chance: &'a Chance,
        username: &'a str,
        password: &'a str,
    ) -> Self {
        Self {
            sign_in,
            service,
            chance,
            username,
            password,
        }
    }

    /// Walks to the end.
    pub(super) async fn code(&self, claims: Option<&str>) -> Result<Code, NoToken> {
        let verifier = self.unguessable();
        let state = self.unguessable();
        let mut place = self.start(claims, &verifier, &state).await?;
        let mut given = Given::default();
        for _ in 0..MOST_PAGES {
            let page = match place {
                Place::Back(stand_in) => return Ok(Code { stand_in, verifier }),
                Place::Page(page) => page,
            };
            let answer = match page.name() {
                id::SIGN_IN if !given.password => {
                    given.password = true;
                    self.give_password(*page).await?
                }
                id::SECOND_FACTOR if !given.code => {
                    given.code = true;
                    self.give_code(&page).await?
                }
                id::STAY_SIGNED_IN if !given.stay => {
                    given.stay = true;
                    self.do_not_stay(&page).await?
                }
                id::ENROL => return Err(stopped(id::ENROL, page.error().or(Some(50_079)))),
                id::CONDITIONAL_ACCESS => {
                    return Err(stopped(
                        id::CONDITIONAL_ACCESS,
                        page.error().or(Some(53_003)),
                    ));
                }
                known @ (id::SIGN_IN | id::SECOND_FACTOR | id::STAY_SIGNED_IN | id::ERROR) => {
                    return Err(stopped(known, page.error()));
                }
                other => {
                    return Err(NoToken::lasting(format!(
                        "The sign-in pages came to one that is not known here (page `{other}`). Sign in once in a browser \
                         to see what it asks for, or sign in as the application, which has no pages."
                    )));
                }
            };
            place = self.read(&answer, &state)?;
        }
        Err(NoToken::lasting(
            "The sign-in pages went on without an end. Sign in as the application, which has no pages.",
        ))
    }

    /// "Microsoft identity platform and OAuth 2.0 authorization code flow", with the challenge of RFC 7636 section 4.2.
    async fn start(
        &self,
        claims: Option<&str>,
        verifier: &str,
        state: &str,
    ) -> Result<Place, NoToken> {
        let challenge = base64::encode_url(&Sha256::digest(verifier.as_bytes()));
        let mut query = Form::default();
        query.add("client_id", &self.sign_in.client_id);
        query.add("response_type", "code");
        query.add("redirect_uri", REDIRECT);
        query.add("response_mode", "query");
        query.add("scope", &self.sign_in.scope);
        query.add("state", state);
        query.add("code_challenge", &challenge);
        query.add("code_challenge_method", "S256");
        if let Some(claims) = claims {
            query.add("claims", claims);
        }
        let mut path = self.sign_in.path("oauth2/v2.0/authorize");
        path.push('?');
        path.push_str(query.as_query());
        let request = self.sign_in.get(path, "text/html", self.chance);
        let answer = self.send(request).await?;
        self.read(&answer, state)
    }

    async fn give_password(&self, mut page: Page) -> Result<Answer, NoToken> {
        self.ask_about_user(&mut page).await?;
        let mut form = Form::default();
        form.add("login", self.username);
        form.add("loginfmt", self.username);
        form.add("passwd", self.password);
        form.add("canary", page.canary());
        form.add("ctx", page.context());
        form.add("hpgrequestid", page.session_id());
        form.add("flowToken", page.flow_token());
        self.submit(page.post_url(), form).await
    }

    /// Asks how the user signs in, as the page does before it shows the field for the password. The answer renews the
    /// flow token.
    async fn ask_about_user(&self, page: &mut Page) -> Result<(), NoToken> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Question<'q> {
            username: &'q str,
            is_other_idp_supported: bool,
            check_phones: bool,
            #[serde(rename = "isRemoteNGCSupported")]
            is_remote_ngc_supported: bool,
            is_cookie_banner_shown: bool,
            is_fido_supported: bool,
            original_request: &'q str,
            country: &'q str,
            #[serde(rename = "forceotclogin")]
            force_otc_login: bool,
            is_external_federation_disallowed: bool,
            is_remote_connect_supported: bool,
            federation_flags: u32,
            is_signup: bool,
            flow_token: &'q str,
            is_access_pass_supported: bool,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        struct Kind<'k> {
            #[serde(borrow)]
            if_exists_result: Loose<'k>,
            #[serde(borrow)]
            credentials: Credentials<'k>,
            #[serde(borrow)]
            flow_token: Loose<'k>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        struct Credentials<'k> {
            #[serde(borrow)]
            has_password: Loose<'k>,
            #[serde(borrow)]
            federation_redirect_url: Loose<'k>,
        }
        let question = Question {
            username: self.username,
            is_other_idp_supported: true,
            check_phones: false,
            is_remote_ngc_supported: true,
            is_cookie_banner_shown: false,
            is_fido_supported: false,
            original_request: page.context(),
            country: page.country(),
            force_otc_login: false,
            is_external_federation_disallowed: false,
            is_remote_connect_supported: false,
            federation_flags: 0,
            is_signup: false,
            flow_token: page.flow_token(),
            is_access_pass_supported: false,
        };
        let mut request = self.json(page.credential_type_url(), &question)?;
        let canary = ("canary", page.api_canary());
        for (name, value) in page.headers().into_iter().chain([canary]) {
            if !value.is_empty()
                && value.len() <= 4_096
                && value.bytes().all(|b| b.is_ascii_graphic())
            {
                request.headers.push((name, value.to_owned()));
            }
        }
        let answer = self.send(request).await?;
        let kind: Kind<'_> = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        if kind.if_exists_result.text() == Some("1") {
            return Err(stopped(id::SIGN_IN, Some(50_034)));
        }
        if kind.credentials.federation_redirect_url.text().is_some() {
            return Err(NoToken::lasting(
                "The user signs in at another identity provider, whose pages this action does not know. Use a user of the \
                 tenant itself, or sign in as the application.",
            ));
        }
        if kind.credentials.has_password.flag() == Some(false) {
            return Err(NoToken::lasting(
                "The user has no password, so a password cannot sign in. Use another user, or sign in as the application.",
            ));
        }
        if let Some(renewed) = kind.flow_token.text() {
            page.renew_flow_token(renewed);
        }
        Ok(())
    }

    /// Begins, gives the code, and goes on to the next page.
    async fn give_code(&self, page: &Page) -> Result<Answer, NoToken> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Begin<'b> {
            auth_method_id: &'b str,
            method: &'b str,
            ctx: &'b str,
            flow_token: &'b str,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct End<'e> {
            auth_method_id: &'e str,
            method: &'e str,
            ctx: &'e str,
            flow_token: &'e str,
            session_id: &'e str,
            additional_auth_data: &'e str,
            poll_count: u32,
        }
        if !page.has_factor(FACTOR) {
            return Err(NoToken::lasting(
                "The user's second factor is no authenticator app with codes: add one to the account (\"a different \
                 authenticator app\") and give its secret key as `otp_secret`, or sign in as the application.",
            ));
        }
        let begin = Begin {
            auth_method_id: FACTOR,
            method: "BeginAuth",
            ctx: page.context(),
            flow_token: page.flow_token(),
        };
        let begun = self.step(page.begin_url(), &begin).await?;
        let code = self.service.one_time_code("otp_secret", END_CODE).await;
        let code = code.map_err(|why| {
            NoToken::lasting(format!("There is no one-time code to sign in with: {why}."))
        })?;
        let end = End {
            auth_method_id: FACTOR,
            method: "EndAuth",
            ctx: &begun.ctx,
            flow_token: &begun.flow_token,
            session_id: &begun.session_id,
            additional_auth_data: &code,
            poll_count: 1,
        };
        let ended = self.step(page.end_url(), &end).await?;
        let mut form = Form::default();
        form.add("type", "19");
        form.add("GeneralVerify", "false");
        form.add("request", &ended.ctx);
        form.add("mfaAuthMethod", FACTOR);
        if !page.canary().is_empty() {
            form.add("canary", page.canary());
        }
        form.add("login", page.username());
        form.add("flowToken", &ended.flow_token);
        form.add("hpgrequestid", page.session_id());
        self.submit(page.post_url(), form).await
    }

    /// "Stay signed in?": no. A session that outlives the run is of no use to it.
    async fn do_not_stay(&self, page: &Page) -> Result<Answer, NoToken> {
        let mut form = Form::default();
        form.add("LoginOptions", "3");
        form.add("type", "28");
        form.add("ctx", page.context());
        form.add("flowToken", page.flow_token());
        form.add("canary", page.canary());
        form.add("hpgrequestid", page.session_id());
        self.submit(page.post_url(), form).await
    }

    /// One request of the page that asks for the second factor.
    async fn step(&self, url: &str, body: &impl Serialize) -> Result<Step, NoToken> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        struct Said<'s> {
            #[serde(borrow)]
            success: Loose<'s>,
            #[serde(borrow)]
            err_code: Loose<'s>,
            #[serde(borrow)]
            flow_token: Loose<'s>,
            #[serde(borrow)]
            ctx: Loose<'s>,
            #[serde(borrow)]
            session_id: Loose<'s>,
        }
        let answer = self.send(self.json(url, body)?).await?;
        let said: Said<'_> = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        if said.success.flag() != Some(true) {
            let code = said.err_code.text().and_then(|code| code.parse().ok());
            let code = code.filter(|code| *code != 0);
            return Err(stopped(id::SECOND_FACTOR, code.or(Some(500_121))));
        }
        let text = |loose: Loose<'_>| loose.into_text().unwrap_or_default().into_owned();
        Ok(Step {
            flow_token: text(said.flow_token),
            ctx: text(said.ctx),
            session_id: text(said.session_id),
        })
    }

    /// Finds out where an answer has led to.
    fn read(&self, answer: &Answer, state: &str) -> Result<Place, NoToken> {
        if matches!(answer.status, 302 | 303) {
            return back(answer.header("location").unwrap_or_default(), state).map(Place::Back);
        }
        let page = Page::read(&answer.body).ok_or_else(|| {
            NoToken::lasting(
                "The sign-in pages answered with something that is none of them. Sign in as the application, which has no \
                 pages, or see what stands between this machine and the sign-in service.",
            )
        })?;
        Ok(Place::Page(Box::new(page)))
    }

    async fn submit(&self, url: &str, form: Form) -> Result<Answer, NoToken> {
        let path = self.path_of(url)?;
        let mut request = self.sign_in.post(path, form.into_body(), self.chance);
        // As a form of a page is sent, and answered by a page.
        request.headers[0] = ("accept", "text/html".into());
        self.send(request).await
    }

    fn json(&self, url: &str, body: &impl Serialize) -> Result<Request, NoToken> {
        Ok(Request {
            method: Method::Post,
            origin: self.sign_in.origin.clone(),
            path: self.path_of(url)?,
            headers: vec![
                ("accept", "application/json".into()),
                ("content-type", "application/json".into()),
                ("client-request-id", self.chance.guid()),
            ],
            body: serde_json::to_vec(body).map_err(|_| unreadable())?,
        })
    }

    async fn send(&self, request: Request) -> Result<Answer, NoToken> {
        let answer = self.service.send(request).await.map_err(unanswered)?;
        if matches!(answer.status, 200 | 302 | 303) {
            Ok(answer)
        } else {
            Err(refused(self.service, &answer))
        }
    }

    /// The path of an address that a page names. It has to be at the sign-in service, whose pages they are; the host
    /// lets nothing through that the manifest does not declare, in any case.
    fn path_of(&self, url: &str) -> Result<String, NoToken> {
        let path = match url.strip_prefix(self.sign_in.origin.as_str()) {
            Some(path) => path,
            None => url,
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        if path.starts_with('/') && !path.starts_with("//") {
            Ok(path.to_owned())
        } else {
            Err(NoToken::lasting(
                "The sign-in pages lead to another place than the sign-in service. Use a user of the tenant itself, or \
                 sign in as the application.",
            ))
        }
    }

    /// 64 letters that nobody guesses.
    fn unguessable(&self) -> String {
        let mut text = String::with_capacity(64);
        for _ in 0..4 {
            let written = write!(text, "{:016x}", self.service.random());
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        text
    }
}

/// What a step of the second factor leaves for the next.
struct Step {
    flow_token: String,
    ctx: String,
    session_id: String,
}

/// Reads the address that the pages send back to: a code, or why there is none.
fn back(location: &str, state: &str) -> Result<String, NoToken> {
    let query = location
        .strip_prefix(REDIRECT)
        .map(|rest| rest.strip_prefix('/').unwrap_or(rest))
        .and_then(|rest| rest.strip_prefix('?'));
    let query = query.ok_or_else(|| {
        NoToken::lasting(
            "The sign-in pages lead to another place than back. The user may sign in at another identity provider: use a \
             user of the tenant itself, or sign in as the application.",
        )
    })?;
    let query = query.split('#').next().unwrap_or_default();
    let value = |name: &str| {
        let pair = query.split('&').find(|pair| {
            pair.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('='))
        });
        pair.map(|pair| &pair[name.len() + 1..])
    };
    if value("error").is_some() {
        let description = value("error_description").unwrap_or_default();
        return Err(stopped("back", aadsts_in(description)));
    }
    let mut expected = String::new();
    push_form_value(&mut expected, state);
    match value("code") {
        Some(code) if value("state") == Some(&*expected) && !code.is_empty() => Ok(code.to_owned()),
        _ => Err(unreadable()),
    }
}

/// The code that an error's description begins with: `AADSTS50058: …`.
fn aadsts_in(description: &str) -> Option<u32> {
    let rest = description.strip_prefix("AADSTS")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_has_a_code_for_whoever_asked() {
        let good = "http://localhost/?code=AbC123&state=s1&session_state=x";
        assert_eq!(back(good, "s1"), Ok("AbC123".to_owned()));
        assert_eq!(
            back("http://localhost?code=AbC&state=s1#x", "s1"),
            Ok("AbC".to_owned())
        );
        for location in [
            "http://localhost/?code=AbC123&state=other",
            "http://localhost/?code=AbC123",
            "http://localhost/?code=&state=s1",
            "http://localhost.evil.example/?code=AbC123&state=s1",
            "https://adfs.contoso.com/adfs/ls/?code=AbC123&state=s1",
            "",
        ] {
            assert!(back(location, "s1").is_err(), "{location}");
        }
    }

    #[test]
    fn the_way_back_can_say_why_there_is_no_code() {
        let location = "http://localhost/?error=access_denied&error_description=AADSTS65001%3A+The+user&state=s1";
        let refusal = back(location, "s1").err();
        let message = refusal.map(|refusal| refusal.message).unwrap_or_default();
        assert!(
            message.contains("AADSTS65001") && message.contains("consent"),
            "{message}"
        );
    }
}
