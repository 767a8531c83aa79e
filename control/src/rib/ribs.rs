//! The Ribs of all Vrfs, and what leads from one to another: next hops that are
//! reached in another Vrf, and routes that another Vrf imports.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use dataplane::id::{NhlfeId, VrfId};

use super::resolve::{MOST_LSPS, Way};
use super::table::Rib;
use super::target::{Target, TargetRef};
use super::{NextHop, Wanted};

/// One Rib for each Vrf.
#[derive(Clone, Debug, Default)]
pub struct Ribs {
    by_vrf: BTreeMap<VrfId, Rib>,
    names: AHashMap<Arc<str>, VrfId>,
    /// Interfaces that labelled frames do not leave by.
    pub(crate) unlabelled: AHashSet<Arc<str>>,
}

impl Ribs {
    /// Sees to it that the Vrf called `name` has a Rib, under `vrf`.
    pub fn add(&mut self, name: &str, vrf: VrfId) -> &mut Rib {
        self.names.insert(name.into(), vrf);
        self.by_vrf.entry(vrf).or_default()
    }

    /// Takes out the Rib of a Vrf. What went through it comes to nothing when it is
    /// resolved the next time.
    pub fn remove(&mut self, vrf: VrfId) -> Option<Rib> {
        self.names.retain(|_, id| *id != vrf);
        let gone = self.by_vrf.remove(&vrf)?;
        for target in self.by_vrf.values_mut().flat_map(|rib| rib.targets.iter_mut().flatten()) {
            target.links.iter_mut().filter(|l| l.is_some_and(|l| l.vrf == vrf)).for_each(|l| *l = None);
        }
        for at in gone.targets().flat_map(|(_, t)| t.links.iter().flatten().copied()) {
            self.release(at);
        }
        Some(gone)
    }

    /// The interface with MPLS off, if all ways of a set that forwards leave by such.
    pub(crate) fn unlabelled_way(&self, at: TargetRef) -> Option<&Arc<str>> {
        self.unlabelled_within(at, MOST_LSPS)
    }

    fn unlabelled_within(&self, at: TargetRef, lsps: u8) -> Option<&Arc<str>> {
        let leaves = self.target(at)?.outcome.as_ref().ok()?.leaves();
        let mut off = leaves.iter().map(|leaf| match &leaf.way {
            Way::Neighbour { interface, .. } => self.unlabelled.get(interface),
            Way::Through(at) => self.unlabelled_within(*at, lsps.checked_sub(1)?),
        });
        let first = off.next()??;
        off.all(|off| off.is_some()).then_some(first)
    }

    /// The Rib of a Vrf.
    pub fn get(&self, vrf: VrfId) -> Option<&Rib> {
        self.by_vrf.get(&vrf)
    }

    /// The Rib of a Vrf, to be edited.
    pub fn get_mut(&mut self, vrf: VrfId) -> Option<&mut Rib> {
        self.by_vrf.get_mut(&vrf)
    }

    /// The Vrf called `name`.
    pub fn named(&self, name: &str) -> Option<VrfId> {
        self.names.get(name).copied()
    }

    /// Every Vrf and its Rib.
    pub fn iter(&self) -> impl Iterator<Item = (VrfId, &Rib)> {
        self.by_vrf.iter().map(|(id, rib)| (*id, rib))
    }

    /// Every Vrf and its Rib, to be edited.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (VrfId, &mut Rib)> {
        self.by_vrf.iter_mut().map(|(id, rib)| (*id, rib))
    }

    /// A next-hop set.
    pub fn target(&self, at: TargetRef) -> Option<&Target> {
        self.get(at.vrf)?.target(at.id)
    }

    pub(crate) fn target_mut(&mut self, at: TargetRef) -> Option<&mut Target> {
        self.get_mut(at.vrf)?.target_mut(at.id)
    }

    /// Asks for a next-hop set once more, until it is released.
    pub(crate) fn keep(&mut self, at: TargetRef) {
        if let Some(rib) = self.get_mut(at.vrf) {
            rib.keep(at.id);
        }
    }

    /// Asks for a next-hop set once less.
    pub(crate) fn release(&mut self, at: TargetRef) {
        if let Some(rib) = self.get_mut(at.vrf) {
            rib.release(at.id);
        }
    }

    /// Ties linked next hops of new sets to what they go through. `all`: of sets that
    /// found no such Vrf before, too.
    pub(super) fn link(&mut self, all: bool) {
        let mut links = Vec::new();
        for (vrf, rib) in &self.by_vrf {
            let of = |id| Some(TargetRef { vrf: *vrf, id }).filter(|at| self.lacks_links(*at));
            match all {
                true => links.extend(rib.targets().filter_map(|(id, _)| of(id))),
                false => links.extend(rib.edits.fresh.iter().filter_map(|id| of(*id))),
            }
        }
        for at in links {
            self.link_one(at);
        }
    }

    fn lacks_links(&self, at: TargetRef) -> bool {
        let Some(target) = self.target(at).filter(|t| t.routes > 0) else { return false };
        let linked = match &*target.wanted {
            Wanted::Via(hops) => hops.iter().filter(|h| h.is_linked()).count(),
            Wanted::Imported(_) => 1,
            _ => 0,
        };
        target.links.iter().flatten().count() < linked
    }

    fn link_one(&mut self, at: TargetRef) {
        let Some(target) = self.target(at) else { return };
        let (wanted, known) = (target.wanted.clone(), target.links.clone());
        let links: Box<[_]> = match &*wanted {
            Wanted::Via(hops) => {
                let linked = hops.iter().filter(|h| h.is_linked()).enumerate();
                linked
                    .map(|(i, hop)| known.get(i).copied().flatten().or_else(|| self.tie(at.vrf, hop)))
                    .collect()
            }
            Wanted::Imported(from) => {
                let there = self.target(*from).is_some().then_some(*from);
                there.into_iter().for_each(|from| self.keep(from));
                Box::<[_]>::from([there])
            }
            _ => return,
        };
        if let Some(target) = self.target_mut(at) {
            target.links = links;
        }
    }

    /// What a linked next hop of a route in `own` goes through.
    fn tie(&mut self, own: VrfId, hop: &NextHop) -> Option<TargetRef> {
        let vrf = hop.vrf.as_ref().map_or(Some(own), |name| self.named(name))?;
        let id = self.get_mut(vrf)?.hold(Wanted::Lsp(hop.address));
        Some(TargetRef { vrf, id })
    }

    /// Forgets the next-hop sets that nothing asks for any more; gives their entries.
    pub(crate) fn sweep(&mut self) -> Vec<NhlfeId> {
        let mut gone = Vec::new();
        loop {
            let mut links = Vec::new();
            for rib in self.by_vrf.values_mut() {
                rib.sweep(&mut gone, &mut links);
            }
            if links.is_empty() {
                return gone;
            }
            links.into_iter().for_each(|at| self.release(at));
        }
    }
}
