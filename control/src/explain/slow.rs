//! The slow path's part: a host of its own takes the punted frame, and what it
//! would do is told instead of done.

use std::net::Ipv4Addr;
use std::sync::Arc;

use dataplane::host::{Action, Host};
use dataplane::id::{IfIndex, WorkerIndex};
use dataplane::packet::{Frame, Layer3, Pool, PoolSize};
use dataplane::table::{Limits, Snapshot};
use dataplane::wire::arp::ArpMessage;
use dataplane::wire::ethernet::ether_type;
use dataplane::wire::mpls::LabelStackEntry;

use super::NOW;
use super::describe::{datagram, station};

/// Buffers of the host: its announcements when it starts, and its answer.
const BUFFERS: usize = 64;

/// What the router does with the frame beside forwarding, and whether that goes on at once.
pub(super) fn path(frame: Option<Frame>, snapshot: &Snapshot) -> (Vec<String>, bool) {
    let Some(mut frame) = frame else { return (Vec::new(), false) };
    // The running router's addresses are proven already, so this one's need not be.
    let mut snapshot = snapshot.clone();
    snapshot.limits = Arc::new(Limits { dad_probes: 0, ..(*snapshot.limits).clone() });
    let mut host = Host::new(Pool::new(WorkerIndex(0), BUFFERS, PoolSize::Jumbo));
    let mut actions = Vec::new();
    frame.rare_mut().received = NOW;
    host.snapshot_changed(NOW, &only(&frame, &snapshot), &mut actions);
    for action in actions.drain(..) {
        if let Action::Transmit(own) | Action::Route(own) = action {
            host.recycle(own);
        }
    }
    host.receive(frame, NOW, &snapshot, &mut actions);
    let mut told: Vec<String> = actions.iter().filter_map(|action| said(action, &snapshot)).collect();
    if host.held() > 0 {
        told.push("the packet waits for the answer, within bounds, and then goes on".into());
    }
    (told, actions.iter().any(|action| matches!(action, Action::Release(_))))
}

/// The Snapshot with no interfaces but those the frame is about: others say nothing.
fn only(frame: &Frame, snapshot: &Snapshot) -> Snapshot {
    let mut few = snapshot.clone();
    let meta = frame.meta();
    let others: Vec<usize> = few.interfaces.iter().map(|(at, _)| at).collect();
    for at in others {
        if at != meta.in_interface.index() && at != meta.out_interface.index() {
            few.interfaces.remove(at);
        }
    }
    few
}

fn said(action: &Action, snapshot: &Snapshot) -> Option<String> {
    let name = |id: IfIndex| snapshot.interface(id).map(|i| i.name.to_string()).unwrap_or_default();
    Some(match action {
        Action::Route(frame) => format!("it sends {}", routed(frame)),
        Action::Transmit(frame) => {
            format!("it sends {} on {}", made(frame), name(frame.meta().out_interface))
        }
        Action::Release(frame) if frame.meta().layer3 == Layer3::Mpls => {
            "the packet goes on by the label beneath router alert, at no more than a rate, and the alert \
             back on top while it is labelled (RFC 3032 section 2.1)"
                .into()
        }
        Action::Release(_) => "the packet goes on at once".into(),
        Action::Neighbour { interface, address, mac: Some(mac) } => {
            format!("it learns that {address} on {} is at {}", name(*interface), station(mac))
        }
        Action::Neighbour { .. } => return None,
        Action::Drop(_, reason) => {
            format!("the packet itself is dropped, counted as {reason}: {}", reason.explanation())
        }
        Action::Deliver(_) => "the packet is consumed by the router itself".into(),
        Action::Warn(warning) => format!("it warns: {warning}"),
        Action::Pong(_) | Action::LspPong(_) => "it is the answer to a ping".into(),
    })
}

/// A datagram that the host made, and the labels it is looked up by.
fn routed(frame: &Frame) -> String {
    let (mut labels, mut rest) = (Vec::new(), frame.bytes());
    while frame.meta().layer3 == Layer3::Mpls
        && let Ok((entry, below)) = LabelStackEntry::parse(rest)
    {
        labels.push(entry.label().to_string());
        rest = below;
        if entry.bottom() {
            break;
        }
    }
    match labels.is_empty() {
        true => datagram(rest),
        false => format!("{} along the LSP, under labels {}", datagram(rest), labels.join(", ")),
    }
}

/// A frame that the host made.
fn made(frame: &Frame) -> String {
    let at = usize::from(frame.meta().l3_offset);
    // Behind the tags stands the EtherType, just before what it says.
    let kind = frame.bytes().get(..at).and_then(|b| b.last_chunk()).map(|kind| u16::from_be_bytes(*kind));
    let rest = frame.bytes().get(at..).unwrap_or_default();
    match ArpMessage::parse(rest) {
        Ok((arp, _)) if kind == Some(ether_type::ARP) => arp_said(arp),
        _ => datagram(rest),
    }
}

fn arp_said(arp: &ArpMessage) -> String {
    let (sender, target) = (Ipv4Addr::from(arp.sender), Ipv4Addr::from(arp.target));
    match arp.operation.get() {
        ArpMessage::REQUEST => format!("an ARP request: who has {target}? tell {sender}"),
        _ => format!("an ARP reply: {sender} is at {}", station(&arp.sender_mac)),
    }
}
