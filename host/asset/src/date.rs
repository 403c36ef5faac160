//! Which values of an asset are moments in time.
//!
//! Adapters write dates in many ways and say nowhere which field is one, so whoever compares with a date asks here. It
//! is read in one way only: what is not one of the forms below is no date. Nothing here knows what time it is.
//!
//! | Form | Example |
//! | --- | --- |
//! | RFC 3339, with `T` or a space, seconds and fraction optional, the offset also as `+0200` or `+02` | `2026-11-20T08:00:00.123Z` |
//! | the same without an offset: UTC | `2026-11-20 08:00` |
//! | a day: its midnight in UTC | `2026-11-20` |
//! | RFC 9110 section 5.6.7, and RFC 5322 section 3.3 | `Fri, 20 Nov 2026 08:00:00 GMT` |
//! | a JSON number: milliseconds since 1970 | `1795161600000` |

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::{Number, Value};

/// The longest text that is looked at, in bytes.
const MAX_BYTES: usize = 64;

/// The moment that a value of an asset stands for, if it is a date.
#[must_use]
pub fn of_value(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => of_text(text),
        Value::Number(number) => of_number(number),
        _ => None,
    }
}

/// The moment that `text` stands for, if it has the form of a date.
#[must_use]
pub fn of_text(text: &str) -> Option<Timestamp> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut rest = Digits(text.as_bytes());
    match rest.date() {
        Some(day) => rest.time_of(day),
        None => http(text),
    }
}

/// The moment that a number stands for: milliseconds since 1970, as far as there is a calendar for it.
#[must_use]
pub fn of_number(number: &Number) -> Option<Timestamp> {
    if let Some(milliseconds) = number.as_i64() {
        return Timestamp::from_millisecond(milliseconds).ok();
    }
    let milliseconds = number.as_f64().filter(|number| number.abs() < 1e15)?;
    Timestamp::from_microsecond((milliseconds * 1000.0) as i64).ok()
}

fn http(text: &str) -> Option<Timestamp> {
    // Most texts are no dates at all; these begin with the name of a day, or with the day itself.
    text.contains(':')
        .then(|| jiff::fmt::rfc2822::parse(text).ok())
        .flatten()
        .map(|zoned| zoned.timestamp())
}

/// A day, before its time is known.
struct Day {
    year: i16,
    month: i8,
    day: i8,
}

/// Reads from the front, and leaves what it does not take.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    /// `2026-11-20`. Takes nothing if there is none.
    fn date(&mut self) -> Option<Day> {
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, ..] = self.0 else {
            return None;
        };
        let day = Day {
            year: i16::from(pair(y1, y2)?) * 100 + i16::from(pair(y3, y4)?),
            month: pair(m1, m2)?,
            day: pair(d1, d2)?,
        };
        self.0 = self.0.get(10..)?;
        Some(day)
    }

    fn time_of(mut self, day: Day) -> Option<Timestamp> {
        let Day { year, month, day } = day;
        if self.0.is_empty() {
            return moment(DateTime::new(year, month, day, 0, 0, 0, 0).ok()?, 0);
        }
        self.take(|byte| matches!(byte, b'T' | b't' | b' '))?;
        let hour = self.pair()?;
        self.take(|byte| byte == b':')?;
        let minute = self.pair()?;
        let (mut second, mut nanosecond) = (0, 0);
        if self.take(|byte| byte == b':').is_some() {
            second = self.pair()?;
            if second == 60 {
                // Calendars without leap seconds take it for the one before.
                second = 59;
            }
            if self.take(|byte| byte == b'.').is_some() {
                nanosecond = self.fraction()?;
            }
        }
        let offset = self.offset()?;
        moment(
            DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()?,
            offset,
        )
    }

    /// Nanoseconds; what is finer is dropped.
    fn fraction(&mut self) -> Option<i32> {
        let (mut nanoseconds, mut unit, mut any) = (0, 100_000_000, false);
        while let Some(digit) = self.take(|byte| byte.is_ascii_digit()) {
            nanoseconds += i32::from(digit - b'0') * unit;
            unit /= 10;
            any = true;
        }
        any.then_some(nanoseconds)
    }

    /// Seconds east of Greenwich, and nothing after it.
    fn offset(mut self) -> Option<i32> {
        if self.0.is_empty() {
            return Some(0);
        }
        self.take(|byte| byte == b' ');
        let sign = match self.take(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'))? {
            b'+' => 1,
            b'-' => -1,
            _ => return self.0.is_empty().then_some(0),
        };
        let hours = i32::from(self.pair()?);
        let mut minutes = 0;
        if !self.0.is_empty() {
            self.take(|byte| byte == b':');
            minutes = i32::from(self.pair()?);
        }
        (self.0.is_empty() && hours < 24 && minutes < 60)
            .then_some(sign * (hours * 3600 + minutes * 60))
    }

    fn pair(&mut self) -> Option<i8> {
        let &[tens, ones, ..] = self.0 else {
            return None;
        };
        self.0 = self.0.get(2..)?;
        pair(tens, ones)
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted(*first).then(|| self.0 = rest).map(|()| *first)
    }
}

