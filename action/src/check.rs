//! Proves that a connection can do the work, changing nothing.
//!
//! Signs in and reads what the token says of itself. No user is looked up, because there is no asset to look up.

use crate::chance::Chance;
use crate::service::{Finding, Level, Service};
use crate::sign_in::SignIn;
use crate::wording::REVOKING_ROLES;

/// The permissions that let the action see who is a guest.
const READING_ROLES: [&str; 4] = [
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Fields that only other uses of the connection need.
const USER_FIELDS: [&str; 2] = ["password", "otp_secret"];

/// Signs in, and says what is there, missing, or more than needed.
pub async fn check<S: Service>(service: &S) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |level, code, message: String| {
        findings.push(Finding {
            level,
            code,
            message,
        })
    };
    if service.field("username").is_some()
        || USER_FIELDS
            .iter()
            .any(|field| service.stand_in(field).is_some())
    {
        let message = "The connection holds a user's fields (`username`, `password`, `otp_secret`), which are not used: this \
                       action signs in as the application.";
        add(Level::Warning, "user-fields-unused", message.into());
    }
    if service.field("tenant_id").is_some() && service.field("account_sub_domain").is_some() {
        let message = "The connection has `tenant_id` and `account_sub_domain`; the tenant id counts, and the sub domain is \
                       not used.";
        add(Level::Warning, "sub-domain-unused", message.into());
    }
    let sign_in = match SignIn::of(service) {
        Ok(sign_in) => sign_in,
        Err(refusal) => {
            add(Level::Bad, "connection-incomplete", refusal.message);
            return findings;
        }
    };
    let token = match sign_in
        .token(service, &Chance::new(service.random()), None, 1)
        .await
    {
        Ok(token) => token,
        Err(refusal) => {
            add(Level::Bad, "sign-in-failed", refusal.message);
            return findings;
        }
    };
    add(
        Level::Good,
        "signed-in",
        "The sign-in service gave a token for Microsoft Graph.".into(),
    );
    let Some(claims) = token.claims() else {
        let message = "The token's permissions cannot be read here: whether the application may revoke sessions shows with \
                       the first user.";
        add(Level::Warning, "roles-unknown", message.into());
        return findings;
    };
    let holds = |wanted: &[&str]| {
        claims
            .roles
            .iter()
            .any(|role| wanted.contains(&role.as_str()))
    };
    match (holds(&REVOKING_ROLES[..1]), holds(&REVOKING_ROLES)) {
        (true, _) => add(
            Level::Good,
            "may-revoke",
            "The application may revoke sessions (User.RevokeSessions.All).".into(),
        ),
        (false, true) => {
            let message = "The application may revoke sessions, by a permission that allows much more; \
                           User.RevokeSessions.All would do.";
            add(Level::Good, "may-revoke", message.into());
        }
        (false, false) => {
            let message = "The application may not revoke sessions: add the application permission User.RevokeSessions.All \
                           to its registration and have an administrator consent in this tenant.";
            add(Level::Bad, "may-not-revoke", message.into());
        }
    }
    if holds(&READING_ROLES) {
        add(
            Level::Good,
            "may-read",
            "The application may look users up, so guests and duplicates are recognised.".into(),
        );
    } else {
        let message = "The application may not read all of a user (User.Read.All), so a guest, on whom a revoke has no effect, \
                       may not be told from a member.";
        add(Level::Warning, "may-not-read", message.into());
    }
    let broad: Vec<&str> = claims
        .roles
        .iter()
        .map(String::as_str)
        .filter(|role| role.contains("ReadWrite"))
        .collect();
    if !broad.is_empty() && holds(&REVOKING_ROLES[..1]) {
        let listed = broad
            .iter()
            .filter(|role| role.len() <= 64)
            .take(5)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let message = format!(
            "The application holds more than this action needs: {listed}. Remove what nothing else uses."
        );
        add(Level::Warning, "more-than-needed", message);
    }
    findings
}
