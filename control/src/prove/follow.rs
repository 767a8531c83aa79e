//! A label followed, and all that it is swapped for, that is put over it, or that it
//! uncovers, until nothing more is learnt: the least sets that agree with what each
//! router does (the summaries of a pushdown system).
//!
//! Where labels need each other, each is looked at again when one that it asked for has
//! come to more. A label that leads back to itself, whatever has been put on meanwhile,
//! can go round for ever.

use std::collections::BTreeSet;
use std::rc::Rc;

use ahash::AHashMap;

use super::end::{Below, End};
use super::rings::{components, is_ring};
use super::switch::{Belows, Labelled, Switch};

/// What `first` comes to, and every label that had to be followed for that.
pub(super) fn follow(
    switch: Switch<'_>,
    known: &AHashMap<Labelled, Belows>,
    first: Labelled,
) -> Vec<(Labelled, Belows)> {
    let mut following = Following { known, index: AHashMap::new(), states: Vec::new(), waiting: Vec::new() };
    following.open(first);
    while let Some(at) = following.waiting.last().copied() {
        let height = following.waiting.len();
        let label = following.states[at].label;
        let found = switch.top_label(label, &mut |asked| following.ask(at, asked));
        // What it asked for first comes first.
        if following.waiting.len() == height {
            following.waiting.pop();
            following.learn(at, found);
        }
    }
    following.mark_rings();
    following.states.into_iter().map(|state| (state.label, state.found)).collect()
}

/// A label that is being followed.
struct State {
    label: Labelled,
    /// What it comes to, as far as that has been found.
    found: Belows,
    /// Those that asked for it.
    users: BTreeSet<usize>,
    /// Whether it is among those to be looked at.
    waiting: bool,
}

struct Following<'k> {
    known: &'k AHashMap<Labelled, Belows>,
    index: AHashMap<Labelled, usize>,
    states: Vec<State>,
    /// The last one is looked at next.
    waiting: Vec<usize>,
}

impl Following<'_> {
    fn open(&mut self, label: Labelled) -> usize {
        let at = self.states.len();
        self.index.insert(label, at);
        self.states.push(State { label, found: Rc::from([]), users: BTreeSet::new(), waiting: true });
        self.waiting.push(at);
        at
    }

    /// What `asked` comes to, for `user`.
    fn ask(&mut self, user: usize, asked: Labelled) -> Belows {
        if let Some(known) = self.known.get(&asked) {
            return known.clone();
        }
        let at = self.index.get(&asked).copied().unwrap_or_else(|| self.open(asked));
        let state = &mut self.states[at];
        state.users.insert(user);
        state.found.clone()
    }

    /// Has those look again that asked for one that comes to more than was known.
    fn learn(&mut self, at: usize, found: BTreeSet<Below>) {
        let state = &mut self.states[at];
        state.waiting = false;
        if found.len() == state.found.len() {
            return;
        }
        state.found = found.into_iter().collect();
        for user in state.users.clone() {
            if !std::mem::replace(&mut self.states[user].waiting, true) {
                self.waiting.push(user);
            }
        }
    }

    /// Adds the loop to all labels of a ring, and to all that come to it.
    fn mark_rings(&mut self) {
        let users: Vec<Vec<usize>> =
            self.states.iter().map(|state| state.users.iter().copied().collect()).collect();
        let mut loops: Vec<BTreeSet<Below>> = vec![BTreeSet::new(); users.len()];
        // Users come first here, and are to be told last.
        for component in components(&users).into_iter().rev() {
            let mut all: BTreeSet<Below> = component.iter().flat_map(|at| loops[*at].clone()).collect();
            if is_ring(&component, &users) {
                let routers = component.iter().map(|at| self.states[*at].label.0.router);
                all.extend(routers.min().map(|router| Below::End(End::Loop(router))));
            }
            for at in component.iter().filter(|_| !all.is_empty()) {
                let state = &mut self.states[*at];
                let found: BTreeSet<Below> = state.found.iter().chain(&all).copied().collect();
                state.found = found.into_iter().collect();
                users[*at].iter().for_each(|user| loops[*user].extend(all.iter().copied()));
            }
        }
    }
}
