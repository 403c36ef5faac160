//! People read from a file or from the admin side: JSON Lines, a JSON array, CSV, or just a number.
//!
//! Names of fields are those of Microsoft Graph; the columns of the admin centre's "Download users" are understood
//! too. Fields that the emulator does not know are passed over.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::user::{Details, User, UserType};

/// The most people that one seed may make.
const MOST: usize = 5_000_000;

/// Why a seed could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// A line is not a person.
    #[error("line {line} of the seed is not a person: {source}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A person has no name to be found by.
    #[error("line {line} of the seed has neither `userPrincipalName` nor `id`")]
    Nameless {
        /// The line, from 1.
        line: usize,
    },
    /// The CSV is malformed.
    #[error("the seed is not well-formed CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A field that cannot be changed, or that is not known.
    #[error("field `{field}` of a user cannot be changed")]
    Unchangeable {
        /// The field.
        field: String,
    },
    /// There is nothing in it.
    #[error("the seed holds nobody")]
    Empty,
    /// Too many people.
    #[error("the seed asks for {asked} people, and {MOST} are the most")]
    TooMany {
        /// How many were asked for.
        asked: usize,
    },
}

impl SeedError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Line { .. } | Self::Nameless { .. } => {
                "write one JSON object a line, such as {\"userPrincipalName\":\"ada@contoso.example\"}"
            }
            Self::Csv(_) => "start with a header such as id,userPrincipalName,userType",
            Self::Unchangeable { .. } => "delete the user and seed another one",
            Self::Empty | Self::TooMany { .. } => {
                "name some people, or ask for a number of them: {\"count\":1000}"
            }
        }
    }
}

/// A person as a seed writes them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: Option<Uuid>,
    #[serde(alias = "username", alias = "upn")]
    user_principal_name: Option<String>,
    display_name: Option<String>,
    /// Absent: at the principal name. `null`: none.
    #[serde(default, deserialize_with = "present")]
    mail: Option<Option<String>>,
    user_type: Option<UserType>,
    account_enabled: Option<bool>,
    #[serde(flatten)]
    details: Details,
}

/// Tells a member that is `null` from one that is absent.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Reads people from `text`, whatever form it has.
///
/// # Errors
///
/// A [`SeedError`] that names the line.
pub fn read(text: &str) -> Result<Vec<User>, SeedError> {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if trimmed.is_empty() {
        return Err(SeedError::Empty);
    }
    if let Some(count) = bare_count(trimmed) {
        if count > MOST {
            return Err(SeedError::TooMany { asked: count });
        }
        return Ok((1..=count).map(User::numbered).collect());
    }
    if trimmed.starts_with('[') {
        let lines: Vec<Value> =
            serde_json::from_str(trimmed).map_err(|source| SeedError::Line { line: 1, source })?;
        return lines
            .into_iter()
            .zip(1..)
            .map(|(value, line)| person(value, line))
            .collect();
    }
    if trimmed.starts_with('{') {
        return trimmed
            .lines()
            .zip(1..)
            .filter(|(text, _)| !text.trim().is_empty())
            .map(|(text, line)| {
                let value = serde_json::from_str(text)
                    .map_err(|source| SeedError::Line { line, source })?;
                person(value, line)
            })
            .collect();
    }
    read_csv(trimmed)
}

/// `{"count": n}`.
fn bare_count(text: &str) -> Option<usize> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Count {
        count: usize,
    }
    serde_json::from_str::<Count>(text)
        .ok()
        .map(|count| count.count)
}

fn read_csv(text: &str) -> Result<Vec<User>, SeedError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    let mut people = Vec::new();
    for (row, line) in reader.records().zip(2..) {
        let row = row?;
        let mut object = Map::new();
        for (name, cell) in header.iter().zip(row.iter()) {
            let (name, value) = match name {
                "mail" if cell.is_empty() => (name, Value::Null),
                _ if cell.is_empty() => continue,
                "directorySynced" => ("onPremisesSyncEnabled", truth(cell)),
                "invitationState" => ("externalUserState", Value::from(cell)),
                "accountEnabled" | "onPremisesSyncEnabled" | "locked" | "agent" => {
                    (name, truth(cell))
                }
                "proxyAddresses" | "otherMails" | "businessPhones" | "directoryRoles"
                | "assignedApps" => (
                    name,
                    cell.split(';').map(str::trim).map(Value::from).collect(),
                ),
                _ => (name, Value::from(cell)),
            };
            object.insert(name.to_owned(), value);
        }
        people.push(person(Value::Object(object), line)?);
    }
    if people.is_empty() {
        Err(SeedError::Empty)
    } else {
        Ok(people)
    }
}

