//! What an action says of itself, in the host's own types, checked as far as it can be without a connection.
//!
//! The meaning of every field is the contract's (`wit/manifest.wit`). What concerns the network is
//! [`tipstaff_egress::declare`]'s.

use serde_json::Value;
use tipstaff_egress::declare::{Declaration, Effect, Shape};

/// A manifest that holds together: see [`Manifest::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// kebab-case.
    pub name: String,
    /// A few words for headings.
    pub title: String,
    /// What it does to an asset.
    pub summary: String,
    /// Semantic version.
    pub version: String,
    /// The adapter whose connections and identities it works with.
    pub adapter: String,
    /// Kinds of asset that it can be given.
    pub asset_kinds: Vec<String>,
    /// Fields of an identity that it wants to see.
    pub asset_fields: Vec<AssetField>,
    /// JSON Schema of the settings.
    pub settings_schema: Value,
    /// JSON Schema of the connection.
    pub connection_schema: Value,
    /// Settings that add an asset to a run.
    pub adds: Vec<AddsAsset>,
    /// Endpoints, calls and lanes.
    pub network: Declaration,
    /// Every code that its outcomes may carry.
    pub outcome_codes: Vec<OutcomeCode>,
}

/// A field of an identity.
#[derive(Clone, Debug, PartialEq)]
pub struct AssetField {
    /// The member of the identity's object.
    pub path: String,
    /// An identity without it is not handed over.
    pub required: bool,
    /// Why the action needs it.
    pub purpose: String,
}

/// A flag of the settings that adds an asset to the runs that set it (`x-adds-asset` in the settings' schema).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddsAsset {
    /// The flag.
    pub setting: String,
    /// The connection's field whose value names the asset.
    pub field: String,
    /// The field of an identity that has this value.
    pub identity_field: String,
    /// Further fields of the connection that have to be there.
    pub needs: Vec<String>,
}

