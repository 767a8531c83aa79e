//! Many packets through the stages of many routers, batch by batch: what the network
//! laboratory does, without its clock, for millions of packets.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use control::prove::{Outcome, Router};
use dataplane::id::PortIndex;
use dataplane::packet::{BATCH, Batch, Flags, Frame, Layer3, Meta, PuntReason, Verdict};
use dataplane::pipeline::Pipeline;
use dataplane::table::Snapshot;
use dataplane::time::Time;

use super::network::Line;

/// A packet under way.
pub(crate) struct Flight {
    /// Which one it is.
    pub(crate) id: usize,
    /// Its destination.
    pub(crate) to: IpAddr,
    /// The frame.
    pub(crate) bytes: Vec<u8>,
    /// Whether the router it is at has looked at it, as router alert has it.
    pub(crate) heard: bool,
}

/// Router and port.
type Port = (usize, PortIndex);

/// One router's stages.
struct Stage {
    snapshot: Snapshot,
    /// Interfaces that name a link.
    linked: BTreeSet<String>,
    pipeline: Pipeline,
}

/// Routers joined port by port.
pub(crate) struct Stages {
    stages: Vec<Stage>,
    lines: BTreeMap<Port, Port>,
    waiting: BTreeMap<Port, Vec<Flight>>,
    spare: Vec<Frame>,
    hops: BTreeMap<usize, usize>,
}

/// Station address of every neighbour.
const NEIGHBOUR: [u8; 6] = [2, 0, 0, 0, 0, 0xfe];
/// Routers that a packet passes before it loops.
const MOST_HOPS: usize = 40;

impl Stages {
    /// These routers; lines are between ports, by name.
    pub(crate) fn new(routers: &[Router], lines: &[Line]) -> Self {
        let stage = |r: &Router| {
            let mut pipeline = Pipeline::new();
            pipeline.sync(&r.snapshot);
            Stage { snapshot: (*r.snapshot).clone(), linked: r.links.keys().cloned().collect(), pipeline }
        };
        let port = |(router, port): (&str, &str)| {
            let at = routers.iter().position(|r| r.name == router).unwrap();
            let found = routers[at].snapshot.ports.iter().find(|(_, p)| &*p.name == port).unwrap();
            (at, found.1.id)
        };
        let both = lines.iter().flat_map(|(a, b)| [(port(*a), port(*b)), (port(*b), port(*a))]);
        Self {
            stages: routers.iter().map(stage).collect(),
            lines: both.collect(),
            waiting: BTreeMap::new(),
            spare: (0..BATCH).map(|_| Frame::standard()).collect(),
            hops: BTreeMap::new(),
        }
    }

    /// A packet arrives at a port.
    pub(crate) fn put(&mut self, at: Port, flight: Flight) {
        self.waiting.entry(at).or_default().push(flight);
    }

    /// Lets all packets go to their ends; calls `each` with the end of each.
    pub(crate) fn run(&mut self, mut each: impl FnMut(usize, Outcome)) {
        while let Some((at, mut flights)) = self.waiting.pop_first() {
            while !flights.is_empty() {
                let rest = flights.split_off(flights.len().min(BATCH));
                self.batch(at, flights, &mut each);
                flights = rest;
            }
        }
        self.hops.clear();
    }

    fn batch(&mut self, at: Port, flights: Vec<Flight>, each: &mut impl FnMut(usize, Outcome)) {
        let mut batch = Batch::new();
        for flight in &flights {
            let mut frame = self.spare.pop().unwrap();
            frame.reset();
            frame.fill(&flight.bytes).unwrap();
            if flight.heard {
                frame.meta_mut().flags.set(Flags::HEARD);
            }
            batch.push(frame).unwrap();
        }
        let stage = &mut self.stages[at.0];
        stage.pipeline.ingress(&mut batch, &stage.snapshot, at.1, Time(1_000_000_000));
        let frames: Vec<Frame> = batch.drain().collect();
        for (frame, flight) in frames.into_iter().zip(flights) {
            let meta = *frame.meta();
            self.after(at, flight, &meta, frame.bytes(), each);
            self.spare.push(frame);
        }
    }

    fn after(
        &mut self,
        at: Port,
        flight: Flight,
        meta: &Meta,
        bytes: &[u8],
        each: &mut impl FnMut(usize, Outcome),
    ) {
        let router = at.0;
        match meta.verdict {
            Verdict::Drop(reason) => each(flight.id, Outcome::Dropped(router, reason)),
            Verdict::Punt(PuntReason::NeighbourMiss) => {
                let snapshot = &mut self.stages[router].snapshot;
                let neighbour = snapshot.adjacency(meta.adjacency).map_or(flight.to, |a| a.neighbour);
                assert!(snapshot.set_neighbour(meta.out_interface, neighbour, Some(NEIGHBOUR)));
                self.put(at, flight);
            }
            Verdict::Punt(PuntReason::LspPing) if meta.layer3 == Layer3::Mpls => {
                self.put(at, Flight { heard: true, ..flight });
            }
            Verdict::Punt(reason) => each(
                flight.id,
                match reason.drop_reason() {
                    Some(reason) => Outcome::Dropped(router, reason),
                    None => Outcome::Local(router),
                },
            ),
            Verdict::Forward => self.forward(router, flight, meta, bytes, each),
        }
    }

    fn forward(
        &mut self,
        router: usize,
        flight: Flight,
        meta: &Meta,
        bytes: &[u8],
        each: &mut impl FnMut(usize, Outcome),
    ) {
        let snapshot = &self.stages[router].snapshot;
        let out = snapshot.interface(meta.out_interface).unwrap();
        let neighbour = snapshot.adjacency(meta.adjacency).unwrap().neighbour;
        let has = |(_, i): (usize, &std::sync::Arc<dataplane::table::Interface>)| i.owns(neighbour);
        // On a line there may be hosts beside the two routers.
        let line = self.lines.get(&(router, out.port)).copied();
        let next = line.filter(|_| self.stages[router].linked.contains(&*out.name));
        let Some(next) = next.filter(|next| self.stages[next.0].snapshot.interfaces.iter().any(has)) else {
            let name = out.name.to_string();
            let end = match is_labelled(bytes) {
                true => Outcome::Labelled(router, name),
                false => Outcome::Delivered(router, name),
            };
            return each(flight.id, end);
        };
        let hops = self.hops.entry(flight.id).or_default();
        *hops += 1;
        if *hops > MOST_HOPS {
            return each(flight.id, Outcome::Loops);
        }
        let of_port = self.stages[next.0].snapshot.interfaces.iter().find(|(_, i)| i.port == next.1);
        let mut bytes = bytes.to_vec();
        bytes[..6].copy_from_slice(&of_port.unwrap().1.mac);
        bytes[6..12].copy_from_slice(&NEIGHBOUR);
        self.put(next, Flight { bytes, heard: false, ..flight });
    }
}

/// Whether the EtherType behind the tags is MPLS.
fn is_labelled(bytes: &[u8]) -> bool {
    let mut at = 12;
    while let [0x81, 0] | [0x88, 0xa8] = bytes[at..at + 2] {
        at += 4;
    }
    bytes[at..at + 2] == [0x88, 0x47]
}
