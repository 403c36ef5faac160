//! One person of a tenant, as whoever sets up the emulator describes them.
//!
//! What a run does to a person (cut-off times, counts) is in [`super::directory`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::app::Hidden;
use crate::wire;

/// `userType` of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserType {
    /// Signs in here.
    #[default]
    #[serde(alias = "member")]
    Member,
    /// Signs in at a home tenant elsewhere.
    #[serde(alias = "guest")]
    Guest,
}

impl UserType {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Guest => "Guest",
        }
    }
}

/// What a sign-in with name and password runs into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mfa {
    /// Nothing more is asked.
    #[default]
    Off,
    /// A second factor is asked for: AADSTS50076 without pages, the code page with them.
    Required,
    /// A second factor has to be registered first: AADSTS50079.
    MustEnrol,
}

/// A person. Made with [`User::member`] or [`User::guest`] and changed from there.
#[derive(Clone, Debug)]
pub struct User {
    pub(crate) id: Uuid,
    pub(crate) principal_name: Box<str>,
    pub(crate) display_name: Box<str>,
    pub(crate) mail: Option<Box<str>>,
    pub(crate) user_type: UserType,
    pub(crate) enabled: bool,
    /// What few people have; apart, so that a million plain ones fit in memory.
    pub(crate) details: Option<Box<Details>>,
}

/// The rarer facts about a person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Details {
    pub(crate) given_name: Option<String>,
    pub(crate) surname: Option<String>,
    pub(crate) job_title: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) mobile_phone: Option<String>,
    pub(crate) office_location: Option<String>,
    pub(crate) preferred_language: Option<String>,
    pub(crate) business_phones: Vec<String>,
    pub(crate) other_mails: Vec<String>,
    pub(crate) proxy_addresses: Vec<String>,
    pub(crate) external_user_state: Option<String>,
    pub(crate) on_premises_sync_enabled: Option<bool>,
    pub(crate) on_premises_immutable_id: Option<String>,
    pub(crate) on_premises_security_identifier: Option<String>,
    pub(crate) created_date_time: Option<Timestamp>,
    pub(crate) sign_in_sessions_valid_from_date_time: Option<Timestamp>,
    /// Names of directory roles: `Global Administrator`, `User Administrator`, …
    pub(crate) directory_roles: Vec<String>,
    /// Display names of applications that are assigned.
    pub(crate) assigned_apps: Vec<String>,
    pub(crate) password: Option<Hidden>,
    pub(crate) otp_secret: Option<Hidden>,
    pub(crate) mfa: Mfa,
    pub(crate) locked: bool,
    pub(crate) password_expired: bool,
    pub(crate) blocked_by_policy: bool,
    /// The id of a page that the sign-in pages show after the password, and that leads nowhere.
    pub(crate) interrupt: Option<String>,
    pub(crate) agent: bool,
    /// Reads do not find the person before this time: a new account that has not replicated.
    pub(crate) appears_at: Option<Timestamp>,
}

impl User {
    /// A member who is enabled, with mail at the principal name and a display name made from it.
    #[must_use]
    pub fn member(principal_name: impl Into<String>) -> Self {
        let principal_name = principal_name.into();
        Self {
            id: derived_id("user", &wire::folded(&principal_name)),
            display_name: display_name_of(&principal_name).into(),
            mail: Some(principal_name.as_str().into()),
            principal_name: principal_name.into(),
            user_type: UserType::Member,
            enabled: true,
            details: None,
        }
    }

    /// A guest who accepted the invitation. `mail` is the address at home; the principal name is made from it as
    /// Entra does: `bob_partner.example#EXT#@contoso.onmicrosoft.com`.
    #[must_use]
    pub fn guest(mail: impl Into<String>) -> Self {
        let mail = mail.into();
        let mut user = Self::member(format!(
            "{}#EXT#@contoso.onmicrosoft.com",
            mail.replace('@', "_")
        ));
        user.display_name = display_name_of(&mail).into();
        user.mail = Some(mail.into());
        user.user_type = UserType::Guest;
        user.details().external_user_state = Some("Accepted".to_owned());
        user
    }

