//! The query options of a Graph request, read once.

use crate::wire;

/// The options that mean something here. Names may be written without the dollar sign, as Graph allows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) select: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) search: Option<String>,
    pub(crate) order_by: Option<String>,
    pub(crate) top: Option<usize>,
    /// `$top` that is no number.
    pub(crate) bad_top: Option<String>,
    pub(crate) count: bool,
    pub(crate) expand: bool,
    pub(crate) skip: bool,
    pub(crate) skip_token: Option<String>,
    pub(crate) delta_token: Option<String>,
}

impl Query {
    pub(crate) fn of(text: &str) -> Self {
        let mut query = Self::default();
        if text.is_empty() {
            return query;
        }
        for (name, value) in wire::form_pairs(text.as_bytes()) {
            let name = name.trim_start_matches('$').to_ascii_lowercase();
            match name.as_str() {
                "select" => query.select = Some(value),
                "filter" => query.filter = Some(value),
                "search" => query.search = Some(value),
                "orderby" => query.order_by = Some(value),
                "top" => match value.parse() {
                    Ok(top) => query.top = Some(top),
                    Err(_) => query.bad_top = Some(value),
                },
                "count" => query.count = value.eq_ignore_ascii_case("true"),
                "expand" => query.expand = !value.is_empty(),
                "skip" => query.skip = true,
                "skiptoken" => query.skip_token = Some(value),
                "deltatoken" => query.delta_token = Some(value),
                _ => {}
            }
        }
        query
    }
}

/// `text` without its paging options, as the start of the query of a link to a further page.
pub(crate) fn without_paging(text: &str) -> String {
    let kept: Vec<&str> = text
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or("").to_ascii_lowercase();
            !pair.is_empty() && !name.ends_with("skiptoken") && !name.ends_with("deltatoken")
        })
        .collect();
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_with_and_without_the_dollar_sign() {
        let query = Query::of("$select=id,mail&top=5&%24filter=mail%20eq%20'a%2Bb'&$count=true");
        assert_eq!(query.select.as_deref(), Some("id,mail"));
        assert_eq!((query.top, query.count), (Some(5), true));
        assert_eq!(query.filter.as_deref(), Some("mail eq 'a+b'"));
        assert_eq!(Query::of("$top=x").bad_top.as_deref(), Some("x"));
    }

    #[test]
    fn links_keep_everything_but_the_page() {
        assert_eq!(
            without_paging("$top=1&$skiptoken=abc&$select=id"),
            "$top=1&$select=id"
        );
        assert_eq!(without_paging(""), "");
    }
}
