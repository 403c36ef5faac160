//! More than forty services that lie, each in its own way: none brings a false success, every asset has one outcome,
//! tries and time are bounded, and no secret is anywhere.
//!
//! `unconfirmed` is what a perfect lie comes to: the service said yes, and nothing was seen of it.

use std::time::{Duration, Instant};

use entra_emulator::{Tenant, User};
use serde_json::{Value, json};
use tipstaff::{Assets, Connection, Network, NetworkPolicy, Secret, SecretSource};
use tipstaff_tests::{Ran, Trial};

use crate::liar::{Answer, Asked, Kind, Liar, Lie, Told};

/// A lying service, and what a run against it has to come to.
struct Case {
    name: &'static str,
    lie: Lie,
    /// Users of the run: one is asked about alone, several in batches.
    users: usize,
    /// Whether the run reads back what it revoked.
    verify: bool,
    /// What the users may come to: pairs of a verdict and a code.
    ends: &'static [(&'static str, &'static str)],
}

/// One user, three requests.
const fn alone(
    name: &'static str,
    lie: Lie,
    ends: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        name,
        lie,
        users: 1,
        verify: false,
        ends,
    }
}

/// Three users in batches.
const fn together(
    name: &'static str,
    lie: Lie,
    ends: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        users: 3,
        ..alone(name, lie, ends)
    }
}

/// One user, whose cut-off time is read back.
const fn verified(
    name: &'static str,
    lie: Lie,
    ends: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        verify: true,
        ..alone(name, lie, ends)
    }
}

const UNREADABLE: &[(&str, &str)] = &[("in-doubt", "unreadable-answer")];
/// What can be read in two ways the host does not hand on.
const WITHHELD: &[(&str, &str)] = &[("in-doubt", "unreadable-answer"), ("in-doubt", "no-answer")];
const NOT_READ: &[(&str, &str)] = &[("failed", "unreadable-answer")];
const REFUSED: &[(&str, &str)] = &[("failed", "refused-by-service")];
const REVOKED: &[(&str, &str)] = &[("succeeded", "revoked")];
const UNCONFIRMED: &[(&str, &str)] = &[("succeeded", "unconfirmed")];
const STOPPED: &[(&str, &str)] = &[("not-attempted", "stopped")];
const THROTTLED: &[(&str, &str)] = &[("failed", "throttled")];

/// Tells `answer` of requests of a kind, and does nothing.
fn instead(asked: &Asked, kind: Kind, answer: Answer) -> Told {
    if asked.kind == kind {
        Told::Instead(answer)
    } else {
        Told::Truth
    }
}

/// Does what requests of a kind ask, and changes what is said of it.
fn changed(asked: &Asked, kind: Kind, change: fn(Answer) -> Answer) -> Told {
    if asked.kind == kind {
        Told::Changed(change)
    } else {
        Told::Truth
    }
}

fn revoke_says(asked: &Asked, status: u16, body: &str) -> Told {
    instead(asked, Kind::Revoke, Answer::new(status, body))
}

fn token_says(asked: &Asked, status: u16, body: &str) -> Told {
    instead(asked, Kind::Token, Answer::new(status, body))
}

const ERROR: &str = r#"{"error":{"code":"x","message":"y"}}"#;
const SOMEBODY: &str =
    r#"{"id":"00000000-0000-4000-8000-0000000000ff","userPrincipalName":"eve@contoso.example"}"#;

