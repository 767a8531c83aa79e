//! Handoff: frames on their way from one worker to the one that owns them next.
//!
//! A bounded single-producer, single-consumer ring. A frame is a pointer, so a
//! handoff copies no packet. Each side keeps its own position and a stale copy
//! of the other's, and looks at the other's only when the copy shows no room (or
//! nothing to take); a burst costs one release store. A full ring gives frames back:
//! who sends decides what they die of.

#![allow(unsafe_code)] // Slots are shared without a lock; proved under loom below.

use std::mem::MaybeUninit;

use crossbeam::utils::CachePadded;

use crate::memory::fetch_to_write;
use crate::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::sync::{Arc, UnsafeCell};

/// How many slots ahead a cache line is asked for that the receiver's core has, to be written: stores go one
/// after the other, each as its line has come.
const AHEAD: usize = 16;

/// The memory both sides share. Positions count up for ever and wrap; the slot
/// of a position is its low bits. Slots from `head` up to `tail` are filled.
#[derive(Debug)]
struct Ring<T> {
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    /// The next position to take. Written by the receiver alone.
    head: CachePadded<AtomicUsize>,
    /// The next position to fill. Written by the sender alone.
    tail: CachePadded<AtomicUsize>,
}

// SAFETY: a slot is touched by one side at a time: by the sender while its
// position lies in `tail..head + capacity`, by the receiver while in `head..tail`;
// a release store of the position, and the acquire load that sees it, pass it on.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: it owns its values.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T> Ring<T> {
    fn slot(&self, position: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[position & (self.slots.len() - 1)]
    }

    /// # Safety
    /// The caller is the receiver, `position` is in `head..tail`, and it is taken once.
    unsafe fn take(&self, position: usize) -> T {
        // SAFETY: filled and passed to the receiver, by the caller's promise.
        self.slot(position).with(|slot| unsafe { (*slot).assume_init_read() })
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let tail = self.tail.load(Ordering::Relaxed);
        let mut head = self.head.load(Ordering::Relaxed);
        while head != tail {
            // SAFETY: both sides are gone, so this is the only one left to take it.
            drop(unsafe { self.take(head) });
            head = head.wrapping_add(1);
        }
    }
}

/// Makes a ring.
#[derive(Debug)]
pub struct Handoff;

impl Handoff {
    /// The two ends of a ring that holds `capacity` values, rounded up to a power
    /// of two and at least 2.
    pub fn pair<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let capacity = capacity.max(2).next_power_of_two();
        let ring = Arc::new(Ring {
            slots: (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
            head: CachePadded::new(AtomicUsize::new(0)),
            tail: CachePadded::new(AtomicUsize::new(0)),
        });
        (Sender { ring: ring.clone(), tail: 0, head: 0 }, Receiver { ring, head: 0, tail: 0 })
    }
}

/// The end that frames go in at.
#[derive(Debug)]
pub struct Sender<T> {
    ring: Arc<Ring<T>>,
    tail: usize,
    /// Where the receiver was when last looked at.
    head: usize,
}

impl<T: Send> Sender<T> {
    /// How many values fit now, at least; looks again when fewer than `wanted` seem to.
    #[inline]
    fn room(&mut self, wanted: usize) -> usize {
        let room = self.capacity() - self.tail.wrapping_sub(self.head);
        if room >= wanted {
            return room;
        }
        self.head = self.ring.head.load(Ordering::Acquire);
        self.capacity() - self.tail.wrapping_sub(self.head)
    }

    /// How many values the ring holds when full.
    pub fn capacity(&self) -> usize {
        self.ring.slots.len()
    }

    /// Sends one value.
    ///
    /// # Errors
    /// The value itself, when the ring is full.
    #[inline]
    pub fn send(&mut self, value: T) -> Result<(), T> {
        self.stage(value)?;
        self.publish();
        Ok(())
    }

    /// Puts one value into the ring, which the receiver does not see before [`Sender::publish`],
    /// or what else is sent: a store for each would have the two cores wait for each other's cache line.
    ///
    /// # Errors
    /// The value itself, when the ring is full.
    #[inline]
    pub fn stage(&mut self, value: T) -> Result<(), T> {
        if self.room(1) == 0 {
            return Err(value);
        }
        // SAFETY: there is room for one.
        unsafe { self.put(value) };
        Ok(())
    }

