//! One user.

use super::permission::View;
use super::query::Query;
use super::route::Who;
use super::select::Selection;
use super::{Context, Request, answers};
use crate::exchange::Answer;
use crate::wire;

/// `GET /users/X` and `GET /me`.
pub(crate) fn one(context: &Context<'_>, request: &Request<'_>, who: &Who, view: View) -> Answer {
    let query = Query::of(request.query);
    let policy = context.world.settings().basic_profile;
    let Ok(selection) = Selection::new(query.select.as_deref(), view, policy) else {
        return answers::denied(&context.stamp);
    };
    let own_id;
    let name = match who {
        Who::Named(name) => name,
        Who::Me => {
            own_id = context.caller.oid.to_string();
            &own_id
        }
    };
    let now = context.asked.now;
    let directory = context.world.directory();
    let Some(record) = directory
        .find(name, now)
        .and_then(|index| directory.get(index))
    else {
        drop(directory);
        return not_found(context, name);
    };
    let mut body = Vec::with_capacity(512);
    body.push(b'{');
    if !request.bare {
        push_context(
            &mut body,
            context,
            &format!("{}/$entity", selection.context()),
        );
        if !selection.is_empty() {
            body.push(b',');
        }
    }
    selection.write(&mut body, record, now, true);
    body.push(b'}');
    drop(directory);
    let units = if query.expand { 2 } else { 1 };
    answers::data(body, units, request.bare)
}

/// 404, or what the settings say for a name that cannot be one.
pub(crate) fn not_found(context: &Context<'_>, name: &str) -> Answer {
    let can_be_a_name =
        name.contains('@') || (name.len() == 36 && uuid::Uuid::try_parse(name).is_ok());
    if !can_be_a_name && context.world.settings().malformed_id_status == 400 {
        return answers::error(
            400,
            "Request_BadRequest",
            &format!("Invalid object identifier '{name}'."),
            &context.stamp,
        );
    }
    answers::not_found(name, &context.stamp)
}

/// Writes `"@odata.context":"…"`, without a comma.
pub(crate) fn push_context(body: &mut Vec<u8>, context: &Context<'_>, fragment: &str) {
    body.extend_from_slice(b"\"@odata.context\":");
    let cloud = context.asked.cloud;
    let text = format!(
        "{}/{}/$metadata#{fragment}",
        cloud.graph_origin(),
        context.version.as_str()
    );
    wire::push_json_string(body, &text);
}
