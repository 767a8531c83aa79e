//! Where a worker's frames come from and go back to.

use super::account::{Account, slack};
use super::batch::Batch;
use super::buffer::{Arena, Buffer};
use super::frame::{Frame, HEADROOM};
use super::meta::Meta;
use crate::id::WorkerIndex;
use crate::memory::prefer_large_spans;
use std::sync::Arc;

/// How large a pool's buffers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolSize {
    /// [`STANDARD_CAPACITY`](super::STANDARD_CAPACITY) bytes each.
    #[default]
    Standard,
    /// [`JUMBO_CAPACITY`](super::JUMBO_CAPACITY) bytes each.
    Jumbo,
}

/// One worker's free frames. All are allocated when the pool is made; an empty
/// pool gives none and its owner drops by name.
#[derive(Debug)]
pub struct Pool {
    free: Vec<Frame>,
    /// Frames that belong to other pools, on their way home.
    foreign: Vec<Frame>,
    /// How it stands with each worker whose frames it keeps, and gives its own for.
    accounts: Vec<Account>,
    /// What it may owe one of them.
    slack: i32,
    /// Whether one of them has not been told everything.
    news: bool,
    home: WorkerIndex,
    /// What is known of a frame as it leaves: all of it is copied at once.
    fresh: Meta,
    size: PoolSize,
    total: usize,
    /// Of these, what rings of ports may hold.
    for_rings: usize,
}

/// What a pool has for another worker.
#[derive(Debug)]
pub enum Due {
    /// A frame, for one of its own that was kept.
    Frame(Frame),
    /// How many of its own were kept since it was told last, less those that it was given others for.
    Kept(i32),
}

impl Pool {
    /// A pool of `count` frames that belong to worker `home`, in large pages where the kernel has some.
    pub fn new(home: WorkerIndex, count: usize, size: PoolSize) -> Self {
        Self::over(std::iter::repeat_with(|| Buffer::new(size)).take(count).collect(), home, size)
    }

    /// As [`Pool::new`], of frames whose bytes stand in `arena`; of fewer than `count` where it has not so many left.
    pub fn within(arena: &Arc<Arena>, home: WorkerIndex, count: usize) -> Self {
        Self::over(std::iter::from_fn(|| arena.take()).take(count).collect(), home, arena.size())
    }

    fn over(buffers: Vec<Buffer>, home: WorkerIndex, size: PoolSize) -> Self {
        // Buffers are there first: what is known of their frames then lies together, close to one another.
        let mut free: Vec<_> = buffers.into_iter().map(Frame::over).collect();
        free.iter_mut().for_each(|frame| frame.meta_mut().home = home);
        prefer_large_spans(free.iter().flat_map(Frame::memory).collect());
        let (total, fresh) = (free.len(), Meta { home, ..Meta::default() });
        let (foreign, accounts) = (Vec::with_capacity(total), Vec::new());
        Self { free, foreign, accounts, slack: 0, news: false, home, fresh, size, total, for_rings: 0 }
    }

    /// Sets `frames` of them aside for rings of ports that lend frames to their peers.
    pub fn set_aside(&mut self, frames: usize) {
        self.for_rings = frames.min(self.total);
    }

    /// Frames made for this pool that are not set aside for rings: what may wait in queues.
    pub fn for_queues(&self) -> usize {
        self.total - self.for_rings
    }

    /// Keeps frames of so many workers from now on, their indices being the first, and tells and gives
    /// them what is theirs by [`Pool::settle`].
    pub fn trade(&mut self, workers: usize) {
        self.accounts.resize(workers, Account::default());
        self.slack = slack(self.total, workers);
        // Room for what may come in a turn before it is set off: nothing is allocated then.
        self.free.reserve(self.total);
    }

