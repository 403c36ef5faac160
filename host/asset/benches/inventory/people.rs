//! A list of users who differ as users do, the same each time, made while it is read.

use std::io::{BufReader, Read};

/// The list of so many users as JSON Lines.
pub(crate) fn list(count: u64) -> BufReader<People> {
    BufReader::with_capacity(
        64 * 1024,
        People {
            next: 0,
            count,
            line: Vec::new(),
            taken: 0,
        },
    )
}

/// How long a line is in the middle.
pub(crate) fn bytes() -> f64 {
    let lines: usize = (0..1_000).map(|number| line(number).len()).sum();
    lines as f64 / 1_000.0
}

pub(crate) struct People {
    next: u64,
    count: u64,
    line: Vec<u8>,
    taken: usize,
}

impl Read for People {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.taken == self.line.len() && self.next < self.count {
            self.line = line(self.next).into_bytes();
            self.taken = 0;
            self.next += 1;
        }
        let mut rest = self.line.get(self.taken..).unwrap_or_default();
        let count = rest.read(into)?;
        self.taken += count;
        Ok(count)
    }
}

/// Spreads numbers (Knuth, "The Art of Computer Programming", section 6.4: multiplicative hashing).
fn spread(number: u64, below: u64) -> u64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % below
}

/// The user of this number, on a line of their own.
pub(crate) fn line(number: u64) -> String {
    const REGIONS: [&str; 4] = ["eu", "us", "apac", "latam"];
    let pick = |salt: u64, below: u64| spread(number * 31 + salt, below);
    let region = REGIONS[pick(1, 4) as usize];
    let kind = if pick(2, 10) == 0 { "Guest" } else { "Member" };
    let label = match pick(3, 200) {
        0 => "\"offboarding\"",
        1 => "\"vip\"",
        _ => "",
    };
    let (month, day, hour) = (1 + pick(4, 11), 1 + pick(5, 28), pick(6, 24));
    format!(
        concat!(
            r#"{{"id":"{id:016x}","type":"user","labels":[{label}],"adapters":["#,
            r#"{{"adapter":"azure_ad_adapter","connection":"corp","data":{{"id":"{id:08x}-0000-4000-8000-{number:012x}","#,
            r#""username":"user{number}@{region}.contoso.com","mail":"user{number}@{region}.contoso.com","#,
            r#""user_type":"{kind}","account_disabled":{disabled},"display_name":"User {number}","#,
            r#""last_seen":"2026-{month:02}-{day:02}T{hour:02}:00:00Z","logon_count":{logons},"#,
            r#""user_factors":[{{"factor_type":"Password","factor_status":"active"}}]}}}},"#,
            r#"{{"adapter":"active_directory_adapter","data":{{"username":"CONTOSO\\user{number}","domain":"contoso.com","#,
            r#""last_seen":"2026-{month:02}-{day:02}T{hour:02}:30:00Z","groups":["staff","{region}"]}}}}]}}"#,
            "\n"
        ),
        id = spread(number, u64::MAX),
        label = label,
        number = number,
        region = region,
        kind = kind,
        disabled = pick(7, 20) == 0,
        month = month,
        day = day,
        hour = hour,
        logons = pick(8, 5_000),
    )
}
