//! Labels that the router gives out, for the routes that Vrfs export (RFC 4364
//! section 4.3.2): one for a Vrf, for a customer edge or for a prefix.
//!
//! A label belongs to what it was given out for as long as that is wanted, used or
//! not, so that no label moves when a link flaps. One given up rests until the next
//! change is made, and is then the last to be given out again.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use dataplane::id::VrfId;
use dataplane::table::Snapshot;
use ipnet::IpNet;

use super::label::{Asked, LabelWay};
use super::vpn::{Vpns, vpn_source};
use super::{State, derived};
use crate::config::{Config, ConfigErrors, LabelMode, LabelRange};
use crate::rib::{AskedModel, Candidate, NEVER, Resolved, Source, TargetRef, Wanted};

/// What a label is given out for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// All of a Vrf, by name.
    Vrf(Arc<str>),
    /// What goes to a next-hop set of a Vrf.
    Ce(Arc<str>, Arc<Wanted>),
    /// A prefix of a Vrf.
    Prefix(Arc<str>, IpNet),
}

impl Key {
    /// The Vrf that asked.
    pub fn vrf(&self) -> &str {
        let (Self::Vrf(vrf) | Self::Ce(vrf, _) | Self::Prefix(vrf, _)) = self;
        vrf
    }
}

/// The labels of the dynamic range.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    range: LabelRange,
    /// No label below it that is not in `kept` is still to be given out for the first time.
    next: u32,
    given: AHashMap<Key, u32>,
    /// How many prefixes ask for each.
    uses: AHashMap<Key, u32>,
    /// What each prefix asks for, of Vrfs with labels per customer edge or prefix.
    asked: AHashMap<(VrfId, IpNet), Vec<Key>>,
    /// Of these what the configuration asks for, whether or not lines are up.
    lasting: AHashMap<(VrfId, IpNet), Vec<Key>>,
    /// Given up, the oldest first.
    free: VecDeque<u32>,
    /// Given up in the change that is being made.
    resting: Vec<u32>,
    /// Given out before the range was what it is.
    kept: AHashSet<u32>,
}

impl Pool {
    /// The label of `key`.
    pub(super) fn of(&self, key: &Key) -> Option<u32> {
        self.given.get(key).copied()
    }

    /// How many of `range` are left, where what is given out in it stays.
    fn left(&self, range: LabelRange) -> usize {
        let size = (range.last - range.first + 1) as usize;
        size - self.given.values().filter(|l| range.contains(**l)).count()
    }

    /// The label of `key`, given out if it has none; `None` when there is no more.
    fn give(&mut self, key: &Key) -> Option<u32> {
        if let Some(label) = self.of(key) {
            return Some(label);
        }
        while self.kept.contains(&self.next) {
            self.next += 1;
        }
        let label = if self.next <= self.range.last {
            self.next += 1;
            self.next - 1
        } else {
            self.free.pop_front().or_else(|| self.wake())?
        };
        self.given.insert(key.clone(), label);
        Some(label)
    }

    /// A label that was given up in the change that is being made: where there is no other,
    /// it does not rest.
    fn wake(&mut self) -> Option<u32> {
        let at = self.resting.iter().position(|label| self.range.contains(*label))?;
        Some(self.resting.swap_remove(at))
    }

    /// What rested has rested.
    fn rested(&mut self) {
        self.resting.sort_unstable();
        let range = self.range;
        self.free.extend(self.resting.drain(..).filter(|label| range.contains(*label)));
    }

    /// Sets the range; gives the keys whose labels are outside of it.
    fn set_range(&mut self, range: LabelRange) -> Vec<Key> {
        if self.range == range && self.next > 0 {
            return Vec::new();
        }
        let rest = self.resting.iter().copied();
        self.kept = self.given.values().copied().chain(rest).collect();
        (self.range, self.next) = (range, range.first);
        self.free.clear();
        self.given.iter().filter(|(_, label)| !range.contains(**label)).map(|(key, _)| key.clone()).collect()
    }
}

/// Keys that one batch needs labels for.
#[derive(Debug, Default)]
pub(super) struct NewLabels(AHashSet<Key>);

