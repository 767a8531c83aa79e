//! A port with several scheduler trees, each another worker's: one rate, one order of priority,
//! shares by weight whatever tree a site is in; and trees that come and go.

use control::capacity::capacity;
use dataplane::class::TrafficClass::{Clinical, Standard, Voice};
use dataplane::qos::{Look, SiteReport, TreeLimits};
use testbed::lab::{Lab, ms, secs, us};
use testbed::packet::*;

const SITES: u8 = 8;
const PORT: f64 = 100e6;

/// Eight sites of 50 Mbit/s, on VLANs of a port of 100 Mbit/s with so many trees.
fn text(trees: usize) -> String {
    let site = |n: u8| {
        format!(
            "[[interface]]\nname = \"s{n}\"\nport = \"wan\"\nvlan = {n}\naddresses = [\"10.{n}.0.254/24\"]\n\
             [interface.qos]\nrate = \"50 Mbit/s\"\nstandard = {{ aqm = \"tail\", flows = 0 }}\n\
             voice.policer = {{ rate = \"1 Mbit/s\", burst = \"3 kB\" }}\n\
             [[promise]]\ninterface = \"s{n}\"\ncalls = 10\n"
        )
    };
    "[router]\nworkers = 2\n\
     [[port]]\nname = \"lan\"\nkind = \"af-packet\"\nqueues = 2\n\
     [[interface]]\nname = \"lan\"\naddresses = [\"10.100.0.254/24\"]\n\
     [[port]]\nname = \"wan\"\nkind = \"af-packet\"\nqueues = 2\nrate = \"100 Mbit/s\"\n"
        .to_owned()
        + &format!("trees = {trees}\n")
        + &(1..=SITES).map(site).collect::<String>()
}

fn lab(trees: usize) -> Lab {
    let mut lab = Lab::with_size(&text(trees), |size| size.buffers = 16_384);
    lab.run(secs(15));
    lab.host("lan", "10.100.0.1");
    for n in 1..=SITES {
        lab.host(&format!("s{n}"), &format!("10.{n}.0.1"));
    }
    for n in 1..=SITES {
        lab.send("lan", to(n) / udp(1));
    }
    lab.run(ms(10));
    lab.forget();
    lab
}

fn to(site: u8) -> Ip {
    ip("10.100.0.1", &format!("10.{site}.0.1"))
}

/// What its tree says of a site.
fn told(lab: &mut Lab, site: &str) -> SiteReport {
    let snapshot = lab.snapshot();
    let spec = snapshot.interface_named(site).unwrap();
    let answers = lab.router().handle().tree(spec.port, snapshot.tree_of(spec), Look::Whole(spec.id));
    lab.run(us(0));
    answers.recv().unwrap().unwrap().sites.remove(0)
}

