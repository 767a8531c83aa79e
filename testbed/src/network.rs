//! Many laboratories joined by lines, in one virtual time.
//!
//! A frame that leaves a joined port arrives at the other end after the line's
//! delay, unless the line loses it. Events at one instant happen in the order in
//! which they were caused, and chances come from one seed: a seed replays a run.
#![expect(clippy::panic, reason = "a network that is put together wrongly fails the test it stands in")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use dataplane::time::Time;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::lab::Lab;

/// One laboratory of a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node(usize);

/// One direction of a line.
#[derive(Debug)]
struct Way {
    from: (Node, String),
    to: (Node, String),
    delay: Duration,
    /// Frames lost of a million.
    loss: u32,
}

/// A frame on its way: when it arrives, its turn at that instant, by which way.
type Flight = Reverse<(Time, u64, usize, Vec<u8>)>;

/// Laboratories and the lines between them.
#[derive(Debug)]
pub struct Network {
    labs: Vec<Lab>,
    ways: Vec<Way>,
    flying: BinaryHeap<Flight>,
    turn: u64,
    now: Time,
    chance: StdRng,
}

impl Network {
    /// A network with nothing in it; `seed` decides its chances.
    pub fn new(seed: u64) -> Self {
        Self {
            labs: Vec::new(),
            ways: Vec::new(),
            flying: BinaryHeap::new(),
            turn: 0,
            now: Time::ZERO,
            chance: StdRng::seed_from_u64(seed),
        }
    }

    /// Puts a router in, whose clock must stand where the network's does.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn add(&mut self, lab: Lab) -> Node {
        if self.labs.is_empty() {
            self.now = lab.now();
        }
        assert_eq!(lab.now(), self.now, "a laboratory joins at its own time");
        self.labs.push(lab);
        Node(self.labs.len() - 1)
    }

    /// Joins two ports by a line of this one-way delay that loses `loss` frames of a million.
    pub fn join(&mut self, a: (Node, &str), b: (Node, &str), delay: Duration, loss: u32) {
        let (a, b) = ((a.0, a.1.to_string()), (b.0, b.1.to_string()));
        self.ways.push(Way { from: a.clone(), to: b.clone(), delay, loss });
        self.ways.push(Way { from: b, to: a, delay, loss });
    }

    /// One of its laboratories, to send, expect on ports that are not joined, and change.
    ///
    /// # Panics
    /// When the node is another network's.
    #[track_caller]
    pub fn lab(&mut self, node: Node) -> &mut Lab {
        match self.labs.get_mut(node.0) {
            Some(lab) => lab,
            None => panic!("node {} is not of this network", node.0),
        }
    }

    /// The network's time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets time pass in all of it.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        self.labs.iter_mut().for_each(Lab::open_window);
        loop {
            let next = self.step();
            self.now = next.min(until);
            self.labs.iter_mut().for_each(|lab| lab.set_now(self.now));
            if next >= until {
                return;
            }
        }
    }

    /// Does everything that is due now; gives when there will be something again.
    fn step(&mut self) -> Time {
        self.arrive();
        let mut next = Time::NEVER;
        for node in 0..self.labs.len() {
            next = next.min(self.labs[node].due());
            self.depart(Node(node));
        }
        let arrival = self.flying.peek().map_or(Time::NEVER, |Reverse((at, ..))| *at);
        next.min(arrival).max(Time(self.now.nanos() + 1))
    }

    /// Puts what has arrived on the lines of its destinations.
    fn arrive(&mut self) {
        while self.flying.peek().is_some_and(|Reverse((at, ..))| *at <= self.now) {
            let Some(Reverse((_, _, way, bytes))) = self.flying.pop() else { return };
            let (node, port) = &self.ways[way].to;
            // A line that is down loses what is on it.
            let _ = self.labs[node.0].put(port, &bytes);
        }
    }

    /// Sends what has left a laboratory by joined ports on its way.
    fn depart(&mut self, node: Node) {
        for (index, way) in self.ways.iter().enumerate().filter(|(_, way)| way.from.0 == node) {
            for seen in self.labs[node.0].take(&way.from.1) {
                if way.loss > 0 && self.chance.random_range(0..1_000_000) < way.loss {
                    continue;
                }
                let arrives = (seen.at + way.delay).max(Time(self.now.nanos() + 1));
                self.flying.push(Reverse((arrives, self.turn, index, seen.bytes)));
                self.turn += 1;
            }
        }
    }
}