/// A route, whether it is of the configuration, and what a label is wanted for.
type Want = (Arc<str>, Option<IpNet>, bool, Key);

impl State {
    /// Every label that `config` and the run-time routes ask for, in a lasting order.
    fn wanted_labels(&self, config: &Config) -> Vec<Want> {
        let vpns = Vpns::new(config);
        let mut wants = Vec::new();
        for (name, vpn) in vpns.iter().filter(|(_, vpn)| vpn.exports_any()) {
            if vpn.label != LabelMode::PerPrefix {
                wants.push((name.clone(), None, true, Key::Vrf(name.clone())));
            }
        }
        if vpns.iter().all(|(_, vpn)| vpn.label == LabelMode::PerVrf) {
            return wants;
        }
        let given = derived(config, &BTreeSet::new()).into_iter();
        let given = given
            .map(|(vrf, prefix, source, distance, wanted)| (vrf, prefix, source, distance, Arc::new(wanted)));
        for (vrf, prefix, source, distance, wanted) in given.chain(self.runtime_routes()) {
            let Some(vpn) = vpns.get(&vrf) else { continue };
            let key = vpn.key(&vrf, prefix, source, distance, &wanted);
            wants.extend(key.map(|key| (vrf, Some(prefix), source != Source::Runtime, key)));
        }
        wants
    }

    /// Routes given at run time.
    fn runtime_routes(&self) -> impl Iterator<Item = (Arc<str>, IpNet, Source, u8, Arc<Wanted>)> {
        let mut vrfs: Vec<_> = self.vrfs.iter().collect();
        vrfs.sort_unstable();
        vrfs.into_iter().flat_map(|(name, id)| {
            let rib = self.ribs.get(*id);
            rib.into_iter().flat_map(move |rib| {
                let routes = rib.iter().flat_map(|(prefix, all)| all.iter().map(move |c| (prefix, c)));
                routes.filter(|(_, c)| c.source == Source::Runtime).filter_map(move |(prefix, c)| {
                    let wanted = rib.target(c.target)?.wanted.clone();
                    Some((name.clone(), prefix, c.source, c.distance, wanted))
                })
            })
        })
    }

    /// Whether the dynamic range has labels enough for `config`.
    ///
    /// # Errors
    ///
    /// That it has not.
    pub(super) fn check_labels(&self, config: &Config) -> Result<(), ConfigErrors> {
        let range = config.labels.dynamic;
        let pool = &self.labels.pool;
        let has = |key: &Key| pool.of(key).is_some_and(|label| range.contains(label));
        let wanted: AHashSet<Key> = self.wanted_labels(config).into_iter().map(|(.., key)| key).collect();
        let new = wanted.iter().filter(|key| !has(key)).count();
        let given_up = pool.given.iter().filter(|(key, l)| range.contains(**l) && !wanted.contains(*key));
        let left = pool.left(range) + given_up.count();
        if new <= left {
            return Ok(());
        }
        let message = format!(
            "the dynamic label range {range} is exhausted: {new} labels are needed beside those in use, {left} are left"
        );
        Err(config.refused("labels.dynamic", message, "give a larger range, or labels per vrf"))
    }

    /// Counts the label that `key` needs in one batch, which gives `given_up` labels up.
    ///
    /// # Errors
    ///
    /// That the dynamic range has none left for it.
    pub(super) fn needs_label(&self, key: Key, new: &mut NewLabels, given_up: usize) -> Result<(), String> {
        let pool = &self.labels.pool;
        if pool.of(&key).is_some() {
            return Ok(());
        }
        let vrf = key.vrf().to_owned();
        new.0.insert(key);
        if new.0.len() <= pool.left(pool.range) + given_up {
            return Ok(());
        }
        Err(format!("the dynamic label range {} is exhausted, and vrf \"{vrf}\" needs a label", pool.range))
    }

