//! Fair shares for the flows of one class, each with its own queue (RFC 8290).
//!
//! Deficit round robin over the flows that wait; one that has just begun, or
//! sends less than its share, goes before those that always have something
//! waiting (section 3.1). When the class is full, the longest queue gives way.
//!
//! Flows beyond those that a class, or the tree, may have queues for share some by hash, as all do
//! there. When one of them may have its own again, the shared one of its hash, where it may have frames,
//! takes no more, and what comes waits behind it: so each flow keeps its order, and
//! none shares for longer than what waited there takes.

use super::flows::{Flow, Flows, NIL};
use super::held::Held;

/// Bytes that a flow may send before it is the next one's turn: a full frame (section 5.2.4).
const QUANTUM: i32 = 1514;

/// A round of flows: a list through the pool.
#[derive(Clone, Copy, Debug)]
struct Round {
    first: u32,
    last: u32,
}

const EMPTY: Round = Round { first: NIL, last: NIL };

impl Round {
    fn join(&mut self, at: u32, flows: &mut Flows) {
        self.join_all(at, at, flows);
    }

    /// All from one flow to another join, each of which has the next one after it.
    fn join_all(&mut self, first: u32, last: u32, flows: &mut Flows) {
        match flows.get(self.last) {
            Some(before) => before.after = first,
            None => self.first = first,
        }
        self.last = last;
        if let Some(last) = flows.get(last) {
            last.after = NIL;
        }
    }

    fn leave_first(&mut self, flows: &mut Flows) -> u32 {
        let at = self.first;
        self.first = flows.get(at).map_or(NIL, |flow| flow.after);
        if self.first == NIL {
            self.last = NIL;
        }
        at
    }
}

/// The flows of one class.
#[derive(Debug)]
pub(super) struct Fq {
    /// Whose flows: the number of the class in the tree.
    owner: u32,
    fresh: Round,
    old: Round,
    /// Flows with a queue of their own.
    used: u16,
    /// Queues that flows share.
    shared: u16,
    /// About the one of most bytes, and that of most frames: right as of when a frame last came to one of more.
    longest: u32,
    most: u32,
}

impl Fq {
    pub(super) fn new(owner: u32) -> Self {
        Self { owner, fresh: EMPTY, old: EMPTY, used: 0, shared: 0, longest: NIL, most: NIL }
    }

    /// Flows with a queue of their own.
    pub(super) fn used(&self) -> u16 {
        self.used
    }

    /// Flows in its rounds, those that share a queue counted as one.
    #[inline]
    pub(super) fn flows(&self) -> u64 {
        u64::from(self.used) + u64::from(self.shared)
    }

    /// The queue of a flow with this hash. The class may have `most` of them.
    #[inline]
    pub(super) fn flow_of(&mut self, hash: u32, most: u16, flows: &mut Flows) -> u32 {
        match flows.find(self.owner, hash) {
            Some(at) => at,
            None => self.open(hash, most, flows),
        }
    }

    /// The queue that a flow with this hash had its latest frames in, if any.
    fn find(&self, hash: u32, flows: &Flows) -> u32 {
        let own = flows.find(self.owner, hash);
        let shared = || match flows.find_shared(self.owner, hash) {
            _ if self.shared == 0 => None,
            (first, next) => next.or(first),
        };
        own.or_else(shared).unwrap_or(NIL)
    }

    fn open(&mut self, hash: u32, most: u16, flows: &mut Flows) -> u32 {
        match self.shared {
            0 => self.open_behind(None, hash, most, flows),
            _ => match flows.find_shared(self.owner, hash) {
                (_, Some(next)) => next,
                (first, None) => self.open_behind(first, hash, most, flows),
            },
        }
    }

    /// A queue for a flow that may have frames in a shared one, and in none else: its own, behind that, or
    /// that, while nothing is behind it.
    fn open_behind(&mut self, shared: Option<u32>, hash: u32, most: u16, flows: &mut Flows) -> u32 {
        let own = if self.used < most { flows.take(self.owner, hash, self.used) } else { None };
        let at = match (own, shared.map(|shared| (shared, flows.is_closed(shared)))) {
            (Some(own), _) => {
                self.used += 1;
                own
            }
            (None, Some((shared, false))) => return shared,
            (None, closed) => {
                self.shared += 1;
                flows.share(self.owner, hash, closed.is_some())
            }
        };
        // A flow that had nothing waiting goes first (section 4.1).
        if let Some(flow) = flows.get(at) {
            flow.credit = QUANTUM;
        }
        match shared {
            Some(shared) => flows.wait_behind(shared, at),
            None => self.fresh.join(at, flows),
        }
        at
    }

