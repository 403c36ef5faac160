//! Which operation a Graph path names, in all the forms that clients write it.
//!
//! `/v1.0/users/X/…`, `/v1.0/users('X')/…`, with the type cast `microsoft.graph.`, behind `myorganization` or the tenant,
//! in any case. Nothing is looked up here.

use http::Method;

use crate::faults::Route;
use crate::wire;

/// `v1.0` or `beta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    V1,
    Beta,
}

impl ApiVersion {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// Whom a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Object id or principal name, as decoded from the path.
    Named(String),
    /// Whoever signed in.
    Me,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Revoke(Who),
    User(Who),
    Users,
    Count,
    Delta,
    GetByIds,
    AppRoleAssignments(Who),
    SignIns,
    DirectoryAudits,
    Organization,
    Batch,
}

impl Operation {
    pub(crate) fn route(&self) -> Route {
        match self {
            Self::Revoke(_) => Route::Revoke,
            Self::User(_) => Route::User,
            Self::Users | Self::Count | Self::Delta => Route::Users,
            Self::Batch => Route::Batch,
            Self::GetByIds
            | Self::AppRoleAssignments(_)
            | Self::SignIns
            | Self::DirectoryAudits
            | Self::Organization => Route::Other,
        }
    }

    pub(crate) fn who(&self) -> Option<&Who> {
        match self {
            Self::Revoke(who) | Self::User(who) | Self::AppRoleAssignments(who) => Some(who),
            Self::Users
            | Self::Count
            | Self::Delta
            | Self::GetByIds
            | Self::SignIns
            | Self::DirectoryAudits
            | Self::Organization
            | Self::Batch => None,
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Revoke(_) | Self::GetByIds | Self::Batch => Method::POST,
            Self::User(_)
            | Self::Users
            | Self::Count
            | Self::Delta
            | Self::AppRoleAssignments(_)
            | Self::SignIns
            | Self::DirectoryAudits
            | Self::Organization => Method::GET,
        }
    }
}

/// Why a path names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unroutable {
    /// This segment is not known.
    Segment(String),
    /// The operation is there, for another method.
    Method,
    /// A name in the plain form that only the quoted form takes.
    Identifier(String),
}

/// The version at the start of a path, and the rest. `None` where the path is not Graph's.
pub(crate) fn split_version(path: &str) -> Option<(ApiVersion, &str)> {
    let path = path.strip_prefix('/')?;
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    if version.eq_ignore_ascii_case("v1.0") {
        Some((ApiVersion::V1, rest))
    } else if version.eq_ignore_ascii_case("beta") {
        Some((ApiVersion::Beta, rest))
    } else {
        None
    }
}

/// The operation that `method` and `path` (behind the version) name.
///
/// `is_tenant` tells whether a segment names the tenant.
pub(crate) fn parse(
    version: ApiVersion,
    method: &Method,
    path: &str,
    is_tenant: impl Fn(&str) -> bool,
) -> Result<Operation, Unroutable> {
    let mut segments = Vec::with_capacity(4);
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let decoded =
            wire::percent_decode(segment).ok_or_else(|| Unroutable::Segment(segment.to_owned()))?;
        segments.push(decoded);
    }
    let mut segments = segments.as_slice();
    if let [first, rest @ ..] = segments
        && !rest.is_empty()
        && (first.eq_ignore_ascii_case("myorganization") || is_tenant(first))
    {
        segments = rest;
    }
    let operation = operation(version, segments)?;
    if operation.method() == *method {
        Ok(operation)
    } else {
        Err(Unroutable::Method)
    }
}

fn operation(version: ApiVersion, segments: &[String]) -> Result<Operation, Unroutable> {
    let [collection, rest @ ..] = segments else {
        return Err(Unroutable::Segment(String::new()));
    };
    let unknown = |segment: &String| Err(Unroutable::Segment(segment.clone()));
    if let Some(name) = quoted_key(collection, "users") {
        return of_user(version, Who::Named(name), rest);
    }
    match collection.to_ascii_lowercase().as_str() {
        "users" => match rest {
            [] => Ok(Operation::Users),
            [last] if last.eq_ignore_ascii_case("$count") => Ok(Operation::Count),
            [last] if is_called(last, "delta") => Ok(Operation::Delta),
            [name, ..] if name.starts_with('$') => Err(Unroutable::Identifier(name.clone())),
            [name, rest @ ..] => of_user(version, Who::Named(name.clone()), rest),
        },
        "me" => of_user(version, Who::Me, rest),
        "$batch" if rest.is_empty() => Ok(Operation::Batch),
        "organization" if rest.is_empty() => Ok(Operation::Organization),
        "directoryobjects" => match rest {
            [last] if is_called(last, "getByIds") => Ok(Operation::GetByIds),
            [other, ..] => unknown(other),
            [] => unknown(collection),
        },
        "auditlogs" => match rest {
            [last] if last.eq_ignore_ascii_case("signIns") => Ok(Operation::SignIns),
            [last] if last.eq_ignore_ascii_case("directoryAudits") => {
                Ok(Operation::DirectoryAudits)
            }
            [other, ..] => unknown(other),
            [] => unknown(collection),
        },
        _ => unknown(collection),
    }
}