/// A code that outcomes may carry.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeCode {
    /// kebab-case.
    pub code: String,
    /// What it means, and what to do about it.
    pub meaning: String,
}

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ManifestFault {
    /// `outcome-codes[3].code`.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

const MOST_ENTRIES: usize = 256;
const LONGEST_TEXT: usize = 4_096;
const LONGEST_SCHEMA: usize = 256 * 1024;

impl Manifest {
    /// Parses the two schemas and checks everything but the network's part, which [`Declaration::faults`] checks.
    ///
    /// # Errors
    ///
    /// Every fault that was found, not just the first.
    pub(crate) fn check(parts: ManifestParts) -> Result<Self, Vec<ManifestFault>> {
        let mut faults = Faults(Vec::new());
        faults.kebab("name", &parts.name);
        faults.text("title", &parts.title);
        faults.text("summary", &parts.summary);
        if !is_semantic_version(&parts.version) {
            faults.add(
                "version",
                format!("`{}` is not a semantic version", shown(&parts.version)),
            );
        }
        faults.identifier("adapter", &parts.adapter);
        faults.count("asset-kinds", parts.asset_kinds.len());
        for (i, kind) in parts.asset_kinds.iter().enumerate().take(MOST_ENTRIES) {
            faults.identifier(&format!("asset-kinds[{i}]"), kind);
        }
        if parts.asset_kinds.is_empty() {
            faults.add("asset-kinds", "names no kind of asset".to_owned());
        }
        faults.count("asset-fields", parts.asset_fields.len());
        for (i, field) in parts.asset_fields.iter().enumerate().take(MOST_ENTRIES) {
            faults.identifier(&format!("asset-fields[{i}].path"), &field.path);
            faults.text(&format!("asset-fields[{i}].purpose"), &field.purpose);
        }
        faults.count("outcome-codes", parts.outcome_codes.len());
        let mut seen = std::collections::HashSet::new();
        for (i, code) in parts.outcome_codes.iter().enumerate().take(MOST_ENTRIES) {
            faults.kebab(&format!("outcome-codes[{i}].code"), &code.code);
            faults.text(&format!("outcome-codes[{i}].meaning"), &code.meaning);
            if !seen.insert(&code.code) {
                faults.add(
                    &format!("outcome-codes[{i}].code"),
                    format!("`{}` stands here twice", shown(&code.code)),
                );
            }
        }
        let settings_schema = faults.schema("settings-schema", &parts.settings_schema);
        let connection_schema = faults.schema("connection-schema", &parts.connection_schema);
        let adds = faults.adds(&settings_schema, &connection_schema, &parts.asset_fields);
        for fault in parts.network.faults() {
            faults.add(&fault.place.to_string(), fault.flaw.to_string());
        }
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        Ok(Self {
            name: parts.name,
            title: parts.title,
            summary: parts.summary,
            version: parts.version,
            adapter: parts.adapter,
            asset_kinds: parts.asset_kinds,
            asset_fields: parts.asset_fields,
            settings_schema,
            connection_schema,
            adds,
            network: parts.network,
            outcome_codes: parts.outcome_codes,
        })
    }

    /// The names of the connection's fields that are secret (`writeOnly: true`).
    pub fn secret_fields(&self) -> impl Iterator<Item = &str> {
        self.connection_schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter(|(_, schema)| schema.get("writeOnly") == Some(&Value::Bool(true)))
            .map(|(name, _)| name.as_str())
    }

    /// Fields of identities that are names of an asset, by the subjects of all calls.
    pub fn naming_fields(&self) -> Vec<&str> {
        self.fields_of_subjects(|_| true)
    }

    /// Those of them by which an asset can be changed: two assets that share such a name are one.
    pub fn unique_fields(&self) -> Vec<&str> {
        self.fields_of_subjects(|effect| effect == Effect::Changes)
    }

    fn fields_of_subjects(&self, of: impl Fn(Effect) -> bool) -> Vec<&str> {
        let mut fields: Vec<&str> = self
            .network
            .calls
            .iter()
            .filter_map(|call| match &call.shape {
                Shape::Single { effect, subject } if of(*effect) => subject.as_ref(),
                Shape::Single { .. } | Shape::ODataJsonBatch { .. } => None,
            })
            .flat_map(|subject| subject.fields.iter().map(String::as_str))
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

/// What a guest sent, before anything of it is believed.
pub(crate) struct ManifestParts {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) version: String,
    pub(crate) adapter: String,
    pub(crate) asset_kinds: Vec<String>,
    pub(crate) asset_fields: Vec<AssetField>,
    pub(crate) settings_schema: String,
    pub(crate) connection_schema: String,
    pub(crate) network: Declaration,
    pub(crate) outcome_codes: Vec<OutcomeCode>,
}

struct Faults(Vec<ManifestFault>);

impl Faults {
    fn add(&mut self, place: &str, reason: String) {
        if self.0.len() < MOST_ENTRIES {
            self.0.push(ManifestFault {
                place: place.to_owned(),
                reason,
            });
        }
    }

    fn count(&mut self, place: &str, count: usize) {
        if count > MOST_ENTRIES {
            self.add(
                place,
                format!("has {count} entries, at most {MOST_ENTRIES} are read"),
            );
        }
    }

    fn kebab(&mut self, place: &str, text: &str) {
        let fits = !text.is_empty()
            && text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && !text.contains("--")
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            self.add(
                place,
                format!("`{}` is not kebab-case of at most 64 letters", shown(text)),
            );
        }
    }

    fn identifier(&mut self, place: &str, text: &str) {
        let fits = !text.is_empty()
            && text.len() <= 64
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if !fits {
            self.add(
                place,
                format!(
                    "`{}` is not a name of letters, digits, `_`, `-` and `.`",
                    shown(text)
                ),
            );
        }
    }

    fn text(&mut self, place: &str, text: &str) {
        if text.len() > LONGEST_TEXT {
            self.add(
                place,
                format!(
                    "is {} bytes long, at most {LONGEST_TEXT} are shown",
                    text.len()
                ),
            );
        } else if text.chars().any(is_misleading) {
            self.add(
                place,
                "has control or direction characters, which can make a text look like another"
                    .to_owned(),
            );
        }
    }

    fn schema(&mut self, place: &str, text: &str) -> Value {
        if text.len() > LONGEST_SCHEMA {
            self.add(
                place,
                format!(
                    "is {} bytes long, at most {LONGEST_SCHEMA} are read",
                    text.len()
                ),
            );
            return Value::Null;
        }
        match serde_json::from_str::<Value>(text) {
            Ok(schema) if schema.is_object() => schema,
            Ok(_) => {
                self.add(place, "is not a JSON object".to_owned());
                Value::Null
            }
            Err(error) => {
                self.add(place, format!("is not JSON: {error}"));
                Value::Null
            }
        }
    }
}

/// The mark of a setting that adds an asset.
const ADDS_ASSET: &str = "x-adds-asset";

impl Faults {
    /// Reads the marks of settings that add an asset.
    fn adds(
        &mut self,
        settings: &Value,
        connection: &Value,
        asset_fields: &[AssetField],
    ) -> Vec<AddsAsset> {
        let mut adds = Vec::new();
        let members = settings.get("properties").and_then(Value::as_object);
        for (setting, member) in members.into_iter().flatten() {
            let Some(mark) = member.get(ADDS_ASSET) else {
                continue;
            };
            match adds_asset(setting, member, mark, connection, asset_fields) {
                Ok(added) => adds.push(added),
                Err(why) => self.add(
                    "settings-schema",
                    format!("`{ADDS_ASSET}` of `{}` {why}", shown(setting)),
                ),
            }
        }
        adds
    }
}

fn adds_asset(
    setting: &str,
    member: &Value,
    mark: &Value,
    connection: &Value,
    asset_fields: &[AssetField],
) -> Result<AddsAsset, &'static str> {
    let form = "is not `{\"field\":…,\"as\":…,\"needs\":[…]}`";
    let mark = mark.as_object().ok_or(form)?;
    let known = |name: &String| matches!(name.as_str(), "field" | "as" | "needs");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let (Some(named_by), Some(identity_field)) = (text(mark.get("field")), text(mark.get("as")))
    else {
        return Err(form);
    };
    let needs = match mark.get("needs") {
        None => Some(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(|name| text(Some(name))).collect(),
        Some(_) => None,
    };
    let needs = needs.filter(|_| mark.keys().all(known)).ok_or(form)?;
    if member.get("type").and_then(Value::as_str) != Some("boolean") {
        return Err("is not on a flag");
    }
    let field = |name: &str| connection.get("properties")?.get(name);
    let open = field(&named_by).ok_or("names a field that the connection does not have")?;
    if open.get("writeOnly") == Some(&Value::Bool(true)) {
        return Err("would show a secret");
    }
    if needs.iter().any(|name| field(name).is_none()) {
        return Err("needs a field that the connection does not have");
    }
    if !asset_fields
        .iter()
        .any(|known| known.path == identity_field)
    {
        return Err("gives the asset a field that the action does not ask for");
    }
    Ok(AddsAsset {
        setting: setting.to_owned(),
        field: named_by,
        identity_field,
        needs,
    })
}

/// Characters that can make a person read something else than what is there: controls, and the direction and
/// invisible characters of Unicode Technical Report 36 ("Unicode Security Considerations").
pub(crate) fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Text of a guest, short and harmless enough to stand in a message.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(80)
        .map(|c| if is_misleading(c) { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    short
}

/// Semantic Versioning 2.0.0, without judging the parts after `-` and `+` beyond their letters.
fn is_semantic_version(text: &str) -> bool {
    if text.len() > 64 {
        return false;
    }
    let (core, rest) = match text.find(['-', '+']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut numbers = core.split('.');
    let number = |part: Option<&str>| {
        part.is_some_and(|p| {
            !p.is_empty()
                && p.bytes().all(|b| b.is_ascii_digit())
                && (p == "0" || !p.starts_with('0'))
        })
    };
    number(numbers.next())
        && number(numbers.next())
        && number(numbers.next())
        && numbers.next().is_none()
        && rest.len() != 1
        && rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> ManifestParts {
        ManifestParts {
            name: "tag-users".to_owned(),
            title: "Tag users".to_owned(),
            summary: String::new(),
            version: "1.2.3".to_owned(),
            adapter: "azure_ad_adapter".to_owned(),
            asset_kinds: vec!["user".to_owned()],
            asset_fields: Vec::new(),
            settings_schema: "{}".to_owned(),
            connection_schema: r#"{"properties":{"token":{"writeOnly":true},"host":{}}}"#
                .to_owned(),
            network: Declaration::default(),
            outcome_codes: Vec::new(),
        }
    }

    #[test]
    fn secrets_are_the_fields_that_are_write_only() {
        let manifest = Manifest::check(parts()).ok();
        let fields = manifest
            .iter()
            .flat_map(Manifest::secret_fields)
            .collect::<Vec<_>>();
        assert_eq!(fields, ["token"]);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let faults = Manifest::check(ManifestParts {
            name: "Tag Users".to_owned(),
            title: "turned \u{202e}around".to_owned(),
            version: "1.02.3".to_owned(),
            settings_schema: "[]".to_owned(),
            ..parts()
        });
        let places: Vec<_> = faults
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|f| f.place)
            .collect();
        assert_eq!(places, ["name", "title", "version", "settings-schema"]);
    }

    #[test]
    fn a_setting_that_adds_an_asset_is_read_or_refused() {
        let with = |mark: &str, kind: &str| {
            Manifest::check(ManifestParts {
                settings_schema: format!(
                    r#"{{"properties":{{"canary":{{"type":"{kind}","x-adds-asset":{mark}}},"size":{{}}}}}}"#
                ),
                asset_fields: vec![AssetField {
                    path: "username".to_owned(),
                    required: false,
                    purpose: String::new(),
                }],
                ..parts()
            })
        };
        let good = r#"{"field":"host","as":"username","needs":["token"]}"#;
        let adds = with(good, "boolean").map(|manifest| manifest.adds);
        let wanted = AddsAsset {
            setting: "canary".to_owned(),
            field: "host".to_owned(),
            identity_field: "username".to_owned(),
            needs: vec!["token".to_owned()],
        };
        assert_eq!(adds, Ok(vec![wanted]));
        for (mark, kind) in [
            (good, "string"),
            (r#"{"field":"token","as":"username"}"#, "boolean"),
            (r#"{"field":"nothing","as":"username"}"#, "boolean"),
            (r#"{"field":"host","as":"id"}"#, "boolean"),
            (
                r#"{"field":"host","as":"username","needs":["x"]}"#,
                "boolean",
            ),
            (r#"{"field":"host","as":"username","more":1}"#, "boolean"),
            ("true", "boolean"),
        ] {
            assert!(with(mark, kind).is_err(), "{mark}");
        }
    }

    #[test]
    fn versions_are_semantic() {
        for good in ["0.1.0", "1.2.3-rc.1", "1.2.3+build.5", "10.20.30-a+b"] {
            assert!(is_semantic_version(good), "{good}");
        }
        for bad in [
            "", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-", "v1.2.3", "1.2.3 ",
        ] {
            assert!(!is_semantic_version(bad), "{bad}");
        }
    }
}
