//! Assets that a query found, in the form that was asked for. However many there are, a screenful is in memory.

use std::io::{BufWriter, Stdout, Write};
use std::ops::ControlFlow;

use tipstaff::asset::cell::CellWriter;
use tipstaff::asset::inventory::Match;
use tipstaff::asset::{Asset, FieldPath, Inventory, Query};

use super::table::Columns;
use crate::diagnostic::Failure;
use crate::follow::Format;
use crate::printer::{Paint, Printer};

/// So many rows decide how wide the columns of a table are; later ones may stick out.
const FITTED: usize = 200;

const HEADS: [&str; 5] = ["ASSET", "TYPE", "NAME", "ADAPTERS", "LABELS"];

/// Writes what `query` finds to standard output, and says how many assets that were.
pub(crate) fn write(
    inventory: &Inventory,
    query: &Query,
    format: Format,
    printer: &Printer,
) -> Result<u64, Failure> {
    let mut sink = Sink::new(format, printer)?;
    let (mut count, mut failure) = (0_u64, None);
    inventory.find(query, |found| match sink.add(found) {
        Ok(()) => {
            count += 1;
            ControlFlow::Continue(())
        }
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    match failure {
        Some(failure) => Err(failure),
        None => sink.end().map(|()| count),
    }
}

enum Sink {
    Csv(CellWriter<BufWriter<Stdout>>),
    Json {
        out: BufWriter<Stdout>,
        is_first: bool,
    },
    Lines(BufWriter<Stdout>),
    Table(Table),
}

struct Table {
    out: BufWriter<Stdout>,
    columns: Columns<5>,
    /// Rows that were not written yet, because the columns may still become wider.
    waiting: Option<Vec<[String; 5]>>,
    paint: Paint,
}

impl Sink {
    fn new(format: Format, printer: &Printer) -> Result<Self, Failure> {
        let out = printer.results();
        Ok(match format {
            Format::Table => Self::Table(Table {
                out,
                columns: Columns::new(HEADS),
                waiting: Some(Vec::new()),
                paint: printer.paint(),
            }),
            Format::Jsonl => Self::Lines(out),
            Format::Json => Self::Json {
                out,
                is_first: true,
            },
            Format::Csv => {
                let mut writer = CellWriter::new(out);
                writer.row(["asset", "type", "name", "adapters", "labels"])?;
                Self::Csv(writer)
            }
        })
    }

    fn add(&mut self, found: Match<'_>) -> Result<(), Failure> {
        match self {
            Self::Csv(writer) => {
                let row = row(&found.asset()?);
                writer.row(row.iter().map(String::as_str))?;
            }
            Self::Json { out, is_first } => {
                let before: &[u8] = if *is_first { b"[\n" } else { b",\n" };
                *is_first = false;
                out.write_all(before)?;
                out.write_all(found.json.as_bytes())?;
            }
            Self::Lines(out) => {
                out.write_all(found.json.as_bytes())?;
                out.write_all(b"\n")?;
            }
            Self::Table(table) => table.add(row(&found.asset()?))?,
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Self::Csv(mut writer) => writer.flush()?,
            Self::Json { mut out, is_first } => {
                out.write_all(if is_first { b"[]\n" } else { b"\n]\n" })?;
                out.flush()?;
            }
            Self::Lines(mut out) => out.flush()?,
            Self::Table(mut table) => {
                table.write_waiting()?;
                table.out.flush()?;
            }
        }
        Ok(())
    }
}

impl Table {
    fn add(&mut self, row: [String; 5]) -> Result<(), Failure> {
        let Some(waiting) = &mut self.waiting else {
            return self.write(&row);
        };
        self.columns.fit(&row.each_ref().map(String::as_str));
        waiting.push(row);
        if waiting.len() >= FITTED {
            self.write_waiting()?;
        }
        Ok(())
    }

    fn write_waiting(&mut self) -> Result<(), Failure> {
        let rows = self.waiting.take().unwrap_or_default();
        if !rows.is_empty() {
            self.out
                .write_all(self.columns.head(self.paint).as_bytes())?;
        }
        rows.iter().try_for_each(|row| self.write(row))
    }

    fn write(&mut self, row: &[String; 5]) -> Result<(), Failure> {
        let row = row.each_ref().map(String::as_str);
        let line = self.columns.line(&row, |_, cell| cell.to_owned());
        Ok(self
            .out
            .write_all(line.trim_end().as_bytes())
            .and_then(|()| self.out.write_all(b"\n"))?)
    }
}

fn row(asset: &Asset) -> [String; 5] {
    let mut adapters: Vec<&str> = Vec::new();
    for entity in &asset.adapters {
        if !adapters.contains(&entity.adapter.as_str()) {
            adapters.push(&entity.adapter);
        }
    }
    [
        asset.id.to_string(),
        asset.kind.clone(),
        name(asset),
        adapters.join(";"),
        asset.labels.join(";"),
    ]
}

/// What people call it.
fn name(asset: &Asset) -> String {
    let first = |field: &str| {
        let path = FieldPath::parse(&format!("specific_data.data.{field}_preferred")).ok()?;
        path.value(asset)?.as_str().map(str::to_owned)
    };
    ["username", "mail", "display_name", "hostname", "name"]
        .into_iter()
        .find_map(first)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_asset_is_a_row() {
        let asset = serde_json::from_value(json!({"id": "a", "labels": ["x", "y"], "adapters": [
            {"adapter": "ad_adapter", "data": {"username": ""}},
            {"adapter": "azure_ad_adapter", "data": {"mail": "ada@contoso.com"}},
            {"adapter": "azure_ad_adapter", "data": {}},
        ]}));
        let row = asset.map(|asset: Asset| row(&asset)).ok();
        let wanted = [
            "a",
            "user",
            "ada@contoso.com",
            "ad_adapter;azure_ad_adapter",
            "x;y",
        ];
        assert_eq!(row, Some(wanted.map(str::to_owned)));
    }
}
