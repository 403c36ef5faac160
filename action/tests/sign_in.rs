//! Every way of signing in, and what goes wrong on it.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod world;

use revoke_user_sessions::service::{Ending, Level, Mode, Outcome, Verdict};
use serde_json::json;
use world::pages::Reply;
use world::{Fault, Kind, World, assets, enforce, id, verdict};

/// The body of the only token request.
#[track_caller]
fn token_body(world: &World) -> String {
    let requests = world.requests(Kind::Token);
    assert_eq!(requests.len(), 1);
    requests[0].body.clone()
}

/// The connection of a user, with or without a second factor.
fn user(otp: bool) -> World {
    let world = World::of(1);
    world.fields.borrow_mut().extend([
        ("sign_in", "user".to_owned()),
        ("username", "ada@contoso.example".to_owned()),
    ]);
    let mut secrets = world.secrets.borrow_mut();
    secrets.remove("client_secret");
    secrets.insert("password", "standinofthepassword".into());
    if otp {
        secrets.insert("otp_secret", "standinofthekey".into());
    }
    drop(secrets);
    world
}

/// Runs one user, and gives the sentence that the run was stopped with.
#[track_caller]
fn stopped(world: &World) -> String {
    let (outcomes, ending) = enforce(world, assets([1]));
    assert_eq!(verdict(&outcomes, "a1"), (Verdict::NotAttempted, "stopped"));
    match ending {
        Ending::Stopped(why) => why,
        Ending::Complete => unreachable!("the run was not stopped"),
    }
}

fn revoked(world: &World) -> bool {
    let (outcomes, ending): (Vec<Outcome>, Ending) = enforce(world, assets([1]));
    ending == Ending::Complete && verdict(&outcomes, "a1") == (Verdict::Succeeded, "revoked")
}

#[test]
fn an_application_without_a_secret_hands_in_an_assertion() {
    let world = World::of(1);
    world.secrets.borrow_mut().clear();
    *world.assertion.borrow_mut() = Some("standinofanassertion");
    assert!(revoked(&world));
    let body = token_body(&world);
    assert!(body.contains("grant_type=client_credentials"), "{body}");
    assert!(
        body.contains("&client_assertion=standinofanassertion"),
        "{body}"
    );
    let kind =
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    assert!(body.contains(kind), "{body}");
    assert!(!body.contains("client_secret"), "{body}");
}

#[test]
fn an_application_with_nothing_to_sign_in_with_says_so() {
    let world = World::of(1);
    world.secrets.borrow_mut().clear();
    let why = stopped(&world);
    assert!(
        why.contains("`certificate`") && why.contains("nothing to make one of"),
        "{why}"
    );
    assert!(world.journal.borrow().is_empty());
}

#[test]
fn a_user_signs_in_with_name_and_password_whether_the_application_has_a_secret_or_not() {
    for secret in [false, true] {
        let world = user(false);
        if secret {
            let mut secrets = world.secrets.borrow_mut();
            secrets.insert("client_secret", "stand/in+secret".into());
        }
        assert!(revoked(&world));
        let body = token_body(&world);
        let grant =
            "grant_type=password&username=ada%40contoso.example&password=standinofthepassword";
        assert!(body.contains(grant), "{body}");
        assert_eq!(body.contains("client_secret=stand"), secret, "{body}");
        assert!(!body.contains("client_assertion"), "{body}");
    }
}

#[test]
fn user_fields_without_sign_in_are_not_sent() {
    let world = user(true);
    world.fields.borrow_mut().remove("sign_in");
    world
        .secrets
        .borrow_mut()
        .insert("client_secret", "stand/in+secret".into());
    assert!(revoked(&world));
    let body = token_body(&world);
    assert!(body.contains("grant_type=client_credentials"), "{body}");
    assert!(
        !body.contains("ada") && !body.contains("password"),
        "{body}"
    );
    assert!(world.requests(Kind::Page).is_empty());
}

#[test]
fn a_user_without_a_name_or_a_password_is_told_so() {
    let world = user(false);
    world.fields.borrow_mut().remove("username");
    assert!(stopped(&world).contains("`username`"));
    let world = user(false);
    world.secrets.borrow_mut().clear();
    assert!(stopped(&world).contains("`password`"));
}

#[test]
fn a_second_factor_that_a_password_cannot_give_is_explained() {
    for (code, part) in [
        (50_076, "otp_secret"),
        (50_079, "otp_secret"),
        (50_126, "lock the account"),
        (50_053, "locked"),
        (50_055, "password has expired"),
        (53_003, "Conditional Access"),
        (65_001, "consent"),
        (7_000_218, "public client"),
    ] {
        let body = json!({"error": "invalid_grant", "error_codes": [code]}).to_string();
        let world = user(false)
            .script(move |kind, _, _| (kind == Kind::Token).then(|| Fault::body(400, &body)));
        let why = stopped(&world);
        assert!(
            why.contains(part) && why.contains(&format!("AADSTS{code}")),
            "{why}"
        );
        assert_eq!(
            world.requests(Kind::Token).len(),
            1,
            "no second try: that locks accounts"
        );
    }
}

