//! `$filter` over users: what one can be, and whom it fits.
//!
//! What the service supports for users, and no more. No index is used here: [`Filter::index`] says which one would do.

mod parse;

use crate::clock::Moment;
use crate::tenant::directory::{Alias, Record};

use super::select::Property;

/// A condition on users.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// `property eq value`; `negated` for `ne`.
    Equals {
        property: Property,
        value: Literal,
        negated: bool,
    },
    In {
        property: Property,
        values: Vec<Literal>,
    },
    StartsWith {
        property: Property,
        prefix: String,
    },
    EndsWith {
        property: Property,
        suffix: String,
    },
    /// `list/any(x:x eq 'value')` or `…startswith(x,'value')`.
    Any {
        property: Property,
        value: String,
        prefix: bool,
    },
    /// `identities/any(i:i/issuerAssignedId eq 'x' and i/issuer eq 'y')`.
    Identity {
        assigned_id: String,
        issuer: Option<String>,
    },
}

/// A value in a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Truth(bool),
    Null,
}

/// A filter that the service would not take. The text is for its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

impl Filter {
    /// Reads a filter.
    pub(crate) fn parse(text: &str) -> Result<Self, Unreadable> {
        parse::parse(text)
    }

    /// Whether the service wants `ConsistencyLevel: eventual` and `$count=true` for it ("Advanced query capabilities on
    /// Microsoft Entra ID objects").
    pub(crate) fn is_advanced(&self) -> bool {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.is_advanced() || right.is_advanced()
            }
            Self::Not(_) | Self::EndsWith { .. } => true,
            Self::Equals { negated, .. } => *negated,
            Self::In { .. }
            | Self::StartsWith { .. }
            | Self::Any { .. }
            | Self::Identity { .. } => false,
        }
    }

    /// A name by which everybody who fits can be found without looking at all people.
    pub(crate) fn index(&self) -> Option<Index<'_>> {
        match self {
            Self::And(left, right) => left.index().or_else(|| right.index()),
            Self::Equals {
                property,
                value: Literal::Text(text),
                negated: false,
            } => match property {
                Property::Mail => Some(Index::Alias(Alias::Mail, text)),
                Property::OnPremisesImmutableId => Some(Index::Alias(Alias::ImmutableId, text)),
                Property::Id | Property::UserPrincipalName => Some(Index::Name(text)),
                _ => None,
            },
            Self::Any {
                property: Property::ProxyAddresses,
                value,
                prefix: false,
            } => Some(Index::Alias(Alias::ProxyAddress, value)),
            _ => None,
        }
    }

    /// Whether a person fits.
    pub(crate) fn fits(&self, record: &Record, now: Moment) -> bool {
        match self {
            Self::And(left, right) => left.fits(record, now) && right.fits(record, now),
            Self::Or(left, right) => left.fits(record, now) || right.fits(record, now),
            Self::Not(inner) => !inner.fits(record, now),
            Self::Equals {
                property,
                value,
                negated,
            } => equals(record, *property, value, now) != *negated,
            Self::In { property, values } => values
                .iter()
                .any(|value| equals(record, *property, value, now)),
            Self::StartsWith { property, prefix } => text_of(record, *property, now)
                .is_some_and(|text| text.to_lowercase().starts_with(&prefix.to_lowercase())),
            Self::EndsWith { property, suffix } => text_of(record, *property, now)
                .is_some_and(|text| text.to_lowercase().ends_with(&suffix.to_lowercase())),
            Self::Any {
                property,
                value,
                prefix,
            } => list_of(record, *property).iter().any(|member| {
                let (member, value) = (member.to_lowercase(), value.to_lowercase());
                if *prefix {
                    member.starts_with(&value)
                } else {
                    member == value
                }
            }),
            Self::Identity {
                assigned_id,
                issuer,
            } => {
                record.user.principal_name.eq_ignore_ascii_case(assigned_id)
                    && issuer
                        .as_deref()
                        .is_none_or(|issuer| issuer.ends_with(".onmicrosoft.com"))
            }
        }
    }
}

