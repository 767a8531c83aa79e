//! Where the bytes of a ring's entries are, and whose word for it counts.

use super::region::{Place, Regions};
use super::ring::Descriptor;

/// A ring's buffers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Buffers {
    /// The peer's: where its descriptors say, if that is inside its memory.
    Theirs,
    /// Ours: entry n of the ring always has buffer n, whatever the descriptor says.
    Ours {
        /// Where the first one is in region 0.
        start: u32,
        /// Bytes of each.
        bytes: u32,
        /// Entries of the ring less one.
        mask: u16,
    },
}

impl Buffers {
    /// The first `length` bytes of the buffer of entry `index`, where `said` is its descriptor.
    #[inline]
    pub(super) fn filled<'a>(
        &self,
        regions: &'a Regions,
        index: u16,
        said: &Descriptor,
    ) -> Option<Place<'a>> {
        match self {
            Self::Theirs => regions.place(said.region, said.offset, said.length),
            Self::Ours { bytes, .. } if said.length > *bytes => None,
            Self::Ours { .. } => regions.place(0, self.own(index, 0).offset, said.length),
        }
    }

    /// The descriptor of our own buffer of entry `index`, empty and whole.
    #[inline]
    pub(super) fn own(&self, index: u16, flags: u16) -> Descriptor {
        match *self {
            Self::Theirs => Descriptor { flags, region: 0, length: 0, offset: 0 },
            Self::Ours { start, bytes, mask } => {
                let offset = start + u32::from(index & mask) * bytes;
                Descriptor { flags, region: 0, length: bytes, offset }
            }
        }
    }
}
