//! Early detection, controlled delay and their marks through a whole tree, against their definitions in real numbers.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::TrafficClass::{Clinical, Imaging, Standard};
use crate::qos::{CodelSpec, WredCurve, WredSpec};

/// Two that tell their senders, and one that does not.
const CLASSES: [TrafficClass; 3] = [Imaging, Standard, Clinical];

#[derive(Clone, Debug)]
enum Step {
    /// Of one of [`CLASSES`], so many frames of a length and colour, whose ends know ECN or not.
    Offer(usize, usize, usize, usize, bool),
    Wait(u64),
}

fn steps(frames: usize, most: usize) -> impl Strategy<Value = Vec<Step>> {
    let offer = (0..CLASSES.len(), 1..frames, 60usize..1515, 0..3usize, any::<bool>());
    let step = prop_oneof![
        3 => offer.prop_map(|(class, n, len, colour, ect)| Step::Offer(class, n, len, colour, ect)),
        1 => (0..4 * MS).prop_map(Step::Wait),
        1 => (0..100 * MS).prop_map(Step::Wait),
    ];
    vec(step, 1..most)
}

/// A frame that was offered.
#[derive(Clone, Copy, Debug)]
struct Offered {
    class: usize,
    ect: bool,
    /// What may become of it but that it waits as it came.
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing.
    Queued,
    /// It may be dropped or marked.
    Told,
    /// It is dropped.
    Dropped,
    /// Too near to say.
    Any,
}

/// A class's early detection: the average of its queue, bytes, and since when that is empty.
#[derive(Clone, Copy, Debug, Default)]
struct Average {
    bytes: f64,
    idle: Option<u64>,
}

impl Average {
    /// A frame comes at a queue of so many bytes; `frame` is the time of a full one. Gives how likely it is told of.
    fn comes(&mut self, (now, frame): (u64, u64), held: usize, curve: WredCurve) -> (Fate, f64) {
        // It halves with every 355 frames that might have come to the empty queue.
        let since = self.idle.take().map_or(0, |since| (now - since) / frame / 355);
        self.bytes *= 0.5f64.powi(since.min(1_000) as i32);
        self.bytes += (held as f64 - self.bytes) / 512.0;
        let (from, to) = (f64::from(curve.from), f64::from(curve.to));
        let chance = (self.bytes - from) / (to - from) * f64::from(curve.percent) / 100.0;
        match self.bytes {
            bytes if (bytes - from).abs() < 2.0 || (bytes - to).abs() < 2.0 => (Fate::Any, 0.0),
            bytes if bytes < from => (Fate::Queued, 0.0),
            bytes if bytes < to => (Fate::Told, chance),
            _ => (Fate::Dropped, 0.0),
        }
    }
}

/// Controlled delay as RFC 8289 section 5 writes it down, a frame at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delay {
    above: Option<f64>,
    next: f64,
    count: u32,
    last: u32,
    dropping: bool,
    /// It was too near to say from what spell a new one goes on.
    pub(super) doubt: bool,
}

impl Delay {
    /// Whether the frame is to go that came to the head at `now` after `waited`, `left` bytes behind it. Where that is
    /// too near to say it is what was `seen`.
    pub(super) fn drops(
        &mut self,
        spec: CodelSpec,
        (now, waited): (u64, u64),
        left: usize,
        seen: bool,
    ) -> bool {
        let (now, interval) = (now as f64, spec.interval as f64);
        let above = waited >= spec.target && left > 1514;
        let first = self.above;
        self.above = above.then_some(first.unwrap_or(now + interval));
        if !above || first.is_none_or(|first| now < first) {
            self.dropping &= above;
            return false;
        }
        // The root is worked out to 2⁻¹⁶.
        let near = |at: f64, count: u32| (now - at).abs() < interval * 2e-5 * f64::from(count + 1) + 2.0;
        let due = if near(self.next, self.count) { seen } else { now >= self.next };
        if !self.dropping {
            let (more, again) = (self.count.saturating_sub(self.last), now - self.next < 16.0 * interval);
            self.doubt |= more > 1 && near(self.next + 16.0 * interval, self.count);
            self.count = if more > 1 && again { more } else { 1 };
            (self.dropping, self.last, self.next) = (true, self.count, now);
        } else if due {
            self.count += 1;
        } else {
            return false;
        }
        self.next += interval / f64::from(self.count).sqrt();
        true
    }
}

/// One site, what came to it, and what left.
struct Site {
    bench: Bench,
    offered: Vec<Offered>,
    /// Serials and whether they left with a mark, in order of leaving.
    marked: Vec<(u32, bool)>,
    held: [usize; CLASSES.len()],
}

