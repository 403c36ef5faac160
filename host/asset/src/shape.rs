//! Makes an asset of a JSON value: the full form, and the short form of one Entra identity.
//!
//! No text is parsed here; [`crate::json`] does that.

use serde_json::{Map, Value};

use crate::asset::{AdapterData, Asset, AssetId, USER, Unsaid};
use crate::fault::{Fault, quoted};
use crate::fields::Identity;

/// The longest kind, adapter name or connection name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// The asset that `value` describes. It is a short form if it has no member `adapters`.
///
/// # Errors
///
/// A [`Fault`] that names the member.
pub(crate) fn asset(value: Value) -> Result<Asset, Fault> {
    let mut members = match value {
        Value::Object(members) => members,
        Value::String(_) => {
            return Err(Fault::NotAnObject {
                found: "a bare string",
            });
        }
        Value::Array(_) => return Err(Fault::NotAnObject { found: "an array" }),
        Value::Number(_) => return Err(Fault::NotAnObject { found: "a number" }),
        Value::Bool(_) => {
            return Err(Fault::NotAnObject {
                found: "a truth value",
            });
        }
        Value::Null => return Err(Fault::NotAnObject { found: "null" }),
    };
    let unsaid = Unsaid {
        kind: !members.contains_key("type"),
        labels: !members.contains_key("labels"),
    };
    let kind = kind(&mut members)?;
    let labels = labels(&mut members)?;
    let mut asset = match members.remove("adapters") {
        Some(adapters) => Asset {
            unsaid,
            ..full(members, adapters)?
        },
        None => short(members)?,
    };
    asset.kind = kind;
    asset.labels = labels;
    Ok(asset)
}

fn full(mut members: Map<String, Value>, adapters: Value) -> Result<Asset, Fault> {
    let Some(Value::String(id)) = members.remove("id") else {
        return Err(wrong("id", "a text"));
    };
    let id = AssetId::new(id)?;
    if id.is_of_line() {
        return Err(Fault::ReservedId);
    }
    let Value::Array(adapters) = adapters else {
        return Err(wrong("adapters", "a list"));
    };
    let adapters = adapters
        .into_iter()
        .enumerate()
        .map(|(at, value)| adapter(value, &format!("adapters[{at}]")))
        .collect::<Result<_, _>>()?;
    let mut asset = Asset::new(id, adapters);
    asset.other = members;
    Ok(asset)
}

fn adapter(value: Value, place: &str) -> Result<AdapterData, Fault> {
    let Value::Object(mut members) = value else {
        return Err(wrong(place, "an object"));
    };
    let member = |name: &str| format!("{place}.{name}");
    let adapter = match members.remove("adapter") {
        Some(Value::String(name)) if is_name(&name) => name,
        _ => {
            return Err(wrong(
                &member("adapter"),
                "a name such as `azure_ad_adapter`",
            ));
        }
    };
    let connection = match members.remove("connection") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) if is_name(&name) => Some(name),
        Some(_) => return Err(wrong(&member("connection"), "the name of a connection")),
    };
    let data = match members.remove("data") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(data)) => data,
        Some(_) => return Err(wrong(&member("data"), "an object")),
    };
    Ok(AdapterData {
        adapter,
        connection,
        data,
        other: members,
    })
}

fn short(members: Map<String, Value>) -> Result<Asset, Fault> {
    if matches!(members.get("value"), Some(Value::Array(_))) && !members.contains_key("id") {
        return Err(Fault::GraphAnswer);
    }
    let mut identity = Identity::default();
    for (member, value) in members {
        identity.add_member(&member, value)?;
    }
    identity.into_asset()
}

fn kind(members: &mut Map<String, Value>) -> Result<String, Fault> {
    match members.remove("type") {
        None | Some(Value::Null) => Ok(USER.to_owned()),
        Some(Value::String(kind)) if is_name(&kind) => Ok(kind),
        Some(_) => Err(wrong("type", "a kind of asset such as `user`")),
    }
}

fn labels(members: &mut Map<String, Value>) -> Result<Vec<String>, Fault> {
    match members.remove("labels") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(labels)) => labels
            .into_iter()
            .map(|label| match label {
                Value::String(label) => Ok(label),
                _ => Err(wrong("labels", "a list of texts")),
            })
            .collect(),
        Some(_) => Err(wrong("labels", "a list of texts")),
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control)
}

