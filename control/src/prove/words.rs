//! Entries in words.

use dataplane::id::{IfIndex, NhlfeId};
use dataplane::table::{Nhlfe, Snapshot};

use super::chain::listed;

/// Entries told of one way.
const STEPS: usize = 16;

/// The entries from `nhlfe` on, in words.
pub(super) fn words(snapshot: &Snapshot, nhlfe: NhlfeId) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut next = Some(nhlfe);
    while let Some(id) = next.filter(|_| told.len() < STEPS) {
        let (text, after) = entry(snapshot, id);
        told.extend(text);
        next = after;
    }
    told.join(", ")
}

/// One entry, and the one it leads to.
fn entry(snapshot: &Snapshot, id: NhlfeId) -> (Option<String>, Option<NhlfeId>) {
    let last = |text: String| (Some(text), None);
    let interface = |id: IfIndex| snapshot.interface(id).map_or("nowhere", |i| &i.name);
    let Some(nhlfe) = snapshot.nhlfe(id) else { return last("no entry".into()) };
    match nhlfe {
        Nhlfe::Forward(id) => last(match snapshot.adjacency(*id) {
            Some(adjacency) => format!("to {} on {}", adjacency.neighbour, interface(adjacency.interface)),
            None => "to nobody".into(),
        }),
        Nhlfe::Glean(id) => last(format!("to the neighbour on {}", interface(*id))),
        Nhlfe::Local => last("the router itself".into()),
        Nhlfe::Ecmp(group) => last(format!("one of {} ways", group.members().len())),
        Nhlfe::Push(push) if push.labels.is_empty() => (None, Some(push.next)),
        Nhlfe::Push(push) => (Some(format!("push {}", listed(push.labels.iter()))), Some(push.next)),
        Nhlfe::Swap(swap) => (Some(format!("swap for {}", swap.label)), Some(swap.next)),
        Nhlfe::Pop(pop) => (Some("pop".into()), Some(pop.next)),
        Nhlfe::PopLookup(pop) => {
            last(format!("pop, look up in vrf {}", snapshot.vrf(pop.vrf).map_or("", |v| &v.name)))
        }
        Nhlfe::Blackhole => last("blackhole".into()),
        Nhlfe::Unreachable => last("unreachable".into()),
        Nhlfe::Prohibited => last("prohibited".into()),
    }
}
