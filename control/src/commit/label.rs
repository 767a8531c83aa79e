//! Labels and what each leads to: those of the file, those given at run time and
//! those the router gives out itself, in one label space (RFC 3031 section 3.14).
//!
//! A label of next hops holds their next-hop set in a Rib, and is in the Ilm while
//! that comes to anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use dataplane::id::{NhlfeId, VrfId};
use dataplane::table::{Nhlfe, Pop, PopLookup, Snapshot, Swap};
use ipnet::IpNet;

use super::allocate::{Key, Pool};
use super::{DEFAULT_VRF, State};
use crate::config::{self, LabelAction};
use crate::rib::{AskedModel, TargetRef, Wanted, next_hop};

/// Who asked for a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A `[[label]]` of the configuration.
    Static,
    /// Somebody, at run time.
    Runtime,
    /// A Vrf that exports routes.
    Vrf(Key),
}

/// What becomes of the packets of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelWay {
    /// The label is replaced, and the packet goes to next hops.
    Swap(u32),
    /// The label is replaced by what each next hop says.
    SwapEach,
    /// The label is taken off, and what is below goes to next hops.
    Pop {
        /// What that takes over from the label.
        model: AskedModel,
        /// The Vrf, by name, whose packets the label carries, where the tunnel ends
        /// here, not at the next hop.
        egress: Option<Arc<str>>,
    },
    /// The label is taken off, and what is below is looked up in this Vrf.
    Lookup {
        /// The Vrf, by name.
        vrf: Arc<str>,
        /// What the packet takes over from the label.
        model: AskedModel,
        /// Whether it must be the last label.
        bottom: bool,
    },
}

/// A label in use.
#[derive(Clone, Debug)]
pub struct Label {
    /// Who asked for it.
    pub asked: Asked,
    /// What becomes of its packets.
    pub way: LabelWay,
    /// The next hops of `Swap` and `Pop`; what the route of a prefix that is looked up leads to.
    pub set: Option<TargetRef>,
    /// Its entry; `NONE` while its next hops come to nothing.
    pub nhlfe: NhlfeId,
}

/// All labels of the router.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    all: BTreeMap<u32, Label>,
    /// Labels by the next-hop set that they lead to.
    by_set: AHashMap<TargetRef, AHashSet<u32>>,
    /// Labels whose entries are to be looked at.
    pub(super) due: AHashSet<u32>,
    /// Prefixes whose own label is to be looked at.
    pub(super) prefixes: Vec<(VrfId, IpNet)>,
    /// Those the router gives out.
    pub(super) pool: Pool,
}

impl Labels {
    pub(super) fn get(&self, label: u32) -> Option<&Label> {
        self.all.get(&label)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Label)> {
        self.all.iter().map(|(label, of)| (*label, of))
    }

    /// Those whose entries follow from these sets are to be looked at.
    pub(super) fn follow(&mut self, at: TargetRef) {
        for label in self.by_set.get(&at).into_iter().flatten() {
            self.due.insert(*label);
            if let Some(Asked::Vrf(Key::Prefix(_, prefix))) = self.all.get(label).map(|of| &of.asked) {
                self.prefixes.push((at.vrf, *prefix));
            }
        }
    }

    /// All are to be looked at.
    pub(super) fn all_due(&mut self) {
        self.due.extend(self.all.keys());
    }

    fn retie(&mut self, label: u32, old: Option<TargetRef>, new: Option<TargetRef>) {
        if let Some(labels) = old.and_then(|old| self.by_set.get_mut(&old)) {
            labels.remove(&label);
        }
        if let Some(old) = old.filter(|old| self.by_set.get(old).is_some_and(|l| l.is_empty())) {
            self.by_set.remove(&old);
        }
        if let Some(new) = new {
            self.by_set.entry(new).or_default().insert(label);
        }
    }
}

/// What a label is to be, before it is tied to what the router has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedLabel {
    pub(super) way: LabelWay,
    /// The Vrf of its next hops, and these.
    pub(super) hops: Option<(Arc<str>, Wanted)>,
}

impl WantedLabel {
    /// What a label of the file asks for.
    pub(super) fn of(label: &config::StaticLabel) -> Self {
        let model = AskedModel::said(label.ttl, label.diffserv);
        let way = match label.action() {
            LabelAction::Swap(config::IMPLICIT_NULL) => LabelWay::Pop { model, egress: None },
            LabelAction::Swap(to) => LabelWay::Swap(to),
            LabelAction::SwapEach => LabelWay::SwapEach,
            LabelAction::Pop if label.via.is_empty() => {
                LabelWay::Lookup { vrf: DEFAULT_VRF.into(), model, bottom: false }
            }
            LabelAction::Pop => LabelWay::Pop { model, egress: None },
            LabelAction::Lookup(vrf) => LabelWay::Lookup { vrf: vrf.into(), model, bottom: true },
        };
        let via = label.via_vrf.as_deref().unwrap_or(DEFAULT_VRF);
        let hops: Vec<_> = label.hops().map(|hop| next_hop(hop, via, model, false)).collect();
        Self { way, hops: (!hops.is_empty()).then(|| (via.into(), Wanted::Via(hops))) }
    }
}

impl State {
    /// The label, if it is in use.
    pub fn label(&self, label: u32) -> Option<&Label> {
        self.labels.get(label)
    }