fn wrong(member: &str, wanted: &'static str) -> Fault {
    Fault::WrongType {
        member: quoted(member),
        wanted,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use serde_json::json;

    use super::*;
    use crate::asset::InvalidId;

    fn data(value: Value) -> Map<String, Value> {
        asset(value).unwrap().adapters.remove(0).data
    }

    #[test]
    fn a_short_form_is_one_entra_identity() {
        let made = asset(json!({"id": " 1-2 ", "type": "user", "labels": ["vip"]})).unwrap();
        assert_eq!((made.id.as_str(), made.kind.as_str()), ("1-2", "user"));
        assert_eq!(made.labels, ["vip"]);
        assert_eq!(made.adapters[0].adapter, "azure_ad_adapter");
        assert_eq!(
            Value::from(made.adapters[0].data.clone()),
            json!({"id": "1-2"})
        );
    }

    #[test]
    fn members_of_graph_become_fields_of_the_adapter() {
        let graph = json!({
            "@odata.type": "#microsoft.graph.user", "userPrincipalName": "ada@contoso.com", "id": "1-2",
            "userType": "Guest", "accountEnabled": true, "givenName": null, "businessPhones": ["1"],
        });
        let wanted = json!({
            "username": "ada@contoso.com", "id": "1-2", "user_type": "Guest", "account_enabled": true,
            "business_phones": ["1"],
        });
        assert_eq!(Value::from(data(graph)), wanted);
    }

    #[test]
    fn the_id_is_the_text_given_and_id_comes_first() {
        let id = |value| asset(value).unwrap().id.to_string();
        assert_eq!(
            id(json!({"userPrincipalName": "ada@contoso.com", "id": "x"})),
            "x"
        );
        assert_eq!(
            id(json!({"userPrincipalName": "ada@contoso.com", "id": ""})),
            "ada@contoso.com"
        );
        assert_eq!(id(json!({"mail": "ada@contoso.com"})), "ada@contoso.com");
        let named = data(json!({"id": "ada@contoso.com"}));
        assert_eq!(Value::from(named), json!({"username": "ada@contoso.com"}));
    }

    #[test]
    fn a_line_that_names_nobody_or_two_people_is_refused() {
        assert_eq!(asset(json!({})), Err(Fault::Nameless));
        assert_eq!(asset(json!({"displayName": "Ada"})), Err(Fault::Nameless));
        assert_eq!(asset(json!({"id": "  "})), Err(Fault::Id(InvalidId::Blank)));
        assert_eq!(asset(json!({"id": "line:4"})), Err(Fault::ReservedId));
        assert_eq!(
            asset(json!({"value": [{"id": "x"}]})),
            Err(Fault::GraphAnswer)
        );
        assert!(matches!(
            asset(json!({"upn": "a@b.c", "username": "d@b.c"})),
            Err(Fault::Contradiction { .. })
        ));
        assert!(asset(json!({"upn": "a@b.c", "username": "a@b.c"})).is_ok());
        assert!(matches!(
            asset(json!({"id": 7})),
            Err(Fault::WrongType { .. })
        ));
    }

    #[test]
    fn a_bare_string_is_told_what_to_write_instead() {
        let reason = asset(json!("ada@contoso.com")).unwrap_err().to_string();
        assert!(
            reason.contains("bare string") && reason.contains("userPrincipalName"),
            "{reason}"
        );
    }

    #[test]
    fn a_full_asset_may_have_no_identity_and_keeps_what_we_do_not_know() {
        let given =
            json!({"id": "a", "type": "device", "labels": [], "adapters": [], "seen": {"by": [1]}});
        let made = asset(given.clone()).unwrap();
        assert!(made.adapters.is_empty());
        assert_eq!(serde_json::to_value(&made).unwrap(), given);
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named() {
        let member = |value| match asset(value) {
            Err(Fault::WrongType { member, .. }) => member,
            other => format!("{other:?}"),
        };
        assert_eq!(member(json!({"adapters": []})), "id");
        assert_eq!(member(json!({"id": "a", "adapters": null})), "adapters");
        assert_eq!(
            member(json!({"id": "a", "adapters": [{"adapter": "x"}, 1]})),
            "adapters[1]"
        );
        assert_eq!(
            member(json!({"id": "a", "adapters": [{"data": {}}]})),
            "adapters[0].adapter"
        );
        assert_eq!(
            member(json!({"id": "a", "adapters": [{"adapter": "x", "data": 1}]})),
            "adapters[0].data"
        );
        assert_eq!(
            member(json!({"id": "a", "adapters": [{"adapter": "x", "connection": 1}]})),
            "adapters[0].connection"
        );
        assert_eq!(member(json!({"id": "a", "labels": "x"})), "labels");
        assert_eq!(member(json!({"id": "a", "type": ""})), "type");
    }
}
