//! Bounds against the tree itself: adversarial traffic in virtual time.

mod kept;
mod mends;
mod order;
mod shared;
mod weights;

use dataplane::class::TrafficClass::{self, Imaging, Standard, Voice};
use dataplane::id::IfIndex;
use dataplane::qos::LINE_OVERHEAD;
use proptest::prelude::*;

use super::curve::time;
use super::testing::{CALL, FULL, Tree, config, faults, roomy, row, text, with_port_burst, with_trees};
use super::{Of, capacity};
use crate::config::{Config, parse};

/// The bounds of the acceptance table, from configurations.
#[test]
fn the_acceptance_lines_have_the_bounds_of_their_table() {
    for (rate, calls, bound) in [(10, 30, 6_942_400), (100, 100, 2_027_040), (1_000, 1_000, 1_916_304)] {
        let text = text(None, &[(rate, calls)]).replace("vlan = 1\n", "");
        let capacity = capacity(&config(&text));
        let voice = row(&capacity, "s0", "voice");
        assert_eq!((voice.of, voice.wait), (Of::Promised, Some(bound)), "{rate} Mbit/s");
        assert!(capacity.holds());
    }
}

/// The worst that can come: everything waits, a full frame has just begun, every call sends.
#[test]
fn the_bound_of_one_site_is_reached_and_not_passed() {
    for (rate, calls) in [(2, 5), (10, 30), (100, 100)] {
        let config = config(&text(None, &[(rate, calls)]));
        let bound = row(&capacity(&config), "s0", "voice").wait.unwrap();
        let mut tree = Tree::new(config);
        for burst in 1..50u64 {
            // Just behind a frame of data, wherever that is.
            tree.fill(0);
            tree.run(burst * 40_000_000 + burst * 7_919);
            tree.fill(0);
            let begun = tree.next();
            tree.run(begun);
            for _ in 0..calls {
                assert!(tree.offer(0, Voice, CALL + 4), "a call in contract is refused");
            }
        }
        tree.run(3_000_000_000);
        let worst = tree.worst[0];
        assert!(worst <= bound && bound <= worst * 2, "{rate} Mbit/s: {worst} of {bound} ns");
    }
}

#[test]
fn a_promise_that_cannot_be_kept_says_what_is_short_and_what_mends_it() {
    let file = |promise: &str| {
        format!(
            "[[port]]\nname = \"p\"\nkind = \"loopback\"\n[[interface]]\nname = \"p\"\n\
             [interface.qos]\nrate = \"10 Mbit/s\"\n[[promise]]\ninterface = \"p\"\n{promise}\n"
        )
    };
    assert_eq!(faults(&file("calls = 30\nbound = \"6.95 ms\"")), [""; 0]);
    assert_eq!(
        faults(&file("calls = 100")),
        ["promise[0].calls: it sends 9520 kbit/s; the policer of voice lets 3333333 bit/s through: \
          short by 6186667 bit/s (let qos.voice.policer.rate be 9520 kbit/s; 35 calls fit as it is; \
          with qos.rate = \"28560 kbit/s\" it holds)"]
    );
    assert_eq!(
        faults(&file("calls = 30\nbound = \"5 ms\"")),
        ["promise[0].bound: it waits 6.943 ms at the worst, 1.943 ms more than the 5.000 ms promised \
          (promise 6950 us; 19 calls fit as it is; with qos.rate = \"13885 kbit/s\" it holds)"]
    );
    assert_eq!(
        faults(&file("class = \"scavenger\"\nrate = \"1 Mbit/s\"")),
        ["promise[0].rate: scavenger only gets what the other classes of \"p\" leave \
          (give qos.scavenger.weight, or promise another class)"]
    );
    let [fault] = &faults(&file("class = \"imaging\"\nrate = \"2 Mbit/s\""))[..] else { panic!() };
    assert!(fault.contains("imaging of \"p\" is sure of 1666666 bit/s: short by 333334 bit/s"), "{fault}");
    let [fault] = &faults(&file("calls = 1\nrate = \"2 Mbit/s\""))[..] else { panic!() };
    assert!(fault.starts_with("promise[0].calls: a promise is of calls or of a rate"), "{fault}");
    let [fault] = &faults(&file("calls = 1").replace("interface = \"p\"", "interface = \"q\""))[..] else {
        panic!()
    };
    assert!(fault.starts_with("promise[0].interface: there is no interface \"q\""), "{fault}");
}