#[test]
fn two_trees_keep_the_rate_the_shares_and_the_calls() {
    let mut lab = lab(2);
    let snapshot = lab.snapshot();
    let port = snapshot.ports.iter().find(|(_, port)| &*port.name == "wan").unwrap().1.clone();
    let (trees, workers) = (port.trees.clone().unwrap(), lab.router().workers());
    for (tree, worker) in [(0, 1), (1, 0)] {
        let mut queues = workers[worker].queues().iter().filter(|queue| queue.id == port.id);
        let egress = queues.find_map(|queue| queue.egress.as_ref()).unwrap();
        let mine = snapshot.interfaces.iter().filter(|(_, i)| i.port == port.id && trees.of(i.id) == tree);
        let ids: Vec<_> = mine.map(|(_, i)| i.id).collect();
        assert_eq!(ids.len(), 4);
        assert!(ids.iter().all(|id| egress.scheduler.stats(*id, Standard).is_some()));
    }
    for n in 1..=SITES {
        lab.offer_rate("lan", to(n) / udp(2) / payload(1400), 25_000_000);
    }
    lab.run(ms(300));
    for n in 1..=SITES {
        for call in 0..10u16 {
            lab.run(us(317));
            lab.offer("lan", to(n).dscp(EF) / udp(5004 + 2 * call) / rtp(), ms(20));
        }
    }
    lab.run(secs(1));
    let rates: Vec<f64> = (1..=SITES).map(|n| lab.rate(&format!("s{n}"), Standard)).collect();
    // A full frame is 1446 bytes with its tag, a call's 218; the line counts 24 more of each.
    let voice: f64 = (1..=SITES).map(|n| lab.rate(&format!("s{n}"), Voice)).sum();
    let data: f64 = rates.iter().sum::<f64>() * 1470.0 / 1446.0;
    let all = data + voice * 242.0 / 218.0;
    assert!((all / PORT - 1.0).abs() < 0.005, "{all} bit/s of {PORT}");
    for rate in &rates {
        assert!((rate * 8.0 / rates.iter().sum::<f64>() - 1.0).abs() < 0.005, "{rates:?}");
    }
    let bounds = capacity(&control::config::parse(&text(2), "t").unwrap());
    for n in 1..=SITES {
        let site = format!("s{n}");
        let told = told(&mut lab, &site);
        let queue = &told.queues[Voice.index()];
        assert!(queue.sent.packets >= 400 && queue.drops().all(|(_, count)| count.packets == 0), "{site}");
        let row = bounds.rows.iter().find(|row| row.interface == site && row.class == "voice").unwrap();
        let (bound, worst) = (row.wait.unwrap(), queue.delay.max());
        assert!(worst <= bound, "{site}: {worst} of {bound} ns");
    }
}

#[test]
fn a_site_that_goes_to_another_tree_loses_nothing_and_keeps_its_order() {
    let mut lab = lab(1);
    let (mut sent, mut came) = ([0u16; SITES as usize + 1], [0u16; SITES as usize + 1]);
    for round in 0..12 {
        for n in 1..=SITES {
            // About 3 ms of the port wait when the trees change.
            for _ in 0..3 {
                lab.send("lan", to(n).dscp(AF21) / udp(sent[n as usize]) / payload(1400));
                sent[n as usize] += 1;
            }
        }
        lab.run(us(50));
        lab.apply(&text([2, 1][round % 2]));
        lab.run(ms([1, 5][round / 2 % 2]));
    }
    lab.run(secs(1));
    for seen in lab.take("wan") {
        let packet = Packet::decode(&seen.bytes);
        let Some(udp) = packet.layer(Kind::Udp) else { continue };
        let site = seen.bytes[15] as usize;
        assert_eq!(udp.number("dport"), Some(came[site].into()), "s{site}: out of order or lost");
        came[site] += 1;
    }
    assert_eq!(came, sent);
    lab.expect_no_drops();
}

#[test]
fn what_a_site_went_through_is_counted_on_in_its_next_tree() {
    let mut lab = lab(1);
    let each = |lab: &mut Lab, check: &mut dyn FnMut(u8, u64, u64)| {
        for n in 1..=SITES {
            let queue = told(lab, &format!("s{n}")).queues[Clinical.index()].clone();
            assert_eq!(queue.offered.packets, queue.sent.packets + queue.depth.packets, "s{n}");
            assert_eq!(queue.delay.count(), queue.sent.packets, "s{n}");
            check(n, queue.sent.packets, queue.delay.max());
        }
    };
    let mut longest = [0; SITES as usize + 1];
    for round in 1..=6 {
        for n in 1..=SITES {
            (0..5).for_each(|_| lab.send("lan", to(n).dscp(AF21) / udp(9) / payload(1400)));
        }
        // Some have left, and some wait.
        lab.run(ms(2));
        lab.apply(&text([2, 1][round as usize % 2]));
        lab.run(ms(20));
        each(&mut lab, &mut |n, sent, waited| {
            assert_eq!(sent, 5 * round, "s{n}, round {round}");
            assert!(waited >= longest[n as usize], "s{n}, round {round}");
            longest[n as usize] = waited;
        });
    }
    assert!(longest[1..].iter().all(|waited| *waited > 0));
    lab.expect_no_drops();
}