impl Site {
    fn new(qos: InterfaceQos) -> Self {
        let mut bench = Bench::new(0, &[qos]);
        bench.now = S;
        Self { bench, offered: Vec::new(), marked: Vec::new(), held: [0; CLASSES.len()] }
    }

    fn offer(&mut self, offered: Offered, len: usize, colour: usize) -> Option<DropReason> {
        let serial = self.offered.len() as u32;
        self.bench.ect = offered.ect;
        let mut frame = self.bench.frame(0, CLASSES[offered.class], len, (serial, serial));
        frame.meta_mut().colour = [Colour::Green, Colour::Yellow, Colour::Red][colour];
        self.offered.push(offered);
        let why = self.bench.offer(frame);
        self.held[offered.class] += if why.is_none() { len } else { 0 };
        why
    }

    /// Sends one frame, if one may leave; gives all that went meanwhile, dropped or sent.
    fn send(&mut self) -> Vec<Gone> {
        let (from, before) = (self.bench.gone.len(), self.bench.ce);
        self.bench.ect = true;
        if self.bench.dequeue(1) > 0 {
            self.marked.push((self.bench.gone[self.bench.gone.len() - 1].serial, self.bench.ce > before));
        }
        self.bench.gone[from..].to_vec()
    }

    /// Runs for `time`; `left` sees each frame that goes, with its place among the classes and the bytes behind it.
    fn run(&mut self, time: u64, mut left: impl FnMut(usize, usize, &Gone, bool)) {
        let end = self.bench.now.saturating_add(time);
        loop {
            let gone = self.send();
            for gone in &gone {
                let class = CLASSES.iter().position(|class| *class == gone.class).unwrap();
                self.held[class] -= gone.len;
                let marked = self.marked.last().is_some_and(|(serial, ce)| *serial == gone.serial && *ce);
                left(class, self.held[class], gone, marked);
            }
            let next = self.bench.tree.next_event(Time(self.bench.now)).0;
            if next > end || next == u64::MAX {
                break;
            }
            self.bench.now = next;
        }
        self.bench.now = end;
    }

    /// In the end: what was offered of each class is sent and dropped, and marks are what left with one.
    fn close(&mut self, of: DropReason) -> Result<(), TestCaseError> {
        prop_assert_eq!((self.bench.tree.held_frames(), self.bench.gone.len()), (0, self.offered.len()));
        for (n, class) in CLASSES.into_iter().enumerate() {
            let stats = self.bench.tree.stats(IfIndex(0), class).unwrap();
            let all = || self.bench.gone.iter().filter(|gone| gone.class == class);
            let ce = |gone: &&Gone| gone.why.is_none() && self.marked.contains(&(gone.serial, true));
            let count = |gone: &mut dyn Iterator<Item = &Gone>| {
                gone.fold((0, 0), |(packets, bytes), gone| (packets + 1, bytes + gone.len as u64))
            };
            prop_assert_eq!((stats.offered.packets, stats.offered.bytes), count(&mut all()));
            let dropped = stats.dropped(of);
            prop_assert_eq!(
                (dropped.packets, dropped.bytes),
                count(&mut all().filter(|g| g.why == Some(of)))
            );
            prop_assert_eq!((stats.marked.packets, stats.marked.bytes), count(&mut all().filter(ce)));
            prop_assert!(all().filter(ce).all(|gone| self.offered[gone.serial as usize].ect));
            prop_assert!(n < 2 || dropped.packets + stats.marked.packets == 0);
        }
        Ok(())
    }
}

