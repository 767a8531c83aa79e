//! Frames one behind the other, first in, first out: what a queue holds.
//!
//! Of a frame that waits little is asked of what its stages found out, and so who is behind it, and since when it
//! waits, stand in that same cache line: it has to come anyway when the frame leaves. A chain has no other place for its
//! frames, allocates nothing, and is as long as it has to be.
#![allow(unsafe_code)]

use std::mem::offset_of;
use std::ptr::{self, NonNull};

use super::buffer::Head;
use super::frame::Frame;
use super::meta::Meta;
use super::verdict::Verdict;
use crate::id::{AdjacencyId, NhlfeId};
use crate::memory::fetch;
use crate::time::Time;

/// Where in a [`Head`] the next one is told: over `nhlfe` and `adjacency`.
const NEXT: usize = offset_of!(Head, meta) + offset_of!(Meta, nhlfe);
/// Since when it waits: over `length` and all behind it.
const SINCE: usize = offset_of!(Head, meta) + offset_of!(Meta, length);

type Next = Option<NonNull<Head>>;

const _: () = assert!(NEXT.is_multiple_of(align_of::<Next>()) && SINCE.is_multiple_of(align_of::<Time>()));
const _: () = assert!(offset_of!(Meta, adjacency) == offset_of!(Meta, nhlfe) + size_of::<NhlfeId>());
const _: () = assert!(size_of::<Next>() <= size_of::<NhlfeId>() + size_of::<AdjacencyId>());
const _: () = assert!(size_of::<Time>() == size_of::<Meta>() - offset_of!(Meta, length));

/// Frames that wait.
///
/// What is known of one that was in is kept, but for `nhlfe`, `adjacency`, `length`, `dscp`, `ttl`, `tc` and `pcp`, which
/// nobody needs of a frame that is complete; its verdict is to forward it.
#[derive(Debug)]
pub(crate) struct Chain {
    first: Next,
    /// Where there is a first.
    last: *mut Head,
}

/// That frames can be sent, and looked at from elsewhere.
const _: fn() = || {
    fn sent<T: Send + Sync>() {}
    sent::<Frame>();
};

// SAFETY: its frames are its own, and frames can be sent.
unsafe impl Send for Chain {}
// SAFETY: through a shared reference none of them is changed.
unsafe impl Sync for Chain {}

impl Default for Chain {
    fn default() -> Self {
        Self { first: None, last: ptr::null_mut() }
    }
}

impl Chain {
    /// Puts a frame at the end, that waits since then.
    #[inline(always)]
    pub(crate) fn push(&mut self, frame: Frame, since: Time) {
        let new = take_in(frame, since);
        match self.first {
            // SAFETY: there is a first, so this is the last, which is ours.
            Some(_) => unsafe { link(self.last, Some(new)) },
            None => self.first = Some(new),
        }
        self.last = new.as_ptr();
    }

    /// Puts a frame behind others, that waits since then.
    ///
    /// # Errors
    /// The frame, where there are none.
    #[inline(always)]
    pub(crate) fn follow(&mut self, frame: Frame, since: Time) -> Result<(), Frame> {
        if self.first.is_none() {
            return Err(frame);
        }
        self.push(frame, since);
        Ok(())
    }

    /// Takes the first frame out, and since when it waited.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<(Frame, Time)> {
        let first = self.first?;
        let head = first.as_ptr();
        // SAFETY: it is ours, and both were written as it came in; behind it is another of ours, or none. It is a
        // frame's again, and no longer ours, once what it is known by is whole.
        unsafe {
            self.first = head.byte_add(NEXT).cast::<Next>().read();
            let since = head.byte_add(SINCE).cast::<Time>().read();
            (&raw mut (*head).meta.verdict).write(Verdict::Forward);
            let span = (*head).kept;
            Some((Frame { head: Box::from_raw(head), span }, since))
        }
    }

    /// Lets what is known of the first frame come.
    #[inline(always)]
    pub(crate) fn fetch(&self) {
        if let Some(first) = self.first {
            fetch(first.as_ptr());
        }
    }

    /// Bytes of the first frame.
    pub(crate) fn first(&self) -> Option<usize> {
        let first = self.first?;
        // SAFETY: it is ours, and this was written as it came in.
        let span = unsafe { (*first.as_ptr()).kept };
        Some(span.len())
    }
}

/// A frame that waits from now on: what is known of it, which is no box any more.
#[inline(always)]
fn take_in(frame: Frame, since: Time) -> NonNull<Head> {
    let Frame { head, span } = frame;
    let head = Box::into_raw(head);
    // SAFETY: it was a box, which is nobody's now; both places are inside and aligned. What stood there is integers, and
    // a verdict that is written anew before anybody sees it.
    unsafe {
        (*head).kept = span;
        link(head, None);
        head.byte_add(SINCE).cast::<Time>().write(since);
        NonNull::new_unchecked(head)
    }
}

