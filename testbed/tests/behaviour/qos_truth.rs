//! What `show qos` tells: known traffic at known rates gives exactly the rates, drops, marks,
//! depths, waits and bursts that are told; and in every queue offered = sent + dropped + held.

use std::time::Duration;

use control::api::qos::{ClassRow, Qos, QosTree};
use control::api::types::Traffic;
use control::engine::qos::{PERIOD, PortTold, Samples, table};
use dataplane::class::TrafficClass::{self, Clinical, Control, Standard, Voice};
use dataplane::qos::Look;
use dataplane::time::Time;
use testbed::lab::{Lab, ms, us};
use testbed::packet::*;

use super::{V4, lab, two_with};

/// A laboratory, and the samples that the control side takes of ge1.
struct Watched {
    lab: Lab,
    samples: Samples,
    /// When the last of them was taken.
    sampled: Time,
    /// What had come by ge0 before, and was not for ge1: the words of neighbours.
    before: Vec<(u64, u64)>,
}

/// ge1 with these settings.
fn watched(qos: &str) -> Watched {
    let mut lab = lab(&two_with(&format!("qos = {{ {qos} }}"), ""));
    // The neighbour is asked for.
    lab.send("ge0", V4.ab().dscp(1) / udp(1));
    lab.run(ms(10));
    lab.forget();
    let sampled = lab.now();
    let mut watched = Watched { sampled, lab, samples: Samples::default(), before: Vec::new() };
    watched.sample();
    let tree = watched.told();
    watched.before = watched.beside(&tree);
    // What is offered from now on comes between two samples.
    watched.lab.run(us(250));
    watched
}

impl Watched {
    /// What the tree of ge1 says at this very moment.
    fn look(&mut self, look: Look) -> PortTold {
        let port = self.lab.snapshot().interface_named("ge1").unwrap().port;
        let answers = self.lab.router().handle().tree(port, 0, look);
        self.lab.run(Duration::ZERO);
        PortTold::new(answers.recv().unwrap().into_iter().collect())
    }

    fn sample(&mut self) {
        let told = self.look(Look::Sample(0));
        let snapshot = self.lab.snapshot();
        for (at, site) in told.sites() {
            self.samples.add(&snapshot.interface(site.id).unwrap().name, at, site);
        }
    }

    /// Lets time pass in whole periods, with a sample at the end of each.
    fn run(&mut self, periods: u32) {
        for _ in 0..periods {
            self.sampled = self.sampled + PERIOD;
            self.lab.run(self.sampled - self.lab.now());
            self.sample();
        }
    }

    /// `show qos ge1`
    fn tree(&mut self) -> QosTree {
        let tree = self.told();
        self.conserved(&tree);
        tree
    }

    fn told(&mut self) -> QosTree {
        let snapshot = self.lab.snapshot();
        let ge1 = snapshot.interface_named("ge1").unwrap();
        let port = self.look(Look::Brief(0)).port("ge1", &snapshot, &self.samples);
        let whole = self.look(Look::Whole(ge1.id));
        let received = self.lab.router().handle().interface_counts(ge1.id).received;
        whole.of(ge1).tree(port, &received, &self.samples)
    }

    /// `show qos`
    fn table(&mut self) -> Qos {
        let snapshot = self.lab.snapshot();
        let told = self.look(Look::Brief(0));
        table(vec![told.of(snapshot.interface_named("ge1").unwrap()).site("ge1", &self.samples)])
    }

    /// Of each class, the frames and bytes that came by ge0 and were not offered to ge1.
    fn beside(&mut self, tree: &QosTree) -> Vec<(u64, u64)> {
        let ge0 = self.lab.snapshot().interface_named("ge0").unwrap().id;
        let came = self.lab.router().handle().interface_counts(ge0).received;
        let of = |row: &ClassRow| came[class(row).index()];
        let less = |row: &ClassRow| {
            let (frames, bytes) = (of(row).frames - row.offered.frames, of(row).bytes - row.offered.bytes);
            // Of Standard are the words of neighbours, each the shortest frame.
            let words = if class(row) == Standard { bytes / ARP } else { 0 };
            (frames - words, bytes - words * ARP)
        };
        // The router's own are of Control, and nothing else is.
        tree.classes.iter().filter(|row| class(row) != Control).map(less).collect()
    }

