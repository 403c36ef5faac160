//! Sign-in pages: what their script assigns, where they send back to, and their cookies.

use super::*;
use crate::addresses::Origin;

const FLOW: &str = "AQABIQEA-flow/token+value";

fn asked() -> http::Request<Bytes> {
    get("https://login.microsoftonline.com/contoso/authorize?state=x")
}

fn shown(bench: &Bench, body: impl AsRef<[u8]>) -> Result<String, Withheld> {
    released(bench, asked(), &exchange(200, &[], body)).map(|response| text_of(&response))
}

fn config(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("$Config=").unwrap();
    let object = serde_json::Deserializer::from_str(rest).into_iter().next();
    object.unwrap().unwrap()
}

#[test]
fn what_a_script_assigns_is_sealed_wherever_the_page_repeats_it() {
    let bench = Bench::new();
    let body = format!(
        "<html><input value=\"{FLOW}\"><script>//<![CDATA[\n$Config={{\"sFT\":\"AQABIQEA\\u002dflow\\/token+value\",\
         \"pgid\":\"ConvergedSignIn\",\"n\":{{\"again\":[\"x {FLOW} y\"]}},\"html\":\"\\u003cp>\"}};\n//]]></script></html>"
    );
    let page = shown(&bench, body).unwrap();
    let config = config(&page);
    let stand_in = config["sFT"].as_str().unwrap();
    assert_eq!(stand_in.len(), 32);
    assert_eq!(config["n"]["again"][0], format!("x {stand_in} y"));
    assert_eq!(config["pgid"], "ConvergedSignIn");
    assert!(page.starts_with(&format!("<html><input value=\"{stand_in}\">")));
    assert!(page.ends_with(";\n//]]></script></html>"));
    let one = bench.stand_ins.get(stand_in).unwrap();
    assert_eq!(one.sealed.as_ref().unwrap().expose(), FLOW);
}

#[test]
fn only_an_assignment_to_the_variable_itself_counts() {
    let bench = Bench::new();
    for body in [
        "my$Config={broken",
        "$ConfigX={broken",
        "$Config==={broken",
        "if ($Config.x) {broken}",
        "$Config",
        "$Config=",
        "no script at all",
    ] {
        assert_eq!(shown(&bench, body).unwrap(), body);
    }
}

#[test]
fn a_script_that_cannot_be_read_is_withheld() {
    let bench = Bench::new();
    for body in [
        "$Config={broken",
        "$Config = {\"sFT\":7}",
        "$Config={\"sFT\":\"abc\"}",
        "$Config={\"sFT\":\"long enough\",\"sFT\":\"long enough\"}",
        &"$Config={};".repeat(17),
    ] {
        let withheld = shown(&bench, body).unwrap_err();
        assert!(
            matches!(withheld, Withheld::Unreadable { .. }),
            "{body}: {withheld}"
        );
    }
}

#[test]
fn a_page_gives_nothing_away_in_another_encoding() {
    let bench = Bench::new();
    let page = |more: &str| format!("$Config={{\"sFT\":\"{FLOW}\",{more}}}");
    let encoded = STANDARD.encode(format!("--{FLOW}--"));
    let withheld = shown(&bench, page(&format!("\"x\":\"{encoded}\""))).unwrap_err();
    assert!(matches!(withheld, Withheld::Reflected { .. }), "{withheld}");
    let withheld = shown(&bench, page("\"id_token\":\"abc\"")).unwrap_err();
    assert!(
        matches!(withheld, Withheld::Undeclared { .. }),
        "{withheld}"
    );
    let withheld = shown(&bench, page(&format!("\"x\":\"{}\"", token()))).unwrap_err();
    assert!(
        matches!(withheld, Withheld::Undeclared { .. }),
        "{withheld}"
    );
}

#[test]
fn a_code_is_sealed_in_the_address_that_it_comes_back_in() {
    let bench = Bench::new();
    let location = "http://localhost/?code=0.AX%2Fcode%3Dvalue&state=st%26te&session_state=1";
    let response = released(
        &bench,
        asked(),
        &exchange(302, &[("location", location)], ""),
    )
    .unwrap();
    let seen = response.headers()["location"].to_str().unwrap();
    let rest = seen.strip_prefix("http://localhost/?code=").unwrap();
    let (stand_in, rest) = rest.split_once('&').unwrap();
    assert_eq!(rest, "state=st%26te&session_state=1");
    let one = bench.stand_ins.get(stand_in).unwrap();
    assert_eq!(one.sealed.as_ref().unwrap().expose(), "0.AX/code=value");
}

#[test]
fn a_cookie_that_a_page_repeats_is_not_seen() {
    let bench = Bench::new();
    let login = Origin::parse("https://login.microsoftonline.com").unwrap();
    let session = "0.AXsession-cookie-of-a-person";
    let mut headers = http::HeaderMap::new();
    for cookie in [&format!("ESTSAUTH={session}"), "stsservicecookie=estsfd"] {
        headers.append("set-cookie", cookie.parse().unwrap());
    }
    let now = SystemTime::now();
    bench.jars.keep("pages", &login, "/", &headers, now);
    let page = shown(&bench, format!("<p>estsfd {session}</p>")).unwrap();
    assert!(
        page.starts_with("<p>estsfd ") && !page.contains(session),
        "{page}"
    );
    let request = get_ada();
    let other = released(
        &bench,
        request,
        &exchange(200, &[], format!("<p>{session}</p>")),
    );
    assert!(
        text_of(&other.unwrap()).contains(session),
        "another jar's calls never had it"
    );
}
