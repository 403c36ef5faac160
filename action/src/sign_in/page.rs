//! One page of the sign-in, as far as it has to be understood.
//!
//! A page holds everything in one object, `$Config={…};`. The values that keep the way together are stand-ins.

use crate::json::Loose;
use serde::Deserialize;

/// The names of the pages that are known.
pub(super) mod id {
    pub(crate) const SIGN_IN: &str = "ConvergedSignIn";
    pub(crate) const SECOND_FACTOR: &str = "ConvergedTFA";
    pub(crate) const STAY_SIGNED_IN: &str = "KmsiInterrupt";
    pub(crate) const ENROL: &str = "ConvergedProofUpRedirect";
    pub(crate) const CONDITIONAL_ACCESS: &str = "ConvergedConditionalAccess";
    pub(crate) const ERROR: &str = "ConvergedError";
}

/// A page. What it does not hold is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Page {
    #[serde(rename = "pgid")]
    id: Text,
    #[serde(rename = "sFT")]
    flow_token: Text,
    #[serde(rename = "sCtx")]
    context: Text,
    canary: Text,
    #[serde(rename = "apiCanary")]
    api_canary: Text,
    #[serde(rename = "sessionId")]
    session_id: Text,
    hpgact: Text,
    hpgid: Text,
    country: Text,
    #[serde(rename = "urlPost")]
    post: Text,
    #[serde(rename = "urlGetCredentialType")]
    credential_type: Text,
    #[serde(rename = "urlBeginAuth")]
    begin: Text,
    #[serde(rename = "urlEndAuth")]
    end: Text,
    #[serde(rename = "sPOST_Username")]
    username: Text,
    #[serde(rename = "sErrorCode")]
    error: Text,
    #[serde(rename = "arrUserProofs")]
    proofs: Proofs,
}

/// A member that should be text, whatever it is.
#[derive(Debug, Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let loose = Loose::deserialize(deserializer)?;
        Ok(Self(loose.into_text().unwrap_or_default().into_owned()))
    }
}

/// The second factors that the person has. None, where the member is something else.
#[derive(Debug, Default)]
struct Proofs(Vec<String>);

impl<'de> Deserialize<'de> for Proofs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Proof {
            #[serde(default, rename = "authMethodId")]
            method: Text,
        }
        let proofs = Option::<Vec<Proof>>::deserialize(deserializer)?;
        let methods = proofs.into_iter().flatten().map(|proof| proof.method.0);
        Ok(Self(methods.collect()))
    }
}

impl Page {
    /// Reads a page; none if there is no such object in it.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        const ASSIGNED: &str = "$Config=";
        let text = std::str::from_utf8(body).ok()?;
        let at = text.find(ASSIGNED)?;
        let rest = &text[at + ASSIGNED.len()..];
        serde_json::Deserializer::from_str(rest)
            .into_iter()
            .next()?
            .ok()
    }

    /// Its name, fit for a message.
    pub(super) fn name(&self) -> &str {
        let plain = |name: &&str| {
            (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        Some(self.id.0.as_str()).filter(plain).unwrap_or("?")
    }

    /// What the service says went wrong.
    pub(super) fn error(&self) -> Option<u32> {
        self.error.0.parse().ok()
    }

    pub(super) fn flow_token(&self) -> &str {
        &self.flow_token.0
    }

    pub(super) fn renew_flow_token(&mut self, renewed: &str) {
        self.flow_token = Text(renewed.to_owned());
    }

    pub(super) fn context(&self) -> &str {
        &self.context.0
    }

    pub(super) fn canary(&self) -> &str {
        &self.canary.0
    }

    pub(super) fn api_canary(&self) -> &str {
        &self.api_canary.0
    }

    pub(super) fn session_id(&self) -> &str {
        &self.session_id.0
    }

    pub(super) fn country(&self) -> &str {
        &self.country.0
    }

    /// Numbers of the page that its own requests repeat.
    pub(super) fn headers(&self) -> [(&'static str, &str); 3] {
        [
            ("hpgact", &self.hpgact.0),
            ("hpgid", &self.hpgid.0),
            ("hpgrequestid", &self.session_id.0),
        ]
    }

    pub(super) fn post_url(&self) -> &str {
        &self.post.0
    }

    pub(super) fn credential_type_url(&self) -> &str {
        &self.credential_type.0
    }

    pub(super) fn begin_url(&self) -> &str {
        &self.begin.0
    }

    pub(super) fn end_url(&self) -> &str {
        &self.end.0
    }

    /// The person's name as the pages have it.
    pub(super) fn username(&self) -> &str {
        &self.username.0
    }

    /// Whether the person has this second factor.
    pub(super) fn has_factor(&self, method: &str) -> bool {
        self.proofs.0.iter().any(|held| held == method)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    #[test]
    fn a_page_is_read_whatever_stands_around_and_in_it() {
        let page = Page::read(
            br#"<html><script>//<![CDATA[
$Config={"pgid":"ConvergedTFA","sErrorCode":500121,"sFT":"a\u003cb","hpgact":1800,"canary":null,"country":{"x":1},
"arrUserProofs":[{"authMethodId":"PhoneAppOTP","isDefault":true},{"data":1}],"other":[1,2]};
//]]></script>"#,
        );
        let page = page.unwrap();
        assert_eq!(page.name(), id::SECOND_FACTOR);
        assert_eq!((page.error(), page.flow_token()), (Some(500_121), "a<b"));
        assert_eq!((page.canary(), page.country()), ("", ""));
        assert_eq!(page.headers()[0], ("hpgact", "1800"));
        assert!(page.has_factor("PhoneAppOTP") && !page.has_factor("OneWaySMS"));
    }

    #[test]
    fn what_is_no_page_is_none() {
        for body in [
            "",
            "<html></html>",
            "$Config=",
            "$Config={\"pgid\":",
            "\u{fffd}",
        ] {
            assert!(Page::read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Page::read(b"\xff$Config={}").is_none());
        let odd = Page::read(b"$Config={\"pgid\":\"<b>\"}").unwrap();
        assert_eq!((odd.name(), odd.error()), ("?", None));
    }
}
