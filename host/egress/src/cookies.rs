//! Keeps cookies for the host, so that a guest can walk through sign-in pages without holding one.
//!
//! A jar is named by the manifest and belongs to one session; within it cookies are kept by the origin that set them and
//! leave to that origin alone, in calls of the same jar (RFC 6265, stricter in this: `Domain` widens nothing).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use zeroize::Zeroizing;

use crate::addresses::Origin;
use crate::secret::Secret;

/// Cookies of one origin in one jar.
const MOST: usize = 50;
/// Bytes of a name and a value (RFC 6265 section 6.1).
const LONGEST: usize = 4096;

/// The jars of one session.
#[derive(Default)]
pub(crate) struct Jars(Mutex<HashMap<(String, Origin), Vec<Cookie>>>);

struct Cookie {
    name: String,
    value: Secret,
    path: String,
    expires: Option<SystemTime>,
}

impl Jars {
    /// The `Cookie` header for a request to `path`.
    pub(crate) fn header(
        &self,
        jar: &str,
        origin: &Origin,
        path: &str,
        now: SystemTime,
    ) -> Option<HeaderValue> {
        let jars = self.lock();
        let cookies = jars.get(&(jar.to_owned(), origin.clone()))?;
        let mut fitting: Vec<&Cookie> = cookies
            .iter()
            .filter(|cookie| cookie.is_alive(now) && path_fits(path, &cookie.path))
            .collect();
        // RFC 6265 section 5.4: longer paths first, then the older ones; the sort keeps the order of the rest.
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let room = fitting
            .iter()
            .map(|cookie| cookie.name.len() + cookie.value.expose().len() + 3)
            .sum();
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        for cookie in &fitting {
            if !text.is_empty() {
                text.extend_from_slice(b"; ");
            }
            text.extend_from_slice(cookie.name.as_bytes());
            text.push(b'=');
            text.extend_from_slice(cookie.value.expose().as_bytes());
        }
        if text.is_empty() {
            return None;
        }
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Keeps what an answer to a request to `path` sets.
    pub(crate) fn keep(
        &self,
        jar: &str,
        origin: &Origin,
        path: &str,
        headers: &HeaderMap,
        now: SystemTime,
    ) {
        let set = headers.get_all(SET_COOKIE);
        let set = set.iter().filter_map(|value| value.to_str().ok());
        let mut jars = self.lock();
        for text in set {
            let Some(cookie) = Cookie::read(text, origin.name(), path, now) else {
                continue;
            };
            let cookies = jars.entry((jar.to_owned(), origin.clone())).or_default();
            cookies.retain(|old| old.name != cookie.name || old.path != cookie.path);
            if cookie.is_alive(now) {
                if cookies.len() >= MOST {
                    drop(cookies.remove(0));
                }
                cookies.push(cookie);
            }
        }
    }

    /// Shows every value that is kept for `origin`, with the name of its cookie.
    pub(crate) fn each<E>(
        &self,
        jar: &str,
        origin: &Origin,
        mut show: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let jars = self.lock();
        let cookies = jars.get(&(jar.to_owned(), origin.clone()));
        for cookie in cookies.into_iter().flatten() {
            show(&cookie.name, cookie.value.expose())?;
        }
        Ok(())
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, Origin), Vec<Cookie>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cookie {
    /// Reads a `Set-Cookie` header (RFC 6265 section 5.2). `None` if it is to be ignored.
    fn read(text: &str, host: &str, request_path: &str, now: SystemTime) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let plain = |b: u8| (0x21..=0x7e).contains(&b) && b != b',';
        if name.is_empty()
            || name.len() + value.len() > LONGEST
            || !name.bytes().all(plain)
            || !value.bytes().all(|b| plain(b) || matches!(b, b' ' | b','))
        {
            return None;
        }
        let (mut path, mut expires, mut max_age) = (None, None, None);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" => path = Some(value).filter(|path| path.starts_with('/')),
                "expires" => expires = date(value).or(expires),
                "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
                "domain" if !domain_fits(host, value) => return None,
                _ => {}
            }
        }
        // RFC 6265 section 5.3: `Max-Age` wins.
        let expires = match max_age {
            Some(seconds) => Some(match u64::try_from(seconds) {
                Ok(seconds) if seconds > 0 => {
                    now.checked_add(Duration::from_secs(seconds.min(400 * 86_400)))?
                }
                _ => SystemTime::UNIX_EPOCH,
            }),
            None => expires,
        };
        Some(Self {
            name: name.to_owned(),
            value: Secret::new(value.to_owned()),
            path: path.map_or_else(|| default_path(request_path), str::to_owned),
            expires,
        })
    }

    fn is_alive(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

/// A date as servers write it: also `Thu, 01-Jan-1970 00:00:00 GMT`.
fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text)
        .or_else(|_| httpdate::parse_http_date(&text.replacen('-', " ", 2)))
        .ok()
}

