//! Many laboratories and hosts joined by lines, in one virtual time.
//!
//! A frame that leaves a joined port arrives at the other end after the line's
//! delay, unless the line loses it. Events at one instant happen in the order in
//! which they were caused, and chances come from one seed: a seed replays a run.
//! [`plan`] makes whole provider networks; a [`Station`] is a host at an end.
#![expect(clippy::panic, reason = "a network that is put together wrongly fails the test it stands in")]

mod backbone;
mod lines;
pub mod plan;
mod station;

use std::collections::BTreeMap;
use std::time::Duration;

use dataplane::time::Time;

use crate::lab::Lab;
pub use backbone::Backbone;
use lines::{Lines, Place};
pub use station::{Station, Talk};

/// One laboratory of a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(usize);

/// One host of a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End(usize);

/// Something in the network, and when it has something to do next.
#[derive(Debug)]
struct Member<T> {
    it: T,
    due: Time,
}

/// Laboratories, hosts and the lines between them.
#[derive(Debug)]
pub struct Network {
    labs: Vec<Member<Lab>>,
    /// By name, those that have one.
    names: BTreeMap<String, Node>,
    stations: Vec<Member<Station>>,
    lines: Lines,
    now: Time,
}

impl Network {
    /// A network with nothing in it; `seed` decides its chances.
    pub fn new(seed: u64) -> Self {
        Self {
            labs: Vec::new(),
            names: BTreeMap::new(),
            stations: Vec::new(),
            lines: Lines::new(seed),
            now: Time::ZERO,
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
        self.labs.push(Member { it: lab, due: Time::ZERO });
        Node(self.labs.len() - 1)
    }

    /// As [`Network::add`], under a name for [`Network::named`].
    ///
    /// # Panics
    /// As [`Network::add`].
    #[track_caller]
    pub fn add_named(&mut self, name: &str, lab: Lab) -> Node {
        let node = self.add(lab);
        self.names.insert(name.into(), node);
        node
    }

    /// The router of this name.
    ///
    /// # Panics
    /// When none has it.
    #[track_caller]
    pub fn named(&self, name: &str) -> Node {
        match self.names.get(name) {
            Some(node) => *node,
            None => panic!("no router is called \"{name}\""),
        }
    }

    /// Joins two ports by a line of this one-way delay that loses `loss` frames of a million.
    pub fn join(&mut self, a: (Node, &str), b: (Node, &str), delay: Duration, loss: u32) {
        let place = |(node, port): (Node, &str)| Place::Port(node, port.into());
        self.lines.join(place(a), place(b), delay, loss);
    }

    /// Puts a host at the end of a port's line, of this one-way delay.
    pub fn attach(&mut self, at: (Node, &str), station: Station, delay: Duration) -> End {
        let end = End(self.stations.len());
        self.stations.push(Member { it: station, due: Time::ZERO });
        self.lines.join(Place::Port(at.0, at.1.into()), Place::Station(end), delay, 0);
        end
    }

    /// One of its laboratories, to send, expect on ports that are not joined, and change.
    ///
    /// # Panics
    /// When the node is another network's.
    #[track_caller]
    pub fn lab(&mut self, node: Node) -> &mut Lab {
        let Some(lab) = self.labs.get_mut(node.0) else { panic!("{node:?} is not of this network") };
        lab.due = Time::ZERO;
        &mut lab.it
    }

    /// One of its hosts, to let it talk and to hear what it heard.
    ///
    /// # Panics
    /// When it is another network's.
    #[track_caller]
    pub fn station(&mut self, end: End) -> &mut Station {
        let Some(station) = self.stations.get_mut(end.0) else { panic!("{end:?} is not of this network") };
        station.due = Time::ZERO;
        &mut station.it
    }

    /// The network's time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// A number that stands for all that has been on the lines so far: every frame's
    /// bytes, its line and its time. Equal runs have equal numbers.
    pub fn trace(&self) -> u64 {
        self.lines.trace()
    }

    /// Lets time pass in all of it.
    pub fn run(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until `done`, `patience` at most; gives whether it is done.
    pub fn run_until(&mut self, patience: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let until = self.now + patience;
        self.labs.iter_mut().for_each(|lab| lab.it.open_window());
        loop {
            let next = self.step();
            if done(self) {
                return true;
            }
            self.now = next.min(until);
            self.labs.iter_mut().for_each(|lab| lab.it.set_now(self.now));
            if next >= until {
                return false;
            }
        }
    }

    /// Lets time pass until these hosts' talks are over, `patience` at most; gives whether they are.
    pub fn run_talks(&mut self, ends: &[End], patience: Duration) -> bool {
        let over = |end: &End, n: &Self| n.stations.get(end.0).is_some_and(|s| s.it.is_done());
        self.run_until(patience, |network| ends.iter().all(|end| over(end, network)))
    }

    /// Does everything that is due now; gives when there will be something again.
    fn step(&mut self) -> Time {
        self.arrive();
        for (n, member) in self.labs.iter_mut().enumerate().filter(|(_, m)| m.due <= self.now) {
            member.due = member.it.due();
            self.lines.depart(Node(n), &mut member.it, self.now);
        }
        for (n, member) in self.stations.iter_mut().enumerate().filter(|(_, m)| m.due <= self.now) {
            let sent = member.it.poll(self.now);
            member.due = member.it.next_due(self.now);
            for bytes in sent {
                self.lines.leave(End(n), self.now, bytes);
            }
        }
        let labs = self.labs.iter().map(|lab| lab.due).min().unwrap_or(Time::NEVER);
        let stations = self.stations.iter().map(|station| station.due).min().unwrap_or(Time::NEVER);
        labs.min(stations).min(self.lines.next()).max(Time(self.now.nanos() + 1))
    }

    /// Puts what has arrived on the lines of its destinations.
    fn arrive(&mut self) {
        while let Some((place, bytes)) = self.lines.land(self.now) {
            match place {
                // A line that is down loses what is on it.
                Place::Port(node, port) => drop(self.lab(node).put(&port, &bytes)),
                Place::Station(end) => self.station(end).hear(bytes),
            }
        }
    }
}