/// Says which one is behind.
///
/// # Safety
/// `head` is in a chain, or about to be.
#[inline(always)]
unsafe fn link(head: *mut Head, next: Next) {
    // SAFETY: it is inside and aligned, and what stood there is integers.
    unsafe { head.byte_add(NEXT).cast::<Next>().write(next) };
}

impl Drop for Chain {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::class::{Colour, TrafficClass};
    use crate::id::{IfIndex, VrfId, WorkerIndex};
    use crate::packet::{DropReason, Flags, Layer3, Rare};

    fn frame(n: u16) -> Frame {
        let mut frame = Frame::standard();
        frame.fill(&vec![n as u8; usize::from(n % 200) + 1]).unwrap();
        frame.pull(usize::from(n % 2)).unwrap();
        frame.meta_mut().out_interface = IfIndex(n.into());
        frame
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn chains_are_queues(steps in prop::collection::vec((0u8..5, 0..2usize, 0u64..=u64::MAX), 0..40)) {
            let mut both: [(Chain, VecDeque<(u16, Time)>); 2] = Default::default();
            for (n, (step, at, since)) in (0u16..).zip(steps) {
                let (chain, queue) = &mut both[at];
                let since = Time(since);
                match step {
                    0 | 1 => {
                        chain.push(frame(n), since);
                        queue.push_back((n, since));
                    }
                    2 => match chain.follow(frame(n), since) {
                        Ok(()) => queue.push_back((n, since)),
                        Err(back) => prop_assert!(queue.is_empty() && back.bytes() == frame(n).bytes()),
                    },
                    _ => {
                        chain.fetch();
                        let (first, expected) = (chain.first(), queue.pop_front());
                        let popped = chain.pop();
                        prop_assert_eq!(first, popped.as_ref().map(|(frame, _)| frame.len()));
                        let told = popped.map(|(frame, since)| {
                            let bytes = frame.bytes().to_vec();
                            (bytes, frame.headroom(), frame.meta().out_interface, frame.meta().verdict, since)
                        });
                        let expected = expected.map(|(n, since)| {
                            let (like, id) = (frame(n), IfIndex(n.into()));
                            (like.bytes().to_vec(), like.headroom(), id, Verdict::Forward, since)
                        });
                        prop_assert_eq!(told, expected);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_known_of_a_frame_stays_but_for_what_nobody_needs_any_more() {
        let mut frame = frame(7);
        let known = Meta {
            in_interface: IfIndex(1),
            out_interface: IfIndex(2),
            flow_hash: 0x1234_5678,
            flags: Flags(!0),
            vrf: VrfId(3),
            l3_offset: 14,
            l3_length: 40,
            l4_source: 5060,
            l4_destination: 5061,
            layer3: Layer3::Ipv6,
            protocol: 17,
            popped: 2,
            class: TrafficClass::Scavenger,
            colour: Colour::Red,
            home: WorkerIndex(9),
            ..Meta::default()
        };
        let was = Meta { verdict: Verdict::Drop(DropReason::PortDown), ..known };
        let rare = Rare { received: Time(5), ..Rare::default() };
        (*frame.meta_mut(), *frame.rare_mut()) = (was, rare);
        let mut chain = Chain::default();
        chain.push(frame, Time(u64::MAX));
        let mut frame = chain.pop().unwrap().0;
        let meta = frame.meta_mut();
        (meta.nhlfe, meta.adjacency) = (known.nhlfe, known.adjacency);
        (meta.length, meta.dscp, meta.ttl, meta.tc, meta.pcp) = (0, 0, 0, 0, 0);
        assert_eq!(format!("{meta:?}"), format!("{known:?}"));
        assert_eq!(frame.rare().received, Time(5));
    }

    #[test]
    fn frames_of_a_chain_that_is_dropped_are_freed() {
        use crate::packet::{Arena, Pool, PoolSize};
        let arena = Arena::new(3, PoolSize::Standard).unwrap();
        let mut pool = Pool::within(&arena, WorkerIndex(0), 3);
        let weak = std::sync::Arc::downgrade(&arena);
        drop(arena);
        let mut chain = Chain::default();
        while let Some(frame) = pool.get() {
            chain.push(frame, Time(0));
        }
        drop(pool);
        assert!(weak.upgrade().is_some());
        drop(chain);
        assert!(weak.upgrade().is_none());
    }
}
