//! The clouds, each under Microsoft's own names: a proxy on loopback takes whoever asks for them to the emulator.

use entra_emulator::{Cloud, Tenant, User};
use tipstaff::Verdict;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::Measured;
use crate::ground::{Ground, run};

const TARGET: &str = "ada@contoso.example";

pub(crate) async fn all() -> Measured {
    let clouds = [
        ("global", Cloud::Global),
        ("us-gov", Cloud::UsGov),
        ("us-gov-dod", Cloud::UsGovDod),
        ("china", Cloud::China),
    ];
    let mut held = Vec::new();
    for (name, cloud) in clouds {
        held.push((name, is_reached(name, cloud).await));
    }
    let count = held.iter().filter(|(_, held)| *held).count();
    Measured::new(
        "Clouds",
        held,
        format!("a user was revoked under the host names of {count} clouds"),
    )
}

async fn is_reached(name: &str, cloud: Cloud) -> bool {
    let tenant = Tenant::builder().cloud(cloud).user(User::member(TARGET));
    let ground = Ground::new(tenant.build()).await;
    let port = ground.trial.emulator.login_url().rsplit(':').next();
    let port = port.and_then(|port| port.parse().ok()).expect("a port");
    let proxy = proxy(port, [cloud.login_host(), cloud.graph_host()]).await;
    let lines = format!(
        "client_secret = {{ file = \"secret\" }}\ncloud = \"{name}\"\nhttps_proxy = \"http://127.0.0.1:{proxy}\""
    );
    let Some(connection) = ground.connection(&lines) else {
        return false;
    };
    let ran = run(ground.draft_of(connection, [TARGET])).await;
    ran.is_some_and(|ran| ran.count(Verdict::Succeeded, "revoked") == 1)
        && ground.revocations(TARGET) == 1
}

/// A proxy (RFC 9110 section 9.3.6) that knows two names, and gives its port.
async fn proxy(emulator: u16, known: [&'static str; 2]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(tunnel(stream, emulator, known));
        }
    });
    port
}

async fn tunnel(mut client: TcpStream, emulator: u16, known: [&'static str; 2]) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 4096 {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    if !known.iter().any(|name| target == format!("{name}:443")) {
        client
            .write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            .await
            .ok()?;
        return None;
    }
    let mut service = TcpStream::connect(("127.0.0.1", emulator)).await.ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    copy_bidirectional(&mut client, &mut service).await.ok()?;
    Some(())
}
