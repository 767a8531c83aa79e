//! Several classes of priority, in their order.

use super::*;

/// Of two priority classes, a frame of the later one leaves behind a frame of data at once, and the calls
/// that come then wait for both.
#[test]
fn the_bound_beside_a_later_class_of_priority_is_kept() {
    let video = "video = { priority = true, policer = { rate = \"1 Mbit/s\", burst = \"1542 B\" } }\n";
    for (rate, calls) in [(2, 5), (10, 30)] {
        let text = text(None, &[(rate, calls)]).replace("[[promise]]", &format!("{video}[[promise]]"));
        let config = config(&text);
        let bound = row(&capacity(&config), "s0", "voice").wait.unwrap();
        let mut tree = Tree::new(config);
        for burst in 1..50u64 {
            tree.run(burst * 60_000_000 + burst * 7_919);
            tree.fill(0);
            let begun = tree.tree.next_event(Time(tree.now)).0;
            tree.run(begun);
            assert!(tree.offer(0, TrafficClass::Video, FULL + 4), "a frame in contract is refused");
            tree.run(begun);
            for _ in 0..calls {
                assert!(tree.offer(0, Voice, CALL + 4), "a call in contract is refused");
            }
        }
        tree.run(4_000_000_000);
        let worst = tree.worst[0];
        assert!(worst <= bound && bound - worst <= bound / 100, "{rate} Mbit/s: {worst} of {bound} ns");
    }
}
