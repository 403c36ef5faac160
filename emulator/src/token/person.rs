//! Whether a person may sign in: the state of the account, the password, the one-time code.

use std::num::NonZeroU64;

use super::errors::TokenError;
use crate::clock::Moment;
use crate::tenant::directory::Record;
use crate::tenant::{Mfa, UserType};
use crate::world::World;

/// Seconds of one step of a one-time code (RFC 6238 section 4.1).
pub(crate) const STEP_S: NonZeroU64 = NonZeroU64::MIN.saturating_add(29);

/// Somebody who gave the right name and password.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) record: Record,
}

impl Known {
    fn mfa(&self) -> Mfa {
        self.record
            .user
            .details
            .as_deref()
            .map_or(Mfa::Off, |details| details.mfa)
    }

    /// The page that stops the way through the pages.
    pub(crate) fn interrupt(&self) -> Option<&str> {
        self.record.user.details.as_deref()?.interrupt.as_deref()
    }

    /// What stands between the password and a token, for a sign-in that cannot show pages.
    pub(crate) fn without_pages(self, resource: &str) -> Result<Self, TokenError> {
        match self.mfa() {
            Mfa::Off => Ok(self),
            Mfa::Required => Err(TokenError::about(50_076, &[resource])),
            Mfa::MustEnrol => Err(TokenError::about(50_079, &[resource])),
        }
    }

    /// Whether the pages ask for a second factor.
    pub(crate) fn needs_code(&self) -> bool {
        self.mfa() == Mfa::Required
    }

    /// Whether the pages ask to register a second factor.
    pub(crate) fn must_enrol(&self) -> bool {
        self.mfa() == Mfa::MustEnrol
    }
}

/// Checks a name and a password.
pub(crate) fn check_password(
    world: &World,
    name: &str,
    password: &str,
    now: Moment,
) -> Result<Known, TokenError> {
    let directory = world.directory();
    let name = name.trim();
    let index = directory
        .find(name, now)
        .ok_or_else(|| TokenError::about(50_034, &[name]))?;
    let record = directory
        .get(index)
        .ok_or_else(|| TokenError::about(50_034, &[name]))?;
    let details = record.user.details.as_deref();
    if record.user.user_type == UserType::Guest {
        // Guests have their password at home.
        return Err(TokenError::about(50_020, &[name]));
    }
    if details.is_some_and(|details| details.locked) {
        return Err(TokenError::new(50_053));
    }
    let Some(held) = details.and_then(|details| details.password.as_ref()) else {
        return Err(TokenError::new(50_056));
    };
    if held.expose() != password {
        return Err(TokenError::new(50_126));
    }
    if !record.user.enabled {
        return Err(TokenError::new(50_057));
    }
    if details.is_some_and(|details| details.password_expired) {
        return Err(TokenError::new(50_055));
    }
    if details.is_some_and(|details| details.blocked_by_policy) {
        return Err(TokenError::new(53_003));
    }
    Ok(Known {
        record: record.clone(),
    })
}

/// The step of time that a one-time code belongs to, if it is right: this one, the one before or the one after.
pub(crate) fn step_of_code(secret: &str, code: &str, now: Moment) -> Option<u64> {
    let key = base32(secret)?;
    let current = u64::try_from(now.seconds()).ok()? / STEP_S;
    [current, current.saturating_sub(1), current + 1]
        .into_iter()
        .find(|step| one_time_code(&key, *step) == code)
}

/// The six digits for a step of time (RFC 6238, with HMAC-SHA-1; RFC 4226 section 5.3).
pub(crate) fn one_time_code(key: &[u8], step: u64) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let digest = ring::hmac::sign(&key, &step.to_be_bytes());
    let digest = digest.as_ref();
    let at = usize::from(digest.last().copied().unwrap_or(0) & 0x0f);
    let number = digest
        .iter()
        .skip(at)
        .take(4)
        .fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// Reads base32 (RFC 4648 section 6), as authenticator apps show secrets: any case, with blanks.
pub(crate) fn base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for letter in text
        .bytes()
        .filter(|byte| !matches!(byte, b' ' | b'-' | b'='))
    {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        held = (held << 5 | u32::from(value)) & 0xffff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 6238 appendix B, of which six digits are the last six of eight.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = b"12345678901234567890";
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(one_time_code(key, time / 30), code);
        }
        assert_eq!(
            base32("GEZD GNBV gy3tqojq GEZDGNBVGY3TQOJQ").as_deref(),
            Some(&key[..])
        );
        assert_eq!(base32("1"), None);
    }

    #[test]
    fn a_code_is_good_a_step_early_and_a_step_late() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for seconds in [1_234_567_890, 1_234_567_890 - 30, 1_234_567_890 + 30] {
            assert_eq!(
                step_of_code(secret, "005924", Moment::from_ms(seconds * 1000)),
                Some(1_234_567_890 / 30)
            );
        }
        assert_eq!(
            step_of_code(
                secret,
                "005924",
                Moment::from_ms((1_234_567_890 + 61) * 1000)
            ),
            None
        );
    }
}
