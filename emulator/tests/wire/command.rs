//! The command: what it prints, and that it is what it says.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

#[test]
fn the_command_says_where_it_is_in_one_line_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let seed = folder.path().join("seed.csv");
    std::fs::write(
        &seed,
        "userPrincipalName,userType\nada@contoso.example,Member\n",
    )
    .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_entra-emulator"))
        .args([
            "--port",
            "0",
            "--ready-json",
            "--tenant-id",
            "22222222-2222-3333-4444-555555555555",
        ])
        .arg("--ca-out")
        .arg(&ca)
        .arg("--seed")
        .arg(&seed)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let pem = std::fs::read_to_string(&ca);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        ready["login_url"]
            .as_str()
            .unwrap()
            .starts_with("https://localhost:")
    );
    assert_eq!(ready["login_url"], ready["graph_url"]);
    assert!(
        ready["admin_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(ready["tenant_id"], "22222222-2222-3333-4444-555555555555");
    assert_eq!(ready["ca_file"], ca.to_str().unwrap());
    assert!(pem.unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn the_command_refuses_what_it_cannot_use() {
    for (args, said) in [
        (
            &["--port", "0", "--seed", "/nowhere/at/all"][..],
            "failed to read the seed `/nowhere/at/all`",
        ),
        (&["--port", "0", "--quota", "many"], "is not a quota"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_entra-emulator"))
            .args(args)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn the_help_names_the_admin_side() {
    let output = Command::new(env!("CARGO_BIN_EXE_entra-emulator"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for word in ["--quota", "--ready-json", "--seed", "admin side", "/faults"] {
        assert!(help.contains(word), "{word}");
    }
}
