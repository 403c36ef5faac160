//! The properties of a user: which there are, which are asked for, and how they are written.
//!
//! Properties that nobody knows are passed over in silence, as the service does (recorded September 2026).

use crate::clock::Moment;
use crate::settings::BasicProfile;
use crate::tenant::directory::Record;
use crate::wire;

use super::permission::View;

/// A property of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Property {
    AccountEnabled,
    BusinessPhones,
    CreatedDateTime,
    Department,
    DisplayName,
    ExternalUserState,
    GivenName,
    Id,
    Identities,
    JobTitle,
    Mail,
    MobilePhone,
    OfficeLocation,
    OnPremisesImmutableId,
    OnPremisesSecurityIdentifier,
    OnPremisesSyncEnabled,
    OtherMails,
    PreferredLanguage,
    ProxyAddresses,
    SignInSessionsValidFrom,
    Surname,
    UserPrincipalName,
    UserType,
}

/// What is given without `$select`, in the order in which it was recorded.
const DEFAULT: [Property; 11] = [
    Property::BusinessPhones,
    Property::DisplayName,
    Property::GivenName,
    Property::JobTitle,
    Property::Mail,
    Property::MobilePhone,
    Property::OfficeLocation,
    Property::PreferredLanguage,
    Property::Surname,
    Property::UserPrincipalName,
    Property::Id,
];

const ALL: [(&str, Property); 24] = [
    ("accountEnabled", Property::AccountEnabled),
    ("businessPhones", Property::BusinessPhones),
    ("createdDateTime", Property::CreatedDateTime),
    ("department", Property::Department),
    ("displayName", Property::DisplayName),
    ("externalUserState", Property::ExternalUserState),
    ("givenName", Property::GivenName),
    ("id", Property::Id),
    ("identities", Property::Identities),
    ("jobTitle", Property::JobTitle),
    ("mail", Property::Mail),
    ("mobilePhone", Property::MobilePhone),
    ("officeLocation", Property::OfficeLocation),
    ("onPremisesImmutableId", Property::OnPremisesImmutableId),
    (
        "onPremisesSecurityIdentifier",
        Property::OnPremisesSecurityIdentifier,
    ),
    ("onPremisesSyncEnabled", Property::OnPremisesSyncEnabled),
    ("otherMails", Property::OtherMails),
    ("preferredLanguage", Property::PreferredLanguage),
    ("proxyAddresses", Property::ProxyAddresses),
    (
        "refreshTokensValidFromDateTime",
        Property::SignInSessionsValidFrom,
    ),
    (
        "signInSessionsValidFromDateTime",
        Property::SignInSessionsValidFrom,
    ),
    ("surname", Property::Surname),
    ("userPrincipalName", Property::UserPrincipalName),
    ("userType", Property::UserType),
];

impl Property {
    pub(crate) fn of(name: &str) -> Option<Self> {
        ALL.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, property)| *property)
    }

    fn name(self) -> &'static str {
        // The older name of the cut-off time comes first in the list; it is never written.
        if self == Self::SignInSessionsValidFrom {
            return "signInSessionsValidFromDateTime";
        }
        ALL.iter()
            .find(|(_, property)| *property == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether the basic profile has it ("Microsoft Graph permissions reference", User.ReadBasic.All).
    fn is_basic(self) -> bool {
        matches!(
            self,
            Self::DisplayName
                | Self::GivenName
                | Self::Surname
                | Self::Mail
                | Self::Id
                | Self::UserPrincipalName
        )
    }
}

/// The selection of one request.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    properties: Vec<Property>,
    /// What was written, for the context; `None` without `$select`.
    written: Option<String>,
    view: View,
}

/// Asked for more than the caller may see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BeyondView;

impl Selection {
    /// Reads `$select`.
    pub(crate) fn new(
        select: Option<&str>,
        view: View,
        policy: BasicProfile,
    ) -> Result<Self, BeyondView> {
        let (properties, written) = match select {
            None => (DEFAULT.to_vec(), None),
            Some(text) => {
                let mut properties = Vec::new();
                for property in text.split(',').filter_map(|name| Property::of(name.trim())) {
                    if !properties.contains(&property) {
                        properties.push(property);
                    }
                }
                let written: Vec<&str> = text
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .collect();
                (properties, Some(written.join(",")))
            }
        };
        let beyond = view == View::Basic
            && written.is_some()
            && policy == BasicProfile::Refuse
            && properties.iter().any(|property| !property.is_basic());
        if beyond {
            Err(BeyondView)
        } else {
            Ok(Self {
                properties,
                written,
                view,
            })
        }
    }

