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

/// Half a cache line: a frame is no more than that away.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Place {
    frame: Option<Frame>,
    since: Time,
}

/// The slab.
#[derive(Debug)]
pub(super) struct Store {
    places: Vec<Place>,
    /// By place: the next one of its lane, or the next vacant one. Apart, so that what links
    /// many frames lies in little memory.
    after: Vec<u32>,
    vacant: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self { places: Vec::new(), after: Vec::new(), vacant: NIL }
    }
}

impl Store {
    /// Makes room for `frames` in all. More than that is allocated when it comes.
    pub(super) fn reserve(&mut self, frames: usize) {
        self.places.reserve(frames.saturating_sub(self.places.len()));
        self.after.reserve(frames.saturating_sub(self.after.len()));
    }

    /// Puts a frame at a lane's end.
    #[inline]
    pub(super) fn push(&mut self, lane: &mut Lane, held: Held) {
        let place = Place { frame: Some(held.frame), since: held.since };
        let at = self.vacant;
        let at = match (self.places.get_mut(at as usize), self.after.get_mut(at as usize)) {
            (Some(vacant), Some(after)) => {
                self.vacant = std::mem::replace(after, NIL);
                *vacant = place;
                at
            }
            _ => self.append(place),
        };
        match self.after.get_mut(lane.tail as usize) {
            Some(after) => *after = at,
            None => lane.head = at,
        }
        lane.tail = at;
    }

    /// The same, of a lane that has frames, where a place is vacant.
    ///
    /// # Errors
    /// The frame, where none is.
    #[inline]
    pub(super) fn follow(&mut self, lane: &mut Lane, held: Held) -> Result<(), Held> {
        let (at, tail, links) = (self.vacant as usize, lane.tail as usize, self.after.as_mut_slice());
        let Some(vacant) = self.places.get_mut(at).filter(|_| at < links.len() && tail < links.len()) else {
            return Err(held);
        };
        lane.tail = self.vacant;
        self.vacant = std::mem::replace(&mut links[at], NIL);
        links[tail] = lane.tail;
        *vacant = Place { frame: Some(held.frame), since: held.since };
        Ok(())
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
        let (links, first) = (self.after.as_mut_slice(), self.vacant);
        let (mut count, mut last) = (Count::default(), NIL);
        while let Some(vacant) = self.places.get_mut(self.vacant as usize)
            && let Some(after) = links.get(self.vacant as usize)
            && let Some(frame) = frames.next()
        {
            count.add(frame.len());
            last = self.vacant;
            self.vacant = *after;
            *vacant = Place { frame: Some(frame), since };
        }
        if let Some(end) = links.get_mut(last as usize) {
            *end = NIL;
            match links.get_mut(lane.tail as usize) {
                Some(tail) => *tail = first,
                None => lane.head = first,
            }
            lane.tail = last;
        }
        count
    }

    #[cold]
    fn append(&mut self, place: Place) -> u32 {
        self.places.push(place);
        self.after.push(NIL);
        self.places.len() as u32 - 1
    }

    /// Takes a lane's first frame.
    #[inline]
    pub(super) fn pop(&mut self, lane: &mut Lane) -> Option<Held> {
        let at = lane.head;
        let (place, after) = (self.places.get_mut(at as usize)?, self.after.get_mut(at as usize)?);
        let held = Held { frame: place.frame.take()?, since: place.since };
        lane.head = std::mem::replace(after, self.vacant);
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
