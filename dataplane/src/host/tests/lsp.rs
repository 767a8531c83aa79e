//! LSP ping: what is answered to a request, and to whom, on the router of
//! [`super::labelled`].

mod ask;
mod trace;

use super::labelled::{RED, exposed, labelled, pe};
use super::*;
use crate::packet::DropReason;
use crate::wire::l4::UdpHeader;
use crate::wire::lsp_ping::{
    Contents, EchoHeader, Fec, Link, MappedLabel, Mapping, ReturnCode, Signalling, flag, kind, reply_mode,
};

const TO_RED: u32 = 30_012;
const SWAPPED: u32 = 17;

/// A request of 192.0.2.9 with what `edit` makes of it.
pub(super) fn echo(edit: impl FnOnce(&mut EchoHeader), contents: &Contents) -> Vec<u8> {
    let mut header = EchoHeader {
        version: 1.into(),
        flags: 0.into(),
        kind: kind::REQUEST,
        reply_mode: reply_mode::UDP,
        code: ReturnCode::NONE,
        subcode: 0,
        handle: 0xabcd.into(),
        sequence: 3.into(),
        sent: 0x1234_5678_9abc_def0.into(),
        received: 0.into(),
    };
    edit(&mut header);
    let mut bytes = vec![0; EchoHeader::LEN];
    header.emit(&mut bytes).unwrap();
    contents.write(&mut bytes);
    bytes
}

/// UDP from port 5003 to `port`.
fn udp((from, to): (&str, &str), port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    UdpHeader::new(5003, port, payload.len() as u16).emit(&mut bytes).unwrap();
    bytes.extend(payload);
    UdpHeader::fill_checksum(&mut bytes, ip(from), ip(to)).unwrap();
    bytes
}

fn request(echo: &[u8]) -> Vec<u8> {
    ipv4("192.0.2.9", "127.0.0.1", 17, &udp(("192.0.2.9", "127.0.0.1"), 3503, echo))
}

fn of(fecs: &[Fec]) -> Contents {
    Contents { fecs: fecs.to_vec(), ..Contents::default() }
}

fn vpn(net: &str) -> Fec {
    Fec::Vpn([0, 0, 0xfd, 0xe8, 0, 0, 0, 1], net.parse().unwrap())
}

fn prefix(net: &str) -> Fec {
    Fec::Prefix(Signalling::Generic, net.parse().unwrap())
}

/// What the router does about a request under these labels, whose TTL has run out.
fn heard(bench: &mut Bench, labels: &[u32], echo: &[u8]) -> Option<(EchoHeader, Contents)> {
    let stack: Vec<_> = labels.iter().map(|label| (*label, 6, 1)).collect();
    bench.receive(&labelled(&stack, &request(echo)), PuntReason::TtlExpired);
    reply(bench)
}

/// The reply among what the router did; the request itself is consumed.
fn reply(bench: &mut Bench) -> Option<(EchoHeader, Contents)> {
    let out = std::mem::take(&mut bench.out);
    assert!(matches!(out.last(), Some(Action::Deliver(_))), "{out:?}");
    let Some(Action::Route(frame)) = out.first() else { return None };
    let upper = &frame.bytes()[usize::from(frame.bytes()[0] & 15) * 4..];
    let (udp, rest) = UdpHeader::parse(upper).unwrap();
    assert_eq!((udp.ports.source.get(), udp.ports.destination.get()), (3503, 5003));
    let (header, body) = EchoHeader::parse(rest).unwrap();
    Some((*header, Contents::read(body).unwrap()))
}

fn code(reply: Option<(EchoHeader, Contents)>) -> (ReturnCode, u8) {
    let (header, _) = reply.unwrap();
    assert_eq!(header.kind, kind::REPLY);
    (header.code, header.subcode)
}

