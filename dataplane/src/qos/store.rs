//! Where the frames of a tree wait: one slab, and lanes of it.
//!
//! A lane is a linked list through the slab, so that however many queues there
//! are, their frames share one bounded room that is made before the first comes.

use super::stats::Count;
use crate::memory::fetch;
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

/// Half a cache line.
#[derive(Debug)]
#[repr(align(32))]
pub(super) struct Place {
    frame: Option<Frame>,
    since: Time,
    /// The next one of its lane, or the next vacant one.
    after: u32,
}

const _: () = assert!(size_of::<Place>() == 32);

impl Place {
    /// A vacant one is so no more.
    #[inline]
    pub(super) fn fill(&mut self, frame: Frame, since: Time) {
        // Nothing is there that would have to be freed, and so it is not asked.
        std::mem::forget(self.frame.replace(frame));
        self.since = since;
    }
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
        let place = Place { frame: Some(held.frame), since: held.since, after: NIL };
        let at = self.vacant;
        let at = match self.places.get_mut(at as usize) {
            Some(vacant) => {
                self.vacant = vacant.after;
                *vacant = place;
                at
            }
            None => self.append(place),
        };
        match self.places.get_mut(lane.tail as usize) {
            Some(tail) => tail.after = at,
            None => lane.head = at,
        }
        lane.tail = at;
    }

    /// A vacant place at the end of a lane that has frames, to be filled at once; `None` where there is none.
    #[inline]
    pub(super) fn follow(&mut self, lane: &mut Lane) -> Option<&mut Place> {
        let (at, tail, places) = (self.vacant as usize, lane.tail as usize, self.places.as_mut_slice());
        if at >= places.len() || tail >= places.len() {
            return None;
        }
        places[tail].after = self.vacant;
        let vacant = &mut places[at];
        lane.tail = std::mem::replace(&mut self.vacant, vacant.after);
        vacant.after = NIL;
        Some(vacant)
    }

    /// Puts frames at the end of a lane that has some, as long as places are vacant: what links the vacant
    /// places links them in their lane. Gives what it took.
    #[inline]
    pub(super) fn follow_all(
        &mut self,
        lane: &mut Lane,
        frames: &mut impl Iterator<Item = Frame>,
        since: Time,
    ) -> Count {
        let first = self.vacant;
        let (mut count, mut last) = (Count::default(), NIL);
        while let Some(vacant) = self.places.get_mut(self.vacant as usize)
            && let Some(frame) = frames.next()
        {
            count.add(frame.len());
            last = self.vacant;
            self.vacant = vacant.after;
            vacant.fill(frame, since);
        }
        if let Some(end) = self.places.get_mut(last as usize) {
            end.after = NIL;
            match self.places.get_mut(lane.tail as usize) {
                Some(tail) => tail.after = first,
                None => lane.head = first,
            }
            lane.tail = last;
        }
        count
    }

    #[cold]
    fn append(&mut self, place: Place) -> u32 {
        self.places.push(place);
        self.places.len() as u32 - 1
    }

    /// Takes a lane's first frame.
    #[inline]
    pub(super) fn pop(&mut self, lane: &mut Lane) -> Option<Held> {
        let at = lane.head;
        let place = self.places.get_mut(at as usize)?;
        let held = Held { frame: place.frame.take()?, since: place.since };
        lane.head = std::mem::replace(&mut place.after, self.vacant);
        self.vacant = at;
        if lane.head == NIL {
            lane.tail = NIL;
        }
        Some(held)
    }

    /// Lets the place of the lane's first frame come.
    #[inline]
    pub(super) fn fetch(&self, lane: &Lane) {
        if let Some(place) = self.places.get(lane.head as usize) {
            fetch(place);
        }
    }

    /// Bytes of a lane's first frame.
    pub(super) fn first(&self, lane: &Lane) -> Option<usize> {
        self.places.get(lane.head as usize)?.frame.as_ref().map(Frame::len)
    }
}
