//! One-time codes of a person's second factor: one sign-in at a time for an account, and never a code twice.
//!
//! A service takes each code once, and none that is older than the last (RFC 6238 section 5.2). So whoever wants one
//! waits for its turn at a lock file in the state folder, which other processes on it see too, and holds the turn until
//! its request was answered; the file remembers the step of the last code, which is written down before the code is used.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tipstaff_egress::{Made, Secret};
use zeroize::Zeroizing;

/// Seconds of one step (RFC 6238 section 4.1).
const STEP: u64 = 30;
/// How long to wait for a turn.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often to look whether it is there.
const LOOK: Duration = Duration::from_millis(100);
/// A last code that is so many steps ahead was not made by a clock like this one.
const MOST_AHEAD: u64 = 4;

/// Why there is no code. Never a part of the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodeError {
    #[error("it is not base32 (letters and the digits 2 to 7), as authenticator apps show it")]
    NotBase32,
    #[error("other sign-ins with the same account took longer than {} s", PATIENCE.as_secs())]
    NoTurn,
    #[error("the file of the last code, `{path}`, cannot be used: {reason}")]
    File { path: PathBuf, reason: String },
    #[error(
        "the last code was made for a time that has not come (`{path}`): this machine's clock was set back"
    )]
    ClockSetBack { path: PathBuf },
}

/// Makes the codes of a host.
#[derive(Clone)]
pub(crate) struct OneTimeCodes {
    folder: PathBuf,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

/// The turn of one sign-in. The lock goes with the file.
struct Turn {
    _file: File,
}

impl OneTimeCodes {
    /// Keeps its files in `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            clock: Arc::new(SystemTime::now),
        }
    }

    /// The next code of `account`, and its turn.
    pub(crate) async fn next(&self, account: &str, secret: &Secret) -> Result<Made, CodeError> {
        let key = base32(secret.expose()).ok_or(CodeError::NotBase32)?;
        let name: String = Sha256::digest(account)
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = self.folder.join(name);
        let failed = |error: std::io::Error| CodeError::File {
            path: path.clone(),
            reason: error.to_string(),
        };
        let mut file = self.turn(&path).await?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let last: Option<u64> = text.trim().parse().ok();
        let step = loop {
            let now = (self.clock)()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let step = now.as_secs() / STEP;
            match last.filter(|last| *last >= step) {
                None => break step,
                Some(last) if last > step + MOST_AHEAD => {
                    return Err(CodeError::ClockSetBack { path });
                }
                Some(last) => {
                    let due = Duration::from_secs((last + 1) * STEP);
                    tokio::time::sleep(due.saturating_sub(now).max(Duration::from_millis(1))).await;
                }
            }
        };
        // On disk before it is used: a code that was perhaps sent is not sent again.
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        file.write_all(step.to_string().as_bytes())
            .map_err(failed)?;
        file.sync_data().map_err(failed)?;
        Ok(Made {
            value: Secret::new(code(&key, step)),
            until_over: Some(Box::new(Turn { _file: file })),
        })
    }

    async fn turn(&self, path: &Path) -> Result<File, CodeError> {
        let failed = |error: std::io::Error| CodeError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        crate::state::make_private_file(path).map_err(failed)?;
        let mut options = File::options();
        let file = options.read(true).write(true).open(path).map_err(failed)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if waited < PATIENCE => {
                    tokio::time::sleep(LOOK).await;
                    waited += LOOK;
                }
                Err(TryLockError::WouldBlock) => return Err(CodeError::NoTurn),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

/// The six digits for a step of time (RFC 6238 with HMAC-SHA-1, RFC 4226 section 5.3).
fn code(key: &[u8], step: u64) -> String {
    // HMAC takes keys of any length, so there is always a digest.
    let digest = Hmac::<Sha1>::new_from_slice(key).map(|mut mac| {
        mac.update(&step.to_be_bytes());
        mac.finalize().into_bytes()
    });
    let digest = digest.unwrap_or_default();
    let at = usize::from(digest[19] & 0x0f);
    let number = digest[at..at + 4]
        .iter()
        .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// Reads base32 (RFC 4648 section 6) as authenticator apps show it: in any case, with blanks and hyphens.
fn base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text.trim().bytes() {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            b' ' | b'-' | b'=' => continue,
            _ => return None,
        };
        held = (held << 5 | u32::from(value)) & 0xffff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// base32 of `12345678901234567890`.
    const SECRET: &str = "gezd gnbv gy3t qojq GEZD-GNBV-GY3T-QOJQ";
    const NOW: u64 = 1_795_420_815;

    /// Codes on the clock of the test, which goes as tokio's does.
    fn codes(folder: &Path) -> OneTimeCodes {
        let began = tokio::time::Instant::now();
        OneTimeCodes {
            folder: folder.to_owned(),
            clock: Arc::new(move || {
                SystemTime::UNIX_EPOCH + Duration::from_secs(NOW) + began.elapsed()
            }),
        }
    }

    fn secret() -> Secret {
        Secret::new(SECRET.to_owned())
    }

    /// The test vectors of RFC 6238 appendix B, of which six digits are the last six of eight.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = base32(SECRET).unwrap();
        assert_eq!(&key[..], b"12345678901234567890");
        for (time, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&key, time / STEP), digits);
        }
        assert!(base32("1").is_none() && base32("").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_code_is_made_twice_whoever_asks() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (codes(folder.path()), codes(folder.path()));
        let began = tokio::time::Instant::now();
        let first = one.next("ada", &secret()).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(
            first.value.expose(),
            code(&base32(SECRET).unwrap(), NOW / STEP)
        );
        // The next one has to wait for the turn, and then for the next step.
        let second = tokio::spawn(async move { two.next("ada", &secret()).await.unwrap() });
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert!(!second.is_finished(), "the first is not over yet");
        drop(first);
        let second = second.await.unwrap();
        let step = NOW / STEP + 1;
        assert_eq!(second.value.expose(), code(&base32(SECRET).unwrap(), step));
        drop(second);
        let third = one.next("ada", &secret()).await.unwrap();
        assert_eq!(
            third.value.expose(),
            code(&base32(SECRET).unwrap(), step + 1)
        );
        // Another account has turns of its own.
        let now = tokio::time::Instant::now();
        one.next("bob", &secret()).await.unwrap();
        assert_eq!(now.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_never_comes_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let held = codes(folder.path()).next("ada", &secret()).await.unwrap();
        let error = codes(folder.path())
            .next("ada", &secret())
            .await
            .unwrap_err();
        assert_eq!(error, CodeError::NoTurn);
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_back_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let codes = codes(folder.path());
        drop(codes.next("ada", &secret()).await.unwrap());
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        let path = files[0].as_ref().unwrap().path();
        std::fs::write(&path, (NOW / STEP + 100).to_string()).unwrap();
        let error = codes.next("ada", &secret()).await.unwrap_err();
        assert_eq!(error, CodeError::ClockSetBack { path });
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn the_file_is_its_owners_and_holds_a_number() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        drop(
            codes(folder.path())
                .next("ada@contoso.com", &secret())
                .await
                .unwrap(),
        );
        let entry = std::fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600);
        assert!(!entry.file_name().to_string_lossy().contains("ada"));
        let text = std::fs::read_to_string(entry.path()).unwrap();
        assert_eq!(text, (NOW / STEP).to_string());
    }

    #[tokio::test]
    async fn what_is_no_secret_of_an_app_is_told_without_repeating_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = codes(folder.path())
            .next("ada", &Secret::new("hunter0!".to_owned()))
            .await;
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("base32") && !text.contains("hunter"),
            "{text}"
        );
    }
}
