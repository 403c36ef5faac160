//! Whether an asset fulfils a query.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::syntax::{Check, Expr, OneOf, Relation, Subject, Test};
use crate::asset::{AdapterData, Asset};
use crate::date;
use crate::path::Source;
use crate::view::{View, compare_numbers};

/// What a condition is about.
#[derive(Clone, Copy)]
enum Whole<'a> {
    Asset(&'a Asset),
    Entity(&'a AdapterData),
    Object(&'a Map<String, Value>),
}

pub(crate) fn matches(expr: &Expr, asset: &Asset) -> bool {
    holds(expr, Whole::Asset(asset))
}

fn holds(expr: &Expr, whole: Whole<'_>) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| holds(part, whole)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, whole)),
        Expr::Not(part) => !holds(part, whole),
        Expr::Test(test) => passes(test, whole),
        Expr::Entity(part) => match whole {
            Whole::Asset(asset) => asset
                .adapters
                .iter()
                .any(|entity| holds(part, Whole::Entity(entity))),
            Whole::Entity(_) | Whole::Object(_) => false,
        },
    }
}

fn passes(test: &Test, whole: Whole<'_>) -> bool {
    match &test.check {
        Check::Size(wanted) => has_size(&test.subject, whole, *wanted),
        check => any_member(&test.subject, whole, |member| fulfils(member, check)),
    }
}

/// Whether a value that is no list, or a member of a list, fulfils `check`.
fn fulfils(value: View<'_>, check: &Check) -> bool {
    match (check, value) {
        (Check::Bool(wanted), View::Bool(value)) => *wanted == value,
        (Check::Date(relation, wanted), View::Text(text)) => {
            date::of_text(text).is_some_and(|date| relation.takes(date.cmp(wanted)))
        }
        (Check::Date(relation, wanted), View::Number(number)) => {
            date::of_number(number).is_some_and(|date| relation.takes(date.cmp(wanted)))
        }
        (Check::HasValue, value) => value.is_something(),
        (Check::Number(relation, wanted), View::Number(number)) => {
            relation.takes(compare_numbers(number, wanted))
        }
        (Check::Object(expr), View::Object(object)) => holds(expr, Whole::Object(object)),
        (Check::OneOf(members), value) => members.has(value),
        (Check::Range(bounds), View::Number(number)) => bounds
            .iter()
            .all(|(relation, bound)| relation.takes(compare_numbers(number, bound))),
        (Check::Regex(regex), View::Text(text)) => regex.is_match(text),
        // By code points, which is the order of the bytes of UTF-8.
        (Check::Text(relation, wanted), View::Text(text)) => {
            relation.takes(text.cmp(wanted.as_str()))
        }
        _ => false,
    }
}

fn has_size(subject: &Subject, whole: Whole<'_>, wanted: usize) -> bool {
    let mut count = 0_usize;
    // An asset always has a list of labels and one of adapters, if only an empty one.
    let mut is_there = matches!(
        subject,
        Subject::Asset(path) if matches!(path.source(), Source::Labels | Source::Adapters)
    );
    let _ = visit(subject, whole, |found| {
        match found {
            View::Null => {}
            View::List(members) => {
                is_there = true;
                count += members.len();
            }
            _ => {
                is_there = true;
                count += 1;
            }
        }
        ControlFlow::Continue(())
    });
    is_there && count == wanted
}

fn any_member<'a>(
    subject: &Subject,
    whole: Whole<'a>,
    mut wanted: impl FnMut(View<'a>) -> bool,
) -> bool {
    visit(subject, whole, |found| {
        let found = match found {
            View::List(members) => members.iter().any(|member| wanted(View::from(member))),
            value => wanted(value),
        };
        match found {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
    .is_break()
}

fn visit<'a>(
    subject: &Subject,
    whole: Whole<'a>,
    mut found: impl FnMut(View<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match (subject, whole) {
        (Subject::Asset(path), Whole::Asset(asset)) => path.visit(asset, found),
        (Subject::Adapter, Whole::Entity(entity)) => found(View::Text(&entity.adapter)),
        (Subject::Data(steps), Whole::Entity(entity)) => steps.visit(&entity.data, &mut found),
        (Subject::Member(steps), Whole::Object(object)) => steps.visit(object, &mut found),
        // The parser lets none of these be written.
        _ => ControlFlow::Continue(()),
    }
}

impl Relation {
    pub(super) fn takes(self, order: Ordering) -> bool {
        match self {
            Self::AtLeast => order.is_ge(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::Less => order.is_lt(),
        }
    }
}

impl OneOf {
    fn has(&self, value: View<'_>) -> bool {
        match value {
            View::Bool(value) => self.bools.contains(&value),
            View::Number(number) => self
                .numbers
                .iter()
                .any(|wanted| compare_numbers(number, wanted).is_eq()),
            View::Text(text) => self.texts.contains(text),
            View::Null | View::List(_) | View::Object(_) => false,
        }
    }
}
