//! Frames of a batch that have all in common, from the entry that was found for each to what
//! all of them do on a way that one of them has taken: the same as `resolve` says of each,
//! without the questions that they need not be asked.

use super::chain::{BOTTOM, Chain, TC};
use super::resolve::Resolver;
use crate::class::CLASSES;
use crate::id::{AdjacencyId, IfIndex, NhlfeId};
use crate::packet::{Flags, Frame, Layer3, Meta, StackEdit, Way};
use crate::table::Interface;
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
    /// The top label of each is exchanged.
    Swap(To),
    /// So many labels are put on IP packets, their traffic class by class.
    Push(u8, [u8; CLASSES], To),
}

impl Quick {
    /// What frames of this kind do on a way from `first` on to its end.
    pub(super) fn of(
        layer3: Layer3,
        first: NhlfeId,
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
            Layer3::Mpls if chain.only_swaps() => Self::Swap(to(out.mpls_mtu)),
            Layer3::Ipv4 | Layer3::Ipv6 if pushed > 0 && out.tc_map.ce == [None; CLASSES] => {
                let stack = u16::from(pushed) * LabelStackEntry::LEN as u16;
                let tcs = out.tc_map.tcs.map(|tc| tc & 7);
                Self::Push(pushed, tcs, to(out.mpls_mtu.saturating_sub(stack)))
            }
            _ => Self::None,
        }
    }

    /// Where it leads, and how many labels it changes.
    pub(super) fn way(&self) -> Option<Way> {
        let (to, labels) = match self {
            Self::None => return None,
            Self::Plain(_, to) => (to, (0, 0)),
            Self::Swap(to) => (to, (1, 1)),
            Self::Push(labels, _, to) => (to, (0, *labels)),
        };
        Some(Way { out: to.out, adjacency: to.adjacency, labels })
    }

    /// Sends a frame for which `first` was found this way, if it leads there; whether it has.
    #[inline(always)]
    pub(super) fn take(
        &self,
        first: NhlfeId,
        frame: &mut Frame,
        edit: &mut StackEdit,
        resolver: &mut Resolver<'_>,
    ) -> bool {
        match self {
            Self::None => false,
            Self::Plain(from, to) => *from == first && to.take(frame.meta_mut()),
            Self::Swap(to) => {
                let Some(chain) = resolver.labels_from(first) else { return false };
                let (bytes, meta) = frame.parts_mut();
                let top = bytes.get(usize::from(meta.l3_offset)..).and_then(|stack| stack.first_chunk());
                let Some(top) = top.map(|top| u32::from_be_bytes(*top)) else { return false };
                let takes = to.take(meta);
                if takes {
                    meta.flags.set(Flags::STACK_EDIT);
                    let ttl = u32::from(meta.ttl) - 1;
                    edit.swap(chain.swapped() | u32::from(meta.tc) << TC | top & BOTTOM | ttl);
                }
                takes
            }
            Self::Push(_, tcs, to) => {
                let Some(chain) = resolver.labels_from(first) else { return false };
                let meta = frame.meta_mut();
                let takes = to.take(meta);
                if takes {
                    meta.flags.set(Flags::STACK_EDIT);
                    chain.put_on(u32::from(meta.ttl) - 1, u32::from(tcs[meta.class.index()]), edit);
                }
                takes
            }
        }
    }
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
