//! How long to wait before another try.
//!
//! Pure: told what the service said and how many tries there were. Whether there is another try is not decided here.

use crate::dates::parse_http_date;
use std::time::Duration;

/// The longest that a service's word is believed; the host caps its holds at the same.
pub(crate) const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// The longest that we wait on our own account.
pub(crate) const LONGEST_OWN: Duration = Duration::from_secs(60);

/// The wait that a `Retry-After` header asks for, at most [`LONGEST_ASKED`]: whole seconds or an HTTP date (RFC 9110
/// section 10.2.3), and decimal seconds, which a sample of Graph's shows ("Microsoft Graph throttling guidance").
#[must_use]
pub(crate) fn retry_after(header: &str, now_unix: u64) -> Option<Duration> {
    let header = header.trim();
    if header.starts_with(|c: char| c.is_ascii_digit()) {
        let (whole, fraction) = header.split_once('.').unwrap_or((header, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return None;
        }
        // More digits than a number holds are more seconds than anybody waits.
        let seconds = whole.parse().map_or(LONGEST_ASKED, Duration::from_secs);
        let digits = fraction.bytes().chain(*b"00").take(3);
        let millis = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        return Some(
            seconds
                .saturating_add(Duration::from_millis(millis))
                .min(LONGEST_ASKED),
        );
    }
    let until = parse_http_date(header)?;
    Some(Duration::from_secs(until.saturating_sub(now_unix)).min(LONGEST_ASKED))
}

/// 1, 2, 4, … seconds after the first, second, third try, at most [`LONGEST_OWN`].
#[must_use]
pub(crate) fn exponential(tries: u32) -> Duration {
    let seconds = 1_u64
        .checked_shl(tries.saturating_sub(1))
        .unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(LONGEST_OWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a13_retry_after_in_all_its_forms() {
        let at = 784_111_777;
        assert_eq!(retry_after("10", at), Some(Duration::from_secs(10)));
        assert_eq!(
            retry_after(" 2.128 ", at),
            Some(Duration::from_millis(2_128))
        );
        assert_eq!(retry_after("0.5", at), Some(Duration::from_millis(500)));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:47 GMT", at),
            Some(Duration::from_secs(10))
        );
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:17 GMT", at),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("86400", at), Some(LONGEST_ASKED));
        assert_eq!(
            retry_after("9".repeat(400).as_str(), at),
            Some(LONGEST_ASKED)
        );
        assert_eq!(
            retry_after("Sun, 06 Nov 2094 08:49:47 GMT", at),
            Some(LONGEST_ASKED)
        );
        for text in [
            "", "soon", "-1", "1h", "NaN", "inf", "1,5", "1.", ".5", "1e3", "1.-5", "1.5.5",
        ] {
            assert_eq!(retry_after(text, at), None, "{text}");
        }
    }

    #[test]
    fn a13_waits_double_up_to_a_minute() {
        let waits: Vec<u64> = (1..=8).map(|tries| exponential(tries).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(exponential(u32::MAX), LONGEST_OWN);
        assert_eq!(exponential(0), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn no_header_waits_longer_than_the_cap(text in "\\PC{0,40}|[0-9.e]{0,20}", now in any::<u64>()) {
            if let Some(wait) = retry_after(&text, now) {
                prop_assert!(wait <= LONGEST_ASKED);
            }
        }
    }
}
