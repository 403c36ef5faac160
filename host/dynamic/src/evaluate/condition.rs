//! Whether a case holds.
//!
//! Of a list it is enough that one member does. A missing subject, or one whose function has no value, meets nothing;
//! and `not_x` is always the opposite of `x`, so it holds then.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use ipnet::IpNet;

use super::list::order;
use super::number::numeric;
use super::{Run, as_date};
use crate::check::networks_of;
use crate::fault::{Failure, Fault};
use crate::operators::Operator;
use crate::program::{Condition, Node, What};
use crate::value::{Number, Value};

impl<'a> Run<'a, '_> {
    pub(super) fn holds(&mut self, condition: &'a Condition, subject: Option<&Value<'a>>) -> bool {
        let operator = condition.operator;
        let (positive, negated) = match operator.opposite() {
            Some(positive) => (positive, true),
            None => (operator, false),
        };
        let outcome = self.meets(positive, condition.argument.as_ref(), subject);
        let holds = outcome.as_ref().is_ok_and(|meets| *meets) != negated;
        let seen = match outcome {
            Ok(_) => Ok(("boolean", serde_json::Value::Bool(holds))),
            Err(failure) => Err(failure.fault),
        };
        self.see(condition.id, || seen);
        holds
    }

    fn meets(
        &mut self,
        operator: Operator,
        argument: Option<&'a Node>,
        subject: Option<&Value<'a>>,
    ) -> Result<bool, Failure> {
        let subject = subject.filter(|subject| !subject.is_empty());
        let (Some(subject), Some(argument)) = (subject, argument) else {
            return Ok(subject.is_some() && operator == Operator::Exists);
        };
        if let Err(fault) = self.step(subject.members().len()) {
            return Err(fault.at(argument.span));
        }
        match operator {
            Operator::InNet => {
                let networks = self.networks(argument)?;
                Ok(subject
                    .members()
                    .iter()
                    .any(|member| is_inside(member, &networks)))
            }
            Operator::Count => {
                let count = subject.members().len();
                let wanted = self.whole(argument)?;
                Ok(usize::try_from(wanted) == Ok(count))
            }
            Operator::Sum | Operator::Average => self.equals_over(operator, argument, subject),
            _ => {
                let given = self.value(argument)?;
                if given.is_empty() {
                    return Err(Fault::Empty.at(argument.span));
                }
                Ok(subject.members().iter().any(|member| {
                    given.members().iter().any(|given| {
                        compares(operator, member, given, matches!(subject, Value::List(_)))
                    })
                }))
            }
        }
    }

    /// The facts name `sum` and `average` without saying what is compared: the subject, with the number of the list.
    fn equals_over(
        &mut self,
        operator: Operator,
        argument: &'a Node,
        subject: &Value<'a>,
    ) -> Result<bool, Failure> {
        let function = match operator {
            Operator::Sum => crate::functions::Function::Sum,
            _ => crate::functions::Function::Average,
        };
        let number = self.over_numbers(function, std::slice::from_ref(argument))?;
        Ok(subject.members().contains(&number))
    }

    fn networks(&mut self, node: &'a Node) -> Result<Cow<'a, [IpNet]>, Failure> {
        if let What::Networks { networks, .. } = &node.what {
            self.value(node)?;
            let networks = networks
                .as_ref()
                .map_err(|fault| fault.clone().at(node.span))?;
            return Ok(Cow::Borrowed(networks));
        }
        let text = self.text(node)?;
        networks_of(&text)
            .map(Cow::Owned)
            .map_err(|fault| fault.at(node.span))
    }
}

fn compares(operator: Operator, value: &Value<'_>, given: &Value<'_>, in_list: bool) -> bool {
    match (operator, value, given) {
        (Operator::Equal | Operator::In, value, given) => equal(value, given),
        (Operator::Greater, value, given) => order(value, given) == Some(Ordering::Greater),
        (Operator::Less, value, given) => order(value, given) == Some(Ordering::Less),
        (Operator::Contains, Value::Text(text), Value::Text(part)) => {
            if in_list {
                text == part
            } else {
                text.contains(part.as_ref())
            }
        }
        (Operator::StartsWith, Value::Text(text), Value::Text(part)) => {
            text.starts_with(part.as_ref())
        }
        (Operator::EndsWith, Value::Text(text), Value::Text(part)) => text.ends_with(part.as_ref()),
        _ => false,
    }
}

/// Exactly equal, but that a number may be given as text: `"8.30"` is 8.3.
fn equal(value: &Value<'_>, given: &Value<'_>) -> bool {
    match (value, given) {
        (Value::Number(number), Value::Text(text)) => {
            numeric(text).is_ok_and(|given: Number| *number == given)
        }
        (Value::Date(one), given) => as_date(given) == Some(*one),
        (value, Value::Date(other)) => as_date(value) == Some(*other),
        (value, given) => value == given,
    }
}

/// Whether an address, or the whole of a network, is inside one of `networks`.
fn is_inside(value: &Value<'_>, networks: &[IpNet]) -> bool {
    let Value::Text(text) = value else {
        return false;
    };
    let text = text.trim();
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address.to_canonical()),
        Err(_) => match text.parse::<IpNet>() {
            Ok(network) => network.trunc(),
            Err(_) => return false,
        },
    };
    networks.iter().any(|outer| outer.contains(&network))
}
