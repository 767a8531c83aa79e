//! Where a frame goes: the Ilm for its labels, the Fib of its Vrf, then the Nhlfe it
//! leads to, in bounded steps (RFC 3031 section 3.18, RFC 1812 section 5.2.4). It
//! decides and never edits: what is to be done to a label stack lies beside the batch.
//!
//! The tables are asked for the batch together, so that memory latency overlaps;
//! each frame is then taken from its Nhlfe to an adjacency, or to the slow path.

mod alert;
mod chain;
mod deliver;
pub mod labels;
mod quick;
mod resolve;
mod together;
mod too_long;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::id::{NhlfeId, VrfId};
use crate::packet::{Alike, BATCH, Batch, Beside, Flags, Frame, Layer3, StackEdits, Verdict, Way};
use crate::table::Snapshot;
use quick::{Quick, These};

/// Nhlfes walked for one frame before it is given up.
const STEPS: usize = 16;

/// Decides for the live frames; `edits` is written for those that leave labelled.
pub fn run(batch: &mut Batch, snapshot: &Snapshot, edits: &mut StackEdits) {
    if let Some(alike) = batch.alike() {
        let alike = together(batch, alike, snapshot, edits);
        return batch.set_alike(alike);
    }
    let frames = batch.frames_mut();
    let mut v4 = Run::new(Ipv4Addr::UNSPECIFIED);
    let mut v6 = Run::new(Ipv6Addr::UNSPECIFIED);
    for i in 0..frames.len() {
        let Some(frame) = frames.get(i) else { break };
        let vrf = frame.meta().vrf;
        match wanted(frame) {
            Some(Destination::V4(to)) => {
                if v4.is_other(vrf) {
                    v4.find(snapshot, frames);
                }
                v4.push(vrf, i, to);
            }
            Some(Destination::V6(to)) => {
                if v6.is_other(vrf) {
                    v6.find(snapshot, frames);
                }
                v6.push(vrf, i, to);
            }
            None => {}
        }
    }
    v4.find(snapshot, frames);
    v6.find(snapshot, frames);
    batch.set_alike(None);
    let mut resolver = resolve::Resolver::new(snapshot);
    for (frame, edit) in batch.frames_mut().iter_mut().zip(edits.all_mut()) {
        if frame.meta().verdict == Verdict::Forward {
            let verdict = resolver.resolve(frame, edit);
            frame.meta_mut().verdict = verdict;
        }
    }
}

/// Decides for frames that have all in common; gives what they have in common then.
fn together(batch: &mut Batch, alike: Alike, snapshot: &Snapshot, edits: &mut StackEdits) -> Option<Alike> {
    let mut found = [NhlfeId::NONE; BATCH];
    find(batch, alike, snapshot, &mut found);
    let mut resolver = resolve::Resolver::new(snapshot);
    let (mut quick, mut ways, mut at) = (Quick::None, Ways::None, 0);
    let (frames, Beside { tops, .. }) = batch.parts_mut();
    loop {
        // Those that go the quick way, then one of which that is not known.
        at += quick.row(these(frames, &found, edits, tops, at..BATCH), &mut resolver);
        let (Some(frame), Some(found_one), Some(edit)) =
            (frames.get_mut(at), found.get(at), edits.all_mut().get_mut(at))
        else {
            break;
        };
        frame.meta_mut().nhlfe = *found_one;
        let verdict = resolver.resolve(frame, edit);
        frame.meta_mut().verdict = verdict;
        quick = resolver.quick(alike.layer3);
        // It would have gone that way, had it been known.
        let went = verdict == Verdict::Forward
            && quick.row(these(frames, &found, edits, tops, at..at + 1), &mut resolver) == 1;
        ways = ways.with(went.then(|| quick.way()).flatten());
        at += 1;
    }
    match ways {
        Ways::One(way) => Some(Alike { way: Some(way), ..alike }),
        Ways::Many => Some(alike),
        Ways::None | Ways::Other => None,
    }
}

/// The frames in these places, and what is beside them.
fn these<'a>(
    frames: &'a mut [Frame],
    found: &'a [NhlfeId; BATCH],
    edits: &'a mut StackEdits,
    tops: &'a [u64; BATCH],
    places: Range<usize>,
) -> These<'a> {
    let within = |len: usize| places.start.min(len)..places.end.min(len);
    let of = within(frames.len());
    These {
        frames: &mut frames[of],
        found: &found[within(BATCH)],
        edits: &mut edits.all_mut()[within(BATCH)],
        tops: &tops[within(BATCH)],
    }
}

