//! Addresses as numbers, so that sets of destinations are ranges.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dataplane::id::NhlfeId;
use dataplane::packet::DropReason;
use dataplane::table::Vrf;
use ipnet::IpNet;

/// An address of one family, as a number.
pub(super) trait Address: Copy + Ord + Debug {
    /// The first address.
    const FIRST: Self;
    /// The last address.
    const LAST: Self;
    /// Whether the family is IPv6.
    const V6: bool;

    /// The next address; `None` behind the last.
    fn next(self) -> Option<Self>;
    /// The one before; the first stays.
    fn before(self) -> Self;
    /// As an address.
    fn ip(self) -> IpAddr;
    /// Of an address; `None` for the other family's.
    fn of(address: IpAddr) -> Option<Self>;
    /// Every prefix of a Vrf, by address, shorter ones first, and where it leads.
    fn routes(vrf: &Vrf) -> impl Iterator<Item = (IpNet, NhlfeId)> + '_;
    /// What is never looked up, wherever it comes from, and why (RFC 1812 section
    /// 5.3.7, RFC 4291, RFC 3927).
    fn unusable() -> Vec<(IpNet, DropReason)>;

    /// First and last address of a prefix; `None` for the other family's.
    fn range(prefix: IpNet) -> Option<(Self, Self)> {
        Self::of(prefix.network()).zip(Self::of(prefix.broadcast()))
    }
}

/// Prefixes written out; those that cannot be read are left out.
fn prefixes(of: &[(&str, DropReason)]) -> Vec<(IpNet, DropReason)> {
    of.iter().filter_map(|(prefix, reason)| Some((prefix.parse().ok()?, *reason))).collect()
}

impl Address for u32 {
    const FIRST: Self = 0;
    const LAST: Self = Self::MAX;
    const V6: bool = false;

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Self {
        self.saturating_sub(1)
    }

    fn ip(self) -> IpAddr {
        Ipv4Addr::from_bits(self).into()
    }

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Some(address.to_bits()),
            IpAddr::V6(_) => None,
        }
    }

    fn routes(vrf: &Vrf) -> impl Iterator<Item = (IpNet, NhlfeId)> + '_ {
        vrf.fib4.iter().map(|(prefix, nhlfe)| (IpNet::V4(prefix), nhlfe))
    }

    fn unusable() -> Vec<(IpNet, DropReason)> {
        prefixes(&[
            ("0.0.0.0/8", DropReason::MartianDestination),
            ("127.0.0.0/8", DropReason::MartianDestination),
            ("169.254.0.0/16", DropReason::LinkLocal),
            ("224.0.0.0/4", DropReason::Multicast),
            ("240.0.0.0/4", DropReason::MartianDestination),
            ("255.255.255.255/32", DropReason::Broadcast),
        ])
    }
}

impl Address for u128 {
    const FIRST: Self = 0;
    const LAST: Self = Self::MAX;
    const V6: bool = true;

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Self {
        self.saturating_sub(1)
    }

    fn ip(self) -> IpAddr {
        Ipv6Addr::from_bits(self).into()
    }

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V6(address) => Some(address.to_bits()),
            IpAddr::V4(_) => None,
        }
    }

    fn routes(vrf: &Vrf) -> impl Iterator<Item = (IpNet, NhlfeId)> + '_ {
        vrf.fib6.iter().map(|(prefix, nhlfe)| (IpNet::V6(prefix), nhlfe))
    }

    fn unusable() -> Vec<(IpNet, DropReason)> {
        prefixes(&[
            ("::/127", DropReason::MartianDestination),
            ("::ffff:0:0/96", DropReason::MartianDestination),
            ("fe80::/10", DropReason::LinkLocal),
            ("ff00::/8", DropReason::Multicast),
        ])
    }
}
