//! Words for people: plurals, numbers, wrapped paragraphs, and text of others made harmless.
//!
//! Every plural and every shortened digest of the command comes from here, so that all read alike.

use std::borrow::Cow;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

/// `1 asset`, `5,000 assets`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{} {many}", number(count))
    }
}

/// `1 asset`, `5,000 assets`.
pub(crate) fn assets(count: u64) -> String {
    counted(count, "asset", "assets")
}

/// `1234567` as `1,234,567`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..10 => format!("{:.1} s", (time.as_millis() / 100) as f64 / 10.0),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// The first letters of a digest: enough for people to compare, and to find the whole by.
pub(crate) fn short_digest(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Text of others without characters that move the cursor, change colours or turn the direction of reading ("Unicode
/// Security Considerations", Unicode Technical Report 36). Line breaks and tabs become spaces.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let clean = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_harmful(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(clean).collect())
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// How many columns `text` takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` filled up with spaces to `columns`.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// `text` in lines of at most `columns`, each behind `indent` spaces. A word that is longer has a line of its own.
pub(crate) fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    let room = columns.saturating_sub(indent).max(20);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let margin = " ".repeat(indent);
    lines
        .iter()
        .map(|line| format!("{margin}{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_have_plurals_and_groups_of_digits() {
        assert_eq!(assets(1), "1 asset");
        assert_eq!(assets(0), "0 assets");
        assert_eq!(assets(999), "999 assets");
        assert_eq!(assets(1_234_567), "1,234,567 assets");
    }

    #[test]
    fn durations_are_as_fine_as_they_matter() {
        let texts = [0, 340, 4_250, 59_900, 200_000, 7_500_000]
            .map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(
            texts,
            ["0 ms", "340 ms", "4.2 s", "59 s", "3 min 20 s", "2 h 5 min"]
        );
    }

    #[test]
    fn text_of_others_cannot_command_the_terminal() {
        assert_eq!(harmless("Grüße, 東京"), "Grüße, 東京");
        assert_eq!(
            harmless("a\u{1b}[2J\nb\u{202e}c"),
            "a\u{fffd}[2J b\u{fffd}c"
        );
    }

    #[test]
    fn widths_are_columns_and_not_letters() {
        assert_eq!(padded("東京", 6), "東京  ");
    }

    proptest! {
        #[test]
        fn wrapping_loses_no_word(words in prop::collection::vec("[a-zü]{1,30}", 0..30), indent in 0_usize..10) {
            let text = words.join(" ");
            let lines = wrapped(&text, indent, 60);
            prop_assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), words);
            prop_assert!(lines.lines().all(|line| width(line) <= 60));
        }
    }
}
