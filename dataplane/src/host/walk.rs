//! Where entries lead, as far as the slow path has to know before `lookup` does.

use std::net::IpAddr;

use crate::id::{IfIndex, NhlfeId, VrfId};
use crate::table::{Nhlfe, Snapshot};

/// Entries walked.
const STEPS: usize = 16;

/// What a Vrf's longest match for `address` leads to.
pub(super) fn route(vrf: VrfId, address: IpAddr, snapshot: &Snapshot) -> Option<NhlfeId> {
    let vrf = snapshot.vrf(vrf)?;
    match address {
        IpAddr::V4(address) => vrf.fib4.lookup(address),
        IpAddr::V6(address) => vrf.fib6.lookup(address),
    }
}

/// Whether a Vrf has a way to `address`, not only a route that discards.
pub(super) fn reaches(vrf: VrfId, address: IpAddr, snapshot: &Snapshot) -> bool {
    let end = route(vrf, address, snapshot).and_then(|id| snapshot.nhlfe(id));
    end.is_some_and(|n| !matches!(n, Nhlfe::Blackhole | Nhlfe::Unreachable | Nhlfe::Prohibited))
}

/// The interface that an entry leads out by; of several, that of the first.
pub(super) fn leads_out(mut id: NhlfeId, snapshot: &Snapshot) -> Option<IfIndex> {
    for _ in 0..STEPS {
        id = match snapshot.nhlfe(id)? {
            Nhlfe::Forward(adjacency) => return Some(snapshot.adjacency(*adjacency)?.interface),
            Nhlfe::Glean(interface) => return Some(*interface),
            Nhlfe::Ecmp(group) => *group.members().first()?,
            Nhlfe::Push(push) => push.next,
            Nhlfe::Swap(swap) => swap.next,
            Nhlfe::Pop(pop) => pop.next,
            _ => return None,
        };
    }
    None
}
