//! How long frames are, as an interface's shaper counts them.

use super::site::Site;
use super::spec::Cells;

impl Site {
    /// A frame's length as the shaper counts it.
    #[inline]
    pub(super) fn accounted(&self, len: usize) -> u32 {
        self.cells.packed(len, self.overhead)
    }

    /// The same of many frames together, about: cells that are not full are left out.
    #[inline]
    pub(super) fn accounted_all(&self, frames: u32, bytes: u32) -> u64 {
        let extra = i64::from(frames) * i64::from(self.overhead);
        let bytes = (i64::from(bytes) + extra).max(0) as u64;
        match self.cells {
            Cells::None => bytes,
            Cells::Atm => bytes * 53 / 48,
            Cells::Ptm => bytes * 65 / 64,
        }
    }

    /// What its shaper counts with each frame, bytes, where that is the same for all.
    #[inline]
    pub(super) fn adds(&self) -> Option<u32> {
        u32::try_from(self.overhead).ok().filter(|_| self.cells == Cells::None)
    }
}
