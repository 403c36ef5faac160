//! What surrounds users: objects by id, assigned applications, the tenant's logs, the tenant itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::permission::View;
use super::query::Query;
use super::route::Who;
use super::select::Selection;
use super::{Context, Request, answers, users};
use crate::exchange::Answer;
use crate::settings::BasicProfile;
use crate::tenant::directory::Record;

/// The most ids of one request ("directoryObject: getByIds").
const MOST_IDS: usize = 1000;

/// `POST /directoryObjects/getByIds`.
pub(crate) fn by_ids(context: &Context<'_>, request: &Request<'_>) -> Answer {
    #[derive(Deserialize)]
    struct Ids {
        ids: Vec<String>,
        types: Option<Vec<String>>,
    }
    let Ok(asked) = serde_json::from_slice::<Ids>(request.body) else {
        return answers::bad_request("Unable to read JSON request payload.", &context.stamp);
    };
    if asked.ids.len() > MOST_IDS {
        let text = format!("Number of ids exceeds the maximum of {MOST_IDS}.");
        return answers::error(400, "Request_BadRequest", &text, &context.stamp);
    }
    let query = Query::of(request.query);
    let Ok(selection) = Selection::new(query.select.as_deref(), View::Full, BasicProfile::Refuse)
    else {
        return answers::denied(&context.stamp);
    };
    let wants_users = asked
        .types
        .is_none_or(|types| types.iter().any(|name| name.eq_ignore_ascii_case("user")));
    let now = context.asked.now;
    let mut body = b"{".to_vec();
    users::push_context(&mut body, context, "directoryObjects");
    body.extend_from_slice(b",\"value\":[");
    let directory = context.world.directory();
    let mut first = true;
    for id in asked.ids.iter().filter(|_| wants_users) {
        // Unknown ids are left out; principal names are no ids.
        let record = (!id.contains('@'))
            .then(|| directory.find(id, now))
            .flatten()
            .and_then(|at| directory.get(at));
        if let Some(record) = record {
            body.extend_from_slice(if first { b"" } else { b"," });
            body.extend_from_slice(b"{\"@odata.type\":\"#microsoft.graph.user\"");
            selection.write(&mut body, record, now, false);
            body.push(b'}');
            first = false;
        }
    }
    drop(directory);
    body.extend_from_slice(b"]}");
    answers::data(
        body,
        if query.select.is_some() { 2 } else { 5 },
        request.bare,
    )
}

/// `GET /users/X/appRoleAssignments`.
pub(crate) fn app_role_assignments(context: &Context<'_>, who: &Who) -> Answer {
    let name = match who {
        Who::Named(name) => name.clone(),
        Who::Me => context.caller.oid.to_string(),
    };
    let directory = context.world.directory();
    let found = directory
        .find(&name, context.asked.now)
        .and_then(|index| directory.get(index));
    let Some(record) = found else {
        drop(directory);
        return users::not_found(context, &name);
    };
    let assigned = record
        .user
        .details
        .as_deref()
        .map_or(&[][..], |details| &details.assigned_apps);
    let value: Vec<Value> = assigned
        .iter()
        .map(|app| assignment(record, app, context))
        .collect();
    drop(directory);
    collection(context, "appRoleAssignments", &value)
}

fn assignment(record: &Record, app: &str, context: &Context<'_>) -> Value {
    let id = crate::tenant::derived_id("assignment", &format!("{} {app}", record.user.id));
    json!({
        "id": crate::wire::base64url(id.as_bytes()),
        "deletedDateTime": null,
        "appRoleId": uuid::Uuid::nil(),
        "createdDateTime": context.asked.now.date_time_offset(),
        "principalDisplayName": &*record.user.display_name,
        "principalId": record.user.id,
        "principalType": "User",
        "resourceDisplayName": app,
        "resourceId": crate::tenant::derived_id("service principal", app),
    })
}

/// `GET /auditLogs/signIns`.
pub(crate) fn sign_ins(context: &Context<'_>, request: &Request<'_>) -> Answer {
    if !context.world.tenant.premium {
        return answers::error(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
            &context.stamp,
        );
    }
    let query = Query::of(request.query);
    let wanted = query.filter.as_deref().map(one_equality);
    let audit = context.world.audit();
    let value: Vec<Value> = audit
        .sign_ins()
        .filter_map(|entry| serde_json::to_value(entry).ok())
        .filter(|entry| match &wanted {
            None => true,
            Some(None) => false,
            Some(Some((member, text))) => entry[member]
                .as_str()
                .is_some_and(|found| found.eq_ignore_ascii_case(text)),
        })
        .take(query.top.unwrap_or(1000).min(1000))
        .collect();
    drop(audit);
    collection(context, "auditLogs/signIns", &value)
}

/// `member eq 'value'`, which is all that is asked of sign-ins here.
fn one_equality(filter: &str) -> Option<(String, String)> {
    let (member, value) = filter.split_once(" eq ")?;
    Some((
        member.trim().to_owned(),
        value
            .trim()
            .strip_prefix('\'')?
            .strip_suffix('\'')?
            .replace("''", "'"),
    ))
}

/// `GET /auditLogs/directoryAudits`.
pub(crate) fn directory_audits(context: &Context<'_>) -> Answer {
    let audit = context.world.audit();
    let value: Vec<_> = audit.directory_audits().take(1000).collect();
    drop(audit);
    collection(context, "auditLogs/directoryAudits", &value)
}

/// `GET /organization`.
pub(crate) fn organization(context: &Context<'_>) -> Answer {
    let tenant = &context.world.tenant;
    let domains: Vec<Value> = tenant
        .domains
        .iter()
        .enumerate()
        .map(|(at, name)| json!({"name": name, "isInitial": at == 0, "isDefault": at == 0, "type": "Managed"}))
        .collect();
    collection(
        context,
        "organization",
        &[
            json!({"id": tenant.id, "displayName": tenant.name, "tenantType": "AAD", "verifiedDomains": domains}),
        ],
    )
}

fn collection<T: Serialize>(context: &Context<'_>, name: &str, value: &[T]) -> Answer {
    let mut body = b"{".to_vec();
    users::push_context(&mut body, context, name);
    body.extend_from_slice(b",\"value\":");
    match serde_json::to_vec(value) {
        Ok(list) => body.extend_from_slice(&list),
        Err(_) => body.extend_from_slice(b"[]"),
    }
    body.push(b'}');
    answers::data(body, 1, false)
}