#[test]
fn more_waits_than_a_ring_holds_and_all_of_it_goes_to_the_other_tree() {
    let mut lab = lab(1);
    for n in 1..=SITES {
        for _ in 0..400 {
            lab.send("lan", to(n).dscp(AF21) / udp(9));
        }
    }
    lab.run(us(1));
    let held = lab.router().held();
    assert!(held > 3_000, "{held}");
    for trees in [2, 1] {
        lab.apply(&text(trees));
        assert!(lab.router().held() > held - 100);
    }
    lab.run(secs(2));
    lab.expect_no_drops();
    let snapshot = lab.snapshot();
    let last = snapshot.interface_named("s8").unwrap();
    assert_eq!(lab.router().handle().interface_counts(last.id).sent[Clinical.index()].frames, 400);
}

#[test]
fn a_queue_that_takes_nothing_keeps_nothing_from_the_other_tree() {
    let mut lab = lab(2);
    let snapshot = lab.snapshot();
    let site = |n: u8| format!("s{n}");
    let tree = |n: &u8| snapshot.tree_of(snapshot.interface_named(&site(*n)).unwrap());
    let (first, second): (Vec<u8>, Vec<u8>) = (1..=SITES).partition(|n| tree(n) == 0);
    assert_eq!((first.len(), second.len()), (4, 4));
    for n in 1..=SITES {
        lab.offer_rate("lan", to(n) / udp(2) / payload(1400), 45_000_000);
    }
    for call in 0..10u16 {
        lab.offer("lan", to(first[0]).dscp(EF) / udp(5004 + 2 * call) / rtp(), ms(20));
    }
    let rate = |lab: &Lab, sites: &[u8]| {
        let of = |n: &u8| {
            lab.rate(&site(*n), Standard) * 1470.0 / 1446.0 + lab.rate(&site(*n), Voice) * 242.0 / 218.0
        };
        sites.iter().map(of).sum::<f64>()
    };
    lab.run(ms(100));
    lab.set_takes("wan", 1, false);
    lab.run(ms(100));
    lab.run(ms(500));
    let (sent, held) = (rate(&lab, &first), rate(&lab, &second));
    assert!((sent / PORT - 1.0).abs() < 0.005, "{sent}");
    assert_eq!(held, 0.0);
    let voice = told(&mut lab, &site(first[0])).queues[Voice.index()].clone();
    let bounds = capacity(&control::config::parse(&text(2), "t").unwrap());
    let row = bounds.rows.iter().find(|row| row.interface == site(first[0]) && row.class == "voice").unwrap();
    assert!(voice.sent.packets >= 300 && voice.drops().all(|(_, count)| count.packets == 0));
    assert!(voice.delay.max() <= row.wait.unwrap(), "{} ns", voice.delay.max());
    lab.set_takes("wan", 1, true);
    lab.run(ms(100));
    lab.run(ms(500));
    let data = |sites: &[u8]| sites.iter().map(|n| lab.rate(&site(*n), Standard)).sum::<f64>();
    let (one, other) = (data(&first), data(&second));
    assert!((one / other - 1.0).abs() < 0.005, "{one} and {other}");
    assert!(((rate(&lab, &first) + rate(&lab, &second)) / PORT - 1.0).abs() < 0.005);
}

#[test]
fn trees_that_come_have_their_part_of_the_buffers() {
    let mut lab = lab(1);
    for trees in [2, 1, 2] {
        lab.apply(&text(trees));
        let snapshot = lab.snapshot();
        let port = snapshot.interface_named("s1").unwrap().port;
        for tree in 0..trees {
            let answers = lab.router().handle().tree(port, tree, Look::Brief(0));
            lab.run(us(0));
            let limits = answers.recv().unwrap().unwrap().limits;
            // One more is the other port's.
            assert_eq!(limits, TreeLimits::sharing(16_384, trees + 1), "tree {tree} of {trees}");
        }
    }
}

