//! What is read, and what is refused with its line.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::connection::Cloud;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/tipstaff.toml"))
}

fn refused(lines: &str) -> (Option<usize>, String, String) {
    let text = format!("[connections.corp]\nadapter = \"azure_ad_adapter\"\n{lines}\n");
    let error = parse(&text).unwrap_err();
    (error.line, error.message, error.hint.unwrap_or_default())
}

#[test]
fn the_designs_example_is_read() {
    let config = parse(
        r#"
        [connections.corp]
        adapter = "azure_ad_adapter"
        client_id = "66666666-7777-8888-9999-000000000000"
        tenant_id = "11111111-2222-3333-4444-555555555555"
        client_secret = { env = "CORP_ENTRA_SECRET" }
        verify_ssl = true
        cloud = { login = "https://localhost:8443", graph = "https://localhost:8443" }
        ca_file = "ca.pem"
        allow_private_network = ["10.20.0.0/16", "proxy.corp.example"]
        https_proxy = "http://proxy.corp.example:8080"
        proxy_username = "tipstaff"
        proxy_password = { file = "proxy-password" }
        pin_sha256 = ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
        "#,
    );
    let connection = config.unwrap().connection("corp").unwrap();
    assert_eq!(connection.adapter(), "azure_ad_adapter");
    assert_eq!(
        connection.how_to_connect().ca_file.as_deref(),
        Some(Path::new("/etc/ca.pem"))
    );
    assert_eq!(
        connection.how_to_connect().private.hosts,
        ["proxy.corp.example"]
    );
    let proxy = connection.which_proxy().unwrap();
    assert_eq!(proxy.address.to_string(), "proxy.corp.example:8080");
    assert_eq!(proxy.account.as_ref().unwrap().0, "tipstaff");
    assert_eq!(connection.how_to_connect().pins.len(), 1);
    assert_eq!(connection.secrets().next().unwrap().0, "client_secret");
    assert!(matches!(connection.which_cloud(), Cloud::Own(addresses) if addresses.len() == 2));
}

#[test]
fn a_secret_in_clear_is_refused_and_not_repeated() {
    let (line, message, hint) = refused("client_secret = \"hunter2\"");
    assert_eq!(line, Some(3));
    assert!(
        message.contains("in clear") && hint.contains("{ env = \"CORP_CLIENT_SECRET\" }"),
        "{message} {hint}"
    );
    assert!(!format!("{message}{hint}").contains("hunter2"));
}

#[test]
fn a_proxy_and_its_account_have_to_fit() {
    let (_, message, hint) = refused("https_proxy = \"http://scott:tiger1@proxy:8080\"");
    assert!(message.contains("`http://host:port`"), "{message}");
    assert!(!format!("{message}{hint}").contains("tiger1"));
    for (lines, part) in [
        (
            "https_proxy = \"http://p\"\nproxy_username = \"a\"",
            "go together",
        ),
        (
            "proxy_username = \"a\"\nproxy_password = { env = \"P\" }",
            "needs `https_proxy`",
        ),
        (
            "https_proxy = \"http://p\"\nproxy_password = \"x\"",
            "together",
        ),
        ("pin_sha256 = [\"AAAA\"]", "44 characters"),
    ] {
        let (_, message, _) = refused(lines);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn near_misses_are_answered_with_what_was_meant() {
    let (line, message, hint) = refused("tenant = \"x\"");
    assert_eq!(
        (line, message.as_str()),
        (Some(3), "connection `corp`: unknown key `tenant`")
    );
    assert_eq!(hint, "did you mean `tenant_id`?");
    assert_eq!(
        refused("client_secret = { envv = \"X\" }").2,
        "did you mean `env`?"
    );
    assert_eq!(refused("cloud = \"globl\"").2, "did you mean `global`?");
    let unknown = parse("[connections.corp]\nadapter = \"azure_ad_adapter\"")
        .unwrap()
        .connection("crop");
    assert_eq!(unknown.unwrap_err().hint(), "did you mean `corp`?");
}

#[test]
fn what_has_the_wrong_form_is_named_with_its_line() {
    for (lines, part) in [
        ("\nverify_ssl = \"yes\"", "`verify_ssl` is neither"),
        ("\nclient_id = 7", "`client_id` is not a text"),
        (
            "\nclient_secret = { env = \"A\", file = \"b\" }",
            "exactly one place",
        ),
        ("\ncloud = { graph = \"http://localhost\" }", "https://"),
        (
            "\nallow_private_network = [\"10.0.0.0/40\"]",
            "neither a network nor a host",
        ),
        (
            "\nquota = { writes = { units = 0, seconds = 1 } }",
            "above zero",
        ),
    ] {
        let (line, message, _) = refused(lines);
        assert_eq!(line, Some(4), "{lines}");
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(parse("[connections").unwrap_err().line, Some(1));
    assert_eq!(
        parse("[conections.a]").unwrap_err().hint.as_deref(),
        Some("did you mean `connections`?")
    );
}

#[test]
fn a_certificate_and_a_federated_token_say_where_they_are() {
    let read = |lines: &str| {
        let text = format!("[connections.corp]\nadapter = \"azure_ad_adapter\"\n{lines}\n");
        parse(&text).unwrap().connection("corp").unwrap()
    };
    let pem = read("certificate = { cert_file = \"app.pem\", key = { keyring = \"corp\" } }");
    assert_eq!(
        pem.which_certificate().unwrap().describe(),
        "file `/etc/app.pem`, its key in keyring entry `corp`"
    );
    let pfx = read("certificate = { pfx_file = \"app.pfx\", password = { env = \"PFX\" } }");
    assert_eq!(
        pfx.which_certificate().unwrap().describe(),
        "file `/etc/app.pfx`, its password in environment variable `PFX`"
    );
    let token = read("federated_token = { file = \"/var/run/token\" }");
    assert_eq!(
        token.secrets().next().unwrap().1.describe(),
        "file `/var/run/token`"
    );
}

#[test]
fn a_certificate_that_is_described_wrongly_is_refused() {
    for (lines, part) in [
        (
            "certificate = \"app.pem\"",
            "where the certificate and its key are",
        ),
        (
            "certificate = { cert_file = \"app.pem\" }",
            "where its `key` is",
        ),
        (
            "certificate = { cert_file = \"a\", key = \"-----BEGIN\" }",
            "in clear",
        ),
        (
            "certificate = { cert_file = \"a\", pfx_file = \"b\" }",
            "or `pfx_file` with",
        ),
        (
            "certificate = { key = { file = \"a\" } }",
            "or `pfx_file` with",
        ),
        ("certificate = {}", "or `pfx_file` with"),
        ("federated_token = \"eyJ\"", "in clear"),
    ] {
        let (line, message, hint) = refused(lines);
        assert_eq!(line, Some(3), "{lines}");
        assert!(message.contains(part), "{message}");
        assert!(hint.contains("write `"), "{hint}");
    }
    let (_, message, hint) = refused("certificate = { certfile = \"a\" }");
    assert!(message.contains("unknown key `certfile`"), "{message}");
    assert_eq!(hint, "did you mean `cert_file`?");
}
