//! Labelled packets through all stages: what comes in, what leaves, as diagrams.

mod alike;
mod bad;
mod diffserv;
mod entropy;
mod forward;
mod held;
mod marks;
mod mtu;
mod mtu6;
mod oracle;
mod special;
mod together;

use crate::id::NhlfeId;
use crate::packet::{DropReason, Frame, PuntReason, Verdict};
use crate::stage::testing::*;
use crate::table::{DiffServModel, Nhlfe, PopLookup, Snapshot, TtlModel, TunnelModel};
use crate::wire::ethernet::ether_type;

const UNIFORM: TunnelModel = TunnelModel { ttl: TtlModel::Uniform, diffserv: DiffServModel::Pipe };
const PIPE: TunnelModel = TunnelModel { ttl: TtlModel::Pipe, ..UNIFORM };
const V4: (&str, &str) = ("10.1.0.9", "198.51.100.7");
const V6: (&str, &str) = ("2001:db8:1::9", "2001:db8:100::7");

/// A call's datagram with this TTL.
fn ip4(ttl: u8) -> Vec<u8> {
    stack(&[&ipv4_with(V4, 17, 26, &[], |h| h.ttl = ttl), &udp(5004, 5006, 18)])
}

fn ip6(ttl: u8) -> Vec<u8> {
    let mut header = ipv6(V6, 17, 26);
    header[7] = ttl;
    stack(&[&header, &udp(5004, 5006, 18)])
}

/// A labelled frame from the router on ge0.
fn labelled(entries: &[(u32, u8, u8)], below: &[u8]) -> Vec<u8> {
    stack(&[&eth(ether_type::MPLS), &mpls(entries), below])
}

/// A frame as it leaves by ge1.
fn out(kind: u16, layers: &[&[u8]]) -> Vec<u8> {
    stack(&[&eth_to(HOST1, MAC1, kind), &layers.concat()])
}

/// What leaves.
fn sent(frame: &Frame) -> &[u8] {
    assert_eq!(frame.meta().verdict, Verdict::Forward);
    frame.bytes()
}

fn to_ge1(snapshot: &mut Snapshot) -> NhlfeId {
    via(snapshot, GE1, "10.2.0.9")
}

/// `label` ends a tunnel: below it is another label, or IP for the first Vrf.
fn pop(snapshot: &mut Snapshot, label: u32, model: TunnelModel) {
    let vrf = crate::id::VrfId(0);
    label_to(snapshot, label, Nhlfe::PopLookup(PopLookup { vrf, model, bottom: false }));
}

fn dropped(reason: DropReason) -> Verdict {
    Verdict::Drop(reason)
}

fn punted(reason: PuntReason) -> Verdict {
    Verdict::Punt(reason)
}

fn verdict_of(snapshot: &Snapshot, entries: &[(u32, u8, u8)], below: &[u8]) -> Verdict {
    rewritten(snapshot, &labelled(entries, below)).meta().verdict
}
