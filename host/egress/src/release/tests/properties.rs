//! Whatever a service says, and whatever a guest writes.

use proptest::prelude::*;

use super::*;

proptest! {
    /// Swapping and then encoding is encoding and then swapping: a service reads exactly the fields that the guest
    /// wrote, with the value in place of the stand-in.
    #[test]
    fn a_form_is_read_with_the_value_in_its_place(before in "\\PC{0,20}", name in "[a-z]{1,8}", value in "\\PC{1,40}|[ -~]{1,40}") {
        struct Holds(String);
        impl Secrets for Holds {
            fn has(&self, _: &str) -> bool { true }
            fn reveal<'a>(&'a self, _: &'a str) -> futures::future::BoxFuture<'a, Result<Secret, SecretError>> {
                Box::pin(std::future::ready(Ok(Secret::new(self.0.clone()))))
            }
        }
        let bench = Bench::new();
        let stand_in = bench.stand_ins.of_field("client_secret").unwrap();
        let fields = [(name.as_str(), before.as_str()), ("client_secret", stand_in.as_str())];
        let encode = |fields: &[(&str, &str)]| {
            let mut out = Vec::new();
            for (at, (name, value)) in fields.iter().enumerate() {
                if at > 0 { out.push(b'&'); }
                crate::target::form_encode(&mut out, name);
                out.push(b'=');
                crate::target::form_encode(&mut out, value);
            }
            out
        };
        let admitted = bench.admit(form(encode(&fields))).unwrap();
        let rule = bench.grant.rule(admitted.rule);
        let vault = Holds(value.clone());
        let sealed = crate::swap::seal(&admitted, rule.method.clone(), &rule.id, &bench.stand_ins, &vault);
        let out = sealed.now_or_never().unwrap().unwrap().outgoing().body.clone();
        prop_assert_eq!(&out[..], &encode(&[fields[0], ("client_secret", &value)])[..]);
    }

    /// No answer makes the host stumble, and what is released holds no token.
    #[test]
    fn any_answer_is_released_or_withheld(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[\\[\\]{}\",:a-z_\\\\u0-9%.]{0,80}".prop_map(String::into_bytes),
            "\\{\"responses\":\\[(\\{\"id\":\"[ab]\",\"status\":[0-9\"]{1,4},\"headers\":[{}\\[\\]]{2}\\},?){0,4}\\]\\}".prop_map(String::into_bytes),
        ],
        status in 100_u16..600,
    ) {
        let bench = Bench::new();
        let answer = exchange(status, &[], &body);
        for request in [two_parts(&bench), sign_in(&bench), get_ada()] {
            if let Ok(response) = released(&bench, request, &answer) {
                prop_assert!(!jwt::is_in(response.body()));
            }
        }
        drop(found(&bench, two_parts(&bench), &answer));
    }

    /// Whatever stands around a token in an answer, the guest does not get it.
    #[test]
    fn no_answer_gives_a_token_away(before in "[ -~]{0,20}", after in "[ -~]{0,20}", how in 0..5) {
        let bench = Bench::new();
        let real = token();
        let text = match how {
            0 => format!("{before}{real}{after}"),
            1 => STANDARD.encode(format!("{before}{real}{after}")),
            2 => format!("{before} {} {after}", real.bytes().map(|b| format!("%{b:02x}")).collect::<String>()),
            3 => format!("{before} {} {after}", real.bytes().map(|b| format!("{b:02x}")).collect::<String>()),
            _ => format!("{before}{}{after}", URL_SAFE_NO_PAD.encode(&real)),
        };
        let body = serde_json::json!({ "access_token": real, "note": text }).to_string();
        if let Ok(response) = released(&bench, sign_in(&bench), &exchange(200, &[], body)) {
            prop_assert_eq!(how, 0);
            prop_assert!(!text_of(&response).contains(&real));
        }
    }
}