    /// What came by ge0 was offered to ge1, and is sent, dropped or held; what was sent is what the interface sent.
    fn conserved(&mut self, tree: &QosTree) {
        let ge1 = self.lab.snapshot().interface_named("ge1").unwrap().id;
        let sent = self.lab.router().handle().interface_counts(ge1).sent;
        for row in &tree.classes {
            let drops = row.drops.values().fold((0, 0), |sum, n| (sum.0 + n.frames, sum.1 + n.bytes));
            let dropped = (row.dropped.frames, row.dropped.bytes);
            assert_eq!(drops, dropped, "{row:?}");
            let went = row.sent.frames + row.dropped.frames + row.depth.frames;
            let bytes = row.sent.bytes + row.dropped.bytes + row.depth.bytes;
            assert_eq!((row.offered.frames, row.offered.bytes), (went, bytes), "{row:?}");
            let sent = sent[class(row).index()];
            assert_eq!((row.sent.frames, row.sent.bytes), (sent.frames, sent.bytes), "{row:?}");
        }
        let beside = self.beside(tree);
        assert_eq!(beside, self.before, "{tree:?}");
    }
}

/// Bytes of a neighbour's word by ARP.
const ARP: u64 = 64;

fn class(row: &ClassRow) -> TrafficClass {
    TrafficClass::ALL.into_iter().find(|class| class.name() == row.class).unwrap()
}

fn row(tree: &QosTree, class: TrafficClass) -> &ClassRow {
    tree.classes.iter().find(|row| row.class == class.name()).unwrap()
}

/// So many bytes of layer 2.
fn frame(length: usize) -> Packet {
    V4.ab().dscp(AF21) / udp(1) / payload(length - 42)
}

#[test]
fn a_steady_flow_is_told_to_the_bit_with_its_overhead() {
    // 1,024 bytes a millisecond as counted, in a rate that is not reached.
    let mut watched =
        watched("rate = \"10 Mbit/s\", guaranteed = \"5 Mbit/s\", weight = 3, clinical.rate = \"9 Mbit/s\"");
    watched.lab.offer("ge0", frame(1_000), ms(1));
    watched.run(22);
    let tree = watched.tree();
    let site = &tree.site;
    assert_eq!((site.rate, site.guaranteed, site.weight), (Some(10_000_000), Some(5_000_000), 3));
    assert_eq!((site.overhead, site.cells.as_str()), (24, "none"));
    // The router asks for its neighbour now and then.
    let control = row(&tree, Control).recent.map(|r| r.delivered);
    let all = [8_192_000 + control[0], 8_192_000 + control[1]];
    assert!(control[1] < 1_000);
    assert_eq!(site.recent.map(|r| (r.seconds, r.delivered)), [(1.0, all[0]), (10.0, all[1])]);
    assert_eq!((site.recent[0].dropped, site.recent[0].burst_bytes), (0, 1_024));
    let clinical = row(&tree, Clinical);
    assert_eq!((clinical.rate, clinical.guaranteed, clinical.priority), (Some(9_000_000), None, false));
    assert_eq!(
        clinical.recent.map(|r| (r.seconds, r.delivered, r.longest_us)),
        [(1.0, 8_192_000, 0.0), (10.0, 8_192_000, 0.0)]
    );
    assert_eq!(clinical.sent, Traffic { frames: 11_000, bytes: 11_000_000 });
    assert_eq!((clinical.max_us, clinical.worst.frames, clinical.depth.frames), (0.0, 1, 0));
    assert_eq!(row(&tree, Voice).recent.map(|r| r.delivered), [0, 0]);
    assert_eq!((tree.port.name.as_str(), tree.port.rate, tree.port.sites), ("ge1", None, 1));
    assert_eq!(tree.port.delivered, all);
    let qos = watched.table();
    assert_eq!((qos.totals.sites, qos.totals.delivered), (1, all));
    assert_eq!(qos.sites[0].sent, Traffic { frames: site.sent.frames, bytes: site.sent.bytes });
    // The windows follow: half a second later without traffic, half of it is left of the second.
    watched.lab.stop_offering();
    watched.run(1);
    let tree = watched.tree();
    assert_eq!(row(&tree, Clinical).recent.map(|r| r.delivered), [4_096_000, 7_782_400]);
}

#[test]
fn an_overloaded_site_delivers_its_rate_and_tells_every_drop() {
    for (qos, counted) in [
        ("rate = \"2 Mbit/s\", overhead = \"layer-2\"", 1_000),
        ("rate = \"2 Mbit/s\"", 1_024),
        // In cells of 48 bytes that take 53.
        ("rate = \"2 Mbit/s\", overhead = \"pppoe-llc\"", 22 * 53),
    ] {
        let mut watched = watched(&format!("{qos}, clinical.limit = \"20 kB\""));
        watched.lab.offer("ge0", frame(1_000), ms(2));
        watched.run(24);
        let tree = watched.tree();
        let clinical = row(&tree, Clinical);
        for recent in tree.site.recent {
            let off = (recent.delivered as f64 - 2e6).abs() * recent.seconds;
            assert!(off <= 8.0 * counted as f64, "{recent:?} with {qos}");
        }
        // Whole frames in a second, and of the 500 that came those are dropped that did not leave.
        let (second, bits) = (tree.site.recent[0], 8 * counted);
        assert_eq!((second.seconds, second.delivered % bits), (1.0, 0), "{second:?} with {qos}");
        assert!(second.dropped.abs_diff(500 - second.delivered / bits) <= 1, "{second:?} with {qos}");
        // The queue of 20 kB is full, but for the frame that left last.
        assert_eq!(clinical.worst, Traffic { frames: 20, bytes: 20_000 });
        assert!((19..=20).contains(&clinical.depth.frames), "{clinical:?}");
        assert_eq!(clinical.drops["queue-bytes"], clinical.dropped);
        assert_eq!(watched.lab.router().handle().totals().dropped(), clinical.dropped.frames);
        // Twenty frames ahead at the rate.
        let frame_us = counted as f64 * 4.0;
        assert!((clinical.max_us - 20.0 * frame_us).abs() <= frame_us, "{} with {qos}", clinical.max_us);
        assert!(clinical.p50_us > 18.0 * frame_us && clinical.p50_us <= clinical.max_us);
    }
}

