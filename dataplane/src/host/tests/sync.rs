//! Configuration and line state: what is kept, taken over, and forgotten.

use super::*;

fn packet(to: &str) -> Vec<u8> {
    eth(ROUTER, mac(2), 0x0800, &ipv4("192.0.2.2", to, 17, &[0; 20]))
}

fn arp_reply(n: u8) -> Vec<u8> {
    let message =
        [&[0, 1, 8, 0, 6, 4, 0, 2][..], &mac(n), &[192, 0, 2, n], &ROUTER, &[192, 0, 2, 1]].concat();
    eth(ROUTER, mac(n), 0x0806, &message)
}

fn knowing_9() -> Bench {
    let mut bench = Bench::new();
    bench.receive(&packet("192.0.2.9"), PuntReason::NeighbourMiss);
    bench.receive(&arp_reply(9), PuntReason::Arp);
    bench.told();
    bench
}

#[test]
fn a_new_generation_without_the_neighbour_is_told_of_it() {
    let mut bench = knowing_9();
    bench.changed();
    assert_eq!(bench.told(), [""; 0]);
    bench.snapshot.set_neighbour(GE0, ip("192.0.2.9"), None);
    bench.changed();
    assert_eq!(bench.told(), ["192.0.2.9 is at station 9"]);
}

#[test]
fn a_static_neighbour_is_neither_asked_for_nor_overwritten() {
    let mut bench = Bench::new();
    bench.change(|ge0| ge0.static_neighbours = Arc::new([(ip("192.0.2.9"), mac(0x77))]));
    bench.receive(&packet("192.0.2.9"), PuntReason::NeighbourMiss);
    bench.receive(&arp_reply(9), PuntReason::Arp);
    assert_eq!(bench.told(), ["192.0.2.9 is at station 77", "release", "deliver"]);
    let known: Vec<_> = bench.host.neighbours().map(|n| (n.mac, n.is_static)).collect();
    assert_eq!(known, [(Some(mac(0x77)), true)]);
}

#[test]
fn a_neighbour_that_becomes_static_lets_go_what_it_held() {
    let mut bench = Bench::new();
    bench.receive(&packet("192.0.2.9"), PuntReason::NeighbourMiss);
    bench.told();
    bench.change(|ge0| ge0.static_neighbours = Arc::new([(ip("192.0.2.9"), mac(9))]));
    assert_eq!(bench.told(), ["192.0.2.9 is at station 9", "release"]);
    assert_eq!((bench.host.held(), bench.host.neighbours().count()), (0, 1));
    bench.run(secs(100));
    assert_eq!(bench.told(), [""; 0]);
}

#[test]
fn a_line_that_goes_down_takes_its_neighbours_with_it() {
    let mut bench = knowing_9();
    bench.receive(&packet("192.0.2.10"), PuntReason::NeighbourMiss);
    bench.told();
    bench.link(false);
    assert_eq!(
        bench.told(),
        ["drop interface-down", "192.0.2.9 is gone"].map(String::from).into_iter().rev().collect::<Vec<_>>()
    );
    bench.receive(&packet("192.0.2.9"), PuntReason::NeighbourMiss);
    assert_eq!((bench.told(), bench.host.held()), (vec!["drop interface-down".into()], 0));
}

#[test]
fn a_line_that_comes_up_announces_the_router() {
    let mut bench = Bench::with(|limits| (limits.dad_probes, limits.announcements) = (0, 1));
    bench.out.clear();
    bench.link(false);
    bench.run(secs(5));
    bench.link(true);
    let told = bench.told();
    assert_eq!(told[0], "to all: who-has 192.0.2.1 tell 192.0.2.1");
    assert_eq!(told.len(), 3);
}

#[test]
fn an_interface_that_goes_away_drops_what_it_held() {
    let mut bench = knowing_9();
    bench.receive(&packet("192.0.2.10"), PuntReason::NeighbourMiss);
    bench.told();
    bench.snapshot.interfaces.remove(0);
    bench.changed();
    bench.out.retain(|action| !matches!(action, Action::Neighbour { .. }));
    assert_eq!(bench.told(), ["drop interface-gone"]);
    assert_eq!((bench.host.held(), bench.host.neighbours().count()), (0, 0));
    assert_eq!(bench.host.next_due(), Time::NEVER);
}

