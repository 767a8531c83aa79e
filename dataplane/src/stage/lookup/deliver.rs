//! What is not plainly forwarded: local delivery, scope and TTL.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::resolve::destination;
use crate::packet::{DropReason, Flags, Frame, Layer3, Meta, PuntReason, Verdict};
use crate::table::{InterfaceAddress, Snapshot};
use crate::wire::l4::protocol;

/// For the router itself: one of its addresses, or a broadcast address of one of
/// its subnets, which only the link it belongs to may use (RFC 2644).
pub(super) fn local(frame: &Frame, snapshot: &Snapshot) -> Verdict {
    let meta = frame.meta();
    if meta.flags.has(Flags::EXPOSED) && is_discovery(frame) {
        return Verdict::Drop(DropReason::NdInvalid);
    }
    if meta.layer3 != Layer3::Ipv4 || meta.flags.has(Flags::ORIGINATED) {
        return Verdict::Punt(PuntReason::Local);
    }
    let by_link = meta.flags.has(Flags::L2_MULTICAST);
    let here = snapshot.interface(meta.in_interface).map(|i| &*i.addresses);
    let to = destination(frame);
    let accepted = match to {
        Some(IpAddr::V4(to)) if by_link => here.is_some_and(|a| is_broadcast(a, to)),
        Some(IpAddr::V4(to)) => !any_broadcast(meta, snapshot, to),
        _ => false,
    };
    if accepted { Verdict::Punt(PuntReason::Local) } else { Verdict::Drop(DropReason::Broadcast) }
}

/// Whether it is a message that neighbours of one link exchange (RFC 4861): a tunnel
/// keeps the hop limit of 255 that is to prove it.
fn is_discovery(frame: &Frame) -> bool {
    let kind = || frame.upper().and_then(|upper| upper.first());
    frame.meta().protocol == protocol::ICMPV6 && kind().is_some_and(|kind| (133..=137).contains(kind))
}

/// Whether `to` is the broadcast address of a subnet of any interface of the frame's Vrf.
fn any_broadcast(meta: &Meta, snapshot: &Snapshot, to: Ipv4Addr) -> bool {
    let own = |i: &crate::table::Interface| i.owns(IpAddr::V4(to));
    if snapshot.interface(meta.in_interface).is_some_and(own) {
        return false;
    }
    let of_vrf = snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| i.vrf == meta.vrf);
    of_vrf.into_iter().any(|i| is_broadcast(&i.addresses, to))
}

/// Whether `to` is the broadcast address of one of these subnets; a /31 has none (RFC 3021).
pub(super) fn is_broadcast(addresses: &[InterfaceAddress], to: Ipv4Addr) -> bool {
    addresses.iter().any(|a| match a.net {
        IpNet::V4(net) => net.prefix_len() < 31 && net.broadcast() == to,
        IpNet::V6(_) => false,
    })
}

/// Why a frame that came from a link may not go to another.
#[inline]
pub(super) fn transit(meta: &Meta) -> Option<Verdict> {
    let scoped = Flags(Flags::L2_MULTICAST.0 | Flags::LINK_LOCAL_SOURCE.0);
    if meta.flags.0 & scoped.0 != 0 {
        return Some(out_of_scope(meta));
    }
    let over = meta.ttl <= 1 && (meta.ttl == 0 || !meta.flags.has(Flags::KEEP_TTL));
    over.then_some(Verdict::Punt(PuntReason::TtlExpired))
}

/// What came by layer-2 broadcast is not forwarded (RFC 1812 section 5.3.4), nor
/// what a link-local source sent (RFC 4291 section 2.5.6, RFC 3927 section 7).
#[cold]
fn out_of_scope(meta: &Meta) -> Verdict {
    match meta.layer3 {
        _ if meta.flags.has(Flags::L2_MULTICAST) => Verdict::Drop(DropReason::Broadcast),
        Layer3::Ipv6 => Verdict::Punt(PuntReason::BeyondScope),
        _ => Verdict::Drop(DropReason::LinkLocal),
    }
}
