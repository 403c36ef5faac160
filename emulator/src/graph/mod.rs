//! Microsoft Graph, as far as it is about users.
//!
//! [`answer`] takes a whole request. [`perform`] does one operation, for a request of its own or for a part of a batch:
//! route, quota, permission, then the operation. Injected faults are laid over it in [`fault`].

pub(crate) mod answers;
pub(crate) mod audit;
mod batch;
pub(crate) mod caller;
mod delta;
mod fault;
mod filter;
mod list;
mod objects;
pub(crate) mod permission;
mod query;
pub(crate) mod route;
mod select;
mod users;

pub(crate) use self::fault::{delivery as delivery_of, overloaded_reply, put_blanks};

use http::Method;

use self::answers::Stamp;
use self::caller::Caller;
use self::permission::View;
use self::route::{ApiVersion, Operation, Unroutable, Who};
use crate::exchange::{Answer, Asked, Reply};
use crate::faults::Place;
use crate::tenant::directory::Revoked;
use crate::throttle::{Admission, Cost, Priority};
use crate::world::World;

/// What all operations of one request share.
pub(crate) struct Context<'a> {
    pub(crate) world: &'a World,
    pub(crate) asked: &'a Asked,
    pub(crate) caller: &'a Caller,
    pub(crate) version: ApiVersion,
    pub(crate) stamp: Stamp,
}

/// One operation that is asked for, alone or as a part.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    /// Behind the version.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    /// `ConsistencyLevel: eventual`.
    pub(crate) eventual: bool,
    /// `Accept: …odata.metadata=none`.
    pub(crate) bare: bool,
    pub(crate) priority: Priority,
    pub(crate) place: Place,
}

/// Answers a request whose path starts with a version.
pub(crate) async fn answer(world: &World, asked: &Asked, version: ApiVersion, rest: &str) -> Reply {
    let stamp = Stamp::of(asked);
    let request = Request {
        method: &asked.method,
        path: rest,
        query: &asked.query,
        body: &asked.body,
        eventual: asked
            .header("consistencylevel")
            .is_some_and(|level| level.eq_ignore_ascii_case("eventual")),
        bare: asked.header("accept").is_some_and(is_bare),
        priority: Priority::from_header(asked.header("x-ms-throttle-priority")),
        place: Place::Single,
    };
    let operation = operation_of(world, version, &request);
    let fault = operation
        .as_ref()
        .ok()
        .and_then(|operation| fault::take(world, operation, &request, None));
    let caller = match caller::identify(world, asked).await {
        Ok(Ok(caller)) => caller,
        Ok(Err(why)) => {
            let answer = answers::unauthorized(&why, asked.cloud, &stamp);
            return Reply::from(answers::with_headers(answer, &stamp));
        }
        Err(error) => return Answer::new(500).body(error.to_string()).into(),
    };
    let context = Context {
        world,
        asked,
        caller: &caller,
        version,
        stamp,
    };
    let mut reply = match (&operation, &fault) {
        (Ok(Operation::Batch), None) => batch::answer(&context, &request, None),
        (Ok(Operation::Batch), Some(fault)) => fault::on_batch(&context, &request, fault),
        (_, Some(fault)) => fault::on_single(&context, &request, &operation, fault),
        (_, None) => perform(&context, &request, &operation, true).into(),
    };
    reply.answer = answers::with_headers(reply.answer, &context.stamp);
    reply
}

fn is_bare(accept: &str) -> bool {
    accept.to_ascii_lowercase().contains("odata.metadata=none")
}

/// The operation of a request.
pub(crate) fn operation_of(
    world: &World,
    version: ApiVersion,
    request: &Request<'_>,
) -> Result<Operation, Unroutable> {
    route::parse(version, request.method, request.path, |segment| {
        world.tenant.is_named(segment)
    })
}

/// Does one operation. Where not `effective` it looks done and nothing happened.
pub(crate) fn perform(
    context: &Context<'_>,
    request: &Request<'_>,
    operation: &Result<Operation, Unroutable>,
    effective: bool,
) -> Answer {
    let operation = match operation {
        Ok(operation) => operation,
        Err(unroutable) => return no_route(unroutable, &context.stamp),
    };
    let used = match admit(context, request, operation) {
        Ok(used) => used,
        Err(refused) => return refused,
    };
    let mut answer = match permitted(context, operation) {
        Ok(view) => run(context, request, operation, view, effective),
        Err(answer) => answer,
    };
    if let Some(used) = used {
        answer.headers.push((
            "x-ms-throttle-limit-percentage",
            format!("{used:.2}").into(),
        ));
    }
    answer
}

fn no_route(unroutable: &Unroutable, stamp: &Stamp) -> Answer {
    match unroutable {
        Unroutable::Segment(segment) => answers::bad_request(
            &format!("Resource not found for the segment '{segment}'."),
            stamp,
        ),
        Unroutable::Method => answers::error(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
            stamp,
        ),
        Unroutable::Identifier(name) => answers::error(
            400,
            "Request_BadRequest",
            &format!("Invalid object identifier '{name}'."),
            stamp,
        ),
    }
}

