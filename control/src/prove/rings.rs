//! Rings in a directed graph: its strongly connected components, by R. E. Tarjan's
//! algorithm ("Depth-first search and linear graph algorithms", 1972), without recursion.

/// The components of the graph whose node `n` leads to `edges[n]`, each before those that
/// lead to it.
pub(super) fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut search = Search {
        edges,
        order: vec![None; edges.len()],
        low: vec![0; edges.len()],
        open: vec![false; edges.len()],
        stack: Vec::new(),
        visited: 0,
        found: Vec::new(),
    };
    for node in 0..edges.len() {
        if search.order[node].is_none() {
            search.visit(node);
        }
    }
    search.found
}

/// Whether the nodes of a component lead back to themselves.
pub(super) fn is_ring(component: &[usize], edges: &[Vec<usize>]) -> bool {
    component.len() > 1 || component.iter().any(|node| edges[*node].contains(node))
}

struct Search<'e> {
    edges: &'e [Vec<usize>],
    /// When each node was come to first.
    order: Vec<Option<usize>>,
    /// The earliest node that each leads back to, as far as it is known.
    low: Vec<usize>,
    /// Which nodes are on `stack`: of no component yet.
    open: Vec<bool>,
    stack: Vec<usize>,
    visited: usize,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn visit(&mut self, root: usize) {
        let mut way = vec![(root, 0)];
        self.enter(root);
        while let Some((node, edge)) = way.last_mut() {
            let node = *node;
            let Some(to) = self.edges[node].get(*edge).copied() else {
                way.pop();
                self.leave(node, way.last().map(|(before, _)| *before));
                continue;
            };
            *edge += 1;
            match self.order[to] {
                None => {
                    self.enter(to);
                    way.push((to, 0));
                }
                Some(order) if self.open[to] => self.low[node] = self.low[node].min(order),
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, node: usize) {
        (self.order[node], self.low[node]) = (Some(self.visited), self.visited);
        self.visited += 1;
        self.open[node] = true;
        self.stack.push(node);
    }

    /// All that a node leads to has been seen.
    fn leave(&mut self, node: usize, before: Option<usize>) {
        if let Some(before) = before {
            self.low[before] = self.low[before].min(self.low[node]);
        }
        if self.order[node] != Some(self.low[node]) {
            return;
        }
        let from = self.stack.iter().rposition(|open| *open == node).unwrap_or(0);
        let component = self.stack.split_off(from);
        component.iter().for_each(|node| self.open[*node] = false);
        self.found.push(component);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What each node reaches by one step or more, by trying.
    fn reached(edges: &[Vec<usize>], from: usize) -> Vec<bool> {
        let (mut seen, mut open) = (vec![false; edges.len()], edges[from].clone());
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                open.extend(&edges[node]);
            }
        }
        seen
    }

    fn graphs() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1usize..9).prop_flat_map(|n| prop::collection::vec(prop::collection::vec(0..n, 0..4), n))
    }

    proptest! {
        #[test]
        fn nodes_are_together_that_lead_to_each_other(edges in graphs()) {
            let reach: Vec<_> = (0..edges.len()).map(|n| reached(&edges, n)).collect();
            let found = components(&edges);
            let of = |n: usize| found.iter().position(|c| c.contains(&n)).unwrap();
            prop_assert_eq!(found.iter().map(Vec::len).sum::<usize>(), edges.len());
            for a in 0..edges.len() {
                prop_assert_eq!(is_ring(&found[of(a)], &edges), reach[a][a]);
                for (b, back) in reach.iter().enumerate() {
                    prop_assert_eq!(of(a) == of(b), a == b || (reach[a][b] && back[a]));
                    prop_assert!(!reach[a][b] || of(b) <= of(a), "{} leads to {}", a, b);
                }
            }
        }
    }
}
