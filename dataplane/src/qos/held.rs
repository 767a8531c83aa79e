//! A frame that waited, on its way out of one queue or into another.

use crate::packet::Frame;
use crate::time::Time;

/// A frame, and since when it waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) frame: Frame,
    pub(super) since: Time,
}

impl Held {
    /// Bytes, layer 2 without FCS.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.frame.len()
    }

    /// One that was in a chain.
    #[inline]
    pub(super) fn of((frame, since): (Frame, Time)) -> Self {
        Self { frame, since }
    }
}