fn truth(cell: &str) -> Value {
    Value::from(cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("yes"))
}

fn person(value: Value, line: usize) -> Result<User, SeedError> {
    let seed: Line =
        serde_json::from_value(value).map_err(|source| SeedError::Line { line, source })?;
    let name = match (&seed.user_principal_name, seed.id) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => format!("{id}@contoso.example"),
        (None, None) => return Err(SeedError::Nameless { line }),
    };
    let mut user = User::member(name);
    if let Some(id) = seed.id {
        user.id = id;
    }
    if let Some(name) = seed.display_name {
        user.display_name = name.into();
    }
    if let Some(mail) = seed.mail {
        user.mail = mail.map(Into::into);
    }
    let looks_external = user.principal_name.contains("#EXT#");
    user.user_type = seed.user_type.unwrap_or(if looks_external {
        UserType::Guest
    } else {
        UserType::Member
    });
    user.enabled = seed.account_enabled.unwrap_or(true);
    let mut details = seed.details;
    if user.user_type == UserType::Guest && details.external_user_state.is_none() {
        details.external_user_state = Some("Accepted".to_owned());
    }
    if is_worth_keeping(&details) {
        user.details = Some(Box::new(details));
    }
    Ok(user)
}

/// A person with some fields changed, as `PATCH /users/NAME` of the admin side wants it.
pub(crate) fn changed(user: &User, changes: Map<String, Value>) -> Result<User, SeedError> {
    // Only what is named changes: a whole person is read from the changes, and what was named is taken over.
    let named: Vec<String> = changes.keys().cloned().collect();
    let mut changes = changes;
    changes
        .entry("userPrincipalName")
        .or_insert_with(|| Value::from(&*user.principal_name));
    let new = person(Value::Object(changes), 1)?;
    let mut changed = user.clone();
    let mut details = changed
        .details
        .take()
        .map(|details| *details)
        .unwrap_or_default();
    let new_details = new.details.map(|details| *details).unwrap_or_default();
    for name in named {
        match name.as_str() {
            "userPrincipalName" => changed.principal_name.clone_from(&new.principal_name),
            "displayName" => changed.display_name.clone_from(&new.display_name),
            "mail" => changed.mail.clone_from(&new.mail),
            "userType" => changed.user_type = new.user_type,
            "accountEnabled" => changed.enabled = new.enabled,
            "externalUserState" => details
                .external_user_state
                .clone_from(&new_details.external_user_state),
            "proxyAddresses" => details
                .proxy_addresses
                .clone_from(&new_details.proxy_addresses),
            "otherMails" => details.other_mails.clone_from(&new_details.other_mails),
            "onPremisesSyncEnabled" => {
                details.on_premises_sync_enabled = new_details.on_premises_sync_enabled
            }
            "onPremisesImmutableId" => {
                details
                    .on_premises_immutable_id
                    .clone_from(&new_details.on_premises_immutable_id);
            }
            "directoryRoles" => details
                .directory_roles
                .clone_from(&new_details.directory_roles),
            "assignedApps" => details.assigned_apps.clone_from(&new_details.assigned_apps),
            "password" => details.password.clone_from(&new_details.password),
            "otpSecret" => details.otp_secret.clone_from(&new_details.otp_secret),
            "mfa" => details.mfa = new_details.mfa,
            "locked" => details.locked = new_details.locked,
            "passwordExpired" => details.password_expired = new_details.password_expired,
            "interrupt" => details.interrupt.clone_from(&new_details.interrupt),
            "blockedByPolicy" => details.blocked_by_policy = new_details.blocked_by_policy,
            _ => return Err(SeedError::Unchangeable { field: name }),
        }
    }
    changed.details = is_worth_keeping(&details).then(|| Box::new(details));
    Ok(changed)
}