/// Where the tables lead to for each frame.
fn find(batch: &mut Batch, alike: Alike, snapshot: &Snapshot, found: &mut [NhlfeId; BATCH]) {
    let (frames, Beside { destinations: to, .. }) = batch.parts_mut();
    let n = frames.len().min(BATCH);
    match (snapshot.vrf(alike.vrf), alike.layer3) {
        // The Ilm was asked before.
        (_, Layer3::Mpls) => {
            found.iter_mut().zip(frames).for_each(|(found, frame)| *found = frame.meta().nhlfe);
        }
        (None, _) => {}
        (Some(vrf), Layer3::Ipv4) => vrf.fib4.lookup_batch(&to[..n], &mut found[..n]),
        (Some(vrf), _) => {
            let mut to = [Ipv6Addr::UNSPECIFIED; BATCH];
            for (to, frame) in to.iter_mut().zip(&*frames) {
                *to = destination_v6(frame).unwrap_or(*to);
            }
            vrf.fib6.lookup_batch(&to[..n], &mut found[..n]);
        }
    }
}

/// The quick ways that frames were sent.
enum Ways {
    None,
    One(Way),
    Many,
    /// Something else became of one.
    Other,
}

impl Ways {
    fn with(self, way: Option<Way>) -> Self {
        match (self, way) {
            (Self::Other, _) | (_, None) => Self::Other,
            (Self::None, Some(way)) => Self::One(way),
            (Self::One(one), Some(way)) if one == way => Self::One(way),
            _ => Self::Many,
        }
    }
}

/// What a Fib is asked for.
enum Destination {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// The destination of a live frame that a Fib is to be asked for.
#[inline]
fn wanted(frame: &Frame) -> Option<Destination> {
    let meta = frame.meta();
    if meta.verdict != Verdict::Forward || meta.flags.has(Flags::DIRECTED) {
        return None;
    }
    match meta.layer3 {
        Layer3::Ipv4 => destination_v4(frame).map(Destination::V4),
        Layer3::Ipv6 => destination_v6(frame).map(Destination::V6),
        _ => None,
    }
}

#[inline]
fn destination_v4(frame: &Frame) -> Option<Ipv4Addr> {
    frame.l3().get(16..).and_then(|d| d.first_chunk()).map(|d| Ipv4Addr::from_octets(*d))
}

#[inline]
fn destination_v6(frame: &Frame) -> Option<Ipv6Addr> {
    frame.l3().get(24..).and_then(|d| d.first_chunk()).map(|d| Ipv6Addr::from_octets(*d))
}

/// Destinations of one Vrf that are looked up together.
struct Run<A> {
    vrf: VrfId,
    len: usize,
    addresses: [A; BATCH],
    frames: [u8; BATCH],
}

impl<A: Copy> Run<A> {
    fn new(nothing: A) -> Self {
        Self { vrf: VrfId::NONE, len: 0, addresses: [nothing; BATCH], frames: [0; BATCH] }
    }

    #[inline]
    fn is_other(&self, vrf: VrfId) -> bool {
        self.len > 0 && (self.vrf != vrf || self.len == BATCH)
    }

    #[inline]
    fn push(&mut self, vrf: VrfId, frame: usize, address: A) {
        self.vrf = vrf;
        if let (Some(a), Some(f)) = (self.addresses.get_mut(self.len), self.frames.get_mut(self.len)) {
            (*a, *f) = (address, frame as u8);
            self.len += 1;
        }
    }

    /// Writes what was found into the frames' meta, and is empty again.
    fn give(&mut self, found: &[NhlfeId; BATCH], frames: &mut [Frame]) {
        for (index, nhlfe) in self.frames.iter().zip(found).take(self.len) {
            if let Some(frame) = frames.get_mut(usize::from(*index)) {
                frame.meta_mut().nhlfe = *nhlfe;
            }
        }
        self.len = 0;
    }
}

impl Run<Ipv4Addr> {
    fn find(&mut self, snapshot: &Snapshot, frames: &mut [Frame]) {
        let mut found = [NhlfeId::NONE; BATCH];
        if let Some(vrf) = snapshot.vrf(self.vrf) {
            let addresses = self.addresses.get(..self.len).unwrap_or_default();
            vrf.fib4.lookup_batch(addresses, &mut found[..addresses.len()]);
        }
        self.give(&found, frames);
    }
}

impl Run<Ipv6Addr> {
    fn find(&mut self, snapshot: &Snapshot, frames: &mut [Frame]) {
        let mut found = [NhlfeId::NONE; BATCH];
        if let Some(vrf) = snapshot.vrf(self.vrf) {
            let addresses = self.addresses.get(..self.len).unwrap_or_default();
            vrf.fib6.lookup_batch(addresses, &mut found[..addresses.len()]);
        }
        self.give(&found, frames);
    }
}

#[cfg(test)]
mod tests;
