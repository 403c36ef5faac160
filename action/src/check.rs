//! Proves that a connection can do the work, changing nothing.
//!
//! Signs in and reads what the token says of itself. No user is looked up, because there is no asset to look up.

use crate::chance::Chance;
use crate::service::{Finding, Level, Service};
use crate::sign_in::{Claims, SignIn, Token};
use crate::wording::REVOKING_ROLES;

/// The permissions that let the action see who is a guest.
const READING_ROLES: [&str; 4] = [
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Secret fields of a user.
const USER_SECRETS: [&str; 2] = ["password", "otp_secret"];

/// From so many seconds on, clocks that differ are worth a warning.
const NOTABLE_SKEW: i64 = 60;
/// From so many seconds on, the service refuses what this machine signs or is to redeem in time.
const FATAL_SKEW: i64 = 300;

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, level: Level, code: &'static str, message: impl Into<String>) {
        self.0.push(Finding {
            level,
            code,
            message: message.into(),
        });
    }

    fn good(&mut self, code: &'static str, message: impl Into<String>) {
        self.add(Level::Good, code, message);
    }

    fn warning(&mut self, code: &'static str, message: impl Into<String>) {
        self.add(Level::Warning, code, message);
    }

    fn bad(&mut self, code: &'static str, message: impl Into<String>) {
        self.add(Level::Bad, code, message);
    }
}

/// Signs in, and says what is there, missing, or more than needed.
pub async fn check<S: Service>(service: &S) -> Vec<Finding> {
    let mut findings = Findings::default();
    let sign_in = match SignIn::of(service) {
        Ok(sign_in) => sign_in,
        Err(refusal) => {
            findings.bad("connection-incomplete", refusal.message);
            return findings.0;
        }
    };
    unused_fields(service, &sign_in, &mut findings);
    let chance = Chance::new(service.random());
    same_tenant(service, &sign_in, &chance, &mut findings).await;
    match sign_in.token(service, &chance, None, 1).await {
        Err(refusal) => findings.bad("sign-in-failed", refusal.message),
        Ok(token) => {
            findings.good(
                "signed-in",
                "The sign-in service gave a token for Microsoft Graph.",
            );
            clock(&token, &mut findings);
            match token.claims() {
                Some(claims) => permissions(&claims, &sign_in, &mut findings),
                None => findings.warning(
                    "roles-unknown",
                    "The token's permissions cannot be read here: whether sessions may be revoked shows with the first user.",
                ),
            }
        }
    }
    findings.0
}

fn unused_fields<S: Service>(service: &S, sign_in: &SignIn, findings: &mut Findings) {
    let has_user_fields = service.field("username").is_some()
        || USER_SECRETS
            .iter()
            .any(|field| service.stand_in(field).is_some());
    if has_user_fields && !sign_in.is_user() {
        findings.warning(
            "user-fields-unused",
            "The connection holds a user's fields (`username`, `password`, `otp_secret`), which are unused: this action signs \
             in as the application, unless the connection says `sign_in = \"user\"`.",
        );
    }
}

/// Holds the tenant id and the sub domain against each other, where both are there.
async fn same_tenant<S: Service>(
    service: &S,
    sign_in: &SignIn,
    chance: &Chance,
    findings: &mut Findings,
) {
    let (Some(id), Some(domain)) = (
        service.field("tenant_id"),
        service.field("account_sub_domain"),
    ) else {
        return;
    };
    let domain = format!("{}.onmicrosoft.com", domain.trim());
    let by_id = sign_in.tenant_of(service, chance, id.trim()).await;
    let by_domain = sign_in.tenant_of(service, chance, &domain).await;
    match (by_id, by_domain) {
        (Ok(one), Ok(other)) if one == other => findings.good(
            "same-tenant",
            format!("The tenant id and the sub domain name the same tenant ({one})."),
        ),
        (Ok(one), Ok(other)) => findings.bad(
            "other-tenant",
            format!(
                "The tenant id names the tenant {one} and the sub domain ({domain}) names {other}: correct one of the two; \
                 the tenant id is the one that counts."
            ),
        ),
        (Err(refusal), _) | (_, Err(refusal)) => findings.warning(
            "tenant-unknown",
            format!(
                "Whether the tenant id and the sub domain ({domain}) name the same tenant could not be found out. {}",
                refusal.message
            ),
        ),
    }
}

/// Compares the date of the service's answer with this machine's clock.
fn clock(token: &Token, findings: &mut Findings) {
    let Some(ahead) = token.clock_ahead else {
        return;
    };
    let apart = ahead.abs();
    if apart < NOTABLE_SKEW {
        findings.good(
            "clock-agrees",
            "This machine's clock agrees with the sign-in service's.",
        );
        return;
    }
    let way = if ahead > 0 { "behind" } else { "ahead of" };
    let message = format!(
        "This machine's clock is {apart} s {way} the sign-in service's: let it be set by the network, for signed assertions \
         and one-time codes are good for some minutes only."
    );
    let level = if apart < FATAL_SKEW {
        Level::Warning
    } else {
        Level::Bad
    };
    findings.add(level, "clock-skew", message);
}

fn permissions(claims: &Claims, sign_in: &SignIn, findings: &mut Findings) {
    if let Some(who) = claims.who() {
        findings.good("signed-in-as", format!("Signed in as {who}."));
    }
    let kind = if sign_in.is_user() {
        "delegated permission"
    } else {
        "application permission"
    };
    match (
        claims.permits(&REVOKING_ROLES[..1]),
        claims.permits(&REVOKING_ROLES),
    ) {
        (true, _) => findings.good(
            "may-revoke",
            "The application may revoke sessions (User.RevokeSessions.All).",
        ),
        (false, true) => findings.good(
            "may-revoke",
            "The application may revoke sessions, by a permission that allows much more; User.RevokeSessions.All would do.",
        ),
        (false, false) => findings.bad(
            "may-not-revoke",
            format!(
                "The application may not revoke sessions: add the {kind} User.RevokeSessions.All to its registration and \
                 have an administrator consent in this tenant."
            ),
        ),
    }
    if claims.permits(&READING_ROLES) {
        findings.good(
            "may-read",
            "The application may look users up, so guests and duplicates are recognised.",
        );
    } else {
        findings.warning(
            "may-not-read",
            "The application may not read all of a user (User.Read.All), so a guest, on whom a revoke has no effect, may not \
             be told from a member.",
        );
    }
    if sign_in.is_user() {
        directory_role(claims, findings);
    }
    let broad: Vec<&str> = claims
        .permissions()
        .filter(|role| role.contains("ReadWrite") && role.len() <= 64)
        .take(5)
        .collect();
    if !broad.is_empty() && claims.permits(&REVOKING_ROLES[..1]) {
        findings.warning(
            "more-than-needed",
            format!(
                "The application holds more than this action needs: {}. Remove what nothing else uses.",
                broad.join(", ")
            ),
        );
    }
}

/// A user's token opens nothing that the user may not do.
fn directory_role(claims: &Claims, findings: &mut Findings) {
    match claims.directory_role() {
        Some(role) => findings.good(
            "directory-role",
            format!("The user holds a directory role that may revoke the sessions of others ({role})."),
        ),
        None => findings.warning(
            "no-directory-role",
            "The user holds none of the directory roles that are known to allow it (User Administrator, Global Administrator, \
             Privileged Authentication Administrator): without one, Microsoft Graph refuses to revoke the sessions of others.",
        ),
    }
}
