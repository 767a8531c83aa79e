//! Where packets end, and what comes after one router's decision.

use dataplane::id::{IfIndex, NhlfeId, VrfId};
use dataplane::packet::DropReason;

use super::network::{Node, Place};

/// Where a packet ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum End {
    /// Given, without a label, to a host or router beyond the known network.
    Edge(Place),
    /// The router itself, by an address of this Vrf.
    Local(Node),
    /// Dropped here.
    Drop(usize, DropReason),
    /// Given, with labels, to what is beyond the known network.
    Unknown(Place),
    /// It comes back to this router for ever, until its TTL runs out.
    Loop(usize),
}

/// What an IP packet comes to next, whatever its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Onward {
    /// It is looked up in this Vrf.
    Lookup(Node),
    /// Its destination is a neighbour on this subnet.
    Glean(Place),
    /// It is for the router itself: in this Vrf, or in the one that it was looked up in.
    Local(Option<Node>),
    /// It ends.
    End(End),
}

/// Who drops something, and why.
pub(super) type Refused = (usize, DropReason);

/// What becomes of what is below a label, once that is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Below {
    /// A neighbour has it: it arrives there by an interface.
    Arrived {
        /// Where.
        at: Place,
        /// Why, and by which router, a label below is dropped.
        refused: Option<Refused>,
    },
    /// The same router goes on with it.
    Exposed {
        /// Where it came in.
        at: Place,
        /// The Vrf that an IP packet is looked up in.
        vrf: VrfId,
        /// Whether it must be an IP packet: a label is dropped.
        bottom: bool,
        /// The only family that an IP packet may be of: whether IPv6.
        only: Option<bool>,
    },
    /// The router alert is off: the router looks, and goes on by the label below, which there
    /// must be (RFC 3032 section 2.1). Back on top, the alert changes nothing of the way.
    Alert(Place),
    /// It goes the one way that its label stood for, and must be an IP packet (RFC 4364
    /// section 4.3.2).
    Way {
        /// Where it came in.
        at: Place,
        /// The entry.
        next: NhlfeId,
        /// The Vrf whose packets the label carries.
        vrf: VrfId,
    },
    /// It leaves by an edge.
    Out {
        /// Which.
        by: Place,
        /// Why, and by which router, a label below is dropped.
        refused: Option<Refused>,
    },
    /// It goes to the neighbour on this subnet that is its destination.
    Glean(Place),
    /// It is for the router itself: in the Vrf that its label stood for, or, where it came
    /// without, in the one that it was looked up in.
    Local(usize, Option<VrfId>),
    /// Nothing: it ended together with the label.
    End(End),
}

impl Place {
    /// An interface of a router.
    pub(super) fn new(router: usize, interface: IfIndex) -> Self {
        Self { router, interface }
    }
}
