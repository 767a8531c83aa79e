//! Lookup: the prefix, the route behind it, the member of several, the neighbour.

use std::net::IpAddr;

use dataplane::id::NhlfeId;
use dataplane::packet::{Flags, Meta, Verdict};
use dataplane::table::{Nhlfe, Snapshot, Vrf};
use dataplane::trace::Stage;
use dataplane::wire::ipv4::Ipv4Header;
use dataplane::wire::ipv6::Ipv6Header;
use ipnet::IpNet;

use super::Surroundings;
use super::describe::station;
use super::stages::{Seen, end};
use super::types::Step;
use crate::show::{RouteFilter, RouteRow};

/// Where a datagram is to go.
fn destination(l3: &[u8]) -> Option<IpAddr> {
    match l3.first()? >> 4 {
        4 => Some(Ipv4Header::parse(l3).ok()?.0.destination().into()),
        _ => Some(Ipv6Header::parse(l3).ok()?.0.destination().into()),
    }
}

/// The neighbour that a frame is to go to, known or not.
pub(super) fn neighbour(seen: &Seen<'_>, snapshot: &Snapshot) -> Option<IpAddr> {
    let known = snapshot.adjacency(seen.last().adjacency).map(|a| a.neighbour);
    known.or_else(|| destination(seen.l3()))
}

fn longest_match(vrf: &Vrf, to: IpAddr) -> Option<(IpNet, NhlfeId)> {
    match to {
        IpAddr::V4(to) => vrf.fib4.longest_match(to).map(|(net, id)| (net.into(), id)),
        IpAddr::V6(to) => vrf.fib6.longest_match(to).map(|(net, id)| (net.into(), id)),
    }
}

/// What `lookup` decided.
pub(super) fn step(seen: &Seen<'_>, meta: &Meta, router: &impl Surroundings) -> Step {
    let snapshot = router.snapshot();
    let (vrf, to) = (snapshot.vrf(meta.vrf), destination(seen.l3()));
    let found = vrf.zip(to).and_then(|(vrf, to)| longest_match(vrf, to));
    let out = snapshot.interface(meta.out_interface);
    let decision = end(meta.verdict).unwrap_or_else(|| match (&found, out, neighbour(seen, snapshot)) {
        (Some((prefix, _)), Some(out), Some(hop)) => format!("{prefix} leads to {hop} on {}", out.name),
        _ => "it can be forwarded".into(),
    });
    let mut step = Step::new(Stage::Lookup, decision);
    step.fact("vrf", vrf.map_or("none", |vrf| &vrf.name));
    let prefix = found.map_or_else(|| "none covers it".into(), |(prefix, _)| prefix.to_string());
    step.fact("prefix", prefix);
    if let (Some(vrf), Some(to)) = (vrf, to) {
        routes(&mut step, &vrf.name, to, router);
    }
    if let Some((_, first)) = found {
        members(&mut step, first, meta, snapshot);
    }
    next_hop(&mut step, seen, meta, snapshot);
    step
}

/// The route that won, and those that did not.
fn routes(step: &mut Step, vrf: &str, to: IpAddr, router: &impl Surroundings) {
    let filter =
        RouteFilter { vrf: Some(vrf.into()), covering: Some(to), most: 64, ..RouteFilter::default() };
    let said = |row: &RouteRow| {
        format!("{}, distance {}: {} ({})", row.source, row.distance, row.asks.join(", "), row.why)
    };
    for row in router.routes(&filter).rows {
        step.fact(if row.used { "route" } else { "not used" }, said(&row));
    }
}

/// Which of several ways the flow takes.
fn members(step: &mut Step, first: NhlfeId, meta: &Meta, snapshot: &Snapshot) {
    let Some(Nhlfe::Ecmp(group)) = snapshot.nhlfe(first) else { return };
    let chosen = group.members().iter().position(|m| *m == meta.nhlfe).map_or(0, |at| at + 1);
    let (hash, of) = (meta.flow_hash, group.members().len());
    step.fact(
        "way",
        format!("{chosen} of {of}, by the flow's hash {hash:#010x} (addresses, protocol, ports)"),
    );
}

/// The neighbour, whether it is known, and the MTU on the way to it.
fn next_hop(step: &mut Step, seen: &Seen<'_>, meta: &Meta, snapshot: &Snapshot) {
    let Some(out) = snapshot.interface(meta.out_interface) else { return };
    let hop = neighbour(seen, snapshot);
    let direct = hop == destination(seen.l3());
    if let Some(hop) = hop {
        let itself = if direct { ", the destination itself" } else { "" };
        step.fact("next hop", format!("{hop} on {}{itself}", out.name));
    }
    let adjacency = snapshot.adjacency(meta.adjacency);
    step.fact(
        "neighbour",
        match adjacency.and_then(|a| a.header()).and_then(|h| h.get(..6)) {
            Some(mac) => station(mac),
            None => "its station address is not known yet".into(),
        },
    );
    let fits = match meta.verdict {
        Verdict::Forward if meta.flags.has(Flags::TOO_LONG) => "too long: it is fragmented",
        _ if meta.l3_length > out.mtu => "too long",
        _ => "fits",
    };
    step.fact("mtu", format!("{} bytes, the datagram has {}: {fits}", out.mtu, meta.l3_length));
}
