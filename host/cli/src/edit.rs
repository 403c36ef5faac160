//! Changes connections in `tipstaff.toml`, and leaves every other line as it is: comments, order, spaces.
//!
//! What comes out is read as every configuration is before it is written, so that no file is left that cannot be used.
//! Secrets are never written: the reader refuses them.

use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use tipstaff::Config;
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::diagnostic::Failure;

/// `FIELD=VALUE`. A field may have a member: `client_secret.env=CORP_ENTRA_SECRET`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    field: String,
    member: Option<String>,
    value: String,
}

impl Setting {
    pub(crate) fn new(field: &str, value: &str) -> Self {
        Self {
            field: field.to_owned(),
            member: None,
            value: value.to_owned(),
        }
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.trim().is_empty())
            .ok_or("write FIELD=VALUE")?;
        let (field, member) = match name.trim().split_once('.') {
            Some((field, member)) => (field, Some(member.to_owned())),
            None => (name.trim(), None),
        };
        Ok(Self {
            field: field.to_owned(),
            member,
            value: value.to_owned(),
        })
    }
}

/// A file of connections that is about to be changed.
pub(crate) struct Edit {
    document: DocumentMut,
}

impl Edit {
    /// Reads the text of a configuration, which may be empty.
    pub(crate) fn of(text: &str, path: &Path) -> Result<Self, Failure> {
        // The reader's messages name the line and what would be right.
        Config::parse(text, path)?;
        let document = text.parse().map_err(|_| {
            Failure::new(format!("`{}` cannot be changed here", path.display()))
                .hint("change it with an editor")
        })?;
        Ok(Self { document })
    }

    /// Whether there is a connection of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let connections = self.document.get("connections");
        let connections = connections.and_then(Item::as_table_like);
        connections.is_some_and(|connections| connections.contains_key(name))
    }

    /// Sets fields of a connection, which is made if it is not there.
    pub(crate) fn set(&mut self, name: &str, settings: &[Setting]) {
        let connections = self.document.entry("connections").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let Some(connections) = connections.as_table_like_mut() else {
            return;
        };
        let connection = connections.entry(name).or_insert(Item::Table(Table::new()));
        let Some(connection) = connection.as_table_like_mut() else {
            return;
        };
        for setting in settings {
            let value = value(&setting.value);
            match &setting.member {
                None => {
                    connection.insert(&setting.field, Item::Value(value));
                }
                Some(member) => {
                    let mut table = InlineTable::new();
                    // A secret is in one place; what said where it was before says so no longer.
                    table.insert(member, value);
                    connection.insert(&setting.field, Item::Value(Value::InlineTable(table)));
                }
            }
        }
    }

    /// Takes fields from a connection; gives those that it did not have.
    pub(crate) fn unset<'f>(&mut self, name: &str, fields: &'f [String]) -> Vec<&'f str> {
        let connection = self
            .document
            .get_mut("connections")
            .and_then(Item::as_table_like_mut)
            .and_then(|connections| connections.get_mut(name))
            .and_then(Item::as_table_like_mut);
        match connection {
            None => fields.iter().map(String::as_str).collect(),
            Some(connection) => fields
                .iter()
                .filter(|field| connection.remove(field).is_none())
                .map(String::as_str)
                .collect(),
        }
    }

    /// Takes from a connection all fields but those that `kept` says yes to.
    pub(crate) fn keep(&mut self, name: &str, kept: impl Fn(&str) -> bool) {
        let connection = self
            .document
            .get_mut("connections")
            .and_then(Item::as_table_like_mut)
            .and_then(|connections| connections.get_mut(name))
            .and_then(Item::as_table_like_mut);
        if let Some(connection) = connection {
            let fields: Vec<String> = connection
                .iter()
                .map(|(field, _)| field.to_owned())
                .collect();
            for field in fields.iter().filter(|field| !kept(field)) {
                connection.remove(field);
            }
        }
    }

    /// The text as it is now.
    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }

    /// Takes a connection away.
    pub(crate) fn remove(&mut self, name: &str) {
        let connections = self.document.get_mut("connections");
        if let Some(connections) = connections.and_then(Item::as_table_like_mut) {
            connections.remove(name);
        }
    }

    /// Writes the file in one step, if it is one that can be read again.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = self.document.to_string();
        Config::parse(&text, path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let failed = |error: &std::io::Error| Failure::file("write", path, error);
        // It is made for its owner alone, which suits a file that says where secrets are.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        if let Ok(metadata) = std::fs::metadata(path) {
            let kept = file.as_file().set_permissions(metadata.permissions());
            kept.map_err(|error| failed(&error))?;
        }
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(|error| failed(&error))?;
        file.persist(path).map_err(|error| failed(&error.error))?;
        Ok(())
    }
}

