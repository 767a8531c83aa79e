//! Publication of tables to workers by quiescent states, with no lock and no
//! wait on either side.
//!
//! A [`Publisher`] puts each new generation into one mailbox per [`Reader`] and
//! then raises the generation number. A worker asks [`Reader::current`] once per
//! burst: one acquire load, and only when the number has risen it takes the new
//! generation, lets go of the old one and reports so by one release store.
//!
//! The publisher keeps its own reference to each generation a reader may still
//! hold, so the last reference always dies with the publisher and no worker ever
//! frees a table. A worker that sleeps delays nobody: its mailbox is overwritten
//! with the newest generation, and it keeps alive the one it holds and no other.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex};

/// What a reader that is gone has reported: it holds no generation.
const GONE: u64 = u64::MAX;

/// The way from the publisher to one reader.
#[derive(Debug)]
struct Mailbox<T> {
    /// The newest generation the reader has not taken yet.
    post: Mutex<Option<(u64, Arc<T>)>>,
    /// The generation the reader holds: it holds none older. [`GONE`] at its end.
    seen: AtomicU64,
}

impl<T> Mailbox<T> {
    /// Puts a generation in; `true` when the one put in before was taken.
    fn put(&self, generation: u64, value: &Arc<T>) -> bool {
        let mut post = self.post.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        post.replace((generation, value.clone())).is_none()
    }

    /// Takes what is there, unless the publisher is just putting something in.
    fn take(&self) -> Option<(u64, Arc<T>)> {
        self.post.try_lock().ok()?.take()
    }
}

/// What the publisher knows of one reader.
#[derive(Debug)]
struct Subscriber<T> {
    mailbox: Arc<Mailbox<T>>,
    /// The last generation put into the mailbox.
    put: u64,
    /// The last generation known to have been taken from it.
    taken: u64,
}

impl<T> Subscriber<T> {
    fn put(&mut self, generation: u64, value: &Arc<T>) {
        if self.mailbox.put(generation, value) {
            self.taken = self.put;
        }
        self.put = generation;
    }

    /// The generations before the latest that the reader may hold: the one it
    /// reported last, and the one it took and has not reported yet.
    fn holds(&self) -> [u64; 2] {
        let seen = self.mailbox.seen.load(Ordering::Acquire);
        [seen, self.taken.max(seen)]
    }

    /// Whether the reader is gone; what it left in its mailbox goes then too.
    fn is_gone(&self) -> bool {
        let gone = self.mailbox.seen.load(Ordering::Acquire) == GONE;
        if gone {
            drop(self.mailbox.take());
        }
        gone
    }
}

/// The writing side: owned by control, one per table.
#[derive(Debug)]
pub struct Publisher<T> {
    newest: Arc<AtomicU64>,
    generation: u64,
    latest: Arc<T>,
    /// Generations before the latest that a reader may hold, oldest first.
    old: Vec<(u64, Arc<T>)>,
    subscribers: Vec<Subscriber<T>>,
}

impl<T> Publisher<T> {
    /// A publisher whose first generation is `value`.
    pub fn new(value: T) -> Self {
        Self {
            newest: Arc::new(AtomicU64::new(0)),
            generation: 0,
            latest: Arc::new(value),
            old: Vec::new(),
            subscribers: Vec::new(),
        }
    }

    /// Makes `value` what every reader's next burst sees, and frees the older
    /// generations that no reader holds any more. Never waits for a reader.
    pub fn publish(&mut self, value: T) {
        self.generation += 1;
        let last = std::mem::replace(&mut self.latest, Arc::new(value));
        self.old.push((self.generation - 1, last));
        for subscriber in &mut self.subscribers {
            subscriber.put(self.generation, &self.latest);
        }
        self.newest.store(self.generation, Ordering::Release);
        self.reap();
    }

    /// The latest generation.
    pub fn latest(&self) -> Arc<T> {
        self.latest.clone()
    }

    /// How many generations were published after the first.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// A new reader, at the latest generation.
    pub fn reader(&mut self) -> Reader<T> {
        let (generation, latest) = (self.generation, self.latest.clone());
        let mailbox = Arc::new(Mailbox { post: Mutex::new(None), seen: AtomicU64::new(generation) });
        self.subscribers.push(Subscriber { mailbox: mailbox.clone(), put: generation, taken: generation });
        Reader { current: latest, generation, newest: self.newest.clone(), mailbox: Membership(mailbox) }
    }

    /// Frees the old generations that no reader holds any more; gives back how many.
    pub fn reap(&mut self) -> usize {
        self.subscribers.retain(|subscriber| !subscriber.is_gone());
        let held: Vec<u64> = self.subscribers.iter().flat_map(Subscriber::holds).collect();
        let before = self.old.len();
        self.old.retain(|(generation, _)| held.contains(generation));
        before - self.old.len()
    }

    /// How many old generations are kept for readers that may hold them: never
    /// more than two for each reader.
    pub fn lag(&self) -> usize {
        self.old.len()
    }

    /// Whether every reader has reported the latest generation.
    pub fn is_quiescent(&self) -> bool {
        let seen = |s: &Subscriber<T>| s.mailbox.seen.load(Ordering::Acquire);
        self.subscribers.iter().all(|subscriber| seen(subscriber) >= self.generation)
    }
}

/// A reader's place among the publisher's subscribers, given up when dropped.
#[derive(Debug)]
struct Membership<T>(Arc<Mailbox<T>>);

impl<T> Drop for Membership<T> {
    fn drop(&mut self) {
        self.0.seen.store(GONE, Ordering::Release);
    }
}

/// The reading side: one per worker.
#[derive(Debug)]
pub struct Reader<T> {
    // The order matters: the generation is let go of before the membership ends.
    current: Arc<T>,
    generation: u64,
    newest: Arc<AtomicU64>,
    mailbox: Membership<T>,
}

impl<T> Reader<T> {
    /// The newest generation, for one burst. Never waits: while the publisher is
    /// just handing over a newer one, this is the one before.
    #[inline]
    pub fn current(&mut self) -> &T {
        if self.newest.load(Ordering::Acquire) > self.generation {
            self.advance();
        }
        &self.current
    }

    /// The number of the generation [`current`](Self::current) gave last.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    #[cold]
    fn advance(&mut self) {
        let Some((generation, value)) = self.mailbox.0.take() else { return };
        drop(std::mem::replace(&mut self.current, value));
        self.generation = generation;
        self.mailbox.0.seen.store(generation, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
#[path = "publish_tests.rs"]
mod tests;

#[cfg(all(test, loom))]
#[path = "publish_loom.rs"]
mod loom_tests;