    /// # Safety
    /// There is room for the value.
    #[inline]
    unsafe fn put(&mut self, value: T) {
        let in_a_line = (64 / size_of::<T>().max(1)).max(1);
        if self.tail.is_multiple_of(in_a_line) {
            fetch_to_write(self.ring.slot(self.tail.wrapping_add(AHEAD)));
        }
        // SAFETY: the position is in `tail..head + capacity`, where only the sender writes.
        self.ring.slot(self.tail).with_mut(|slot| unsafe { (*slot).write(value) });
        self.tail = self.tail.wrapping_add(1);
    }

    /// Sends values from the front of `values`, in order, as many as fit; gives back
    /// how many. Those that did not fit stay.
    #[inline]
    pub fn send_batch(&mut self, values: &mut Vec<T>) -> usize {
        let n = self.room(values.len()).min(values.len());
        self.send_iter(n, values.drain(..n))
    }

    /// Sends the values of `values`, in order, while there is room; gives back how
    /// many. A value that does not fit is not taken from the iterator.
    #[inline]
    pub fn send_from(&mut self, values: &mut impl Iterator<Item = T>) -> usize {
        let n = self.room(self.capacity());
        self.send_iter(n, values.take(n))
    }

    /// The iterator gives at most `room` values, and there is room for them.
    #[inline]
    fn send_iter(&mut self, room: usize, values: impl Iterator<Item = T>) -> usize {
        let first = self.tail;
        for value in values.take(room) {
            // SAFETY: no more than there is room for.
            unsafe { self.put(value) };
        }
        self.publish();
        self.tail.wrapping_sub(first)
    }

    /// Whether the receiver is gone: what is sent now will not be received.
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.ring) < 2
    }
}

impl<T> Sender<T> {
    /// Lets the receiver see all that was staged.
    #[inline]
    pub fn publish(&mut self) {
        self.ring.tail.store(self.tail, Ordering::Release);
    }
}

/// What was staged is not lost with it.
impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.publish();
    }
}

/// The end that frames come out at.
#[derive(Debug)]
pub struct Receiver<T> {
    ring: Arc<Ring<T>>,
    head: usize,
    /// Where the sender was when last looked at.
    tail: usize,
}

/// Gives taken slots back to the sender, also when what handles a value panics.
struct Taken<'a, T>(&'a mut Receiver<T>);

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        self.0.ring.head.store(self.0.head, Ordering::Release);
    }
}

impl<T: Send> Receiver<T> {
    /// How many values are there now, at least; looks again when fewer than `wanted` seem to be.
    #[inline]
    fn ready(&mut self, wanted: usize) -> usize {
        if self.tail.wrapping_sub(self.head) < wanted {
            self.tail = self.ring.tail.load(Ordering::Acquire);
        }
        self.tail.wrapping_sub(self.head)
    }

    /// Gives up to `max` values, in order, to `each`; gives back how many.
    #[inline]
    pub fn receive(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
        let n = self.ready(max).min(max);
        if n == 0 {
            return 0;
        }
        let taken = Taken(self);
        for _ in 0..n {
            let position = taken.0.head;
            taken.0.head = position.wrapping_add(1);
            // SAFETY: `ready` saw the position in `head..tail`, and `head` has just passed it.
            each(unsafe { taken.0.ring.take(position) });
        }
        n
    }

    /// Takes the next value.
    #[inline]
    pub fn receive_one(&mut self) -> Option<T> {
        let mut one = None;
        self.receive(1, |value| one = Some(value));
        one
    }

    /// How many values wait.
    pub fn len(&self) -> usize {
        self.ring.tail.load(Ordering::Acquire).wrapping_sub(self.head)
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the sender is gone: what waits now is all there will ever be.
    pub fn is_abandoned(&self) -> bool {
        let gone = Arc::strong_count(&self.ring) < 2;
        // What the sender did before it went is seen from here on.
        fence(Ordering::Acquire);
        gone
    }
}

#[cfg(all(test, not(loom)))]
#[path = "handoff_tests.rs"]
mod tests;

#[cfg(all(test, loom))]
#[path = "handoff_loom.rs"]
mod loom_tests;
