//! The packet that an error is about, and whether its sender may be told (RFC 1812
//! section 4.3.2.7, RFC 4443 section 2.4(e)).

use std::net::IpAddr;

use super::problem::Problem;
use crate::host::address::{is_host, is_unicast};
use crate::host::local::Datagram;
use crate::host::stack::Stack;
use crate::packet::{Flags, Frame, Layer3};
use crate::table::Interface;

/// An IP datagram, and the label stack that it came under.
#[derive(Clone, Copy, Debug)]
pub(in crate::host) struct Subject<'a> {
    pub(in crate::host) datagram: Datagram<'a>,
    pub(in crate::host) stack: Stack<'a>,
    flags: Flags,
}

impl<'a> Subject<'a> {
    /// What `frame` carries; `None` for what is not sound IP (RFC 3032 section 2.2).
    pub(in crate::host) fn of(frame: &'a Frame) -> Option<Self> {
        let (stack, below) = Stack::of(frame)?;
        let flags = frame.meta().flags;
        if frame.meta().layer3 != Layer3::Mpls {
            return Some(Self { datagram: Datagram::read(frame)?, stack, flags });
        }
        let (datagram, mut inside) = Datagram::inside(below)?;
        inside.set(flags);
        Some(Self { datagram, stack, flags: inside })
    }

    /// Whether its sender may be told: never about errors, later fragments, packets
    /// to many, or packets whose sender is not one host. `near` is the interface it
    /// came in by, where its addresses mean the same as that interface's.
    pub(super) fn may_be_told(&self, near: Option<&Interface>, problem: Problem) -> bool {
        let Datagram { source: from, destination: to, whole, .. } = self.datagram;
        let broadcast = |address| is_broadcast(near, address);
        let group = to.is_multicast() || broadcast(to) || self.flags.has(Flags::L2_MULTICAST);
        let one_host = is_unicast(from) && !broadcast(from) && !near.is_some_and(|i| i.owns(from));
        let error = self.flags.has(Flags::ICMP_ERROR) || is_error(&self.datagram);
        let tellable = !group || problem.concerns_groups(whole);
        one_host && tellable && !error && !self.flags.has(Flags::LATER_FRAGMENT)
    }
}

/// Whether it is an ICMP message about which no error may be sent: an error or a
/// redirect, or one too short to tell.
fn is_error(datagram: &Datagram<'_>) -> bool {
    let kind = datagram.upper.first();
    datagram.is_icmp()
        && match datagram.source {
            IpAddr::V4(_) => kind.is_none_or(|kind| matches!(kind, 3..=5 | 11 | 12)),
            IpAddr::V6(_) => kind.is_none_or(|kind| *kind < 128 || *kind == 137),
        }
}

/// Whether `address` is every host, or one of the two broadcast addresses of a subnet.
fn is_broadcast(near: Option<&Interface>, address: IpAddr) -> bool {
    let all = IpAddr::from([255; 4]);
    let on = |net: &ipnet::IpNet| address.is_ipv4() && net.contains(&address);
    let mut nets = near.into_iter().flat_map(|i| i.addresses.iter()).map(|a| a.net);
    address == all || nets.any(|net| on(&net) && !is_host(net, address))
}
