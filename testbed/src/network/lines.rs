//! The lines of a network: which place leads where, and what is on its way.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use dataplane::time::Time;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{End, Node};
use crate::lab::Lab;

/// An end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A router's port.
    Port(Node, Arc<str>),
    /// A host.
    Station(End),
}

/// One direction of a line.
#[derive(Debug)]
struct Way {
    to: Place,
    delay: Duration,
    /// Frames lost of a million.
    loss: u32,
}

/// A frame on its way: when it arrives, its turn at that instant, by which way.
type Flight = Reverse<(Time, u64, usize, Vec<u8>)>;

/// All lines.
#[derive(Debug)]
pub(super) struct Lines {
    ways: Vec<Way>,
    /// The ways out of each router, with their ports.
    of_nodes: HashMap<Node, Vec<(usize, Arc<str>)>>,
    /// The way out of each host.
    of_ends: HashMap<End, usize>,
    flying: BinaryHeap<Flight>,
    turn: u64,
    chance: StdRng,
    trace: DefaultHasher,
}

impl Lines {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            ways: Vec::new(),
            of_nodes: HashMap::new(),
            of_ends: HashMap::new(),
            flying: BinaryHeap::new(),
            turn: 0,
            chance: StdRng::seed_from_u64(seed),
            trace: DefaultHasher::new(),
        }
    }

    pub(super) fn join(&mut self, a: Place, b: Place, delay: Duration, loss: u32) {
        self.way(a.clone(), Way { to: b.clone(), delay, loss });
        self.way(b, Way { to: a, delay, loss });
    }

    fn way(&mut self, from: Place, way: Way) {
        let n = self.ways.len();
        self.ways.push(way);
        match from {
            Place::Port(node, port) => self.of_nodes.entry(node).or_default().push((n, port)),
            Place::Station(end) => drop(self.of_ends.insert(end, n)),
        }
    }

    /// Sends on what a router has put on its lines.
    pub(super) fn depart(&mut self, node: Node, lab: &mut Lab, now: Time) {
        for n in 0..self.of_nodes.get(&node).map_or(0, Vec::len) {
            let Some((way, port)) = self.of_nodes.get(&node).and_then(|ways| ways.get(n)).cloned() else {
                return;
            };
            for seen in lab.take(&port) {
                self.fly(way, seen.at, now, seen.bytes);
            }
        }
    }

    /// Sends on a frame of a host.
    pub(super) fn leave(&mut self, end: End, now: Time, bytes: Vec<u8>) {
        if let Some(way) = self.of_ends.get(&end) {
            self.fly(*way, now, now, bytes);
        }
    }

    /// Sends a frame that left at `at` on its way; it arrives later than `now`, or is lost.
    fn fly(&mut self, way: usize, at: Time, now: Time, bytes: Vec<u8>) {
        let Some(line) = self.ways.get(way) else { return };
        (at.nanos(), way, &bytes).hash(&mut self.trace);
        if line.loss > 0 && self.chance.random_range(0..1_000_000) < line.loss {
            return;
        }
        let arrives = (at + line.delay).max(Time(now.nanos() + 1));
        self.flying.push(Reverse((arrives, self.turn, way, bytes)));
        self.turn += 1;
    }

    /// The next frame that has arrived by `now`, and where.
    pub(super) fn land(&mut self, now: Time) -> Option<(Place, Vec<u8>)> {
        if self.next() > now {
            return None;
        }
        let Reverse((_, _, way, bytes)) = self.flying.pop()?;
        self.ways.get(way).map(|way| (way.to.clone(), bytes))
    }

    /// When the next frame arrives.
    pub(super) fn next(&self) -> Time {
        self.flying.peek().map_or(Time::NEVER, |Reverse((at, ..))| *at)
    }

    /// A hash of every frame that was sent.
    pub(super) fn trace(&self) -> u64 {
        self.trace.finish()
    }
}