fn domain_fits(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.');
    let ends = |host: &str| {
        host.len() > domain.len()
            && host.as_bytes()[host.len() - domain.len() - 1] == b'.'
            && host.is_char_boundary(host.len() - domain.len())
            && host[host.len() - domain.len()..].eq_ignore_ascii_case(domain)
    };
    domain.is_empty() || host.eq_ignore_ascii_case(domain) || ends(host)
}

/// RFC 6265 section 5.1.4.
fn default_path(request_path: &str) -> String {
    match request_path.rfind('/') {
        Some(at) if at > 0 && request_path.starts_with('/') => request_path[..at].to_owned(),
        _ => "/".to_owned(),
    }
}

/// RFC 6265 section 5.1.4.
fn path_fits(request: &str, cookie: &str) -> bool {
    match request.strip_prefix(cookie) {
        Some(rest) => rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn now() -> SystemTime {
        NOW + Duration::from_secs(1_795_420_800)
    }

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    fn set(jars: &Jars, from: &Origin, path: &str, cookies: &[&str]) {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        jars.keep("pages", from, path, &headers, now());
    }

    fn sent(jars: &Jars, to: &Origin, path: &str) -> String {
        let value = jars.header("pages", to, path, now());
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn cookies_go_back_to_the_origin_that_set_them_and_nowhere_else() {
        let (jars, login) = (Jars::default(), origin("https://login.example"));
        set(
            &jars,
            &login,
            "/common/login",
            &[
                "a=1; path=/; secure; HttpOnly",
                "b=2; Domain=.login.example",
            ],
        );
        assert_eq!(sent(&jars, &login, "/common/login"), "b=2; a=1");
        assert_eq!(sent(&jars, &login, "/kmsi"), "a=1");
        assert_eq!(sent(&jars, &origin("https://sub.login.example"), "/"), "");
        assert_eq!(sent(&jars, &origin("https://login.example:8443"), "/"), "");
        assert_eq!(jars.header("other", &login, "/", now()), None);
        jars.clear();
        assert_eq!(sent(&jars, &login, "/"), "");
    }

    #[test]
    fn a_cookie_is_replaced_and_ended() {
        let (jars, login) = (Jars::default(), origin("https://login.example"));
        set(&jars, &login, "/", &["a=1", "b=2; Max-Age=60", "c=3"]);
        set(
            &jars,
            &login,
            "/",
            &[
                "a=9",
                "b=; Max-Age=0",
                "c=; expires=Thu, 01-Jan-1970 00:00:01 GMT",
            ],
        );
        assert_eq!(sent(&jars, &login, "/x"), "a=9");
        set(&jars, &login, "/", &["d=4; Max-Age=60"]);
        let later = now() + Duration::from_secs(61);
        let value = jars.header("pages", &login, "/", later).unwrap();
        assert_eq!(value, "a=9");
        assert!(value.is_sensitive());
    }

    #[test]
    fn what_is_no_cookie_of_this_host_is_ignored() {
        let (jars, login) = (Jars::default(), origin("https://login.example"));
        let long = format!("long={}", "x".repeat(LONGEST));
        set(
            &jars,
            &login,
            "/",
            &[
                "novalue",
                "=x",
                "a=1; Domain=evil.example",
                "b=1; Domain=n.example",
                "c d=1",
                &long,
            ],
        );
        assert_eq!(sent(&jars, &login, "/"), "");
        set(&jars, &login, "/", &["p=1; path=/deep"]);
        assert_eq!(sent(&jars, &login, "/deeper"), "");
        assert_eq!(sent(&jars, &login, "/deep/er"), "p=1");
    }

    #[test]
    fn jars_are_bounded() {
        let (jars, login) = (Jars::default(), origin("https://login.example"));
        for n in 0..=MOST {
            set(&jars, &login, "/", &[&format!("n{n}=1")]);
        }
        let header = sent(&jars, &login, "/");
        assert_eq!(header.split("; ").count(), MOST);
        assert!(!header.contains("n0="));
    }
}
