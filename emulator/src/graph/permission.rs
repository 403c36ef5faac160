//! Which permissions an operation needs.
//!
//! Source: Microsoft's own `permissions.json` (August 2026), not the tables of the reference pages, which are stricter
//! than the service.

use super::caller::Caller;
use super::route::{Operation, Who};

/// The permissions that mean something here.
const NAMES: [&str; 16] = [
    "User.RevokeSessions.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
    "User.ReadBasic.All",
    "User.Read.All",
    "Directory.Read.All",
    "User.Read",
    "User.ReadWrite",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "Organization.Read.All",
    "Directory.AccessAsUser.All",
    "User.EnableDisableAccount.All",
    "Reports.Read.All",
];

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Permissions(u16);

impl Permissions {
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().fold(0, |set, name| {
            NAMES
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name))
                .map_or(set, |at| set | 1 << at)
        }))
    }

    pub(crate) fn has_any(self, names: &[&str]) -> bool {
        self.0 & Self::of(names.iter().copied()).0 != 0
    }
}

const REVOKE: &[&str] = &[
    "User.RevokeSessions.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];
/// Enough for users who are agents, and for nobody else.
const REVOKE_AGENT: &[&str] = &[
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
];
const READ_BASIC: &[&str] = &["User.ReadBasic.All"];
const READ: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_ME: &[&str] = &["User.Read", "User.ReadWrite"];
const READ_OBJECTS: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];
const READ_ASSIGNMENTS: &[&str] = &[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
];
const READ_AUDIT: &[&str] = &["AuditLog.Read.All"];
const READ_ORGANIZATION: &[&str] = &[
    "Organization.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.Read",
    "User.Read.All",
];

/// Directory roles whose holders may end the sessions of others. User Administrator and Global Administrator are what
/// other products name; the authentication administrators are inferred.
const ROLES_THAT_REVOKE: [&str; 4] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",
];

/// How much of a user a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The basic profile: names, mail, photo.
    Basic,
    Full,
}

/// What the caller may do with an operation. `None`: nothing.
pub(crate) fn judge(caller: &Caller, operation: &Operation, is_agent: bool) -> Option<View> {
    let held = caller.permissions;
    let full = |allowed: bool| allowed.then_some(View::Full);
    match operation {
        Operation::Revoke(who) => {
            let permitted = held.has_any(REVOKE) || (is_agent && held.has_any(REVOKE_AGENT));
            let role = caller.is_app
                || *who == Who::Me
                || caller
                    .directory_roles
                    .iter()
                    .any(|role| ROLES_THAT_REVOKE.contains(&role.as_str()));
            full(permitted && role)
        }
        Operation::User(Who::Me) => full(held.has_any(READ_ME) || held.has_any(READ)),
        Operation::User(Who::Named(_)) | Operation::Users | Operation::Count => {
            if held.has_any(READ) {
                Some(View::Full)
            } else if held.has_any(READ_BASIC) {
                Some(View::Basic)
            } else {
                None
            }
        }
        Operation::Delta => full(held.has_any(READ)),
        Operation::GetByIds => full(held.has_any(READ_OBJECTS)),
        Operation::AppRoleAssignments(_) => full(held.has_any(READ_ASSIGNMENTS)),
        Operation::SignIns | Operation::DirectoryAudits => full(held.has_any(READ_AUDIT)),
        Operation::Organization => full(held.has_any(READ_ORGANIZATION)),
        // Each part is judged by itself.
        Operation::Batch => Some(View::Full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_know_their_names_without_regard_to_case() {
        let set = Permissions::of(["user.revokesessions.all", "Unknown.Thing"]);
        assert!(set.has_any(REVOKE));
        assert!(!set.has_any(READ) && !set.has_any(&["Unknown.Thing"]));
        assert!(Permissions::of(NAMES).has_any(&["Reports.Read.All"]));
    }

    #[test]
    fn everything_that_is_asked_for_has_a_name() {
        for list in [
            REVOKE,
            REVOKE_AGENT,
            READ_BASIC,
            READ,
            READ_ME,
            READ_OBJECTS,
            READ_ASSIGNMENTS,
            READ_AUDIT,
            READ_ORGANIZATION,
        ] {
            assert!(list.iter().all(|name| NAMES.contains(name)), "{list:?}");
        }
    }
}
