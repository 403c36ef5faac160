//! Judges the parts of an OData JSON batch, each as the call that it is.
//!
//! The body was read by [`crate::json`]; what leaves is written here, member by member, so nothing passes that was not
//! looked at. Sources: "Combine multiple HTTP requests using JSON batching" (Microsoft Graph), OData JSON Format 4.01
//! section 19.

use std::collections::HashSet;

use crate::admit::{Circumstances, Subject, allowed_in_mode, held_subject, name_in_member};
use crate::check::has_no_body;
use crate::declare::Effect;
use crate::grant::{Grant, NamingRule, Rule};
use crate::json::{Kind, Value, write_string};
use crate::refusal::{Refusal, Spot, shown};
use crate::target::{Target, decoded, read_query};
use crate::template::Step;

/// A part that was judged.
pub(crate) struct AdmittedPart {
    pub(crate) id: String,
    /// The rule's place in the grant.
    pub(crate) rule: usize,
    pub(crate) effect: Effect,
    pub(crate) subject: Option<Subject>,
}

/// What the parts of an envelope are judged by.
pub(crate) struct Judge<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) base: &'a [Step],
    pub(crate) max_parts: usize,
    pub(crate) calls: &'a [usize],
    pub(crate) by: Circumstances<'a>,
}

/// Bytes of a part's id.
const LONGEST_ID: usize = 64;

/// The members of a part.
#[derive(Default)]
struct Members<'d, 'a> {
    id: Option<Value<'d, 'a>>,
    method: Option<Value<'d, 'a>>,
    url: Option<Value<'d, 'a>>,
    headers: Option<Value<'d, 'a>>,
    body: Option<Value<'d, 'a>>,
}

