//! Where the frames of a tree wait: one slab, and lanes of it.
//!
//! A lane is a linked list through the slab, so that however many queues there
//! are, their frames share one bounded room that is made before the first comes.

use crate::class::TrafficClass;
use crate::fetch::fetch;
use crate::packet::Frame;
use crate::time::Time;

/// No place in the slab.
pub(super) const NIL: u32 = u32::MAX;

/// A frame that waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) frame: Frame,
    /// Since when.
    pub(super) since: Time,
    pub(super) class: TrafficClass,
}

impl Held {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.frame.len()
    }
}

/// Frames first in, first out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    head: u32,
    tail: u32,
}

impl Default for Lane {
    fn default() -> Self {
        Self { head: NIL, tail: NIL }
    }
}

#[derive(Debug)]
struct Place {
    frame: Option<Frame>,
    since: Time,
    after: u32,
    class: TrafficClass,
}

/// The slab.
#[derive(Debug)]
pub(super) struct Store {
    places: Vec<Place>,
    vacant: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self { places: Vec::new(), vacant: NIL }
    }
}

impl Store {
    /// Makes room for `frames` in all. More than that is allocated when it comes.
    pub(super) fn reserve(&mut self, frames: usize) {
        self.places.reserve(frames.saturating_sub(self.places.len()));
    }

    /// Puts a frame at a lane's end.
    #[inline]
    pub(super) fn push(&mut self, lane: &mut Lane, held: Held) {
        let Held { frame, since, class } = held;
        let place = Place { frame: Some(frame), since, after: NIL, class };
        let at = self.vacant;
        let at = match self.places.get_mut(at as usize) {
            Some(vacant) => {
                self.vacant = vacant.after;
                *vacant = place;
                at
            }
            None => {
                self.places.push(place);
                self.places.len() as u32 - 1
            }
        };
        match self.places.get_mut(lane.tail as usize) {
            Some(tail) => tail.after = at,
            None => lane.head = at,
        }
        lane.tail = at;
    }

    /// Takes a lane's first frame.
    #[inline]
    pub(super) fn pop(&mut self, lane: &mut Lane) -> Option<Held> {
        let at = lane.head;
        let place = self.places.get_mut(at as usize)?;
        let frame = place.frame.take()?;
        let held = Held { frame, since: place.since, class: place.class };
        lane.head = std::mem::replace(&mut place.after, self.vacant);
        self.vacant = at;
        if lane.head == NIL {
            lane.tail = NIL;
        }
        Some(held)
    }

    /// Lets the memory come that the lane's next frames need: the first one's own, which is known
    /// where its place has come, and the second one's place.
    #[inline]
    pub(super) fn fetch(&self, lane: &Lane) {
        if let Some(first) = self.places.get(lane.head as usize) {
            if let Some(frame) = &first.frame {
                frame.fetch();
            }
            if let Some(second) = self.places.get(first.after as usize) {
                fetch(second);
            }
        }
    }

    /// Bytes of a lane's first frame.
    pub(super) fn first(&self, lane: &Lane) -> Option<usize> {
        self.places.get(lane.head as usize)?.frame.as_ref().map(Frame::len)
    }
}
