//! What was tampered with, torn, or made for something else: a clear error, and nothing runs.

use std::fs;
use std::path::{Path, PathBuf};

use tipstaff::{Claims, Host, HostError, RegistryError};

use crate::{NAME, host, version};

/// A state folder with an approved, active version.
async fn prepared() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    let new = host
        .install_bytes("several", &version("1.0.0"))
        .await
        .unwrap();
    host.approve(&new.action, Claims::NotBelieved)
        .await
        .unwrap();
    let digest = new.action.digest().to_owned();
    (folder, digest)
}

fn log(folder: &Path) -> PathBuf {
    folder.join("registry/log.jsonl")
}

/// Why nothing starts.
async fn refused(host: &Host) -> String {
    let by_name = host.action(NAME).await.err().unwrap().to_string();
    let action = host.load_bytes("several", &version("1.0.0")).await.unwrap();
    let standing = host.standing(&action).await.err().unwrap().to_string();
    assert_eq!(by_name, standing);
    let approved = host.approve(&action, Claims::Believed).await.err().unwrap();
    assert_eq!(by_name, approved.to_string());
    by_name
}

#[tokio::test]
async fn approvals_that_were_edited_by_hand_are_refused() {
    let (folder, digest) = prepared().await;
    let path = log(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    // Somebody puts another component's digest into the approval.
    fs::write(&path, text.replace(&digest, &"0".repeat(64))).unwrap();
    let why = refused(&host(folder.path()).await).await;
    assert!(
        why.contains("log.jsonl` was changed by hand, line 1"),
        "{why}"
    );
    // Somebody takes the last lines back.
    let shorter: Vec<&str> = text.lines().take(1).collect();
    fs::write(&path, shorter.join("\n") + "\n").unwrap();
    let why = refused(&host(folder.path()).await).await;
    assert!(why.contains("lines are missing at its end"), "{why}");
    fs::write(&path, &text).unwrap();
    assert!(host(folder.path()).await.action(NAME).await.is_ok());
}

#[tokio::test]
async fn a_host_that_is_open_sees_it_too() {
    let (folder, _) = prepared().await;
    let host = host(folder.path()).await;
    assert!(host.action(NAME).await.is_ok());
    let path = log(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{}}\n")).unwrap();
    let why = refused(&host).await;
    assert!(why.contains("changed by hand"), "{why}");
}

#[tokio::test]
async fn the_registry_of_another_state_folder_is_refused() {
    let (one, _) = prepared().await;
    let (two, _) = prepared().await;
    for part in ["log.jsonl", "head.json"] {
        let part = format!("registry/{part}");
        fs::copy(one.path().join(&part), two.path().join(&part)).unwrap();
    }
    let why = refused(&host(two.path()).await).await;
    assert!(why.contains("its seal does not fit"), "{why}");
}

#[tokio::test]
async fn an_installed_component_that_was_replaced_is_refused_before_it_is_compiled() {
    let (folder, digest) = prepared().await;
    let kept = folder.path().join(format!("actions/{digest}.wasm"));
    fs::write(&kept, version("6.6.6")).unwrap();
    let refused = host(folder.path()).await.action(NAME).await;
    assert!(
        matches!(&refused, Err(HostError::Registry(RegistryError::Component { path, .. })) if *path == kept),
        "{refused:?}"
    );
    // Installing it again puts it right.
    let host = host(folder.path()).await;
    host.install_bytes("several", &version("1.0.0"))
        .await
        .unwrap();
    assert_eq!(host.action(NAME).await.unwrap().digest(), digest);
}

#[tokio::test]
async fn a_version_that_was_activated_and_cannot_be_loaded_is_told_of() {
    let (folder, digest) = prepared().await;
    let host = host(folder.path()).await;
    assert_eq!(host.action(NAME).await.unwrap().digest(), digest);
    let other = crate::host(folder.path()).await;
    let new = other
        .install_bytes("several", &version("1.1.0"))
        .await
        .unwrap();
    let kept = folder
        .path()
        .join(format!("actions/{}.wasm", new.action.digest()));
    fs::write(&kept, "damaged").unwrap();
    other.activate(NAME, "1.1.0", None).await.unwrap();
    // What was active goes on while the other is fetched; then it is known that it cannot be.
    let error = loop {
        match host.action(NAME).await {
            Ok(action) => assert_eq!(action.digest(), digest),
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
    };
    assert!(
        matches!(&error, HostError::Registry(RegistryError::Component { path, .. }) if *path == kept),
        "{error}"
    );
    other.rollback(NAME).await.unwrap();
    assert_eq!(host.action(NAME).await.unwrap().digest(), digest);
}

#[tokio::test]
async fn files_that_are_no_action_are_refused_by_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    let whole = version("1.0.0");
    let later = |from: &str, to: &str| {
        let mut bytes = whole.clone();
        let at = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let mut other_encoding = whole.clone();
    other_encoding[4] = 0x0e;
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("empty", Vec::new(), "it does not begin as WebAssembly does"),
        (
            "torn",
            whole[..whole.len() / 2].to_vec(),
            "not a WebAssembly component",
        ),
        (
            "torn-at-the-end",
            whole[..whole.len() - 1].to_vec(),
            "not a WebAssembly component",
        ),
        (
            "module",
            b"\0asm\x01\0\0\0".to_vec(),
            "a WebAssembly module, not a component",
        ),
        ("compiled", b"\x7fELF\x02\x01\x01\0".to_vec(), "compiled"),
        (
            "of-a-later-encoding",
            other_encoding,
            "not a WebAssembly component",
        ),
        (
            "for-a-later-contract",
            later("wasi:http/client@0.3.", "wasi:http/client@0.4."),
            "it imports `wasi:http/client@0.4.",
        ),
    ];
    for (name, bytes, why) in cases {
        let path = folder.path().join(format!("{name}.wasm"));
        fs::write(&path, bytes).unwrap();
        let error = host.install(&path).await.err().unwrap();
        assert!(error.to_string().contains(why), "{name}: {error}");
        assert!(host.load(&path).await.is_err());
    }
    assert!(host.actions().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_of_two_hundred_mebibytes_is_not_even_read() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path()).await;
    let path = folder.path().join("large.wasm");
    // A file with a hole: it has the length, and takes no room.
    fs::File::create(&path).unwrap().set_len(200 << 20).unwrap();
    let error = host.install(&path).await.err().unwrap().to_string();
    assert!(
        error.contains("it has 209715200 bytes, at most 67108864 are read"),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_state_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = prepared().await;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let refused = Host::builder().state_dir(folder.path()).open().await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("can be written by others"), "{error}");
}
