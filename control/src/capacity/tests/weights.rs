//! Classes by weight and guarantee of sites that share a line: what they get of it, and how long they wait.

use dataplane::class::TrafficClass::{Clinical, Control, National, Video};

use super::*;

/// A port and its sites: Mbit/s, and what more is said of each.
fn file(port: u64, sites: &[(u64, &str)], trees: u64) -> String {
    let mut text = format!("[[port]]\nname = \"p\"\nkind = \"loopback\"\nrate = \"{port} Mbit/s\"\n");
    for (n, (rate, more)) in sites.iter().enumerate() {
        text += &format!("[[interface]]\nname = \"s{n}\"\nport = \"p\"\nvlan = {}\n", n + 1);
        text += &format!("[interface.qos]\nrate = \"{rate} Mbit/s\"\n{more}\n");
    }
    roomy(&if trees > 1 { with_trees(&text, trees) } else { text })
}

/// All classes.
const ALL: u8 = 0xff;

/// Of every site the classes wait that have a bit, voice as it is policed; but for the watched one of the first.
fn flood(tree: &mut Tree, classes: u8) {
    for site in 0..tree.config.interfaces.len() {
        let asked = |class: &TrafficClass| {
            classes & (1 << class.index()) != 0 && (site > 0 || *class != tree.watched)
        };
        for class in TrafficClass::ALL.into_iter().filter(asked).collect::<Vec<_>>() {
            let held = |tree: &Tree| {
                let of = tree.trees[site % tree.trees.len()].stats(IfIndex(site as u32), class);
                of.map_or(0, |stats| stats.depth.packets)
            };
            while held(tree) < 16 && tree.offer(site, class, FULL + 4) {}
        }
    }
}

fn lines() -> Vec<String> {
    let sure = "guaranteed = \"3 Mbit/s\"\nvoice.policer = { rate = \"1 Mbit/s\", burst = \"20 ms\" }";
    vec![
        file(10, &[(8, ""), (8, "")], 1),
        file(4, &[(2, ""), (2, "")], 1),
        file(10, &[(10, "weight = 3"), (10, "")], 1),
        file(100, &[(80, "burst = \"100 us\""), (80, "burst = \"100 us\"")], 1),
        file(100, &[(10, ""); 20], 1),
        file(10, &[(8, sure), (8, ""), (8, "guaranteed = \"2 Mbit/s\"")], 1),
        file(100, &[(80, ""), (10, ""), (2, ""), (80, "")], 1),
        file(100, &[(50, ""); 4], 2),
        file(20, &[(8, sure), (8, ""), (8, ""), (8, "")], 4),
    ]
}

#[test]
fn what_a_class_is_sure_of_is_what_it_gets_in_overload() {
    for text in lines() {
        let config = config(&text);
        let capacity = capacity(&config);
        let mut tree = Tree::new(config);
        tree.watched = TrafficClass::Scavenger;
        let sent = |tree: &Tree, class| tree.trees[0].stats(IfIndex(0), class).unwrap().sent;
        let mut before = [Default::default(); 8];
        for step in 1..=6_000u64 {
            flood(&mut tree, ALL);
            tree.run(step * 500_000);
            tree.steps = 0;
            // Voice has sent what its policer had saved up.
            if step == 2_000 {
                before = TrafficClass::ALL.map(|class| sent(&tree, class));
            }
        }
        for class in [Control, Video, National, Clinical, Imaging, Standard] {
            let sure = row(&capacity, "s0", class.name()).rate.unwrap();
            let (now, then) = (sent(&tree, class), before[class.index()]);
            let got = (now.bytes - then.bytes + 24 * (now.packets - then.packets)) * 8 / 2;
            // To a frame.
            let holds = got + 3 * 12_304 >= sure && got <= sure * 2;
            assert!(holds, "{class:?} got {got} of {sure} bit/s\n{text}");
        }
    }
}

/// Bursts of 6152 bytes as a site counts them: full frames; the same with a short one last, which waits for nearly all of it
/// at the rate of its class.
const FULLS: [usize; 4] = [FULL; 4];
const SHORT_LAST: [usize; 5] = [FULL + 4, FULL + 4, FULL + 4, FULL - 96, 60];

