//! Routes that local Vrfs take over from each other by route target (RFC 4364
//! section 4.3.5).
//!
//! What is offered is a Vrf's best route to a prefix of those not imported themselves; of
//! several Vrfs that offer one the first by name is taken. The importing Vrf forwards
//! by the exporting one's own entry, so that a change of its next hops is one write.

use ahash::AHashMap;
use dataplane::id::VrfId;
use ipnet::IpNet;

use super::State;
use crate::rib::{Candidate, Rib, Settled, Source, TargetRef, Wanted};

impl State {
    /// Brings imported routes up to date with what has settled.
    pub(super) fn import(&mut self, settled: &[(VrfId, Settled)]) {
        if std::mem::take(&mut self.reimport) {
            return self.import_all();
        }
        for (from, settled) in settled {
            for prefix in &settled.prefixes {
                for i in 0..self.vpns.importers(*from).len() {
                    let to = self.vpns.importers(*from)[i];
                    self.import_one(to, *from, *prefix);
                }
            }
        }
    }

    /// Takes a prefix over into `to`, where `from` may offer another route to it.
    fn import_one(&mut self, to: VrfId, from: VrfId, prefix: IpNet) {
        let current = self.ribs.get(to).and_then(|rib| imported(rib, prefix));
        let offered = self.offered(to, from, prefix);
        let exporters = self.vpns.exporters(to);
        let rank = |vrf: VrfId| exporters.iter().position(|e| *e == vrf);
        let taken = match (offered, current) {
            (Some(_), Some(now)) if now.vrf != from && rank(now.vrf) < rank(from) => return,
            (Some(new), _) => Some(new),
            (None, Some(now)) if now.vrf == from => {
                exporters.iter().find_map(|e| self.offered(to, *e, prefix))
            }
            (None, _) => return,
        };
        if taken != current {
            self.set_imported(to, prefix, taken);
        }
    }

    /// What `from` offers to `to` for a prefix.
    fn offered(&self, to: VrfId, from: VrfId, prefix: IpNet) -> Option<TargetRef> {
        let rib = self.ribs.get(from)?;
        let best = to_offer(rib, prefix, rib.candidates(prefix))?;
        self.vpns.takes(to, from, prefix).then_some(TargetRef { vrf: from, id: best.target })
    }

    fn set_imported(&mut self, to: VrfId, prefix: IpNet, from: Option<TargetRef>) {
        let Some(rib) = self.ribs.get_mut(to) else { return };
        let source = Source::Imported;
        match from {
            Some(from) => drop(rib.set(prefix, source, source.distance(), Wanted::Imported(from))),
            None => drop(rib.remove(prefix, source, None)),
        }
    }

    fn import_all(&mut self) {
        let vrfs: Vec<VrfId> = self.ribs.iter().map(|(vrf, _)| vrf).collect();
        for to in vrfs {
            let wanted = self.all_offered(to);
            let Some(rib) = self.ribs.get(to) else { continue };
            let is_import = |c: &&Candidate| c.source == Source::Imported;
            let now = rib.iter().filter(|(_, all)| all.iter().any(|c| is_import(&c)));
            let gone: Vec<IpNet> = now.map(|(p, _)| p).filter(|p| !wanted.contains_key(p)).collect();
            let is_new = |(prefix, from): &(&IpNet, &TargetRef)| imported(rib, **prefix) != Some(**from);
            let new: Vec<_> = wanted.iter().filter(is_new).map(|(p, from)| (*p, *from)).collect();
            gone.into_iter().for_each(|prefix| self.set_imported(to, prefix, None));
            new.into_iter().for_each(|(prefix, from)| self.set_imported(to, prefix, Some(from)));
        }
    }

    /// Everything that a Vrf is to take over.
    fn all_offered(&self, to: VrfId) -> AHashMap<IpNet, TargetRef> {
        let mut wanted = AHashMap::new();
        for from in self.vpns.exporters(to).iter().copied() {
            let Some(rib) = self.ribs.get(from) else { continue };
            for (prefix, routes) in rib.iter() {
                if let Some(best) =
                    to_offer(rib, prefix, routes).filter(|_| self.vpns.takes(to, from, prefix))
                {
                    wanted.entry(prefix).or_insert(TargetRef { vrf: from, id: best.target });
                }
            }
        }
        wanted
    }
}

/// The best route of a Vrf to a prefix, for others: the broadcast and anycast addresses of
/// its subnets are of their links.
fn to_offer<'c>(rib: &Rib, prefix: IpNet, routes: &'c [Candidate]) -> Option<&'c Candidate> {
    rib.best_own(routes).filter(|best| best.source != Source::Local || rib.is_own(prefix))
}

/// Where the imported route to a prefix is from.
fn imported(rib: &Rib, prefix: IpNet) -> Option<TargetRef> {
    let found = rib.candidates(prefix).iter().find(|c| c.source == Source::Imported)?;
    match *rib.target(found.target)?.wanted {
        Wanted::Imported(from) => Some(from),
        _ => None,
    }
}
