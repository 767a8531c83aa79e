//! Requests of the router's own.

use std::time::Duration;

use super::*;
use crate::host::{LspOutcome, LspReply, LspRequest, LspTarget, NextHop, NotSent};
use crate::table::{Labels, Push};

const RD: [u8; 8] = [0, 0, 0xfd, 0xe8, 0, 0, 0, 1];

fn to_prefix(vrf: VrfId, net: &str) -> LspRequest {
    let target = LspTarget::Prefix { vrf, net: net.parse().unwrap(), rd: RD };
    LspRequest {
        target,
        source: None,
        ttl: 255,
        tc: None,
        dscp: 48,
        size: 0,
        alert: false,
        next: NextHop::Unasked,
        handle: 77,
        sequence: 1,
    }
}

fn to_labels(labels: &[u32], via: &str) -> LspRequest {
    let (labels, via) = (Labels::new(labels).unwrap(), ip(via));
    let target = LspTarget::Labels { labels, via, interface: None, vrf: VrfId(0) };
    LspRequest { target, ..to_prefix(VrfId(0), "0.0.0.0/0") }
}

/// [`pe`] with 10.9.0.0/16 of red behind labels 16004 and 30100, 203.0.113.0/24 of
/// the core behind 16004, and its neighbour known.
fn bench() -> Bench {
    let mut bench = pe();
    let push = |labels: &[u32], next: NhlfeId| {
        Nhlfe::Push(Push {
            labels: Labels::new(labels).unwrap(),
            next,
            model: Default::default(),
            entropy: false,
        })
    };
    bench.snapshot.nhlfes.set(10, push(&[16_004], NhlfeId(2)));
    bench.snapshot.nhlfes.set(11, push(&[30_100], NhlfeId(10)));
    let (core, red) = ("203.0.113.0/24".parse().unwrap(), "10.9.0.0/16".parse().unwrap());
    bench.snapshot.vrfs.get_mut(0).unwrap().fib4.insert(core, NhlfeId(10));
    bench.snapshot.vrfs.get_mut(1).unwrap().fib4.insert(red, NhlfeId(11));
    bench.change(|ge0| ge0.static_neighbours = Arc::new([(ip("192.0.2.9"), mac(9))]));
    assert!(bench.snapshot.set_neighbour(GE0, ip("192.0.2.9"), Some(mac(9))));
    bench.out.clear();
    bench
}

/// The labels as label, TC and TTL, and the datagram of what was sent.
fn sent(bench: &mut Bench, request: &LspRequest) -> (Vec<(u32, u8, u8)>, Vec<u8>) {
    bench.host.lsp_ping(request, bench.now, &bench.snapshot, &mut bench.out);
    let Some(Action::Transmit(frame)) = bench.out.first() else { panic!("{:?}", bench.out) };
    // Straight to the neighbour, of MPLS.
    assert_eq!((&frame.bytes()[..6], &frame.bytes()[12..14]), (&mac(9)[..], &[0x88, 0x47][..]));
    assert_eq!(frame.meta().class, crate::class::TrafficClass::Control);
    let (mut rest, mut labels) = (&frame.bytes()[14..], Vec::new());
    loop {
        let entry;
        (entry, rest) = LabelStackEntry::parse(rest).unwrap();
        labels.push((entry.label(), entry.tc(), entry.ttl()));
        if entry.bottom() {
            return (labels, rest.to_vec());
        }
    }
}

fn pong(bench: &mut Bench) -> LspReply {
    let pong = bench.out.iter().find_map(|action| match action {
        Action::LspPong(reply) => Some(LspReply::clone(reply)),
        _ => None,
    });
    pong.unwrap_or_else(|| panic!("{:?}", bench.out))
}

fn not_sent(bench: &mut Bench, request: &LspRequest) -> NotSent {
    bench.out.clear();
    bench.host.lsp_ping(request, bench.now, &bench.snapshot, &mut bench.out);
    let LspOutcome::NotSent(why) = pong(bench).outcome else { panic!("{:?}", bench.out) };
    why
}

