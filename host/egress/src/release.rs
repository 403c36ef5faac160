//! Decides what a guest gets to see of an answer: the way to `http::Response`.
//!
//! Declared values are sealed, which puts a stand-in in their place everywhere in the answer; so are secrets that the
//! service reflects. What then still holds one of them in some encoding, or something like a token that was not declared,
//! is withheld. Headers pass by the call's list.

mod page;

use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue, LOCATION,
};
use http::{Response, StatusCode};

use self::page::Page;
use crate::admit::Admitted;
use crate::answer::{PartAnswer, Reading, parts};
use crate::client::Exchange;
use crate::cookies::Jars;
use crate::declare::FindingPlace;
use crate::error::Withheld;
use crate::grant::{Grant, Rule};
use crate::json::{Document, Kind, Value, write_string};
use crate::jwt;
use crate::scan::{DEEPEST, contains, layers};
use crate::standin::{StandIns, describe};
use crate::swap::Kept;
use crate::target::percent_decode;

/// Shorter values are not looked for: they would be found everywhere.
const SHORTEST: usize = 6;
/// Shorter values of cookies are words rather than secrets (`stsservicecookie=estsfd`), and stand in pages as such.
const SHORTEST_COOKIE: usize = 24;
/// Bytes in which a token is looked for within another encoding: nothing shorter is one.
const SHORTEST_TOKEN: usize = 32;

/// Releases an answer to the guest, or says why it is withheld.
pub(crate) fn release(
    grant: &Grant,
    admitted: &Admitted,
    exchange: &Exchange,
    reading: &Reading<'_>,
    kept: &[Kept],
    stand_ins: &StandIns,
    jars: &Jars,
) -> Result<Response<Bytes>, Withheld> {
    let rule = grant.rule(admitted.rule);
    let encoding = exchange.head.headers.get_all(CONTENT_ENCODING).iter();
    if encoding
        .map(HeaderValue::as_bytes)
        .any(|encoding| !encoding.eq_ignore_ascii_case(b"identity"))
    {
        return Err(Withheld::Compressed);
    }
    if let Reading::Ambiguous(fault) = reading {
        return Err(Withheld::Ambiguous {
            why: format!("the body {fault}"),
        });
    }
    let mut guard = Guard {
        hidden: Vec::new(),
        stand_ins,
    };
    for kept in kept {
        guard.hide(kept.expose(), kept.one.text(), describe(&kept.one.held));
    }
    if let Some(jar) = &rule.cookie_jar {
        jars.each(jar, grant.origin(rule), |name, value| {
            guard.hide_cookie(name, value)
        })?;
    }
    let page = match reading {
        Reading::Text => Page::read(rule, &exchange.body)?,
        Reading::Json(_) | Reading::Ambiguous(_) => Page::default(),
    };
    let answers = reading
        .document()
        .and_then(|document| Some((document, parts(admitted, document)?)));
    match (&answers, reading) {
        (Some((_, answers)), _) => {
            for answer in answers {
                if let (Some(at), Some(body)) = (answer.part, answer.body) {
                    guard.seal_members(grant.rule(admitted.parts[at].rule), body)?;
                }
            }
        }
        (None, Reading::Json(document)) => guard.seal_members(rule, document.root())?,
        // A sign-in that went well and cannot be read may hold its token in any form.
        (None, _)
            if seals_members(rule)
                && exchange.head.status.is_success()
                && !exchange.body.is_empty() =>
        {
            return Err(Withheld::Unreadable {
                why: "the body is no JSON".to_owned(),
            });
        }
        (None, _) => guard.seal_script(rule, &page)?,
    }
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = exchange.head.status;
    guard.seal_headers(rule, exchange)?;
    for name in exchange.head.headers.keys() {
        if *name == CONTENT_LENGTH || !may_see(rule, name) {
            continue;
        }
        for value in exchange.head.headers.get_all(name) {
            response
                .headers_mut()
                .append(name, guard.header(name, value)?);
        }
    }
    let body = match (&answers, reading) {
        (Some((document, answers)), _) => guard.envelope(grant, admitted, document, answers)?,
        (None, Reading::Json(document)) => guard.document(document)?,
        (None, _) if !page.is_plain() => Some(guard.page(&page)?),
        (None, _) => guard.text(&exchange.body)?,
    };
    // What was not changed goes on as it came.
    let body = Bytes::from(body.unwrap_or_else(|| exchange.body.to_vec()));
    if exchange.head.headers.contains_key(CONTENT_LENGTH)
        && exchange.head.status != StatusCode::NOT_MODIFIED
    {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    *response.body_mut() = body;
    Ok(response)
}

/// Headers that every call may see, those that it declared, and those that it seals.
fn may_see(rule: &Rule, name: &HeaderName) -> bool {
    let sealed = |place: &FindingPlace| match place {
        FindingPlace::Header(sealed) => sealed == name.as_str(),
        FindingPlace::LocationQuery(_) => *name == LOCATION,
        FindingPlace::JsonMember(_) | FindingPlace::ScriptVariable(..) => false,
    };
    [CONTENT_TYPE, CONTENT_LENGTH, DATE].contains(name)
        || rule.answer_headers.contains(name)
        || rule.seals.iter().any(|seal| sealed(&seal.found_in))
}

fn seals_members(rule: &Rule) -> bool {
    rule.seals
        .iter()
        .any(|seal| matches!(seal.found_in, FindingPlace::JsonMember(_)))
}

/// Knows what may not get through.
struct Guard<'a> {
    hidden: Vec<Hidden>,
    stand_ins: &'a StandIns,
}