fn curves() -> impl Strategy<Value = WredSpec> {
    let curve = (0u32..3_000, 100u32..4_000, 1u8..=100);
    let curve = curve.prop_map(|(from, more, percent)| WredCurve { from, to: from + more, percent });
    [curve.clone(), curve.clone(), curve]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Below its curve nothing goes, above it all; in between what is told of is dropped, and as often as the curve
    /// says; where the class may mark and the ends know ECN it is marked in its stead, never dropped.
    #[test]
    fn early_detection_is_what_its_curves_say_and_marks_what_may_be_marked(
        rate in 2_000_000u64..50_000_000,
        specs in (curves(), any::<bool>(), curves(), any::<bool>()),
        steps in steps(30, 20),
    ) {
        let specs = [(specs.0, specs.1), (specs.2, specs.3)];
        let mut qos = shaped(rate, 0);
        for (of, (curves, ecn)) in CLASSES.into_iter().zip(specs) {
            (class(&mut qos, of).aqm, class(&mut qos, of).ecn) = (Aqm::Wred(curves), ecn);
        }
        let frame = 1538 * 8 * S / rate;
        let (mut site, mut averages) = (Site::new(qos), [Average::default(); 2]);
        // How many were told of, how many were to be, and how far from that by chance: the square.
        let (mut told, mut expected, mut square, mut any) = (0.0, 0.0, 0.0, 0.0);
        for step in steps.into_iter().chain([Step::Wait(100 * S)]) {
            match step {
                Step::Offer(class, n, len, colour, ect) => for _ in 0..n {
                    let now = (site.bench.now, frame);
                    let (fate, chance) = match averages.get_mut(class) {
                        Some(average) => average.comes(now, site.held[class], specs[class].0[colour]),
                        None => (Fate::Queued, 0.0),
                    };
                    let why = site.offer(Offered { class, ect, fate }, len, colour);
                    let marks = ect && specs.get(class).is_some_and(|spec| spec.1);
                    (expected, square) = (expected + chance, square + chance * (1.0 - chance));
                    any += f64::from(u8::from(fate == Fate::Any));
                    match (fate, why) {
                        (Fate::Dropped, why) => prop_assert_eq!(why, Some(DropReason::Wred)),
                        (Fate::Any, None) => {}
                        (Fate::Any, why) => prop_assert_eq!(why, Some(DropReason::Wred)),
                        (Fate::Told, Some(why)) => {
                            prop_assert!(why == DropReason::Wred && !marks);
                            told += 1.0;
                        }
                        (_, why) => prop_assert_eq!(why, None),
                    }
                }
                Step::Wait(time) => {
                    let (now, averages) = (site.bench.now, &mut averages);
                    let mut emptied = Vec::new();
                    site.run(time, |class, left, gone, marked| {
                        assert!(gone.why.is_none() && gone.at >= now);
                        if left == 0 && class < 2 {
                            averages[class].idle = Some(gone.at);
                        }
                        emptied.push((gone.serial, marked));
                    });
                    for (serial, marked) in emptied {
                        let Offered { class, ect, fate } = site.offered[serial as usize];
                        let may = ect && specs.get(class).is_some_and(|spec| spec.1) && fate != Fate::Queued;
                        prop_assert!(!marked || may);
                        told += f64::from(u8::from(marked && fate == Fate::Told));
                    }
                }
            }
        }
        let off: f64 = told - expected;
        prop_assert!(off.abs() <= 6.0 * square.sqrt() + 4.0 + any, "{told} of {expected}");
        site.close(DropReason::Wred)?;
    }

    /// What controlled delay drops, and marks where it may, is what the text of its RFC says of each frame.
    #[test]
    fn controlled_delay_is_what_its_rfc_says_and_marks_what_may_be_marked(
        rate in 50_000_000u64..200_000_000,
        (target, more) in (2 * MS..6 * MS, 0..20 * MS),
        ecn in [any::<bool>(), any::<bool>()],
        steps in steps(60, 24),
    ) {
        let spec = CodelSpec { target, interval: 2 * target + more };
        let mut qos = shaped(rate, 0);
        for (of, ecn) in CLASSES.into_iter().zip(ecn) {
            (class(&mut qos, of).aqm, class(&mut qos, of).ecn) = (Aqm::Codel(spec), ecn);
        }
        let (mut site, mut delays) = (Site::new(qos), [Delay::default(); 2]);
        for step in steps.into_iter().chain([Step::Wait(100 * S)]) {
            match step {
                Step::Offer(class, n, len, colour, ect) => for _ in 0..n {
                    let why = site.offer(Offered { class, ect, fate: Fate::Any }, len, colour);
                    prop_assert_eq!(why, None);
                }
                Step::Wait(time) => {
                    let (mut told, delays) = (Vec::new(), &mut delays);
                    site.run(time, |class, left, gone, marked| {
                        let Some(delay) = delays.get_mut(class) else { return };
                        let seen = gone.why.is_some() || marked;
                        let goes = delay.drops(spec, (gone.at, gone.waited), left, seen);
                        if !delay.doubt {
                            told.push((gone.serial, goes, gone.why, marked));
                        }
                    });
                    for (serial, goes, why, marked) in told {
                        let Offered { class, ect, .. } = site.offered[serial as usize];
                        let marks = ect && ecn[class];
                        let drops = (goes && !marks).then_some(DropReason::Codel);
                        prop_assert_eq!((why, marked), (drops, goes && marks), "frame {}", serial);
                    }
                }
            }
        }
        site.close(DropReason::Codel)?;
    }
}
