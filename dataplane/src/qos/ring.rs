//! A round robin: the interfaces of a tree that may send, in turn.
//!
//! A doubly linked circle through an array, so that joining, leaving from
//! anywhere and moving on cost the same however many there are, and allocate
//! nothing.

const NIL: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
}

/// Small integers in a circle, each at most once.
#[derive(Debug)]
pub(super) struct Ring {
    links: Vec<Link>,
    front: u32,
}

impl Default for Ring {
    fn default() -> Self {
        Self { links: Vec::new(), front: NIL }
    }
}

impl Ring {
    /// Makes room for members below `n`.
    pub(super) fn grow(&mut self, n: usize) {
        if n > self.links.len() {
            self.links.resize(n, Link { before: NIL, after: NIL });
        }
    }

    /// Whose turn it is.
    #[inline]
    pub(super) fn front(&self) -> Option<usize> {
        (self.front != NIL).then_some(self.front as usize)
    }

    /// Whose turn it is after that of `member`; nobody's, when that is not in.
    #[inline]
    pub(super) fn after(&self, member: usize) -> usize {
        self.links.get(member).map_or(NIL, |link| link.after) as usize
    }

    #[inline]
    pub(super) fn contains(&self, member: usize) -> bool {
        self.links.get(member).is_some_and(|link| link.after != NIL)
    }

    /// Joins at the end of the round, unless it is in already.
    #[inline]
    pub(super) fn join(&mut self, member: usize) {
        if self.contains(member) {
            return;
        }
        let new = member as u32;
        let (before, after) = match self.links.get_mut(self.front as usize) {
            Some(front) => (std::mem::replace(&mut front.before, new), self.front),
            None => {
                self.front = new;
                (new, new)
            }
        };
        if let Some(link) = self.links.get_mut(before as usize) {
            link.after = new;
        }
        if let Some(link) = self.links.get_mut(member) {
            *link = Link { before, after };
        }
    }

    /// Joins, and has the turn.
    #[inline]
    pub(super) fn join_front(&mut self, member: usize) {
        if !self.contains(member) {
            self.join(member);
            self.front = member as u32;
        }
    }

    /// Leaves, from wherever it stands; nothing happens when it is not in.
    #[inline]
    pub(super) fn leave(&mut self, member: usize) {
        let Some(link) = self.links.get_mut(member) else { return };
        let Link { before, after } = std::mem::replace(link, Link { before: NIL, after: NIL });
        // It may be alone, or not in.
        if let Some(link) = self.links.get_mut(before as usize).filter(|link| link.after != NIL) {
            link.after = after;
        }
        if let Some(link) = self.links.get_mut(after as usize).filter(|link| link.before != NIL) {
            link.before = before;
        }
        if self.front == member as u32 {
            self.front = if after == self.front { NIL } else { after };
        }
    }

    /// The next one's turn; the front one is now last.
    #[inline]
    pub(super) fn turn(&mut self) {
        self.front = self.links.get(self.front as usize).map_or(NIL, |link| link.after);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_ring_is_a_queue_one_can_leave_from_anywhere(steps in prop::collection::vec((0u8..4, 0usize..6), 0..80)) {
            let (mut ring, mut queue) = (Ring::default(), VecDeque::new());
            ring.grow(6);
            for (step, member) in steps {
                match step {
                    0 => {
                        ring.join(member);
                        if !queue.contains(&member) {
                            queue.push_back(member);
                        }
                    }
                    1 => {
                        ring.join_front(member);
                        if !queue.contains(&member) {
                            queue.push_front(member);
                        }
                    }
                    2 => {
                        ring.leave(member);
                        queue.retain(|m| *m != member);
                    }
                    _ => {
                        ring.turn();
                        if !queue.is_empty() {
                            queue.rotate_left(1);
                        }
                    }
                }
                prop_assert_eq!(ring.front(), queue.front().copied());
                prop_assert_eq!(ring.contains(member), queue.contains(&member));
            }
        }
    }
}
