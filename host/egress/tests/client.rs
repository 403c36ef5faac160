//! Connections: whom is trusted, what is connected to, what is kept and what is given up.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use support::{Always, Desk, HOST, Proof, Reply, Run, Service, ordinary, reply};
use tipstaff_egress::{
    AddressKind, ClientOptions, Limits, Mode, NetworkPolicy, Owner, Phase, Resolve, SendError,
    Timeouts, Tls, TlsError, TlsFailure, danger,
};

async fn fails(service: &Service, options: ClientOptions) -> SendError {
    let run = Run::with(
        service,
        options,
        Desk::default(),
        Mode::Enforce,
        Limits::default(),
    );
    let error = run.session.send(run.revoke()).await.unwrap_err();
    assert!(!error.may_have_left(), "{error}");
    assert_eq!(run.roster.settle(Owner(1)).unwrap().changes_sent, 0);
    assert!(service.arrived().is_empty());
    error
}

#[tokio::test]
async fn a_certificate_is_believed_for_its_name_its_time_and_its_issuer() {
    for (proof, expected) in [
        (Proof::OtherName, TlsFailure::WrongName),
        (Proof::Expired, TlsFailure::Expired),
    ] {
        let service = Service::start(&["http/1.1"], proof, ordinary).await;
        let error = fails(&service, service.options()).await;
        assert!(
            matches!(&error, SendError::Tls { reason, .. } if *reason == expected),
            "{error:?}"
        );
    }
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let error = fails(
        &service,
        ClientOptions {
            tls: Tls::public(),
            ..service.options()
        },
    )
    .await;
    assert!(
        matches!(
            &error,
            SendError::Tls {
                reason: TlsFailure::UnknownIssuer,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("ca_file"));
}

#[tokio::test]
async fn checks_of_certificates_can_be_switched_off_for_one_connection() {
    for proof in [Proof::OtherName, Proof::Expired] {
        let service = Service::start(&["h2"], proof, ordinary).await;
        let tls = danger::trust_anybody(Tls::public());
        assert!(!tls.verifies() && Tls::public().verifies());
        let options = ClientOptions {
            tls,
            ..service.options()
        };
        let run = Run::with(
            &service,
            options,
            Desk::default(),
            Mode::Enforce,
            Limits::default(),
        );
        run.session.send(run.look_up()).await.unwrap();
    }
}

#[test]
fn what_is_no_certificate_is_not_trusted() {
    assert_eq!(
        Tls::public().with_ca_pem(b"").unwrap_err(),
        TlsError::NoCertificate
    );
    assert_eq!(
        Tls::public().with_ca_pem(b"hello").unwrap_err(),
        TlsError::NoCertificate
    );
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(
        Tls::public().with_ca_pem(broken),
        Err(TlsError::BadCertificate { number: 1, .. })
    ));
}

#[tokio::test]
async fn private_addresses_are_not_connected_to_unless_allowed() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let error = fails(
        &service,
        ClientOptions {
            network: NetworkPolicy::public(),
            ..service.options()
        },
    )
    .await;
    assert!(
        matches!(
            error,
            SendError::AddressRefused {
                kind: AddressKind::Private(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("allow_private_network"));
    let never: Vec<SocketAddr> = vec![
        "169.254.169.254:443".parse().unwrap(),
        "[::]:443".parse().unwrap(),
    ];
    for address in never {
        let options = ClientOptions {
            network: NetworkPolicy::private(),
            resolver: Arc::new(Always(vec![address])),
            ..service.options()
        };
        let error = fails(&service, options).await;
        assert!(
            matches!(
                error,
                SendError::AddressRefused {
                    kind: AddressKind::Never(_),
                    ..
                }
            ),
            "{error:?}"
        );
    }
    assert_eq!(service.connections.load(Ordering::SeqCst), 0);
}

/// Says another address each time that it is asked.
struct Fickle(AtomicUsize, Vec<Vec<SocketAddr>>);

impl Resolve for Fickle {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
        _: u16,
    ) -> BoxFuture<'a, std::io::Result<Vec<SocketAddr>>> {
        let at = self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(
            self.1[at.min(self.1.len() - 1)].clone()
        )))
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_only_what_was_judged_is_connected_to() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let metadata: SocketAddr = "169.254.169.254:80".parse().unwrap();
    // A forbidden address among allowed ones is left out; a second look, which would be all forbidden, does not happen.
    let resolver = Arc::new(Fickle(
        AtomicUsize::new(0),
        vec![vec![metadata, service.address], vec![metadata]],
    ));
    let options = ClientOptions {
        resolver: Arc::clone(&resolver) as Arc<dyn Resolve>,
        ..service.options()
    };
    let run = Run::with(
        &service,
        options,
        Desk::default(),
        Mode::Enforce,
        Limits::default(),
    );
    run.session.send(run.look_up()).await.unwrap();
    run.session.send(run.look_up()).await.unwrap();
    assert_eq!(resolver.0.load(Ordering::SeqCst), 1);
    assert_eq!(run.last_record().remote, Some(service.address));
}