    /// Every label in use, in order.
    pub fn labels(&self) -> impl Iterator<Item = (u32, &Label)> {
        self.labels.iter()
    }

    /// Sets the labels of the file, and takes out those that are not in it any more.
    pub(super) fn static_labels(&mut self, snapshot: &mut Snapshot) {
        let wanted: BTreeMap<u32, WantedLabel> =
            self.config.static_labels.iter().map(|l| (l.label, WantedLabel::of(l))).collect();
        let gone: Vec<u32> = self
            .labels()
            .filter(|(label, of)| of.asked == Asked::Static && !wanted.contains_key(label))
            .map(|(label, _)| label)
            .collect();
        gone.into_iter().for_each(|label| self.remove_label(label, snapshot));
        for (label, wanted) in wanted {
            let set = self.hold_hops(wanted.hops);
            self.set_label(label, Asked::Static, wanted.way, set);
        }
    }

    /// The next-hop set of a label, asked for once more.
    pub(super) fn hold_hops(&mut self, hops: Option<(Arc<str>, Wanted)>) -> Option<TargetRef> {
        let (vrf, wanted) = hops?;
        let vrf = self.vrf(&vrf)?;
        let id = self.ribs.get_mut(vrf)?.hold(wanted);
        Some(TargetRef { vrf, id })
    }

    /// Sets what a label leads to. `set` is held for it already.
    pub(super) fn set_label(&mut self, label: u32, asked: Asked, way: LabelWay, set: Option<TargetRef>) {
        let old = self.labels.all.get(&label);
        let (old_set, nhlfe) = old.map_or((None, NhlfeId::NONE), |old| (old.set, old.nhlfe));
        self.labels.retie(label, old_set, set);
        let changed = old_set.zip(set).filter(|(old, new)| old.vrf == new.vrf && old.id != new.id);
        if let Some((old, new)) = changed
            && let Some(rib) = self.ribs.get_mut(new.vrf)
        {
            rib.adopt(new.id, old.id);
        }
        old_set.into_iter().for_each(|at| self.ribs.release(at));
        self.labels.all.insert(label, Label { asked, way, set, nhlfe });
        self.labels.due.insert(label);
    }

    /// Takes a label out of use.
    pub(super) fn remove_label(&mut self, label: u32, snapshot: &mut Snapshot) {
        let Some(old) = self.labels.all.remove(&label) else { return };
        self.labels.retie(label, old.set, None);
        old.set.into_iter().for_each(|at| self.ribs.release(at));
        self.labels.due.remove(&label);
        snapshot.ilm.remove(label);
        if old.nhlfe.is_some() {
            self.entries.release(old.nhlfe, snapshot);
        }
    }

    /// Writes the entries of the labels that are to be looked at.
    pub(super) fn write_labels(&mut self, snapshot: &mut Snapshot) {
        let mut due: Vec<u32> = self.labels.due.drain().collect();
        due.sort_unstable();
        for label in due {
            let Some((value, now)) =
                self.labels.get(label).map(|of| (self.label_entry(of, snapshot), of.nhlfe))
            else {
                continue;
            };
            let nhlfe = match value {
                Some(value) => {
                    let id = if now.is_some() { now } else { self.entries.take() };
                    if snapshot.nhlfe(id) != Some(&value) {
                        snapshot.nhlfes.set(id.index(), value);
                    }
                    if snapshot.ilm.get(label) != id {
                        snapshot.ilm.set(label, id);
                    }
                    id
                }
                None => {
                    snapshot.ilm.remove(label);
                    if now.is_some() {
                        self.entries.release(now, snapshot);
                    }
                    NhlfeId::NONE
                }
            };
            if let Some(of) = self.labels.all.get_mut(&label) {
                of.nhlfe = nhlfe;
            }
        }
    }

    /// What a label's entry is; `None` while it leads nowhere.
    fn label_entry(&self, label: &Label, snapshot: &Snapshot) -> Option<Nhlfe> {
        let next = || {
            let target = self.ribs.target(label.set?)?;
            Some(target.nhlfe).filter(|n| n.is_some())
        };
        let of = |vrf: VrfId, asked: &AskedModel| {
            asked.within(self.ribs.get(vrf).map(|rib| rib.model).unwrap_or_default())
        };
        Some(match &label.way {
            LabelWay::Swap(_) if label.set.is_some_and(|at| self.ribs.unlabelled_way(at).is_some()) => {
                return None;
            }
            LabelWay::Swap(label) => Nhlfe::Swap(Swap { label: *label, next: next()? }),
            LabelWay::SwapEach => snapshot.nhlfe(next()?)?.clone(),
            LabelWay::Pop { model, egress } => {
                let egress = match egress {
                    Some(vrf) => Some(self.vrf(vrf)?),
                    None => None,
                };
                let vrf = egress.or(label.set.map(|at| at.vrf))?;
                Nhlfe::Pop(Pop { next: next()?, model: of(vrf, model), egress })
            }
            LabelWay::Lookup { vrf, model, bottom } => {
                let vrf: VrfId = self.vrf(vrf)?;
                Nhlfe::PopLookup(PopLookup { vrf, model: of(vrf, model), bottom: *bottom })
            }
        })
    }
}
