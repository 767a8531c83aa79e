//! IPv4 neighbours, by ARP.

use super::*;

const NEIGHBOUR: &str = "192.0.2.9";

/// ```text
///  0     2     4  5  6     8            14          18           24          28
///  | htype ptype hl pl oper sender mac   sender ip   target mac   target ip |
/// ```
fn arp(to: [u8; 6], oper: u8, sender: ([u8; 6], &str), target: ([u8; 6], &str)) -> Vec<u8> {
    let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, oper];
    for (mac, address) in [sender, target] {
        let IpAddr::V4(address) = ip(address) else { panic!("{address}") };
        bytes.extend(mac);
        bytes.extend(address.octets());
    }
    eth(to, sender.0, 0x0806, &bytes)
}

fn request(from: u8, sender: &str, target: &str) -> Vec<u8> {
    arp(ALL, 1, (mac(from), sender), ([0; 6], target))
}

fn reply(from: u8, sender: &str) -> Vec<u8> {
    arp(ROUTER, 2, (mac(from), sender), (ROUTER, "192.0.2.1"))
}

fn packet_for(neighbour: &str) -> Vec<u8> {
    eth(ROUTER, mac(2), 0x0800, &ipv4("192.0.2.2", neighbour, 17, &[0; 20]))
}

#[test]
fn a_question_for_the_router_is_answered_and_its_sender_remembered() {
    let mut bench = Bench::new();
    bench.receive(&request(9, NEIGHBOUR, "192.0.2.1"), PuntReason::Arp);
    assert_eq!(bench.told(), ["to station 9: 192.0.2.1 is-at the router, for 192.0.2.9 9", "deliver"]);
    let known: Vec<_> = bench.host.neighbours().map(|n| (n.address, n.mac, n.state.name())).collect();
    assert_eq!(known, [(ip(NEIGHBOUR), Some(mac(9)), "stale")]);
}

#[test]
fn a_question_for_another_is_left_to_the_other() {
    let mut bench = Bench::new();
    bench.receive(&request(9, NEIGHBOUR, "192.0.2.77"), PuntReason::Arp);
    assert_eq!(bench.told(), ["deliver"]);
    assert_eq!(bench.host.neighbours().count(), 0);
}

#[test]
fn a_packet_waits_for_the_answer_and_goes_on() {
    let mut bench = Bench::new();
    bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    assert_eq!(bench.told(), ["to all: who-has 192.0.2.9 tell 192.0.2.1"]);
    assert_eq!(bench.host.held(), 2);
    bench.receive(&reply(9, NEIGHBOUR), PuntReason::Arp);
    assert_eq!(bench.told(), ["192.0.2.9 is at station 9", "release", "release", "deliver"]);
    assert_eq!(bench.host.held(), 0);
}

#[test]
fn three_questions_a_second_apart_and_then_silence_for_a_while() {
    let mut bench = Bench::new();
    bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    bench.run(secs(2));
    assert_eq!(bench.told(), ["to all: who-has 192.0.2.9 tell 192.0.2.1"; 3]);
    bench.run(secs(3));
    let lost = bench.told();
    assert!(lost.contains(&"drop neighbour-unresolved".to_string()), "{lost:?}");
    bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    assert!(!bench.told().iter().any(|line| line.contains("who-has")));
    bench.run(secs(9));
    bench.told();
    bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    assert_eq!(bench.told(), ["to all: who-has 192.0.2.9 tell 192.0.2.1"]);
}

#[test]
fn a_full_hold_queue_loses_its_oldest() {
    let mut bench = Bench::with(|limits| {
        (limits.dad_probes, limits.announcements) = (0, 0);
        (limits.held_packets_per_neighbour, limits.held_packets) = (2, 3);
    });
    for _ in 0..3 {
        bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    }
    assert_eq!(bench.told(), ["to all: who-has 192.0.2.9 tell 192.0.2.1", "drop hold-queue-full"]);
    bench.receive(&packet_for("192.0.2.10"), PuntReason::NeighbourMiss);
    bench.receive(&packet_for("192.0.2.11"), PuntReason::NeighbourMiss);
    assert_eq!(bench.host.held(), 3);
    assert_eq!(bench.told()[1..], ["drop hold-queue-full", "to all: who-has 192.0.2.11 tell 192.0.2.1"]);
}

#[test]
fn a_neighbour_in_use_is_asked_alone_whether_it_is_still_there() {
    let mut bench = Bench::new();
    bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    bench.receive(&reply(9, NEIGHBOUR), PuntReason::Arp);
    bench.told();
    bench.run(secs(20));
    assert!(bench.told().is_empty());
    bench.run(secs(30));
    assert_eq!(bench.told()[0], "to station 9: who-has 192.0.2.9 tell 192.0.2.1");
    bench.receive(&reply(9, NEIGHBOUR), PuntReason::Arp);
    assert_eq!(bench.told(), ["deliver"]);
    bench.run(secs(64));
    let line = bench.told();
    assert_eq!(
        line,
        [&["to station 9: who-has 192.0.2.9 tell 192.0.2.1"; 3][..], &["192.0.2.9 is gone"]].concat()
    );
}

#[test]
fn a_stranger_is_not_believed() {
    for (case, frame) in [
        ("not of the subnet", request(9, "203.0.113.9", "192.0.2.1")),
        ("the subnet itself", request(9, "192.0.2.0", "192.0.2.1")),
        ("its broadcast address", request(9, "192.0.2.255", "192.0.2.1")),
        ("a group station", arp(ALL, 1, ([1; 6], NEIGHBOUR), ([0; 6], "192.0.2.1"))),
        ("no station", arp(ALL, 1, ([0; 6], NEIGHBOUR), ([0; 6], "192.0.2.1"))),
        ("the router's own station", arp(ALL, 1, (ROUTER, NEIGHBOUR), ([0; 6], "192.0.2.1"))),
        ("reverse ARP", arp(ALL, 3, (mac(9), NEIGHBOUR), ([0; 6], "192.0.2.1"))),
        ("cut short", request(9, NEIGHBOUR, "192.0.2.1")[..41].to_vec()),
    ] {
        let mut bench = Bench::new();
        bench.receive(&frame, PuntReason::Arp);
        assert_eq!(bench.told(), ["drop arp-invalid"], "{case}");
        assert_eq!(bench.host.neighbours().count(), 0, "{case}");
    }
}

#[test]
fn an_answer_nobody_asked_for_makes_no_entry_but_refreshes_one() {
    let mut bench = Bench::new();
    bench.receive(&reply(9, NEIGHBOUR), PuntReason::Arp);
    assert_eq!(bench.host.neighbours().count(), 0);
    bench.receive(&packet_for(NEIGHBOUR), PuntReason::NeighbourMiss);
    bench.receive(&reply(9, NEIGHBOUR), PuntReason::Arp);
    bench.told();
    // Gratuitous ARP: the neighbour has moved to another station.
    bench.receive(&request(0x19, NEIGHBOUR, NEIGHBOUR), PuntReason::Arp);
    assert_eq!(bench.told(), ["192.0.2.9 is at station 19", "deliver"]);
    bench.run(secs(5));
    assert_eq!(bench.told(), ["to station 19: who-has 192.0.2.9 tell 192.0.2.1"]);
    // The same by an answer to all.
    bench.receive(&arp(ALL, 2, (mac(0x29), NEIGHBOUR), (ALL, NEIGHBOUR)), PuntReason::Arp);
    assert_eq!(bench.told(), ["192.0.2.9 is at station 29", "deliver"]);
}
