//! A router on a bench: frames in, and what it did told line by line.

mod arp;
mod dad;
mod echo;
mod icmp;
mod labelled;
mod lsp;
mod nd;
mod ping;
mod random;
mod reassemble;
mod sync;

use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;
use smoltcp::wire::{Icmpv4Packet, Icmpv6Packet, Ipv4Packet};

use super::{Action, Host};
use crate::class::ClassMap;
use crate::id::{AdjacencyId, IfIndex, NhlfeId, PortIndex, VrfId, WorkerIndex};
use crate::packet::{Flags, Frame, Layer3, Pool, PoolSize, PuntReason, Verdict};
use crate::qos::InterfaceQos;
use crate::table::{Interface, InterfaceAddress, Limits, Nhlfe, Snapshot, VlanMatch, Vrf};
use crate::time::Time;
use crate::wire::mpls::LabelStackEntry;

/// The router's station address; its neighbours' end in their host number.
pub(super) const ROUTER: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
pub(super) const ALL: [u8; 6] = [0xff; 6];
pub(super) const GE0: IfIndex = IfIndex(0);
pub(super) const GE1: IfIndex = IfIndex(1);

/// The station address of neighbour `n`.
pub(super) const fn mac(n: u8) -> [u8; 6] {
    [0x02, 0, 0, 0, 0, n]
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn secs(n: u64) -> Time {
    Time(n * 1_000_000_000)
}

/// A host with two interfaces, its snapshot, and a clock. Entries: 0 glean on
/// ge0, 1 glean on ge1.
pub(super) struct Bench {
    pub(super) host: Host,
    pub(super) snapshot: Snapshot,
    pub(super) now: Time,
    pub(super) out: Vec<Action>,
}

fn interface(id: IfIndex, name: &str, mac: [u8; 6], addresses: &[&str]) -> Arc<Interface> {
    Arc::new(Interface {
        id,
        name: name.into(),
        port: PortIndex(id.0 as u16),
        vlan: VlanMatch::Untagged,
        vrf: VrfId(0),
        mac,
        mtu: 1500,
        addresses: addresses.iter().map(|a| InterfaceAddress { net: a.parse().unwrap() }).collect(),
        mpls: false,
        mpls_mtu: 1500,
        tc_map: Arc::default(),
        marks: Arc::default(),
        enabled: true,
        class_map: Arc::new(ClassMap::default()),
        qos: Arc::new(InterfaceQos::default()),
        neighbours: Arc::new(AHashMap::new()),
        static_neighbours: Arc::new([]),
    })
}

impl Bench {
    /// 192.0.2.1/24, 2001:db8::1/64 and fe80::1 on ge0; 198.51.100.1/30 and
    /// 2001:db8:1::1/64 on ge1. No duplicate detection, no announcements.
    pub(super) fn new() -> Self {
        Self::with(|limits| (limits.dad_probes, limits.announcements) = (0, 0))
    }

    pub(super) fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let mut snapshot = Snapshot::default();
        let mut limits = Limits::default();
        change(&mut limits);
        snapshot.limits = Arc::new(limits);
        snapshot.vrfs.set(0, Vrf::new(VrfId(0), "default"));
        let ge0 = interface(GE0, "ge0", ROUTER, &["192.0.2.1/24", "2001:db8::1/64", "fe80::1/64"]);
        let ge1 = interface(GE1, "ge1", mac(0xee), &["198.51.100.1/30", "2001:db8:1::1/64"]);
        snapshot.interfaces.set(0, ge0);
        snapshot.interfaces.set(1, ge1);
        snapshot.nhlfes.set(0, Nhlfe::Glean(GE0));
        snapshot.nhlfes.set(1, Nhlfe::Glean(GE1));
        let host = Host::new(Pool::new(WorkerIndex(9), 64, PoolSize::Standard));
        let mut bench = Self { host, snapshot, now: Time::ZERO, out: Vec::new() };
        bench.changed();
        bench
    }

    pub(super) fn changed(&mut self) {
        self.host.snapshot_changed(self.now, &self.snapshot, &mut self.out);
    }

    /// Changes ge0 and tells the host.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Interface)) {
        change(Arc::make_mut(self.snapshot.interfaces.get_mut(0).unwrap()));
        self.changed();
    }

    pub(super) fn link(&mut self, up: bool) {
        self.host.link_changed(GE0, up, self.now, &self.snapshot, &mut self.out);
    }

    pub(super) fn receive(&mut self, bytes: &[u8], reason: PuntReason) {
        let frame = punted(bytes, reason);
        self.host.receive(frame, self.now, &self.snapshot, &mut self.out);
    }

    /// Runs the clock to `until`, every timer at its time.
    pub(super) fn run(&mut self, until: Time) {
        while self.host.next_due() <= until {
            self.now = self.now.max(self.host.next_due());
            self.host.tick(self.now, &self.snapshot, &mut self.out);
        }
        self.now = until;
        assert!(self.host.tick(until, &self.snapshot, &mut self.out) > until);
    }

    /// What the host asked for since the last time, and does it.
    pub(super) fn told(&mut self) -> Vec<String> {
        let actions = std::mem::take(&mut self.out);
        actions.into_iter().map(|action| self.perform(action)).collect()
    }

    fn perform(&mut self, action: Action) -> String {
        match action {
            Action::Transmit(frame) => {
                assert_eq!(frame.meta().out_interface, GE0);
                let text = describe_frame(&frame);
                self.host.recycle(frame);
                text
            }
            Action::Route(frame) => {
                let text = format!("route {}", describe_datagram(&frame));
                self.host.recycle(frame);
                text
            }
            Action::Release(_) => "release".into(),
            Action::Neighbour { interface, address, mac } => {
                assert!(self.snapshot.set_neighbour(interface, address, mac));
                mac.map_or(format!("{address} is gone"), |mac| format!("{address} is at {}", station(mac)))
            }
            Action::Drop(_, reason) => format!("drop {reason}"),
            Action::Deliver(_) => "deliver".into(),
            Action::Warn(warning) => format!("warn {warning}"),
            Action::Pong(reply) => format!("pong {reply:?}"),
            Action::LspPong(reply) => format!("pong {reply:?}"),
        }
    }
}

