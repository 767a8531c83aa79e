//! Frames between a tree and its line: those that may leave without being queued, and
//! those that the line has not taken yet.

use crate::class::TrafficClass;
use crate::counters::Counters;
use crate::id::IfIndex;
use crate::packet::{Batch, DropReason, Frame};
use crate::qos::Scheduler;
use crate::time::Time;

/// Frames taken from the scheduler, or refused by it.
pub(super) type Dropped = Vec<(Frame, DropReason)>;

/// Whose frames they are.
type Key = (IfIndex, TrafficClass);

/// Frames in a row of one class of one interface.
#[derive(Clone, Copy, Debug)]
struct Run {
    of: Key,
    frames: usize,
    bytes: u64,
}

/// What a line is to take next, in order, and as whose it counts once it has.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) frames: Batch,
    runs: Vec<Run>,
}

impl Staged {
    /// Notes whose the frames are.
    pub(super) fn note(&mut self) {
        let Some(first) = self.frames.frames().first() else { return };
        let mut run = Run { of: key(first), frames: 0, bytes: 0 };
        for frame in self.frames.frames() {
            let of = key(frame);
            if of != run.of {
                self.runs.push(run);
                run = Run { of, frames: 0, bytes: 0 };
            }
            (run.frames, run.bytes) = (run.frames + 1, run.bytes + frame.len() as u64);
        }
        self.runs.push(run);
    }

    /// Notes that all frames, so many `bytes`, are of one.
    fn note_all(&mut self, of: Key, bytes: u64) {
        self.runs.push(Run { of, frames: self.frames.len(), bytes });
    }

    /// Counts the first `taken` of the frames noted, which have left.
    pub(super) fn count(&mut self, taken: usize, counters: &Counters) {
        let (mut left, mut done) = (taken, 0);
        for run in &mut self.runs {
            let frames = run.frames.min(left);
            left -= frames;
            run.frames -= frames;
            // Those of the run that have not left come first of what is here now.
            let stay = self.frames.frames().iter().take(run.frames).map(|frame| frame.len() as u64).sum();
            let bytes = std::mem::replace(&mut run.bytes, stay) - stay;
            if let Some(block) = counters.interface(run.of.0) {
                block.sent[run.of.1.index()].add_all(frames as u64, bytes);
            }
            if run.frames > 0 {
                break;
            }
            done += 1;
        }
        self.runs.drain(..done.min(self.runs.len()));
    }

    /// Takes every frame out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Frame> + '_ {
        self.runs.clear();
        self.frames.drain()
    }
}

#[inline]
fn key(frame: &Frame) -> Key {
    (frame.meta().out_interface, frame.meta().class)
}

/// Frames of one class of one interface that came together and need not be queued
/// ([`Scheduler::pass`]), as long as nothing else comes before the line is asked.
#[derive(Debug)]
pub(super) struct Straight {
    of: Key,
    frames: Batch,
}

impl Default for Straight {
    fn default() -> Self {
        Self { of: (IfIndex::NONE, TrafficClass::Standard), frames: Batch::new() }
    }
}

impl Straight {
    /// Frames it holds.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it holds some of the same, and has no room for so many `more`.
    #[inline]
    pub(super) fn is_full(&self, more: usize, of: Key) -> bool {
        of == self.of && more > self.frames.room()
    }

    /// Takes a frame, or has `tree` queue it, behind all that were taken before. `idle` says that the
    /// line has taken all that it was given.
    ///
    /// # Errors
    /// Those of [`Scheduler::enqueue`]; frames taken before that are refused now go to `dropped`.
    #[inline]
    pub(super) fn take(
        &mut self,
        frame: Frame,
        tree: &mut Scheduler,
        idle: bool,
        now: Time,
        dropped: &mut Dropped,
    ) -> Result<(), (Frame, DropReason)> {
        let of = key(&frame);
        let frame = match of == self.of || self.begins(of, tree, idle, now) {
            true => match self.frames.push(frame) {
                Ok(()) => return Ok(()),
                Err(frame) => frame,
            },
            false => frame,
        };
        self.queue_up(tree, now, dropped);
        tree.enqueue(frame, now)
    }

    /// Takes all frames of `batch`, which are `of` one, or has `tree` queue them, behind all that were taken
    /// before. Those that it refuses go to `dropped`.
    #[inline]
    pub(super) fn take_all(
        &mut self,
        batch: &mut Batch,
        of: Key,
        tree: &mut Scheduler,
        idle: bool,
        now: Time,
        dropped: &mut Dropped,
    ) {
        if (of == self.of || self.begins(of, tree, idle, now)) && self.frames.append(batch) {
            return;
        }
        self.queue_up(tree, now, dropped);
        tree.enqueue_all(batch, now, dropped);
    }

    /// Whether these frames, the first to come, may leave without being queued.
    fn begins(&mut self, of: Key, tree: &Scheduler, idle: bool, now: Time) -> bool {
        let begins = idle && self.frames.is_empty() && tree.lets_pass(of.0, of.1, now);
        if begins {
            self.of = of;
        }
        begins
    }

    /// Has the tree queue what was taken.
    #[inline]
    pub(super) fn queue_up(&mut self, tree: &mut Scheduler, now: Time, dropped: &mut Dropped) {
        self.of.0 = IfIndex::NONE;
        if !self.frames.is_empty() {
            tree.enqueue_all(&mut self.frames, now, dropped);
        }
    }

    /// Gives what was taken to the line, or has the tree queue it; whether it gave something.
    pub(super) fn give(
        &mut self,
        staged: &mut Staged,
        tree: &mut Scheduler,
        now: Time,
        dropped: &mut Dropped,
    ) -> bool {
        let (of, frames) = (self.of, self.frames.frames());
        let passed = if frames.is_empty() { None } else { tree.pass(of.0, of.1, frames, now) };
        let Some(bytes) = passed else {
            self.queue_up(tree, now, dropped);
            return false;
        };
        self.of.0 = IfIndex::NONE;
        staged.frames.append(&mut self.frames);
        staged.note_all(of, bytes);
        true
    }

    /// Has `tree` queue all frames of `batch`, which are of several, behind all that were taken before: which
    /// of them leave first is for the tree to say. Those that it refuses go to `dropped`.
    pub(super) fn take_mixed(
        &mut self,
        batch: &mut Batch,
        tree: &mut Scheduler,
        now: Time,
        dropped: &mut Dropped,
    ) {
        self.queue_up(tree, now, dropped);
        tree.enqueue_all(batch, now, dropped);
    }
}

#[cfg(test)]
mod tests;
