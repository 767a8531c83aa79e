//! One router's Nhlfes from the first to the last: what labels it puts on, and
//! where it sends what.

use std::fmt::Write;

use dataplane::id::{AdjacencyId, IfIndex, NhlfeId};
use dataplane::packet::DropReason;
use dataplane::table::{Nhlfe, Push, Snapshot};

/// Entries walked before a packet is given up, at least as many as `lookup` does.
const STEPS: usize = 16;
/// Stands for an entropy label and the indicator before it: no label is as great.
pub(super) const ENTROPY: u32 = u32::MAX;

/// Where the entries lead in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// To this neighbour.
    Adjacency(AdjacencyId),
    /// To the neighbour that is the destination.
    Glean(IfIndex),
    /// To the router itself.
    Local,
    /// Nowhere.
    Drop(DropReason),
}

/// One way through the entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// Labels on top of what was there, outermost first; the top one that came in
    /// among them if it is not taken off.
    pub(super) labels: Vec<u32>,
    /// Where it goes then.
    pub(super) last: Last,
}

/// Every way that `first` leads. `top` is the label that the packet came in with;
/// `None` where it has none, or has just lost it.
pub(super) fn chains(snapshot: &Snapshot, first: NhlfeId, top: Option<u32>) -> Vec<Chain> {
    let (mut ready, mut open) = (Vec::new(), vec![(first, top.into_iter().collect::<Vec<u32>>(), 0)]);
    while let Some((id, mut labels, steps)) = open.pop() {
        let mut end = |labels, last| ready.push(Chain { labels, last });
        if steps >= STEPS {
            end(labels, Last::Drop(DropReason::LookupLoop));
            continue;
        }
        match snapshot.nhlfe(id) {
            Some(Nhlfe::Forward(adjacency)) => end(labels, Last::Adjacency(*adjacency)),
            Some(Nhlfe::Glean(interface)) => end(labels, Last::Glean(*interface)),
            Some(Nhlfe::Local) => end(labels, Last::Local),
            Some(Nhlfe::Ecmp(group)) => {
                open.extend(group.members().iter().map(|member| (*member, labels.clone(), steps + 1)));
            }
            Some(Nhlfe::Push(push)) => {
                put_on(push, &mut labels);
                open.push((push.next, labels, steps + 1));
            }
            Some(Nhlfe::Swap(swap)) if !labels.is_empty() => {
                labels[0] = swap.label;
                open.push((swap.next, labels, steps + 1));
            }
            Some(Nhlfe::Swap(_) | Nhlfe::Pop(_) | Nhlfe::PopLookup(_)) => {
                end(labels, Last::Drop(DropReason::MplsNoLabel));
            }
            Some(Nhlfe::Blackhole) => end(labels, Last::Drop(DropReason::Blackhole)),
            Some(Nhlfe::Unreachable) => end(labels, Last::Drop(DropReason::Unreachable)),
            Some(Nhlfe::Prohibited) => end(labels, Last::Drop(DropReason::Prohibited)),
            None => end(labels, Last::Drop(DropReason::NoRoute)),
        }
    }
    ready
}

/// Puts the labels of one entry on top of the stack.
fn put_on(push: &Push, labels: &mut Vec<u32>) {
    let mut on: Vec<u32> = push.labels.iter().collect();
    if push.entropy && !on.is_empty() {
        on.insert(1, ENTROPY);
    }
    labels.splice(0..0, on);
}

/// The entries that an incoming label comes to: the members of groups, in their stead.
pub(super) fn members(snapshot: &Snapshot, label: u32) -> Vec<NhlfeId> {
    let (mut found, mut open) = (Vec::new(), vec![(snapshot.ilm.get(label), 0)]);
    while let Some((id, steps)) = open.pop() {
        match snapshot.nhlfe(id) {
            Some(Nhlfe::Ecmp(group)) if steps < STEPS => {
                open.extend(group.members().iter().map(|member| (*member, steps + 1)));
            }
            _ => found.push(id),
        }
    }
    found
}

/// Labels as people write a stack.
pub(super) fn listed(labels: impl IntoIterator<Item = u32>) -> String {
    labels.into_iter().fold(String::new(), |mut text, label| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{label}", if text.is_empty() { "" } else { " " });
        text
    })
}
