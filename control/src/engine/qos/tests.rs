//! Rates over a window, beside the frames that left in it.

use std::sync::Arc;
use std::time::Duration;

use dataplane::class::TrafficClass;
use dataplane::id::IfIndex;
use dataplane::packet::{Batch, Frame};
use dataplane::qos::{Cells, InterfaceQos, LINE_OVERHEAD, Look, Scheduler, ShaperSpec, SiteReport};
use dataplane::time::Time;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Change, PERIOD, Samples, WINDOWS};

const CLASS: TrafficClass = TrafficClass::Clinical;
const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// A tree of one site that lets everything out at once, and what left it.
struct Site {
    tree: Scheduler,
    name: Arc<str>,
    now: u64,
    /// When, accounted bytes, wait.
    left: Vec<(u64, u64, u64)>,
    /// When samples were taken.
    sampled: Vec<u64>,
    samples: Samples,
}

impl Site {
    fn new() -> Self {
        let shaper = ShaperSpec { rate: 400_000_000_000, burst: S, overhead: 10, cells: Cells::Ptm };
        let qos = Arc::new(InterfaceQos { shaper: Some(shaper), ..InterfaceQos::default() });
        let mut tree = Scheduler::new(0);
        tree.sync(0, [(IfIndex(3), &qos)].into_iter(), &mut Vec::new());
        let (left, sampled) = (Vec::new(), Vec::new());
        Self { tree, name: "surgery".into(), now: 0, left, sampled, samples: Samples::default() }
    }

    fn offer(&mut self, len: usize) {
        let mut frame = Frame::standard();
        frame.set_len(len).unwrap();
        (frame.meta_mut().out_interface, frame.meta_mut().class) = (IfIndex(3), CLASS);
        frame.rare_mut().received = Time(self.now);
        self.tree.enqueue(frame, Time(self.now)).unwrap();
    }

    fn send(&mut self) {
        let mut out = Batch::new();
        self.tree.dequeue(Time(self.now), 100, &mut out, &mut Vec::new());
        for frame in out.drain() {
            let bytes = frame.len().max(60) as u64 + 10;
            let waited = self.now - frame.rare().received.nanos();
            self.left.push((self.now, bytes + bytes.div_ceil(64), waited));
        }
    }

    fn sample(&mut self) {
        let mut told = self.tree.report(Look::Sample(0), Time(self.now));
        self.samples.add(&self.name, Time(self.now), &told.sites.remove(0));
        self.sampled.push(self.now);
    }

    fn report(&mut self) -> SiteReport {
        self.tree.report(Look::Whole(IfIndex(3)), Time(self.now)).sites.remove(0)
    }

    fn change(&mut self, window: Duration) -> Change {
        let report = self.report();
        self.samples.change("surgery", Time(self.now), &report, window)
    }

    /// The same from what was seen.
    fn seen(&self, window: Duration) -> Change {
        let window = window.as_nanos() as u64;
        let old = self.sampled.iter().rfind(|at| self.now - **at >= window);
        let Some(from) = old.or(self.sampled.first()).copied() else { return Change::default() };
        let within: Vec<_> = self.left.iter().filter(|(at, ..)| *at >= from).collect();
        let mut change = Change { time: self.now - from, ..Change::default() };
        change.accounted[CLASS.index()] = within.iter().map(|(_, bytes, _)| bytes).sum();
        change.longest[CLASS.index()] = within.iter().map(|(.., waited)| *waited).max().unwrap_or(0);
        change
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Frames wait for up to the gap behind them; samples come late, but never early.
    #[test]
    fn a_window_holds_what_left_in_it(
        steps in vec((vec(40usize..1515, 0..4), 0u64..400 * MS, any::<bool>()), 1..120),
    ) {
        let mut site = Site::new();
        for (frames, gap, sample) in steps {
            frames.into_iter().for_each(|len| site.offer(len));
            site.now += gap;
            let last = site.sampled.last().copied();
            if sample && last.is_none_or(|last| site.now - last >= PERIOD.as_nanos() as u64) {
                site.sample();
            }
            // What leaves at the moment of a sample belongs to the time behind it.
            site.send();
            site.now += 1;
        }
        for window in WINDOWS {
            let (told, seen) = (site.change(window), site.seen(window));
            prop_assert_eq!((told.time, told.accounted, told.longest), (seen.time, seen.accounted, seen.longest));
            prop_assert_eq!(told.dropped, 0);
        }
    }
}

#[test]
fn rates_are_to_the_bit_and_samples_are_bounded() {
    let mut site = Site::new();
    for n in 0..200 {
        if n % 2 == 0 {
            site.sample();
        }
        site.offer(1_000);
        site.send();
        site.now += PERIOD.as_nanos() as u64 / 2;
    }
    // 1,010 bytes in 16 codewords of 65: 1,026, four a second.
    let [short, long] = WINDOWS.map(|window| site.change(window));
    assert_eq!([short, long].map(|c| c.time), [S, 10 * S]);
    assert_eq!([short, long].map(|c| c.rate(c.accounted[CLASS.index()])), [4 * 1_026 * 8; 2]);
    assert_eq!((short.line, long.line), (4 * (1_000 + u64::from(LINE_OVERHEAD)), 40 * 1_024));
    assert_eq!(long.burst, 1_026);
    let kept = format!("{:?}", site.samples).matches("Sample {").count();
    assert!((20..=22).contains(&kept), "{kept} samples");
}

#[test]
fn what_begins_anew_is_not_compared_with_what_was() {
    let mut site = Site::new();
    site.offer(1_000);
    site.send();
    site.now = S;
    site.sample();
    site.now = 2 * S;
    let report = site.report();
    let of =
        |name: &str, report: &SiteReport| site.samples.change(name, Time(2 * S), report, WINDOWS[0]).time;
    assert_eq!(of("surgery", &report), S);
    // Another name under the same id, and the same name with fewer counts.
    assert_eq!(of("clinic", &report), 0);
    let mut fresh = Site::new();
    assert_eq!(of("surgery", &fresh.report()), 0);
    site.samples.add(&"surgery".into(), Time(3 * S), &fresh.report());
    let change = site.samples.change("surgery", Time(4 * S), &fresh.report(), WINDOWS[1]);
    assert_eq!(change.time, S);
    site.samples.keep(|id, name| id == IfIndex(3) && name != "surgery");
    assert_eq!(site.change(WINDOWS[0]), Change::default());
}
