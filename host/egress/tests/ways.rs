//! Ways to a service that an operator chooses: through a proxy, and only to pinned keys.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "support/proxy.rs"]
mod proxy;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proxy::Tunnels;
use support::{Always, Desk, HOST, Proof, Run, Service, ordinary};
use tipstaff_egress::{
    AddressKind, ClientOptions, Limits, Mode, NetworkPolicy, Pin, Proxy, ProxyAddress, Secret,
    SendError, Tls, TlsFailure, danger,
};

const NAME: &str = "proxy.corp.example";

fn run(service: &Service, options: ClientOptions) -> Run {
    let (desk, limits) = (Desk::default(), Limits::default());
    Run::with(service, options, desk, Mode::Enforce, limits)
}

/// Only the proxy's name is resolved, and only its address may be connected to.
fn through(service: &Service, tunnels: &Tunnels) -> (ClientOptions, ProxyAddress) {
    let address = ProxyAddress::parse(&format!("http://{NAME}:{}", tunnels.address.port()));
    let options = ClientOptions {
        network: NetworkPolicy {
            hosts: vec![NAME.to_owned()],
            ..NetworkPolicy::default()
        },
        resolver: Arc::new(Always(vec![tunnels.address])),
        ..service.options()
    };
    (options, address.unwrap())
}

#[tokio::test]
async fn a_proxy_leads_to_the_granted_name_and_sees_nothing_else() {
    for alpn in ["http/1.1", "h2"] {
        let service = Service::start(&[alpn], Proof::Good, ordinary).await;
        let tunnels = Tunnels::before(service.address, None).await;
        let (options, address) = through(&service, &tunnels);
        let run = run(
            &service,
            ClientOptions {
                proxy: Some(Proxy::new(address)),
                ..options
            },
        );
        run.session.send(run.look_up()).await.unwrap();
        run.session.send(run.look_up()).await.unwrap();
        let port = service.address.port();
        assert_eq!(tunnels.asked(), [format!("CONNECT {HOST}:{port}")]);
        assert_eq!(service.arrived().len(), 2);
        assert_eq!(run.last_record().remote, Some(tunnels.address));
    }
}

#[tokio::test]
async fn the_certificate_is_the_services_also_through_a_proxy() {
    let service = Service::start(&["http/1.1"], Proof::OtherName, ordinary).await;
    let tunnels = Tunnels::before(service.address, None).await;
    let (options, address) = through(&service, &tunnels);
    let run = run(
        &service,
        ClientOptions {
            proxy: Some(Proxy::new(address)),
            ..options
        },
    );
    let error = run.session.send(run.look_up()).await.unwrap_err();
    assert!(
        matches!(
            &error,
            SendError::Tls {
                reason: TlsFailure::WrongName,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(service.arrived().is_empty());
}

#[tokio::test]
async fn a_proxy_gets_its_password_when_a_connection_is_made_and_no_sooner() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    // `scott:tiger~1` in base64.
    let tunnels = Tunnels::before(service.address, Some("Basic c2NvdHQ6dGlnZXJ+MQ==")).await;
    for (word, lets_pass) in [("tiger~1", true), ("wrong", false)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let (options, address) = through(&service, &tunnels);
        let count = Arc::clone(&asked);
        let proxy = Proxy::new(address).with_account(
            "scott".to_owned(),
            Arc::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
                Box::pin(std::future::ready(Ok(Secret::new(word.to_owned()))))
            }),
        );
        assert!(!format!("{proxy:?}").contains("scott"));
        let run = run(
            &service,
            ClientOptions {
                proxy: Some(proxy),
                ..options
            },
        );
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        let sent = run.session.send(run.look_up()).await;
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        match sent {
            Ok(_) => assert!(lets_pass),
            Err(error) => {
                assert!(!lets_pass && !error.may_have_left());
                let text = error.to_string();
                assert!(text.contains("authorization required"), "{text}");
                assert!(error.hint().unwrap().contains("proxy_password"));
                assert!(!text.contains(word), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_proxys_own_address_is_judged_like_any_other() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let tunnels = Tunnels::before(service.address, None).await;
    let (options, address) = through(&service, &tunnels);
    let metadata: SocketAddr = "169.254.169.254:3128".parse().unwrap();
    for (network, resolved) in [
        (NetworkPolicy::public(), tunnels.address),
        (NetworkPolicy::private(), metadata),
    ] {
        let run = run(
            &service,
            ClientOptions {
                network,
                proxy: Some(Proxy::new(address.clone())),
                tls: options.tls.clone(),
                resolver: Arc::new(Always(vec![resolved])),
                ..ClientOptions::default()
            },
        );
        let error = run.session.send(run.look_up()).await.unwrap_err();
        let SendError::AddressRefused { host, kind, .. } = &error else {
            unreachable!("{error:?}");
        };
        assert_eq!(host, NAME);
        assert_ne!(*kind, AddressKind::Public);
    }
    assert!(tunnels.asked().is_empty());
}

#[tokio::test]
async fn a_pinned_key_is_demanded_beside_the_certificate() {
    let service = Service::start(&["h2"], Proof::Good, ordinary).await;
    let other: Pin = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        .parse()
        .unwrap();
    let with = |tls: Tls| ClientOptions {
        tls,
        ..service.options()
    };
    let trusted = service.options().tls;
    for tls in [
        trusted.clone().with_pins([other, service.pin]),
        danger::trust_anybody(Tls::public()).with_pins([service.pin]),
    ] {
        let run = run(&service, with(tls));
        run.session.send(run.look_up()).await.unwrap();
    }
    for (tls, expected) in [
        (trusted.clone().with_pins([other]), TlsFailure::NotPinned),
        (
            danger::trust_anybody(Tls::public()).with_pins([other]),
            TlsFailure::NotPinned,
        ),
        // The right key does not make up for an issuer that nobody trusts.
        (
            Tls::public().with_pins([service.pin]),
            TlsFailure::UnknownIssuer,
        ),
    ] {
        let run = run(&service, with(tls));
        let error = run.session.send(run.look_up()).await.unwrap_err();
        assert!(
            matches!(&error, SendError::Tls { reason, .. } if *reason == expected),
            "{error:?}"
        );
        assert!(!error.may_have_left());
    }
}