#[test]
fn calls_and_policed_data_that_go_to_another_tree_are_not_policed_again() {
    let policed = |trees| {
        text(trees).replace(
            "voice.policer = { rate = \"1 Mbit/s\", burst = \"3 kB\" }",
            "voice.policer = { rate = \"1 Mbit/s\", burst = \"3 kB\" }\n\
             clinical.policer = { rate = \"30 Mbit/s\", burst = \"3 kB\" }",
        )
    };
    let mut lab = lab(1);
    lab.apply(&policed(1));
    for n in 1..=SITES {
        lab.offer_rate("lan", to(n).dscp(AF21) / udp(2) / payload(1400), 29_000_000);
    }
    lab.run(ms(50));
    for trees in [2, 1, 2] {
        lab.apply(&policed(trees));
        lab.run(ms(3));
    }
    lab.stop_offering();
    lab.run(secs(1));
    lab.expect_no_drops();
}

/// Sites of a port of 100 Mbit/s with so many trees: more than twice what a worker hands over in a turn.
const MANY: u16 = 640;

fn many(trees: usize) -> String {
    let (head, _) =
        text(trees).split_once("[[interface]]\nname = \"s1\"").map(|(a, b)| (a.to_owned(), b.len())).unwrap();
    let site = |n: u16| {
        let (a, b) = (n / 200, n % 200);
        format!(
            "[[interface]]\nname = \"s{n}\"\nport = \"wan\"\nvlan = {n}\naddresses = [\"10.{a}.{b}.254/24\"]\n\
             [interface.qos]\nrate = \"50 Mbit/s\"\nclinical = {{ aqm = \"tail\", flows = 0 }}\n"
        )
    };
    head + &(1..=MANY).map(site).collect::<String>()
}

fn to_many(site: u16) -> Ip {
    ip("10.100.0.1", &format!("10.{}.{}.1", site / 200, site % 200))
}

/// Frames and counts of 320 sites go to the other tree, and come back: 256 of each go in a turn of their worker.
#[test]
fn more_sites_than_go_in_a_turn_lose_nothing_double_nothing_and_keep_their_order() {
    let mut lab = Lab::with_size(&many(1), |size| size.buffers = 32_768);
    lab.run(secs(15));
    lab.host("lan", "10.100.0.1");
    for n in 1..=MANY {
        lab.host(&format!("s{n}"), &format!("10.{}.{}.1", n / 200, n % 200));
    }
    lab.run(secs(1));
    lab.forget();
    let mut sent = 0;
    for trees in [2, 1, 2, 1] {
        for _ in 0..3 {
            for n in 1..=MANY {
                lab.send("lan", to_many(n).dscp(AF21) / udp(sent) / payload(600));
            }
            sent += 1;
        }
        lab.run(us(100));
        let held = lab.router().held();
        assert!(held > 1_500, "{held} wait");
        lab.apply(&many(trees));
        let snapshot = lab.snapshot();
        let moved =
            snapshot.interfaces.iter().filter(|(_, interface)| snapshot.tree_of(interface) == 1).count();
        assert_eq!(moved, if trees == 2 { 320 } else { 0 });
        assert!(lab.router().held() > held - 100, "they wait on");
        lab.run(ms(2));
    }
    lab.run(secs(2));
    let mut came = vec![0u16; usize::from(MANY) + 1];
    for seen in lab.take("wan") {
        let packet = Packet::decode(&seen.bytes);
        let Some(udp) = packet.layer(Kind::Udp) else { continue };
        let site = usize::from(u16::from_be_bytes([seen.bytes[14], seen.bytes[15]]) & 0xfff);
        assert_eq!(udp.number("dport"), Some(came[site].into()), "s{site}: out of order, lost or double");
        came[site] += 1;
    }
    assert!(came[1..].iter().all(|came| *came == sent), "{came:?} of {sent}");
    for n in 1..=MANY {
        let queue = told(&mut lab, &format!("s{n}")).queues[Clinical.index()].clone();
        let counts = (queue.offered.packets, queue.sent.packets, queue.delay.count());
        assert_eq!(counts, (sent.into(), sent.into(), sent.into()), "s{n}");
    }
    lab.expect_no_drops();
}