/// Twenty sites of a line that is half as fast as they are together. The others send all
/// that their policers let through, at once in full frames and then as it comes, when one
/// site's calls all send.
#[test]
fn the_bound_beside_other_sites_is_not_vacuous() {
    let config = config(&text(Some(100), &[(10, 25); 20]));
    let bound = row(&capacity(&config), "s0", "voice").wait.unwrap();
    let mut tree = Tree::new(config);
    for round in 1..20u64 {
        let at = round * 50_000_000 + round * 104_729;
        tree.run(at);
        (0..20).for_each(|site| tree.fill(site));
        let begun = tree.next();
        tree.run(begun);
        for _ in 0..4 {
            for site in 1..20 {
                tree.offer(site, Voice, FULL - 38);
            }
        }
        for _ in 0..25 {
            assert!(tree.offer(0, Voice, CALL + 4), "a call in contract is refused");
        }
        for step in 1..200u64 {
            tree.run(begun + step * 100_000);
            for site in 1..20 {
                tree.offer(site, Voice, CALL + 4);
            }
        }
    }
    tree.run(2_000_000_000);
    let worst = tree.worst[0];
    assert!(worst <= bound && bound <= worst * 2, "{worst} of {bound} ns");
}

/// A frame of each further tree may have begun at the same moment.
#[test]
fn each_further_tree_of_a_port_makes_calls_wait_a_frame_longer() {
    let text = text(Some(100), &[(100, 5); 4]);
    let wait = |trees| {
        let capacity = capacity(&config(&with_trees(&text, trees)));
        row(&capacity, "s0", "voice").wait.unwrap()
    };
    let waits = [1, 2, 3, 4, 5].map(wait);
    // At what the policers of the others leave of the line.
    let frame = time(FULL as u64 + 4 + u64::from(LINE_OVERHEAD), 100_000_000 - 3 * 5 * 97_000);
    for pair in waits[..4].windows(2) {
        assert!((pair[1] - pair[0]).abs_diff(frame) < frame / 100, "{waits:?}, {frame}");
    }
    assert_eq!(waits[3], waits[4], "there are four sites");
}

/// Every class waits; one in contract is served its part, whatever the others send.
#[test]
fn a_class_by_weight_or_guarantee_keeps_its_bound() {
    for more in ["", "video.guaranteed = \"2 Mbit/s\"\n"] {
        let text = text(None, &[(10, 20)]).replace("[[promise]]", &format!("{more}[[promise]]"))
            + "[[promise]]\ninterface = \"s0\"\nclass = \"video\"\nrate = \"1 Mbit/s\"\nburst = \"8 kB\"\n";
        let config = config(&roomy(&text));
        let bound = row(&capacity(&config), "s0", "video").wait.unwrap();
        let mut tree = Tree::new(config);
        let mut worst = 0;
        for round in 1..40u64 {
            // 8 kB at once, and 64 ms later again: 1 Mbit/s.
            tree.run(round * 64_000_000);
            for class in
                [TrafficClass::National, TrafficClass::Clinical, TrafficClass::Control, Imaging, Standard]
            {
                (0..80).for_each(|_| {
                    tree.offer(0, class, FULL);
                });
            }
            let begun = tree.next();
            tree.run(begun);
            (0..20).for_each(|_| {
                tree.offer(0, Voice, CALL + 4);
            });
            (0..5).for_each(|_| {
                tree.offer(0, TrafficClass::Video, FULL + 4);
            });
            tree.run(begun + 63_000_000);
            let stats = tree.trees[0].stats(IfIndex(0), TrafficClass::Video).unwrap();
            worst = worst.max(stats.delay.max());
        }
        assert!(worst <= bound && bound <= worst * 4, "{more}: {worst} of {bound} ns");
    }
}

/// Three sites on a line of 100 Mbit/s, each shaped to that; `of` has what is said of each.
fn full_line(of: [&str; 3], promise: &str) -> Vec<String> {
    let mut text = "[[port]]\nname = \"p\"\nkind = \"loopback\"\nrate = \"100 Mbit/s\"\n".to_owned();
    for (n, of) in of.iter().enumerate().filter(|(_, of)| **of != "none") {
        text += &format!("[[interface]]\nname = \"s{n}\"\nport = \"p\"\nvlan = {}\n", n + 1);
        text += &format!("[interface.qos]\nrate = \"100 Mbit/s\"\n{of}\n");
    }
    faults(&roomy(&format!("{text}[[promise]]\ninterface = \"s0\"\n{promise}\n")))
}