#[test]
fn a_user_with_a_one_time_code_walks_through_the_pages() {
    let world = user(true);
    assert!(revoked(&world));
    let paths: Vec<String> = world
        .requests(Kind::Page)
        .into_iter()
        .map(|entry| entry.path.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            format!("/{}/oauth2/v2.0/authorize", id(0xd)).as_str(),
            "/common/GetCredentialType",
            "/common/login",
            "/common/SAS/BeginAuth",
            "/common/SAS/EndAuth",
            "/common/SAS/ProcessAuth",
            "/kmsi",
        ]
    );
    let body = token_body(&world);
    assert!(
        body.contains("grant_type=authorization_code&code=standinofthecode"),
        "{body}"
    );
    assert!(
        body.contains("&redirect_uri=http%3A%2F%2Flocalhost&code_verifier="),
        "{body}"
    );
    assert!(!body.contains("password"), "{body}");
}

#[test]
fn a_browser_session_that_is_still_good_needs_no_pages() {
    let world = user(true);
    *world.pages.borrow_mut() = Box::new(|path| {
        path.ends_with("/authorize")
            .then(|| Reply::redirect("http://localhost/?code=standin&state=0000000000000007000000000000000700000000000000070000000000000007"))
    });
    assert!(revoked(&world));
    assert_eq!(world.requests(Kind::Page).len(), 1);
}

#[test]
fn every_page_that_ends_the_way_is_named() {
    let cases: [(&str, &str, Option<u32>, &str); 9] = [
        (
            "/common/login",
            "ConvergedSignIn",
            Some(50_126),
            "AADSTS50126, page `ConvergedSignIn`",
        ),
        (
            "/common/login",
            "ConvergedProofUpRedirect",
            Some(50_079),
            "AADSTS50079",
        ),
        (
            "/common/login",
            "ConvergedProofUpRedirect",
            None,
            "AADSTS50079",
        ),
        (
            "/common/login",
            "ConvergedConditionalAccess",
            None,
            "Conditional Access",
        ),
        (
            "/common/login",
            "ConvergedError",
            Some(700_016),
            "page `ConvergedError`",
        ),
        (
            "/common/login",
            "CmsiInterrupt",
            None,
            "page `CmsiInterrupt`",
        ),
        (
            "/common/SAS/ProcessAuth",
            "ConvergedTFA",
            None,
            "page `ConvergedTFA`",
        ),
        ("/kmsi", "KmsiInterrupt", None, "page `KmsiInterrupt`"),
        ("/kmsi", "SomethingNew", None, "page `SomethingNew`"),
    ];
    for (at, name, error, part) in cases {
        let world = user(true);
        *world.pages.borrow_mut() =
            Box::new(move |path| (path == at).then(|| Reply::page(name, error)));
        let why = stopped(&world);
        assert!(why.contains(part), "{why}");
        assert!(world.requests(Kind::Token).is_empty());
        let logins = world.requests(Kind::Page);
        let logins = logins.iter().filter(|entry| entry.path.ends_with("/login"));
        assert_eq!(logins.count(), 1, "the password is given once");
    }
}

#[test]
fn what_the_pages_answer_otherwise_is_explained() {
    let step = |success: bool, code: u32| {
        json!({"Success": success, "ErrCode": code, "FlowToken": "t", "Ctx": "c", "SessionId": "s"})
            .to_string()
    };
    let federated = json!({"IfExistsResult": 0, "Credentials": {"FederationRedirectUrl": "https://adfs.contoso.com/"}});
    let nobody = json!({"IfExistsResult": 1});
    let wrong = step(false, 500_121);
    let cases: [(&str, Reply, &str); 8] = [
        (
            "/common/GetCredentialType",
            Reply::body(200, &federated.to_string()),
            "another identity provider",
        ),
        (
            "/common/GetCredentialType",
            Reply::body(200, &nobody.to_string()),
            "no such user",
        ),
        (
            "/common/SAS/EndAuth",
            Reply::body(200, &wrong),
            "one-time code was not accepted",
        ),
        (
            "/common/login",
            Reply::body(200, "<html>a proxy</html>"),
            "none of them",
        ),
        (
            "/common/login",
            Reply::redirect("https://adfs.contoso.com/adfs/ls"),
            "another place",
        ),
        (
            "/common/login",
            Reply::body(400, "{\"error\":{}}"),
            "HTTP 400",
        ),
        (
            "/kmsi",
            Reply::redirect("http://localhost/?code=x&state=another"),
            "not the sign-in service",
        ),
        (
            "/common/SAS/BeginAuth",
            Reply::body(200, "<html>"),
            "not the sign-in service",
        ),
    ];
    for (at, reply, part) in cases {
        let world = user(true);
        let mut reply = Some(reply);
        *world.pages.borrow_mut() =
            Box::new(move |path| if path == at { reply.take() } else { None });
        let why = stopped(&world);
        assert!(why.contains(part), "{why}");
        assert!(world.requests(Kind::Token).is_empty());
    }
}