/// See [`Filter::index`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Index<'a> {
    Name(&'a str),
    Alias(Alias, &'a str),
}

fn equals(record: &Record, property: Property, value: &Literal, now: Moment) -> bool {
    match (property, value) {
        (Property::AccountEnabled, Literal::Truth(truth)) => record.user.enabled == *truth,
        (Property::OnPremisesSyncEnabled, Literal::Truth(truth)) => {
            let synced = record
                .user
                .details
                .as_deref()
                .and_then(|details| details.on_premises_sync_enabled);
            synced.unwrap_or(false) == *truth
        }
        (_, Literal::Text(text)) => text_of(record, property, now)
            .is_some_and(|found| found.to_lowercase() == text.to_lowercase()),
        (_, Literal::Null) => text_of(record, property, now).is_none(),
        (_, Literal::Truth(_)) => false,
    }
}

fn text_of(record: &Record, property: Property, now: Moment) -> Option<String> {
    let user = &record.user;
    let details = user.details.as_deref();
    match property {
        Property::Id => Some(user.id.to_string()),
        Property::UserPrincipalName => Some(user.principal_name.to_string()),
        Property::DisplayName => Some(user.display_name.to_string()),
        Property::Mail => user.mail.as_deref().map(str::to_owned),
        Property::UserType => Some(user.user_type.as_str().to_owned()),
        Property::GivenName => details.and_then(|details| details.given_name.clone()),
        Property::Surname => details.and_then(|details| details.surname.clone()),
        Property::Department => details.and_then(|details| details.department.clone()),
        Property::JobTitle => details.and_then(|details| details.job_title.clone()),
        Property::ExternalUserState => {
            details.and_then(|details| details.external_user_state.clone())
        }
        Property::OnPremisesImmutableId => {
            details.and_then(|details| details.on_premises_immutable_id.clone())
        }
        Property::OnPremisesSecurityIdentifier => {
            details.and_then(|details| details.on_premises_security_identifier.clone())
        }
        Property::SignInSessionsValidFrom => {
            Some(record.valid_from_as_read(now).date_time_offset())
        }
        _ => None,
    }
}

fn list_of(record: &Record, property: Property) -> &[String] {
    let Some(details) = record.user.details.as_deref() else {
        return &[];
    };
    match property {
        Property::ProxyAddresses => &details.proxy_addresses,
        Property::OtherMails => &details.other_mails,
        Property::BusinessPhones => &details.business_phones,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;
    use crate::tenant::User;
    use crate::tenant::directory::Directory;

    const NOW: Moment = Moment::from_ms(0);

    fn who_fits(filter: &str) -> Vec<String> {
        let directory = Directory::new(
            [
                User::member("ada@x.example")
                    .named("Ada Lovelace")
                    .with_proxy_address("smtp:countess@x.example"),
                User::member("o'neil@x.example")
                    .named("Anne O'Neil")
                    .disabled(),
                User::guest("tim@y.example").named("Tim"),
            ],
            NOW,
        );
        let filter = Filter::parse(filter).unwrap();
        directory
            .records()
            .iter()
            .filter(|record| filter.fits(record, NOW))
            .map(|record| record.user.display_name.to_string())
            .collect()
    }

    #[test]
    fn filters_pick_whom_they_say() {
        assert_eq!(who_fits("mail eq 'ADA@x.example'"), ["Ada Lovelace"]);
        assert_eq!(
            who_fits("userPrincipalName eq 'o''neil@x.example'"),
            ["Anne O'Neil"]
        );
        assert_eq!(
            who_fits("proxyAddresses/any(p:p eq 'SMTP:countess@x.example')"),
            ["Ada Lovelace"]
        );
        assert_eq!(
            who_fits("proxyAddresses/any(p:startswith(p,'smtp:'))"),
            ["Ada Lovelace"]
        );
        assert_eq!(
            who_fits("startswith(displayName,'a') and accountEnabled eq true"),
            ["Ada Lovelace"]
        );
        assert_eq!(
            who_fits("userType eq 'Guest' or (accountEnabled eq false)"),
            ["Anne O'Neil", "Tim"]
        );
        assert_eq!(
            who_fits("not(userType eq 'Guest') and endswith(mail,'x.example')"),
            ["Ada Lovelace", "Anne O'Neil"]
        );
        assert_eq!(who_fits("displayName in ('Tim','Nobody')"), ["Tim"]);
        assert_eq!(
            who_fits(
                "identities/any(i:i/issuerAssignedId eq 'ada@x.example' and i/issuer eq 'contoso.onmicrosoft.com')"
            ),
            ["Ada Lovelace"]
        );
        assert_eq!(who_fits("userType ne 'Member'"), ["Tim"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for wrong in [
            "",
            "mail",
            "mail eq",
            "mail eq 'x",
            "mail eq 'x' 'y'",
            "nothing eq 'x'",
            "mail gt 'x'",
            "(mail eq 'x'",
        ] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Filter::parse(&"(".repeat(1000)).is_err());
        assert!(Filter::parse(&"not ".repeat(1000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fail_badly(text in "[a-z'(),: /]{0,60}") {
            let _ = Filter::parse(&text);
        }

        #[test]
        fn any_name_can_be_asked_for(name in "[^\\p{Cc}]{0,30}") {
            let quoted = name.replace('\'', "''");
            let filter = Filter::parse(&format!("mail eq '{quoted}'")).unwrap();
            prop_assert_eq!(filter, Filter::Equals { property: Property::Mail, value: Literal::Text(name), negated: false });
        }
    }
}