/// Waits are half of the bound at least.
#[test]
fn a_class_waits_no_longer_than_its_bound_which_is_not_vacuous() {
    for text in lines() {
        let sure = row(&capacity(&config(&text)), "s0", "clinical").rate.unwrap();
        let promise = format!(
            "[[promise]]\ninterface = \"s0\"\nclass = \"clinical\"\nrate = \"{} bit/s\"\nburst = \"6152 B\"\n",
            sure * 6 / 10
        );
        let limit = "[interface.qos]\nclinical.limit = \"1 MB\"\n";
        let promised = text.replace("[interface.qos]\n", limit) + &promise;
        let config = config(&promised);
        let bound = row(&capacity(&config), "s0", "clinical").wait.unwrap();
        let waits = |(burst, rests)| longest_wait(&config, burst, sure * 6 / 10, rests);
        let worst = [(&FULLS[..], true), (&SHORT_LAST, true), (&SHORT_LAST, false)].map(waits);
        let most = worst.into_iter().max().unwrap();
        assert!(most <= bound && bound <= most * 2, "{worst:?} of {bound} ns\n{text}");
    }
}

/// The longest wait of such bursts, that come when their `rate` has paid for those before, while all else waits; calls
/// rest now and then, or do not.
fn longest_wait(config: &Config, burst: &[usize], rate: u64, rests: bool) -> u64 {
    let mut tree = Tree::new(config.clone());
    tree.watched = Clinical;
    let bytes = burst.iter().map(|len| *len as u64 + u64::from(LINE_OVERHEAD)).sum::<u64>();
    let gap = bytes * 8_000_000_000 / rate + 1;
    for n in 0..60u64 {
        let (from, at) = (tree.now, n * gap + n * 7_919);
        // Their policers save up in the last part.
        let quiet = if n.is_multiple_of(3) || !rests { 41 } else { 40 - n % 3 * 16 };
        // Before the first nothing came, and every policer and guarantee is saved up.
        for step in (1..=40).filter(|_| n > 0) {
            flood(&mut tree, if step > quiet { ALL & !(1 << Voice.index()) } else { ALL });
            tree.run(from + (at - from) * step / 40);
        }
        for len in burst {
            assert!(tree.offer(0, Clinical, *len), "a frame in contract is refused");
        }
        flood(&mut tree, ALL);
        tree.steps = 0;
    }
    let from = tree.now;
    for step in 1..=80 {
        flood(&mut tree, ALL);
        tree.run(from + gap * step / 40);
    }
    tree.worst[0]
}

/// A site that has nearly all that calls of another leave, by guarantee or by weight. The calls save up what their
/// policer lets in and come at once: the site loses tokens meanwhile, which the time in which the other is quiet does not
/// bring back, since its shaper then holds it.
#[test]
fn bounds_beside_calls_that_come_together_are_kept() {
    let text = |ms: u64, has: [&str; 2]| {
        let weights = "control.weight = 1\nclinical = { weight = 100, limit = \"1 MB\" }";
        let none = ["video", "national", "imaging", "standard"].map(|class| format!("{class}.weight = 0"));
        let voice = "voice.policer = { rate = \"100 kbit/s\", burst = \"2 kB\" }";
        let site = [has[0], voice, weights, &none.join("\n")].join("\n");
        let calls =
            format!("{{ policer = {{ rate = \"5300 kbit/s\", burst = \"{ms} ms\" }}, limit = \"1 MB\" }}");
        file(10, &[(8, &site), (10, &format!("{}\nvoice = {calls}", has[1]))], 1)
    };
    let sure = ["guaranteed = \"4600 kbit/s\"", "guaranteed = \"5300 kbit/s\""];
    for (has, ms, part) in [sure, ["weight = 100", ""]].into_iter().flat_map(|has| {
        [(20, 95), (100, 60), (100, 98), (400, 60), (400, 98)].map(|(ms, part)| (has, ms, part))
    }) {
        let plain = config(&text(ms, has));
        let rate = row(&capacity(&plain), "s0", "clinical").rate.unwrap() * part / 100;
        let promise = format!(
            "[[promise]]\ninterface = \"s0\"\nclass = \"clinical\"\nrate = \"{rate} bit/s\"\nburst = \"6152 B\"\n"
        );
        let config = config(&(text(ms, has) + &promise));
        let bound = row(&capacity(&config), "s0", "clinical").wait.unwrap();
        let mut tree = Tree::new(config);
        tree.watched = Clinical;
        let gap = 1_538 * 8_000_000_000 / rate + 1;
        let mut saved = 0;
        for n in 0..20_000 {
            let at = 1_000_000_000 + n * gap;
            tree.run(at);
            tree.steps = 0;
            for _ in 0..if n == 0 { 4 } else { 1 } {
                assert!(tree.offer(0, Clinical, FULL), "a frame in contract is refused");
            }
            tree.offer(0, Control, FULL);
            if at >= saved {
                while tree.offer(1, Voice, FULL) {}
                saved = at + ms * 1_000_000;
            }
        }
        assert!(tree.worst[0] <= bound, "{has:?}, {ms} ms, {part} %: {} of {bound} ns", tree.worst[0]);
    }
}

