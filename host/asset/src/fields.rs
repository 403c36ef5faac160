//! What Microsoft Graph and the admin centre call a user's fields, and what the Entra adapter calls them.
//!
//! Only names and what follows from them; what a whole record means is decided in `shape` and `read`.
//!
//! A column or member is found without regard to case, blanks, `_` and `-`, so that `userPrincipalName`,
//! `User principal name` and `UserPrincipalName` are one:
//!
//! | Graph, admin centre | Adapter |
//! | --- | --- |
//! | `id`, `objectId` | `id` |
//! | `userPrincipalName`, `upn`, `username` | `username` |
//! | `mail`, `email` | `mail` |
//! | `proxyAddresses` | `proxy_addresses`, a list |
//! | `onPremisesImmutableId`, `immutableId` | `on_premises_immutable_id` |
//! | `userType` | `user_type` |
//! | `accountEnabled` | `account_enabled` |
//! | `directorySynced` (admin centre), `onPremisesSyncEnabled` (Graph) | `on_premises_synced` |
//! | `displayName`, `givenName`, `surname` | `display_name`, `first_name`, `last_name` |
//! | `country`, `createdDateTime` | `user_country`, `user_created` |
//! | any other | the same in `snake_case` |
//!
//! In a table, blank cells are left out, `account_enabled` and `on_premises_synced` become truth values, and
//! `proxy_addresses` a list of what stands between semicolons, as exports of Exchange have it. Members
//! with an `@` are OData's own and are left out. Sources: "user resource type" (Microsoft Graph v1.0) and the header
//! of the admin centre's "Download users".

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::asset::{AdapterData, Asset, AssetId, InvalidId, is_guid};
use crate::fault::{Fault, quoted};

/// The longest field name that is made of an unknown column, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Folded names, and the adapter's names for them, where that is not the same in `snake_case`, or where other
/// spellings of the same name are about that would not become the same.
const KNOWN: &[(&str, &str)] = &[
    ("id", "id"),
    ("objectid", "id"),
    ("userprincipalname", "username"),
    ("upn", "username"),
    ("username", "username"),
    ("mail", "mail"),
    ("email", "mail"),
    ("usertype", "user_type"),
    ("accountenabled", "account_enabled"),
    ("agegroup", "age_group"),
    ("alternateemailaddress", "alternate_email_address"),
    ("companyname", "company_name"),
    ("consentprovidedforminor", "consent_provided_for_minor"),
    ("country", "user_country"),
    ("createddatetime", "user_created"),
    ("creationtype", "creation_type"),
    ("directorysynced", "on_premises_synced"),
    ("displayname", "display_name"),
    ("employeeid", "employee_id"),
    ("externaluserstate", "external_user_state"),
    ("firstname", "first_name"),
    ("givenname", "first_name"),
    ("immutableid", "on_premises_immutable_id"),
    ("invitationstate", "invitation_state"),
    ("jobtitle", "job_title"),
    ("lastname", "last_name"),
    (
        "legalagegroupclassification",
        "legal_age_group_classification",
    ),
    ("mobilephone", "mobile_phone"),
    ("officelocation", "office_location"),
    ("onpremisesimmutableid", "on_premises_immutable_id"),
    ("onpremisessyncenabled", "on_premises_synced"),
    ("postalcode", "postal_code"),
    ("proxyaddresses", "proxy_addresses"),
    ("streetaddress", "street_address"),
    ("surname", "last_name"),
    ("telephonenumber", "telephone_number"),
    ("usagelocation", "usage_location"),
];

/// The adapter's name for `column`, or `None` if the column has no name to speak of or is OData's own.
#[must_use]
pub fn adapter_field(column: &str) -> Option<Cow<'static, str>> {
    if column.contains('@') {
        return None;
    }
    let folded: String = column
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .take(MAX_NAME_BYTES)
        .collect();
    if let Some((_, field)) = KNOWN.iter().find(|(name, _)| *name == folded) {
        return Some(Cow::Borrowed(field));
    }
    Some(snake_case(column))
        .filter(|name| !name.is_empty())
        .map(Cow::Owned)
}