#[test]
fn what_others_are_guaranteed_is_not_promised_again() {
    let voice = "voice.policer = { rate = \"1 Mbit/s\", burst = \"4 kB\" }\nimaging.aqm = \"tail\"";
    let half = format!("guaranteed = \"50 Mbit/s\"\n{voice}");
    let imaging = "class = \"imaging\"\nrate = \"5 Mbit/s\"";
    let [fault] = &full_line([voice, &half, &half], imaging)[..] else { panic!() };
    assert!(fault.contains("imaging of \"s0\" is sure of 0 bit/s"), "{fault}");
    // Priority counts to what a site is guaranteed, not beside it.
    let sure = "guaranteed = \"50 Mbit/s\"\nimaging = { aqm = \"tail\", guaranteed = \"12 Mbit/s\", limit = \"4 MB\" }";
    assert_eq!(full_line([sure, "guaranteed = \"50 Mbit/s\"", "none"], imaging), [""; 0]);
}

/// Voice that does not go first has a part, as other classes have.
#[test]
fn voice_without_priority_has_a_share() {
    let video = "video = { priority = true, policer = { rate = \"1 Mbit/s\", burst = \"20 ms\" } }";
    for more in ["voice.priority = false", &format!("voice.priority = false\n{video}")] {
        let text = format!(
            "[[port]]\nname = \"p\"\nkind = \"loopback\"\n[[interface]]\nname = \"p\"\n\
             [interface.qos]\nrate = \"10 Mbit/s\"\n{more}\n"
        );
        let config = config(&text);
        let sure = row(&capacity(&config), "p", "voice").rate.unwrap();
        let mut tree = Tree::new(config);
        for ms in 1..=500u64 {
            for class in TrafficClass::ALL {
                while tree.offer(0, class, FULL) {}
            }
            tree.run(ms * 1_000_000);
        }
        let got = tree.trees[0].stats(IfIndex(0), Voice).unwrap().sent.bytes * 8 * 2;
        assert!(sure > 1_000_000 && got * 100 > sure * 95, "{more}: {got} of {sure} bit/s");
    }
}

/// What the port is short of is not mended at the interface.
#[test]
fn a_port_that_is_short_is_named() {
    let mut text = "[[port]]\nname = \"p\"\nkind = \"loopback\"\nrate = \"100 Mbit/s\"\n".to_owned();
    for n in 0..2 {
        text += &format!("[[interface]]\nname = \"s{n}\"\nport = \"p\"\nvlan = {}\n", n + 1);
        text += "[interface.qos]\nrate = \"80 Mbit/s\"\nclinical = { weight = 100, limit = \"1 s\" }\n";
    }
    text += "[[promise]]\ninterface = \"s0\"\nclass = \"clinical\"\nrate = \"25 Mbit/s\"\n";
    let [fault] = &faults(&text)[..] else { panic!() };
    assert!(fault.contains("clinical of \"s0\" is sure of") && fault.contains("short by"), "{fault}");
    assert!(fault.contains("give qos.guaranteed, or raise the rate of its port"), "{fault}");
    // Where the site is, it is.
    let [fault] = &faults(&text.replace("25 Mbit/s", "60 Mbit/s"))[..] else { panic!() };
    assert!(fault.contains("give qos.clinical.guaranteed, or raise"), "{fault}");
}

#[test]
fn a_line_is_no_faster_than_it_is() {
    // Counted without preamble and gap, calls take more of the line than of the interface.
    let voice = "overhead = \"layer-2\"\nvoice = { policer = { rate = \"99 Mbit/s\", burst = \"400 kB\" }, limit = \"1 MB\" }";
    let [fault] = &full_line([voice, "none", "none"], "calls = 1100")[..] else { panic!() };
    assert!(fault.contains("voice of \"s0\" is sure of"), "{fault}");
    assert!(!fault.contains("qos.rate = "), "{fault}");
}

/// Short frames of every class, on a line that counts more of each than the site does:
/// no class gets less than it is said to be sure of.
#[test]
fn a_guarantee_is_the_part_that_the_tree_gives() {
    let text = "[[port]]\nname = \"p\"\nkind = \"loopback\"\nrate = \"100 Mbit/s\"\n\
                [[interface]]\nname = \"s0\"\nport = \"p\"\n\
                [interface.qos]\nrate = \"100 Mbit/s\"\noverhead = \"layer-2\"\nvideo.guaranteed = \"40 Mbit/s\"\n";
    let config = config(text);
    let capacity = capacity(&config);
    let mut tree = Tree::new(config);
    let sent = |tree: &Tree, class| tree.trees[0].stats(IfIndex(0), class).unwrap().sent.bytes;
    let mut before = [0; 8];
    for ms in 1..=250u64 {
        for class in TrafficClass::ALL {
            while tree.offer(0, class, 60) {}
        }
        tree.run(ms * 1_000_000);
        // Voice has sent what its policer had saved up.
        if ms == 50 {
            before = TrafficClass::ALL.map(|class| sent(&tree, class));
        }
    }
    for class in [TrafficClass::Control, TrafficClass::Video, TrafficClass::National, TrafficClass::Clinical]
    {
        let sure = row(&capacity, "s0", class.name()).rate.unwrap();
        let got = (sent(&tree, class) - before[class.index()]) * 8 * 5;
        assert!(got * 100 >= sure * 98, "{class:?} got {got} of {sure} bit/s");
    }
}