#[test]
fn a_reply_is_a_udp_packet_back_to_the_asker() {
    let mut bench = pe();
    bench.now = Time(2_500_000_000);
    let bytes = labelled(&[(TO_RED, 6, 1)], &request(&echo(|_| {}, &of(&[vpn("10.1.0.0/16")]))));
    bench.receive(&bytes, PuntReason::TtlExpired);
    let Some(Action::Route(frame)) = bench.out.first() else { panic!("{:?}", bench.out) };
    // In the world of the interface it came in by, not of the Vrf under test.
    assert_eq!((frame.meta().vrf, frame.meta().flags.has(Flags::ORIGINATED)), (VrfId(0), true));
    let packet = Ipv4Packet::new_checked(frame.bytes()).unwrap();
    assert!(packet.verify_checksum());
    // The DSCP of the request: a class is tested by it.
    assert_eq!((packet.header_len(), packet.hop_limit(), packet.dscp()), (20, 255, 46));
    assert_eq!((packet.src_addr().into(), packet.dst_addr().into()), (ip("192.0.2.1"), ip("192.0.2.9")));
    let udp = smoltcp::wire::UdpPacket::new_checked(packet.payload()).unwrap();
    assert!(udp.verify_checksum(&packet.src_addr().into(), &packet.dst_addr().into()));
    // | 1 | no flags | reply, mode 2, egress, depth 1 | handle | sequence | as sent | 2.5 s |
    assert_eq!(
        udp.payload(),
        [
            &[0, 1, 0, 0, 2, 2, 3, 1, 0, 0, 0xab, 0xcd, 0, 0, 0, 3][..],
            &[0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0, 0, 0, 2, 0x80, 0, 0, 0],
        ]
        .concat()
    );
}

#[test]
fn at_an_egress_each_fec_is_checked_from_the_bottom() {
    use ReturnCode as Code;
    for (case, labels, fecs, answer) in [
        ("a VPN's prefix", &[TO_RED][..], &[vpn("10.1.0.0/16")][..], (Code::EGRESS, 1)),
        ("a prefix its Vrf has not", &[TO_RED], &[vpn("172.16.0.0/16")], (Code::NO_MAPPING, 1)),
        ("a VPN's prefix under no label of it", &[0], &[vpn("10.1.0.0/16")], (Code::OTHER_LABEL, 1)),
        ("the label of a site", &[30_013], &[vpn("10.1.0.0/16")], (Code::EGRESS, 1)),
        ("the router's own address", &[0], &[prefix("192.0.2.1/32")], (Code::EGRESS, 1)),
        ("no prefix of the core", &[0], &[prefix("10.1.0.0/16")], (Code::NO_MAPPING, 1)),
        ("both", &[0, TO_RED], &[prefix("192.0.2.1/32"), vpn("10.1.0.0/16")], (Code::EGRESS, 1)),
        (
            "the outer one not",
            &[0, TO_RED],
            &[prefix("10.9.0.0/16"), vpn("10.1.0.0/16")],
            (Code::NO_MAPPING, 2),
        ),
        ("hidden", &[0, TO_RED], &[Fec::Nil(5), vpn("172.16.0.0/16")], (Code::EGRESS, 1)),
        ("an explicit null", &[TO_RED, 0], &[prefix("192.0.2.1/32"), Fec::Nil(0)], (Code::NO_ENTRY, 2)),
        ("no entry", &[999], &[prefix("192.0.2.1/32")], (Code::NO_ENTRY, 1)),
        ("no entry below", &[0, 999], &[prefix("192.0.2.1/32")], (Code::NO_ENTRY, 1)),
        ("labels below a Vrf's", &[TO_RED, SWAPPED], &[vpn("10.1.0.0/16")], (Code::NO_ENTRY, 2)),
        ("an entropy label above", &[7, 777, TO_RED], &[vpn("10.1.0.0/16")], (Code::EGRESS, 1)),
        ("one of RSVP", &[0], &[Fec::Foreign(3)], (Code::NO_MAPPING, 1)),
    ] {
        let mut bench = pe();
        let table = &mut bench.snapshot.vrfs.get_mut(0).unwrap().fib4;
        table.insert("192.0.2.0/24".parse().unwrap(), NhlfeId(0));
        let mut contents = of(fecs);
        if fecs == [Fec::Foreign(3)] {
            contents.fecs.clear();
        }
        let mut bytes = echo(|_| {}, &contents);
        if fecs == [Fec::Foreign(3)] {
            bytes.extend([0, 1, 0, 24, 0, 3, 0, 20]);
            bytes.extend([0; 20]);
        }
        assert_eq!(code(heard(&mut bench, labels, &bytes)), answer, "{case}");
    }
}

