//! Injected faults, laid over what an operation would have answered.

use std::time::Duration;

use super::answers::Stamp;
use super::route::{Operation, Unroutable, Who};
use super::{Context, Request, answers, batch, perform};
use crate::exchange::{Answer, Asked, Delivery, Reply};
use crate::faults::{Fault, Hit};
use crate::tenant::Cloud;
use crate::wire;
use crate::world::World;

/// The largest answer that a fault makes.
const LARGEST: u32 = 64 * 1024 * 1024;

/// The fault that hits an operation, if any.
pub(crate) fn take(
    world: &World,
    operation: &Operation,
    request: &Request<'_>,
    caller: Option<uuid::Uuid>,
) -> Option<Fault> {
    let is_about = |name: &str| {
        let directory = world.directory();
        let asked_for = match operation.who() {
            Some(Who::Named(asked_for)) => directory.index_of(asked_for),
            Some(Who::Me) => caller.and_then(|caller| directory.index_of(&caller.to_string())),
            None => None,
        };
        asked_for.is_some() && asked_for == directory.index_of(name)
    };
    world.faults.take(&Hit {
        route: operation.route(),
        place: request.place,
        is_about: &is_about,
    })
}

/// The answer of an operation that a fault hits. What concerns the connection or the other parts of a batch is left to
/// the caller.
pub(crate) fn strike(
    context: &Context<'_>,
    request: &Request<'_>,
    operation: &Result<Operation, Unroutable>,
    fault: &Fault,
) -> Answer {
    let run = || perform(context, request, operation, fault.lets_effect_happen());
    match fault {
        Fault::Status {
            status,
            retry_after,
            code,
            message,
            applied,
        } => {
            if *applied {
                run();
            }
            answers::of_status(
                *status,
                code.as_deref(),
                message.as_deref(),
                retry_after.as_ref(),
                context.asked.cloud,
                &context.stamp,
            )
        }
        Fault::Aadsts { .. } => {
            answers::of_status(400, None, None, None, context.asked.cloud, &context.stamp)
        }
        Fault::ValueFalse => {
            let looked = run();
            if looked.status == 200 {
                answers::boolean(
                    context.asked.cloud,
                    context.version.as_str(),
                    false,
                    request.bare,
                )
            } else {
                looked
            }
        }
        Fault::NoContent => {
            let mut answer = run();
            if answer.status < 300 {
                answer.status = 204;
                answer.body.clear();
                answer.remove_header("content-type");
            }
            answer
        }
        Fault::EmptyBody => {
            let mut answer = run();
            answer.body.clear();
            answer
        }
        Fault::TruncatedJson => {
            let mut answer = run();
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        Fault::Huge { bytes } => {
            let mut answer = run();
            put_blanks(&mut answer, *bytes);
            answer
        }
        Fault::Html { status } => html(*status),
        Fault::Overloaded => overloaded(context.asked.cloud, &context.stamp),
        Fault::Redirect { location } => Answer::new(302).header("Location", location.clone()),
        Fault::WrongUser => match operation {
            Ok(Operation::User(Who::Named(name)))
                if request.place == crate::faults::Place::Single =>
            {
                let other = somebody_else(context.world, name);
                perform(
                    context,
                    request,
                    &Ok(Operation::User(Who::Named(other))),
                    true,
                )
            }
            _ => run(),
        },
        Fault::Reset { applied } | Fault::Missing { applied } => {
            if *applied {
                run()
            } else {
                Answer::new(503)
            }
        }
        Fault::NoEffect
        | Fault::CutBody
        | Fault::Slow { .. }
        | Fault::Stall { .. }
        | Fault::Duplicate { .. }
        | Fault::Stranger
        | Fault::Shuffle => run(),
    }
}

/// A page such as a proxy gives.
pub(crate) fn html(status: u16) -> Answer {
    let text = "<!DOCTYPE html><html><head><title>Proxy</title></head><body><h1>Emulator: a page instead of an answer</h1></body></html>";
    Answer::html(status, text)
}

/// So many blanks before the body, within bounds.
pub(crate) fn put_blanks(answer: &mut Answer, bytes: u32) {
    let blanks = usize::try_from(bytes.min(LARGEST)).unwrap_or(0);
    answer.body.splice(0..0, std::iter::repeat_n(b' ', blanks));
}

fn overloaded(cloud: Cloud, stamp: &Stamp) -> Answer {
    answers::of_status(503, None, None, None, cloud, stamp)
}

/// What an overloaded node says to a whole request.
pub(crate) fn overloaded_reply(asked: &Asked) -> Reply {
    let stamp = Stamp::of(asked);
    let answer = answers::with_headers(overloaded(asked.cloud, &stamp), &stamp);
    Reply {
        fault: Some(Fault::Overloaded.kind()),
        ..Reply::from(answer)
    }
}

fn somebody_else(world: &World, name: &str) -> String {
    let directory = world.directory();
    let index = directory.index_of(name);
    let other = directory
        .records()
        .iter()
        .enumerate()
        .find(|(at, record)| Some(*at) != index && record.deleted.is_none());
    other.map_or_else(|| name.to_owned(), |(_, record)| record.user.id.to_string())
}

/// How a fault changes the way in which an answer goes out.
pub(crate) fn delivery(fault: &Fault) -> (Delivery, Duration) {
    match fault {
        Fault::Reset { .. } => (Delivery::Reset, Duration::ZERO),
        Fault::CutBody => (Delivery::CutBody, Duration::ZERO),
        Fault::Stall { ms } => (Delivery::Stall(Duration::from_millis(*ms)), Duration::ZERO),
        Fault::Overloaded => (Delivery::Overload, Duration::ZERO),
        Fault::Slow { ms } => (Delivery::Whole, Duration::from_millis(*ms)),
        _ => (Delivery::Whole, Duration::ZERO),
    }
}

/// A request of its own that a fault hits.
pub(crate) fn on_single(
    context: &Context<'_>,
    request: &Request<'_>,
    operation: &Result<Operation, Unroutable>,
    fault: &Fault,
) -> Reply {
    let (delivery, extra_delay) = delivery(fault);
    Reply {
        answer: strike(context, request, operation, fault),
        delivery,
        extra_delay,
        fault: Some(fault.kind()),
        parts: Vec::new(),
    }
}

/// A batch that a fault hits as a whole.
pub(crate) fn on_batch(context: &Context<'_>, request: &Request<'_>, fault: &Fault) -> Reply {
    let mut reply = if fault.lets_effect_happen() {
        batch::answer(context, request, Some(fault))
    } else {
        Reply::default()
    };
    match fault {
        Fault::Status {
            status,
            retry_after,
            code,
            message,
            ..
        } => {
            reply.answer = answers::of_status(
                *status,
                code.as_deref(),
                message.as_deref(),
                retry_after.as_ref(),
                context.asked.cloud,
                &context.stamp,
            );
        }
        Fault::NoContent => {
            reply.answer.status = 204;
            reply.answer.body.clear();
            reply.answer.remove_header("content-type");
        }
        Fault::EmptyBody => reply.answer.body.clear(),
        Fault::TruncatedJson => reply.answer.body.truncate(reply.answer.body.len() / 2),
        Fault::Huge { bytes } => put_blanks(&mut reply.answer, *bytes),
        Fault::Overloaded => reply.answer = overloaded(context.asked.cloud, &context.stamp),
        Fault::Html { status } => reply.answer = html(*status),
        Fault::Redirect { location } => {
            reply.answer = Answer::new(302).header("Location", location.clone())
        }
        Fault::NoEffect
        | Fault::ValueFalse
        | Fault::Aadsts { .. }
        | Fault::Reset { applied: false }
        | Fault::Missing { applied: false } => {
            reply.answer = Answer::json(200, wire::EMPTY_BATCH);
        }
        _ => {}
    }
    let (delivery, extra_delay) = delivery(fault);
    Reply {
        delivery,
        extra_delay: extra_delay.max(reply.extra_delay),
        fault: Some(fault.kind()),
        ..reply
    }
}
