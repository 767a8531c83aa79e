//! Whatever is punted, with whatever meta: nothing panics, and every frame is
//! in exactly one place.

use proptest::prelude::*;

use super::*;

/// Bytes that are often nearly right.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 14..200);
    let payload = prop::collection::vec(any::<u8>(), 0..100);
    let host = 0..12u8;
    let four = (host.clone(), 0..12u8, 0..20u8, payload.clone()).prop_map(|(from, to, protocol, payload)| {
        let datagram = ipv4(&format!("192.0.2.{from}"), &format!("192.0.2.{to}"), protocol, &payload);
        eth(ROUTER, mac(from), 0x0800, &datagram)
    });
    let icmp = (host.clone(), 0..20u8, 0..16u8, payload.clone()).prop_map(|(from, kind, code, data)| {
        let message = icmp4(kind, code, [0, 7, 0, 1], &data);
        eth(ROUTER, mac(from), 0x0800, &ipv4(&format!("192.0.2.{from}"), "192.0.2.1", 1, &message))
    });
    let six =
        (host.clone(), 128..140u8, 250..=255u8, payload.clone()).prop_map(|(from, kind, hops, data)| {
            let message = [&[kind, 0, 0, 0][..], &data].concat();
            eth(
                ROUTER,
                mac(from),
                0x86dd,
                &ipv6(&format!("2001:db8::{from:x}"), "2001:db8::1", 58, hops, &message),
            )
        });
    let nd = (host.clone(), 135..=137u8, any::<u8>(), payload).prop_map(|(from, kind, flags, option)| {
        let message = nd::nd(kind, flags, &format!("2001:db8::{from:x}"), &option);
        eth(ROUTER, mac(from), 0x86dd, &ipv6(&format!("fe80::{from:x}"), "2001:db8::1", 58, 255, &message))
    });
    let arp = (host, 0..4u8, 0..12u8).prop_map(|(from, oper, to)| {
        let message =
            [&[0, 1, 8, 0, 6, 4, 0, oper][..], &mac(from), &[192, 0, 2, from], &ROUTER, &[192, 0, 2, to]];
        eth(ROUTER, mac(from), 0x0806, &message.concat())
    });
    let stack = prop::collection::vec((0..40u32, 0..8u8, 0..3u8), 1..70);
    let mpls =
        (stack, 1..12u8, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(stack, to, payload)| {
            let datagram = ipv4("203.0.113.9", &format!("192.0.2.{to}"), to, &payload);
            labelled::labelled(&stack, &datagram)
        });
    prop_oneof![noise, four, icmp, six, nd, arp, mpls]
}

/// Reason, offsets and protocol, flags, entry.
type Facts = (usize, Option<(u16, u16, u8)>, u32, u32);

/// Meta fields as `parse` might, or might wrongly, have left them.
fn meta() -> impl Strategy<Value = Facts> {
    let offsets = (0..250u16, 0..250u16, any::<u8>());
    (0..PuntReason::COUNT, prop::option::weighted(0.2, offsets), any::<u32>(), 0..4u32)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_frame_is_in_one_place(
        frames in prop::collection::vec((frames(), meta(), 0..3_000u64), 1..40),
        line in any::<bool>(),
    ) {
        let mut bench = labelled::pe_with(|limits| {
            (limits.held_packets_per_neighbour, limits.held_packets) = (2, 5);
            limits.neighbours_per_interface = 6;
        });
        let (mut given, mut ended) = (0, 0);
        for (i, (bytes, (reason, offsets, flags, nhlfe), wait)) in frames.into_iter().enumerate() {
            bench.run(Time(bench.now.0 + wait * 1_000_000));
            let mut frame = punted_any(&bytes, PuntReason::ALL[reason]);
            let meta = frame.meta_mut();
            meta.nhlfe = NhlfeId(nhlfe);
            if let Some(offsets) = offsets {
                (meta.l3_offset, meta.l3_length, meta.protocol) = offsets;
                meta.popped = meta.protocol / 4;
                meta.flags.0 = flags;
            }
            given += 1;
            bench.host.receive(frame, bench.now, &bench.snapshot, &mut bench.out);
            if line && i % 10 == 9 {
                bench.link(i % 20 == 9);
            }
            ended += settle(&mut bench);
            prop_assert_eq!(given, ended + bench.host.held());
        }
        bench.run(Time(bench.now.0 + 3_600_000_000_000));
        ended += settle(&mut bench);
        prop_assert_eq!((given, bench.host.held(), bench.host.available()), (ended, 0, 64));
    }
}

/// `punted`, for bytes that need not be a packet of any kind.
fn punted_any(bytes: &[u8], reason: PuntReason) -> Frame {
    let (arp, four, six) = (bytes[12..14] == [8, 6], bytes.len() >= 34, bytes.len() >= 54);
    let whole = match bytes.get(14).map_or(0, |b| b >> 4) {
        _ if bytes[12..14] == [0x88, 0x47] => bytes.len() >= 18,
        4 => four,
        6 => six,
        _ => arp,
    };
    if whole {
        return punted(bytes, reason);
    }
    let mut frame = Frame::jumbo();
    frame.fill(bytes).unwrap();
    let meta = frame.meta_mut();
    (meta.in_interface, meta.vrf, meta.l3_offset) = (GE0, VrfId(0), 14);
    meta.verdict = Verdict::Punt(reason);
    frame
}

/// Does what the host asked for; gives how many received frames ended.
fn settle(bench: &mut Bench) -> usize {
    let mut ended = 0;
    for action in std::mem::take(&mut bench.out) {
        match action {
            Action::Transmit(frame) | Action::Route(frame) => bench.host.recycle(frame),
            Action::Release(frame) | Action::Drop(frame, _) | Action::Deliver(frame)
                if frame.meta().home == WorkerIndex(9) =>
            {
                bench.host.recycle(frame);
            }
            Action::Release(_) | Action::Drop(..) | Action::Deliver(_) => ended += 1,
            Action::Neighbour { interface, address, mac } => {
                assert!(bench.snapshot.set_neighbour(interface, address, mac));
            }
            Action::Warn(_) | Action::Pong(_) | Action::LspPong(_) => {}
        }
    }
    ended
}
