//! The codes that outcomes carry, with what each means and what to do about it.
//!
//! The one list: the manifest publishes it, and the documentation of outcomes is made from it.

/// What became of an asset, for programs. [`Code::as_str`] never changes for a code that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// More than one user has the name.
    Ambiguous,
    /// The test account's refresh token still worked at the last try.
    CanaryAlive,
    /// The test account's refresh token was refused after the revoke.
    CanaryCut,
    /// The test account could not be measured by.
    CanaryUnmeasured,
    /// The service kept on saying that another change was under way.
    Conflict,
    /// A 403 to the revoke.
    Denied,
    /// Another asset of the run is the same user.
    Duplicate,
    /// Neither an object id nor a principal name.
    InvalidId,
    /// No answer to what was sent.
    NoAnswer,
    /// A guest, whose sessions another tenant keeps.
    NoEffectGuest,
    /// Nothing to name the user by.
    NoIdentity,
    /// The service does not know the user.
    NotFound,
    /// The host did not let the request leave.
    RefusedByHost,
    /// The service said no.
    RefusedByService,
    /// The service said that it was done.
    Revoked,
    /// The service failed.
    ServiceError,
    /// The run ended first.
    Stopped,
    /// Refused for lack of quota to the end.
    Throttled,
    /// The service said that it was done, and it was not yet seen.
    Unconfirmed,
    /// No connection to the service.
    Unreachable,
    /// An answer that could not be read.
    UnreadableAnswer,
    /// The service said that it was done, and it was read back.
    Verified,
    /// In a simulation: would be revoked.
    WouldRevoke,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 23] = [
        Self::Revoked,
        Self::Verified,
        Self::Unconfirmed,
        Self::WouldRevoke,
        Self::NoEffectGuest,
        Self::Duplicate,
        Self::NotFound,
        Self::Ambiguous,
        Self::NoIdentity,
        Self::InvalidId,
        Self::Denied,
        Self::RefusedByService,
        Self::Throttled,
        Self::Conflict,
        Self::ServiceError,
        Self::NoAnswer,
        Self::UnreadableAnswer,
        Self::Unreachable,
        Self::RefusedByHost,
        Self::Stopped,
        Self::CanaryCut,
        Self::CanaryAlive,
        Self::CanaryUnmeasured,
    ];

    /// As outcomes carry it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::CanaryAlive => "canary-alive",
            Self::CanaryCut => "canary-cut",
            Self::CanaryUnmeasured => "canary-unmeasured",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Duplicate => "duplicate",
            Self::InvalidId => "invalid-id",
            Self::NoAnswer => "no-answer",
            Self::NoEffectGuest => "no-effect-guest",
            Self::NoIdentity => "no-identity",
            Self::NotFound => "not-found",
            Self::RefusedByHost => "refused-by-host",
            Self::RefusedByService => "refused-by-service",
            Self::Revoked => "revoked",
            Self::ServiceError => "service-error",
            Self::Stopped => "stopped",
            Self::Throttled => "throttled",
            Self::Unconfirmed => "unconfirmed",
            Self::Unreachable => "unreachable",
            Self::UnreadableAnswer => "unreadable-answer",
            Self::Verified => "verified",
            Self::WouldRevoke => "would-revoke",
        }
    }

    /// Cause and cure, for the manifest and the documentation.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ambiguous => {
                "More than one user has the mail address or other name that the inventory gives. Nothing was revoked, \
                 for it is not known whom it means. Give the object id or the user principal name."
            }
            Self::CanaryAlive => {
                "The test account's refresh token still worked when the time for the measurement was over, although the \
                 service accepted the revoke. Do not rely on what the run says of the others: disable accounts that \
                 must not get in, and ask Microsoft with the request id."
            }
            Self::CanaryCut => {
                "The test account was cut with the run, and its refresh token was refused afterwards: the message says \
                 how long that took in this tenant. The token is used up; store a new one before the next run with the \
                 setting `canary`."
            }
            Self::CanaryUnmeasured => {
                "The test account could not be measured by: its refresh token did not work before the revoke, or no \
                 clear answer came afterwards; the message says which. It says nothing of the other users. Sign the \
                 account in again, store the new token, and see that the application may redeem it."
            }
            Self::Conflict => {
                "Another change to the user was under way at every try. Nothing was revoked by the answers seen; run it \
                 again for this user."
            }
            Self::Denied => {
                "Microsoft Graph answered the revoke with 403, so the run stopped there. Grant the application \
                 permission User.RevokeSessions.All and an administrator's consent in this very tenant, then run the \
                 rest again. Applications that sign in as a person need a directory role as well."
            }
            Self::Duplicate => {
                "Another asset of this run is the same user. The message names it, and what happened to the user is \
                 in its outcome; there is nothing to do here."
            }
            Self::InvalidId => {
                "What the inventory has for this user is not of the form that such a name has: an object id (a GUID), \
                 a user principal name, a mail address; or the service called it malformed. No revoke was accepted; \
                 correct the asset and run it again."
            }
            Self::NoAnswer => {
                "A request to revoke left and no answer came back, at every try. The sessions may or may not have \
                 been revoked: run it again, which does no harm."
            }
            Self::NoEffectGuest => {
                "The user is a guest. Guests sign in at their home tenant, so a revoke here ends none of their \
                 sessions although the service answers with success. Ask the home tenant to revoke, or block or \
                 remove the guest account here; the setting `guests` changes what is done."
            }
            Self::NoIdentity => {
                "The inventory has nothing to name this user by: no object id, user principal name, mail address, proxy \
                 address or on-premises immutable id. Nothing was sent; fetch the asset again or complete it."
            }
            Self::NotFound => {
                "The tenant has no such user: deleted, never there, of another tenant, or made only seconds ago. \
                 Nothing was revoked. Check the tenant and the name; deleted users cannot sign in anyway."
            }
            Self::RefusedByHost => {
                "The host did not let the request leave: the grant does not cover it, the run is a simulation, or \
                 the run is being stopped. Nothing was sent; the run's audit names the rule."
            }
            Self::RefusedByService => {
                "The service understood the request and did not carry it out. The evidence holds its status, its \
                 error code and the request id, which Microsoft's support asks for."
            }
            Self::Revoked => {
                "The service said that it revoked the user's sessions: refresh tokens and browser sessions issued \
                 before are void. Access tokens already issued may work until they expire, as a rule for 60 to 90 \
                 minutes; sessions that applications keep themselves live on; the account is not blocked from \
                 signing in."
            }
            Self::ServiceError => {
                "The service answered with an error of its own, 5xx, at every try. If that was an answer to a \
                 revoke the verdict is `in-doubt`, because it may have been carried out. Run it again later, which \
                 does no harm."
            }
            Self::Stopped => {
                "The run ended before this user's turn, or before the service accepted a revoke that had been sent (then \
                 the verdict is `failed` or `in-doubt`); the message says why. If that is a fault, mend it; then run \
                 those again."
            }
            Self::Throttled => {
                "The service refused every try for lack of quota, within the bounds of `max_tries` and \
                 `max_seconds`. Nothing was revoked. Run it again later, or raise the bounds; see what else uses \
                 the application's quota in this tenant."
            }
            Self::Unreachable => {
                "There was no connection to the service, so nothing was sent. The message says what was wrong: the \
                 name, the network, a proxy or the certificate."
            }
            Self::Unconfirmed => {
                "The service said that it revoked the user's sessions, and the cut-off time had not moved by the last \
                 read, or could not be read. Accepted, not yet confirmed: reads lag behind, as a rule by seconds. Read \
                 the user's signInSessionsValidFromDateTime later, or run it again, which does no harm."
            }
            Self::UnreadableAnswer => {
                "The service's answer was not what Microsoft Graph says: a page of a proxy, half an answer, an \
                 answer about somebody else. If that was an answer to a revoke the verdict is `in-doubt`. See what \
                 stands between the host and the service, then run it again."
            }
            Self::Verified => {
                "The service said that it revoked the user's sessions, and the user's cut-off time was read back and is \
                 past the revoke: refresh tokens and browser sessions issued before are void. That is what was read; \
                 in some tenants tokens were seen to work although the time had moved, which the setting `canary` \
                 measures. What `revoked` says of access tokens and applications holds here too."
            }
            Self::WouldRevoke => {
                "A simulation: the user was looked up, and a run would revoke the sessions. Nothing was changed."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_published_once_in_kebab_case() {
        let all: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(all.len(), Code::ALL.len());
        for code in Code::ALL {
            let text = code.as_str();
            assert!(
                text.len() <= 64 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{text}"
            );
            assert!(
                code.meaning().ends_with('.') && !code.meaning().contains("  "),
                "{text}"
            );
        }
    }
}