fn pair(tens: u8, ones: u8) -> Option<i8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| ((tens - b'0') * 10 + (ones - b'0')) as i8)
}

fn moment(local: DateTime, offset_seconds: i32) -> Option<Timestamp> {
    Offset::from_seconds(offset_seconds)
        .ok()?
        .to_timestamp(local)
        .ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn one_moment_in_many_forms() {
        let moment: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        for text in [
            "2026-11-20T08:00:00Z",
            "2026-11-20t08:00:00z",
            "2026-11-20 08:00:00",
            "2026-11-20T08:00",
            "2026-11-20T08:00:00.000Z",
            "2026-11-20T08:00:00.0000000000Z",
            "2026-11-20T10:00:00+02:00",
            "2026-11-20T03:30:00-0430",
            "2026-11-20 09:00:00 +01",
            "Fri, 20 Nov 2026 08:00:00 GMT",
            "20 Nov 2026 09:00:00 +0100",
        ] {
            assert_eq!(of_text(text), Some(moment), "{text}");
        }
        assert_eq!(of_value(&json!(1_795_161_600_000_i64)), Some(moment));
        assert_eq!(of_value(&json!(1_795_161_600_000.0)), Some(moment));
        assert_eq!(
            of_text("2026-11-20"),
            Some("2026-11-20T00:00:00Z".parse().unwrap())
        );
        assert_eq!(
            of_text("2016-12-31T23:59:60Z"),
            Some("2016-12-31T23:59:59Z".parse().unwrap())
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-13-01",
            "2026-02-30",
            "2026-11-20T",
            "2026-11-20T08",
            "2026-11-20T24:00",
            "2026-11-20T08:00:61",
            "2026-11-20T08:00:00.",
            "2026-11-20T08:00:00 CET",
            "2026-11-20T08:00:00+25:00",
            "2026-11-20x",
            "20/11/2026",
            "20.11.2026",
            "yesterday",
            "10:00",
            "Mon, 20 Nov 2026 08:00:00 GMT",
            "1795161600000",
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
        for value in [
            json!(null),
            json!(true),
            json!(1e300),
            json!(u64::MAX),
            json!([]),
        ] {
            assert_eq!(of_value(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_others_write(milliseconds in -62_000_000_000_000_i64..250_000_000_000_000) {
            let moment = Timestamp::from_millisecond(milliseconds).unwrap();
            prop_assert_eq!(of_text(&moment.to_string()), Some(moment));
        }

        #[test]
        fn it_never_panics(text in "[0-9TZtz:.+ -]{0,40}|\\PC{0,40}") {
            let _ = of_text(&text);
        }
    }
}