/// A port whose sites are in overload, their calls at once or one site's after the others'.
#[derive(Clone, Debug)]
struct Overload {
    text: String,
    /// Calls of each.
    calls: Vec<u64>,
    /// When each site's calls send, and how often data comes between.
    phases: Vec<u64>,
    data: u64,
    /// Sites other than the first send what their policers let through in full frames.
    full: bool,
}

fn overload(
    rates: std::ops::Range<u64>,
    parts: std::ops::Range<u64>,
    trees: u64,
) -> impl Strategy<Value = Overload> {
    let sites = prop::collection::vec((rates, 0..100u64), 1..8);
    let phases = prop::collection::vec(0..20_000_000u64, 8);
    let burst = prop::sample::select(vec!["10 us", "100 us", "2 ms", "20 ms"]);
    let bursts = (burst.clone(), burst);
    let strategy = (sites, parts, phases, any::<bool>(), bursts, 1..20u64, any::<bool>());
    strategy.prop_map(move |(sites, spare, phases, together, (burst, port_burst), data, full)| {
        // Up to a quarter of it for calls.
        let sites: Vec<(u64, u64)> =
            sites.iter().map(|(rate, part)| (1 << rate, ((1 << rate) * part / 40).max(1))).collect();
        let port = sites.iter().map(|(rate, _)| rate).sum::<u64>() * spare / 80;
        let port = port.max(sites.iter().map(|(rate, _)| *rate).max().unwrap_or(1));
        let text = with_port_burst(&with_trees(&text(Some(port), &sites), trees), port_burst);
        let text = text.replace("[interface.qos]\n", &format!("[interface.qos]\nburst = \"{burst}\"\n"));
        let calls: Vec<u64> = sites.iter().map(|(_, calls)| *calls).collect();
        let phases = (0..calls.len()).map(|n| if together { phases[0] } else { phases[n] }).collect();
        Overload { text, calls, phases, data, full }
    })
}

impl Overload {
    /// No voice frame in contract is lost, and none is later than its bound.
    fn holds(&self) -> Result<(), TestCaseError> {
        let config = match parse(&self.text, "t.toml") {
            Ok(config) => config,
            Err(errors) => {
                prop_assert!(!errors.to_string().contains("short by 0 "), "{errors}");
                return Ok(());
            }
        };
        let capacity = capacity(&config);
        let mut tree = Tree::new(config);
        let times = |n: usize| (0..20).map(move |k| (k * 20_000_000 + self.phases[n], n));
        let mut events: Vec<(u64, usize)> = (0..self.calls.len()).flat_map(times).collect();
        events.sort_unstable();
        let sure = if self.full { 1 } else { self.calls.len() };
        for (k, (at, n)) in events.into_iter().enumerate() {
            if (k as u64).is_multiple_of(self.data) {
                (0..self.calls.len()).for_each(|site| tree.fill(site));
            }
            tree.run(at);
            if n >= sure {
                while tree.offer(n, Voice, FULL) {}
            }
            for _ in 0..self.calls[n] {
                let taken = tree.offer(n, Voice, CALL + 4);
                prop_assert!(taken || n >= sure, "a call in contract is refused");
            }
        }
        tree.run(1_600_000_000);
        for (n, worst) in tree.worst.iter().take(sure).enumerate() {
            let bound = row(&capacity, &format!("s{n}"), "voice").wait;
            prop_assert!(bound.is_some_and(|bound| *worst <= bound), "s{n}: {worst} > {bound:?}");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn no_bound_is_passed(of in (1..5u64).prop_flat_map(|trees| overload(1..6, 60..100, trees))) {
        of.holds()?;
    }

    /// On ports of 1 to 10 Mbit/s a frame takes longer than a shaper's burst.
    #[test]
    fn no_bound_is_passed_on_slow_ports(of in (1..3u64).prop_flat_map(|trees| overload(0..3, 40..100, trees))) {
        of.holds()?;
    }
}
