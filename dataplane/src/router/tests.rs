//! The whole way through, by hand: two hosts, an ARP exchange, a packet forwarded.

mod lent;

use std::sync::Arc;

use super::*;
use crate::class::ClassMap;
use crate::id::{IfIndex, NhlfeId, VrfId};
use crate::packet::BATCH;
use crate::port::{Loopback, LoopbackEnd};
use crate::qos::{Cells, InterfaceQos, ShaperSpec};
use crate::table::{Interface, InterfaceAddress, Nhlfe, PortDemux, PortSpec, VlanMatch, Vrf};

const HOST: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 0xa], [2, 0, 0, 0, 0, 0xb]];
const MAC: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 0x10], [2, 0, 0, 0, 0, 0x11]];

/// Two interfaces, 10.0.0.1/24 and 10.0.1.1/24, in the default Vrf.
fn tables(snapshot: &mut Snapshot) {
    let mut vrf = Vrf::new(VrfId(0), "default");
    for n in 0..2u8 {
        let net = ipnet::Ipv4Net::new([10, 0, n, 1].into(), 24).unwrap();
        let id = IfIndex(u32::from(n));
        let demux = PortDemux::new([(VlanMatch::Untagged, id)]);
        let port = PortSpec {
            id: PortIndex(n.into()),
            name: format!("p{n}").into(),
            rate: 0,
            burst: 0,
            demux,
            trees: None,
        };
        snapshot.ports.set(n.into(), Arc::new(port));
        let interface = Interface {
            id,
            name: format!("ge{n}").into(),
            port: PortIndex(n.into()),
            vlan: VlanMatch::Untagged,
            vrf: VrfId(0),
            mac: MAC[usize::from(n)],
            mtu: 1500,
            addresses: [InterfaceAddress { net: net.into() }].into(),
            mpls: false,
            mpls_mtu: 1500,
            tc_map: Arc::default(),
            marks: Arc::default(),
            enabled: true,
            class_map: Arc::new(ClassMap::default()),
            qos: Arc::default(),
            neighbours: Arc::default(),
            static_neighbours: Arc::new([]),
        };
        snapshot.interfaces.set(id.index(), Arc::new(interface));
        let glean = snapshot.nhlfes.insert(Nhlfe::Glean(id));
        vrf.fib4.insert(net.trunc(), NhlfeId(glean as u32));
        let local = snapshot.nhlfes.insert(Nhlfe::Local);
        vrf.fib4.insert(ipnet::Ipv4Net::new(net.addr(), 32).unwrap(), NhlfeId(local as u32));
    }
    snapshot.vrfs.set(0, vrf);
    Arc::make_mut(&mut snapshot.limits).dad_probes = 0;
    Arc::make_mut(&mut snapshot.limits).announcements = 0;
}

fn router(workers: usize) -> (Router, [LoopbackEnd; 2]) {
    let mut router = Router::new(Size { workers, buffers: 64, ..Size::default() }).unwrap();
    let edit = |s: &mut Snapshot| {
        tables(s);
        Ok::<_, ()>(())
    };
    router.handle().commit(edit).unwrap();
    let ends = [0, 1].map(|n| {
        let (port, end) = Loopback::new(1000);
        router.add_port(PortIndex(n), vec![AnyPort::Loopback(port)]);
        end
    });
    router.step(Time(1_000_000_000));
    (router, ends)
}

/// 10.0.0.9 → 10.0.1.9, UDP, as host A sends it.
fn packet() -> Vec<u8> {
    let mut frame = [MAC[0], HOST[0]].concat();
    frame.extend([0x08, 0x00, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 9, 10, 0, 1, 9]);
    let sum = crate::wire::checksum::checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend([0x13, 0x88, 0x13, 0x88, 0, 12, 0, 0, 1, 2, 3, 4]);
    frame
}

/// Host B's answer to the router's question for 10.0.1.9.
fn arp_reply() -> Vec<u8> {
    let mut frame = [MAC[1], HOST[1]].concat();
    frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2]);
    frame.extend([&HOST[1][..], &[10, 0, 1, 9], &MAC[1][..], &[10, 0, 1, 1]].concat());
    frame
}

