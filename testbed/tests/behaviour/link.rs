//! A line that goes down and comes back.

use dataplane::packet::DropReason;
use testbed::lab::{ms, secs};
use testbed::packet::*;

use super::{FAMILIES, TWO, lab};

#[test]
fn frames_for_a_dead_line_are_dropped_by_name_and_forwarding_comes_back() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        lab.set_link("ge1", false);
        lab.run(ms(100));
        lab.forget();
        for _ in 0..5 {
            lab.send("ge0", f.ab() / udp(1));
        }
        lab.run(ms(10));
        let drops = lab.drops();
        let down =
            |(why, _): &(DropReason, u64)| matches!(why, DropReason::PortDown | DropReason::InterfaceDown);
        assert!(drops.iter().all(down) && drops.iter().map(|(_, n)| n).sum::<u64>() == 5, "{drops:?}");
        lab.set_link("ge1", true);
        lab.run(secs(15));
        lab.forget();
        lab.send("ge0", f.ab() / udp(2));
        lab.expect("ge1", f.ab().ttl(63) / udp(2));
        lab.expect_no_drops();
    }
}
