//! Accounts in files. Each store opens the files for itself, as another process would.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use tipstaff_egress::declare::Lane;
use tipstaff_egress::{LaneLimits, LaneSet, Lanes, Urgency};

use super::*;

/// The lanes of an account as another process opens them.
fn lanes(folder: &Path, account: &str) -> LaneSet {
    let writes = Lane {
        id: "writes".to_owned(),
        units: 300,
        window: Duration::from_secs(15),
        used_header: None,
    };
    let store = Arc::new(LaneFiles::new(folder.to_owned()));
    Lanes::kept_in(store).open(
        account,
        &[writes],
        &LaneLimits::Published,
        Urgency::Ordinary,
    )
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The only file in the folder, as another process opens it.
fn place(folder: &Path) -> LaneFile {
    let [path] = &files(folder)[..] else {
        unreachable!("{:?}", files(folder));
    };
    let bytes = fs::read(path).unwrap();
    LaneFile {
        path: path.clone(),
        key: bytes[KEY..CLOCK].try_into().unwrap(),
        kept: Mutex::new(Kept {
            file: Some(open(folder, path).unwrap()),
            account: Account::default(),
            changed: Instant::now(),
            is_well: true,
        }),
    }
}

fn look(place: &LaneFile) -> (Account, Duration) {
    let mut seen = None;
    place.change(&mut |account, passed| seen = Some((*account, passed)));
    seen.unwrap()
}

/// Adds one to a number in the account that only holds change.
fn count_up(account: &mut Account) {
    let mut bytes = account.to_bytes();
    let era = &mut bytes[40..48];
    let count = u64::from_le_bytes((&*era).try_into().unwrap());
    era.copy_from_slice(&(count + 1).to_le_bytes());
    *account = Account::from_bytes(&bytes).unwrap();
}

fn count(account: &Account) -> u64 {
    u64::from_le_bytes(account.to_bytes()[40..48].try_into().unwrap())
}

#[test]
fn what_one_process_does_is_seen_by_another_and_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    lanes(folder.path(), "app@tenant").hold("writes", Duration::from_secs(30));
    let (account, passed) = look(&place(folder.path()));
    assert_ne!(account, Account::default());
    assert!(passed > Duration::ZERO && passed < Duration::from_secs(20));
    lanes(folder.path(), "app@elsewhere").hold("writes", Duration::from_secs(30));
    assert_eq!(files(folder.path()).len(), 2);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_file_and_its_name_tells_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("lanes");
    lanes(&inside, "app@tenant").hold("writes", Duration::from_secs(1));
    let [path] = &files(&inside)[..] else {
        unreachable!();
    };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&inside), mode(path)), (0o700, 0o600));
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    assert!(
        !fs::read(path)
            .unwrap()
            .windows(6)
            .any(|bytes| bytes == b"tenant")
    );
}

#[test]
fn a_file_that_is_torn_or_foreign_is_started_anew() {
    let folder = tempfile::tempdir().unwrap();
    lanes(folder.path(), "app@tenant").hold("writes", Duration::from_secs(30));
    let place = place(folder.path());
    let whole = fs::read(&place.path).unwrap();
    let mut flipped = whole.clone();
    flipped[ACCOUNT + 3] ^= 1;
    let mut newer = whole.clone();
    newer[8] = 2;
    let mut of_another = whole.clone();
    of_another[KEY] ^= 1;
    let torn = whole[..whole.len() - 9].to_vec();
    let foreign = b"# not an account\n".repeat(100);
    for bytes in [flipped, newer, of_another, torn, foreign] {
        fs::write(&place.path, bytes).unwrap();
        let (account, passed) = look(&place);
        assert_eq!((account, passed), (Account::default(), Duration::ZERO));
        place.change(&mut |account, _| count_up(account));
        assert_eq!(count(&look(&place).0), 1, "it is whole again");
    }
}

#[test]
fn nothing_is_lost_between_processes_and_threads() {
    let folder = tempfile::tempdir().unwrap();
    lanes(folder.path(), "a").hold("writes", Duration::from_millis(1));
    let before = count(&look(&place(folder.path())).0);
    let processes = [place(folder.path()), place(folder.path())];
    std::thread::scope(|scope| {
        for process in [&processes[0], &processes[0], &processes[1], &processes[1]] {
            scope.spawn(|| {
                for _ in 0..250 {
                    process.change(&mut |account, _| count_up(account));
                }
            });
        }
    });
    assert_eq!(count(&look(&processes[0]).0) - before, 1000);
}

#[test]
fn who_holds_the_file_and_does_not_go_on_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    lanes(folder.path(), "a").hold("writes", Duration::from_millis(1));
    let place = place(folder.path());
    look(&place);
    let other = open(folder.path(), &place.path).unwrap();
    other.lock().unwrap();
    let before = count(&look(&place).0);
    place.change(&mut |account, _| count_up(account));
    assert_eq!(
        count(&look(&place).0),
        before + 1,
        "it goes on with its own"
    );
    other.unlock().unwrap();
    assert_eq!(count(&look(&place).0), before);
}

#[test]
fn a_folder_that_cannot_be_used_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("lanes");
    fs::write(&taken, "a file where the folder should be").unwrap();
    let lanes = lanes(&taken, "a");
    assert!(lanes.hold("writes", Duration::from_secs(1)));
}

/// What it costs that others see an account: `cargo test -p tipstaff --lib -- --ignored --nocapture lanes`.
#[test]
#[ignore = "prints a figure, and checks none"]
fn what_a_change_takes() {
    const TIMES: u32 = 20_000;
    let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
    let opened = Instant::now();
    lanes(folder.path(), "a").hold("writes", Duration::from_millis(1));
    let opened = opened.elapsed();
    let place = place(folder.path());
    let began = Instant::now();
    for _ in 0..TIMES {
        look(&place);
    }
    println!(
        "opened and changed in {opened:?}; then {:?} a change",
        began.elapsed() / TIMES
    );
}