#[test]
fn waits_depth_and_burst_of_a_volley_are_those_of_arithmetic() {
    // A millisecond a frame; the idle line has saved no burst.
    let mut watched = watched("rate = \"8 Mbit/s\", overhead = \"layer-2\", burst = \"10 us\"");
    (0..10).for_each(|_| watched.lab.send("ge0", frame(1_000)));
    watched.lab.run(us(500));
    let tree = watched.tree();
    let depth = Traffic { frames: 9, bytes: 9_000 };
    assert_eq!((row(&tree, Clinical).depth, tree.site.depth, tree.port.depth), (depth, depth, depth));
    watched.lab.run(ms(20));
    let tree = watched.tree();
    let clinical = row(&tree, Clinical);
    assert_eq!((clinical.depth.frames, clinical.worst.frames, clinical.sent.frames), (0, 10, 10));
    // The n-th waits n ms; percentiles within a sixteenth above.
    assert_eq!(clinical.max_us, 9_000.0);
    assert_eq!(clinical.recent[0].longest_us, 9_000.0);
    assert!(clinical.p50_us >= 4_000.0 && clinical.p50_us <= 4_000.0 * 17.0 / 16.0, "{}", clinical.p50_us);
    assert_eq!((clinical.p99_us, clinical.p999_us), (9_000.0, 9_000.0));
    // One in each millisecond.
    assert_eq!(tree.site.recent[0].burst_bytes, 1_000);
    // Looked at once a period, the window forgets the volley after a second.
    watched.run(3);
    let tree = watched.tree();
    assert_eq!((tree.site.recent[0].burst_bytes, tree.site.recent[1].burst_bytes), (0, 1_000));
    assert_eq!((row(&tree, Clinical).recent[0].longest_us, row(&tree, Clinical).max_us), (0.0, 9_000.0));
}

#[test]
fn a_volley_without_a_rate_is_one_burst() {
    let mut watched = watched("weight = 1");
    (0..10).for_each(|_| watched.lab.send("ge0", frame(1_000)));
    watched.lab.run(us(1));
    let site = watched.tree().site;
    assert_eq!((site.rate, site.overhead, site.recent[0].burst_bytes), (None, 0, 10_000));
}

#[test]
fn marks_and_policed_calls_are_told_as_they_left() {
    let mut watched = watched(
        "rate = \"2 Mbit/s\", standard = { ecn = true, flows = 0 }, \
         voice.policer = { rate = \"100 kbit/s\", burst = \"2000 B\" }",
    );
    let before = watched.tree();
    watched.lab.offer("ge0", V4.ab().dscp(CS0).ecn(2) / udp(1) / payload(958), ms(3));
    watched.lab.offer("ge0", V4.ab().dscp(EF) / udp(5004) / payload(158), ms(5));
    watched.run(4);
    let tree = watched.tree();
    let count = |class| {
        let (now, then) = (row(&tree, class), row(&before, class));
        (now.offered.frames - then.offered.frames, now.marked.frames - then.marked.frames)
    };
    // What is marked when it leaves, on the line.
    let congested = |bytes: &[u8]| bytes[12..14] == [8, 0] && bytes[15] & 3 == 3;
    let marked = watched.lab.take("ge1").iter().filter(|seen| congested(&seen.bytes)).count() as u64;
    assert!(marked > 0);
    assert_eq!(count(Standard), (667, marked));
    assert_eq!(tree.site.marked.frames, marked);
    let voice = row(&tree, Voice);
    assert_eq!((voice.priority, voice.policer), (true, Some(100_000)));
    // 200 bytes count 224: 100 kbit/s and the bucket let (25,000 + 2,000) / 224 pass.
    let passed = (25_000 + 2_000) / 224;
    assert_eq!((voice.offered.frames, voice.drops["policed"].frames), (400, 400 - passed));
    assert_eq!(voice.sent.frames + voice.depth.frames, passed);
}
