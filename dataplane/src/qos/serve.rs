//! A frame's way into and out of one interface's queues.

use super::held::Held;
use super::memory::Bound;
use super::policer::Policer;
use super::queue::{Offer, Room};
use super::run::{Next, Sum, Way};
use super::shaper::Shaper;
use super::site::{Dropped, Site};
use super::stats::Depth;
use super::turn::Turn;
use crate::class::TrafficClass;
use crate::packet::{DropReason, Frame};
use crate::time::Time;

/// What the tree says of a frame that comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    pub(super) now: Time,
    /// For how long before `now` it was not seen what came, nanoseconds.
    pub(super) unseen: u64,
    /// The port's rate, bit/s; 0 is not known.
    pub(super) port_rate: u64,
    pub(super) frames: &'a Bound,
    pub(super) bytes: &'a Bound,
}

impl Site {
    /// Queues a frame, unless a policer, early detection or a limit says no. Gives whether its queue was empty.
    ///
    /// # Errors
    /// The frame, and why not; nothing is counted. [`DropReason::QueueBytes`] and
    /// [`DropReason::QueueFrames`] of a class that keeps flows apart may be mended by [`Site::evict`].
    pub(super) fn enqueue(
        &mut self,
        mut frame: Frame,
        terms: &Terms<'_>,
        room: &mut Room,
    ) -> Result<bool, (Frame, DropReason)> {
        let offer = self.offer(&frame);
        let hash = match self.look(&mut frame, &offer, terms, room) {
            Ok(hash) => hash,
            Err(reason) => return Err((frame, reason)),
        };
        self.starts(offer.place, terms.now, terms.unseen);
        Ok(self.queue_up(frame, &offer, hash, terms.now, room))
    }

