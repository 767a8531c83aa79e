//! Buffers that run out: dropped by name, never a panic, and good again afterwards.

use dataplane::packet::DropReason;
use testbed::lab::{Lab, ms, secs};
use testbed::packet::*;

use super::{TWO, V4, two_with};

/// A router with so few buffers, and its neighbours.
fn small(configuration: &str, buffers: usize) -> Lab {
    let mut lab = Lab::with_size(configuration, |size| size.buffers = buffers);
    lab.run(secs(15));
    lab.host("ge0", V4.a);
    lab.host("ge1", V4.b);
    lab.forget();
    lab
}

#[test]
fn what_no_buffer_is_left_for_is_dropped_by_name() {
    let mut lab = small(TWO, 32);
    for _ in 0..3 {
        for n in 0..50 {
            lab.send("ge0", V4.ab() / udp(n));
        }
        for n in 0..32 {
            lab.expect("ge1", V4.ab().ttl(63) / udp(n));
        }
        lab.expect_nothing_else();
        lab.expect_drops(&[(DropReason::PoolEmpty, 18)]);
    }
}

#[test]
fn a_backlog_that_holds_every_buffer_lets_go_again() {
    let mut lab = small(&two_with("qos = { rate = \"1 Mbit/s\", standard = { limit = \"1 MB\" } }", ""), 64);
    lab.offer_rate("ge0", V4.ab() / udp(1) / payload(1000), 20_000_000);
    lab.run(secs(2));
    lab.stop_offering();
    let drops = lab.drops();
    assert!(drops.iter().map(|(_, n)| n).sum::<u64>() > 1000, "{drops:?}");
    assert!(
        drops.iter().all(|(why, _)| matches!(
            why,
            DropReason::QueueFrames | DropReason::PoolEmpty | DropReason::Codel
        )),
        "{drops:?}"
    );
    lab.run(secs(5));
    assert_eq!(lab.router().held(), 0);
    lab.forget();
    lab.send("ge1", ip(V4.b, V4.a) / udp(2));
    lab.expect("ge0", ip(V4.b, V4.a).ttl(63) / udp(2));
    lab.expect_no_drops();
}

#[test]
fn a_flood_to_the_router_itself_ends_with_every_frame_named() {
    let mut lab = small(TWO, 64);
    for round in 0..20 {
        for n in 0..200 {
            lab.send("ge0", ip(V4.a, V4.ra) / icmp_echo_request(round, n));
        }
        lab.run(ms(1));
    }
    lab.run(secs(1));
    assert_eq!(lab.router().held(), 0);
    lab.forget();
    lab.send("ge0", V4.ab() / udp(2));
    lab.expect("ge1", V4.ab().ttl(63) / udp(2));
}
