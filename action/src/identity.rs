//! One identity of an asset: what the inventory says of a user, and whether it can be named to the service.
//!
//! Nothing is sent for what is refused here.

use crate::codes::Code;
use crate::json::{Listed, Loose};
use crate::names::Name;
use serde::Deserialize;

/// A user as the inventory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// What to call it by.
    pub name: Name,
    /// Whether the inventory says that it is a guest; none if it does not say.
    pub guest: Option<bool>,
}

/// Why an identity cannot be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// `invalid-id` or `no-identity`.
    pub code: Code,
    /// A sentence for a person.
    pub message: String,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    username: Loose<'a>,
    #[serde(borrow, default)]
    on_premises_immutable_id: Loose<'a>,
    #[serde(borrow, default)]
    mail: Loose<'a>,
    #[serde(borrow, default)]
    proxy_addresses: Listed<'a>,
    #[serde(borrow, default)]
    user_type: Loose<'a>,
}

/// A field of an identity, what it holds, and how that is taken for a name.
type Field<'a> = (
    &'static str,
    &'a Loose<'a>,
    fn(&str) -> Option<Name>,
    &'static str,
);

impl Identity {
    /// Reads an identity. The surest of its names counts: an object id goes before a principal name, because it can
    /// never name somebody else later, and a mail address comes after both, because several can have it. Where a name
    /// is there and malformed, a lesser one is not used in its place, because the two may not belong together.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with the outcome that the asset gets.
    pub(crate) fn parse(json: &str) -> Result<Self, Unusable> {
        let members: Members<'_> = serde_json::from_str(json).map_err(|_| Unusable {
            code: Code::InvalidId,
            message: "The inventory's record of this user cannot be read, so nothing was sent. Fetch the asset again."
                .into(),
        })?;
        let fields: [Field<'_>; 5] = [
            ("id", &members.id, Name::of, ID),
            ("username", &members.username, Name::of, ID),
            (
                "on_premises_immutable_id",
                &members.on_premises_immutable_id,
                Name::of_immutable_id,
                "an immutable id",
            ),
            ("mail", &members.mail, Name::of_mail, "a mail address"),
            (
                "proxy_addresses",
                members.proxy_addresses.best(),
                Name::of_proxy,
                "a proxy address such as `SMTP:ada@contoso.com`",
            ),
        ];
        for (field, value, name, wanted) in fields {
            let text = match value {
                Loose::Null => continue,
                Loose::Text(text) if text.trim().is_empty() => continue,
                Loose::Text(text) => text,
                Loose::Flag(_) | Loose::Other => "",
            };
            let name = name(text).ok_or_else(|| invalid(field, text, wanted))?;
            let guest = members
                .user_type
                .text()
                .map(|kind| kind.trim().eq_ignore_ascii_case("guest"));
            return Ok(Self { name, guest });
        }
        Err(Unusable {
            code: Code::NoIdentity,
            message: "The inventory has nothing to name this user by: no object id, user principal name, mail address, proxy \
                      address or on-premises immutable id. Nothing was sent. Fetch the asset again, or add one of them."
                .into(),
        })
    }
}

/// What `id` and `username` have to be.
const ID: &str = "an object id (a GUID) or a user principal name";

fn invalid(field: &str, text: &str, wanted: &str) -> Unusable {
    let what = if text.is_empty() {
        "something other than text".to_owned()
    } else {
        quoted(text)
    };
    Unusable {
        code: Code::InvalidId,
        message: format!(
            "The field `{field}` of this user holds {what}, which is not {wanted}, so nothing was sent. Correct the asset \
             and run it again."
        ),
    }
}