/// A frame as `parse` and `lookup` would punt it on ge0.
pub(super) fn punted(bytes: &[u8], reason: PuntReason) -> Frame {
    let mut frame = Frame::jumbo();
    frame.fill(bytes).unwrap();
    let meta = frame.meta_mut();
    (meta.in_interface, meta.vrf, meta.nhlfe) = (GE0, VrfId(0), NhlfeId(0));
    meta.adjacency = AdjacencyId::NONE;
    meta.verdict = Verdict::Punt(reason);
    meta.l3_offset = 14;
    if bytes[0] & 1 == 1 {
        meta.flags.set(Flags::L2_MULTICAST);
    }
    let l3 = &bytes[14..];
    match l3[0] >> 4 {
        _ if bytes[12..14] == [0x88, 0x47] => {
            (meta.layer3, meta.l3_length) = (Layer3::Mpls, l3.len() as u16);
            (meta.tc, meta.ttl) = (l3[2] >> 1 & 7, l3[3]);
        }
        4 => {
            meta.layer3 = Layer3::Ipv4;
            meta.l3_length = u16::from_be_bytes([l3[2], l3[3]]);
            (meta.protocol, meta.ttl, meta.dscp) = (l3[9], l3[8], l3[1] >> 2);
            let fragment = u16::from_be_bytes([l3[6], l3[7]]);
            match (fragment & 0x1fff, fragment & 0x2000) {
                (0, 0) => {}
                (0, _) => meta.flags.set(Flags::FIRST_FRAGMENT),
                _ => meta.flags.set(Flags::LATER_FRAGMENT),
            }
        }
        6 => {
            meta.layer3 = Layer3::Ipv6;
            meta.l3_length = u16::from_be_bytes([l3[4], l3[5]]).saturating_add(40);
            (meta.protocol, meta.ttl) = (l3[6], l3[7]);
        }
        _ => meta.layer3 = Layer3::Arp,
    }
    frame
}

/// An Ethernet frame.
pub(super) fn eth(to: [u8; 6], from: [u8; 6], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &ether_type.to_be_bytes(), payload].concat()
}

/// An IPv4 datagram without options, DSCP EF.
pub(super) fn ipv4(from: &str, to: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 46 << 2, 0, 0, 0x12, 0x34, 0, 0, 61, protocol, 0, 0];
    for address in [from, to] {
        let IpAddr::V4(address) = ip(address) else { panic!("{address}") };
        bytes.extend(address.octets());
    }
    bytes.extend(payload);
    let len = (bytes.len() as u16).to_be_bytes();
    bytes[2..4].copy_from_slice(&len);
    Ipv4Packet::new_unchecked(&mut bytes).fill_checksum();
    bytes
}

/// An IPv6 datagram, DSCP EF; an ICMPv6 checksum is filled in.
pub(super) fn ipv6(from: &str, to: &str, next: u8, hops: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x6b, 0x80, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next, hops]);
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (ip(from), ip(to)) else { panic!("{from} {to}") };
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(payload);
    if next == 58 {
        Icmpv6Packet::new_unchecked(&mut bytes[40..]).fill_checksum(&source, &destination);
    }
    bytes
}

/// An ICMP message with its checksum.
pub(super) fn icmp4(kind: u8, code: u8, rest: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = [&[kind, code, 0, 0], &rest[..], data].concat();
    Icmpv4Packet::new_unchecked(&mut bytes).fill_checksum();
    bytes
}

