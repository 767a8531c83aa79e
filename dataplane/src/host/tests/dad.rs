//! The router's own addresses: probed for, announced, defended.

use super::*;

/// One probe, two announcements: as shipped.
fn shipped() -> Bench {
    Bench::with(|_| {})
}

fn claim(address: &str) -> Vec<u8> {
    let IpAddr::V4(ip) = ip(address) else { panic!("{address}") };
    let message = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac(9), &ip.octets(), &[0; 6], &ip.octets()].concat();
    eth(ALL, mac(9), 0x0806, &message)
}

fn claim6(address: &str) -> Vec<u8> {
    let message = nd::nd(136, 0x20, address, &[2, 1, 2, 0, 0, 0, 0, 9]);
    eth([0x33, 0x33, 0, 0, 0, 1], mac(9), 0x86dd, &ipv6(address, "ff02::1", 58, 255, &message))
}

fn only_ge0(mut bench: Bench) -> Bench {
    bench.out.retain(|a| matches!(a, Action::Transmit(f) if f.meta().out_interface == GE0));
    bench.snapshot.interfaces.remove(1);
    bench.changed();
    bench
}

#[test]
fn an_address_is_probed_for_then_announced_twice() {
    let mut bench = only_ge0(shipped());
    assert_eq!(
        bench.told(),
        [
            "to all: who-has 192.0.2.1 tell 0.0.0.0",
            "to group ff000001: :: > ff02::1:ff00:1 ttl 255: solicits 2001:db8::1",
            "to group ff000001: :: > ff02::1:ff00:1 ttl 255: solicits fe80::1"
        ]
    );
    let announcements = [
        "to all: who-has 192.0.2.1 tell 192.0.2.1",
        "to group 00000001: 2001:db8::1 > ff02::1 ttl 255: advertises 2001:db8::1 RO option 2",
        "to group 00000001: fe80::1 > ff02::1 ttl 255: advertises fe80::1 RO option 2",
    ];
    for at in [1, 3] {
        bench.run(Time(secs(at).0 - 1));
        assert_eq!(bench.told(), [""; 0]);
        bench.run(secs(at));
        assert_eq!(bench.told(), announcements);
    }
    bench.run(secs(100));
    assert_eq!(bench.told(), [""; 0]);
}

#[test]
fn until_then_the_router_neither_answers_nor_asks() {
    let mut bench = only_ge0(shipped());
    bench.told();
    let question =
        [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac(9), &[192, 0, 2, 9], &[0; 6], &[192, 0, 2, 1]].concat();
    bench.receive(&eth(ALL, mac(9), 0x0806, &question), PuntReason::Arp);
    let packet = ipv4("192.0.2.2", "192.0.2.8", 17, &[0; 20]);
    bench.receive(&eth(ROUTER, mac(2), 0x0800, &packet), PuntReason::NeighbourMiss);
    assert_eq!(bench.told(), ["deliver"]);
    bench.run(Time(1_100_000_000));
    assert!(bench.told().contains(&"to all: who-has 192.0.2.8 tell 192.0.2.1".into()));
}

#[test]
fn an_address_found_taken_is_not_used_and_probed_for_again_later() {
    let mut bench = only_ge0(shipped());
    bench.told();
    bench.receive(&claim("192.0.2.1"), PuntReason::Arp);
    bench.receive(&claim6("2001:db8::1"), PuntReason::LinkMulticast);
    assert_eq!(
        bench.told(),
        [
            "warn 192.0.2.1 on interface 0 is also used by 02:00:00:00:00:09; the router does not use it",
            "deliver",
            "warn 2001:db8::1 on interface 0 is also used by 02:00:00:00:00:09; the router does not use it",
            "deliver"
        ]
    );
    bench.run(secs(59));
    assert!(bench.told().iter().all(|line| line.contains("fe80::1")));
    bench.run(secs(61));
    assert_eq!(
        bench.told(),
        [
            "to all: who-has 192.0.2.1 tell 0.0.0.0",
            "to group ff000001: :: > ff02::1:ff00:1 ttl 255: solicits 2001:db8::1",
            "to all: who-has 192.0.2.1 tell 192.0.2.1",
            "to group 00000001: 2001:db8::1 > ff02::1 ttl 255: advertises 2001:db8::1 RO option 2"
        ]
    );
}

#[test]
fn two_that_probe_at_the_same_time_both_give_way() {
    let mut bench = only_ge0(shipped());
    bench.told();
    let probe = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac(9), &[0; 4], &[0; 6], &[192, 0, 2, 1]].concat();
    bench.receive(&eth(ALL, mac(9), 0x0806, &probe), PuntReason::Arp);
    let probe = ipv6("::", "ff02::1:ff00:1", 58, 255, &nd::nd(135, 0, "fe80::1", &[]));
    bench.receive(&eth([0x33, 0x33, 0xff, 0, 0, 1], mac(9), 0x86dd, &probe), PuntReason::LinkMulticast);
    let told = bench.told();
    assert!(told[0].starts_with("warn 192.0.2.1") && told[2].starts_with("warn fe80::1"), "{told:?}");
}

#[test]
fn an_address_in_use_is_defended_once_in_ten_seconds() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.receive(&claim("192.0.2.1"), PuntReason::Arp);
    }
    assert_eq!(
        bench.told(),
        [
            "to all: who-has 192.0.2.1 tell 192.0.2.1",
            "warn 192.0.2.1 on interface 0 is also used by 02:00:00:00:00:09; the router keeps it",
            "deliver",
            "deliver",
            "deliver"
        ]
    );
    bench.now = secs(10);
    bench.receive(&claim("192.0.2.1"), PuntReason::Arp);
    assert_eq!(bench.told().len(), 3);
}