    /// `users` or `users(id,mail)`: the end of a context.
    pub(crate) fn context(&self) -> String {
        self.written
            .as_ref()
            .map_or_else(|| "users".to_owned(), |written| format!("users({written})"))
    }

    /// Writes the members of a user, each with a comma before it unless it is the first in `out`'s object.
    pub(crate) fn write(&self, out: &mut Vec<u8>, record: &Record, now: Moment, mut first: bool) {
        for property in &self.properties {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(property.name().as_bytes());
            out.extend_from_slice(b"\":");
            if self.view == View::Basic && !property.is_basic() {
                out.extend_from_slice(if *property == Property::BusinessPhones {
                    b"[]"
                } else {
                    b"null"
                });
            } else {
                write_value(out, *property, record, now);
            }
        }
    }

    /// Whether there is anything to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.properties.is_empty()
    }
}

fn write_value(out: &mut Vec<u8>, property: Property, record: &Record, now: Moment) {
    let user = &record.user;
    let details = user.details.as_deref();
    let text = |out: &mut Vec<u8>, value: Option<&str>| match value {
        Some(value) => wire::push_json_string(out, value),
        None => out.extend_from_slice(b"null"),
    };
    let truth = |out: &mut Vec<u8>, value: Option<bool>| {
        out.extend_from_slice(match value {
            Some(true) => b"true",
            Some(false) => b"false",
            None => b"null",
        });
    };
    let list = |out: &mut Vec<u8>, values: Option<&Vec<String>>| {
        out.push(b'[');
        for (at, value) in values.into_iter().flatten().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            wire::push_json_string(out, value);
        }
        out.push(b']');
    };
    match property {
        Property::AccountEnabled => truth(out, Some(user.enabled)),
        Property::BusinessPhones => list(out, details.map(|details| &details.business_phones)),
        Property::CreatedDateTime => {
            let created = details
                .and_then(|details| details.created_date_time)
                .map(Moment::from);
            text(out, created.map(Moment::date_time_offset).as_deref());
        }
        Property::Department => text(
            out,
            details.and_then(|details| details.department.as_deref()),
        ),
        Property::DisplayName => text(out, Some(&user.display_name)),
        Property::ExternalUserState => text(
            out,
            details.and_then(|details| details.external_user_state.as_deref()),
        ),
        Property::GivenName => {
            let given = details.and_then(|details| details.given_name.as_deref());
            text(
                out,
                given.or_else(|| user.display_name.split_once(' ').map(|(given, _)| given)),
            );
        }
        Property::Id => text(out, Some(user.id.hyphenated().encode_lower(&mut [0; 36]))),
        Property::Identities => {
            out.extend_from_slice(b"[{\"signInType\":\"userPrincipalName\",\"issuer\":\"contoso.onmicrosoft.com\",\"issuerAssignedId\":");
            wire::push_json_string(out, &user.principal_name);
            out.extend_from_slice(b"}]");
        }
        Property::JobTitle => text(
            out,
            details.and_then(|details| details.job_title.as_deref()),
        ),
        Property::Mail => text(out, user.mail.as_deref()),
        Property::MobilePhone => text(
            out,
            details.and_then(|details| details.mobile_phone.as_deref()),
        ),
        Property::OfficeLocation => text(
            out,
            details.and_then(|details| details.office_location.as_deref()),
        ),
        Property::OnPremisesImmutableId => {
            text(
                out,
                details.and_then(|details| details.on_premises_immutable_id.as_deref()),
            );
        }
        Property::OnPremisesSecurityIdentifier => {
            text(
                out,
                details.and_then(|details| details.on_premises_security_identifier.as_deref()),
            );
        }
        Property::OnPremisesSyncEnabled => truth(
            out,
            details.and_then(|details| details.on_premises_sync_enabled),
        ),
        Property::OtherMails => list(out, details.map(|details| &details.other_mails)),
        Property::PreferredLanguage => text(
            out,
            details.and_then(|details| details.preferred_language.as_deref()),
        ),
        Property::ProxyAddresses => list(out, details.map(|details| &details.proxy_addresses)),
        Property::SignInSessionsValidFrom => text(
            out,
            Some(&record.valid_from_as_read(now).date_time_offset()),
        ),
        Property::Surname => {
            let surname = details.and_then(|details| details.surname.as_deref());
            text(
                out,
                surname.or_else(|| {
                    user.display_name
                        .split_once(' ')
                        .map(|(_, surname)| surname)
                }),
            );
        }
        Property::UserPrincipalName => text(out, Some(&user.principal_name)),
        Property::UserType => text(out, Some(user.user_type.as_str())),
    }
}