#[test]
fn a_prefix_that_goes_on_under_labels_does_not_end_here() {
    let mut bench = pe();
    let labels = crate::table::Labels::new(&[24]).unwrap();
    let push = crate::table::Push { labels, next: NhlfeId(2), model: Default::default(), entropy: false };
    let far = NhlfeId(bench.snapshot.nhlfes.insert(Nhlfe::Push(push)) as u32);
    bench.snapshot.vrfs.get_mut(1).unwrap().fib4.insert("10.9.0.0/16".parse().unwrap(), far);
    let bytes = echo(|_| {}, &of(&[vpn("10.9.0.0/16")]));
    assert_eq!(code(heard(&mut bench, &[TO_RED], &bytes)), (ReturnCode::NO_MAPPING, 1));
}

#[test]
fn a_label_that_is_switched_says_so() {
    let bytes = echo(|_| {}, &of(&[vpn("10.1.0.0/16")]));
    assert_eq!(code(heard(&mut pe(), &[SWAPPED], &bytes)), (ReturnCode::SWITCHED, 1));
    assert_eq!(code(heard(&mut pe(), &[SWAPPED, 99], &bytes)), (ReturnCode::SWITCHED, 2));
    assert_eq!(code(heard(&mut pe(), &[0, SWAPPED, 99], &bytes)), (ReturnCode::SWITCHED, 2));
    // Where no labels go (RFC 8029 section 4.4 step 4).
    let mut bench = pe();
    bench.snapshot.nhlfes.set(4, Nhlfe::Swap(crate::table::Swap { label: 21, next: NhlfeId(3) }));
    assert_eq!(code(heard(&mut bench, &[SWAPPED], &bytes)), (ReturnCode::NOT_FORWARDED, 1));
}

#[test]
fn requests_are_heard_with_all_labels_off_and_under_router_alert() {
    let bytes = request(&echo(|_| {}, &of(&[vpn("10.1.0.0/16")])));
    let mut bench = pe();
    let frame = exposed(&labelled(&[(TO_RED, 6, 200)], &bytes), 1, RED, PuntReason::LspPing);
    bench.host.receive(frame, bench.now, &bench.snapshot, &mut bench.out);
    assert_eq!(code(reply(&mut bench)), (ReturnCode::EGRESS, 1));
    bench.receive(&labelled(&[(1, 6, 200), (TO_RED, 6, 200)], &bytes), PuntReason::LspPing);
    assert_eq!(code(reply(&mut bench)), (ReturnCode::EGRESS, 1));
    // The penultimate hop took the only label off.
    let bytes = request(&echo(|_| {}, &of(&[prefix("192.0.2.1/32")])));
    bench.snapshot.vrfs.get_mut(0).unwrap().fib4.insert("192.0.2.0/24".parse().unwrap(), NhlfeId(0));
    bench.receive(&eth(ROUTER, mac(9), 0x0800, &bytes), PuntReason::LspPing);
    assert_eq!(code(reply(&mut bench)), (ReturnCode::EGRESS, 1));
}

#[test]
fn a_request_in_ipv6_is_answered_in_ipv6() {
    let (from, to) = ("2001:db8::9", "::ffff:127.0.0.1");
    let echo = echo(|h| h.reply_mode = reply_mode::ALERT, &of(&[vpn("10.1.0.0/16")]));
    let bytes = ipv6(from, to, 17, 1, &udp((from, to), 3503, &echo));
    let mut bench = pe();
    bench.receive(&labelled(&[(TO_RED, 6, 1)], &bytes), PuntReason::TtlExpired);
    let Some(Action::Route(frame)) = bench.out.first() else { panic!("{:?}", bench.out) };
    let bytes = frame.bytes();
    // Hop-by-hop options: UDP next, router alert 69, padding (RFC 7506).
    assert_eq!((bytes[6], bytes[7], &bytes[40..48]), (0, 255, &[17, 0, 5, 2, 0, 69, 1, 0][..]));
    let udp = smoltcp::wire::UdpPacket::new_checked(&bytes[48..]).unwrap();
    assert!(udp.verify_checksum(&ip("2001:db8::1").into(), &ip(from).into()));
    assert_eq!(udp.payload()[4..8], [2, 3, 3, 1]);
}

