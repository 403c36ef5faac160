//! What every part of a statement gave, for whoever looks why.

use serde::Serialize;
use serde_json::Value as Json;

use super::Seen;
use crate::diagnostic::{Place, Span};
use crate::program::{Body, Node as Expression, Program, Set, What};

/// A part of a statement, and what it gave for the asset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Where it begins.
    #[serde(flatten)]
    pub place: Place,
    /// What it is: `function`, `field`, `literal`, `operator` or `set_value`.
    pub kind: &'static str,
    /// Its text.
    pub text: String,
    /// What the value is. None if there is none, or if the part was not reached.
    #[serde(rename = "type")]
    pub type_name: Option<&'static str>,
    /// The value, secrets masked.
    pub value: Option<Json>,
    /// Why there is no value. None also if the part was not reached.
    pub error: Option<String>,
    /// Whether it was looked at: what stands after the first case that holds, or the first alternative that has a
    /// value, is not.
    pub reached: bool,
}

/// What stands for a secret.
pub(super) fn masked() -> Json {
    Json::from("********")
}

/// The longest excerpt of the statement, in characters.
const EXCERPT: usize = 120;

/// All parts, in the order of the text, outer ones first.
pub(super) fn nodes(program: &Program, seen: Vec<Option<Seen>>) -> Vec<Node> {
    let mut list = List {
        program,
        seen,
        nodes: Vec::new(),
    };
    match &program.body {
        Body::All(sets) => list.sets(sets),
        Body::Switch { subject, cases } => {
            list.expression(subject);
            for case in cases {
                list.add(case.condition.id, case.condition.span, "operator");
                if let Some(argument) = &case.condition.argument {
                    list.expression(argument);
                }
                list.sets(&case.sets);
            }
        }
    }
    list.nodes
}

struct List<'a> {
    program: &'a Program,
    seen: Vec<Option<Seen>>,
    nodes: Vec<Node>,
}

impl List<'_> {
    fn sets(&mut self, sets: &[Set]) {
        for set in sets {
            self.add(set.id, set.span, "set_value");
            for alternative in &set.alternatives {
                self.expression(alternative);
            }
        }
    }

    fn expression(&mut self, node: &Expression) {
        let kind = match &node.what {
            What::Call { .. } => "function",
            What::Field { .. } | What::Nothing(_) => "field",
            What::Word(_) | What::Columns(_) => return,
            What::Constant(_) | What::Pattern { .. } | What::Networks { .. } => "literal",
        };
        self.add(node.id, node.span, kind);
        if let What::Call { arguments, .. } = &node.what {
            for argument in arguments {
                self.expression(argument);
            }
        }
    }

    fn add(&mut self, id: usize, span: Span, kind: &'static str) {
        let seen = self.seen.get_mut(id).and_then(Option::take);
        let reached = seen.is_some();
        let (type_name, value, error) = match seen {
            None => (None, None, None),
            Some(Ok((type_name, value))) => (Some(type_name), Some(value), None),
            Some(Err(fault)) => (None, None, Some(fault.to_string())),
        };
        let text = span.of(&self.program.text);
        let mut excerpt: String = text.chars().take(EXCERPT).collect();
        if excerpt.len() < text.len() {
            excerpt.push('…');
        }
        self.nodes.push(Node {
            place: Place::of(&self.program.text, span.start),
            kind,
            text: excerpt,
            type_name,
            value,
            error,
            reached,
        });
    }
}
