//! The form of an action as a table for people.

use tipstaff::{FormPart, Manifest, form_fields};

use super::table::table;
use crate::printer::Paint;

/// A table for each part of the form.
pub(crate) fn form(manifest: &Manifest, paint: Paint) -> String {
    let fields = form_fields(manifest);
    let parts = [
        (FormPart::Common, "Every action"),
        (FormPart::Settings, "Settings"),
        (
            FormPart::Connection,
            "Connection (of tipstaff.toml, or inline without stored credentials)",
        ),
    ];
    let mut text = String::new();
    for (part, heading) in parts {
        let rows: Vec<[String; 6]> = fields
            .iter()
            .filter(|field| field.part == part)
            .map(|field| {
                let field = field.clone();
                [
                    field.name,
                    field.kind,
                    if field.required { "yes" } else { "-" }.to_owned(),
                    field.default.unwrap_or_else(|| "-".to_owned()),
                    field.title,
                    field.description,
                ]
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&paint.heading(heading));
        text.push_str("\n\n");
        let heads = [
            "FIELD",
            "TYPE",
            "REQUIRED",
            "DEFAULT",
            "TITLE",
            "WHAT IT IS FOR",
        ];
        text.push_str(&table(heads, &rows, paint));
    }
    text
}