/// A value, what is shown in its place, and what it is called.
struct Hidden {
    value: zeroize::Zeroizing<String>,
    instead: String,
    what: String,
}

impl Guard<'_> {
    fn hide(&mut self, value: &str, instead: &str, what: String) {
        if value.len() >= SHORTEST && !self.hidden.iter().any(|hidden| *hidden.value == value) {
            let value = zeroize::Zeroizing::new(value.to_owned());
            self.hidden.push(Hidden {
                value,
                instead: instead.to_owned(),
                what,
            });
            // A value that is part of another is looked for after it.
            self.hidden
                .sort_by_key(|hidden| std::cmp::Reverse(hidden.value.len()));
        }
    }

    fn seal(&mut self, name: &str, value: &str) -> Result<(), Withheld> {
        if value.len() < SHORTEST {
            return Err(Withheld::Unreadable {
                why: format!("`{name}` is too short to be sealed"),
            });
        }
        let instead = self
            .stand_ins
            .seal(name, value)
            .map_err(|error| Withheld::Unreadable {
                why: error.to_string(),
            })?;
        self.hide(value, &instead, format!("sealed value `{name}`"));
        Ok(())
    }

    /// A cookie's value has a stand-in that is good nowhere.
    fn hide_cookie(&mut self, name: &str, value: &str) -> Result<(), Withheld> {
        if value.len() < SHORTEST_COOKIE {
            return Ok(());
        }
        // No seal has this name, for it is not kebab-case.
        self.seal(&format!("cookie {}", crate::refusal::shown(name)), value)
    }

    fn seal_members(&mut self, rule: &Rule, root: Value<'_, '_>) -> Result<(), Withheld> {
        for seal in &rule.seals {
            let FindingPlace::JsonMember(member) = &seal.found_in else {
                continue;
            };
            let Some(value) = root.get(member).filter(|value| value.kind() != Kind::Null) else {
                continue;
            };
            match value.string() {
                Some(text) if text.is_empty() => {}
                Some(text) => self.seal(&seal.name, &text)?,
                None => {
                    return Err(Withheld::Unreadable {
                        why: format!("`{member}` is no text"),
                    });
                }
            }
        }
        Ok(())
    }

    fn seal_headers(&mut self, rule: &Rule, exchange: &Exchange) -> Result<(), Withheld> {
        for seal in &rule.seals {
            match &seal.found_in {
                FindingPlace::Header(name) => {
                    for value in exchange.head.headers.get_all(name) {
                        let text = value.to_str().map_err(|_| unreadable_header(name))?;
                        self.seal(&seal.name, text)?;
                    }
                }
                FindingPlace::LocationQuery(name) => {
                    for value in exchange.head.headers.get_all(LOCATION) {
                        let text = value.to_str().map_err(|_| unreadable_header("location"))?;
                        let query = text.split_once('?').map_or("", |(_, query)| query);
                        let query = query.split_once('#').map_or(query, |(query, _)| query);
                        for pair in query.split('&') {
                            if let Some((_, raw)) =
                                pair.split_once('=').filter(|(key, _)| key == name)
                            {
                                self.seal_parameter(&seal.name, raw)?;
                            }
                        }
                    }
                }
                FindingPlace::JsonMember(_) | FindingPlace::ScriptVariable(..) => {}
            }
        }
        Ok(())
    }

    /// What is sealed is the value; in the header stands its percent-encoded form.
    fn seal_parameter(&mut self, name: &str, raw: &str) -> Result<(), Withheld> {
        let value = percent_decode(raw, true).ok_or_else(|| Withheld::Unreadable {
            why: format!("`{name}` cannot be decoded"),
        })?;
        self.seal(name, &value)?;
        let known = self.hidden.iter().find(|hidden| *hidden.value == *value);
        if let Some(instead) = known.map(|hidden| hidden.instead.clone()) {
            self.hide(raw, &instead, format!("sealed value `{name}`"));
        }
        Ok(())
    }

    fn header(&self, name: &HeaderName, value: &HeaderValue) -> Result<HeaderValue, Withheld> {
        let place = || format!("header `{name}`");
        let Ok(text) = value.to_str() else {
            // Nobody can say what it is; nothing that the host seals looks like that.
            self.check(value.as_bytes(), &place)?;
            return Ok(value.clone());
        };
        match self.replaced(text) {
            None => {
                self.check(text.as_bytes(), &place)?;
                Ok(value.clone())
            }
            Some(changed) => {
                self.check(changed.as_bytes(), &place)?;
                HeaderValue::from_str(&changed).map_err(|_| unreadable_header(name.as_str()))
            }
        }
    }

    /// The document with stand-ins in it; `None` if nothing had to be changed.
    fn document(&self, document: &Document<'_>) -> Result<Option<Vec<u8>>, Withheld> {
        let instead = self.strings(document)?;
        let body = || "the body".to_owned();
        if instead.is_empty() {
            self.check(document.root().raw().as_bytes(), &body)?;
            return Ok(None);
        }
        let mut out = Vec::with_capacity(document.root().raw().len() + 64);
        document.write(&mut out, &borrowed(&instead));
        self.check(&out, &body)?;
        Ok(Some(out))
    }

    /// The answer to an envelope, written anew: of each part the id, the status, the headers that its call may see and
    /// the body.
    fn envelope(
        &self,
        grant: &Grant,
        admitted: &Admitted,
        document: &Document<'_>,
        answers: &[PartAnswer<'_, '_>],
    ) -> Result<Option<Vec<u8>>, Withheld> {
        let instead = self.strings(document)?;
        let instead = borrowed(&instead);
        let mut out = Vec::with_capacity(document.root().raw().len() + 64);
        out.extend_from_slice(b"{\"responses\":[");
        for (at, answer) in answers.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{\"id\":" } else { b",{\"id\":" });
            answer.id.write(&mut out, &instead);
            if let Some(status) = answer.status {
                out.extend_from_slice(b",\"status\":");
                status.write(&mut out, &instead);
            }
            if let Some(headers) = answer
                .headers
                .filter(|headers| headers.kind() == Kind::Object)
            {
                out.extend_from_slice(b",\"headers\":{");
                let rule = answer
                    .part
                    .map(|part| grant.rule(admitted.parts[part].rule));
                let mut first = true;
                for (name, value) in headers.members() {
                    let key = name.string().unwrap_or_default().to_ascii_lowercase();
                    if !value.is_string() || !part_may_see(rule, &key) {
                        continue;
                    }
                    if !first {
                        out.push(b',');
                    }
                    first = false;
                    write_string(&mut out, &name.string().unwrap_or_default());
                    out.push(b':');
                    value.write(&mut out, &instead);
                }
                out.push(b'}');
            }
            if let Some(body) = answer.body {
                out.extend_from_slice(b",\"body\":");
                body.write(&mut out, &instead);
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
        self.check(&out, &|| "the body".to_owned())?;
        Ok(Some(out))
    }

    /// Text that is no JSON; `None` if nothing had to be changed.
    fn text(&self, body: &[u8]) -> Result<Option<Vec<u8>>, Withheld> {
        if let Some(name) = assigned_token(body) {
            return Err(Withheld::Undeclared {
                place: format!("`{name}` of the body"),
            });
        }
        let body_place = || "the body".to_owned();
        let changed = std::str::from_utf8(body)
            .ok()
            .and_then(|text| self.replaced(text));
        self.check(changed.as_deref().map_or(body, str::as_bytes), &body_place)?;
        Ok(changed.map(String::into_bytes))
    }

    /// The strings of a document that have to be others: place and text. Stops at members that are tokens by name.
    fn strings(&self, document: &Document<'_>) -> Result<Vec<(usize, String)>, Withheld> {
        let raw = document.root().raw().as_bytes();
        let mut instead = Vec::new();
        let plainly = self
            .hidden
            .iter()
            .any(|hidden| contains(raw, hidden.value.as_bytes()));
        for string in document.strings() {
            // Without escapes, what is not in the text is not in the string.
            if !plainly && string.kind() == Kind::Plain {
                continue;
            }
            if let Some(changed) = string.string().and_then(|text| self.replaced(&text)) {
                instead.push((string.place(), changed));
            }
        }
        let declared =
            |value: Value<'_, '_>| instead.iter().any(|(place, _)| *place == value.place());
        undeclared(document.root(), &declared, 2).map_err(|name| {
            // A service that wants to can name a member by a secret.
            let name = self.replaced(&name).unwrap_or(name);
            Withheld::Undeclared {
                place: format!("member `{}`", crate::refusal::shown(&name)),
            }
        })?;
        Ok(instead)
    }

    /// The text with stand-ins in place of values. `None` if there are none in it.
    fn replaced(&self, text: &str) -> Option<String> {
        let mut changed: Option<String> = None;
        for hidden in &self.hidden {
            let now = changed.as_deref().unwrap_or(text);
            if contains(now.as_bytes(), hidden.value.as_bytes()) {
                changed = Some(now.replace(hidden.value.as_str(), &hidden.instead));
            }
        }
        changed
    }

    /// Makes sure that nothing gets through in some encoding: no value that is hidden, and nothing like a token.
    fn check(&self, text: &[u8], place: &dyn Fn() -> String) -> Result<(), Withheld> {
        let mut cut = None;
        for hidden in &self.hidden {
            let now: &[u8] = cut.as_deref().unwrap_or(text);
            if contains(now, hidden.instead.as_bytes()) {
                cut = Some(without(now, hidden.instead.as_bytes()));
            }
        }
        let text = cut.as_deref().unwrap_or(text);
        // Another character set (UTF-16) would have these between the letters.
        let packed: Vec<u8>;
        let text = if text.contains(&0) {
            packed = text.iter().copied().filter(|b| *b != 0).collect();
            &packed
        } else {
            text
        };
        let shortest = self
            .hidden
            .iter()
            .map(|hidden| hidden.value.len())
            .min()
            .unwrap_or(SHORTEST_TOKEN);
        let found = layers(text, shortest.min(SHORTEST_TOKEN), DEEPEST, &mut |layer| {
            let hidden = self
                .hidden
                .iter()
                .find(|hidden| contains(layer, hidden.value.as_bytes()));
            hidden
                .map(Some)
                .or_else(|| jwt::is_in(layer).then_some(None))
        });
        match found {
            None => Ok(()),
            Some((Some(hidden), form)) => Err(Withheld::Reflected {
                what: hidden.what.clone(),
                place: place(),
                form,
            }),
            Some((None, _)) => Err(Withheld::Undeclared { place: place() }),
        }
    }
}

