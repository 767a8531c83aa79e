//! A frame's way into and out of one interface's queues.

use super::bucket::TokenBucket;
use super::queue::{Offer, Room};
use super::site::{Dropped, Site};
use super::store::Held;
use crate::class::TrafficClass;
use crate::packet::{DropReason, Frame};
use crate::time::Time;

impl Site {
    /// Queues a frame, unless a policer, early detection or a limit says no. `rate` is
    /// the most that the interface can get, bit/s (0 is not known), `full` that the
    /// tree has no room. Gives a frame that had to make way for it, if one had.
    ///
    /// # Errors
    /// The frame back, with the reason.
    #[inline]
    pub(super) fn enqueue(
        &mut self,
        mut frame: Frame,
        now: Time,
        (rate, full): (u64, bool),
        room: &mut Room,
    ) -> Result<Option<Held>, (Frame, DropReason)> {
        let keeps_flows = self.keeps_flows(frame.meta().class);
        let offer = Offer::of(&mut frame, keeps_flows);
        match self.admit(&mut frame, &offer, now, (rate, full), room) {
            Ok(made_way) => {
                self.begins(self.place(offer.class), now);
                self.tally(offer.class).queued(offer.len);
                self.put(Held { frame, since: now, class: offer.class }, offer.hash, room);
                Ok(made_way)
            }
            Err(reason) => {
                self.tally(offer.class).drop(reason, offer.len);
                Err((frame, reason))
            }
        }
    }

    #[inline]
    fn admit(
        &mut self,
        frame: &mut Frame,
        offer: &Offer,
        now: Time,
        (rate, full): (u64, bool),
        room: &mut Room,
    ) -> Result<Option<Held>, DropReason> {
        let place = self.place(offer.class);
        if !self.conforms(offer, now) {
            return Err(DropReason::Policed);
        }
        let queue = self.queue(place);
        if queue.detects(frame, offer, now, room) {
            return Err(DropReason::Wred);
        }
        if queue.is_full(offer.len) {
            return self.evict(place, offer, room).map(Some).ok_or(DropReason::QueueBytes);
        }
        let wait_bound = queue.wait_bound();
        if self.is_full(offer) {
            return Err(DropReason::SiteBytes);
        }
        if let Some(limit) = wait_bound
            && self.would_wait(place, rate, now) > limit
        {
            return Err(DropReason::QueueTime);
        }
        if full { Err(DropReason::TreeMemory) } else { Ok(None) }
    }

    #[inline]
    fn conforms(&mut self, offer: &Offer, now: Time) -> bool {
        let accounted = self.accounted(offer.len);
        let policer = self.policers.as_mut().and_then(|p| p[offer.class.index()].as_mut());
        policer.is_none_or(|policer| policer.conforms(now, accounted))
    }

    /// Whether all its queues together hold too much. An eighth is for what goes first and Control.
    #[inline]
    fn is_full(&self, offer: &Offer) -> bool {
        let limit = self.spec.limit_bytes;
        let urgent = offer.class == TrafficClass::Control || self.is_priority(offer.class);
        let most = if urgent { limit } else { limit - limit / 8 };
        limit > 0 && self.bytes + offer.len as u64 > most
    }

    #[cold]
    fn evict(&mut self, place: usize, offer: &Offer, room: &mut Room) -> Option<Held> {
        let held = self.queue(place).evict(offer, room)?;
        self.frames -= 1;
        self.bytes -= held.len() as u64;
        Some(held)
    }

    /// Nanoseconds that what is ahead in its own queue takes alone, at `rate`; 0 when that is not known.
    fn would_wait(&mut self, place: usize, rate: u64, now: Time) -> u64 {
        let spare = self.shaper.as_mut().map_or(0, |s| s.bytes(now));
        let queue = self.queue(place);
        let (frames, bytes) = (queue.frames, queue.bytes);
        let ahead = self.accounted_all(frames, bytes).saturating_sub(spare);
        let wait = (u128::from(ahead) * 8_000_000_000).checked_div(u128::from(rate));
        // A part of a nanosecond over the bound is over it.
        wait.map_or(0, |wait| {
            let over = u128::from(ahead) * 8_000_000_000 > wait * u128::from(rate);
            u64::try_from(wait).unwrap_or(u64::MAX).saturating_add(u64::from(over))
        })
    }

    #[inline]
    pub(super) fn put(&mut self, held: Held, hash: u32, room: &mut Room) {
        let (place, len) = (self.place(held.class), held.len());
        self.frames += 1;
        self.bytes += len as u64;
        self.queue(place).push(held, hash, room);
        if self.backlog & (1 << place) == 0 {
            self.backlog |= 1 << place;
            self.fair.wake(place, self.is_leftover(place));
        }
    }

    /// The next frame to send, and its accounted length: of a class with
    /// priority, or by weight of those without. `None` when each frame of the
    /// class whose turn it was had to go: those are in `dropped`.
    #[inline]
    pub(super) fn take(
        &mut self,
        priority: bool,
        now: Time,
        room: &mut Room,
        dropped: &mut Dropped,
    ) -> Option<(Frame, u32)> {
        let place = self.turn(priority);
        loop {
            let queue = self.queues[place].as_deref_mut()?;
            let (held, why) = queue.pop(now, room)?;
            if queue.frames == 0 {
                self.backlog &= !(1 << place);
            }
            self.frames -= 1;
            self.bytes -= held.len() as u64;
            let Some(why) = why else {
                return Some(self.send(held, place, priority, now));
            };
            self.give_up(held, why, dropped);
        }
    }

    #[inline]
    fn send(&mut self, held: Held, place: usize, priority: bool, now: Time) -> (Frame, u32) {
        let Held { frame, since, class } = held;
        let accounted = self.accounted(frame.len());
        if !priority {
            self.fair.served(place, self.is_leftover(place), accounted);
        }
        self.paces.spend(place, accounted, now);
        self.tally(class).sent(frame.len(), now.since(since));
        (frame, accounted)
    }

    #[cold]
    fn give_up(&mut self, held: Held, why: DropReason, dropped: &mut Dropped) {
        let tally = self.tally(held.class);
        tally.left(held.len());
        tally.drop(why, held.len());
        dropped.push((held.frame, why));
    }

    /// The queue whose turn it is.
    #[inline]
    fn turn(&self, priority: bool) -> usize {
        if priority {
            return (self.ready() & self.priority).trailing_zeros() as usize & 7;
        }
        let shared = self.ready() & !self.priority;
        let weighted = shared & self.weighted;
        self.fair.choose(if weighted != 0 { weighted } else { shared })
    }

    /// The most that it can get, bit/s, on a port of this rate; 0 is not known.
    #[inline]
    pub(super) fn rate(&self, port: u64) -> u64 {
        self.shaper.as_ref().map_or(port, TokenBucket::rate)
    }
}