    /// A free frame, empty; `None` when all are in use.
    #[inline]
    pub fn get(&mut self) -> Option<Frame> {
        let mut frame = self.free.pop()?;
        // Whose it was is not looked at: its lines may be far away.
        frame.renew(&self.fresh);
        Some(frame)
    }

    /// Adds up to `n` free frames, empty, to a batch, as many as there are and it has room for; gives how many.
    #[inline]
    pub fn lend(&mut self, n: usize, batch: &mut Batch) -> usize {
        let before = batch.len();
        batch.take_last(n, &mut self.free);
        let lent = batch.frames_mut().get_mut(before..).unwrap_or_default();
        lent.iter_mut().for_each(|frame| frame.renew(&self.fresh));
        lent.len()
    }

    /// Takes the first `n` frames of a batch back (all, when there are fewer), as [`Pool::put`] does.
    #[inline]
    pub fn put_front(&mut self, batch: &mut Batch, n: usize) {
        let frames = batch.frames().iter().take(n);
        // Not a branch for each.
        let own = frames.fold(true, |own, frame| own & (frame.meta().home == self.home));
        if own {
            self.free.extend(batch.drain_front(n));
        } else {
            batch.drain_front(n).for_each(|frame| self.put(frame));
        }
    }

    /// Takes a frame back. Of another's it keeps those of workers that it trades with, and the others aside for
    /// [`Pool::foreign`].
    #[inline(always)]
    pub fn put(&mut self, frame: Frame) {
        let home = frame.meta().home;
        if home != self.home {
            let Some(account) = self.accounts.get_mut(home.index()) else { return self.foreign.push(frame) };
            account.keep();
            self.news = true;
        }
        self.free.push(frame);
    }

    /// Takes a frame that came home, or for one that another worker kept.
    #[inline]
    pub fn take_back(&mut self, frame: Frame) {
        self.free.push(frame);
    }

    /// Hears how many of its frames another worker has kept ([`Due::Kept`]).
    #[inline]
    pub fn hear(&mut self, by: WorkerIndex, kept: i32) {
        self.accounts.get_mut(by.index()).into_iter().for_each(|account| account.hear(kept));
    }

    /// Tells other workers what was kept of theirs, and gives frames for it where that is more than may be
    /// owed; for `all` of it, when there is time. What `send` does not take, and gives back, waits.
    #[inline]
    pub fn settle(&mut self, all: bool, send: impl FnMut(usize, Due) -> Result<(), Option<Frame>>) {
        if self.news || all {
            self.settle_accounts(all, send);
        }
    }

    fn settle_accounts(&mut self, all: bool, mut send: impl FnMut(usize, Due) -> Result<(), Option<Frame>>) {
        self.news = false;
        for (to, account) in self.accounts.iter_mut().enumerate() {
            for _ in 0..account.due(if all { 0 } else { self.slack }) {
                let Some(frame) = self.free.pop() else { break };
                if let Err(frame) = send(to, Due::Frame(frame)) {
                    self.free.extend(frame);
                    break;
                }
                account.pay();
            }
            match account.news() {
                Some(kept) if send(to, Due::Kept(kept)).is_ok() => account.told(),
                Some(_) => self.news = true,
                None => {}
            }
        }
    }

    /// Frames to be sent home to pools that it does not trade with; the worker drains this.
    #[inline]
    pub fn foreign(&mut self) -> &mut Vec<Frame> {
        &mut self.foreign
    }

    /// Free frames now; more than [`Pool::total`] while some are owed to others.
    #[inline]
    pub fn available(&self) -> usize {
        self.free.len()
    }

    /// Frames made for this pool.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whose pool it is.
    pub fn home(&self) -> WorkerIndex {
        self.home
    }

    /// The longest packet that fits a frame of it, in bytes.
    #[inline]
    pub fn room(&self) -> usize {
        self.size.bytes() - HEADROOM
    }

    /// How large its buffers are.
    pub fn size(&self) -> PoolSize {
        self.size
    }
}

#[cfg(test)]
mod tests;