#[test]
fn a_request_for_a_vpn_prefix_goes_under_both_labels_and_no_farther() {
    let (labels, datagram) = sent(&mut bench(), &to_prefix(RED, "10.9.1.0/24"));
    // The innermost ends at the egress (RFC 8029 section 4.3).
    assert_eq!(labels, [(16_004, 6, 255), (30_100, 6, 1)]);
    let packet = Ipv4Packet::new_checked(&datagram[..]).unwrap();
    assert!(packet.verify_checksum() && packet.dont_frag());
    // From the core, where replies are routed; TTL 1; router alert.
    assert_eq!((packet.src_addr().into(), packet.dst_addr().into()), (ip("192.0.2.1"), ip("127.0.0.1")));
    assert_eq!((packet.hop_limit(), packet.dscp(), &datagram[20..24]), (1, 48, &[0x94, 4, 0, 0][..]));
    let (udp, rest) = UdpHeader::parse(packet.payload()).unwrap();
    assert_eq!((udp.ports.source.get(), udp.ports.destination.get()), (3503, 3503));
    let (header, body) = EchoHeader::parse(rest).unwrap();
    assert_eq!((header.kind, header.reply_mode, header.handle.get(), header.sequence.get()), (1, 2, 77, 1));
    // The route's prefix is what is tested.
    assert_eq!(Contents::read(body).unwrap(), of(&[Fec::Vpn(RD, "10.9.0.0/16".parse().unwrap())]));
}

#[test]
fn other_lsps_keep_the_ttl_on_every_label() {
    let request = LspRequest { ttl: 3, tc: Some(2), ..to_prefix(VrfId(0), "203.0.113.7/32") };
    let (labels, _) = sent(&mut bench(), &request);
    assert_eq!(labels, [(16_004, 2, 3)]);
    let (labels, datagram) = sent(&mut bench(), &to_labels(&[500, 501, 502], "192.0.2.9"));
    assert_eq!(labels, [(500, 6, 255), (501, 6, 255), (502, 6, 255)]);
    assert_eq!(Contents::read(&datagram[24 + 8 + 32..]).unwrap(), of(&[Fec::Nil(502)]));
}

#[test]
fn the_reply_gives_the_time_it_took() {
    let mut bench = bench();
    bench.now = Time(1_000);
    let (_, datagram) = sent(&mut bench, &to_prefix(RED, "10.9.0.0/16"));
    bench.out.clear();
    let mut reply = datagram[24 + 8..24 + 8 + 32].to_vec();
    (reply[4], reply[6], reply[7]) = (kind::REPLY, 3, 1);
    let arrived = |to: &str, echo: &[u8]| {
        let mut udp = vec![0; 8];
        UdpHeader::new(3503, 3503, echo.len() as u16).emit(&mut udp).unwrap();
        udp.extend(echo);
        UdpHeader::fill_checksum(&mut udp, ip("192.0.2.77"), ip(to)).unwrap();
        eth(ROUTER, mac(9), 0x0800, &ipv4("192.0.2.77", to, 17, &udp))
    };
    bench.now = Time(251_000);
    // One with another handle, sequence number or time sent is nobody's.
    for at in [11, 15, 20] {
        let mut other = reply.clone();
        other[at] ^= 1;
        bench.receive(&arrived("192.0.2.1", &other), PuntReason::Local);
        assert_eq!(bench.told(), ["drop local-unknown"]);
    }
    bench.receive(&arrived("192.0.2.1", &reply), PuntReason::Local);
    let pong = pong(&mut bench);
    assert_eq!((pong.handle, pong.sequence, pong.rtt), (77, 1, Duration::from_micros(250)));
    assert_eq!(pong.sent.unwrap().labels, [16_004, 30_100]);
    let LspOutcome::Answer { from, code, subcode, contents } = pong.outcome else { panic!() };
    assert_eq!((from, code, subcode), (ip("192.0.2.77"), ReturnCode::EGRESS, 1));
    assert_eq!(contents, Contents::default());
    // Once.
    bench.out.clear();
    bench.receive(&arrived("192.0.2.1", &reply), PuntReason::Local);
    assert_eq!(bench.told(), ["drop local-unknown"]);
}