/// Whether a field says who somebody is, so that a column of it is enough for a list.
pub(crate) fn names_somebody(field: &str) -> bool {
    NAMES.contains(&field)
}

/// The fields that say who somebody is, the surest first.
const NAMES: [&str; 5] = [
    "id",
    "username",
    "mail",
    "on_premises_immutable_id",
    PROXY_ADDRESSES,
];

/// The one of them that is a list.
const PROXY_ADDRESSES: &str = "proxy_addresses";

/// What a cell of a table says about `field`; nothing if it is blank.
pub(crate) fn cell_value(field: &str, cell: &str) -> Option<Value> {
    let cell = cell.trim();
    if cell.is_empty() {
        return None;
    }
    if matches!(field, "account_enabled" | "on_premises_synced") {
        if cell.eq_ignore_ascii_case("true") {
            return Some(Value::Bool(true));
        }
        if cell.eq_ignore_ascii_case("false") {
            return Some(Value::Bool(false));
        }
    }
    if field == PROXY_ADDRESSES {
        let addresses = cell
            .split(';')
            .map(str::trim)
            .filter(|address| !address.is_empty());
        return Some(Value::from_iter(addresses)).filter(|list| *list != Value::Array(Vec::new()));
    }
    Some(Value::from(cell))
}

fn snake_case(column: &str) -> String {
    let mut name = String::with_capacity(column.len() + 4);
    let mut chars = column.trim().chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let begins_word = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || (before.is_uppercase()
                    && chars.peek().is_some_and(|after| after.is_lowercase())));
        if (begins_word || !c.is_alphanumeric()) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if c.is_alphanumeric() {
            name.extend(c.to_lowercase());
        }
        if name.len() > MAX_NAME_BYTES {
            break;
        }
        before = c;
    }
    while name.len() > MAX_NAME_BYTES || name.ends_with('_') {
        name.pop();
    }
    name
}

/// The fields of one Entra identity, as they are gathered from a short form.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    data: Map<String, Value>,
    /// The member that named the person, for each field that does.
    named_by: Vec<(&'static str, String)>,
    blank: bool,
}

impl Identity {
    /// Adds a member of a JSON object under the adapter's name for it.
    pub(crate) fn add_member(&mut self, member: &str, value: Value) -> Result<(), Fault> {
        let Some(field) = adapter_field(member) else {
            return Ok(());
        };
        match field {
            Cow::Borrowed(field) if names_somebody(field) => self.add_name(field, member, value),
            field => {
                if !value.is_null() && !self.data.contains_key(field.as_ref()) {
                    self.data.insert(field.into_owned(), value);
                }
                Ok(())
            }
        }
    }

    /// Adds a cell of a table, whose column stands for `field`.
    pub(crate) fn add_cell(&mut self, field: &str, cell: &str) {
        match cell_value(field, cell) {
            Some(value) => {
                self.data.insert(field.to_owned(), value);
            }
            None => self.blank |= names_somebody(field),
        }
    }

    fn add_name(&mut self, field: &'static str, member: &str, value: Value) -> Result<(), Fault> {
        let text = match value {
            Value::Null => return Ok(()),
            Value::String(text) => text,
            Value::Array(list) if field == PROXY_ADDRESSES && list.iter().all(Value::is_string) => {
                if !list.is_empty() {
                    self.data.entry(field).or_insert(Value::Array(list));
                }
                return Ok(());
            }
            _ => {
                return Err(Fault::WrongType {
                    member: quoted(member),
                    wanted: "a text",
                });
            }
        };
        let text = text.trim();
        if text.is_empty() {
            self.blank = true;
            return Ok(());
        }
        if let Some((_, first)) = self.named_by.iter().find(|(named, _)| *named == field) {
            if self.data.get(field).and_then(Value::as_str) == Some(text) {
                return Ok(());
            }
            return Err(Fault::Contradiction {
                first: first.clone(),
                second: quoted(member),
            });
        }
        self.named_by.push((field, quoted(member)));
        self.data.insert(field.to_owned(), Value::from(text));
        Ok(())
    }

