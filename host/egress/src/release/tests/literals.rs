//! What an answer to a filter with a fixed beginning teaches.

use super::{exchange, found};
use crate::declare::{Effect, Learnt, Naming, Shape, Subject};
use crate::grant::Grant;
use crate::roster::Owner;
use crate::testing::{Bench, addresses, declaration, get};

#[test]
fn the_literal_that_was_asked_for_is_echoed_whole() {
    let mut declaration = declaration();
    let mut by_address = declaration.calls[2].clone();
    by_address.id = "by-address".to_owned();
    by_address.shape = Shape::Single {
        effect: Effect::Reads,
        subject: Some(Subject {
            named_in: Naming::Filter("proxyAddresses/any(a:a eq 'smtp:{name}')".to_owned()),
            fields: vec!["username".to_owned()],
            learns: vec![Learnt {
                json_member: "id".to_owned(),
                echoes: "proxyAddresses".to_owned(),
            }],
        }),
    };
    declaration.calls.push(by_address);
    for (listed, learnt) in [
        (r#"["x500:y","SMTP:Ada@contoso.com"]"#, true),
        (r#"["ada@contoso.com"]"#, false),
        (r#"["sip:ada@contoso.com"]"#, false),
    ] {
        let bench = Bench {
            grant: Grant::new(&declaration, &addresses()).unwrap(),
            ..Bench::new()
        };
        let ask = get(
            "https://graph.microsoft.com/v1.0/users?$filter=proxyAddresses/any(a:a%20eq%20'smtp:ada@contoso.com')",
        );
        let body = format!(r#"{{"value":[{{"id":"new","proxyAddresses":{listed}}}]}}"#);
        found(&bench, ask, &exchange(200, &[], &body));
        assert_eq!(
            bench.roster.owner_of("new"),
            learnt.then_some(Owner(1)),
            "{body}"
        );
    }
}