#[test]
fn a_trace_says_where_the_request_is_to_arrive() {
    let own = LspRequest { next: NextHop::Own, ..to_prefix(RED, "10.9.0.0/16") };
    let (_, datagram) = sent(&mut bench(), &own);
    let contents = Contents::read(&datagram[24 + 8 + 32..]).unwrap();
    let [mapping] = &contents.mappings[..] else { panic!("{contents:?}") };
    assert_eq!(mapping.link, Link::Numbered(ip("192.0.2.9"), ip("192.0.2.9")));
    assert_eq!((mapping.mtu, mapping.wants_arrival), (1500, true));
    assert_eq!(mapping.labels.iter().map(|l| l.entry.label()).collect::<Vec<_>>(), [16_004, 30_100]);
    // What a router said is repeated to the next, its codes left out.
    let said = Mapping { code: ReturnCode::SWITCHED, subcode: 2, ..mapping.clone() };
    let next = LspRequest { next: NextHop::Said(said), ..own.clone() };
    let (_, datagram) = sent(&mut bench(), &next);
    assert_eq!(Contents::read(&datagram[24 + 8 + 32..]).unwrap().mappings[..], contents.mappings[..]);
    let (_, datagram) = sent(&mut bench(), &LspRequest { next: NextHop::Any, ..own });
    assert!(Contents::read(&datagram[24 + 8 + 32..]).unwrap().mappings[0].link.is_any());
}

#[test]
fn a_size_is_met_and_the_mtu_kept() {
    for (size, long) in [(1492, 1492), (1490, 1488), (10, 88), (92, 88), (96, 96)] {
        let (_, datagram) = sent(&mut bench(), &LspRequest { size, ..to_prefix(RED, "10.9.0.0/16") });
        assert_eq!(datagram.len(), long, "{size}");
    }
    // 1,496 bytes and two labels.
    let long = LspRequest { size: 1496, ..to_prefix(RED, "10.9.0.0/16") };
    let mut bench = bench();
    assert_eq!(not_sent(&mut bench, &long), NotSent::TooLong);
    assert_eq!(bench.host.available(), 64);
    bench.change(|ge0| ge0.mpls_mtu = 1504);
    assert_eq!(
        sent(
            &mut {
                bench.out.clear();
                bench
            },
            &long
        )
        .1
        .len(),
        1496
    );
}

#[test]
fn what_cannot_be_sent_is_said_at_once() {
    let mut bench = bench();
    assert_eq!(not_sent(&mut bench, &to_prefix(VrfId(0), "8.8.8.8/32")), NotSent::NoRoute);
    assert_eq!(not_sent(&mut bench, &to_prefix(VrfId(5), "8.8.8.8/32")), NotSent::NoRoute);
    assert_eq!(not_sent(&mut bench, &to_labels(&[500], "8.8.8.8")), NotSent::NoRoute);
    assert_eq!(not_sent(&mut bench, &to_labels(&[500], "fe80::9")), NotSent::NoRoute);
    assert_eq!(not_sent(&mut bench, &to_prefix(RED, "10.1.0.0/16")), NotSent::NoLabels);
    let foreign = LspRequest { source: Some(ip("198.51.100.1")), ..to_prefix(RED, "10.9.0.0/16") };
    assert_eq!(not_sent(&mut bench, &foreign), NotSent::NoSource);
    bench.change(|ge0| ge0.mpls = false);
    assert_eq!(not_sent(&mut bench, &to_prefix(RED, "10.9.0.0/16")), NotSent::NoMpls);
}

#[test]
fn a_neighbour_that_does_not_answer_is_said_too() {
    let mut bench = bench();
    bench.host.lsp_ping(&to_labels(&[500], "192.0.2.50"), bench.now, &bench.snapshot, &mut bench.out);
    assert_eq!(bench.told(), ["to all: who-has 192.0.2.50 tell 192.0.2.1"]);
    assert_eq!(bench.host.held(), 0);
    bench.run(secs(4));
    assert_eq!(pong(&mut bench).outcome, LspOutcome::NotSent(NotSent::NoNeighbour));
}
