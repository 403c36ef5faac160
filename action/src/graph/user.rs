//! A user as Microsoft Graph describes it, held against the name that was asked for.

use crate::dates::parse_date_time;
use crate::json::{Listed, Loose};
use crate::names::{Name, is_external_name, is_guid};
use serde::Deserialize;
use std::borrow::Cow;

/// What a look-up told. Properties that the application may not read are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// In lower case.
    pub object_id: String,
    /// The user principal name.
    pub principal: Option<String>,
    /// `Member` or `Guest`.
    pub user_type: Option<String>,
    /// Whether the account may sign in.
    pub enabled: Option<bool>,
    /// Whether it was invited from outside, and how far that went.
    pub external_state: Option<String>,
    /// Whether an on-premises directory is its source.
    pub synced: Option<bool>,
    /// From when on its sessions count.
    pub cut_off: Option<CutOff>,
}

/// `signInSessionsValidFromDateTime`: what was issued before is void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CutOff {
    /// As it was read.
    pub text: Box<str>,
    /// Milliseconds since 1970.
    pub millis: u64,
}

impl User {
    /// Whether its sign-ins are another tenant's ("Properties of a Microsoft Entra B2B collaboration user"). A name of
    /// the form for invited users counts when what would tell otherwise could not be read: saying that a guest's
    /// sessions were ended is the worse mistake.
    pub(crate) fn is_guest(&self) -> bool {
        let external = self.principal.as_deref().is_some_and(is_external_name);
        match self.user_type.as_deref() {
            Some(kind) if kind.eq_ignore_ascii_case("guest") => true,
            Some(_) => {
                external
                    && self
                        .external_state
                        .as_deref()
                        .is_some_and(|state| !state.is_empty())
            }
            None => external,
        }
    }
}

/// Graph's JSON of a user, with the properties of [`crate::manifest::SELECT`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Members<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    user_principal_name: Loose<'a>,
    #[serde(borrow, default)]
    user_type: Loose<'a>,
    #[serde(borrow, default)]
    account_enabled: Loose<'a>,
    #[serde(borrow, default)]
    external_user_state: Loose<'a>,
    #[serde(borrow, default)]
    on_premises_sync_enabled: Loose<'a>,
    #[serde(borrow, default)]
    mail: Loose<'a>,
    #[serde(borrow, default)]
    proxy_addresses: Listed<'a>,
    #[serde(borrow, default)]
    on_premises_immutable_id: Loose<'a>,
    #[serde(borrow, default)]
    sign_in_sessions_valid_from_date_time: Loose<'a>,
}

impl Members<'_> {
    /// The user, if the answer is about the one who was asked for. The host learns an object id on the same terms, so
    /// what passes here can be revoked.
    pub(super) fn about(self, asked: &Name) -> Option<User> {
        // What goes into messages and evidence is a word, or of the shape of a principal name, or it is not kept.
        let word = |member: Loose<'_>| {
            let is_word =
                |text: &str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            member
                .into_text()
                .filter(|text| is_word(text))
                .map(Cow::into_owned)
        };
        let object_id = self
            .id
            .text()
            .filter(|id| is_guid(id))?
            .to_ascii_lowercase();
        let principal = self
            .user_principal_name
            .text()
            .and_then(|text| match Name::of(text) {
                Some(Name::Principal(name)) => Some(name),
                _ => None,
            });
        let same = |echo: Option<&str>, name: &str| {
            echo.is_some_and(|echo| echo.eq_ignore_ascii_case(name))
        };
        let has = |name: &str| {
            self.proxy_addresses
                .texts()
                .any(|echo| echo.eq_ignore_ascii_case(name))
        };
        let echoes = match asked {
            Name::ObjectId(id) => *id == object_id,
            Name::Principal(name) => same(principal.as_deref(), name),
            Name::Mail(name) => same(self.mail.text(), name),
            Name::Address(name) => has(&format!("smtp:{name}")),
            Name::Proxy(name) => has(name),
            // Base64: `A` and `a` are two accounts.
            Name::ImmutableId(name) => self.on_premises_immutable_id.text() == Some(name),
        };
        echoes.then(|| User {
            object_id,
            principal,
            user_type: word(self.user_type),
            enabled: self.account_enabled.flag(),
            external_state: word(self.external_user_state),
            synced: self.on_premises_sync_enabled.flag(),
            cut_off: self
                .sign_in_sessions_valid_from_date_time
                .text()
                .and_then(|text| {
                    let millis = parse_date_time(text)?;
                    Some(CutOff {
                        text: text.into(),
                        millis,
                    })
                }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(principal: &str, user_type: Option<&str>, state: Option<&str>) -> User {
        User {
            principal: Some(principal.into()),
            user_type: user_type.map(Into::into),
            external_state: state.map(Into::into),
            ..User::default()
        }
    }

    #[test]
    fn a10_guests_are_known_by_type_or_by_name_and_state() {
        let external = "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com";
        assert!(user("bob@contoso.com", Some("Guest"), None).is_guest());
        assert!(user("bob@contoso.com", Some("guest"), None).is_guest());
        assert!(user(external, Some("Member"), Some("Accepted")).is_guest());
        assert!(user(external, Some("Member"), Some("PendingAcceptance")).is_guest());
        assert!(
            user(external, None, None).is_guest(),
            "what would tell otherwise could not be read"
        );
        assert!(
            !user(external, Some("Member"), None).is_guest(),
            "converted to an internal user"
        );
        assert!(!user("ada@contoso.com", Some("Member"), Some("Accepted")).is_guest());
        assert!(!user("ada@contoso.com", None, None).is_guest());
    }
}
