//! Rings between the loops of a router: every worker and the slow path has one
//! to every other, single producer and single consumer.

use std::sync::Arc;

use super::sleep::Waker;
use crate::handoff::{Handoff, Receiver, Sender};
use crate::id::{PortIndex, WorkerIndex};
use crate::packet::{BATCH, Frame};
use crate::qos::Departed;

/// Parcels a ring holds.
const RING: usize = 1024;
/// Parcels taken from one ring at a time, so that no sender keeps a loop from its ports: what two
/// ports of a worker that hands over every frame give in a turn, and as many buffers on their way home.
const BURST: usize = 4 * BATCH;

/// A frame on its way between loops, and what the receiver is to do with it.
#[derive(Debug)]
pub enum Parcel {
    /// Layer 2 is complete: queue it on `meta.out_interface`.
    Enqueue(Frame),
    /// A frame that waited in another tree: queue it as if it had waited in the one that
    /// `meta.out_interface` is in now, since `meta.received`.
    Moved(Frame),
    /// What an interface was counted for in another tree of this port.
    Counts(PortIndex, Box<Departed>),
    /// A datagram the router made: parse, classify, look up and send it.
    Originate(Frame),
    /// A held packet whose neighbour is known now: look it up again.
    Release(Frame),
    /// For the slow path; `meta.verdict` says why.
    Punt(Frame),
    /// A buffer for the receiver's pool: its own on its way back, or for one that was kept.
    Home(Frame),
    /// How many buffers of the receiver's this worker has kept, less those that it gave for them.
    Kept(WorkerIndex, i32),
    /// For the slow path: a port's line went up or down.
    Link(PortIndex, bool),
}

impl Parcel {
    /// The frame in it, if there is one.
    pub fn into_frame(self) -> Option<Frame> {
        match self {
            Self::Enqueue(f)
            | Self::Moved(f)
            | Self::Originate(f)
            | Self::Release(f)
            | Self::Punt(f)
            | Self::Home(f) => Some(f),
            Self::Counts(..) | Self::Kept(..) | Self::Link(..) => None,
        }
    }

    /// The packet in it, if there is one that goes on from here.
    #[inline]
    fn packet(&self) -> Option<&Frame> {
        match self {
            Self::Enqueue(f) | Self::Moved(f) | Self::Originate(f) | Self::Release(f) | Self::Punt(f) => {
                Some(f)
            }
            Self::Home(_) | Self::Counts(..) | Self::Kept(..) | Self::Link(..) => None,
        }
    }

    /// Lets what is known of its frame come from the core that had it last, to be written.
    #[inline]
    fn fetch(&self) {
        match self {
            Self::Home(f) => f.fetch_to_renew(),
            _ => self.packet().into_iter().for_each(Frame::fetch_to_renew),
        }
    }
}

/// One loop's ends of all its rings.
#[derive(Debug)]
pub struct Mesh {
    to: Vec<Option<Sender<Parcel>>>,
    from: Vec<Option<Receiver<Parcel>>>,
    wakers: Vec<Arc<Waker>>,
    /// Loops sent to since the last [`Mesh::flush`], a bit each.
    told: [u64; 4],
}

impl Mesh {
    /// The ends of `n` loops, each joined to every other. `n` is at most 256.
    pub fn among(wakers: &[Arc<Waker>]) -> Vec<Self> {
        let empty = |_| Self {
            to: wakers.iter().map(|_| None).collect(),
            from: wakers.iter().map(|_| None).collect(),
            wakers: wakers.to_vec(),
            told: [0; 4],
        };
        let mut ends: Vec<Self> = (0..wakers.len()).map(empty).collect();
        for a in 0..wakers.len() {
            for b in (0..wakers.len()).filter(|b| *b != a) {
                let (sender, receiver) = Handoff::pair(RING);
                ends[a].to[b] = Some(sender);
                ends[b].from[a] = Some(receiver);
            }
        }
        ends
    }

    /// Sends to loop `to`, with the next [`Mesh::flush`].
    ///
    /// # Errors
    /// The parcel itself, when the ring is full or there is none.
    #[inline]
    pub fn send(&mut self, to: usize, parcel: Parcel) -> Result<(), Parcel> {
        let Some(Some(ring)) = self.to.get_mut(to) else { return Err(parcel) };
        ring.stage(parcel)?;
        if let Some(word) = self.told.get_mut(to / 64) {
            *word |= 1 << (to % 64);
        }
        Ok(())
    }

    /// Lets the loops that were sent to see it, and wakes those that sleep. Once per burst.
    #[inline]
    pub fn flush(&mut self) {
        if self.told == [0; 4] {
            return;
        }
        let told = std::mem::take(&mut self.told);
        let sent_to = |to: usize| told.get(to / 64).is_some_and(|word| word >> (to % 64) & 1 == 1);
        for (_, (ring, waker)) in
            self.to.iter_mut().zip(&self.wakers).enumerate().filter(|(to, _)| sent_to(*to))
        {
            ring.iter_mut().for_each(Sender::publish);
            waker.wake_if_asleep();
        }
    }

    /// Takes up to 256 parcels from each ring, in order; their frames are on their way from the other core then.
    #[inline]
    pub fn receive(&mut self, inbox: &mut Vec<Parcel>) {
        for ring in self.from.iter_mut().flatten() {
            let before = inbox.len();
            ring.receive(BURST, |parcel| {
                parcel.fetch();
                inbox.push(parcel);
            });
            // Where its bytes are is known once that has come.
            inbox.iter().skip(before).filter_map(Parcel::packet).for_each(Frame::fetch_bytes);
        }
    }

    /// Parcels that one [`Mesh::receive`] gives at the most.
    pub fn most(&self) -> usize {
        BURST * self.from.iter().flatten().count()
    }

    /// Whether nothing waits to be received.
    pub fn is_quiet(&self) -> bool {
        self.from.iter().flatten().all(Receiver::is_empty)
    }

    /// Parcels that wait to be received, homeward ones among them.
    pub fn waiting(&self) -> usize {
        self.from.iter().flatten().map(Receiver::len).sum()
    }
}