    /// The label given out for a route, if its Vrf exports it.
    pub fn label_of(&self, vrf: &str, prefix: IpNet, route: &Candidate) -> Option<u32> {
        let (id, vpn) = (self.vrf(vrf)?, self.vpns.get(vrf)?);
        let exported = vpn_source(route.source) && route.distance != NEVER && vpn.exports(prefix);
        let target = self.ribs.target(TargetRef { vrf: id, id: route.target }).filter(|_| exported)?;
        let (name, _) = self.vrfs.get_key_value(vrf)?;
        let own = vpn.key(name, prefix, route.source, route.distance, &target.wanted);
        self.labels.pool.of(&own.unwrap_or_else(|| Key::Vrf(name.clone())))
    }

    /// The range that labels are given out from.
    pub(super) fn dynamic_labels(&self) -> LabelRange {
        self.labels.pool.range
    }

    /// Gives out the labels that the configuration in force and the run-time routes ask
    /// for, and takes back the others.
    pub(super) fn allocate_all(&mut self, snapshot: &mut Snapshot) {
        self.labels.pool.rested();
        for key in self.labels.pool.set_range(self.config.labels.dynamic) {
            self.take_back(&key, snapshot);
        }
        let wants = self.wanted_labels(&self.config);
        let pool = &mut self.labels.pool;
        pool.uses.clear();
        pool.asked.clear();
        pool.lasting.clear();
        for (vrf, prefix, lasting, key) in &wants {
            *pool.uses.entry(key.clone()).or_default() += 1;
            if let Some((vrf, prefix)) = self.vrfs.get(vrf).copied().zip(*prefix) {
                let keys = pool.asked.entry((vrf, prefix)).or_default();
                if keys.contains(key) {
                    *pool.uses.entry(key.clone()).or_default() -= 1;
                } else {
                    keys.push(key.clone());
                    if *lasting {
                        pool.lasting.entry((vrf, prefix)).or_default().push(key.clone());
                    }
                }
            }
        }
        let gone: Vec<Key> = pool.given.keys().filter(|key| !pool.uses.contains_key(*key)).cloned().collect();
        gone.iter().for_each(|key| self.take_back(key, snapshot));
        wants.into_iter().for_each(|(.., key)| self.give(&key));
    }

    /// Sees to it that what the routes to these prefixes ask for has labels, and that what
    /// none asks for any more has none: first, so that the change can use them.
    pub(super) fn allocate(&mut self, places: Vec<(VrfId, IpNet)>, snapshot: &mut Snapshot) {
        let (mut asked, mut idle) = (Vec::new(), Vec::new());
        for (vrf, prefix) in places {
            let Some(keys) = self.asked_by(vrf, prefix) else { continue };
            let pool = &mut self.labels.pool;
            let old = match keys.is_empty() {
                true => pool.asked.remove(&(vrf, prefix)),
                false => pool.asked.insert((vrf, prefix), keys.clone()),
            };
            keys.iter().for_each(|key| *pool.uses.entry(key.clone()).or_default() += 1);
            for key in old.into_iter().flatten() {
                let Some(uses) = pool.uses.get_mut(&key) else { continue };
                *uses -= 1;
                idle.extend((*uses == 0).then_some(key));
            }
            asked.extend(keys);
        }
        for key in idle {
            if self.labels.pool.uses.get(&key) == Some(&0) {
                self.labels.pool.uses.remove(&key);
                self.take_back(&key, snapshot);
            }
        }
        asked.iter().for_each(|key| self.give(key));
    }

    /// What the routes to a prefix ask labels for; `None` in a Vrf whose routes share one.
    fn asked_by(&self, vrf: VrfId, prefix: IpNet) -> Option<Vec<Key>> {
        let (name, vpn) = self.vpns.of(vrf).filter(|(_, vpn)| vpn.label != LabelMode::PerVrf)?;
        let mut keys = self.labels.pool.lasting.get(&(vrf, prefix)).cloned().unwrap_or_default();
        for candidate in self.ribs.get(vrf).map_or(&[][..], |rib| rib.candidates(prefix)) {
            let at = TargetRef { vrf, id: candidate.target };
            let Some(wanted) = self.ribs.target(at).map(|t| &t.wanted) else { continue };
            let key = vpn.key(name, prefix, candidate.source, candidate.distance, wanted);
            keys.extend(key.filter(|key| !keys.contains(key)));
        }
        Some(keys)
    }

