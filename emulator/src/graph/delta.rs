//! Changes of users since a link was handed out ("Use delta query to track changes", "user: delta").

use super::permission::View;
use super::query::Query;
use super::select::Selection;
use super::{Context, Request, answers, users};
use crate::exchange::Answer;
use crate::settings::BasicProfile;
use crate::wire;

/// Entries of a page.
const PAGE: usize = 200;
/// How long a link is good.
const GOOD_FOR_MS: i64 = 7 * 86_400_000;

/// What a link stands for.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    /// Only changes after this one.
    since: u64,
    /// The last change when the round began.
    until: u64,
    /// Where the page begins.
    position: usize,
    issued_ms: i64,
    select: Option<String>,
}

impl Link {
    fn token(&self) -> String {
        let select = self.select.as_deref().unwrap_or("");
        wire::base64url(format!(
            "{} {} {} {} {select}",
            self.since, self.until, self.position, self.issued_ms
        ))
    }

    fn read(token: &str) -> Option<Self> {
        let text = String::from_utf8(wire::from_base64(token)?).ok()?;
        let mut parts = text.splitn(5, ' ');
        Some(Self {
            since: parts.next()?.parse().ok()?,
            until: parts.next()?.parse().ok()?,
            position: parts.next()?.parse().ok()?,
            issued_ms: parts.next()?.parse().ok()?,
            select: parts
                .next()
                .filter(|select| !select.is_empty())
                .map(str::to_owned),
        })
    }
}

/// `GET /users/delta`.
pub(crate) fn page(context: &Context<'_>, request: &Request<'_>) -> Answer {
    let query = Query::of(request.query);
    let now = context.asked.now;
    let directory = context.world.directory();
    let first = || Link {
        since: 0,
        until: directory.changes(),
        position: 0,
        issued_ms: now.ms(),
        select: query.select.clone(),
    };
    let link = match (query.skip_token.as_deref(), query.delta_token.as_deref()) {
        (None, None) => Some(first()),
        // Nothing of the past, only what comes.
        (None, Some("latest")) => Some(Link {
            since: directory.changes(),
            ..first()
        }),
        (Some(token), _) => Link::read(token),
        (None, Some(token)) => Link::read(token).map(|link| Link {
            until: directory.changes(),
            ..link
        }),
    };
    let Some(link) = link else {
        drop(directory);
        return answers::bad_request("Badly formed token.", &context.stamp);
    };
    if now.ms().saturating_sub(link.issued_ms) > GOOD_FOR_MS {
        drop(directory);
        return answers::of_status(410, None, None, None, context.asked.cloud, &context.stamp);
    }
    let Ok(selection) = Selection::new(link.select.as_deref(), View::Full, BasicProfile::Refuse)
    else {
        drop(directory);
        return answers::denied(&context.stamp);
    };
    let size = PAGE.min(context.world.settings().page_size.max(1));
    let mut value = Vec::new();
    let mut written = 0;
    let mut next = None;
    for (position, record) in directory.records().iter().enumerate().skip(link.position) {
        let is_new = record.changed > link.since;
        // A first round shows who is there; later ones also who went.
        let shown =
            is_new && (record.is_found(now) || (link.since > 0 && record.deleted.is_some()));
        if !shown {
            continue;
        }
        if written == size {
            next = Some(position);
            break;
        }
        value.extend_from_slice(if written == 0 { b"{" } else { b",{" });
        if record.deleted.is_some() {
            // Gone to the bin, from which it can be restored: `changed`.
            value.extend_from_slice(
                format!(
                    "\"id\":\"{}\",\"@removed\":{{\"reason\":\"changed\"}}",
                    record.user.id
                )
                .as_bytes(),
            );
        } else {
            if link
                .select
                .as_deref()
                .is_some_and(|select| !select.split(',').any(|name| name.trim() == "id"))
            {
                value.extend_from_slice(format!("\"id\":\"{}\",", record.user.id).as_bytes());
            }
            selection.write(&mut value, record, now, true);
        }
        value.push(b'}');
        written += 1;
    }
    drop(directory);
    let mut body = Vec::with_capacity(value.len() + 512);
    body.push(b'{');
    users::push_context(&mut body, context, &selection.context());
    let base = format!(
        "{}/{}/users/delta",
        context.asked.origin(),
        context.version.as_str()
    );
    let (member, url) = match next {
        Some(position) => {
            let link = Link { position, ..link };
            (
                "@odata.nextLink",
                format!("{base}?$skiptoken={}", link.token()),
            )
        }
        None => {
            let link = Link {
                since: link.until,
                position: 0,
                issued_ms: now.ms(),
                ..link
            };
            (
                "@odata.deltaLink",
                format!("{base}?$deltatoken={}", link.token()),
            )
        }
    };
    body.push(b',');
    wire::push_json_string(&mut body, member);
    body.push(b':');
    wire::push_json_string(&mut body, &url);
    body.extend_from_slice(b",\"value\":[");
    body.extend_from_slice(&value);
    body.extend_from_slice(b"]}");
    answers::data(body, 2, request.bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_read_back() {
        let link = Link {
            since: 1,
            until: 2,
            position: 3,
            issued_ms: 4,
            select: Some("id,displayName".into()),
        };
        assert_eq!(Link::read(&link.token()), Some(link));
        assert_eq!(Link::read("nonsense"), None);
    }
}
