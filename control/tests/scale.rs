//! 390 sites of eight classes behind one port, 2 Mbit/s to 1 Gbit/s, all offered twice
//! their rate, from a configuration, in virtual time: each gets its rate, each class what it is
//! guaranteed, and no call loses a frame or waits longer than `prove capacity` says.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::capacity::capacity;
use control::{Config, PortFacts, compile, config};
use dataplane::class::{CLASSES, TrafficClass};
use dataplane::id::IfIndex;
use dataplane::packet::{Batch, Frame};
use dataplane::qos::{Scheduler, TreeLimits};
use dataplane::time::Time;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
/// Bytes that a frame counts for beside its own.
const OVERHEAD: u64 = 24;
/// G.711 with an Ethernet header and a tag, and how often.
const CALL: usize = 218;
const CALLS_EVERY: u64 = 20 * MS;
/// Of the router.
const BUFFERS: usize = 700_000;
const VOICE: usize = TrafficClass::Voice.index();
/// What each class is guaranteed, in hundredths of what the site is; a third is for calls.
const GUARANTEED: [u64; CLASSES] = [2, 0, 15, 10, 15, 15, 5, 0];

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The rates of 390 sites: surgeries, health centres, community and acute hospitals.
fn rates(dice: &mut Dice) -> Vec<u64> {
    let mut one = |site: u64| match site {
        0..260 => [2, 4, 8, 10][dice.below(4) as usize],
        260..360 => 20 + dice.below(81),
        360..385 => 100,
        _ => 1000,
    };
    (0..390).map(|site| one(site) * 1_000_000).collect()
}

struct Site {
    rate: u64,
    /// What calls and classes have their parts of, bit/s.
    sure: u64,
    calls: u64,
    /// When its calls' frames come, all together.
    offset: u64,
    /// Bit/s and bytes offered, by class.
    offer: [u64; CLASSES],
    offered: [u64; CLASSES],
    /// The first departure of the window, and the first after it.
    window: (Option<u64>, Option<u64>),
    sent: [u64; CLASSES],
}

impl Site {
    fn new(rate: u64, sure: u64, dice: &mut Dice) -> Self {
        let calls = sure * 30 / 100 * CALLS_EVERY / SECOND / 8 / (CALL as u64 + OVERHEAD);
        // A fifth more than what is guaranteed, and the rest of twice the rate at random.
        let mut hundredths = GUARANTEED.map(|g| (g * 12).div_ceil(10));
        while hundredths.iter().sum::<u64>() < 170 {
            let class = dice.below(8) as usize;
            hundredths[class] += if class == VOICE { 0 } else { 8 };
        }
        Self {
            rate,
            sure,
            calls,
            offset: dice.below(CALLS_EVERY / MS) * MS,
            offer: hundredths.map(|h| rate * h / 100),
            offered: [0; CLASSES],
            window: (None, None),
            sent: [0; CLASSES],
        }
    }

    /// Its part of the configuration; `burst` in milliseconds.
    fn text(&self, n: usize, burst: u64) -> String {
        let limit = (self.rate / 8 * 4 / 1000).max(8 * 1542);
        let calls = (self.calls * (CALL as u64 + OVERHEAD)).max(1522);
        let mut text = format!(
            "[[interface]]\nname = \"s{n}\"\nport = \"hub\"\nvlan = {}\n\
             [interface.qos]\nrate = \"{} bit/s\"\nguaranteed = \"{} bit/s\"\nburst = \"{burst} ms\"\n\
             voice = {{ limit = \"{} B\", policer = {{ rate = \"{} bit/s\", burst = \"{calls} B\" }} }}\n",
            n + 1,
            self.rate,
            self.sure,
            4 * calls + limit,
            self.sure / 3,
        );
        for (class, part) in TrafficClass::ALL.into_iter().zip(GUARANTEED) {
            if class.index() != VOICE {
                let sure = match self.sure * part / 100 {
                    0 => String::new(),
                    sure => format!("guaranteed = \"{sure} bit/s\", "),
                };
                text += &format!(
                    "{} = {{ {sure}limit = \"{limit} B\", aqm = \"tail\", flows = 0 }}\n",
                    class.name()
                );
            }
        }
        text + &format!("[[promise]]\ninterface = \"s{n}\"\ncalls = {}\n", self.calls)
    }

    /// What a departure is to the window of a second from `from` on: it takes its time after it. The window
    /// begins and ends with a frame of data: those leave when all before them has had its time.
    fn departs(&mut self, now: u64, from: u64, time: u64, class: usize, len: u64) {
        let first = self.window.0.is_none();
        if now < from || self.window.1.is_some() || first && class == VOICE {
            return;
        }
        let began = *self.window.0.get_or_insert(now);
        if now >= began + time && class != VOICE {
            self.window.1 = Some(now);
        } else {
            self.sent[class] += len + OVERHEAD;
        }
    }

