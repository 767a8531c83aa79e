//! Lookup: the prefix, the route behind it, the member of several, the neighbour.

use std::net::IpAddr;

use dataplane::id::NhlfeId;
use dataplane::packet::{Flags, Layer3, Meta, Verdict};
use dataplane::table::{Nhlfe, Snapshot, Vrf};
use dataplane::trace::Stage;
use dataplane::wire::ipv4::Ipv4Header;
use dataplane::wire::ipv6::Ipv6Header;
use dataplane::wire::mpls::LabelStackEntry;
use ipnet::IpNet;

use super::describe::station;
use super::stages::{Seen, end};
use super::types::Step;
use super::{Surroundings, labels};
use crate::show::{RouteFilter, RouteRow};

/// Where a datagram is to go.
fn destination(l3: &[u8]) -> Option<IpAddr> {
    match l3.first()? >> 4 {
        4 => Some(Ipv4Header::parse(l3).ok()?.0.destination().into()),
        6 => Some(Ipv6Header::parse(l3).ok()?.0.destination().into()),
        _ => None,
    }
}

/// The neighbour that a frame is to go to, known or not.
pub(super) fn neighbour(seen: &Seen<'_>, snapshot: &Snapshot) -> Option<IpAddr> {
    let known = snapshot.adjacency(seen.last().adjacency).map(|a| a.neighbour);
    known.or_else(|| destination(seen.l3(&seen.last())))
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
    if meta.layer3 == Layer3::Mpls || meta.flags.has(Flags::DIRECTED) {
        return by_label(seen, meta, snapshot);
    }
    let (vrf, to) = (snapshot.vrf(meta.vrf), destination(seen.l3(meta)));
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
        let way = labels::chain(first, meta.flow_hash, snapshot);
        if way.iter().any(|part| part.starts_with("push")) {
            step.fact("way", way.join(", then "));
        }
    }
    onward(&mut step, seen, meta, snapshot);
    step
}

/// What `lookup` decided on a frame whose label says the way.
fn by_label(seen: &Seen<'_>, meta: &Meta, snapshot: &Snapshot) -> Step {
    let first = seen.after(Stage::Labels).map_or(meta.nhlfe, |before| before.nhlfe);
    let way = labels::chain(first, meta.flow_hash, snapshot).join(", then ");
    let mut step = Step::new(Stage::Lookup, end(meta.verdict).unwrap_or_else(|| way.clone()));
    step.fact("way", way);
    onward(&mut step, seen, meta, snapshot);
    step
}

/// The stack it leaves with, and the neighbour it goes to.
fn onward(step: &mut Step, seen: &Seen<'_>, meta: &Meta, snapshot: &Snapshot) {
    let stack = labels::to_leave(seen, meta, seen.edit);
    if !stack.is_empty() || seen.came_labelled() {
        step.fact("stack", labels::words(&stack));
    }
    next_hop(step, seen, meta, stack.len(), snapshot);
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
fn next_hop(step: &mut Step, seen: &Seen<'_>, meta: &Meta, labels: usize, snapshot: &Snapshot) {
    let Some(out) = snapshot.interface(meta.out_interface) else { return };
    let hop = neighbour(seen, snapshot);
    let direct = hop == destination(seen.l3(meta));
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
    // The labels that came and stay are counted already.
    let (off, on) = seen.edit.map_or((0, 0), |edit| (usize::from(edit.off), edit.len()));
    let length = usize::from(meta.l3_length) + LabelStackEntry::LEN * on - LabelStackEntry::LEN * off;
    let mtu = if labels > 0 { out.mpls_mtu } else { out.mtu };
    let fits = match meta.verdict {
        Verdict::Forward if meta.flags.has(Flags::TOO_LONG) => "too long: it is fragmented",
        _ if length > usize::from(mtu) => "too long",
        _ => "fits",
    };
    let what = if labels > 0 { "the datagram with its labels" } else { "the datagram" };
    step.fact("mtu", format!("{mtu} bytes, {what} has {length}: {fits}"));
}