fn of_user(version: ApiVersion, who: Who, rest: &[String]) -> Result<Operation, Unroutable> {
    match rest {
        [] => Ok(Operation::User(who)),
        [action] if is_called(action, "revokeSignInSessions") => Ok(Operation::Revoke(who)),
        // The older name, which beta still has.
        [action]
            if version == ApiVersion::Beta && is_called(action, "invalidateAllRefreshTokens") =>
        {
            Ok(Operation::Revoke(who))
        }
        [list] if list.eq_ignore_ascii_case("appRoleAssignments") => {
            Ok(Operation::AppRoleAssignments(who))
        }
        [other, ..] => Err(Unroutable::Segment(other.clone())),
    }
}

/// Whether `segment` is `name`, with or without the type cast and the brackets of a function.
fn is_called(segment: &str, name: &str) -> bool {
    const CAST: &str = "microsoft.graph.";
    let segment = segment.strip_suffix("()").unwrap_or(segment);
    let bare = match segment.get(..CAST.len()) {
        Some(cast) if cast.eq_ignore_ascii_case(CAST) => &segment[CAST.len()..],
        _ => segment,
    };
    bare.eq_ignore_ascii_case(name)
}

/// The key of `users('X')`: quotes inside are doubled (OData 4.01 part 2, section 4.3.1).
fn quoted_key(segment: &str, collection: &str) -> Option<String> {
    let head = segment.get(..collection.len())?;
    let key = segment[collection.len()..]
        .strip_prefix("('")?
        .strip_suffix("')")?;
    (head.eq_ignore_ascii_case(collection) && !key.replace("''", "").contains('\''))
        .then(|| key.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Result<Operation, Unroutable> {
        let (version, rest) = split_version(path).unwrap_or((ApiVersion::V1, "nowhere"));
        parse(version, &Method::POST, rest, |segment| {
            segment == "contoso.com"
        })
    }

    #[test]
    fn every_form_of_a_revoke_is_understood() {
        for path in [
            "/v1.0/users/ada/revokeSignInSessions",
            "/V1.0/Users/ada/revokesigninsessions/",
            "/v1.0/users('ada')/revokeSignInSessions",
            "/v1.0/users(%27ada%27)/revokeSignInSessions",
            "/v1.0/users/ada/microsoft.graph.revokeSignInSessions",
            "/v1.0/users/ada/Microsoft.Graph.revokeSignInSessions()",
            "/v1.0/myorganization/users/ada/revokeSignInSessions",
            "/v1.0/contoso.com/users/ada/revokeSignInSessions",
            "/beta/users/ada/invalidateAllRefreshTokens",
        ] {
            assert_eq!(
                post(path),
                Ok(Operation::Revoke(Who::Named("ada".into()))),
                "{path}"
            );
        }
        assert_eq!(
            post("/v1.0/me/revokeSignInSessions"),
            Ok(Operation::Revoke(Who::Me))
        );
    }

    #[test]
    fn the_older_name_is_only_in_beta() {
        assert_eq!(
            post("/v1.0/users/ada/invalidateAllRefreshTokens"),
            Err(Unroutable::Segment("invalidateAllRefreshTokens".into()))
        );
    }

    #[test]
    fn names_are_decoded_once() {
        let name = |path: &str| match post(path) {
            Ok(Operation::Revoke(Who::Named(name))) => name,
            other => format!("{other:?}"),
        };
        assert_eq!(
            name("/v1.0/users/b_x%23EXT%23@c/revokeSignInSessions"),
            "b_x#EXT#@c"
        );
        assert_eq!(
            name("/v1.0/users('o''neil%2Fx@c')/revokeSignInSessions"),
            "o'neil/x@c"
        );
        assert_eq!(name("/v1.0/users('$x@y')/revokeSignInSessions"), "$x@y");
        assert_eq!(
            post("/v1.0/users/$x@y/revokeSignInSessions"),
            Err(Unroutable::Identifier("$x@y".into()))
        );
    }

    #[test]
    fn wrong_methods_and_segments_are_told_apart() {
        let get = |path| parse(ApiVersion::V1, &Method::GET, path, |_| false);
        assert_eq!(
            get("users/ada/revokeSignInSessions"),
            Err(Unroutable::Method)
        );
        assert_eq!(
            get("users/ada/revoke"),
            Err(Unroutable::Segment("revoke".into()))
        );
        assert_eq!(get("users/$count"), Ok(Operation::Count));
        assert_eq!(get("users/delta()"), Ok(Operation::Delta));
        assert_eq!(get("auditLogs/signIns"), Ok(Operation::SignIns));
        assert_eq!(get("nothing"), Err(Unroutable::Segment("nothing".into())));
    }
}
