//! Addresses in all their disguises.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;

#[test]
fn addresses_are_what_they_lead_to() {
    for (address, expected) in [
        ("20.190.128.1", "public"),
        ("2603:1006::1", "public"),
        ("64:ff9b::14be:8001", "public"),
        ("::ffff:20.190.128.1", "public"),
        ("127.0.0.1", "private"),
        ("127.255.255.255", "private"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.32.0.1", "public"),
        ("192.168.1.1", "private"),
        ("169.254.0.1", "private"),
        ("100.64.0.1", "private"),
        ("100.128.0.1", "public"),
        ("198.18.0.1", "private"),
        ("198.51.100.1", "private"),
        ("192.88.99.1", "private"),
        ("::1", "private"),
        ("fc00::1", "private"),
        ("fe80::1", "private"),
        ("fec0::1", "private"),
        ("2001:db8::1", "private"),
        ("3fff::1", "private"),
        ("2001::1", "private"),
        ("100::1", "private"),
        ("64:ff9b:1::1", "private"),
        ("4000::1", "private"),
        ("::ffff:127.0.0.1", "private"),
        ("::ffff:10.1.2.3", "private"),
        ("::7f00:1", "private"),
        ("::14be:8001", "private"),
        ("::ffff:0:7f00:1", "private"),
        ("2002:7f00:1::", "private"),
        ("2002:14be:8001::", "private"),
        ("64:ff9b::7f00:1", "private"),
        ("64:ff9b::10.0.0.1", "private"),
        ("0.0.0.0", "never"),
        ("0.1.2.3", "never"),
        ("224.0.0.1", "never"),
        ("240.0.0.1", "never"),
        ("255.255.255.255", "never"),
        ("::", "never"),
        ("ff02::1", "never"),
        ("169.254.169.254", "never"),
        ("168.63.129.16", "never"),
        ("100.100.100.200", "never"),
        ("fd00:ec2::254", "never"),
        ("::ffff:169.254.169.254", "never"),
        ("::a9fe:a9fe", "never"),
        ("2002:a9fe:a9fe::1", "never"),
        ("64:ff9b::a9fe:a9fe", "never"),
        ("::ffff:0.0.0.0", "never"),
    ] {
        let found = match kind(address.parse().unwrap()) {
            AddressKind::Public => "public",
            AddressKind::Private(_) => "private",
            AddressKind::Never(_) => "never",
        };
        assert_eq!(found, expected, "{address}");
    }
}

#[test]
fn private_addresses_pass_where_an_operator_said_so() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let listed = NetworkPolicy {
        networks: vec!["10.20.0.0/16".parse().unwrap()],
        hosts: vec!["proxy.corp.example".to_owned()],
        ..NetworkPolicy::default()
    };
    assert!(
        NetworkPolicy::public()
            .judge("x", address("10.20.1.1"))
            .is_err()
    );
    assert!(listed.judge("x", address("10.20.1.1")).is_ok());
    assert!(listed.judge("x", address("::ffff:10.20.1.1")).is_ok());
    assert!(listed.judge("x", address("10.21.1.1")).is_err());
    assert!(
        listed
            .judge("proxy.corp.example", address("10.21.1.1"))
            .is_ok()
    );
    assert!(
        NetworkPolicy::private()
            .judge("x", address("127.0.0.1"))
            .is_ok()
    );
    for never in [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "fd00:ec2::254",
    ] {
        let all = NetworkPolicy {
            networks: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
            ..NetworkPolicy::private()
        };
        assert!(
            all.judge("proxy.corp.example", address(never)).is_err(),
            "{never}"
        );
    }
}