fn forwards(workers: usize) {
    let (mut router, [a, b]) = router(workers);
    let mut now = 2_000_000_000;
    assert!(a.send(Time(now), &packet()));
    router.step(Time(now));
    let (_, question) = b.receive().expect("an ARP request");
    assert_eq!((&question[..6], &question[12..14]), (&[0xff; 6][..], &[0x08, 0x06][..]));
    assert_eq!(&question[38..42], [10, 0, 1, 9]);
    assert_eq!(router.held(), 1);
    assert!(b.send(Time(now), &arp_reply()));
    router.step(Time(now));
    // The held packet, then ten more without a question.
    for n in 0..11 {
        let (_, got) = b.receive().unwrap_or_else(|| panic!("packet {n}: {:?}", router.handle().totals()));
        assert_eq!((&got[..6], &got[6..12]), (&HOST[1][..], &MAC[1][..]));
        assert_eq!(got[22], 63, "TTL");
        assert_eq!(crate::wire::checksum::checksum(&got[14..34]), 0);
        now += 1_000_000;
        assert!(a.send(Time(now), &packet()));
        router.step(Time(now));
    }
    let totals = router.handle().totals();
    assert_eq!(totals.unaccounted(), router.held() as i64, "{totals:?}");
    assert_eq!((totals.dropped(), totals.delivered, totals.received), (0, 1, 13));
    // Several times the buffers that there are, all one way; then each worker has as many as at first.
    for _ in 0..300 {
        now += 1_000_000;
        assert!(a.send(Time(now), &packet()));
        router.step(Time(now));
    }
    now += 40_000_000;
    router.step(Time(now));
    assert_eq!((router.handle().totals().dropped(), router.held()), (0, 0));
    let answers = router.handle().status();
    router.step(Time(now));
    let pools: Vec<_> = answers.try_iter().map(|status| status.pool).collect();
    assert_eq!(pools, vec![(64, 64); workers]);
}

#[test]
fn one_worker_resolves_and_forwards() {
    forwards(1);
}

#[test]
fn two_workers_hand_over_and_keep_as_many_buffers() {
    forwards(2);
}

/// A batch by each of two queues of one port, all for the other, whose interface is asked for `qos`; the worker's last
/// turn was `unseen` nanoseconds before. The last of each are at the end of their way here, where `some_end`. Which
/// flows left in the turn, in order.
fn two_batches(qos: InterfaceQos, unseen: u64, some_end: bool) -> Vec<usize> {
    let mut router = Router::new(Size { workers: 1, buffers: 4096, ..Size::default() }).unwrap();
    let edit = |s: &mut Snapshot| {
        tables(s);
        Arc::make_mut(s.interfaces.get_mut(1).unwrap()).qos = Arc::new(qos);
        Ok::<_, ()>(())
    };
    router.handle().commit(edit).unwrap();
    let [(first, a), (second, also_a), (out, b)] = [(); 3].map(|()| Loopback::new(1000));
    router.add_port(PortIndex(0), vec![AnyPort::Loopback(first), AnyPort::Loopback(second)]);
    router.add_port(PortIndex(1), vec![AnyPort::Loopback(out)]);
    router.step(Time(1_000_000_000));
    let now = Time(2_000_000_000);
    assert!(a.send(now, &packet()));
    router.step(now);
    assert!(b.send(now, &arp_reply()));
    router.step(now);
    // A rate may have made the packet wait for the question before it.
    router.step(Time(2_000_500_000));
    b.discard();
    // Each by another port, the same flows by both queues.
    let flow = |n: usize| {
        let mut packet = packet();
        packet[35] = n as u8;
        if some_end && n + 1 == BATCH {
            packet[22] = 1;
            packet[24..26].fill(0);
            let sum = crate::wire::checksum::checksum(&packet[14..34]);
            packet[24..26].copy_from_slice(&sum.to_be_bytes());
        }
        packet
    };
    let now = Time(2_001_000_000);
    for n in 0..BATCH {
        assert!(a.send(now, &flow(n)) && also_a.send(now, &flow(n)));
    }
    let worker = &mut router.workers_mut()[0];
    worker.begin_turn(Time(now.0 - unseen), now);
    worker.poll(now);
    let left: Vec<_> = std::iter::from_fn(|| b.receive()).map(|(_, bytes)| usize::from(bytes[35])).collect();
    assert_eq!(left.len() + router.held() + if some_end { 2 } else { 0 }, 2 * BATCH);
    left
}

