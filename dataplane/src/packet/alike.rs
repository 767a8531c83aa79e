//! What all frames of a batch have in common, so that it is asked once and not of each.

use super::meta::Layer3;
use crate::class::TrafficClass;
use crate::id::{AdjacencyId, IfIndex, VrfId};

/// What plain frames that were received together have in common.
///
/// Each of them is live; it is labelled, or a whole IP packet without options whose
/// [`Flags`](super::Flags) say no more than `PORTS` and `DONT_FRAGMENT`, and, where labels were
/// taken off or are to be put on, `EXPOSED` and `STACK_EDIT`. `parse` says so, later stages add
/// to it, and a stage that makes any of the frames another thing takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alike {
    /// What stands at their `l3_offset`: IPv4, IPv6, or a label stack.
    pub layer3: Layer3,
    /// The interface they came in by.
    pub interface: IfIndex,
    /// The Vrf they are looked up in.
    pub vrf: VrfId,
    /// Their layer-2 bytes as received, of all of them.
    pub bytes: u64,
    /// Their class, where it is one, once classified.
    pub class: Option<TrafficClass>,
    /// Where all of them leave to, once looked up.
    pub way: Option<Way>,
}

/// Where frames leave to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The interface they leave by.
    pub out: IfIndex,
    /// The neighbour they go to.
    pub adjacency: AdjacencyId,
    /// Labels taken off each, 0 or 1, and put on instead.
    pub labels: (u8, u8),
}
