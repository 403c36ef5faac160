//! Lists of users: filters, order, pages, counts.
//!
//! Sources: "List users", "Advanced query capabilities on Microsoft Entra ID objects".

use super::filter::{Filter, Index};
use super::permission::View;
use super::query::{self, Query};
use super::select::Selection;
use super::{Context, Request, answers, users};
use crate::clock::Moment;
use crate::exchange::Answer;
use crate::tenant::directory::{Directory, Record};
use crate::wire;

/// Entries of a page without `$top`.
const DEFAULT_PAGE: usize = 100;
/// The most entries of a page.
const LARGEST_PAGE: usize = 999;

/// What a list is of, after its options were checked.
struct Wanted {
    filter: Option<Filter>,
    search: Option<String>,
    order: Option<Order>,
}

/// `$orderby`.
#[derive(Clone, Copy)]
struct Order {
    by_display_name: bool,
    descending: bool,
}

/// `GET /users`.
pub(crate) fn page(context: &Context<'_>, request: &Request<'_>, view: View) -> Answer {
    let query = Query::of(request.query);
    let settings = context.world.settings();
    let Ok(selection) = Selection::new(query.select.as_deref(), view, settings.basic_profile)
    else {
        return answers::denied(&context.stamp);
    };
    let size = match page_size(&query, settings.page_size, context) {
        Ok(size) => size,
        Err(answer) => return answer,
    };
    drop(settings);
    let wanted = match Wanted::of(&query, request.eventual, context) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let start = match query.skip_token.as_deref().map(read_token) {
        None => 0,
        Some(Some(start)) => start,
        Some(None) => return bad("Skip token is not valid.", context),
    };
    let now = context.asked.now;
    let directory = context.world.directory();
    let sequence = wanted.sequence(&directory, now);
    let mut body = Vec::with_capacity(size.min(200) * 320 + 256);
    body.push(b'{');
    users::push_context(&mut body, context, &selection.context());
    if query.count && request.eventual {
        body.extend_from_slice(b",\"@odata.count\":");
        wire::push_number(&mut body, wanted.count(&directory, now) as u64);
    }
    let mut value = Vec::with_capacity(body.capacity());
    let mut written = 0;
    let mut next = None;
    for (position, record) in sequence.from(start, &directory) {
        if !wanted.has(record, now) {
            continue;
        }
        if written == size {
            next = Some(position);
            break;
        }
        value.extend_from_slice(if written == 0 { b"{" } else { b",{" });
        selection.write(&mut value, record, now, true);
        value.push(b'}');
        written += 1;
    }
    drop(directory);
    if let Some(position) = next {
        body.extend_from_slice(b",\"@odata.nextLink\":");
        let kept = query::without_paging(request.query);
        let joint = if kept.is_empty() { "" } else { "&" };
        let link = format!(
            "{}/{}/users?{kept}{joint}$skiptoken={}",
            context.asked.origin(),
            context.version.as_str(),
            token(position)
        );
        wire::push_json_string(&mut body, &link);
    }
    body.extend_from_slice(b",\"value\":[");
    body.extend_from_slice(&value);
    body.extend_from_slice(b"]}");
    answers::data(
        body,
        if query.select.is_some() || query.top.is_some_and(|top| top < 20) {
            1
        } else {
            2
        },
        request.bare,
    )
}

/// `GET /users/$count`.
pub(crate) fn count(context: &Context<'_>, request: &Request<'_>) -> Answer {
    if !request.eventual {
        return unsupported("$count is not currently supported.", context);
    }
    let query = Query {
        count: true,
        ..Query::of(request.query)
    };
    let wanted = match Wanted::of(&query, true, context) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let count = wanted.count(&context.world.directory(), context.asked.now);
    Answer::new(200)
        .header("Cache-Control", "no-cache")
        .header("x-ms-resource-unit", "1")
        .header("OData-Version", "4.0")
        .header("Content-Type", "text/plain")
        .body(count.to_string())
}

fn page_size(query: &Query, most: usize, context: &Context<'_>) -> Result<usize, Answer> {
    if query.skip {
        return Err(bad("'$skip' is not supported by the service.", context));
    }
    let invalid = |shown: &str| {
        let text = format!(
            "Invalid page size specified: '{shown}'. Must be between 1 and {LARGEST_PAGE} inclusive."
        );
        bad(&text, context)
    };
    let size = match (query.top, &query.bad_top) {
        (_, Some(shown)) => return Err(invalid(shown)),
        (Some(top @ 1..=LARGEST_PAGE), None) => top,
        (Some(top), None) => return Err(invalid(&top.to_string())),
        (None, None) => DEFAULT_PAGE,
    };
    Ok(size.min(most.max(1)))
}