    /// Bit/s of bytes of the window.
    fn rate_of(&self, bytes: u64) -> f64 {
        let time = self.window.1.unwrap() - self.window.0.unwrap();
        bytes as f64 * 8e9 / time as f64
    }
}

struct Hub {
    config: Config,
    tree: Scheduler,
    sites: Vec<Site>,
    free: Vec<Frame>,
    now: u64,
    dice: Dice,
    /// Each site's longest wait of a call's frame, until a line of the site's rate behind has sent it.
    waited: Vec<u64>,
    /// When those lines are free, and the port's.
    lines: Vec<u64>,
    line: u64,
    voice_lost: u64,
}

impl Hub {
    /// `guaranteed` is the part of its rate that each site is guaranteed, in hundredths; `burst` that of
    /// the rate, milliseconds.
    fn new(port: u64, guaranteed: u64, burst: u64) -> Self {
        let mut dice = Dice(7);
        let rates = rates(&mut dice);
        let sites: Vec<_> =
            rates.into_iter().map(|rate| Site::new(rate, rate * guaranteed / 100, &mut dice)).collect();
        let head = format!(
            "[router]\nbuffers = {BUFFERS}\n[[port]]\nname = \"hub\"\nkind = \"loopback\"\nrate = \"{port} bit/s\"\n"
        );
        let text = head + &sites.iter().enumerate().map(|(n, site)| site.text(n, burst)).collect::<String>();
        let config = config::parse(&text, "hub.toml").unwrap_or_else(|faults| panic!("{faults}"));
        let snapshot = compile(&config, &PortFacts::default()).unwrap_or_else(|faults| panic!("{faults}"));
        let mut tree = Scheduler::new(port);
        tree.set_limits(TreeLimits::sharing(BUFFERS, 1));
        let named = |n: usize| &snapshot.interface_named(&format!("s{n}")).unwrap().qos;
        let specs: Vec<_> = (0..sites.len()).map(named).collect();
        tree.sync(port, (0..).map(IfIndex).zip(specs), &mut Vec::new());
        let (waited, lines) = (vec![0; sites.len()], vec![0; sites.len()]);
        Self { config, tree, sites, free: Vec::new(), now: 0, dice, waited, lines, line: 0, voice_lost: 0 }
    }

    fn offer(&mut self, site: usize, class: usize, len: usize) {
        let mut frame = self.free.pop().unwrap_or_else(Frame::standard);
        frame.reset();
        frame.set_len(len).unwrap();
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class) = (IfIndex(site as u32), TrafficClass::ALL[class]);
        frame.rare_mut().received = Time(self.now);
        if let Err((frame, _)) = self.tree.enqueue(frame, Time(self.now)) {
            self.voice_lost += u64::from(class == VOICE);
            self.free.push(frame);
        }
    }

    /// What comes in a millisecond.
    fn tick(&mut self) {
        for at in 0..self.sites.len() {
            if self.now % CALLS_EVERY == self.sites[at].offset {
                (0..self.sites[at].calls).for_each(|_| self.offer(at, VOICE, CALL));
            }
            for class in (0..CLASSES).filter(|class| *class != VOICE) {
                let site = &self.sites[at];
                let due = site.offer[class] / 8 * (self.now / MS + 1) / 1000;
                while self.sites[at].offered[class] < due {
                    let len = match class {
                        0 => 100,
                        _ => [1514, 1514, 1514, 594][self.dice.below(4) as usize],
                    };
                    self.sites[at].offered[class] += len as u64 + OVERHEAD;
                    self.offer(at, class, len);
                }
            }
        }
    }

    /// Runs until every site has a window of `time` from `from` on.
    fn run(&mut self, from: u64, time: u64) {
        let (mut out, mut dropped) = (Batch::new(), Vec::new());
        for tick in 0..(from + time + 40 * MS) / MS {
            self.now = tick * MS;
            self.tick();
            while self.now < (tick + 1) * MS {
                while self.tree.dequeue(Time(self.now), 64, &mut out, &mut dropped) > 0 {
                    for frame in out.drain() {
                        self.departs(&frame, from, time);
                        self.free.push(frame);
                    }
                }
                self.now = self.tree.next_event(Time(self.now)).0.min((tick + 1) * MS);
            }
        }
        assert!(dropped.is_empty());
    }

    fn departs(&mut self, frame: &Frame, from: u64, time: u64) {
        let (at, class) = (frame.meta().out_interface.index(), frame.meta().class.index());
        self.sites[at].departs(self.now, from, time, class, frame.len() as u64);
        let (bits, port) =
            ((frame.len() as u64 + OVERHEAD) * 8 * SECOND, self.config.ports[0].rate.unwrap().0);
        let begins = self.line.max(self.now);
        self.line = begins + bits / port;
        self.lines[at] = self.lines[at].max(begins) + bits / self.sites[at].rate;
        if class == VOICE {
            self.waited[at] = self.waited[at].max(self.lines[at] - frame.rare().received.0);
        }
    }

    /// No call's frame was lost, or waited longer than the configuration's capacity says.
    fn calls_are_kept(&self) {
        assert_eq!(self.voice_lost, 0);
        let told = capacity(&self.config);
        let voice = |row: &&control::capacity::Row| row.class == TrafficClass::Voice.name();
        let bounds: Vec<_> = told.rows.iter().filter(voice).map(|row| row.wait.unwrap()).collect();
        assert_eq!(bounds.len(), self.sites.len());
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        for (at, (waited, bound)) in self.waited.iter().zip(bounds).enumerate() {
            assert!(*waited <= bound, "site {at}: {waited} ns of {bound}");
            let part = *waited as f64 / bound as f64;
            (least, most) = (least.min(part), most.max(part));
        }
        println!(
            "the longest waits of calls are {:.0} to {:.0} % of their bounds",
            least * 100.0,
            most * 100.0
        );
    }
}

