//! Fair shares for the flows of one class, each with its own queue (RFC 8290).
//!
//! Deficit round robin over the flows that wait; one that has just begun, or
//! sends less than its share, goes before those that always have something
//! waiting (section 3.1). When the class is full, the longest queue gives way.

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
        match flows.get(self.last) {
            Some(last) => last.after = at,
            None => self.first = at,
        }
        self.last = at;
        if let Some(flow) = flows.get(at) {
            flow.after = NIL;
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
    /// The queue of flows that found the pool exhausted; made when it is needed.
    shared: u32,
    /// It is in a round.
    shares: bool,
    /// Flows with a queue of their own.
    used: u16,
    /// About the one of most bytes, and that of most frames: right as of when a frame last came to one of more.
    longest: u32,
    most: u32,
}

impl Fq {
    pub(super) fn new(owner: u32) -> Self {
        Self { owner, fresh: EMPTY, old: EMPTY, shared: NIL, shares: false, used: 0, longest: NIL, most: NIL }
    }

    /// Flows in its rounds.
    #[inline]
    pub(super) fn flows(&self) -> u64 {
        u64::from(self.used) + u64::from(self.shares)
    }

    /// The queue of a flow with this hash. The class may have `most` of them.
    #[inline]
    pub(super) fn flow_of(&mut self, hash: u32, most: u16, flows: &mut Flows) -> u32 {
        match flows.find(self.owner, hash) {
            Some(at) => at,
            None => self.open(hash, most, flows),
        }
    }

    /// The queue that a flow with this hash has frames in, if any.
    fn find(&self, hash: u32, flows: &Flows) -> u32 {
        let shared = if self.shares { self.shared } else { NIL };
        flows.find(self.owner, hash).unwrap_or(shared)
    }

    /// While frames wait in the shared queue, a flow may have some there: it must
    /// not overtake them in a queue of its own.
    fn open(&mut self, hash: u32, most: u16, flows: &mut Flows) -> u32 {
        if !self.shares {
            if self.used < most
                && let Some(at) = flows.take(self.owner, hash)
            {
                self.used += 1;
                self.begin(at, flows);
                return at;
            }
            if self.shared == NIL {
                self.shared = flows.take_shared();
            }
            self.shares = true;
            self.begin(self.shared, flows);
        }
        self.shared
    }

    /// A flow that had nothing waiting goes first (section 4.1).
    fn begin(&mut self, at: u32, flows: &mut Flows) {
        if let Some(flow) = flows.get(at) {
            flow.credit = QUANTUM;
        }
        self.fresh.join(at, flows);
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
            } else if is_fresh && self.old.first != NIL {
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
        if at == self.shared {
            self.shares = false;
            return;
        }
        if at == self.longest {
            self.longest = NIL;
        }
        if at == self.most {
            self.most = NIL;
        }
        self.used -= 1;
        flows.give_back(at);
    }

    /// The class has nothing waiting: its flows have nothing to compete for.
    pub(super) fn clear(&mut self, flows: &mut Flows) {
        while self.fresh.first != NIL {
            self.end(true, flows);
        }
        while self.old.first != NIL {
            self.end(false, flows);
        }
    }

    /// Gives the shared queue back too; nothing may wait.
    pub(super) fn close(&mut self, flows: &mut Flows) {
        self.clear(flows);
        flows.give_back(std::mem::replace(&mut self.shared, NIL));
        // It may have been the shared one, which is another class's now.
        (self.longest, self.most) = (NIL, NIL);
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