fn bad(message: &str, context: &Context<'_>) -> Answer {
    answers::error(400, "Request_BadRequest", message, &context.stamp)
}

fn unsupported(message: &str, context: &Context<'_>) -> Answer {
    answers::error(400, "Request_UnsupportedQuery", message, &context.stamp)
}

/// Where a page goes on, in a form that nobody should read.
fn token(position: usize) -> String {
    wire::base64url(format!("emulator page {position}"))
}

fn read_token(token: &str) -> Option<usize> {
    let text = String::from_utf8(wire::from_base64(token)?).ok()?;
    text.strip_prefix("emulator page ")?.parse().ok()
}

impl Wanted {
    fn of(query: &Query, eventual: bool, context: &Context<'_>) -> Result<Self, Answer> {
        let filter = match query.filter.as_deref().map(Filter::parse) {
            None => None,
            Some(Ok(filter)) => Some(filter),
            Some(Err(unreadable)) => return Err(bad(&unreadable.0, context)),
        };
        let advanced = eventual && query.count;
        if !advanced && filter.as_ref().is_some_and(Filter::is_advanced) {
            return Err(unsupported("Unsupported Query.", context));
        }
        let search = match query.search.as_deref() {
            None => None,
            Some(_) if !eventual => {
                return Err(unsupported(
                    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
                    context,
                ));
            }
            Some(text) => Some(text.trim_matches('"').to_owned()),
        };
        let order = match query.order_by.as_deref() {
            None => None,
            Some(_) if filter.is_some() && !advanced => {
                return Err(unsupported(
                    "Sorting not supported for current query.",
                    context,
                ));
            }
            Some(text) => Some(
                Order::of(text)
                    .ok_or_else(|| unsupported("Unsupported sort property.", context))?,
            ),
        };
        Ok(Self {
            filter,
            search,
            order,
        })
    }

    fn has(&self, record: &Record, now: Moment) -> bool {
        record.is_found(now)
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.fits(record, now))
            && self
                .search
                .as_deref()
                .is_none_or(|search| is_search_hit(record, search))
    }

    fn count(&self, directory: &Directory, now: Moment) -> usize {
        self.sequence(directory, now)
            .from(0, directory)
            .filter(|(_, record)| self.has(record, now))
            .count()
    }

    fn sequence(&self, directory: &Directory, now: Moment) -> Sequence {
        if let Some(order) = self.order {
            let mut indices: Vec<usize> = (0..directory.records().len()).collect();
            indices.sort_by_cached_key(|index| {
                directory.get(*index).map(|record| {
                    let text = if order.by_display_name {
                        &record.user.display_name
                    } else {
                        &record.user.principal_name
                    };
                    text.to_lowercase()
                })
            });
            if order.descending {
                indices.reverse();
            }
            return Sequence::Chosen(indices);
        }
        match self.filter.as_ref().and_then(Filter::index) {
            Some(Index::Name(name)) => {
                Sequence::Chosen(directory.find(name, now).into_iter().collect())
            }
            Some(Index::Alias(alias, value)) => {
                Sequence::Chosen(directory.with_alias(alias, value))
            }
            None => Sequence::All,
        }
    }
}

impl Order {
    fn of(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let by_display_name = match words.next()? {
            name if name.eq_ignore_ascii_case("displayName") => true,
            name if name.eq_ignore_ascii_case("userPrincipalName") => false,
            _ => return None,
        };
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return None,
        };
        Some(Self {
            by_display_name,
            descending,
        })
    }
}

/// `displayName:ada` in `$search`: words of a property that start so.
fn is_search_hit(record: &Record, search: &str) -> bool {
    let Some((property, text)) = search.split_once(':') else {
        return false;
    };
    let text = text.trim().to_lowercase();
    let found = match property.trim().to_ascii_lowercase().as_str() {
        "displayname" => record.user.display_name.to_lowercase(),
        "mail" => record.user.mail.as_deref().unwrap_or("").to_lowercase(),
        "userprincipalname" => record.user.principal_name.to_lowercase(),
        _ => return false,
    };
    found.starts_with(&text)
        || found
            .split([' ', '.', '@', '-'])
            .any(|word| word.starts_with(&text))
}

/// The order in which people are looked at. Positions in it are what page tokens hold.
enum Sequence {
    All,
    Chosen(Vec<usize>),
}

impl Sequence {
    fn from<'d>(
        &'d self,
        start: usize,
        directory: &'d Directory,
    ) -> Box<dyn Iterator<Item = (usize, &'d Record)> + 'd> {
        match self {
            Self::All => Box::new(directory.records().iter().enumerate().skip(start)),
            Self::Chosen(indices) => Box::new(indices.iter().enumerate().skip(start).filter_map(
                |(position, index)| directory.get(*index).map(|record| (position, record)),
            )),
        }
    }
}