fn part_may_see(rule: Option<&Rule>, name: &str) -> bool {
    matches!(name, "content-type" | "content-length" | "date")
        || rule.is_some_and(|rule| {
            rule.answer_headers
                .iter()
                .any(|declared| declared.as_str() == name)
        })
}

/// Looks for members that are tokens by their name and hold text, in JSON within strings too. Gives the name of one.
fn undeclared(
    value: Value<'_, '_>,
    declared: &dyn Fn(Value<'_, '_>) -> bool,
    depth: usize,
) -> Result<(), String> {
    for (name, member) in value.members() {
        let named = name.string().is_some_and(|name| is_token_name(&name));
        if named && !declared(member) && member.string().is_some_and(|text| !text.is_empty()) {
            return Err(name.string().unwrap_or_default().into_owned());
        }
        undeclared(member, declared, depth)?;
    }
    for item in value.items() {
        undeclared(item, declared, depth)?;
    }
    if value.kind() == Kind::Escaped
        && depth > 0
        && let Some(text) = value.string()
        && let Ok(inner) = Document::parse(text.as_bytes())
    {
        undeclared(inner.root(), &|_| false, depth - 1)?;
    }
    Ok(())
}

fn is_token_name(name: &str) -> bool {
    name.len() >= 6
        && name.is_char_boundary(name.len() - 6)
        && name[name.len() - 6..].eq_ignore_ascii_case("_token")
}