/// `true` and `false`, a list or a table as TOML has them, and everything else as text.
fn value(text: &str) -> Value {
    let is_toml = matches!(text, "true" | "false") || text.starts_with(['[', '{']);
    match text.parse::<Value>() {
        Ok(value) if is_toml => value,
        _ => Value::from(text),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]
mod tests {
    use super::*;

    const FILE: &str = "# ours\n[connections.corp]   # the first\nadapter = \"azure_ad_adapter\"\nclient_id = \"x\"\n\n[connections.other]\nadapter = \"azure_ad_adapter\"\n";

    fn edit(text: &str) -> Edit {
        Edit::of(text, Path::new("tipstaff.toml")).unwrap()
    }

    fn settings(all: &[&str]) -> Vec<Setting> {
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_connection_is_added_to_nothing() {
        let mut edit = edit("");
        edit.set(
            "corp",
            &settings(&[
                "adapter=azure_ad_adapter",
                "tenant_id=11111111-2222-3333-4444-555555555555",
                "client_secret.env=CORP_ENTRA_SECRET",
                "verify_ssl=true",
            ]),
        );
        insta::assert_snapshot!(edit.document.to_string(), @r#"
        [connections.corp]
        adapter = "azure_ad_adapter"
        tenant_id = "11111111-2222-3333-4444-555555555555"
        client_secret = { env = "CORP_ENTRA_SECRET" }
        verify_ssl = true
        "#);
    }

    #[test]
    fn what_is_not_changed_stays_to_the_letter() {
        let mut edit = edit(FILE);
        edit.set(
            "corp",
            &settings(&["client_id=y", "client_secret.command=[\"op\", \"read\"]"]),
        );
        assert_eq!(
            edit.unset("other", &["client_id".to_owned()]),
            ["client_id"]
        );
        let text = edit.document.to_string();
        assert!(
            text.starts_with("# ours\n[connections.corp]   # the first\n"),
            "{text}"
        );
        assert!(
            text.contains("client_id = \"y\"\nclient_secret = { command = [\"op\", \"read\"] }\n"),
            "{text}"
        );
        assert!(
            text.ends_with("[connections.other]\nadapter = \"azure_ad_adapter\"\n"),
            "{text}"
        );
        edit.remove("corp");
        assert!(!edit.has("corp") && edit.has("other"));
    }

    #[test]
    fn a_secret_in_clear_is_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tipstaff.toml");
        std::fs::write(&path, FILE).unwrap();
        let mut edit = edit(FILE);
        edit.set("corp", &settings(&["client_secret=hunter2hunter2"]));
        let refused = edit.write(&path).unwrap_err().render(false);
        assert!(
            refused.contains("client_secret") && !refused.contains("hunter2"),
            "{refused}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE);
    }

    #[test]
    fn settings_have_a_field_and_a_value() {
        assert!("=x".parse::<Setting>().is_err() && "x".parse::<Setting>().is_err());
        assert_eq!("a=b=c".parse::<Setting>().unwrap().value, "b=c");
    }
}
