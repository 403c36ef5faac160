//! Which addresses a connection may connect to.
//!
//! Judges addresses only; names are resolved elsewhere, and what is judged here is what is connected to. Sources: the
//! IANA IPv4 and IPv6 Special-Purpose Address Registries, and the cloud vendors' pages on instance metadata.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What a connection may connect to beside public addresses. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkPolicy {
    /// Every private address.
    pub all_private: bool,
    /// Private addresses in these networks.
    pub networks: Vec<IpNet>,
    /// Private addresses that these host names resolve to. Lower case, whole names.
    pub hosts: Vec<String>,
}

impl NetworkPolicy {
    /// Public addresses only.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// Private addresses too; those that are never connected to stay refused.
    #[must_use]
    pub fn private() -> Self {
        Self {
            all_private: true,
            ..Self::default()
        }
    }

    /// Judges an address that `host` resolved to.
    ///
    /// # Errors
    ///
    /// The kind of address that stands in the way.
    pub fn judge(&self, host: &str, address: IpAddr) -> Result<(), AddressKind> {
        match kind(address) {
            AddressKind::Public => Ok(()),
            AddressKind::Private(_)
                if self.all_private
                    || self.hosts.iter().any(|allowed| allowed == host)
                    || self
                        .networks
                        .iter()
                        .any(|net| net.contains(&address) || net.contains(&plain(address))) =>
            {
                Ok(())
            }
            kind => Err(kind),
        }
    }
}

/// What kind of address one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// Anybody's.
    Public,
    /// Reachable from here only, or not meant to be reached; an operator may allow it. With a few words.
    Private(&'static str),
    /// Never connected to. With a few words.
    Never(&'static str),
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("a public address"),
            Self::Private(what) | Self::Never(what) => f.write_str(what),
        }
    }
}

/// Services that hand credentials to whoever asks from the machine itself.
const METADATA: [IpAddr; 10] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), // AWS, Azure, Google Cloud and others
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),   // AWS ECS tasks
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),  // AWS EKS pod identity
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure's host channel, in a public range
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba Cloud
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle Cloud
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // AWS
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), // AWS EKS pod identity
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google Cloud
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)), // Oracle Cloud
];

/// Says what kind of address `address` is, looking through every way of writing IPv4 inside IPv6.
fn kind(address: IpAddr) -> AddressKind {
    if METADATA.contains(&address) {
        return AddressKind::Never("a metadata address");
    }
    match address {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(Embedded { v4, through }) => match (kind(IpAddr::V4(v4)), through) {
                (AddressKind::Public, Some(what)) => AddressKind::Private(what),
                (kind, _) => kind,
            },
            None => kind_v6(v6),
        },
    }
}

/// The IPv4 address that a connection to `address` ends at, if it is one written inside IPv6.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => embedded(v6).map_or(address, |embedded| IpAddr::V4(embedded.v4)),
        IpAddr::V4(_) => address,
    }
}

struct Embedded {
    v4: Ipv4Addr,
    /// The tunnel that it goes through, where that is nothing that anybody should use today.
    through: Option<&'static str>,
}

fn embedded(v6: Ipv6Addr) -> Option<Embedded> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match v6.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // RFC 4291 sections 2.5.5.1 and 2.5.5.2, RFC 2765 section 2.1.
        [0, 0, 0, 0, 0, 0, g, h] => Some(Embedded {
            v4: v4(g, h),
            through: Some("an IPv4-compatible address"),
        }),
        [0, 0, 0, 0, 0, 0xffff, g, h] => Some(Embedded {
            v4: v4(g, h),
            through: None,
        }),
        [0, 0, 0, 0, 0xffff, 0, g, h] => Some(Embedded {
            v4: v4(g, h),
            through: Some("an IPv4-translated address"),
        }),
        // RFC 6052 section 2.1: the well-known NAT64 prefix.
        [0x64, 0xff9b, 0, 0, 0, 0, g, h] => Some(Embedded {
            v4: v4(g, h),
            through: None,
        }),
        // RFC 3056 section 2: 6to4.
        [0x2002, b, c, ..] => Some(Embedded {
            v4: v4(b, c),
            through: Some("a 6to4 address"),
        }),
        _ => None,
    }
}

fn kind_v4(v4: Ipv4Addr) -> AddressKind {
    use AddressKind::{Never, Private, Public};
    match v4.octets() {
        [0, 0, 0, 0] => Never("the unspecified address"),
        [255, 255, 255, 255] => Never("the broadcast address"),
        [224..=239, ..] => Never("a multicast address"),
        [0, ..] => Never("an address of this network"),
        [240..=255, ..] => Never("a reserved address"),
        [127, ..] => Private("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Private("a private address"),
        [169, 254, ..] => Private("a link-local address"),
        [100, 64..=127, ..] => Private("a shared address"),
        [198, 18 | 19, ..] => Private("a benchmarking address"),
        [192, 0, 0, _] => Private("an address for protocol assignments"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Private("a documentation address"),
        [192, 88, 99, _] => Private("a 6to4 relay address"),
        _ => Public,
    }
}

fn kind_v6(v6: Ipv6Addr) -> AddressKind {
    use AddressKind::{Never, Private, Public};
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Never("the unspecified address"),
        [0xff00..=0xffff, ..] => Never("a multicast address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Private("a loopback address"),
        [0xfc00..=0xfdff, ..] => Private("a unique local address"),
        [0xfe80..=0xfebf, ..] => Private("a link-local address"),
        [0xfec0..=0xfeff, ..] => Private("a site-local address"),
        [0x64, 0xff9b, 1, ..] => Private("a local NAT64 address"),
        [0x100, 0, 0, 0, ..] => Private("a discard-only address"),
        [0x2001, 0, ..] => Private("a Teredo address"),
        [0x2001, 2, 0, ..] => Private("a benchmarking address"),
        [0x2001, 0x10..=0x2f, ..] => Private("an ORCHID address"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Private("a documentation address"),
        [0x5f00, ..] => Private("a segment routing address"),
        // IANA IPv6 address space: 2000::/3 is all that is given out as global unicast.
        [0x2000..=0x3fff, ..] => Public,
        _ => Private("an address outside of global unicast"),
    }
}

#[cfg(test)]
mod tests;
