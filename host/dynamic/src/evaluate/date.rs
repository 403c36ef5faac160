//! Dates as text, and numbers as dates. Everything is UTC.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{Outcome, Run, as_date};
use crate::fault::Fault;
use crate::functions::Function;
use crate::program::Node;
use crate::value::Value;

impl<'a> Run<'a, '_> {
    pub(super) fn of_date(&mut self, function: Function, arguments: &'a [Node]) -> Outcome<'a> {
        let mut arguments = arguments.iter();
        let Some(node) = arguments.next() else {
            return Ok(Value::Null);
        };
        let at = match self.value(node)? {
            // A number where a date is wanted is one.
            Value::Number(number) => number.whole().ok_or(Fault::DateOutOfRange),
            value => as_date(&value).ok_or(Fault::NotOfType {
                wanted: "a date",
                found: value.type_name(),
            }),
        };
        let at = at.map_err(|fault| fault.at(node.span))?;
        let Some(codes) = arguments.next() else {
            return match function {
                Function::ToDate if Timestamp::from_millisecond(at).is_err() => {
                    Err(Fault::DateOutOfRange.at(node.span))
                }
                _ => Ok(Value::Date(at)),
            };
        };
        let format = self.text(codes)?;
        let text = formatted(at, &format).map_err(|fault| fault.at(codes.span))?;
        self.made(text).map_err(|fault| fault.at(codes.span))
    }
}

/// The codes that `date_format` knows.
pub(crate) const CODES: &str = "YmdHMSLjwaAZ%";

/// The first code in `format` that there is not.
pub(crate) fn unknown_code(format: &str) -> Option<char> {
    let mut letters = format.chars();
    while let Some(c) = letters.next() {
        if c == '%' {
            match letters.next() {
                Some(code) if CODES.contains(code) => {}
                Some(code) => return Some(code),
                None => return Some(' '),
            }
        }
    }
    None
}

fn formatted(at: i64, format: &str) -> Result<String, Fault> {
    if let Some(code) = unknown_code(format) {
        return Err(Fault::UnknownDateCode(code));
    }
    let moment = Timestamp::from_millisecond(at).map_err(|_| Fault::DateOutOfRange)?;
    let moment = Offset::UTC.to_datetime(moment);
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(c) = letters.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let day = moment.weekday();
        let name = DAYS
            .get(usize::from(day.to_sunday_zero_offset().unsigned_abs()))
            .copied()
            .unwrap_or_default();
        // Writing to a string has no error.
        let _ = match letters.next() {
            Some('Y') => write!(text, "{:04}", moment.year()),
            Some('m') => write!(text, "{:02}", moment.month()),
            Some('d') => write!(text, "{:02}", moment.day()),
            Some('H') => write!(text, "{:02}", moment.hour()),
            Some('M') => write!(text, "{:02}", moment.minute()),
            Some('S') => write!(text, "{:02}", moment.second()),
            Some('L') => write!(text, "{:03}", moment.millisecond()),
            Some('j') => write!(text, "{:03}", moment.day_of_year()),
            Some('w') => write!(text, "{}", day.to_sunday_zero_offset()),
            Some('a') => write!(text, "{}", name.get(..3).unwrap_or_default()),
            Some('A') => write!(text, "{name}"),
            Some('Z') => write!(text, "UTC"),
            _ => write!(text, "%"),
        };
    }
    Ok(text)
}

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_give_parts_of_the_date() {
        const AT: i64 = 1_795_161_600_007;
        let text = |format| formatted(AT, format).unwrap_or_default();
        assert_eq!(text("%Y-%m-%d %H:%M:%S.%L"), "2026-11-20 08:00:00.007");
        assert_eq!(text("%j %w %a %A %Z 100%%"), "324 5 Fri Friday UTC 100%");
        assert_eq!(formatted(AT, "%q"), Err(Fault::UnknownDateCode('q')));
        assert_eq!(formatted(AT, "%"), Err(Fault::UnknownDateCode(' ')));
        assert_eq!(formatted(i64::MAX, "%Y"), Err(Fault::DateOutOfRange));
    }
}