#[test]
fn a_page_that_leads_elsewhere_gets_no_password() {
    let world = user(true);
    let evil = world::pages::page("ConvergedSignIn", None)
        .replace("/common/login", "https://evil.example/common/login");
    *world.pages.borrow_mut() = Box::new(move |path| {
        path.ends_with("/authorize")
            .then(|| Reply::body(200, &evil))
    });
    let why = stopped(&world);
    assert!(why.contains("another place"), "{why}");
    let sent: String = world
        .journal
        .borrow()
        .iter()
        .map(|entry| entry.body.clone())
        .collect();
    assert!(!sent.contains("standinofthepassword"));
}

#[test]
fn a_one_time_code_that_is_not_to_be_had_ends_the_sign_in() {
    let world = user(true);
    *world.one_time_code.borrow_mut() = Err("its source is empty");
    let why = stopped(&world);
    assert!(why.contains("its source is empty"), "{why}");
}

#[test]
fn the_scope_and_both_hosts_follow_the_cloud() {
    for (login, graph, scope) in [
        (
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
            "https%3A%2F%2Fgraph.microsoft.com%2F.default",
        ),
        (
            "https://login.microsoftonline.us",
            "https://graph.microsoft.us",
            "https%3A%2F%2Fgraph.microsoft.us%2F.default",
        ),
        (
            "https://login.microsoftonline.us",
            "https://dod-graph.microsoft.us",
            "https%3A%2F%2Fdod-graph.microsoft.us%2F.default",
        ),
        (
            "https://login.partner.microsoftonline.cn",
            "https://microsoftgraph.chinacloudapi.cn",
            "https%3A%2F%2Fmicrosoftgraph.chinacloudapi.cn%2F.default",
        ),
        (
            "https://localhost:8443",
            "https://localhost:9443",
            "https%3A%2F%2Flocalhost%3A9443%2F.default",
        ),
    ] {
        let world = World::of(1);
        world.endpoints.set([login, graph]);
        assert!(revoked(&world), "{login}");
        let body = token_body(&world);
        assert!(body.contains(&format!("&scope={scope}&")), "{body}");
    }
}

#[test]
fn a_sub_domain_names_the_tenant_where_there_is_no_id() {
    let world = World::of(1);
    world.fields.borrow_mut().remove("tenant_id");
    world
        .fields
        .borrow_mut()
        .insert("account_sub_domain", "contoso".into());
    assert!(revoked(&world));
    let path = world.requests(Kind::Token)[0].path.clone();
    assert_eq!(path, "/contoso.onmicrosoft.com/oauth2/v2.0/token");
}

#[test]
fn a_simulation_signs_in_the_same_way() {
    let world = user(true);
    let (outcomes, _) = world.run(Mode::Simulate, "{}", assets([1]));
    assert_eq!(
        verdict(&outcomes, "a1"),
        (Verdict::WouldEnforce, "would-revoke")
    );
    assert_eq!(world.requests(Kind::Page).len(), 7);
    assert!(world.requests(Kind::Revoke).is_empty());
}

#[test]
fn a_403_for_a_user_names_the_directory_role() {
    let world = user(false).script(|kind, _, _| {
        (kind == Kind::Revoke).then(|| Fault::code(403, "Authorization_RequestDenied"))
    });
    world.roles.borrow_mut().clear();
    *world.token_claims.borrow_mut() = json!({"scp": "User.RevokeSessions.All User.Read.All"});
    let (_, ending) = enforce(&world, assets([1]));
    let Ending::Stopped(why) = ending else {
        unreachable!("the run was not stopped")
    };
    assert!(
        why.contains("the third: a user signed in") && why.contains("User Administrator"),
        "{why}"
    );
}

#[test]
fn a_check_says_who_signed_in_and_what_a_user_lacks() {
    let world = user(false);
    world.roles.borrow_mut().clear();
    *world.token_claims.borrow_mut() = json!({
        "scp": "User.RevokeSessions.All User.Read", "appid": id(0xc), "tid": id(0xd), "app_displayname": "Tipstaff",
        "upn": "ada@contoso.example", "wids": ["fe930be7-5e62-47db-91af-98c3a49a38b1"],
    });
    let findings = world.clock.drive(revoke_user_sessions::check(&world));
    let of = |code: &str| findings.iter().find(|finding| finding.code == code);
    let who = &of("signed-in-as").unwrap().message;
    let expected = format!(
        "Signed in as the user ada@contoso.example through the application Tipstaff ({}), in the tenant {}.",
        id(0xc),
        id(0xd)
    );
    assert_eq!(*who, expected);
    assert!(
        of("directory-role")
            .unwrap()
            .message
            .contains("User Administrator")
    );
    assert_eq!(of("may-not-read").unwrap().level, Level::Warning);
    assert!(of("user-fields-unused").is_none());
    world.token_claims.borrow_mut()["wids"] = json!([]);
    let findings = world.clock.drive(revoke_user_sessions::check(&world));
    assert!(
        findings
            .iter()
            .any(|finding| finding.code == "no-directory-role")
    );
}
