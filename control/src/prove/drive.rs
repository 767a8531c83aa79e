//! One frame through the real stages of router after router: what shows that an
//! example is right.

use std::net::IpAddr;

use dataplane::id::PortIndex;
use dataplane::packet::{DropReason, Flags, Frame, Layer3, Meta, PuntReason, Verdict};
use dataplane::table::{Nhlfe, Snapshot, Vrf};
use dataplane::time::Time;
use dataplane::trace::{Trace, trace};
use dataplane::wire::ethernet::{EthernetHeader, ether_type};
use dataplane::wire::mpls::LabelStackEntry;
use dataplane::wire::vlan::VlanTag;

use super::end::End;
use super::network::{Network, Node, Place};
use super::report::Hop;
use super::words::words;

/// Routers on a path; what has not ended by then loops.
const MOST_HOPS: usize = 300;
/// When it all happens.
const NOW: Time = Time(1_000_000_000);
/// Station address given to neighbours that are not known yet.
const NEIGHBOUR: [u8; 6] = [0x02, 0, 0, 0, 0, 0xfe];

/// A packet's path, and where it ended.
#[derive(Clone, Debug)]
pub(super) struct Drive {
    pub(super) hops: Vec<Hop>,
    pub(super) end: End,
}

/// What one router did.
enum Step {
    /// It was sent by an interface to this neighbour.
    Sent(Place, IpAddr, Vec<u8>),
    Ended(End),
}

/// Drives a frame that arrives at `start` and is for `destination`. What is sent to an
/// address that no known router has is taken by the far end of that number; by someone
/// who is not known where there are fewer.
pub(super) fn drive(
    network: &Network<'_>,
    start: Place,
    bytes: Vec<u8>,
    destination: IpAddr,
    taker: usize,
) -> Drive {
    let (mut at, mut bytes, mut hops) = (start, bytes, Vec::new());
    loop {
        let labels = labels(&bytes);
        hops.push(hop(network, at, &labels, destination));
        if hops.len() > MOST_HOPS {
            return Drive { hops, end: End::Loop(at.router) };
        }
        match step(network, at, &bytes, destination) {
            Step::Ended(end) => return Drive { hops, end },
            Step::Sent(by, neighbour, sent) => match arrive(network, (by, neighbour), taker, sent) {
                Ok((next, frame)) => (at, bytes) = (next, frame),
                Err(end) => return Drive { hops, end },
            },
        }
    }
}

/// One router's stages.
fn step(network: &Network<'_>, at: Place, bytes: &[u8], destination: IpAddr) -> Step {
    let ended = |reason| Step::Ended(End::Drop(at.router, reason));
    let mut snapshot = network.snapshot(at.router).clone();
    let Some(port) = snapshot.interface(at.interface).map(|i| i.port) else {
        return ended(DropReason::VlanUnknown);
    };
    let run = |snapshot: &Snapshot| traced(bytes, port, snapshot);
    let Some(mut traced) = run(&snapshot) else { return ended(DropReason::FrameTooLong) };
    let Some((_, meta)) = traced.steps.last().copied() else { return ended(DropReason::PoolEmpty) };
    let neighbour = snapshot.adjacency(meta.adjacency).map_or(destination, |a| a.neighbour);
    if meta.verdict == Verdict::Punt(PuntReason::NeighbourMiss) {
        snapshot.set_neighbour(meta.out_interface, neighbour, Some(NEIGHBOUR));
        match run(&snapshot) {
            Some(again) => traced = again,
            None => return ended(DropReason::FrameTooLong),
        }
    }
    outcome(network, at, neighbour, &snapshot, traced, destination)
}

/// The stages of a frame; again, where router alert has the router look before it goes on.
fn traced(bytes: &[u8], port: PortIndex, snapshot: &Snapshot) -> Option<Trace> {
    let run = |flags: Flags| {
        let mut frame = Frame::standard();
        frame.fill(bytes).ok()?;
        frame.meta_mut().flags.set(flags);
        Some(trace(frame, snapshot, port, NOW))
    };
    let first = run(Flags::default())?;
    let labelled = first.steps.last().is_some_and(|(_, meta)| meta.layer3 == Layer3::Mpls);
    match first.verdict() {
        Verdict::Punt(PuntReason::LspPing) if labelled => run(Flags::HEARD),
        _ => Some(first),
    }
}

fn outcome(
    network: &Network<'_>,
    at: Place,
    neighbour: IpAddr,
    snapshot: &Snapshot,
    traced: Trace,
    destination: IpAddr,
) -> Step {
    let ended = |reason| Step::Ended(End::Drop(at.router, reason));
    let Some((_, meta)) = traced.steps.last().copied() else { return ended(DropReason::PoolEmpty) };
    match meta.verdict {
        Verdict::Drop(reason) => ended(reason),
        Verdict::Punt(PuntReason::Local | PuntReason::LspPing | PuntReason::LinkMulticast) => {
            let node = receiver(network, at, &meta, snapshot, destination);
            node.map_or_else(|| ended(DropReason::LocalUnknown), |node| Step::Ended(End::Local(node)))
        }
        Verdict::Punt(reason) => ended(reason.drop_reason().unwrap_or(DropReason::NeighbourUnresolved)),
        Verdict::Forward => {
            let bytes = traced.frame.map(|frame| frame.bytes().to_vec()).unwrap_or_default();
            Step::Sent(Place::new(at.router, meta.out_interface), neighbour, bytes)
        }
    }
}

