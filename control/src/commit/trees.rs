//! Which of its port's scheduler trees each interface is in.
//!
//! An interface stays in its tree for as long as the port has as many; a new one goes where
//! fewest are. Only where a port is given more or fewer trees do interfaces move: so many as
//! it takes for all trees to have as many.

use std::sync::Arc;

use dataplane::id::IfIndex;
use dataplane::table::{PortSpec, Trees};

/// The trees of a port with these interfaces; `None` where it has one. `before` is the port as
/// it was.
pub(super) fn trees(count: u16, interfaces: &[IfIndex], before: Option<&PortSpec>) -> Option<Arc<Trees>> {
    let count = usize::from(count);
    if count < 2 {
        return None;
    }
    let same = before.is_some_and(|port| port.tree_count() == count);
    let most = if same { usize::MAX } else { interfaces.len().div_ceil(count) };
    let was_in = |id: IfIndex| match before?.trees.as_ref() {
        Some(trees) => trees.place(id),
        None => Some(0),
    };
    let (mut held, mut places, mut new) = (vec![0; count], Vec::new(), Vec::new());
    for id in interfaces {
        match was_in(*id).filter(|tree| *tree < count && held[*tree] < most) {
            Some(tree) => {
                held[tree] += 1;
                places.push((*id, tree));
            }
            None => new.push(*id),
        }
    }
    for id in new {
        let tree = (0..count).min_by_key(|tree| held[*tree]).unwrap_or(0);
        held[tree] += 1;
        places.push((id, tree));
    }
    let known = before.and_then(|port| port.trees.as_ref());
    let rate = known.map(|trees| trees.rate().clone()).unwrap_or_default();
    Some(Arc::new(Trees::new(count, places, rate)))
}

#[cfg(test)]
mod tests {
    use dataplane::id::PortIndex;
    use dataplane::table::PortDemux;

    use super::*;

    fn port(trees: Option<Arc<Trees>>) -> PortSpec {
        PortSpec { id: PortIndex(0), name: "p".into(), rate: 0, burst: 0, demux: PortDemux::default(), trees }
    }

    fn of(trees: &Option<Arc<Trees>>, ids: &[IfIndex]) -> Vec<usize> {
        ids.iter().map(|id| port(trees.clone()).tree_of(*id)).collect()
    }

    #[test]
    fn interfaces_are_spread_evenly_and_stay_where_they_are() {
        // Ids that another port's stand between.
        let ids: Vec<_> = (0..8).map(|n| IfIndex(2 * n)).collect();
        let first = trees(2, &ids, None);
        assert_eq!(of(&first, &ids), [0, 1, 0, 1, 0, 1, 0, 1]);
        // Those that are left stay, whoever is gone; a new one goes where fewer are.
        let left = [ids[0], ids[2], ids[3], ids[4], IfIndex(99)];
        let second = trees(2, &left, Some(&port(first.clone())));
        assert_eq!(of(&second, &left), [0, 0, 1, 0, 1]);
        let rate = |trees: &Option<Arc<Trees>>| trees.as_ref().unwrap().rate().clone();
        assert!(Arc::ptr_eq(&rate(&first), &rate(&second)), "what is sent counts on");
    }

    #[test]
    fn no_more_interfaces_move_than_it_takes_when_there_are_more_or_fewer_trees() {
        let ids: Vec<_> = (0..6).map(IfIndex).collect();
        assert!(trees(1, &ids, None).is_none());
        let two = trees(2, &ids, Some(&port(None)));
        assert_eq!(of(&two, &ids), [0, 0, 0, 1, 1, 1]);
        let three = trees(3, &ids, Some(&port(two)));
        assert_eq!(of(&three, &ids), [0, 0, 2, 1, 1, 2]);
        let two = trees(2, &ids, Some(&port(three)));
        assert_eq!(of(&two, &ids), [0, 0, 0, 1, 1, 1]);
    }
}
