//! The label stack that a punted frame came with (RFC 3032 section 2.1), and what
//! it means to this router.

use crate::id::VrfId;
use crate::packet::{Frame, Layer3};
use crate::table::{Interface, Nhlfe, Snapshot};
use crate::wire::mpls::{LabelStackEntry, label};

/// Entries looked at for a bottom.
const DEPTH: usize = 64;

/// A stack as received, outermost entry first; empty for what came unlabelled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stack<'a> {
    /// Whole entries.
    pub(super) bytes: &'a [u8],
}

impl<'a> Stack<'a> {
    /// The stack of `frame`, entries that `lookup` took off included, and what is
    /// below it; `None` when it has no bottom within [`DEPTH`].
    pub(super) fn of(frame: &'a Frame) -> Option<(Self, &'a [u8])> {
        let meta = frame.meta();
        let (at, popped) = (usize::from(meta.l3_offset), usize::from(meta.popped) * LabelStackEntry::LEN);
        let rest = frame.bytes().get(at.checked_sub(popped)?..)?;
        let length = if meta.layer3 == Layer3::Mpls { bottom(rest)? } else { popped };
        let (bytes, below) = rest.split_at_checked(length)?;
        Some((Self { bytes }, below))
    }

    /// Its entries, outermost first.
    pub(super) fn entries(self) -> impl DoubleEndedIterator<Item = LabelStackEntry> + ExactSizeIterator + 'a {
        self.bytes.as_chunks::<4>().0.iter().map(|word| zerocopy::transmute!(*word))
    }

    /// How many entries it has.
    pub(super) fn len(self) -> usize {
        self.bytes.len() / LabelStackEntry::LEN
    }

    /// The Vrf that what is below the stack belongs to, where its tunnel ends at this
    /// router: the one it is looked up in, or that of the customer edge or prefix
    /// the label is for. `None` where it is switched onward.
    pub(super) fn ends_in(self, arrival: &Interface, snapshot: &Snapshot) -> Option<VrfId> {
        let mut entries = self.entries();
        while let Some(entry) = entries.next() {
            match entry.label() {
                label::IPV4_EXPLICIT_NULL | label::IPV6_EXPLICIT_NULL if entry.bottom() => {
                    return Some(arrival.vrf);
                }
                label::IPV4_EXPLICIT_NULL | label::IPV6_EXPLICIT_NULL | label::ROUTER_ALERT => {}
                label::ENTROPY_INDICATOR => drop(entries.next()?),
                label => match snapshot.nhlfe(snapshot.ilm.get(label))? {
                    Nhlfe::PopLookup(pop) if entry.bottom() => return Some(pop.vrf),
                    Nhlfe::PopLookup(_) => {}
                    Nhlfe::Pop(pop) => return pop.egress,
                    _ => return None,
                },
            }
        }
        None
    }
}

/// Bytes to behind the bottom entry of the stack that `bytes` start with.
fn bottom(bytes: &[u8]) -> Option<usize> {
    let at = bytes.as_chunks::<4>().0.iter().take(DEPTH).position(|entry| entry[2] & 1 != 0)?;
    Some((at + 1) * LabelStackEntry::LEN)
}