/// Whether anything in it differs from nothing, so that plain people stay small.
fn is_worth_keeping(details: &Details) -> bool {
    let texts = [
        &details.given_name,
        &details.surname,
        &details.job_title,
        &details.department,
        &details.mobile_phone,
        &details.office_location,
        &details.preferred_language,
        &details.external_user_state,
        &details.on_premises_immutable_id,
        &details.on_premises_security_identifier,
        &details.interrupt,
    ];
    let lists = [
        &details.business_phones,
        &details.other_mails,
        &details.proxy_addresses,
        &details.directory_roles,
        &details.assigned_apps,
    ];
    let times: [Option<Timestamp>; 3] = [
        details.created_date_time,
        details.sign_in_sessions_valid_from_date_time,
        details.appears_at,
    ];
    texts.iter().any(|text| text.is_some())
        || lists.iter().any(|list| !list.is_empty())
        || times.iter().any(Option::is_some)
        || details.on_premises_sync_enabled.is_some()
        || details.password.is_some()
        || details.otp_secret.is_some()
        || details.mfa != super::user::Mfa::Off
        || details.locked
        || details.password_expired
        || details.blocked_by_policy
        || details.agent
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn a_number_makes_that_many() {
        let people = read("{\"count\":3}").unwrap();
        assert_eq!(people.len(), 3);
        assert_eq!(people[2].principal_name(), "user000003@contoso.example");
        assert!(matches!(
            read("{\"count\":5000001}"),
            Err(SeedError::TooMany { asked: 5_000_001 })
        ));
    }

    #[test]
    fn json_lines_and_arrays_give_the_same() {
        let line = r#"{"id":"00000000-0000-4000-8000-000000000009","userPrincipalName":"ada@x.example","mail":"a@x.example","accountEnabled":false,"proxyAddresses":["smtp:q@x.example"],"unknown":1}"#;
        for text in [
            format!("{line}\n\n"),
            format!("[{line}]"),
            format!("\u{feff}{line}"),
        ] {
            let people = read(&text).unwrap();
            assert_eq!(people.len(), 1);
            assert_eq!(people[0].mail.as_deref(), Some("a@x.example"));
            assert!(!people[0].enabled);
            assert_eq!(
                people[0].details.as_deref().unwrap().proxy_addresses,
                ["smtp:q@x.example"]
            );
        }
    }

    #[test]
    fn the_admin_centres_columns_are_understood() {
        let text = "\u{feff}userPrincipalName,displayName,mail,id,userType,accountEnabled,directorySynced,invitationState,extra\r\n\
                    \"ada@x.example\",\"Ada, Countess\",,00000000-0000-4000-8000-000000000009,Member,True,True,,x\r\n\
                    b_y.example#EXT#@x.example,B,b@y.example,,Guest,True,,Accepted,\r\n";
        let people = read(text).unwrap();
        assert_eq!(&*people[0].display_name, "Ada, Countess");
        assert_eq!(
            people[0]
                .details
                .as_deref()
                .unwrap()
                .on_premises_sync_enabled,
            Some(true)
        );
        assert_eq!(people[0].mail, None);
        assert!(people[1].is_external());
    }

    #[test]
    fn plain_people_stay_small() {
        let people = read("{\"userPrincipalName\":\"ada@x.example\"}").unwrap();
        assert!(people[0].details.is_none());
    }

    #[test]
    fn a_broken_line_is_named() {
        let text = "{\"userPrincipalName\":\"ada@x.example\"}\n{\"id\":\"nobody\"}";
        assert!(matches!(read(text), Err(SeedError::Line { line: 2, .. })));
        assert!(matches!(
            read("{\"mail\":\"x\"}"),
            Err(SeedError::Nameless { line: 1 })
        ));
        assert!(matches!(read("  "), Err(SeedError::Empty)));
    }
}
