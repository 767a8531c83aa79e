//! Frames of a batch that have all in common, from the entry that was found for each to what
//! all of them do on a way that one of them has taken: the same as `resolve` says of each,
//! without the questions that they need not be asked.

use super::chain::{Chain, LABEL, LABELS, Shallow};
use super::resolve::Resolver;
use crate::class::CLASSES;
use crate::id::{AdjacencyId, IfIndex, NhlfeId};
use crate::packet::{Flags, Frame, Layer3, Meta, StackEdit, Way};
use crate::table::{Interface, Nhlfe};
use crate::wire::mpls::LabelStackEntry;

/// A way whose neighbour is known, and what its interface says of what leaves by it.
pub(super) struct To {
    end: NhlfeId,
    adjacency: AdjacencyId,
    out: IfIndex,
    /// The longest packet, as it comes.
    longest: u16,
}

/// What frames do on the way.
pub(super) enum Quick {
    /// It is told of each.
    None,
    /// IP packets from this entry on go as they are.
    Plain(NhlfeId, To),
    /// The top label of each is exchanged by an entry before this one.
    Swap(NhlfeId, To),
    /// One label or two are put on IP packets, the inner one by an entry before this one, their traffic
    /// class by class.
    Shallow(NhlfeId, Shallow, [u8; CLASSES], To),
    /// So many labels are put on IP packets.
    Push(u8, [u8; CLASSES], To),
}

impl Quick {
    /// What frames of this kind do on a way from `first` on, and `second` behind it, to its end.
    pub(super) fn of(
        layer3: Layer3,
        (first, second): (NhlfeId, NhlfeId),
        (end, adjacency, out): (NhlfeId, AdjacencyId, &Interface),
        chain: &Chain,
    ) -> Self {
        let to = |longest| To { end, adjacency, out: out.id, longest };
        if layer3 != Layer3::Mpls && chain.is_empty() {
            return Self::Plain(first, to(out.mtu));
        }
        let pushed = chain.pushes();
        match layer3 {
            _ if !out.mpls => Self::None,
            Layer3::Mpls if chain.only_swaps() => Self::Swap(second, to(out.mpls_mtu)),
            Layer3::Ipv4 | Layer3::Ipv6 if pushed > 0 && out.tc_map.ce == [None; CLASSES] => {
                let stack = u16::from(pushed) * LabelStackEntry::LEN as u16;
                let tcs = out.tc_map.tcs.map(|tc| tc & 7);
                let to = to(out.mpls_mtu.saturating_sub(stack));
                match chain.shallow() {
                    Some(shallow) => Self::Shallow(second, shallow, tcs, to),
                    None => Self::Push(pushed, tcs, to),
                }
            }
            _ => Self::None,
        }
    }

    /// Where it leads, and how many labels it changes.
    pub(super) fn way(&self) -> Option<Way> {
        let (to, labels) = match self {
            Self::None => return None,
            Self::Plain(_, to) => (to, (0, 0)),
            Self::Swap(_, to) => (to, (1, 1)),
            Self::Shallow(_, shallow, _, to) => (to, (0, shallow.labels())),
            Self::Push(labels, _, to) => (to, (0, *labels)),
        };
        Some(Way { out: to.out, adjacency: to.adjacency, labels })
    }

    /// Sends frames from the front on this way while they lead there; gives how many.
    pub(super) fn row(&self, these: These<'_>, resolver: &mut Resolver<'_>) -> usize {
        match self {
            Self::None => 0,
            Self::Plain(from, to) => plain(*from, to, these),
            Self::Swap(second, to) => swap(*second, to, these, resolver),
            Self::Shallow(second, shallow, tcs, to) => push_one(*second, shallow, (tcs, to), these, resolver),
            Self::Push(_, tcs, to) => push(tcs, to, these, resolver),
        }
    }
}

/// Frames, and by place the entry that was found for each, what is to be done to its stack, and the front of
/// that where it is labelled.
pub(super) struct These<'a> {
    pub(super) frames: &'a mut [Frame],
    pub(super) found: &'a [NhlfeId],
    pub(super) edits: &'a mut [StackEdit],
    pub(super) tops: &'a [u64],
}

impl These<'_> {
    /// How many from the front on `take` takes.
    #[inline(always)]
    fn while_taken(
        self,
        mut take: impl FnMut(NhlfeId, u64, &mut Meta, &mut StackEdit) -> Option<()>,
    ) -> usize {
        let each = self.frames.iter_mut().zip(self.found).zip(self.edits).zip(self.tops);
        let take = |(((frame, found), edit), top): (((&mut Frame, &NhlfeId), &mut StackEdit), &u64)| {
            take(*found, *top, frame.meta_mut(), edit)
        };
        each.map_while(take).count()
    }
}

#[inline(never)]
fn plain(from: NhlfeId, to: &To, these: These<'_>) -> usize {
    let each = these.frames.iter_mut().zip(these.found);
    each.map_while(|(frame, found)| (*found == from && to.take(frame.meta_mut())).then_some(())).count()
}

#[inline(never)]
fn swap(second: NhlfeId, to: &To, these: These<'_>, resolver: &Resolver<'_>) -> usize {
    these.while_taken(|first, top, meta, edit| match resolver.entry(first) {
        Some(Nhlfe::Swap(swap)) if swap.next == second && to.take(meta) => {
            meta.flags.set(Flags::STACK_EDIT);
            // All but the label stays, with one hop less.
            let rest = (top >> 32) as u32 & !LABELS;
            edit.swap(swap.label << LABEL | rest.wrapping_sub(1));
            Some(())
        }
        _ => None,
    })
}

#[inline(never)]
fn push_one(
    second: NhlfeId,
    shallow: &Shallow,
    (tcs, to): (&[u8; CLASSES], &To),
    these: These<'_>,
    resolver: &Resolver<'_>,
) -> usize {
    these.while_taken(|first, _, meta, edit| match resolver.entry(first) {
        Some(Nhlfe::Push(push)) if push.next == second => {
            let label = shallow.label(push).filter(|_| to.take(meta))?;
            meta.flags.set(Flags::STACK_EDIT);
            let (ttl, tc) = (u32::from(meta.ttl) - 1, u32::from(tcs[meta.class.index()]));
            shallow.put_on(label, ttl, tc, edit);
            Some(())
        }
        _ => None,
    })
}

#[inline(never)]
fn push(tcs: &[u8; CLASSES], to: &To, these: These<'_>, resolver: &mut Resolver<'_>) -> usize {
    these.while_taken(|first, _, meta, edit| {
        let chain = resolver.labels_from(first)?;
        if !to.take(meta) {
            return None;
        }
        meta.flags.set(Flags::STACK_EDIT);
        chain.put_on(u32::from(meta.ttl) - 1, u32::from(tcs[meta.class.index()]), edit);
        Some(())
    })
}

impl To {
    /// Sends a frame there, if it neither is too long nor has come to its end.
    #[inline(always)]
    fn take(&self, meta: &mut Meta) -> bool {
        let takes = meta.ttl > 1 && meta.l3_length <= self.longest;
        if takes {
            (meta.nhlfe, meta.adjacency, meta.out_interface) = (self.end, self.adjacency, self.out);
        }
        takes
    }
}
