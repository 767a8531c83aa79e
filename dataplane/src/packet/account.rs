//! What two workers owe each other: buffers of the one that ended at the other.
//!
//! A frame that crossed ends with the worker that sends it, and its buffer stays there: to go home it would
//! cross once more, and be written by a core that no longer has a line of it. What each keeps of the other's is
//! set off; only who keeps more gives others for them, many at a time.

/// The most buffers that a worker keeps more of another's than that one of its.
const SLACK: i32 = 256;
/// The part of its buffers that a worker lends to all others together.
const PART: usize = 16;

/// How one worker stands with another. Of two that have heard all of each other, one owes as many as
/// the other is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Buffers that are owed to the other; below 0, by it.
    owes: i32,
    /// Of that, what the other has not been told.
    news: i32,
}

impl Account {
    /// Keeps a buffer of the other's.
    #[inline]
    pub(super) fn keep(&mut self) {
        self.owes += 1;
        self.news += 1;
    }

    /// Gives the other one for it.
    #[inline]
    pub(super) fn pay(&mut self) {
        self.owes -= 1;
        self.news -= 1;
    }

    /// Hears how many the other keeps, less those that it gave.
    #[inline]
    pub(super) fn hear(&mut self, kept: i32) {
        self.owes = self.owes.saturating_sub(kept);
    }

    /// What the other is to be told, if there is any; forgotten by [`Account::told`].
    #[inline]
    pub(super) fn news(&self) -> Option<i32> {
        (self.news != 0).then_some(self.news)
    }

    /// The other has been told.
    #[inline]
    pub(super) fn told(&mut self) {
        self.news = 0;
    }

    /// Buffers to be given now, where up to `slack` may be owed: down to half of that, so that it
    /// is not done for each.
    #[inline]
    pub(super) fn due(&self, slack: i32) -> i32 {
        if self.owes > slack { self.owes - slack / 2 } else { 0 }
    }
}

/// What a worker may owe another, of so many `workers` that have `total` buffers each.
pub(super) fn slack(total: usize, workers: usize) -> i32 {
    i32::try_from(total / PART / workers.saturating_sub(1).max(1)).map_or(SLACK, |part| part.min(SLACK))
}