#[test]
fn an_interface_switched_off_and_on_starts_over() {
    let mut bench = Bench::with(|limits| (limits.dad_probes, limits.announcements) = (0, 1));
    bench.out.clear();
    bench.change(|ge0| ge0.enabled = false);
    bench.run(secs(5));
    assert_eq!(bench.told(), [""; 0]);
    bench.change(|ge0| ge0.enabled = true);
    assert_eq!(bench.told().len(), 3);
}

#[test]
fn a_moved_station_address_is_announced() {
    let mut bench = Bench::with(|limits| (limits.dad_probes, limits.announcements) = (0, 1));
    bench.out.clear();
    bench.change(|ge0| ge0.mac = mac(0x99));
    let announced =
        bench.out.iter().filter(|a| matches!(a, Action::Transmit(f) if f.bytes()[6..12] == mac(0x99)));
    assert_eq!(announced.count(), 3);
}

#[test]
fn a_moved_interface_has_other_neighbours_and_a_renamed_one_the_same() {
    let mut bench = knowing_9();
    bench.change(|ge0| ge0.mac = mac(0x99));
    assert!(bench.told().contains(&"192.0.2.9 is at station 9".into()));
    bench.change(|ge0| ge0.vlan = VlanMatch::Single(crate::table::Tpid::Dot1q, 7));
    assert!(bench.told().contains(&"192.0.2.9 is gone".into()));
}

#[test]
fn a_frame_released_and_missed_again_is_not_lost_nor_kept_for_ever() {
    let mut bench = knowing_9();
    let mut released = punted(&packet("192.0.2.9"), PuntReason::NeighbourMiss);
    released.meta_mut().flags.set(Flags::RELEASED);
    bench.host.receive(released, Time(1_000_000), &bench.snapshot, &mut bench.out);
    assert_eq!(bench.told(), ["release"]);
    let mut released = punted(&packet("192.0.2.9"), PuntReason::NeighbourMiss);
    released.meta_mut().flags.set(Flags::RELEASED);
    bench.host.receive(released, secs(2), &bench.snapshot, &mut bench.out);
    assert_eq!(bench.told(), ["drop neighbour-unresolved"]);
}

#[test]
fn resolutions_are_bounded_in_rate_and_number() {
    let mut bench = Bench::with(|limits| {
        (limits.dad_probes, limits.announcements, limits.resolutions_per_second) = (0, 0, 100);
        limits.neighbours_per_interface = 8;
    });
    for n in 10..30 {
        bench.receive(&packet(&format!("192.0.2.{n}")), PuntReason::NeighbourMiss);
    }
    let told = bench.told();
    let count = |what: &str| told.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("to all"), count("drop neighbour-rate-limited")), (8, 10));
    assert_eq!((count("drop neighbour-table-full"), count("warn the neighbour table")), (2, 2));
    // Failed ones make room.
    bench.run(secs(3));
    bench.told();
    bench.receive(&packet("192.0.2.100"), PuntReason::NeighbourMiss);
    assert_eq!(bench.told(), ["to all: who-has 192.0.2.100 tell 192.0.2.1"]);
    assert_eq!(bench.host.neighbours().count(), 8);
}

#[test]
fn a_neighbour_in_use_is_never_displaced_by_strangers() {
    let mut bench = Bench::with(|limits| {
        (limits.dad_probes, limits.announcements, limits.neighbours_per_interface) = (0, 0, 4);
    });
    bench.receive(&packet("192.0.2.9"), PuntReason::NeighbourMiss);
    bench.receive(&arp_reply(9), PuntReason::Arp);
    for n in 20..40 {
        let sender = [192, 0, 2, n];
        let question = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac(n), &sender, &[0; 6], &[192, 0, 2, 1]].concat();
        bench.receive(&eth(ALL, mac(n), 0x0806, &question), PuntReason::Arp);
    }
    assert!(!bench.told().iter().any(|line| line.ends_with("gone") || line.starts_with("warn")));
    let known: Vec<_> = bench.host.neighbours().map(|n| n.address.to_string()).collect();
    assert_eq!(known.len(), 4);
    assert!(known.contains(&"192.0.2.9".into()) && known.contains(&"192.0.2.39".into()), "{known:?}");
}

#[test]
fn messages_are_bounded_in_rate() {
    let mut bench = Bench::with(|limits| {
        (limits.dad_probes, limits.announcements, limits.neighbour_messages_per_second) = (0, 0, 10);
    });
    for _ in 0..12 {
        bench.receive(&arp_reply(9), PuntReason::Arp);
    }
    assert_eq!(bench.told()[9..], ["deliver", "drop punt-rate-limited", "drop punt-rate-limited"]);
}