    /// The `number`th of [`seed_users`](super::TenantBuilder::seed_users).
    pub(crate) fn numbered(number: usize) -> Self {
        let principal_name = format!("user{number:06}@contoso.example");
        Self {
            id: Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0000 | number as u128),
            display_name: format!("User {number:06}").into(),
            mail: Some(principal_name.as_str().into()),
            principal_name: principal_name.into(),
            user_type: UserType::Member,
            enabled: true,
            details: None,
        }
    }

    pub(crate) fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// The object id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// `userPrincipalName`.
    #[must_use]
    pub fn principal_name(&self) -> &str {
        &self.principal_name
    }

    /// Whether the person signs in elsewhere, so that a revoke here does nothing: a guest, or somebody with the
    /// principal name of one.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.user_type == UserType::Guest
            || self
                .details
                .as_deref()
                .is_some_and(|details| details.external_user_state.is_some())
    }

    /// Sets the object id.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// Sets `displayName`.
    #[must_use]
    pub fn named(mut self, display_name: &str) -> Self {
        self.display_name = display_name.into();
        self
    }

    /// Sets `mail`, or removes it.
    #[must_use]
    pub fn with_mail(mut self, mail: Option<&str>) -> Self {
        self.mail = mail.map(Into::into);
        self
    }

    /// Sets `userType` and nothing else: a member with an external state is a guest who was converted.
    #[must_use]
    pub fn with_type(mut self, user_type: UserType) -> Self {
        self.user_type = user_type;
        self
    }

    /// Sets `externalUserState` (`Accepted`, `PendingAcceptance`).
    #[must_use]
    pub fn with_external_state(mut self, state: Option<&str>) -> Self {
        self.details().external_user_state = state.map(str::to_owned);
        self
    }

    /// Sets `accountEnabled` to false.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Synchronised from on premises, with this immutable id.
    #[must_use]
    pub fn synced(mut self, immutable_id: &str) -> Self {
        let details = self.details();
        details.on_premises_sync_enabled = Some(true);
        details.on_premises_immutable_id = Some(immutable_id.to_owned());
        self
    }

    /// Adds a proxy address: `smtp:ada@contoso.example`, or `SMTP:` for the primary one.
    #[must_use]
    pub fn with_proxy_address(mut self, address: &str) -> Self {
        self.details().proxy_addresses.push(address.to_owned());
        self
    }

    /// Sets `signInSessionsValidFromDateTime`.
    #[must_use]
    pub fn with_sessions_valid_from(mut self, at: Timestamp) -> Self {
        self.details().sign_in_sessions_valid_from_date_time = Some(at);
        self
    }

    /// Sets the password, so that the person can sign in.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Hidden>) -> Self {
        self.details().password = Some(password.into());
        self
    }

    /// Asks for a one-time code (RFC 6238) of this base32 secret at sign-in.
    #[must_use]
    pub fn with_otp_secret(mut self, secret: impl Into<Hidden>) -> Self {
        let details = self.details();
        details.otp_secret = Some(secret.into());
        details.mfa = Mfa::Required;
        self
    }

    /// Sets what a sign-in runs into.
    #[must_use]
    pub fn with_mfa(mut self, mfa: Mfa) -> Self {
        self.details().mfa = mfa;
        self
    }

    /// Locked out: AADSTS50053.
    #[must_use]
    pub fn locked(mut self) -> Self {
        self.details().locked = true;
        self
    }

    /// Blocked by Conditional Access: AADSTS53003.
    #[must_use]
    pub fn blocked_by_policy(mut self) -> Self {
        self.details().blocked_by_policy = true;
        self
    }

    /// Shown a page of this id after the password, that leads nowhere: `CmsiInterrupt`, or one that no program knows.
    #[must_use]
    pub fn interrupted_by(mut self, page: &str) -> Self {
        self.details().interrupt = Some(page.to_owned());
        self
    }

    /// With an expired password: AADSTS50055.
    #[must_use]
    pub fn with_expired_password(mut self) -> Self {
        self.details().password_expired = true;
        self
    }

    /// Adds a directory role by its name: `User Administrator`.
    #[must_use]
    pub fn with_directory_role(mut self, role: &str) -> Self {
        self.details().directory_roles.push(role.to_owned());
        self
    }

    /// Assigns an application by its display name.
    #[must_use]
    pub fn with_assigned_app(mut self, name: &str) -> Self {
        self.details().assigned_apps.push(name.to_owned());
        self
    }

    /// Not found by reads and revokes before `at`: an account so new that it has not replicated.
    #[must_use]
    pub fn appearing_at(mut self, at: Timestamp) -> Self {
        self.details().appears_at = Some(at);
        self
    }
}

/// An id that is always the same for the same `kind` and `name`, in the shape of a version 4 UUID.
pub(crate) fn derived_id(kind: &str, name: &str) -> Uuid {
    let digest = wire::sha256(format!("entra-emulator {kind} {name}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// `ada.lovelace@contoso.example` becomes `Ada Lovelace`.
fn display_name_of(address: &str) -> String {
    let local = address.split('@').next().unwrap_or(address);
    local
        .split(['.', '_', '-'])
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(letters).collect()
            })
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_the_same_each_time() {
        assert_eq!(
            User::member("ada@contoso.example").id(),
            User::member("Ada@Contoso.Example").id()
        );
        assert_ne!(
            User::member("ada@contoso.example").id(),
            User::member("bob@contoso.example").id()
        );
        assert_eq!(
            User::numbered(0x1f).id().to_string(),
            "00000000-0000-4000-8000-00000000001f"
        );
        assert_eq!(
            User::numbered(31).principal_name(),
            "user000031@contoso.example"
        );
    }

    #[test]
    fn guests_are_named_as_entra_names_them() {
        let guest = User::guest("bob@partner.example");
        assert_eq!(
            guest.principal_name(),
            "bob_partner.example#EXT#@contoso.onmicrosoft.com"
        );
        assert!(guest.is_external());
        assert!(guest.clone().with_type(UserType::Member).is_external());
        assert!(
            !guest
                .with_type(UserType::Member)
                .with_external_state(None)
                .is_external()
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let user = User::member("ada@contoso.example")
            .with_password("hunter2")
            .with_otp_secret("JBSWY3DP");
        let shown = format!("{user:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("JBSWY3DP"),
            "{shown}"
        );
    }
}
