//! What edits come to: which next-hop sets are to be resolved again, which
//! prefixes may have another best route, and what is not needed any more.
//!
//! Sets that linked next hops share are resolved before those that go through
//! them. Sets that have a say in each other's way through LSPs are few, and are all
//! resolved together, so that a circle of them is always seen: none of it is used.
//! What hangs on a shared set is only looked at when that comes or goes.

use std::mem;

use ahash::{AHashMap, AHashSet};
use dataplane::id::{NhlfeId, VrfId};
use ipnet::IpNet;

use super::Candidate;
use super::resolve::{MOST_LSPS, Resolved, Walked, Way};
use super::ribs::Ribs;
use super::table::{Edits, Rib, watched};
use super::target::{TargetId, TargetRef};
use super::unresolved::Unresolved;

/// What forwarding has to learn of one Vrf.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Next-hop sets that come to something new, or to nothing any more.
    pub(crate) targets: Vec<TargetId>,
    /// Prefixes whose best route may be another.
    pub(crate) prefixes: Vec<IpNet>,
    /// Whether a set of older routes became or ceased to be usable.
    flipped: bool,
    /// Whether everything is told, changed or not.
    all: bool,
}

impl Ribs {
    /// Resolves what the edits touch. Sets that nothing asks for any more stay until
    /// [`Ribs::sweep`].
    pub(crate) fn settle(&mut self) -> AHashMap<VrfId, Settled> {
        let all = self.iter().any(|(_, rib)| rib.edits.all);
        self.link(all);
        let mut round = Round::default();
        for (vrf, rib) in self.iter_mut() {
            let mut edits = mem::take(&mut rib.edits);
            if edits.is_empty() {
                rib.edits.idle = edits.idle;
                continue;
            }
            round.covering |= all || !edits.covering.is_empty();
            round.due.extend(rib.due(&mut edits).into_iter().map(|id| TargetRef { vrf, id }));
            rib.edits.idle = edits.idle;
            let settled = Settled { prefixes: edits.prefixes, all: edits.all, ..Settled::default() };
            round.settled.insert(vrf, settled);
        }
        if round.covering {
            round.due.extend(self.sets(|target| target.through));
        }
        self.resolve_all(&mut round);
        for (vrf, settled) in round.settled.iter_mut().filter(|(_, s)| s.flipped) {
            settled.prefixes.extend(self.get(*vrf).into_iter().flat_map(Rib::flipped));
        }
        round.settled
    }

    /// The next-hop sets of all Vrfs that are so.
    fn sets(&self, are: impl Fn(&super::Target) -> bool) -> Vec<TargetRef> {
        let of = |(vrf, rib): (VrfId, &Rib)| {
            let so = rib.targets().filter(|(_, t)| are(t));
            so.map(|(id, _)| TargetRef { vrf, id }).collect::<Vec<_>>()
        };
        self.iter().flat_map(of).collect()
    }

    fn resolve_all(&mut self, round: &mut Round) {
        let mut due: Vec<_> = round.due.iter().copied().collect();
        due.sort_unstable();
        for at in due {
            self.resolve_with_needs(at, round);
        }
        if round.turned.is_empty() {
            return;
        }
        // These have no say in anything else.
        let hangs = |t: &super::Target| t.links.iter().flatten().any(|l| round.turned.contains(l));
        for at in self.sets(hangs) {
            if !round.done.contains(&at) {
                self.resolve_with_needs(at, round);
            }
        }
    }

    /// Resolves a set that is due, what it needs first.
    fn resolve_with_needs(&mut self, at: TargetRef, round: &mut Round) {
        let mut path = vec![at];
        while let Some(at) = path.last().copied() {
            if round.done.contains(&at) || self.target(at).is_none_or(|t| t.routes == 0) {
                round.due.remove(&at);
                path.pop();
                continue;
            }
            match self.resolve(at, &round.due) {
                Ok(walked) => {
                    self.store(at, walked, round);
                    path.pop();
                }
                Err(first) => match path.iter().position(|p| *p == first) {
                    None => path.push(first),
                    Some(from) => {
                        for at in path.drain(from..) {
                            let outcome = Err(Unresolved::Loop);
                            self.store(at, Walked { outcome, recursive: true, through: true }, round);
                        }
                    }
                },
            }
        }
    }

