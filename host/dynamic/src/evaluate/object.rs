//! Lists of objects: looked up by key, filtered, shown as a table.

use serde_json::{Map, Value as Json};

use super::{Outcome, Run, text_of};
use crate::diagnostic::Span;
use crate::fault::{Failure, Fault};
use crate::functions::Function;
use crate::limits;
use crate::program::{Node, What};
use crate::value::Value;

impl<'a> Run<'a, '_> {
    /// `by_key` and the filters over objects.
    pub(super) fn of_objects(
        &mut self,
        function: Function,
        arguments: &'a [Node],
        span: Span,
    ) -> Outcome<'a> {
        let [list, rest @ ..] = arguments else {
            return Ok(Value::Null);
        };
        let objects = self.objects(list)?;
        let (key, test, pick) = match rest {
            // `by_key` and `filter_by_key`: the value has to be equal.
            [key, value, pick] if !is_operator(function) => {
                (key, self.test("equals", value)?, Some(pick))
            }
            [key, operator, criterion, pick @ ..] => {
                let operator = self.text(operator)?;
                (key, self.test(&operator, criterion)?, pick.first())
            }
            _ => return Ok(Value::Null),
        };
        let key = self.text(key)?;
        let pick = pick.map(|pick| self.text(pick)).transpose()?;
        let mut found = Vec::new();
        for object in objects {
            let Some(value) = member(object, &key) else {
                continue;
            };
            if !test.holds(&Value::of_json(value)) {
                continue;
            }
            let picked = match &pick {
                None => Some(Value::Object(object)),
                Some(pick) => member(object, pick).map(Value::of_json),
            };
            match (function, picked) {
                (Function::ByKey, Some(picked)) if picked != Value::Null => return Ok(picked),
                (Function::ByKey, _) => return Err(Fault::Empty.at(span)),
                (_, Some(picked)) if picked != Value::Null => found.push(picked),
                _ => {}
            }
        }
        match function {
            Function::ByKey => Err(Fault::NoMatch.at(span)),
            _ => Ok(Value::List(found)),
        }
    }

    /// An HTML table. What stands in a cell cannot become markup.
    pub(super) fn table(&mut self, arguments: &'a [Node], span: Span) -> Outcome<'a> {
        let [list, columns] = arguments else {
            return Ok(Value::Null);
        };
        let What::Columns(columns) = &columns.what else {
            return Ok(Value::Null);
        };
        let objects = self.objects(list)?;
        let mut html = String::from("<table><thead><tr>");
        for (header, _) in columns {
            cell(&mut html, "th", header);
        }
        html.push_str("</tr></thead><tbody>");
        for object in objects {
            html.push_str("<tr>");
            for (_, key) in columns {
                let text = member(object, key)
                    .map(Value::of_json)
                    .map(|value| flat(&value));
                cell(&mut html, "td", &text.unwrap_or_default());
                if html.len() > limits::TEXT_BYTES {
                    return Err(Fault::TextTooLong.at(span));
                }
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table>");
        self.made(html).map_err(|fault| fault.at(span))
    }

    /// The objects of a list. Members that are none have no keys.
    fn objects(&mut self, node: &'a Node) -> Result<Vec<&'a Map<String, Json>>, Failure> {
        let members = self.list(node)?;
        let any = !members.is_empty();
        let objects: Vec<_> = members
            .into_iter()
            .filter_map(|member| match member {
                Value::Object(object) => Some(object),
                _ => None,
            })
            .collect();
        if any && objects.is_empty() {
            let fault = Fault::NotOfType {
                wanted: "a list of objects",
                found: "a list of other values",
            };
            return Err(fault.at(node.span));
        }
        Ok(objects)
    }
}

fn is_operator(function: Function) -> bool {
    matches!(
        function,
        Function::FilterByKeyWithOperator | Function::FilterValueByKeyWithOperator
    )
}

/// What an object has under a path. The path may begin with names that lead to the object itself: people write
/// `tags.key` for the `key` of a tag.
fn member<'o>(object: &'o Map<String, Json>, path: &str) -> Option<&'o Json> {
    let mut path = path;
    loop {
        let mut steps = path.split('.');
        let first = object.get(steps.next()?);
        if let Some(found) =
            first.and_then(|first| steps.try_fold(first, |value, step| value.get(step)))
        {
            return Some(found);
        }
        path = path.split_once('.')?.1;
    }
}

fn flat(value: &Value<'_>) -> String {
    match value {
        Value::List(members) => members.iter().map(flat).collect::<Vec<_>>().join(", "),
        Value::Object(object) => Json::Object((*object).clone()).to_string(),
        Value::Null => String::new(),
        other => text_of(other).unwrap_or_default().into_owned(),
    }
}

fn cell(html: &mut String, tag: &str, text: &str) {
    html.push_str(&format!("<{tag}>"));
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html.push_str(&format!("</{tag}>"));
}