/// The name of something that ends in `_token` and is given a value in text that is no JSON: `id_token=…`,
/// `"id_token": "…`.
fn assigned_token(text: &[u8]) -> Option<String> {
    for at in memchr::memmem::find_iter(text, b"_token") {
        let mut rest = text[at + 6..]
            .iter()
            .copied()
            .skip_while(|b| matches!(b, b'"' | b'\'' | b'\\' | b' '));
        if !matches!(rest.next(), Some(b'=' | b':')) {
            continue;
        }
        let mut rest = rest.skip_while(|b| matches!(b, b'"' | b'\'' | b'\\' | b' '));
        if rest.next().is_some_and(|b| b.is_ascii_alphanumeric()) {
            let begin = text[..at]
                .iter()
                .rposition(|b| !b.is_ascii_alphanumeric() && *b != b'_')
                .map_or(0, |at| at + 1);
            return Some(crate::refusal::shown(&String::from_utf8_lossy(
                &text[begin..at + 6],
            )));
        }
    }
    None
}

fn unreadable_header(name: &str) -> Withheld {
    Withheld::Unreadable {
        why: format!("header `{name}` is no plain text"),
    }
}

fn borrowed(instead: &[(usize, String)]) -> Vec<(usize, &str)> {
    instead
        .iter()
        .map(|(place, text)| (*place, text.as_str()))
        .collect()
}

fn without(text: &[u8], what: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(text, what) {
        out.extend_from_slice(&text[from..at]);
        // What stood around it must not grow together.
        out.push(b' ');
        from = at + what.len();
    }
    out.extend_from_slice(&text[from..]);
    out
}

#[cfg(test)]
mod tests;