#[test]
fn at_twice_its_load_every_site_has_its_rate_every_class_its_guarantee_and_every_call_its_bound() {
    let mut hub = Hub::new(25_000_000_000, 100, 2);
    hub.run(100 * MS, SECOND);
    hub.calls_are_kept();
    let (mut off, mut least) = (0.0f64, f64::INFINITY);
    for (at, site) in hub.sites.iter().enumerate() {
        let error = site.rate_of(site.sent.iter().sum()) / site.rate as f64 - 1.0;
        assert!(error.abs() <= 0.005, "site {at} of {}: {error:+.4}", site.rate);
        off = off.max(error.abs());
        for class in (0..CLASSES).filter(|class| GUARANTEED[*class] > 0) {
            let part = site.rate_of(site.sent[class]) / (site.rate * GUARANTEED[class] / 100) as f64;
            assert!(part >= 0.98, "site {at} of {}, {}: {part:.3}", site.rate, TrafficClass::ALL[class]);
            least = least.min(part);
        }
    }
    println!("rates are right to {:.4} %; the least class has {:.1} %", off * 100.0, least * 100.0);
}

/// What each site gets of a port that cannot carry all: its guarantee, and an equal part of the rest to its rate.
fn parts(port: f64, sites: &[Site], guaranteed: f64) -> Vec<f64> {
    let mut got: Vec<f64> = sites.iter().map(|site| site.rate as f64 * guaranteed).collect();
    loop {
        let left = port - got.iter().sum::<f64>();
        let open: Vec<_> = (0..sites.len()).filter(|at| sites[*at].rate as f64 - got[*at] > 1.0).collect();
        if left < 1.0 || open.is_empty() {
            return got;
        }
        let room = |at: &usize| sites[*at].rate as f64 - got[*at];
        let step = open.iter().map(room).fold(left / open.len() as f64, f64::min);
        open.into_iter().for_each(|at| got[at] += step);
    }
}

/// Here a burst is no less than a round of all sites takes, so that none loses of its rate while it waits.
#[test]
fn a_port_that_cannot_carry_all_gives_each_its_guarantee_and_lends_the_rest() {
    let port = 8_600_000_000;
    let mut hub = Hub::new(port, 50, 20);
    hub.run(300 * MS, SECOND);
    hub.calls_are_kept();
    for (at, (site, due)) in hub.sites.iter().zip(parts(port as f64, &hub.sites, 0.5)).enumerate() {
        let error = site.rate_of(site.sent.iter().sum()) / due - 1.0;
        // Two frames more or less: a turn goes on to the end of a frame.
        let frames = 2.0 * 1538.0 * 8.0 / due;
        assert!(error.abs() <= 0.005 + frames, "site {at} of {}: {error:+.4} of {due}", site.rate);
        for class in (0..CLASSES).filter(|class| GUARANTEED[*class] > 0) {
            let sure = (site.sure * GUARANTEED[class] / 100) as f64;
            let part = (site.rate_of(site.sent[class]) + 1538.0 * 8.0) / sure;
            assert!(part >= 0.98, "site {at} of {}, {}: {part:.3}", site.rate, TrafficClass::ALL[class]);
        }
    }
}
