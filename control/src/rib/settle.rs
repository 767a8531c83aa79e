//! What edits come to: which next-hop sets are to be resolved again, which
//! prefixes may have another best route, and what is not needed any more.

use std::mem;

use dataplane::id::NhlfeId;
use ipnet::IpNet;

use super::Candidate;
use super::table::{Edits, Rib, TargetId, watched};

/// What forwarding has to learn.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Next-hop sets that come to something new, or to nothing any more.
    pub(crate) targets: Vec<TargetId>,
    /// Prefixes whose best route may be another.
    pub(crate) prefixes: Vec<IpNet>,
}

impl Rib {
    /// Resolves what the edits touch. Sets that no route asks for any more stay
    /// until [`Rib::sweep`].
    pub(crate) fn settle(&mut self) -> Settled {
        let mut edits = mem::take(&mut self.edits);
        let due = self.due(&mut edits);
        let mut settled = Settled { prefixes: edits.prefixes, ..Settled::default() };
        let flipped = self.resolve_all(due, edits.all, &mut settled.targets);
        if flipped {
            let lost: Vec<_> =
                self.iter().filter(|(_, c)| c.iter().any(|c| self.is_flipped(c))).map(|(p, _)| p).collect();
            settled.prefixes.extend(lost);
        }
        self.edits.idle = edits.idle;
        settled
    }

    fn is_flipped(&self, candidate: &Candidate) -> bool {
        self.target(candidate.target).is_some_and(|t| t.outcome.is_ok() != t.nhlfe.is_some())
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
            due.sort_unstable();
            due.dedup();
        }
        due
    }

    /// Resolves `due`, with those that changed put to `out`; whether a set of
    /// older routes became or ceased to be usable.
    fn resolve_all(&mut self, due: Vec<TargetId>, all: bool, out: &mut Vec<TargetId>) -> bool {
        let mut flipped = false;
        for id in due {
            let Some(target) = self.target(id).filter(|t| t.routes > 0) else { continue };
            let (outcome, recursive) = self.resolve(id, &target.wanted);
            let recursive = recursive || outcome.is_err();
            let (fresh, changed) = (target.fresh, target.outcome != outcome);
            flipped |= !fresh && target.outcome.is_ok() != outcome.is_ok();
            if let Some(target) = self.target_mut(id) {
                (target.outcome, target.recursive, target.fresh) = (outcome, recursive, false);
            }
            // Interfaces can change beneath an outcome that reads the same.
            if changed || fresh || all {
                out.push(id);
            }
        }
        flipped
    }

    /// Forgets the next-hop sets that no route asks for any more; gives their entries.
    pub(crate) fn sweep(&mut self) -> Vec<NhlfeId> {
        let mut gone = Vec::new();
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
            if target.nhlfe.is_some() {
                gone.push(target.nhlfe);
            }
        }
        gone
    }
}