fn station(mac: [u8; 6]) -> String {
    match mac {
        ALL => "all".into(),
        [0x33, 0x33, a, b, c, d] => format!("group {a:02x}{b:02x}{c:02x}{d:02x}"),
        [.., n] => format!("station {n:x}"),
    }
}

/// One line for a frame the router sent, in tcpdump's words.
fn describe_frame(frame: &Frame) -> String {
    let bytes = frame.bytes();
    let (to, from): ([u8; 6], [u8; 6]) = (bytes[..6].try_into().unwrap(), bytes[6..12].try_into().unwrap());
    assert_eq!(from, ROUTER);
    let l3 = &bytes[usize::from(frame.meta().l3_offset)..];
    let what = match u16::from_be_bytes([bytes[12], bytes[13]]) {
        0x0806 => describe_arp(l3),
        0x0800 | 0x86dd => {
            assert_eq!(usize::from(frame.meta().l3_length), l3.len());
            describe_ip(l3, frame)
        }
        other => format!("{other:04x}"),
    };
    format!("to {}: {what}", station(to))
}

/// ```text
///  0     2     4  5  6     8            14          18           24          28
///  | htype ptype hl pl oper sender mac   sender ip   target mac   target ip |
/// ```
fn describe_arp(bytes: &[u8]) -> String {
    assert_eq!(bytes[..6], [0, 1, 8, 0, 6, 4]);
    let address = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap());
    assert_eq!(bytes[8..14], ROUTER);
    match bytes[7] {
        1 => format!("who-has {} tell {}", address(24), address(14)),
        2 => format!("{} is-at the router, for {} {}", address(14), address(24), bytes[23]),
        other => format!("arp operation {other}"),
    }
}

/// A datagram to be looked up, behind its labels as label/TC/TTL.
fn describe_datagram(frame: &Frame) -> String {
    let (bytes, meta) = (frame.bytes(), frame.meta());
    assert_eq!((usize::from(meta.l3_length), meta.l3_offset, meta.popped), (bytes.len(), 0, 0));
    let (mut text, mut rest) = (String::new(), bytes);
    let mut labels = meta.layer3 == Layer3::Mpls;
    while labels {
        let entry;
        (entry, rest) = LabelStackEntry::parse(rest).unwrap();
        text += &format!("{}/{}/{} ", entry.label(), entry.tc(), entry.ttl());
        labels = !entry.bottom();
    }
    text + &describe_ip(rest, frame)
}

fn describe_ip(bytes: &[u8], frame: &Frame) -> String {
    let meta = frame.meta();
    assert!(meta.flags.has(Flags::ORIGINATED));
    if bytes[0] >> 4 == 4 {
        let packet = Ipv4Packet::new_checked(bytes).unwrap();
        assert!(packet.verify_checksum());
        let icmp = Icmpv4Packet::new_checked(packet.payload()).unwrap();
        assert!(icmp.verify_checksum());
        let (from, to, dscp) = (packet.src_addr(), packet.dst_addr(), packet.dscp());
        return describe_icmp(from.into(), to.into(), dscp, packet.hop_limit(), packet.payload());
    }
    let packet = smoltcp::wire::Ipv6Packet::new_checked(bytes).unwrap();
    let (from, to, dscp) = (packet.src_addr(), packet.dst_addr(), packet.traffic_class() >> 2);
    assert!(Icmpv6Packet::new_checked(packet.payload()).unwrap().verify_checksum(&from, &to));
    describe_icmp(from.into(), to.into(), dscp, packet.hop_limit(), packet.payload())
}

fn describe_icmp(from: IpAddr, to: IpAddr, dscp: u8, ttl: u8, icmp: &[u8]) -> String {
    let target = || IpAddr::from(<[u8; 16]>::try_from(&icmp[8..24]).unwrap());
    let what = match (from.is_ipv4(), icmp[0]) {
        (false, 135) => format!("solicits {}{}", target(), option(&icmp[24..])),
        (false, 136) => {
            let flags: String =
                "RSO".chars().zip(0..).filter(|(_, i)| icmp[4] << i & 128 != 0).map(|f| f.0).collect();
            format!("advertises {} {flags}{}", target(), option(&icmp[24..]))
        }
        (_, kind) => {
            let rest = u32::from_be_bytes(icmp[4..8].try_into().unwrap());
            format!("icmp {kind}/{} {rest:x} dscp {dscp} + {}", icmp[1], icmp.len() - 8)
        }
    };
    format!("{from} > {to} ttl {ttl}: {what}")
}

fn option(bytes: &[u8]) -> String {
    match bytes {
        [] => String::new(),
        [kind, 1, mac @ ..] if *mac == ROUTER => format!(" option {kind}"),
        other => format!(" option {other:?}"),
    }
}