#[tokio::test]
async fn the_port_is_the_origins_whatever_a_resolver_says() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let elsewhere = SocketAddr::new(service.address.ip(), 1);
    let options = ClientOptions {
        resolver: Arc::new(Always(vec![elsewhere])),
        ..service.options()
    };
    let run = Run::with(
        &service,
        options,
        Desk::default(),
        Mode::Enforce,
        Limits::default(),
    );
    run.session.send(run.look_up()).await.unwrap();
}

#[tokio::test]
async fn an_address_that_does_not_answer_makes_way_for_the_next() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let nobody: SocketAddr = SocketAddr::new("127.0.0.2".parse().unwrap(), service.address.port());
    let options = ClientOptions {
        resolver: Arc::new(Always(vec![nobody, service.address])),
        ..service.options()
    };
    let run = Run::with(
        &service,
        options,
        Desk::default(),
        Mode::Enforce,
        Limits::default(),
    );
    run.session.send(run.look_up()).await.unwrap();
    let error = fails(
        &Service::start(&["http/1.1"], Proof::Good, ordinary).await,
        ClientOptions {
            resolver: Arc::new(Always(vec![nobody])),
            ..service.options()
        },
    )
    .await;
    assert!(
        matches!(error, SendError::ConnectFailed { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_name_without_addresses_is_said_to_have_none() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let error = fails(
        &service,
        ClientOptions {
            resolver: Arc::new(Always(Vec::new())),
            ..service.options()
        },
    )
    .await;
    assert!(
        matches!(&error, SendError::DnsFailed { host, .. } if host == HOST),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let pretending = Service {
        address: silent.local_addr().unwrap(),
        ca: service.ca.clone(),
        ..service
    };
    let timeouts = Timeouts {
        tls: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let error = fails(
        &pretending,
        ClientOptions {
            timeouts,
            ..pretending.options()
        },
    )
    .await;
    assert!(
        matches!(
            error,
            SendError::TimedOut {
                phase: Phase::Tls,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn connections_are_used_again() {
    let service = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let run = Run::new(&service);
    for _ in 0..50 {
        run.session.send(run.look_up()).await.unwrap();
    }
    assert_eq!(service.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn sockets_are_bounded_and_requests_wait_for_them() {
    let late = |_: &support::Arrived| Reply::Late(Duration::from_millis(5), reply(200, &[], "{}"));
    let service = Service::start(&["http/1.1"], Proof::Good, late).await;
    let options = ClientOptions {
        sockets: 3,
        ..service.options()
    };
    let run = Run::with(
        &service,
        options,
        Desk::default(),
        Mode::Enforce,
        Limits::default(),
    );
    for answer in futures::future::join_all((0..60).map(|_| run.session.send(run.look_up()))).await
    {
        answer.unwrap();
    }
    assert!(service.connections.load(Ordering::SeqCst) <= 3);
    assert!(run.client.open_sockets() <= 3);
}

#[tokio::test]
async fn http2_needs_one_socket() {
    let late = |_: &support::Arrived| Reply::Late(Duration::from_millis(5), reply(200, &[], "{}"));
    let service = Service::start(&["h2"], Proof::Good, late).await;
    let run = Run::new(&service);
    for answer in futures::future::join_all((0..60).map(|_| run.session.send(run.look_up()))).await
    {
        answer.unwrap();
    }
    assert_eq!(service.connections.load(Ordering::SeqCst), 1);
    assert_eq!(run.client.open_sockets(), 1);
}

#[tokio::test]
async fn after_a_503_there_is_a_new_connection() {
    for alpn in ["http/1.1", "h2"] {
        let service =
            Service::start(&[alpn], Proof::Good, |_| Reply::Answer(reply(503, &[], ""))).await;
        let run = Run::new(&service);
        for _ in 0..3 {
            assert_eq!(run.session.send(run.look_up()).await.unwrap().status(), 503);
        }
        assert_eq!(service.connections.load(Ordering::SeqCst), 3, "{alpn}");
    }
}

#[tokio::test]
async fn a_connection_that_the_service_closes_is_replaced() {
    let service = Service::start(&["http/1.1"], Proof::Good, |_| {
        Reply::Answer(reply(200, &[("connection", "close")], "{}"))
    })
    .await;
    let run = Run::new(&service);
    for _ in 0..5 {
        run.session.send(run.look_up()).await.unwrap();
    }
    assert_eq!(service.connections.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn idle_connections_make_way_for_another_service() {
    let login = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let graph = Service::start(&["http/1.1"], Proof::Good, ordinary).await;
    let tls = Tls::public()
        .with_ca_pem(login.ca.as_bytes())
        .unwrap()
        .with_ca_pem(graph.ca.as_bytes())
        .unwrap();
    let run = Run::between(
        &login,
        &graph,
        ClientOptions {
            tls,
            sockets: 1,
            ..login.options()
        },
    );
    for _ in 0..3 {
        run.sign_in().await;
        run.session.send(run.look_up()).await.unwrap();
    }
    assert_eq!((login.arrived().len(), graph.arrived().len()), (3, 3));
    assert_eq!(run.client.open_sockets(), 1);
}