    /// The asset that has this identity and no other. Its id is the text given: the `id`, else the user principal
    /// name, the mail address, the immutable id, the first of the proxy addresses.
    pub(crate) fn into_asset(mut self) -> Result<Asset, Fault> {
        let given = NAMES
            .into_iter()
            .find_map(|field| match self.data.get(field) {
                Some(Value::Array(list)) => list.first()?.as_str(),
                value => value?.as_str(),
            });
        let id = match given {
            Some(text) => AssetId::new(text)?,
            None if self.blank => return Err(InvalidId::Blank.into()),
            None => return Err(Fault::Nameless),
        };
        if id.is_of_line() {
            return Err(Fault::ReservedId);
        }
        // Graph takes either in the same place, so people write a principal name under `id`. Read it as if it had
        // been typed after `--user`; anything else that is no GUID stays, and the action reports it.
        let id_is_a_principal_name = !self.data.contains_key("username")
            && matches!(self.data.get("id"), Some(Value::String(text)) if text.contains('@') && !is_guid(text));
        if id_is_a_principal_name && let Some(name) = self.data.remove("id") {
            self.data.insert("username".to_owned(), name);
        }
        Ok(Asset::new(id, vec![AdapterData::entra(self.data)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(column: &str) -> String {
        adapter_field(column).unwrap_or_default().into_owned()
    }

    #[test]
    fn one_name_in_many_spellings() {
        for column in [
            "userPrincipalName",
            "User principal name",
            "USERPRINCIPALNAME",
            "user_principal_name",
            "upn",
        ] {
            assert_eq!(field(column), "username");
        }
        assert_eq!(field("Object ID"), "id");
        assert_eq!(field("displayname"), "display_name");
        assert_eq!(field("onPremisesSyncEnabled"), "on_premises_synced");
    }

    #[test]
    fn unknown_columns_keep_their_name_in_snake_case() {
        assert_eq!(field("legalHoldStatus"), "legal_hold_status");
        assert_eq!(field("MFAEnabled"), "mfa_enabled");
        assert_eq!(field("Größe (cm)"), "größe_cm");
        assert_eq!(field("last_seen"), "last_seen");
        assert_eq!(field("社員番号"), "社員番号");
        assert_eq!(field(" - "), "");
        assert_eq!(field("@odata.type"), "");
        assert!(field(&"Ab".repeat(1000)).len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn whoever_has_only_lesser_names_is_an_asset_all_the_same() {
        let asset = |member: &str, value: Value| {
            let mut identity = Identity::default();
            identity.add_member(member, value)?;
            identity.into_asset()
        };
        let found = asset(
            "proxyAddresses",
            Value::from(vec!["SMTP:a@x.example", "smtp:b@x.example"]),
        );
        let found = found.map(|asset| (asset.id.to_string(), asset.adapters));
        assert!(
            matches!(&found, Ok((id, adapters)) if id == "SMTP:a@x.example"
                && adapters.iter().all(|adapter| adapter.data["proxy_addresses"].is_array())),
            "{found:?}"
        );
        let found = asset("immutableId", Value::from("Zm9v")).map(|asset| asset.id.to_string());
        assert_eq!(found.as_deref(), Ok("Zm9v"));
        assert!(asset("proxyAddresses", Value::from(7)).is_err());
        assert_eq!(
            cell_value("proxy_addresses", "SMTP:a@x.example; smtp:b@x.example;"),
            Some(Value::from(vec!["SMTP:a@x.example", "smtp:b@x.example"]))
        );
        assert_eq!(cell_value("proxy_addresses", " ; "), None);
    }

    #[test]
    fn adapter_names_are_their_own() {
        for (_, name) in KNOWN {
            assert_eq!(field(name), *name);
            assert_eq!(snake_case(name), *name);
        }
    }
}
