//! Next-hop sets: what routes and labels ask for, what that comes to, and the engine's
//! entry for it.

use std::sync::Arc;

use dataplane::id::{NhlfeId, VrfId};

use super::Wanted;
use super::resolve::Resolved;
use super::unresolved::Unresolved;

/// The place of a [`Target`] in its Rib.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub(crate) u32);

/// A [`Target`] of any Vrf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetRef {
    /// The Vrf.
    pub vrf: VrfId,
    /// Its place there.
    pub id: TargetId,
}

/// A next-hop set.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is asked for.
    pub wanted: Arc<Wanted>,
    /// What it comes to.
    pub outcome: Result<Resolved, Unresolved>,
    /// The engine's entry for it; `NONE` while it comes to nothing.
    pub nhlfe: NhlfeId,
    /// The set that it took a route over from, whose flows it keeps.
    pub(crate) parent: Option<TargetId>,
    /// Routes, labels and linked next hops that ask for it.
    pub(super) routes: u32,
    /// What its linked next hops go through, in their order; `None` where there is no such Vrf.
    pub(super) links: Box<[Option<TargetRef>]>,
    /// LSPs, one inside the other, that its packets go through.
    pub(super) depth: u8,
    /// Whether other routes have a say in the outcome.
    pub(super) recursive: bool,
    /// Whether routes with linked next hops have a say in the outcome.
    pub(super) through: bool,
    /// Whether it was never resolved.
    pub(super) fresh: bool,
}

impl Target {
    /// Whether its entry is another Vrf's.
    pub(crate) fn is_imported(&self) -> bool {
        matches!(*self.wanted, Wanted::Imported(_))
    }

    /// Whether linked next hops go through it.
    pub(super) fn is_shared(&self) -> bool {
        matches!(*self.wanted, Wanted::Lsp(_))
    }

    /// The sets that its linked next hops go through.
    pub(crate) fn linked(&self) -> impl Iterator<Item = TargetRef> + '_ {
        self.links.iter().copied().flatten().filter(|_| !self.is_imported())
    }

    /// Routes, labels and linked next hops that ask for it.
    pub(crate) fn users(&self) -> usize {
        self.routes as usize
    }
}