/// About the revoke of one user.
const REVOKES: &[Case] = &[
    alone(
        "200 with a page",
        |a| instead(a, Kind::Revoke, Answer::html(200)),
        UNREADABLE,
    ),
    alone(
        "200 with nothing but `false`",
        |a| revoke_says(a, 200, r#"{"value":false}"#),
        REFUSED,
    ),
    alone(
        "200 with `true` as text",
        |a| revoke_says(a, 200, r#"{"value":"true"}"#),
        UNREADABLE,
    ),
    alone(
        "200 with a number",
        |a| revoke_says(a, 200, r#"{"value":1}"#),
        UNREADABLE,
    ),
    alone(
        "200 with null",
        |a| revoke_says(a, 200, r#"{"value":null}"#),
        UNREADABLE,
    ),
    alone(
        "200 with a list",
        |a| revoke_says(a, 200, "[true]"),
        UNREADABLE,
    ),
    alone(
        "200 with somebody else",
        |a| revoke_says(a, 200, SOMEBODY),
        UNREADABLE,
    ),
    alone(
        "200 with an error",
        |a| revoke_says(a, 200, ERROR),
        UNREADABLE,
    ),
    alone(
        "200 with half an answer",
        |a| revoke_says(a, 200, r#"{"value":tr"#),
        UNREADABLE,
    ),
    alone(
        "200 with yes and no",
        |a| revoke_says(a, 200, r#"{"value":true,"value":false}"#),
        WITHHELD,
    ),
    alone(
        "200 with two answers",
        |a| revoke_says(a, 200, r#"{"value":true}{"value":true}"#),
        WITHHELD,
    ),
    alone(
        "done, and called a server's fault",
        |a| changed(a, Kind::Revoke, |_| Answer::new(500, ERROR)),
        &[("in-doubt", "service-error")],
    ),
    alone(
        "done, and called busy",
        |a| changed(a, Kind::Revoke, |_| Answer::html(503)),
        &[("in-doubt", "service-error")],
    ),
    alone(
        "a redirect to where it is done",
        |a| {
            instead(
                a,
                Kind::Revoke,
                Answer::new(302, "").with("location", "https://localhost/done"),
            )
        },
        REFUSED,
    ),
    alone(
        "404 of something in between",
        |a| instead(a, Kind::Revoke, Answer::html(404)),
        REFUSED,
    ),
    alone(
        "wait for three years",
        |a| {
            instead(
                a,
                Kind::Revoke,
                Answer::new(429, ERROR).with("retry-after", "99999999"),
            )
        },
        THROTTLED,
    ),
    alone(
        "wait for nonsense",
        |a| {
            instead(
                a,
                Kind::Revoke,
                Answer::new(429, ERROR).with("retry-after", "-7 bananas"),
            )
        },
        THROTTLED,
    ),
    alone(
        "401 for ever, with claims that are none",
        |a| {
            instead(
                a,
                Kind::Revoke,
                Answer::new(401, ERROR).with("www-authenticate", "Bearer claims=\"bm9uZQ==\""),
            )
        },
        &[("failed", "stopped")],
    ),
    alone(
        "403 to some and to nobody",
        |a| instead(a, Kind::Revoke, Answer::html(403)),
        &[("failed", "denied")],
    ),
    alone(
        "a mountain of blanks",
        |a| {
            changed(a, Kind::Revoke, |truth| Answer {
                body: [vec![b' '; 9 << 20], truth.body].concat(),
                ..Answer::new(200, "")
            })
        },
        &[("in-doubt", "unreadable-answer"), ("in-doubt", "no-answer")],
    ),
];

/// About batches.
const BATCHES: &[Case] = &[
    together(
        "a page for a batch",
        |a| instead(a, Kind::Revoke, Answer::html(200)),
        UNREADABLE,
    ),
    together(
        "nothing for a batch",
        |a| revoke_says(a, 200, ""),
        UNREADABLE,
    ),
    together(
        "no parts",
        |a| revoke_says(a, 200, r#"{"responses":[]}"#),
        UNREADABLE,
    ),
    together(
        "parts that are no list",
        |a| revoke_says(a, 200, r#"{"responses":{"1":200}}"#),
        UNREADABLE,
    ),
    together(
        "one `true` for all",
        |a| revoke_says(a, 200, r#"{"value":true}"#),
        UNREADABLE,
    ),
    together(
        "done, and told by half",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                let half = truth.body.len() / 2;
                Answer::new(200, &truth.body[..half])
            })
        },
        UNREADABLE,
    ),
    together(
        "done, and a part not told",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    parts.remove(0);
                })
            })
        },
        &[("succeeded", "revoked"), ("in-doubt", "unreadable-answer")],
    ),
    together(
        "done, and told twice",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| parts.extend(parts.clone()))
            })
        },
        UNREADABLE,
    ),
    together(
        "done, and told twice in two ways",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    let again = parts.clone();
                    parts.extend(again.into_iter().map(|mut part| {
                        part["status"] = json!(500);
                        part
                    }));
                })
            })
        },
        UNREADABLE,
    ),
    together(
        "done, and told under other ids",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    for part in parts {
                        part["id"] = json!("77");
                    }
                })
            })
        },
        UNREADABLE,
    ),
    together(
        "ids that are numbers",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    for part in parts {
                        part["id"] = json!(part["id"].as_str().unwrap().parse::<u8>().unwrap());
                    }
                })
            })
        },
        UNREADABLE,
    ),
    together(
        "statuses that are texts",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    for part in parts {
                        part["status"] = json!("200");
                    }
                })
            })
        },
        UNREADABLE,
    ),
    together(
        "strangers among the parts",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    parts.push(json!({"id": "9", "status": 200, "body": {"value": true}}))
                })
            })
        },
        REVOKED,
    ),
    together(
        "the last first",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| parts.reverse())
            })
        },
        REVOKED,
    ),
    together(
        "bodies in another wrapping",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    for part in parts {
                        part["body"] = json!("eyJ2YWx1ZSI6dHJ1ZX0=");
                    }
                })
            })
        },
        UNREADABLE,
    ),
    together(
        "`false` to one and all",
        |a| {
            changed(a, Kind::Revoke, |truth| {
                truth.parts(|parts| {
                    for part in parts {
                        part["body"]["value"] = json!(false);
                    }
                })
            })
        },
        REFUSED,
    ),
    together(
        "answers that changed places",
        |a| {
            changed(a, Kind::LookUp, |truth| {
                truth.parts(|parts| {
                    let bodies: Vec<Value> =
                        parts.iter().map(|part| part["body"].clone()).collect();
                    for (part, body) in parts.iter_mut().zip(bodies.into_iter().cycle().skip(1)) {
                        part["body"] = body;
                    }
                })
            })
        },
        NOT_READ,
    ),
];

