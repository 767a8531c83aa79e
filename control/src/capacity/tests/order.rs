//! Several classes of priority, in their order.

use super::*;

/// Of two priority classes, a frame of the later one leaves behind a frame of data at once, and the calls
/// that come then wait for both.
#[test]
fn the_bound_beside_a_later_class_of_priority_is_kept() {
    let video = "video = { priority = true, policer = { rate = \"1 Mbit/s\", burst = \"1542 B\" } }\n";
    for (rate, calls, mtu) in [(2, 5, 1_500), (10, 30, 1_500), (2, 5, 576), (2, 5, 1_000)] {
        let text = text(None, &[(rate, calls)]).replace("[[promise]]", &format!("{video}[[promise]]"));
        let config = config(&text.replace("[interface.qos]", &format!("mtu = {mtu}\n[interface.qos]")));
        let full = mtu + 14;
        let bound = row(&capacity(&config), "s0", "voice").wait.unwrap();
        let mut tree = Tree::new(config);
        for burst in 1..50u64 {
            tree.run(burst * 60_000_000 + burst * 7_919);
            tree.fill_with(0, full);
            let begun = tree.next();
            tree.run(begun);
            // As many as its policer has saved up.
            while tree.offer(0, TrafficClass::Video, full + 4) {
                tree.run(begun);
            }
            for _ in 0..calls {
                assert!(tree.offer(0, Voice, CALL + 4), "a call in contract is refused");
            }
        }
        tree.run(4_000_000_000);
        let worst = tree.worst[0];
        assert!(worst <= bound && bound <= worst * 2, "{rate} Mbit/s, mtu {mtu}: {worst} of {bound} ns");
    }
}
