//! The scheduler trees of a port that has several, each another worker's.
//!
//! Tree n of a port is scheduled, and sends, by the worker that receives from the port's
//! queue n. An interface is in one of them, so that its frames keep their order.

use crate::id::IfIndex;
use crate::qos::{MOST_TREES, SharedRate};
use crate::sync::Arc;

/// In none of the trees.
const NONE: u8 = u8::MAX;

/// Several trees of one port.
#[derive(Clone, Debug)]
pub struct Trees {
    count: usize,
    /// By [`IfIndex`]: the tree of each of the port's interfaces.
    of: Vec<u8>,
    rate: Arc<SharedRate>,
}

impl Trees {
    /// `count` trees, 1 to [`MOST_TREES`], which share `rate`; an interface that is not named is in
    /// the first.
    pub fn new(
        count: usize,
        places: impl IntoIterator<Item = (IfIndex, usize)>,
        rate: Arc<SharedRate>,
    ) -> Self {
        let count = count.clamp(1, MOST_TREES);
        let mut of = Vec::new();
        for (id, tree) in places.into_iter().filter(|(id, _)| id.is_some()) {
            of.resize(of.len().max(id.index() + 1), NONE);
            of[id.index()] = tree.min(count - 1) as u8;
        }
        Self { count, of, rate }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Which one an interface of the port is in.
    pub fn of(&self, interface: IfIndex) -> usize {
        self.place(interface).unwrap_or(0)
    }

    /// The same; `None` where it was not named.
    pub fn place(&self, interface: IfIndex) -> Option<usize> {
        self.of.get(interface.index()).filter(|tree| **tree != NONE).map(|tree| usize::from(*tree))
    }

    /// What they share.
    pub fn rate(&self) -> &Arc<SharedRate> {
        &self.rate
    }
}
