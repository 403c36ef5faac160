//! Reads how long a service asks to wait (`Retry-After`, RFC 9110 section 10.2.3).

use std::time::{Duration, SystemTime};

use crate::pace::LONGEST_HOLD;

/// The wait that `value` asks for, at most ten minutes: seconds, with a fraction too (a sample of "Microsoft Graph
/// throttling guidance" has one), or a date. `None` if it is neither, or over already.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let number = !value.is_empty()
        && value.len() <= 32
        && value.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && value.bytes().filter(|b| *b == b'.').count() <= 1
        && value.starts_with(|c: char| c.is_ascii_digit());
    let wait = if number {
        // What is larger than can be held is capped below.
        Duration::try_from_secs_f64(value.parse().ok()?).unwrap_or(LONGEST_HOLD)
    } else {
        httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .ok()?
    };
    (!wait.is_zero()).then(|| wait.min(LONGEST_HOLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_fractions_and_dates_are_understood() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, wait) in [
            ("10", Some(10_000)),
            (" 2.128 ", Some(2_128)),
            ("0.5", Some(500)),
            ("0", None),
            ("601", Some(600_000)),
            ("99999999999999999999999999", Some(600_000)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("-1", None),
            ("1e3", None),
            ("1.2.3", None),
            (".5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(
                retry_after(value, now),
                wait.map(Duration::from_millis),
                "{value}"
            );
        }
    }
}