    fn store(&mut self, at: TargetRef, walked: Walked, round: &mut Round) {
        let Walked { mut outcome, recursive, through } = walked;
        round.due.remove(&at);
        round.done.insert(at);
        let depth = outcome.as_ref().map_or(0, |o| self.depth(o));
        let was_unlabelled = self.unlabelled_way(at).is_some();
        let Some(target) = self.target_mut(at) else { return };
        if depth > MOST_LSPS - u8::from(target.is_shared()) {
            outcome = Err(Unresolved::TooDeep);
        }
        let recursive = recursive || outcome.is_err();
        let (fresh, changed) = (target.fresh, target.outcome != outcome);
        let flipped = !fresh && target.outcome.is_ok() != outcome.is_ok();
        let forwards = |o: &Result<Resolved, Unresolved>| matches!(o, Ok(Resolved::Forward(_)));
        if changed && target.is_shared() && !(forwards(&target.outcome) && forwards(&outcome)) {
            round.turned.insert(at);
        }
        (target.outcome, target.depth, target.fresh) = (outcome, depth, false);
        (target.recursive, target.through) = (recursive, through);
        if target.is_shared() && was_unlabelled != self.unlabelled_way(at).is_some() {
            round.turned.insert(at);
        }
        let settled = round.settled.entry(at.vrf).or_default();
        settled.flipped |= flipped;
        // Interfaces can change beneath an outcome that reads the same.
        if changed || fresh || settled.all {
            settled.targets.push(at.id);
        }
    }

    /// LSPs, one inside the other, that packets go through.
    fn depth(&self, outcome: &Resolved) -> u8 {
        let of = |way: &Way| match way {
            Way::Neighbour { .. } => 0,
            Way::Through(at) => self.target(*at).map_or(0, |t| t.depth + 1),
        };
        outcome.leaves().iter().map(|leaf| of(&leaf.way)).max().unwrap_or(0)
    }
}

/// One settling under way.
#[derive(Debug, Default)]
struct Round {
    due: AHashSet<TargetRef>,
    done: AHashSet<TargetRef>,
    /// Shared sets that others have to look at again.
    turned: AHashSet<TargetRef>,
    /// Whether what leads to next hops was edited.
    covering: bool,
    settled: AHashMap<VrfId, Settled>,
}

impl Edits {
    fn is_empty(&self) -> bool {
        !self.all && self.prefixes.is_empty() && self.fresh.is_empty() && self.covering.is_empty()
    }
}

impl Rib {
    /// Prefixes with a route whose set became or ceased to be usable.
    fn flipped(&self) -> Vec<IpNet> {
        let is_flipped =
            |c: &Candidate| self.target(c.target).is_some_and(|t| t.outcome.is_ok() != t.nhlfe.is_some());
        self.iter().filter(|(_, c)| c.iter().any(is_flipped)).map(|(p, _)| p).collect()
    }

    /// The next-hop sets to resolve: new ones, those with a next hop that an edit
    /// covers, and with these all that hang on other routes.
    fn due(&self, edits: &mut Edits) -> Vec<TargetId> {
        if edits.all {
            return self.targets().map(|(id, _)| id).collect();
        }
        let mut due = mem::take(&mut edits.fresh);
        if !edits.covering.is_empty() {
            let covered = edits.covering.iter().flat_map(|p| self.watch.children(p));
            due.extend(covered.flat_map(|(_, targets)| targets));
            due.extend(self.targets().filter(|(_, t)| t.recursive).map(|(id, _)| id));
        }
        due
    }

    /// Forgets the next-hop sets that nothing asks for any more; adds their entries to
    /// `gone`, and what their linked next hops went through to `links`.
    pub(super) fn sweep(&mut self, gone: &mut Vec<NhlfeId>, links: &mut Vec<TargetRef>) {
        for id in mem::take(&mut self.edits.idle) {
            if self.target(id).is_none_or(|t| t.routes > 0) {
                continue;
            }
            let Some(target) = self.targets[id.0 as usize].take() else { continue };
            for address in watched(&target.wanted) {
                self.unwatch(address, id);
            }
            self.index.remove(&target.wanted);
            self.free.push(id.0);
            links.extend(target.links.iter().flatten());
            if target.nhlfe.is_some() && !target.is_imported() {
                gone.push(target.nhlfe);
            }
        }
    }
}
