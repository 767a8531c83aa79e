//! How long frames are, as an interface's shaper counts them.

use super::LINE_OVERHEAD;
use super::site::Site;
use super::spec::Cells;

/// Bytes that an Ethernet fills shorter frames up to, without FCS (IEEE 802.3 clause 4.2.3.3, minFrameSize).
pub const SHORTEST: usize = 60;

/// A frame's length with what the line fills it up with.
#[inline(always)]
pub(super) fn filled(len: usize) -> u32 {
    len.max(SHORTEST) as u32
}

/// A frame's length as a port's own rate counts it.
#[inline(always)]
pub(super) fn on_line(len: usize) -> u32 {
    filled(len) + LINE_OVERHEAD
}

impl Site {
    /// A frame's length as the shaper counts it.
    #[inline]
    pub(super) fn accounted(&self, len: usize) -> u32 {
        self.cells.packed(len, self.overhead)
    }

    /// The same of many frames together, about: cells that are not full are left out.
    #[inline]
    pub(super) fn accounted_all(&self, frames: u32, bytes: u32) -> u64 {
        let (frames, bytes) = (i64::from(frames), i64::from(bytes));
        let bytes = bytes.max(frames * SHORTEST as i64);
        let bytes = (bytes + frames * i64::from(self.overhead)).max(0) as u64;
        match self.cells {
            Cells::None => bytes,
            Cells::Atm => bytes * 53 / 48,
            Cells::Ptm => bytes * 65 / 64,
        }
    }

    /// What its shaper counts beside the [`filled`] length of each frame, bytes, where that is the same for all.
    #[inline]
    pub(super) fn adds(&self) -> Option<u32> {
        u32::try_from(self.overhead).ok().filter(|_| self.cells == Cells::None)
    }
}