/// `text` in backticks, short and without what would break a line.
fn quoted(text: &str) -> String {
    let short: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(80)
        .collect();
    if short.len() < text.len() {
        format!("`{short}…`")
    } else {
        format!("`{short}`")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use proptest::prelude::*;

    const ID: &str = "00000000-0000-4000-8000-000000000001";

    fn code(json: &str) -> Code {
        Identity::parse(json).unwrap_err().code
    }

    #[test]
    fn a5_names_are_trimmed_and_the_object_id_goes_first() {
        let identity = Identity::parse(&format!(
            r#"{{"id":" {ID} ","username":"ada@contoso.com","user_type":"Member"}}"#
        ))
        .unwrap();
        assert_eq!(
            identity,
            Identity {
                name: Name::ObjectId(ID.into()),
                guest: Some(false)
            }
        );
        let identity =
            Identity::parse(r#"{"id":"  ","username":" ada@contoso.com ","user_type":"guest"}"#)
                .unwrap();
        assert_eq!(
            identity,
            Identity {
                name: Name::Principal("ada@contoso.com".into()),
                guest: Some(true)
            }
        );
        assert_eq!(
            Identity::parse(r#"{"id":"ada@contoso.com"}"#)
                .unwrap()
                .guest,
            None
        );
    }

    #[test]
    fn a5_malformed_names_are_refused() {
        for json in [
            r#"{"id":"ada"}"#,
            r#"{"id":"1234","username":"ada@contoso.com"}"#,
            r#"{"username":"CONTOSO\\ada"}"#,
            r#"{"id":["00000000-0000-4000-8000-000000000001"]}"#,
            r#"{"id":17}"#,
            r#"{"id":true}"#,
            r#"{"id":"a","id":"b"}"#,
            r#"{"id":"#,
            r#""ada@contoso.com""#,
        ] {
            assert_eq!(code(json), Code::InvalidId, "{json}");
        }
    }

    #[test]
    fn a5_an_identity_without_names_is_told_apart() {
        for json in [
            "{}",
            r#"{"id":null,"username":""}"#,
            r#"{"mail":" ","proxy_addresses":[]}"#,
            r#"{"user_type":"Guest"}"#,
        ] {
            assert_eq!(code(json), Code::NoIdentity, "{json}");
        }
    }

    #[test]
    fn a6_the_surest_name_counts() {
        let name = |json: &str| Identity::parse(json).unwrap().name;
        let all = r#""on_premises_immutable_id":"Zm9v","mail":"a@x.example","proxy_addresses":["smtp:b@x.example"]"#;
        assert_eq!(
            name(&format!(r#"{{"username":"u@x.example",{all}}}"#)),
            Name::Principal("u@x.example".into())
        );
        assert_eq!(
            name(&format!("{{{all}}}")),
            Name::ImmutableId("Zm9v".into())
        );
        assert_eq!(
            name(r#"{"mail":"a@x.example","proxy_addresses":["smtp:b@x.example"]}"#),
            Name::Mail("a@x.example".into())
        );
        // The first address of a person is marked by capitals ("proxyAddresses").
        for addresses in [
            r#"["x500:c","smtp:b@x.example","SMTP:a@x.example"]"#,
            r#"["SMTP:a@x.example"]"#,
            r#""SMTP:a@x.example""#,
        ] {
            assert_eq!(
                name(&format!(r#"{{"proxy_addresses":{addresses}}}"#)),
                Name::Proxy("SMTP:a@x.example".into()),
                "{addresses}"
            );
        }
        assert_eq!(
            name(r#"{"proxy_addresses":["x500:c","smtp:b@x.example"]}"#),
            Name::Proxy("smtp:b@x.example".into())
        );
        assert_eq!(code(r#"{"mail":"Ada"}"#), Code::InvalidId);
        assert_eq!(code(r#"{"proxy_addresses":["Ada"]}"#), Code::InvalidId);
        assert_eq!(code(r#"{"proxy_addresses":[7,{}]}"#), Code::InvalidId);
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer_that_fits_an_outcome(text in "\\PC{0,400}", raw in ".{0,60}") {
            let json = serde_json::json!({ "id": text }).to_string();
            for json in [json.as_str(), raw.as_str()] {
                if let Err(unusable) = Identity::parse(json) {
                    prop_assert!(unusable.message.len() <= 2_000);
                    prop_assert!(!unusable.message.contains(['\n', '\r']));
                }
            }
        }
    }
}