impl Judge<'_> {
    /// Admits all parts or none, and gives the body that leaves.
    pub(crate) fn admit(
        &self,
        root: Value<'_, '_>,
        size: usize,
    ) -> Result<(Vec<AdmittedPart>, Vec<u8>), Refusal> {
        let bad = |why: &str| Refusal::Envelope {
            place: Spot::Body,
            why: why.to_owned(),
        };
        let mut members = root.members();
        let requests = match (members.next(), members.next()) {
            (Some((name, requests)), None)
                if name.is("requests") && requests.kind() == Kind::Array =>
            {
                requests
            }
            _ => return Err(bad("is not `{\"requests\":[…]}`")),
        };
        let mut parts: Vec<AdmittedPart> = Vec::new();
        let mut ids = HashSet::new();
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(b"{\"requests\":[");
        for part in requests.items() {
            if parts.len() >= self.max_parts {
                return Err(bad(&format!("has more than {} parts", self.max_parts)));
            }
            if !parts.is_empty() {
                out.push(b',');
            }
            let admitted = self.part(part, &mut out)?;
            // Ids are compared without case by the service.
            if !ids.insert(admitted.id.to_ascii_lowercase()) {
                return Err(bad(&format!("has the id `{}` twice", shown(&admitted.id))));
            }
            parts.push(admitted);
        }
        if parts.is_empty() {
            return Err(bad("has no parts"));
        }
        out.extend_from_slice(b"]}");
        Ok((parts, out))
    }

    fn part(&self, part: Value<'_, '_>, out: &mut Vec<u8>) -> Result<AdmittedPart, Refusal> {
        let unnamed = |why: &str| Refusal::Envelope {
            place: Spot::Body,
            why: why.to_owned(),
        };
        let members = Members::read(part).map_err(|why| unnamed(&why))?;
        let id = members.id.and_then(Value::string).filter(|id| is_id(id));
        let id =
            id.ok_or_else(|| unnamed("has a part without an id of 1 to 64 visible letters"))?;
        let refused = |what: &'static str, why: &str| Refusal::Envelope {
            place: Spot::Part(id.to_string(), what),
            why: why.to_owned(),
        };
        let method = members
            .method
            .and_then(Value::string)
            .ok_or_else(|| refused("method", "is not there"))?;
        let url = members
            .url
            .and_then(Value::string)
            .ok_or_else(|| refused("url", "is not there"))?;
        let (at, target) = self.call(&method, &url, &id)?;
        let rule = self.grant.rule(at);
        let parameters = read_query(target.query, &rule.query).map_err(|why| Refusal::Query {
            place: Spot::Part(id.to_string(), "the query"),
            why,
        })?;
        let json = self.headers(rule, members.headers, &id)?;
        if let Some(body) = members.body {
            if has_no_body(&rule.method) {
                return Err(refused("body", "may not be there with this method"));
            }
            // A string would be another content type in base64, which nobody looked into.
            if !matches!(body.kind(), Kind::Object | Kind::Array) {
                return Err(refused("body", "is neither an object nor a list"));
            }
            if !json {
                return Err(refused(
                    "body",
                    "needs the header `content-type` with `application/json`",
                ));
            }
        }
        let effect = rule.effect();
        allowed_in_mode(self.by.mode, rule, effect)?;
        let subject = match rule.subject() {
            None => None,
            Some(subject) => {
                let name = match &subject.naming {
                    NamingRule::Segment(place) => {
                        Ok(decoded(target.segments()[place - self.base.len()]).into_owned())
                    }
                    NamingRule::Filter(form) => form.name_in(&parameters),
                    NamingRule::JsonMember(pointer) => name_in_member(members.body, pointer),
                };
                Some(held_subject(rule, name, self.by.roster, Some(&id))?)
            }
        };
        members.write(out);
        Ok(AdmittedPart {
            id: id.into_owned(),
            rule: at,
            effect,
            subject,
        })
    }

    /// The call that a part belongs to, and its address below the base.
    fn call<'u>(
        &self,
        method: &str,
        url: &'u str,
        id: &str,
    ) -> Result<(usize, Target<'u>), Refusal> {
        let spot = |what| Spot::Part(id.to_owned(), what);
        if url.len() > self.by.limits.target {
            return Err(Refusal::Limit {
                limit: "bytes in an address",
                most: self.by.limits.target as u64,
            });
        }
        if url.contains('#') {
            return Err(Refusal::Path {
                place: spot("url"),
                why: "has a fragment",
            });
        }
        let (path, query) = match url.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (url, None),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let target = Target::read(path, query).map_err(|why| Refusal::Path {
            place: spot("url"),
            why,
        })?;
        let fits = |at: &usize| {
            let rule = self.grant.rule(*at);
            rule.method.as_str() == method
                && rule
                    .steps
                    .get(self.base.len()..)
                    .is_some_and(|rest| target.fits(rest))
        };
        let fitting = self.calls.iter().copied().filter(fits);
        match self.grant.by_filter(fitting, &target) {
            Some(at) => Ok((at, target)),
            None => Err(Refusal::NotGranted {
                method: shown(method),
                target: shown(&format!("part `{id}`: /{path}")),
            }),
        }
    }

    /// Judges a part's headers; says whether they announce JSON.
    fn headers(
        &self,
        rule: &Rule,
        headers: Option<Value<'_, '_>>,
        id: &str,
    ) -> Result<bool, Refusal> {
        let Some(headers) = headers else {
            return Ok(false);
        };
        let refused = |why| Refusal::Header {
            place: Spot::Part(id.to_owned(), "a header"),
            why,
        };
        if headers.kind() != Kind::Object {
            return Err(refused("is not in an object"));
        }
        let mut seen: Vec<String> = Vec::new();
        let mut json = false;
        for (name, value) in headers.members() {
            let name = name.string().unwrap_or_default().to_ascii_lowercase();
            let value = value.string().ok_or_else(|| refused("is not text"))?;
            if !value.bytes().all(|b| matches!(b, b' ' | 0x21..=0x7e)) {
                return Err(refused("has characters that a header cannot have"));
            }
            if seen.contains(&name) {
                return Err(refused("is there twice"));
            }
            match name.as_str() {
                "content-type" => {
                    json = is_json(&value);
                    if !json {
                        return Err(refused("says that the body is something else than JSON"));
                    }
                }
                "accept" => {}
                _ if rule
                    .request_headers
                    .iter()
                    .any(|declared| declared.as_str() == name) => {}
                _ => return Err(refused("was not declared")),
            }
            seen.push(name);
        }
        Ok(json)
    }
}

impl<'d, 'a> Members<'d, 'a> {
    /// Reads the members of a part. One that is not known could change what the others mean (`dependsOn`,
    /// `atomicityGroup`).
    fn read(part: Value<'d, 'a>) -> Result<Self, String> {
        if part.kind() != Kind::Object {
            return Err("has a part that is no object".to_owned());
        }
        let mut members = Self::default();
        for (name, value) in part.members() {
            let place = match name.string().as_deref() {
                Some("id") => &mut members.id,
                Some("method") => &mut members.method,
                Some("url") => &mut members.url,
                Some("headers") => &mut members.headers,
                Some("body") => &mut members.body,
                other => {
                    return Err(format!(
                        "has a part with the member `{}`",
                        shown(other.unwrap_or_default())
                    ));
                }
            };
            *place = Some(value);
        }
        Ok(members)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let named = [
            ("id", self.id),
            ("method", self.method),
            ("url", self.url),
            ("headers", self.headers),
            ("body", self.body),
        ];
        let mut separator = b'{';
        for (name, value) in named {
            if let Some(value) = value {
                out.push(separator);
                separator = b',';
                write_string(out, name);
                out.push(b':');
                value.write(out, &[]);
            }
        }
        out.push(b'}');
    }
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// `application/json`, with parameters of which none changes how it is read.
fn is_json(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let essence = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    essence
        && parts.all(|parameter| {
            parameter
                .to_ascii_lowercase()
                .trim_matches('"')
                .starts_with("charset=utf-8")
        })
}

#[cfg(test)]
mod tests;
