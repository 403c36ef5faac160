//! Claims challenges of continuous access evaluation.

use crate::base64;
use crate::json::Loose;

/// The claims that a 401 demands of the next token, as JSON ("How to use Continuous Access Evaluation enabled APIs").
#[must_use]
pub(crate) fn challenge(www_authenticate: &str) -> Option<String> {
    let mut rest = www_authenticate;
    loop {
        let at = rest.find("claims=\"")?;
        // A parameter starts after a blank or a comma; anything else is the end of another one's name.
        let starts = at == 0 || rest[..at].ends_with([' ', ',']);
        rest = &rest[at + "claims=\"".len()..];
        if starts {
            break;
        }
    }
    let decoded = String::from_utf8(base64::decode(rest.split('"').next()?)?).ok()?;
    let bounded = decoded.len() <= 4_096;
    let object = decoded.trim_start().starts_with('{')
        && serde_json::from_str::<Loose<'_>>(&decoded).is_ok();
    (bounded && object).then_some(decoded)
}
