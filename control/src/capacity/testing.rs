//! What the tests of the bounds are made of: configurations, and their trees in virtual time.

use std::sync::Arc;

use dataplane::class::TrafficClass::{self, Imaging, Standard, Voice};
use dataplane::id::IfIndex;
use dataplane::packet::{Batch, Frame};
use dataplane::qos::{LINE_OVERHEAD, Place, SHORTEST, Scheduler, SharedRate};
use dataplane::time::Time;

use super::curve::time;
use super::{Capacity, Row};
use crate::config::{Config, parse};

/// Layer-2 bytes of a G.711 datagram, and of a full one.
pub(super) const CALL: usize = 214;
pub(super) const FULL: usize = 1514;

/// A port and its sites: rates in Mbit/s, with calls promised.
pub(super) fn text(port: Option<u64>, sites: &[(u64, u64)]) -> String {
    let rate = port.map_or(String::new(), |rate| format!("rate = \"{rate} Mbit/s\"\n"));
    let mut text = format!("[[port]]\nname = \"p\"\nkind = \"loopback\"\n{rate}");
    for (n, (rate, calls)) in sites.iter().enumerate() {
        text += &format!(
            "[[interface]]\nname = \"s{n}\"\nport = \"p\"\nvlan = {}\naddresses = [\"10.0.{n}.1/24\"]\n\
             [interface.qos]\nrate = \"{rate} Mbit/s\"\n\
             voice.policer = {{ rate = \"{} kbit/s\", burst = \"{} B\" }}\n",
            n + 1,
            calls * 97,
            (calls * 242).max(1522),
        );
        if *calls > 0 {
            text += &format!("[[promise]]\ninterface = \"s{n}\"\ncalls = {calls}\n");
        }
    }
    text
}

pub(super) fn config(text: &str) -> Config {
    parse(text, "t.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with `text`: key, message and help of each.
pub(super) fn faults(text: &str) -> Vec<String> {
    let errors = parse(text, "t.toml").err().map(|e| e.errors).unwrap_or_default();
    errors.iter().map(|e| format!("{}: {} ({})", e.key, e.message, e.help)).collect()
}

pub(super) fn row<'r>(capacity: &'r Capacity, interface: &str, class: &str) -> &'r Row {
    capacity.rows.iter().find(|r| r.interface == interface && r.class == class).unwrap()
}

/// The same with as many buffers as there may be, so that these are not what is short.
pub(super) fn roomy(text: &str) -> String {
    format!("[router]\nbuffers = 4194304\n{}", text.strip_prefix("[router]\n").unwrap_or(text))
}

/// The same port with so many trees.
pub(super) fn with_trees(text: &str, trees: u64) -> String {
    let port = format!("kind = \"tap\"\nqueues = {trees}\ntrees = {trees}\n");
    format!("[router]\nworkers = {trees}\n{}", text.replace("kind = \"loopback\"\n", &port))
}

/// The port's rate with this burst.
pub(super) fn with_port_burst(text: &str, burst: &str) -> String {
    text.replace("name = \"p\"\n", &format!("name = \"p\"\nburst = \"{burst}\"\n"))
}

/// The trees of a configuration's port, in virtual time.
pub(super) struct Tree {
    /// Site n is in tree n modulo their number.
    pub(super) trees: Vec<Scheduler>,
    pub(super) config: Config,
    pub(super) now: u64,
    /// Longest waits of the class `watched`, voice at first, by interface, until a line of the interface's rate behind has sent it.
    pub(super) worst: Vec<u64>,
    pub(super) watched: TrafficClass,
    /// When those lines are free, and the port's.
    pub(super) free: Vec<u64>,
    pub(super) line: u64,
    pub(super) steps: u64,
}

impl Tree {
    pub(super) fn new(config: Config) -> Self {
        let line = config.ports[0].rate;
        let rate = line.map_or(0, |rate| rate.0);
        let specs: Vec<_> = config.interfaces.iter().map(|i| Arc::new(i.qos_spec(line))).collect();
        let (trees, shared) = (config.ports[0].trees.into(), Arc::new(SharedRate::default()));
        let tree = |n: usize| {
            let mut tree = Scheduler::new(0);
            tree.set_port_burst(config.ports[0].burst.0);
            tree.set_place((trees > 1).then(|| Place { shared: shared.clone(), tree: n, trees }));
            let named = specs.iter().enumerate().filter(|(site, _)| site % trees == n);
            tree.sync(rate, named.map(|(n, spec)| (IfIndex(n as u32), spec)), &mut Vec::new());
            tree
        };
        let (trees, sites) = ((0..trees).map(tree).collect(), config.interfaces.len());
        Self {
            trees,
            config,
            now: 0,
            worst: vec![0; sites],
            watched: Voice,
            free: vec![0; sites],
            line: 0,
            steps: 0,
        }
    }

    /// When something may leave.
    pub(super) fn next(&self) -> u64 {
        self.trees.iter().map(|tree| tree.next_event(Time(self.now)).0).min().unwrap()
    }

    /// Queues a frame; whether it was taken.
    pub(super) fn offer(&mut self, site: usize, class: TrafficClass, len: usize) -> bool {
        let mut frame = Frame::standard();
        frame.set_len(len).unwrap();
        let meta = frame.meta_mut();
        (meta.out_interface, meta.class) = (IfIndex(site as u32), class);
        frame.rare_mut().received = Time(self.now);
        let tree = site % self.trees.len();
        self.trees[tree].enqueue(frame, Time(self.now)).is_ok()
    }

    /// Sends what may leave until `end`.
    pub(super) fn run(&mut self, end: u64) {
        let (mut out, mut dropped) = (Batch::new(), Vec::new());
        loop {
            self.now = self.next().max(self.now);
            if self.now > end {
                break;
            }
            self.steps += 1;
            assert!(self.steps < 2_000_000, "the tree does not come to an end");
            for tree in &mut self.trees {
                tree.dequeue(Time(self.now), 1, &mut out, &mut dropped);
            }
            for frame in out.drain() {
                self.left(&frame);
            }
        }
        self.now = end;
    }

    pub(super) fn left(&mut self, frame: &Frame) {
        let site = frame.meta().out_interface.index();
        let rate = self.config.interfaces[site].qos.as_ref().unwrap().rate.unwrap().0;
        let bytes = frame.len().max(SHORTEST) as u64 + u64::from(LINE_OVERHEAD);
        let from = self.line.max(self.now);
        if let Some(port) = self.config.ports[0].rate {
            self.line = from + time(bytes, port.0);
        }
        self.free[site] = self.free[site].max(from) + time(bytes, rate);
        if frame.meta().class == self.watched {
            self.worst[site] = self.worst[site].max(self.free[site] - frame.rare().received.0);
        }
    }

    /// Keeps two classes of data of a site waiting.
    pub(super) fn fill(&mut self, site: usize) {
        self.fill_with(site, FULL);
    }

    /// The same, with frames of so many bytes.
    pub(super) fn fill_with(&mut self, site: usize, len: usize) {
        for class in [Imaging, Standard] {
            for _ in 0..8 {
                self.offer(site, class, len);
            }
        }
    }
}
