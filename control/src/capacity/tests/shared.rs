//! Sites that share a line, slow ones too: voice against all that the others may send.

use super::*;

/// What comes before one site's calls.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// So long before, the others' calls all sent and data of the site came: it waited, and was let out in a burst.
    saved: Option<u64>,
    /// A frame of its own was let out just before, in place of one of the others.
    begun: bool,
    /// Whether the others' calls come before its own.
    ahead: bool,
    /// Bytes of the others' frames of voice.
    len: usize,
}

impl Round {
    fn of(n: u64) -> Self {
        let len = [FULL, CALL + 4][n as usize / 4 % 2];
        match n.checked_sub(8) {
            None => Self { saved: None, begun: n.is_multiple_of(2), ahead: (n / 2).is_multiple_of(2), len },
            Some(n) => Self { saved: Some(n * 250_000), begun: true, ahead: false, len: FULL },
        }
    }
}

/// The longest wait of site 0's calls.
fn worst(config: &Config, calls: u64) -> u64 {
    let sites = config.interfaces.len();
    let mut tree = Tree::new(config.clone());
    let burst =
        |tree: &mut Tree, len: usize| (1..sites).for_each(|site| while tree.offer(site, Voice, len) {});
    for n in 0..64 {
        let round = Round::of(n);
        tree.run(n * 1_000_000_000 + n * 104_729);
        tree.steps = 0;
        if let Some(before) = round.saved {
            burst(&mut tree, FULL);
            tree.fill(0);
            let at = tree.now + before;
            tree.run(at);
        } else if round.begun {
            tree.fill(0);
            let begun = tree.next();
            tree.run(begun);
        }
        (1..sites).for_each(|site| tree.fill(site));
        if !round.begun {
            let begun = tree.next();
            tree.run(begun);
        }
        if round.ahead {
            burst(&mut tree, round.len);
        }
        (0..calls).for_each(|_| assert!(tree.offer(0, Voice, CALL + 4), "a call in contract is refused"));
        let begun = tree.now;
        for step in 0..400u64 {
            tree.run(begun + step * 100_000);
            (0..sites).for_each(|site| tree.fill(site));
            burst(&mut tree, round.len);
        }
    }
    let end = tree.now + 2_000_000_000;
    tree.run(end);
    tree.worst[0]
}

/// Sites of so many Mbit/s, their voice policed as it is by default.
fn file(port: u64, sites: &[u64], calls: u64, burst: &str) -> String {
    let mut text = format!("[[port]]\nname = \"p\"\nkind = \"loopback\"\nrate = \"{port} Mbit/s\"\n");
    for (n, rate) in sites.iter().enumerate() {
        text += &format!("[[interface]]\nname = \"s{n}\"\nport = \"p\"\nvlan = {}\n", n + 1);
        text += &format!("[interface.qos]\nrate = \"{rate} Mbit/s\"\nburst = \"{burst}\"\n");
    }
    text + &format!("[[promise]]\ninterface = \"s0\"\ncalls = {calls}\n")
}

#[test]
fn bounds_on_slow_ports_and_with_short_bursts_are_kept_and_not_vacuous() {
    for (port, sites, calls, burst) in [
        (4, &[2, 2][..], 1, "2 ms"),
        (4, &[2, 2], 5, "2 ms"),
        (5, &[4, 4], 1, "2 ms"),
        (2, &[2, 2], 2, "2 ms"),
        (10, &[8, 8], 10, "2 ms"),
        (10, &[8, 8], 25, "2 ms"),
        (10, &[8, 8], 10, "100 us"),
        (10, &[2; 6], 3, "2 ms"),
        (100, &[80, 80], 100, "100 us"),
        (100, &[80, 80], 100, "2 ms"),
        (100, &[10; 20], 25, "2 ms"),
        (1_000, &[100; 4], 5, "2 ms"),
        (1_000, &[10; 4], 25, "20 ms"),
        (1_000, &[100; 10], 300, "2 ms"),
    ] {
        let config = config(&file(port, sites, calls, burst));
        let bound = row(&capacity(&config), "s0", "voice").wait.unwrap();
        let worst = worst(&config, calls);
        assert!(
            worst <= bound && bound <= worst * 2,
            "{port} Mbit/s, {sites:?}, {calls} calls {burst}: {worst} of {bound} ns"
        );
    }
}