    /// Whether it holds so little that it may hold so many bytes more, whatever others hold.
    #[inline]
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.frames < self.sure_frames && self.bytes + len as u64 <= self.sure_bytes
    }

    /// Whether a frame may be queued, everything asked that there is; gives the hash of its flow, if it matters.
    fn look(
        &mut self,
        frame: &mut Frame,
        offer: &Offer,
        terms: &Terms<'_>,
        room: &mut Room,
    ) -> Result<u32, DropReason> {
        let queue = &self.queues[offer.place];
        let mut hash = 0;
        if queue.asks() {
            hash = if queue.keeps_flows() { frame.flow() } else { 0 };
            self.ask(frame, offer, terms, room)?;
        }
        self.fits(offer, terms)?;
        Ok(hash)
    }

    /// Asks the policer and early detection.
    fn ask(
        &mut self,
        frame: &mut Frame,
        offer: &Offer,
        terms: &Terms<'_>,
        room: &mut Room,
    ) -> Result<(), DropReason> {
        if !self.conforms(offer, terms.now) {
            return Err(DropReason::Policed);
        }
        match self.queues[offer.place].detects(frame, offer, terms.now, room) {
            true => Err(DropReason::Wred),
            false => Ok(()),
        }
    }

    /// Whether every limit has room.
    #[inline]
    fn fits(&mut self, offer: &Offer, terms: &Terms<'_>) -> Result<(), DropReason> {
        let queue = &self.queues[offer.place];
        let (len, bytes) = (offer.len as u64, self.bytes);
        if queue.is_full(offer.len) {
            return Err(DropReason::QueueBytes);
        }
        let urgent = self.is_urgent(offer.class);
        if bytes + len > if urgent { self.most } else { self.most_plain } {
            return Err(DropReason::SiteBytes);
        }
        if let Some(bound) = queue.wait_bound() {
            let ahead = self.accounted_all(queue.frames, queue.bytes);
            if self.would_wait_longer(offer.place, ahead, bound, terms) {
                return Err(DropReason::QueueTime);
            }
        }
        if !terms.bytes.admits(bytes, len, urgent) {
            return Err(DropReason::TreeMemory);
        }
        let (of, held) = (self.queues[offer.place].frames, self.frames as u64);
        if !(urgent || self.fifo) && terms.frames.is_much(of.into(), held) {
            return Err(DropReason::QueueFrames);
        }
        if terms.frames.admits(held, 1, urgent) { Ok(()) } else { Err(DropReason::TreeMemory) }
    }

    /// A frame is about to come to a queue.
    #[inline]
    pub(super) fn starts(&mut self, place: usize, now: Time, unseen: u64) {
        if self.backlog & (1 << place) == 0 {
            self.begins(place, now, unseen);
        }
    }

    #[inline]
    fn queue_up(&mut self, frame: Frame, offer: &Offer, hash: u32, now: Time, room: &mut Room) -> bool {
        let wakes = self.backlog & (1 << offer.place) == 0;
        if wakes {
            self.backlog |= 1 << offer.place;
            self.wake(offer.place);
        }
        self.frames += 1;
        self.bytes += offer.len as u64;
        self.queues[offer.place].push(Held { frame, since: now }, hash, room);
        if self.fifo {
            self.tally(offer.class).queued_elsewhere(offer.len);
        }
        wakes
    }

    /// A queue has a frame now, or may send again: it has its turn among those by weight.
    #[inline]
    pub(super) fn wake(&mut self, place: usize) {
        let bit = 1 << place;
        if self.ready() & !self.priority & bit != 0 {
            self.fair.wake(place, self.is_leftover(place));
        }
    }

    fn conforms(&mut self, offer: &Offer, now: Time) -> bool {
        let accounted = self.accounted(offer.len);
        self.policer(offer.class).is_none_or(|policer| policer.conforms(now, accounted))
    }

    #[inline]
    pub(super) fn policer(&mut self, class: TrafficClass) -> Option<&mut Policer> {
        self.policers.as_mut().and_then(|p| p[class.index()].as_mut())
    }

    /// Whether what is `ahead` in its own queue alone, bytes as accounted, takes longer than `bound` nanoseconds
    /// at the most that the interface can get; a part of a nanosecond over is over.
    #[inline]
    pub(super) fn would_wait_longer(
        &mut self,
        place: usize,
        ahead: u64,
        bound: u64,
        terms: &Terms<'_>,
    ) -> bool {
        let rate = self.rate(terms.port_rate);
        let most = u128::from(bound) * u128::from(rate);
        if rate == 0 || u128::from(ahead) * 8_000_000_000 <= most {
            return false;
        }
        let urgent = self.priority & (1 << place) != 0;
        let owed = if urgent { self.longest() } else { 0 };
        let spare = self.shaper.as_mut().map_or(owed, |s| s.spare(terms.now, urgent));
        u128::from(ahead.saturating_sub(spare)) * 8_000_000_000 > most
    }

    /// A frame that makes way for another which was refused for `reason`, out of the longest flow of its class.
    #[cold]
    pub(super) fn evict(&mut self, frame: &mut Frame, reason: DropReason, room: &mut Room) -> Option<Held> {
        if !matches!(reason, DropReason::QueueBytes | DropReason::QueueFrames) {
            return None;
        }
        let offer = self.offer(frame);
        let held = self.queues[offer.place].evict((frame.flow(), offer.len), reason, room)?;
        self.frames -= 1;
        self.bytes -= held.len() as u64;
        Some(held)
    }

    /// Queues a frame for which another made way. Gives whether its queue was empty.
    #[cold]
    pub(super) fn take_place(&mut self, mut frame: Frame, now: Time, room: &mut Room) -> bool {
        let (offer, hash) = (self.offer(&frame), frame.flow());
        self.starts(offer.place, now, 0);
        self.queue_up(frame, &offer, hash, now, room)
    }

    /// Puts back a frame that was taken out while the way of queueing changed. Gives whether its queue was empty.
    pub(super) fn put_back(&mut self, mut held: Held, room: &mut Room) -> bool {
        let offer = self.offer(&held.frame);
        let hash = if self.queues[offer.place].keeps_flows() { held.frame.flow() } else { 0 };
        let since = held.since;
        self.queue_up(held.frame, &offer, hash, since, room)
    }

    /// Sends a frame of whatever queue has its turn, and then, while the turn lasts, those of plain ones. It is
    /// over when each frame of the queue had to go: those are in `dropped`.
    pub(super) fn step(
        &mut self,
        turn: Turn,
        most: usize,
        way: &mut Way<'_>,
        dropped: &mut Dropped,
    ) -> (usize, Next) {
        let Some((frame, cost)) = self.take(turn == Turn::Urgent, way.now, way.room, dropped) else {
            return (0, Next::Over);
        };
        self.spend(turn, cost, way.now);
        self.charge(turn, cost, way.now);
        let port_lets = way.port_takes(frame.len(), turn);
        // There is room for `most`.
        let _ = way.out.push(frame);
        if turn != Turn::Shared || most == 1 || !port_lets || !self.goes_on(way.now) {
            return (1, Next::Over);
        }
        let (given, next) = self.run_on(most - 1, way);
        (given + 1, next)
    }

    /// The next frame to send, and its accounted length: of a class with
    /// priority, or by weight of those without. `None` when each frame of the
    /// class whose turn it was had to go: those are in `dropped`.
    fn take(
        &mut self,
        priority: bool,
        now: Time,
        room: &mut Room,
        dropped: &mut Dropped,
    ) -> Option<(Frame, u32)> {
        let place = self.turn(priority);
        let held = self.take_from(place, now, room, dropped)?;
        let len = held.len();
        self.left(place, len);
        let accounted = self.accounted(len);
        let class = if self.fifo { held.frame.meta().class.index() } else { place };
        let waited = now.since(held.since);
        if self.fifo {
            self.queues[class].tally.left_elsewhere(len);
        }
        self.queues[class].tally.sent(&Sum::of(len, accounted), Depth::default(), waited);
        self.waits.record(class, waited, 1);
        if !priority {
            self.fair.served(place, self.is_leftover(place), accounted);
        }
        if self.paces.spend(place, accounted, now) {
            self.fair.leave(place);
        }
        Some((held.frame, accounted))
    }

    /// The next frame of a queue, after those that have to go.
    fn take_from(&mut self, place: usize, now: Time, room: &mut Room, dropped: &mut Dropped) -> Option<Held> {
        loop {
            let (held, why) = self.queues[place].pop(now, room)?;
            let Some(why) = why else { return Some(held) };
            self.left(place, held.len());
            self.give_up(held, why, dropped);
        }
    }

    /// A frame left its queue.
    #[inline]
    fn left(&mut self, place: usize, len: usize) {
        self.frames -= 1;
        self.bytes -= len as u64;
        if self.queues[place].frames == 0 {
            self.backlog &= !(1 << place);
            self.fair.leave(place);
        }
    }

    #[cold]
    fn give_up(&mut self, held: Held, why: DropReason, dropped: &mut Dropped) {
        let mixed = self.fifo;
        let tally = self.tally(held.frame.meta().class);
        if mixed {
            tally.left_elsewhere(held.len());
        }
        tally.drop(why, held.len());
        dropped.push((held.frame, why));
    }

    /// The first queue in order of those that go first and may send; there is one.
    #[inline]
    pub(super) fn first_urgent(&self) -> usize {
        (self.ready() & self.priority).trailing_zeros() as usize & 7
    }

    /// The queue whose turn it is.
    #[inline]
    fn turn(&self, priority: bool) -> usize {
        if priority {
            return self.first_urgent();
        }
        match self.fair.waits() {
            true => self.fair.first(),
            false => self.fair.first_leftover(self.ready() & !self.priority),
        }
    }

    /// The most that it can get, bit/s, on a port of this rate; 0 is not known.
    #[inline]
    pub(super) fn rate(&self, port: u64) -> u64 {
        self.shaper.as_ref().map_or(port, Shaper::rate)
    }
}