#[test]
fn what_comes_by_several_queues_for_one_port_leaves_in_the_same_turn() {
    // In order of arrival: nothing waited for the turn of its flow.
    let came: Vec<_> = (0..BATCH).chain(0..BATCH).collect();
    assert_eq!(two_batches(InterfaceQos::default(), 0, false), came);
    // So too where its rate had time for all of it, since there was a turn last.
    let shaper = ShaperSpec { rate: 10_000_000_000, burst: 1_000_000, overhead: 24, cells: Cells::None };
    let shaped = || InterfaceQos { shaper: Some(shaper), ..InterfaceQos::default() };
    assert_eq!(two_batches(shaped(), 20_000, false), came);
    assert_eq!(two_batches(shaped(), 0, false), [0]);
    // And where not all of them go on, so that each is looked at.
    let onward: Vec<_> = (0..BATCH - 1).chain(0..BATCH - 1).collect();
    assert_eq!(two_batches(InterfaceQos::default(), 0, true), onward);
}

#[test]
fn a_line_that_goes_down_takes_its_neighbours_with_it() {
    let (mut router, [a, b]) = router(2);
    let mut now = 2_000_000_000;
    a.send(Time(now), &packet());
    router.step(Time(now));
    b.send(Time(now), &arp_reply());
    router.step(Time(now));
    while b.receive().is_some() {}
    let known = |router: &Router| {
        let snapshot = router.handle().snapshot();
        let id = snapshot.interface(IfIndex(1)).unwrap().neighbours.get(&[10, 0, 1, 9].into()).copied();
        id.and_then(|id| snapshot.adjacency(id)).is_some_and(|a| a.header().is_some())
    };
    assert!(known(&router));
    b.set_up(false);
    now += 100_000_000;
    router.step(Time(now));
    assert!(!known(&router));
    // What leaves by it now ends with its name, once the slow path has given up.
    a.send(Time(now), &packet());
    for _ in 0..20 {
        now += 1_000_000_000;
        router.step(Time(now));
    }
    let totals = router.handle().totals();
    assert_eq!((totals.unaccounted(), router.held()), (0, 0), "{totals:?}");
    assert!(totals.dropped() >= 1, "{totals:?}");
}

#[test]
fn threads_forward_and_stop() {
    let (mut router, [a, b]) = router(2);
    router.step(Time(1_500_000_000));
    let mut running =
        Some(router.start(Options { mode: PollMode::Interrupt, ..Options::default() }).unwrap());
    let handle = running.as_ref().unwrap().handle().clone();
    assert!(
        handle
            .commit(|s| Ok::<_, ()>(s.set_neighbour(IfIndex(1), [10, 0, 1, 9].into(), Some(HOST[1]))))
            .unwrap()
    );
    let mut received = 0;
    for _ in 0..500 {
        a.send(Time(0), &packet());
        received += usize::from(b.receive().is_some());
        if received >= 10 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(received >= 10, "{:?}", handle.totals());
    let status = handle.collect(&handle.status(), std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(status.len(), 2);
    running.take().unwrap().stop();
    assert_eq!(handle.totals().unaccounted(), 0, "{:?}", handle.totals());
}

#[test]
fn pinned_workers_are_real_time_where_one_that_is_not_pinned_may_be() {
    let real_time = |workers: usize, cores: &[usize]| -> Vec<bool> {
        let router = Router::new(Size { workers, buffers: 512, ..Size::default() }).unwrap();
        let options = Options { priority: Priority::RealTime, cores: cores.to_vec(), ..Options::default() };
        let running = router.start(options).unwrap();
        let handle = running.handle().clone();
        for _ in 0..1000 {
            if handle.activity().iter().all(|worker| worker.polls > 0) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        running.stop();
        handle.activity().iter().map(|worker| worker.real_time).collect()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let may = real_time(1, &[])[0];
    let all: Vec<usize> = (0..cores).collect();
    assert_eq!(real_time(cores, &all), vec![may; cores]);
    // More workers than cores would share them, and have others' part of them too.
    assert_eq!(real_time(cores + 1, &[]), vec![false; cores + 1]);
}
