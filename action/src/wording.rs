//! The sentences of outcomes: what happened to a user, what did not, and what to do.
//!
//! For somebody who reads them at three in the morning. No secrets, no bodies of answers, no line breaks.

use crate::canary::{Canary, Finding};
use crate::dates::time_of_day;
use crate::graph::{Reach, What};
use crate::sign_in::Token;
use crate::target::{After, Target};
use std::time::Duration;

/// How long access tokens issued before a revoke may go on working ("Configurable token lifetimes": a random time
/// from 60 to 90 minutes).
pub(crate) const EXPOSURE_SECONDS: u64 = 90 * 60;

/// The application permissions that allow a revoke, the least first ("user: revokeSignInSessions", permissions).
pub(crate) const REVOKING_ROLES: [&str; 3] = [
    "User.RevokeSessions.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];

/// The user's sessions were revoked, and whatever was looked at afterwards.
pub(crate) fn revoked(target: &Target) -> String {
    let label = target.label();
    let mut text = match target.after.as_deref() {
        Some(after) if target.settings.verify => read_back(target, after),
        _ => format!(
            "Sessions of {label} were revoked: refresh tokens and browser sessions are void."
        ),
    };
    let until = target.accepted().map_or_else(
        || "they expire".to_owned(),
        |accepted| format!("about {}", time_of_day(accepted.unix + EXPOSURE_SECONDS)),
    );
    text.push_str(" Access tokens already issued may work until ");
    text.push_str(&until);
    text.push_str(", and sessions that applications keep themselves live on");
    match target.after.as_ref().and_then(|after| after.reach.as_ref()) {
        Some(reach) => reached(&mut text, reach),
        None => text.push('.'),
    }
    match target.user.as_ref() {
        Some(user) => match (user.enabled, user.synced) {
            (Some(false), _) => text.push_str(" The account is disabled."),
            (_, Some(true)) => text.push_str(
                " The account can sign in again; it is synchronised from on premises, so disable it there if it must not.",
            ),
            (Some(true), _) => {
                text.push_str(" The account is still enabled and can sign in again; disable it if it must not.");
            }
            (None, _) => {}
        },
        None => text.push_str(UNCHECKED),
    }
    if target.basic && target.user.is_some() {
        text.push_str(GUEST_UNCHECKED);
    }
    if target.sent_before.is_some() {
        text.push_str(" It had perhaps been revoked in an earlier try; repeating it did no harm.");
    }
    text
}

/// What reading the cut-off time back came to.
fn read_back(target: &Target, after: &After) -> String {
    let label = target.label();
    let reads = match after.reads {
        1 => "one read".to_owned(),
        reads => format!("{reads} reads"),
    };
    match (&after.cut_off, after.moved, after.unread) {
        (Some(cut_off), true, _) => format!(
            "Sessions of {label} were revoked, and that was read back: what was issued before {} is void.",
            cut_off.text
        ),
        (_, _, Some(why)) => format!(
            "The service accepted the revoke of the sessions of {label}; it is not confirmed, because the cut-off time could \
             not be read: {why}."
        ),
        (Some(cut_off), false, None) => format!(
            "The service accepted the revoke of the sessions of {label}; it is not yet confirmed: after {reads} the cut-off \
             time is still {}.",
            cut_off.text
        ),
        (None, _, None) => format!(
            "The service accepted the revoke of the sessions of {label}; it is not yet confirmed, because the cut-off time \
             was not read."
        ),
    }
}

/// Applications in a sentence; evidence has more of them.
const SPELT_OUT: usize = 5;

/// Goes on after "sessions that applications keep themselves live on".
fn reached(text: &mut String, reach: &Result<Reach, &'static str>) {
    match reach {
        Ok(reach) if reach.names.is_empty() && !reach.more => {
            text.push_str("; no application is assigned to the user.");
        }
        Ok(reach) => {
            let more = reach.names.len().saturating_sub(SPELT_OUT);
            let shown: Vec<&str> =
                (reach.names.iter().take(SPELT_OUT).map(String::as_str)).collect();
            text.push_str("; through this tenant the user reaches ");
            text.push_str(&shown.join(", "));
            match (more, reach.more) {
                (0, false) => {}
                (0, true) => text.push_str(" and others"),
                (more, false) => text.push_str(&format!(" and {more} more")),
                (more, true) => text.push_str(&format!(" and more than {more} others")),
            }
            text.push_str(": end the sessions there too.");
        }
        Err(why) => {
            text.push_str("; which the user reaches is not known, because ");
            text.push_str(why);
            text.push_str(" (Directory.Read.All).");
        }
    }
}

const UNCHECKED: &str = " Not checked, because the application may not read users (User.Read.All): whether this is a guest, \
                         on whom a revoke has no effect, and whether another asset is the same user.";

const GUEST_UNCHECKED: &str = " Not checked, because the application may read names only (User.Read.All): whether this is a \
                               guest, on whom a revoke has no effect, and whether the account is enabled.";

/// A simulation would have revoked.
pub(crate) fn would_revoke(target: &Target) -> String {
    let mut text = format!("The sessions of {} would be revoked", target.label());
    match target.after.as_ref().and_then(|after| after.reach.as_ref()) {
        Some(reach) => {
            text.push_str("; sessions that applications keep themselves would live on");
            reached(&mut text, reach);
        }
        None => text.push('.'),
    }
    if target.blind {
        text.push_str(UNCHECKED);
    } else if target.basic {
        text.push_str(GUEST_UNCHECKED);
    }
    text
}

/// What the test account showed.
pub(crate) fn canary(target: &Target) -> String {
    let label = target.label();
    let canary = target.canary.as_deref();
    let (refused, worked) = canary.map(Canary::delays).unwrap_or_default();
    let seconds = |delay: Duration| format!("{} s", (delay.as_millis() + 500) / 1_000);
    match canary.and_then(Canary::finding) {
        Some(Finding::Cut) => {
            let refused = refused.map_or_else(String::new, seconds);
            let worked = worked.map_or_else(String::new, |worked| {
                format!(" ({} after it, it still worked)", seconds(worked))
            });
            format!(
                "Canary: the refresh token of the test account {label} was refused {refused} after its sessions were \
                 revoked{worked}. That is how long a revoke takes in this tenant today. Store a new token before the next run \
                 that measures."
            )
        }
        Some(Finding::Alive) => {
            let worked = worked.map_or_else(String::new, seconds);
            format!(
                "Canary: the refresh token of the test account {label} still worked {worked} after the service accepted the \
                 revoke. Do not rely on what this run says of other users; disable accounts that must not get in."
            )
        }
        Some(Finding::Unmeasured(why)) if target.accepted().is_some() => format!(
            "Canary: the sessions of the test account {label} were revoked, and whether its refresh token still works could \
             not be found out: {why}."
        ),
        Some(Finding::Unmeasured(why)) => {
            format!(
                "Canary: the test account {label} cannot be measured by, and was left alone: {why}."
            )
        }
        None if target.accepted().is_some() => format!(
            "Canary: the sessions of the test account {label} were revoked, and the run was stopped before its refresh token \
             was refused."
        ),
        None => format!(
            "Canary: the refresh token of the test account {label} works. Its sessions would be revoked, and the token tried \
             until it is refused."
        ),
    }
}

/// A guest, to whom nothing was sent (`sent` false) or whose revoke had no effect.
pub(crate) fn guest(target: &Target, sent: bool) -> String {
    let done = if sent {
        "The revoke was sent and accepted, but has no effect"
    } else {
        "Nothing was sent"
    };
    format!(
        "{} is a guest, who signs in at the home tenant, where sessions cannot be revoked from here. {done}. Ask the home \
         tenant to revoke them, or block the guest's sign-in in this tenant.",
        target.label()
    )
}

/// Another asset is the same user.
pub(crate) fn duplicate(target: &Target, other: &str) -> String {
    format!(
        "{} is the same user as the asset `{other}`, whose outcome says what happened.",
        target.label()
    )
}

/// Another identity of the same asset is the same user.
pub(crate) fn repeated(target: &Target) -> String {
    format!("{} is there twice in this asset.", target.label())
}

/// The service does not know the user.
pub(crate) fn not_found(target: &Target) -> String {
    let also = if target.looked_otherwise {
        ", neither by that name nor by a mail address of theirs"
    } else {
        ""
    };
    format!(
        "The tenant has no user {}{also}. It was deleted or belongs to another tenant, or it is so new that the service \
         does not know it everywhere yet. Nothing was revoked.",
        target.label()
    )
}

/// Several users have the name.
pub(crate) fn ambiguous(target: &Target) -> String {
    format!(
        "More than one user of the tenant has {}, so it is not known who is meant, and nothing was revoked. Give the object \
         id or the user principal name.",
        target.label()
    )
}

/// The look-up was not allowed, and the name cannot be revoked by.
pub(crate) fn not_resolvable(target: &Target) -> String {
    format!(
        "{} has to be looked up before it can be revoked, and the application may not read users. Give the object id, or \
         grant User.Read.All.",
        target.label()
    )
}

/// The service refused for a reason of its own.
pub(crate) fn refused(target: &Target, what: &str) -> String {
    format!(
        "Microsoft Graph {what} {}{}. See the request id in the evidence.",
        target.label(),
        answer(target)
    )
}

/// The service called the name malformed.
pub(crate) fn malformed(target: &Target) -> String {
    format!(
        "Microsoft Graph calls {} malformed{}. Correct the asset and run it again.",
        target.label(),
        answer(target)
    )
}

/// A 403 to a revoke, for the user that met it.
pub(crate) fn denied(target: &Target) -> String {
    format!(
        "Microsoft Graph refused to revoke the sessions of {}{}. The run was stopped; see its end for what is missing.",
        target.label(),
        answer(target)
    )
}

/// Why a 403 to a revoke ends the run: the likely cause first, where the token tells.
pub(crate) fn denial(token: Option<&Token>) -> String {
    let mut text = String::from(
        "Microsoft Graph refused to revoke sessions (403), as it would for every user. One of three things is missing: the \
         application permission User.RevokeSessions.All in the app registration; an administrator's consent to it in this \
         very tenant; or, where a person signs in or the user is an administrator under protection, a directory role that \
         may act on the user.",
    );
    match token.and_then(Token::claims) {
        Some(claims) if !claims.permits(&REVOKING_ROLES) => {
            text.push_str(
                " The token does not hold User.RevokeSessions.All, so it is one of the first two.",
            );
        }
        Some(claims) if claims.is_user() => {
            text.push_str(
                " The token does hold a permission that suffices, so it is the third: a user signed in, who needs a \
                 directory role that may act on others, such as User Administrator.",
            );
        }
        Some(_) => {
            text.push_str(" The token does hold a permission that suffices, so it is the third.")
        }
        None => {}
    }
    text
}

/// A second 401 in a row ends the run.
pub(crate) fn token_refused() -> String {
    "Microsoft Graph refused the token, and a new one too (401). Check that login and Graph addresses are of the same cloud, \
     that the application is enabled, and that no Conditional Access policy excludes this machine."
        .into()
}

/// The run ended before this user's turn, or before a try was accepted.
pub(crate) fn stopped(target: &Target, reason: &str) -> String {
    if target.sent {
        format!("The run was stopped before the service accepted the revoke. {reason}")
    } else {
        format!("The run was stopped before this user's turn. {reason}")
    }
}

/// The host did not let a request leave.
pub(crate) fn held(target: &Target) -> String {
    format!(
        "The host did not let the request about {} leave: the run is being stopped, or its grant does not cover the \
         request. The run's audit says which.",
        target.label()
    )
}

/// The tries are used up. `revoking` if the last was to revoke, not to look up.
pub(crate) fn given_up(target: &Target, what: &What, revoking: bool) -> String {
    let label = target.label();
    let tries = match target.tries {
        1 => "at the one try".to_owned(),
        tries => format!("at each of {tries} tries"),
    };
    let goal = if revoking {
        "revoke the sessions of"
    } else {
        "look up"
    };
    let mut text = match what {
        What::Throttled => format!(
            "Microsoft Graph refused to {goal} {label} for lack of quota {tries}{}. Run it again later.",
            answer(target)
        ),
        What::Conflict => format!(
            "Another change to {label} was under way {tries}{}. Run it again.",
            answer(target)
        ),
        What::Unreachable { why, .. } => {
            format!(
                "Microsoft Graph cannot be reached: {why}. Nothing about {label} was sent at the last try."
            )
        }
        What::Lost(why) => {
            format!("To the request to {goal} {label} no answer came {tries}: {why}.")
        }
        What::Unreadable(why) => {
            format!(
                "The answer to the request to {goal} {label} makes no sense: {why}. See what stands between."
            )
        }
        What::Fault { .. } | What::NotRun => {
            format!(
                "Microsoft Graph failed to {goal} {label} {tries}{}. Run it again later.",
                answer(target)
            )
        }
        _ => refused(target, "did not do what was asked about"),
    };
    if target.doubt {
        text.push_str(
            " The sessions may have been revoked all the same, and nobody knows; to revoke them again does no harm.",
        );
    } else if !revoking {
        text.push_str(" Nothing was revoked.");
    }
    text
}

/// ` (HTTP 403, Authorization_RequestDenied)`.
fn answer(target: &Target) -> String {
    match (target.status(), target.error_code()) {
        (Some(status), Some(code)) => format!(" (HTTP {status}, {code})"),
        (Some(status), None) => format!(" (HTTP {status})"),
        (None, _) => String::new(),
    }
}
