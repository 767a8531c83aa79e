//! What an address leads to in a node, in four bytes.

use super::arena::LINE;
use crate::id::NhlfeId;

/// What a [`Word`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// An Nhlfe, or none.
    Value,
    /// A node whose runs are packed.
    Packed,
    /// A node with a word for each byte.
    Direct,
    /// A lone prefix.
    Leaf,
}

/// A value, or where in the arena the next node or a lone prefix stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u32);

const PLACE: u32 = (1 << 29) - 1;

impl Word {
    /// Places that what leads to a lone prefix can tell, of four words each.
    pub(super) const PLACES: usize = 1 << 29;
    /// Nothing.
    pub(super) const NONE: Self = Self(NhlfeId::NONE.0);
    /// The first id that is no value any more, save `NONE`.
    pub(super) const VALUES: u32 = 1 << 31;

    pub(super) fn packed(line: u32) -> Self {
        Self(4 << 29 | line)
    }

    pub(super) fn direct(line: u32) -> Self {
        Self(5 << 29 | line)
    }

    /// A lone prefix at a word of the arena, which is a multiple of four.
    pub(super) fn leaf(at: usize) -> Self {
        Self(6 << 29 | (at >> 2) as u32)
    }

    #[inline(always)]
    pub(super) fn shape(self) -> Shape {
        match self.0 >> 29 {
            4 => Shape::Packed,
            5 => Shape::Direct,
            6 => Shape::Leaf,
            _ => Shape::Value,
        }
    }

    /// Whether it is no value: there is more to look at.
    #[inline(always)]
    pub(super) fn goes_on(self) -> bool {
        self.0.wrapping_sub(4 << 29) < 3 << 29
    }

    /// Whether it is a node.
    #[inline(always)]
    pub(super) fn is_node(self) -> bool {
        self.0 >> 30 == 2
    }

    /// Whether it is a lone prefix.
    #[inline(always)]
    pub(super) fn is_leaf(self) -> bool {
        self.0 >> 29 == 6
    }

    /// The line at which a node starts.
    #[inline(always)]
    pub(super) fn line(self) -> usize {
        (self.0 & PLACE) as usize
    }

    /// The word at which a node starts.
    #[inline(always)]
    pub(super) fn start(self) -> usize {
        self.line() * LINE
    }

    /// The word at which a node or a lone prefix starts.
    #[inline(always)]
    pub(super) fn offset(self) -> usize {
        self.line() << if self.is_leaf() { 2 } else { 4 }
    }

    /// The word at which a lone prefix starts.
    #[inline(always)]
    pub(super) fn place(self) -> usize {
        ((self.0 & PLACE) as usize) << 2
    }
}