/// Whose the address of a packet is that is for the router itself.
fn receiver(
    network: &Network<'_>,
    at: Place,
    meta: &Meta,
    snapshot: &Snapshot,
    destination: IpAddr,
) -> Option<Node> {
    let owners = || snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| i.owns(destination));
    let here = owners().find(|i| i.vrf == meta.vrf).or_else(|| owners().next());
    network.node(at.router, here.map_or(meta.vrf, |i| i.vrf))
}

/// Where a frame that leaves by `by` comes to, readdressed to the station there. `taker` is
/// who takes it if no known router has the address.
fn arrive(
    network: &Network<'_>,
    (by, neighbour): (Place, IpAddr),
    taker: usize,
    mut bytes: Vec<u8>,
) -> Result<(Place, Vec<u8>), End> {
    let labelled = ether_type_of(&bytes).0 == ether_type::MPLS;
    let edge = if labelled { End::Unknown(by) } else { End::Edge(by) };
    let takers = network.takers(by, neighbour);
    let taker = match takers.others {
        // On a subnet, hosts answer for addresses that no router has.
        true => takers.known.get(taker).filter(|_| is_next_hop(network, by, neighbour)),
        false => takers.known.first(),
    };
    let taker = taker.ok_or(edge)?;
    let at = Place::new(taker.end.router, taker.taken_by);
    let station = network.interface(at).ok_or(End::Drop(at.router, DropReason::VlanUnknown))?.mac;
    if let Ok((header, _)) = EthernetHeader::parse_mut(&mut bytes) {
        // Stations made of port names may be the same at both ends.
        (header.destination, header.source) = (station, NEIGHBOUR);
    }
    Ok((at, bytes))
}

/// Whether a router sends to this address by an interface whatever the destination is.
fn is_next_hop(network: &Network<'_>, by: Place, neighbour: IpAddr) -> bool {
    let snapshot = network.snapshot(by.router);
    snapshot.nhlfes.iter().any(|(_, nhlfe)| match nhlfe {
        Nhlfe::Forward(id) => {
            snapshot.adjacency(*id).is_some_and(|a| (a.interface, a.neighbour) == (by.interface, neighbour))
        }
        _ => false,
    })
}

/// The EtherType behind the tags, and where its contents start.
fn ether_type_of(bytes: &[u8]) -> (u16, usize) {
    let Ok((header, _)) = EthernetHeader::parse(bytes) else { return (0, bytes.len()) };
    let (mut kind, mut at) = (header.ether_type.get(), EthernetHeader::LEN);
    while let ether_type::DOT1Q | ether_type::DOT1AD = kind {
        let Some(Ok((tag, _))) = bytes.get(at..).map(VlanTag::parse) else { break };
        (kind, at) = (tag.ether_type.get(), at + VlanTag::LEN);
    }
    (kind, at)
}

/// The label stack of a frame, outermost first.
fn labels(bytes: &[u8]) -> Vec<u32> {
    let (kind, mut at) = ether_type_of(bytes);
    let mut labels = Vec::new();
    while kind == ether_type::MPLS
        && let Some(Ok((entry, _))) = bytes.get(at..).map(LabelStackEntry::parse)
    {
        labels.push(entry.label());
        at += LabelStackEntry::LEN;
        if entry.bottom() {
            break;
        }
    }
    labels
}

/// What a router does with a packet, in words.
fn hop(network: &Network<'_>, at: Place, labels: &[u32], destination: IpAddr) -> Hop {
    let snapshot = network.snapshot(at.router);
    let mut vrf = network.interface(at).and_then(|i| snapshot.vrf(i.vrf));
    let (mut does, mut ip) = (Vec::new(), true);
    for label in labels {
        let id = snapshot.ilm.get(*label);
        does.push(format!("{label}: {}", if *label < 16 { "special".into() } else { words(snapshot, id) }));
        match snapshot.nhlfe(id) {
            Some(Nhlfe::PopLookup(pop)) => vrf = snapshot.vrf(pop.vrf),
            None if *label < 16 => {}
            _ => {
                ip = false;
                break;
            }
        }
    }
    if let Some(vrf) = vrf.filter(|_| ip) {
        does.push(route(snapshot, vrf, destination));
    }
    Hop {
        router: network.routers[at.router].name.clone(),
        interface: network.interface_name(at).into(),
        labels: labels.to_vec(),
        does: does.join("; "),
    }
}

/// The route of a Vrf to a destination, in words.
fn route(snapshot: &Snapshot, vrf: &Vrf, destination: IpAddr) -> String {
    let found = match destination {
        IpAddr::V4(to) => vrf.fib4.longest_match(to).map(|(p, n)| (p.to_string(), n)),
        IpAddr::V6(to) => vrf.fib6.longest_match(to).map(|(p, n)| (p.to_string(), n)),
    };
    match found {
        Some((prefix, nhlfe)) => format!("vrf {} {prefix}: {}", vrf.name, words(snapshot, nhlfe)),
        None => format!("vrf {}: no route", vrf.name),
    }
}