#[test]
fn the_reply_mode_says_whether_and_how() {
    let bytes = |mode: u8| echo(|h| h.reply_mode = mode, &of(&[vpn("10.1.0.0/16")]));
    assert!(heard(&mut pe(), &[TO_RED], &bytes(reply_mode::NONE)).is_none());
    let mut bench = pe();
    bench.receive(&labelled(&[(TO_RED, 6, 1)], &request(&bytes(reply_mode::ALERT))), PuntReason::TtlExpired);
    let Some(Action::Route(frame)) = bench.out.first() else { panic!("{:?}", bench.out) };
    // IPv4 router alert, value 0 (RFC 2113).
    assert_eq!((frame.bytes()[0], &frame.bytes()[20..24]), (0x46, &[0x94, 4, 0, 0][..]));
    assert_eq!(code(reply(&mut bench)), (ReturnCode::EGRESS, 1));
    for mode in [0, 4, 5] {
        bench.receive(&labelled(&[(TO_RED, 6, 1)], &request(&bytes(mode))), PuntReason::TtlExpired);
        assert_eq!(bench.told(), [format!("drop {}", DropReason::LocalUnknown)], "mode {mode}");
    }
}

#[test]
fn respond_only_if_expired_is_heeded() {
    let bytes = request(&echo(|h| h.flags = flag::RESPOND_IF_EXPIRED.into(), &of(&[vpn("10.1.0.0/16")])));
    for (ttl, answers) in [(1, true), (2, false)] {
        let mut bench = pe();
        let frame = exposed(&labelled(&[(TO_RED, 6, ttl)], &bytes), 1, RED, PuntReason::LspPing);
        bench.host.receive(frame, bench.now, &bench.snapshot, &mut bench.out);
        assert_eq!(reply(&mut bench).is_some(), answers);
    }
}

#[test]
fn what_router_alert_shows_and_another_is_to_answer_goes_on() {
    let ask = |mode: u8, flags: u16| {
        echo(|h| (h.reply_mode, h.flags) = (mode, flags.into()), &of(&[vpn("10.1.0.0/16")]))
    };
    let (none, udp, only_expired) = (reply_mode::NONE, reply_mode::UDP, flag::RESPOND_IF_EXPIRED);
    for (ttl, mode, flags, goes_on) in [
        (200, none, 0, true),
        (200, udp, only_expired, true),
        (1, udp, only_expired, false),
        (200, udp, 0, false),
    ] {
        let mut bench = pe();
        let bytes = labelled(&[(1, 6, ttl), (SWAPPED, 6, 200)], &request(&ask(mode, flags)));
        bench.receive(&bytes, PuntReason::LspPing);
        let gone = matches!(&bench.out[..], [Action::Release(f)] if f.meta().flags.has(Flags::HEARD));
        assert_eq!(gone, goes_on, "{ttl} {mode} {flags}: {:?}", bench.out);
    }
}

#[test]
fn malformed_requests_and_tlvs_not_understood_are_told_so() {
    let fec = of(&[vpn("10.1.0.0/16")]);
    let good = echo(|_| {}, &fec);
    let malformed = [
        ("another version", echo(|h| h.version = 2.into(), &fec)),
        ("no FEC", echo(|_| {}, &Contents::default())),
        ("a TLV cut short", [&good[..], &[0, 1, 0]].concat()),
        ("two FEC stacks", [&good[..], &good[32..]].concat()),
    ];
    for (case, bytes) in malformed {
        let (header, contents) = heard(&mut pe(), &[TO_RED], &bytes).unwrap();
        assert_eq!((header.code, header.subcode), (ReturnCode::MALFORMED, 0), "{case}");
        assert_eq!((header.handle.get(), contents), (0xabcd, Contents::default()), "{case}");
    }
    let strange = [0, 99, 0, 2, 9, 9, 0, 0];
    let (header, contents) = heard(&mut pe(), &[TO_RED], &[&good[..], &strange].concat()).unwrap();
    assert_eq!((header.code, header.subcode), (ReturnCode::NOT_UNDERSTOOD, 0));
    assert_eq!(contents.errored, strange);
    // Optional ones are passed over.
    let bytes = [&good[..], &[0x80, 99, 0, 2, 9, 9, 0, 0]].concat();
    assert_eq!(code(heard(&mut pe(), &[TO_RED], &bytes)), (ReturnCode::EGRESS, 1));
}