/// A line and what its sites do.
#[derive(Clone, Debug)]
struct Adverse {
    text: String,
    /// Percent of what it is sure of that the watched class sends, in so many frames at once, of so many bytes.
    part: u64,
    frames: u64,
    len: usize,
    /// Whether a short frame is the last of them.
    short: bool,
    /// Of 20 parts of the time between, which classes of all sites wait in each.
    waiting: Vec<u8>,
}

fn adverse() -> impl Strategy<Value = Adverse> {
    let site = (0..6u64, 1..5u64, 0..4u64, 1..40u64);
    let burst = prop::sample::select(vec!["10 us", "100 us", "2 ms", "20 ms"]);
    let len = prop::sample::select(vec![60, CALL, 600, FULL]);
    let bursts = (burst.clone(), burst);
    let line = (prop::collection::vec(site, 1..6), 40..110u64, 1..4u64, bursts);
    let sends = (20..95u64, 1..8u64, len, any::<bool>(), prop::collection::vec(any::<u8>(), 20));
    (line, sends).prop_map(
        |((sites, spare, trees, (burst, port_burst)), (part, frames, len, short, waiting))| {
            let port = sites.iter().map(|site| 1 << site.0).sum::<u64>() * spare / 100;
            let port = port.max(sites.iter().map(|site| 1 << site.0).max().unwrap_or(1));
            let of = |(rate, weight, sure, share): &(u64, u64, u64, u64)| {
                let rate = 1u64 << rate;
                let sure = match sure {
                    0 => format!("guaranteed = \"{} kbit/s\"", rate * port * 400 / (1 << 6)),
                    _ => String::new(),
                };
                let more =
                    format!("weight = {weight}\n{sure}\nburst = \"{burst}\"\nclinical.weight = {share}");
                (
                    rate,
                    format!(
                        "{more}\nvoice.policer = {{ rate = \"{} kbit/s\", burst = \"20 ms\" }}",
                        rate * 200
                    ),
                )
            };
            let sites: Vec<(u64, String)> = sites.iter().map(of).collect();
            let sites: Vec<(u64, &str)> = sites.iter().map(|(rate, more)| (*rate, more.as_str())).collect();
            let text = with_port_burst(&file(port, &sites, trees), port_burst);
            Adverse { text, part, frames, len, short, waiting }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    /// A class by weight that keeps to its promise is not late, whatever all else sends.
    #[test]
    fn no_class_by_weight_is_late(of in adverse()) {
        let Ok(plain) = parse(&of.text, "t.toml") else { return Ok(()) };
        let Some(sure) = row(&capacity(&plain), "s0", "clinical").rate else { return Ok(()) };
        let frame = of.len as u64 + 28;
        let last = if of.short { 60 + u64::from(LINE_OVERHEAD) + 4 } else { 0 };
        let (rate, burst) = (sure * of.part / 100, frame * of.frames + last);
        prop_assume!(rate >= 8_000);
        let limit = "[interface.qos]\nclinical.limit = \"1 MB\"\n";
        let promise = format!(
            "[[promise]]\ninterface = \"s0\"\nclass = \"clinical\"\nrate = \"{rate} bit/s\"\nburst = \"{burst} B\"\n"
        );
        let Ok(config) = parse(&(of.text.replace("[interface.qos]\n", limit) + &promise), "t.toml") else { return Ok(()) };
        let bound = row(&capacity(&config), "s0", "clinical").wait;
        let mut tree = Tree::new(config);
        tree.watched = Clinical;
        let gap = burst * 8_000_000_000 / rate + 1;
        for n in 0..20u64 {
            let from = tree.now;
            for (step, waiting) in (1..).zip(&of.waiting) {
                flood(&mut tree, *waiting);
                tree.run(from + gap * step / 20);
            }
            if n.is_multiple_of(2) {
                flood(&mut tree, ALL);
            }
            for _ in 0..of.frames {
                prop_assert!(tree.offer(0, Clinical, of.len), "a frame in contract is refused");
            }
            if of.short {
                prop_assert!(tree.offer(0, Clinical, 60), "a frame in contract is refused");
            }
            tree.steps = 0;
        }
        let end = tree.now + gap + 10_000_000_000;
        tree.run(end);
        prop_assert!(bound.is_some_and(|bound| tree.worst[0] <= bound), "{} of {bound:?} ns", tree.worst[0]);
    }
}
