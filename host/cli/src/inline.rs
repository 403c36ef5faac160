//! The part of an action's form that is about the connection, where `--set` fills it in.
//!
//! With stored credentials, which is the default, the connection is one of tipstaff.toml as it stands, and a field of it
//! cannot be set for a run. Without them (`--set use_stored_credentials=false`) its own fields are those that are set,
//! and of the stored connection only the way there is used: cloud, authorities, proxy. What is set here is held to the
//! same rules as the file, and is written nowhere.

use serde_json::Value;
use tipstaff::{Config, Connection, Manifest};

use crate::context::Context;
use crate::diagnostic::Failure;
use crate::edit::{Edit, Setting};

const STORED: &str = "use_stored_credentials";
const CONNECTION: &str = "adapter_connection";
/// What a stored connection signs in with beside the fields of a form.
const CREDENTIALS: [&str; 3] = ["certificate", "federated_token", "sign_in"];

/// What `--set` says, told apart.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    /// The fields of the connection, if no stored credentials are to be used.
    inline: Option<Vec<Setting>>,
    /// The action's settings.
    pub(crate) settings: Vec<(String, String)>,
}

impl Filled {
    /// Tells the fields of an action's form apart. `connection` is the one that was named beside them.
    pub(crate) fn of(
        set: Vec<(String, String)>,
        manifest: &Manifest,
        connection: &str,
    ) -> Result<Self, Failure> {
        let schemas = (&manifest.settings_schema, &manifest.connection_schema);
        Self::by_schema(set, schemas, connection)
    }

    fn by_schema(
        set: Vec<(String, String)>,
        (of_settings, of_connection): (&Value, &Value),
        connection: &str,
    ) -> Result<Self, Failure> {
        let has = |schema: &Value, field: &str| {
            let properties = schema.get("properties");
            properties.is_some_and(|fields| fields.get(field).is_some())
        };
        let (mut stored, mut fields, mut settings) = (true, Vec::new(), Vec::new());
        for (name, value) in set {
            let field = name.split('.').next().unwrap_or(&name);
            if has(of_settings, &name) {
                settings.push((name, value));
            } else if name == STORED {
                stored = flag(&value)?;
            } else if name == CONNECTION {
                if value != connection {
                    return Err(Failure::new(format!(
                        "`--connection {connection}` and `--set {CONNECTION}={value}` name two connections"
                    )));
                }
            } else if has(of_connection, field) {
                let is_secret = of_connection.pointer(&format!("/properties/{field}/writeOnly"));
                if is_secret == Some(&Value::Bool(true)) && field == name && !value.starts_with('{')
                {
                    return Err(Failure::new(format!(
                        "`{field}` is a secret, and everybody on this machine can read a command line"
                    ))
                    .hint(format!(
                        "say where it is: `--set {field}.env=VARIABLE`, or `.file=PATH`, `.keyring=NAME`"
                    )));
                }
                let setting = format!("{name}={value}").parse();
                fields.push(setting.map_err(|error: String| Failure::new(error))?);
            } else {
                // The plan refuses it, with the nearest that there is.
                settings.push((name, value));
            }
        }
        match (stored, fields.is_empty()) {
            (true, false) => Err(Failure::new(
                "fields of the connection are set, and stored credentials are used",
            )
            .hint(format!(
                "leave them out, or add `--set {STORED}=false` and set all that the connection needs"
            ))),
            (true, true) => Ok(Self {
                inline: None,
                settings,
            }),
            (false, _) => Ok(Self {
                inline: Some(fields),
                settings,
            }),
        }
    }

    /// The connection that was filled in, on the way that the stored one has; `None` if that is to be used.
    pub(crate) fn connection(
        &self,
        context: &Context,
        manifest: &Manifest,
        stored: &Connection,
    ) -> Result<Option<Connection>, Failure> {
        let Some(fields) = &self.inline else {
            return Ok(None);
        };
        let Some(path) = context.config_path() else {
            return Ok(None);
        };
        let text =
            std::fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let mut edit = Edit::of(&text, &path)?;
        let name = stored.name();
        edit.keep(name, |field| {
            let known = manifest.connection_schema.get("properties");
            let is_form = known.is_some_and(|known| known.get(field).is_some());
            // `verify_ssl` is about the way there, though every form shows it.
            field == "verify_ssl" || !(is_form || CREDENTIALS.contains(&field))
        });
        edit.set(name, fields);
        let config = Config::parse(&edit.text(), &path)?;
        let connection = config.connection(name)?;
        Ok(Some(match context.trust()?.pem()? {
            Some(pem) => connection.trusting(&pem),
            None => connection,
        }))
    }
}

fn flag(value: &str) -> Result<bool, Failure> {
    value
        .parse()
        .map_err(|_| Failure::new(format!("`{STORED}` is neither `true` nor `false`")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end where it finds a fault")]

    use serde_json::json;

    use super::*;

    fn filled(set: &[(&str, &str)]) -> Result<Filled, String> {
        let settings = json!({"properties": {"batch_size": {"type": "integer"}}});
        let connection = json!({"properties": {
            "client_id": {"type": "string"}, "client_secret": {"type": "string", "writeOnly": true}}});
        let set = set.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Filled::by_schema(set.collect(), (&settings, &connection), "corp")
            .map_err(|failure| failure.render(false))
    }

    #[test]
    fn with_stored_credentials_no_field_of_the_connection_is_set() {
        let plain = filled(&[
            ("batch_size", "1"),
            ("adapter_connection", "corp"),
            ("odd", "x"),
        ]);
        assert!(plain.is_ok_and(|filled| filled.inline.is_none() && filled.settings.len() == 2));
        let refused = filled(&[("client_id", "x")]).unwrap_err();
        insta::assert_snapshot!(refused, @r"
        error: fields of the connection are set, and stored credentials are used

        hint: leave them out, or add `--set use_stored_credentials=false` and set all that the connection needs
        ");
        assert!(filled(&[("adapter_connection", "other")]).is_err());
        assert!(filled(&[("use_stored_credentials", "no")]).is_err());
    }

    #[test]
    fn without_them_what_is_set_is_the_connection() {
        let set = [
            ("use_stored_credentials", "false"),
            ("client_id", "x"),
            ("client_secret.env", "SECRET"),
            ("batch_size", "1"),
        ];
        let inline = filled(&set);
        assert!(inline.is_ok_and(|filled| {
            filled.settings.len() == 1 && filled.inline.is_some_and(|fields| fields.len() == 2)
        }));
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        let set = [
            ("use_stored_credentials", "false"),
            ("client_secret", "hunter2"),
        ];
        let refused = filled(&set).unwrap_err();
        assert!(
            refused.contains("client_secret.env=VARIABLE") && !refused.contains("hunter2"),
            "{refused}"
        );
    }
}