#[test]
fn padding_is_copied_or_dropped_and_the_type_of_service_is_as_asked() {
    for (octet, copied) in [(Contents::COPY_PAD, true), (Contents::DROP_PAD, false)] {
        let pad = vec![octet; 21];
        let contents =
            Contents { pad: Some(pad.clone()), reply_tos: Some(0x28), ..of(&[vpn("10.1.0.0/16")]) };
        let mut bench = pe();
        let bytes = request(&echo(|_| {}, &contents));
        bench.receive(&labelled(&[(TO_RED, 6, 1)], &bytes), PuntReason::TtlExpired);
        let Some(Action::Route(frame)) = bench.out.first() else { panic!("{:?}", bench.out) };
        assert_eq!(frame.bytes()[1], 0x28);
        let (_, said) = reply(&mut bench).unwrap();
        assert_eq!((said.pad, said.reply_tos), (copied.then_some(pad), None));
    }
}

#[test]
fn what_is_no_request_is_refused_by_name() {
    let good = echo(|_| {}, &of(&[vpn("10.1.0.0/16")]));
    let mut wrong_sum = request(&good);
    wrong_sum[26] ^= 1;
    let reply = echo(|h| h.kind = kind::REPLY, &of(&[vpn("10.1.0.0/16")]));
    for (case, datagram, drop) in [
        ("a wrong checksum", wrong_sum, DropReason::LocalMalformed),
        ("shorter than its header", request(&good[..31]), DropReason::LocalMalformed),
        ("a reply", request(&reply), DropReason::LocalUnknown),
        (
            "from nobody",
            ipv4("0.0.0.0", "127.0.0.1", 17, &udp(("0.0.0.0", "127.0.0.1"), 3503, &good)),
            DropReason::LocalUnknown,
        ),
    ] {
        let mut bench = pe();
        bench.receive(&labelled(&[(TO_RED, 6, 1)], &datagram), PuntReason::TtlExpired);
        assert_eq!(bench.told(), [format!("drop {drop}")], "{case}");
    }
    // To another port or another address it is a packet like any other.
    for (to, port) in [("127.0.0.1", 3504), ("10.1.0.9", 3503)] {
        let mut bench = pe();
        let datagram = ipv4("10.1.0.7", to, 17, &udp(("10.1.0.7", to), port, &good));
        bench.receive(&labelled(&[(TO_RED, 6, 1)], &datagram), PuntReason::TtlExpired);
        assert_eq!(bench.told().last().unwrap(), "drop ttl-expired");
        let frame = exposed(&labelled(&[(TO_RED, 6, 9)], &datagram), 1, RED, PuntReason::LspPing);
        bench.host.receive(frame, bench.now, &bench.snapshot, &mut bench.out);
        assert_eq!(bench.told(), ["drop local-unknown"]);
    }
    // And not on an interface without MPLS.
    let mut bench = pe();
    bench.change(|ge0| ge0.mpls = false);
    bench.receive(&labelled(&[(TO_RED, 6, 1)], &request(&good)), PuntReason::TtlExpired);
    assert_eq!(bench.told(), ["drop mpls-disabled"]);
}

#[test]
fn replies_are_rate_limited() {
    let mut bench = labelled::pe_with(|limits| {
        (limits.dad_probes, limits.announcements, limits.echo_replies_per_second) = (0, 0, 20);
    });
    let bytes = echo(|_| {}, &of(&[vpn("10.1.0.0/16")]));
    let answered = (0..30).filter(|_| heard(&mut bench, &[TO_RED], &bytes).is_some()).count();
    assert_eq!((answered, bench.host.counters().lsp_replies), (10, 10));
    assert_eq!(bench.host.counters().echo_replies_limited, 20);
}