    /// How many labels of the range a batch gives up: of what prefixes ask for and, by
    /// `asks`, of what they ask for then.
    pub(super) fn given_up(&self, asks: &AHashMap<(VrfId, IpNet), Option<Key>>) -> usize {
        let pool = &self.labels.pool;
        let mut fewer: AHashMap<&Key, u32> = AHashMap::new();
        for (place, now) in asks {
            let lasting = pool.lasting.get(place);
            let stays = |key: &&Key| now.as_ref() == Some(*key) || lasting.is_some_and(|l| l.contains(key));
            let goes = pool.asked.get(place).into_iter().flatten().filter(|key| !stays(key));
            goes.for_each(|key| *fewer.entry(key).or_default() += 1);
        }
        let asked: AHashSet<&Key> = asks.values().flatten().collect();
        let idle = |(key, n): &(&Key, u32)| pool.uses.get(*key) == Some(n) && !asked.contains(key);
        let labels = fewer.into_iter().filter(idle).filter_map(|(key, _)| pool.of(key));
        labels.filter(|label| pool.range.contains(*label)).count()
    }

    /// Labels that were given up may be given out again from now on.
    pub(super) fn labels_rested(&mut self) {
        self.labels.pool.rested();
    }

    fn give(&mut self, key: &Key) {
        // Whether there is one has been checked before.
        let Some(label) = self.labels.pool.give(key) else { return };
        let (model, egress) = (AskedModel::default(), Some(Arc::from(key.vrf())));
        let (way, set) = match key {
            Key::Vrf(vrf) => (LabelWay::Lookup { vrf: vrf.clone(), model, bottom: true }, None),
            Key::Ce(vrf, wanted) => {
                let set = self.hold_hops(Some((vrf.clone(), (**wanted).clone())));
                (LabelWay::Pop { model, egress }, set)
            }
            // What the prefix's best route is decides, once that is known.
            Key::Prefix(..) => (LabelWay::Pop { model, egress }, None),
        };
        if let Key::Prefix(vrf, prefix) = key {
            let vrf = self.vrfs.get(vrf).copied();
            self.labels.prefixes.extend(vrf.map(|vrf| (vrf, *prefix)));
        }
        self.set_label(label, Asked::Vrf(key.clone()), way, set);
    }

    fn take_back(&mut self, key: &Key, snapshot: &mut Snapshot) {
        let pool = &mut self.labels.pool;
        if let Some(label) = pool.given.remove(key) {
            pool.resting.push(label);
            // The file may have taken the number over.
            if self.label(label).is_some_and(|of| of.asked == Asked::Vrf(key.clone())) {
                self.remove_label(label, snapshot);
            }
        }
    }

    /// Points a prefix's own label where its best route leads.
    pub(super) fn follow_prefix(&mut self, vrf: VrfId, prefix: IpNet) {
        let Some((name, _)) = self.vpns.of(vrf).filter(|(_, vpn)| vpn.label == LabelMode::PerPrefix) else {
            return;
        };
        let key = Key::Prefix(name.clone(), prefix);
        let Some(label) = self.labels.pool.of(&key) else { return };
        let (model, name) = (AskedModel::default(), name.clone());
        let best = self.ribs.get(vrf).and_then(|rib| rib.best_own(rib.candidates(prefix)));
        let at = best.map(|best| TargetRef { vrf, id: best.target });
        let forwards = |at: &TargetRef| {
            self.ribs.target(*at).is_some_and(|t| matches!(t.outcome, Ok(Resolved::Forward(_))))
        };
        let (way, set) = match at {
            // The set is held all the same: it may come to forward.
            Some(at) if !forwards(&at) => (LabelWay::Lookup { vrf: name, model, bottom: true }, Some(at)),
            set => (LabelWay::Pop { model, egress: Some(name) }, set),
        };
        set.into_iter().for_each(|at| self.ribs.keep(at));
        self.set_label(label, Asked::Vrf(key), way, set);
    }
}