/// About who somebody is.
const LOOK_UPS: &[Case] = &[
    alone(
        "somebody else",
        |a| instead(a, Kind::LookUp, Answer::new(200, SOMEBODY)),
        NOT_READ,
    ),
    alone(
        "a page",
        |a| instead(a, Kind::LookUp, Answer::html(200)),
        NOT_READ,
    ),
    alone(
        "an id that is a path",
        |a| {
            changed(a, Kind::LookUp, |truth| {
                truth.edit(|user| user["id"] = json!("../me"))
            })
        },
        NOT_READ,
    ),
    alone(
        "an id that is somebody else's",
        |a| {
            changed(a, Kind::LookUp, |truth| {
                truth.edit(|user| user["userPrincipalName"] = json!("eve@contoso.example"))
            })
        },
        NOT_READ,
    ),
    alone(
        "two ids",
        |a| {
            changed(a, Kind::LookUp, |truth| Answer {
                body: format!(
                    r#"{{"id":"00000000-0000-4000-8000-0000000000ff",{}"#,
                    String::from_utf8_lossy(&truth.body).trim_start_matches('{')
                )
                .into_bytes(),
                ..truth
            })
        },
        &[("failed", "unreadable-answer"), ("failed", "no-answer")],
    ),
    alone(
        "brackets without end",
        |a| instead(a, Kind::LookUp, Answer::new(200, "[".repeat(200_000))),
        &[("failed", "unreadable-answer"), ("failed", "no-answer")],
    ),
    alone(
        "everybody is a guest",
        |a| {
            changed(a, Kind::LookUp, |truth| {
                truth.edit(|user| user["userType"] = json!("Guest"))
            })
        },
        &[("skipped", "no-effect-guest")],
    ),
    alone(
        "nobody is there",
        |a| {
            instead(
                a,
                Kind::LookUp,
                Answer::new(
                    404,
                    r#"{"error":{"code":"Request_ResourceNotFound","message":"m"}}"#,
                ),
            )
        },
        &[("failed", "not-found")],
    ),
    alone(
        "two of one name",
        |a| {
            instead(
                a,
                Kind::LookUp,
                Answer::new(200, format!(r#"{{"value":[{SOMEBODY},{SOMEBODY}]}}"#)),
            )
        },
        &[("failed", "unreadable-answer"), ("failed", "ambiguous")],
    ),
];

/// About the sign-in.
const TOKENS: &[Case] = &[
    alone(
        "a page for a token",
        |a| instead(a, Kind::Token, Answer::html(200)),
        STOPPED,
    ),
    alone(
        "no token",
        |a| token_says(a, 200, r#"{"token_type":"Bearer","expires_in":3599}"#),
        STOPPED,
    ),
    alone(
        "an empty token",
        |a| token_says(a, 200, r#"{"token_type":"Bearer","access_token":""}"#),
        STOPPED,
    ),
    alone(
        "a token of another kind",
        |a| {
            changed(a, Kind::Token, |truth| {
                truth.edit(|granted| granted["token_type"] = json!("mac"))
            })
        },
        STOPPED,
    ),
    alone(
        "a token that ends at once",
        |a| {
            changed(a, Kind::Token, |truth| {
                truth.edit(|granted| granted["expires_in"] = json!(0))
            })
        },
        STOPPED,
    ),
    alone(
        "a token for ever",
        |a| {
            changed(a, Kind::Token, |truth| {
                truth.edit(|granted| granted["expires_in"] = json!(1e300))
            })
        },
        REVOKED,
    ),
    alone(
        "a token in another member too",
        |a| {
            changed(a, Kind::Token, |truth| {
                truth.edit(|granted| granted["again"] = granted["access_token"].clone())
            })
        },
        &[("succeeded", "revoked"), ("not-attempted", "stopped")],
    ),
    alone(
        "a refusal that repeats what was sent",
        |a| {
            token_says(
                a,
                401,
                &format!(
                    r#"{{"error":"invalid_client","error_description":"access_token {}","error_codes":[7000215]}}"#,
                    entra_emulator::App::DEFAULT_SECRET
                ),
            )
        },
        STOPPED,
    ),
    alone(
        "a sign-in that is elsewhere",
        |a| {
            instead(
                a,
                Kind::Token,
                Answer::new(302, "").with("location", "https://localhost/oauth2"),
            )
        },
        STOPPED,
    ),
];

/// About what was done: the perfect lies, and what reading back comes to.
const READS: &[Case] = &[
    verified(
        "yes, and nothing was done",
        |a| revoke_says(a, 200, r#"{"value":true}"#),
        UNCONFIRMED,
    ),
    verified(
        "204, and nothing was done",
        |a| instead(a, Kind::Revoke, Answer::new(204, "")),
        UNCONFIRMED,
    ),
    verified(
        "202, and nothing was done",
        |a| revoke_says(a, 202, "{}"),
        UNCONFIRMED,
    ),
    verified(
        "a cut-off time of somebody else",
        |a| instead(a, Kind::ReadBack, Answer::new(200, SOMEBODY)),
        UNCONFIRMED,
    ),
    verified(
        "a cut-off time of the far future",
        |a| {
            changed(a, Kind::ReadBack, |truth| {
                truth.edit(|user| {
                    user["signInSessionsValidFromDateTime"] = json!("9999-01-01T00:00:00Z")
                })
            })
        },
        UNCONFIRMED,
    ),
    verified(
        "a cut-off time that is none",
        |a| {
            changed(a, Kind::ReadBack, |truth| {
                truth.edit(|user| user["signInSessionsValidFromDateTime"] = json!("now"))
            })
        },
        UNCONFIRMED,
    ),
    verified(
        "no cut-off time",
        |a| {
            changed(a, Kind::ReadBack, |truth| {
                truth.edit(|user| user["signInSessionsValidFromDateTime"] = json!(null))
            })
        },
        UNCONFIRMED,
    ),
];

/// A run against a lying service.
async fn hold_out(case: &Case) {
    let name = case.name;
    let tenant = (0..case.users).fold(Tenant::builder(), |tenant, n| {
        tenant.user(User::member(format!("user{n}@contoso.example")))
    });
    let trial = Trial::new(tenant.build()).await;
    let emulator = &trial.emulator;
    let liar = Liar::before(emulator.graph_url(), emulator.ca_pem(), case.lie).await;
    let connection = Connection::entra("corp")
        .tenant_id(emulator.tenant_id())
        .client_id(emulator.client_id())
        .client_secret(SecretSource::Given(Secret::new(emulator.client_secret())))
        .addresses([("login", liar.url.as_str()), ("graph", liar.url.as_str())])
        .network(Network {
            ca_pem: Some(liar.ca_pem.clone()),
            private: NetworkPolicy::private(),
            ..Network::default()
        });
    let users: Vec<String> = (0..case.users)
        .map(|n| format!("user{n}@contoso.example"))
        .collect();
    let began = Instant::now();
    let plan = trial
        .draft(Assets::users(&users))
        .connection(connection)
        .setting("max_tries", 2)
        .setting("max_seconds", 3)
        .setting("verify", case.verify)
        .prepare()
        .await
        .unwrap();
    let ran = Ran::watch(plan.approve().start().await.unwrap()).await;

    ran.agrees_in_number(case.users);
    for user in &users {
        let end = ran.result(user);
        assert!(case.ends.contains(&end), "{name}: {end:?}\n{ran:#?}");
        let revoked = emulator.user(user).is_some_and(|user| user.revocations > 0);
        let claimed = matches!(end.1, "revoked" | "verified");
        assert!(revoked || !claimed, "{name}: a false success\n{ran:#?}");
        let untouched = matches!(end.0, "failed" | "not-attempted" | "skipped");
        // A `false` about what was done cannot be seen through, and to revoke again does no harm.
        let said_no = end.1 == "refused-by-service";
        assert!(
            !(revoked && untouched && !said_no),
            "{name}: a false failure\n{ran:#?}"
        );
    }
    assert!(
        liar.requests() <= 30,
        "{name}: {} requests",
        liar.requests()
    );
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{name}: {:?}",
        began.elapsed()
    );
    let told = format!("{ran:?}");
    assert!(!told.contains(&emulator.client_secret()), "{name}: {told}");
    for token in liar.tokens() {
        assert!(!told.contains(&token), "{name}: a token is told");
    }
}

async fn hold_out_all(cases: &'static [Case]) {
    let mut runs = tokio::task::JoinSet::new();
    for case in cases {
        runs.spawn(hold_out(case));
    }
    let mut failed = Vec::new();
    while let Some(run) = runs.join_next().await {
        failed.extend(run.err().map(|error| error.to_string()));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_about_a_revoke_are_not_believed() {
    hold_out_all(REVOKES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_in_batches_are_not_believed() {
    hold_out_all(BATCHES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_about_who_somebody_is_are_not_believed() {
    hold_out_all(LOOK_UPS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_of_the_sign_in_are_not_believed() {
    hold_out_all(TOKENS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reading_back_does_not_show_is_unconfirmed() {
    hold_out_all(READS).await;
}

#[test]
fn there_are_more_than_forty() {
    let all = [REVOKES, BATCHES, LOOK_UPS, TOKENS, READS];
    let names: std::collections::HashSet<&str> = all
        .iter()
        .flat_map(|cases| cases.iter())
        .map(|case| case.name)
        .collect();
    assert!(names.len() > 40, "{}", names.len());
}