    #[inline]
    pub(super) fn push(&mut self, at: u32, held: Held, flows: &mut Flows) {
        let Some(flow) = flows.get(at) else { return };
        flow.bytes += held.len() as u32;
        flow.frames += 1;
        let (bytes, frames) = (flow.bytes, flow.frames);
        flow.waiting.push(held.frame, held.since);
        if bytes > flows.bytes(self.longest) {
            self.longest = at;
        }
        if frames > flows.frames(self.most) {
            self.most = at;
        }
    }

    /// The first frame of the longest queue, in whose stead one of `len` bytes may come for the flow
    /// with this hash; `None` when that is the longest itself, or gains no room. No queue is opened
    /// for it: a flood of flows that are refused must not take them from others.
    pub(super) fn evict(&mut self, hash: u32, len: usize, flows: &mut Flows) -> Option<Held> {
        let at = self.find(hash, flows);
        let own = flows.bytes(at) as usize;
        let longest = flows.get(self.longest).filter(|_| self.longest != at)?;
        let gains = longest.bytes as usize > own + len && longest.waiting.first()? >= len;
        if gains { longest.pop() } else { None }
    }

    /// The same where frames are short, whatever their lengths: the first of the queue that has most of them.
    pub(super) fn evict_one(&mut self, hash: u32, flows: &mut Flows) -> Option<Held> {
        let at = self.find(hash, flows);
        let own = flows.frames(at);
        let most = flows.get(self.most).filter(|most| self.most != at && most.frames > own + 1)?;
        most.pop()
    }

    /// The next frame in turn, and the flow it is of. It is to be charged when it is sent.
    #[inline]
    pub(super) fn pop(&mut self, flows: &mut Flows) -> Option<(Held, u32)> {
        loop {
            let is_fresh = self.fresh.first != NIL;
            let at = if is_fresh { self.fresh.first } else { self.old.first };
            let flow = flows.get(at)?;
            if flow.credit <= 0 {
                flow.credit += QUANTUM;
                self.move_on(is_fresh, flows);
            } else if let Some(held) = flow.pop() {
                // This one's next, and the flow's after it, likely leave next.
                flow.waiting.fetch();
                let after = flow.after;
                flows.get(after).inspect(|after| after.waiting.fetch());
                return Some((held, at));
            } else if is_fresh && self.old.first != NIL && flow.behind == NIL {
                // It must not come back as fresh before the others had their turn (section 4.2).
                self.move_on(true, flows);
            } else {
                self.end(is_fresh, flows);
            }
        }
    }

    fn move_on(&mut self, is_fresh: bool, flows: &mut Flows) {
        let round = if is_fresh { &mut self.fresh } else { &mut self.old };
        let at = round.leave_first(flows);
        self.old.join(at, flows);
    }

    /// The first flow of a round has nothing left.
    fn end(&mut self, is_fresh: bool, flows: &mut Flows) {
        let round = if is_fresh { &mut self.fresh } else { &mut self.old };
        let at = round.leave_first(flows);
        if at == self.longest {
            self.longest = NIL;
        }
        if at == self.most {
            self.most = NIL;
        }
        if flows.give_back(at, self.used) {
            self.shared -= 1;
            let last = flows.get(at).map_or(NIL, |flow| flow.behind);
            if let Some(first) = flows.get(last).map(|last| last.after) {
                self.fresh.join_all(first, last, flows);
            }
        } else {
            self.used -= 1;
        }
    }

    /// The class has nothing waiting: its flows have nothing to compete for.
    pub(super) fn clear(&mut self, flows: &mut Flows) {
        while self.fresh.first != NIL || self.old.first != NIL {
            self.end(self.fresh.first != NIL, flows);
        }
    }
}

impl Flow {
    /// Its first frame.
    #[inline]
    fn pop(&mut self) -> Option<Held> {
        let held = self.waiting.pop().map(Held::of)?;
        self.bytes -= held.len() as u32;
        self.frames -= 1;
        Some(held)
    }

    /// It sent so many bytes.
    #[inline]
    pub(super) fn charge(&mut self, bytes: usize) {
        self.credit -= bytes as i32;
    }
}

#[cfg(test)]
#[path = "fq_tests.rs"]
mod tests;
