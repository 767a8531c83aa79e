//! Settled Ribs → Nhlfes and Fibs.

use dataplane::id::{NhlfeId, VrfId};
use dataplane::table::Snapshot;
use ipnet::IpNet;

use super::State;
use crate::rib::{Resolved, Settled, TargetRef};

impl State {
    /// Resolves everything anew and brings every table up to date.
    pub(super) fn forward_all(&mut self, snapshot: &mut Snapshot) {
        self.ribs.iter_mut().for_each(|(_, rib)| rib.unsettle());
        self.labels.all_due();
        self.reimport = true;
        self.forward(snapshot);
    }

    /// Brings forwarding up to date with what was edited.
    pub(super) fn forward(&mut self, snapshot: &mut Snapshot) {
        let settled = self.settle(snapshot);
        // No next hop is reached by what is imported, so once more is enough.
        self.import(&settled);
        self.settle(snapshot);
        for (vrf, prefix) in std::mem::take(&mut self.labels.prefixes) {
            self.follow_prefix(vrf, prefix);
        }
        self.write_labels(snapshot);
        for nhlfe in self.ribs.sweep() {
            self.entries.release(nhlfe, snapshot);
        }
    }

    fn settle(&mut self, snapshot: &mut Snapshot) -> Vec<(VrfId, Settled)> {
        let mut settled: Vec<_> = self.ribs.settle().into_iter().collect();
        settled.sort_unstable_by_key(|(vrf, _)| *vrf);
        let sets = || {
            settled.iter().flat_map(|(vrf, s)| s.targets.iter().map(|id| TargetRef { vrf: *vrf, id: *id }))
        };
        // Sets lead through one another: all have their ids before any is written.
        sets().for_each(|at| self.identify(at, snapshot));
        for at in sets() {
            self.entries.realise(&mut self.ribs, at, &self.interfaces, snapshot);
            self.labels.follow(at);
            if let Some(target) = self.ribs.target_mut(at) {
                target.parent = None;
            }
        }
        for (vrf, settled) in &settled {
            self.write_fibs(*vrf, &settled.prefixes, snapshot);
            if self.vpns.labels_prefixes(*vrf) {
                self.labels.prefixes.extend(settled.prefixes.iter().map(|prefix| (*vrf, *prefix)));
            }
        }
        settled
    }

    /// Gives a next-hop set an entry if it comes to anything, or takes it away.
    fn identify(&mut self, at: TargetRef, snapshot: &mut Snapshot) {
        let Some(target) = self.ribs.target(at) else { return };
        let (now, own) = (target.nhlfe, !target.is_imported());
        let nhlfe = match &target.outcome {
            Ok(Resolved::Imported(from)) => self.ribs.target(*from).map_or(NhlfeId::NONE, |t| t.nhlfe),
            Ok(_) if now.is_some() => now,
            Ok(_) => self.entries.take(),
            Err(_) => {
                if own && now.is_some() {
                    self.entries.release(now, snapshot);
                }
                NhlfeId::NONE
            }
        };
        if let Some(target) = self.ribs.target_mut(at) {
            target.nhlfe = nhlfe;
        }
    }

    fn write_fibs(&self, vrf: VrfId, prefixes: &[IpNet], snapshot: &mut Snapshot) {
        let Some(rib) = self.ribs.get(vrf).filter(|_| !prefixes.is_empty()) else { return };
        let Some(tables) = snapshot.vrfs.get_mut(vrf.index()) else { return };
        for prefix in prefixes.iter().copied() {
            let best = rib.best(prefix).and_then(|c| rib.target(c.target)).map(|t| t.nhlfe);
            match (prefix, best.filter(|n| n.is_some())) {
                (IpNet::V4(p), Some(n)) if tables.fib4.get(p) != Some(n) => drop(tables.fib4.insert(p, n)),
                (IpNet::V6(p), Some(n)) if tables.fib6.get(p) != Some(n) => drop(tables.fib6.insert(p, n)),
                (IpNet::V4(p), None) => drop(tables.fib4.remove(p)),
                (IpNet::V6(p), None) => drop(tables.fib6.remove(p)),
                _ => {}
            }
        }
    }
}