/// Charges the quotas: the share that is used where that is to be told, or the refusal.
fn admit(
    context: &Context<'_>,
    request: &Request<'_>,
    operation: &Operation,
) -> Result<Option<f64>, Answer> {
    let admission = {
        let mut throttle = context.world.throttle();
        if throttle.is_off() {
            return Ok(None);
        }
        let cost = cost_of(operation, request.query);
        throttle.admit(
            context.caller.app,
            context.world.tenant.id,
            cost,
            request.priority,
            context.asked.now,
        )
    };
    if let Some(answer) = answers::throttled(&admission, &context.stamp) {
        return Err(answer);
    }
    match admission {
        Admission::Passes { used } => Ok(used),
        Admission::Refused { .. } => Ok(None),
    }
}

/// The cost table of "Microsoft Graph service-specific throttling limits", identity and access.
fn cost_of(operation: &Operation, query: &str) -> Cost {
    let query = query::Query::of(query);
    let cost = match operation {
        Operation::Revoke(_) => return Cost::WRITE,
        Operation::GetByIds => {
            return Cost::read(if query.select.is_some() { 2 } else { 5 });
        }
        Operation::SignIns | Operation::DirectoryAudits => Cost {
            reports: 1,
            ..Cost::read(1)
        },
        Operation::Users | Operation::Delta => Cost::read(2),
        Operation::User(_)
        | Operation::Count
        | Operation::AppRoleAssignments(_)
        | Operation::Organization => Cost::read(1),
        // Each part is charged by itself.
        Operation::Batch => return Cost::default(),
    };
    let small_top = query.top.is_some_and(|top| top < 20);
    cost.modified(query.select.is_some(), query.expand, small_top)
}

fn permitted(context: &Context<'_>, operation: &Operation) -> Result<View, Answer> {
    if operation.who() == Some(&Who::Me) && context.caller.is_app {
        return Err(answers::bad_request(
            "/me request is only valid with delegated authentication flow.",
            &context.stamp,
        ));
    }
    permission::judge(context.caller, operation, false)
        .or_else(|| {
            let Operation::Revoke(Who::Named(name)) = operation else {
                return None;
            };
            let directory = context.world.directory();
            let record = directory
                .find(name, context.asked.now)
                .and_then(|index| directory.get(index))?;
            let is_agent = record
                .user
                .details
                .as_deref()
                .is_some_and(|details| details.agent);
            permission::judge(context.caller, operation, is_agent)
        })
        .ok_or_else(|| answers::denied(&context.stamp))
}

fn run(
    context: &Context<'_>,
    request: &Request<'_>,
    operation: &Operation,
    view: View,
    effective: bool,
) -> Answer {
    match operation {
        Operation::Revoke(who) => revoke(context, request, who, effective),
        Operation::User(who) => users::one(context, request, who, view),
        Operation::Users => list::page(context, request, view),
        Operation::Count => list::count(context, request),
        Operation::Delta => delta::page(context, request),
        Operation::GetByIds => objects::by_ids(context, request),
        Operation::AppRoleAssignments(who) => objects::app_role_assignments(context, who),
        Operation::SignIns => objects::sign_ins(context, request),
        Operation::DirectoryAudits => objects::directory_audits(context),
        Operation::Organization => objects::organization(context),
        // A batch within a batch; the outer one never comes here.
        Operation::Batch => {
            answers::bad_request("Nested batch requests are not supported.", &context.stamp)
        }
    }
}

/// Ends the sessions of a person ("user: revokeSignInSessions").
fn revoke(context: &Context<'_>, request: &Request<'_>, who: &Who, effective: bool) -> Answer {
    let now = context.asked.now;
    let world = context.world;
    let replication_ms = i64::try_from(world.settings().replication_delay_ms).unwrap_or(i64::MAX);
    let own_id;
    let name = match who {
        Who::Named(name) => name,
        Who::Me => {
            own_id = context.caller.oid.to_string();
            &own_id
        }
    };
    let noted = {
        let mut directory = world.directory_mut();
        let Some(index) = directory.find(name, now) else {
            drop(directory);
            return users::not_found(context, name);
        };
        if effective && directory.revoke(index, now, replication_ms) == Revoked::Cut {
            directory
                .get(index)
                .map(|record| (record.user.id, record.user.principal_name.clone()))
        } else {
            None
        }
    };
    if let Some((user, principal_name)) = noted {
        world.audit().revoked(audit::Revoke {
            at: now,
            user,
            principal_name,
            app: context.caller.app,
            correlation_id: context.stamp.client_request_id.as_str().into(),
        });
    }
    let mut answer = answers::boolean(
        context.asked.cloud,
        context.version.as_str(),
        true,
        request.bare,
    );
    if request.place == Place::Single {
        // Recorded, though nothing was created.
        answer
            .headers
            .push(("location", context.asked.cloud.graph_origin().into()));
    }
    answer
}
