//! Where the frames of one class of one interface wait, first in first out.

use std::collections::VecDeque;

use super::stats::QueueStats;
use crate::class::TrafficClass;
use crate::packet::Frame;
use crate::time::Time;

/// A frame that waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) frame: Frame,
    /// Since when.
    pub(super) since: Time,
    pub(super) class: TrafficClass,
}

impl Held {
    pub(super) fn len(&self) -> usize {
        self.frame.len()
    }
}

/// The frames, and what the class went through. With one queue for all classes
/// the frames are all in Standard's; the counts are each class's own. Room grows
/// to what was ever needed and is kept.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) held: VecDeque<Held>,
    pub(super) bytes: u64,
    pub(super) stats: QueueStats,
}

impl Queue {
    #[inline]
    pub(super) fn push(&mut self, held: Held) {
        self.bytes += held.len() as u64;
        self.held.push_back(held);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Held> {
        let held = self.held.pop_front()?;
        self.bytes -= held.len() as u64;
        Some(held)
    }

    /// Bytes of its frames when each counts `overhead` more; not below 0.
    #[inline]
    pub(super) fn accounted(&self, overhead: i16) -> u64 {
        let extra = self.held.len() as i64 * i64::from(overhead);
        (self.bytes as i64).saturating_add(extra).max(0) as u64
    }
}
