//! One way of a bad line: frames enter, and leave as the dice fall.

use std::collections::VecDeque;

use super::{FaultCounts, FaultOptions};
use crate::packet::{BATCH, Batch, Frame, Pool};
use crate::time::Time;

/// How long a frame waits to be overtaken, in nanoseconds.
const OVERTAKE: u64 = 1_000_000;

/// Frames between two stations.
#[derive(Debug)]
pub(super) struct Line {
    options: FaultOptions,
    dice: Dice,
    waiting: VecDeque<Frame>,
    /// A frame that waits to be overtaken, and until when.
    held: Option<(Frame, Time)>,
    stopped_until: Time,
    pub(super) counts: FaultCounts,
}

/// Vigna's splitmix64: small, and the same everywhere.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    fn falls(&mut self, per_million: u32) -> bool {
        per_million > 0 && self.below(1_000_000) < u64::from(per_million)
    }
}

impl Line {
    pub(super) fn new(options: FaultOptions, way: u64) -> Self {
        Self {
            options,
            dice: Dice(options.seed ^ way),
            waiting: VecDeque::with_capacity(2 * BATCH + 2),
            held: None,
            stopped_until: Time::ZERO,
            counts: FaultCounts::default(),
        }
    }

    /// Frames on it.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.held.is_some())
    }

    /// Whether it takes another batch.
    pub(super) fn is_clear(&self, now: Time) -> bool {
        now >= self.stopped_until && self.waiting.is_empty()
    }

    /// A frame comes onto the line.
    pub(super) fn enter(&mut self, now: Time, mut frame: Frame, pool: &mut Pool) {
        if self.dice.falls(self.options.loss) {
            self.counts.lost += 1;
            pool.put(frame);
            return;
        }
        if self.dice.falls(self.options.corrupt) {
            self.corrupt(&mut frame);
        }
        if self.dice.falls(self.options.stall) {
            self.counts.stalls += 1;
            self.stopped_until = now + self.options.stall_time;
        }
        let copy = if self.dice.falls(self.options.duplicate) { copy(&frame, pool) } else { None };
        if let Some((overtaken, _)) = self.held.take() {
            self.counts.reordered += 1;
            self.waiting.extend([frame, overtaken]);
        } else if copy.is_none() && self.dice.falls(self.options.reorder) {
            self.held = Some((frame, Time(now.0.saturating_add(OVERTAKE))));
        } else {
            self.waiting.push_back(frame);
        }
        self.counts.duplicated += u64::from(copy.is_some());
        self.waiting.extend(copy);
    }

    fn corrupt(&mut self, frame: &mut Frame) {
        let bit = self.dice.below(8 * frame.len() as u64) as usize;
        if let Some(byte) = frame.bytes_mut().get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
            self.counts.corrupted += 1;
        }
    }

    /// Lets a frame go that was not overtaken in time.
    pub(super) fn release(&mut self, now: Time) {
        if let Some((frame, _)) = self.held.take_if(|(_, until)| now >= *until) {
            self.waiting.push_back(frame);
        }
    }

    /// Moves what has passed into `batch`; gives how many frames.
    pub(super) fn leave(&mut self, now: Time, batch: &mut Batch) -> usize {
        if now < self.stopped_until {
            return 0;
        }
        let count = batch.room().min(self.waiting.len());
        for frame in self.waiting.drain(..count) {
            // There is room for it, as just seen.
            let _ = batch.push(frame);
        }
        count
    }

    /// Takes back what could not go on, to be first again.
    pub(super) fn put_back(&mut self, batch: &mut Batch) {
        while let Some(frame) = batch.pop() {
            self.waiting.push_front(frame);
        }
    }
}

/// A second frame with the same bytes.
fn copy(frame: &Frame, pool: &mut Pool) -> Option<Frame> {
    let mut copy = pool.get()?;
    if copy.fill(frame.bytes()).is_err() {
        pool.put(copy);
        return None;
    }
    Some(copy)
}
