//! The table of one Vrf: prefix → candidates → next-hop sets.
//!
//! A next-hop set ([`Target`]) is kept once however many routes ask for it, and
//! goes when the last of them goes. Edits are collected; [`Rib::settle`] then
//! resolves what they touch and says what forwarding has to learn.

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;
use dataplane::id::NhlfeId;
use ipnet::IpNet;
use prefix_trie::joint::map::JointPrefixMap;

use super::resolve::{Resolved, Unresolved};
use super::{NEVER, Source, Wanted};

/// The place of a [`Target`] in its Rib.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TargetId(pub(crate) u32);

/// One route to a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it leads to.
    pub target: TargetId,
    /// Its administrative distance.
    pub distance: u8,
    /// Where it comes from.
    pub source: Source,
}

/// The routes to one prefix, most preferred first. Nearly always one.
#[derive(Clone, Debug)]
pub(super) enum Candidates {
    One(Candidate),
    Many(Box<[Candidate]>),
}

impl Candidates {
    pub(super) fn all(&self) -> &[Candidate] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    pub(super) fn usable(&self) -> impl Iterator<Item = &Candidate> {
        self.all().iter().filter(|c| c.distance != NEVER)
    }

    fn with(&self, candidate: Candidate) -> Self {
        let mut all = self.all().to_vec();
        let at = all.partition_point(|c| (c.distance, c.source) < (candidate.distance, candidate.source));
        all.insert(at, candidate);
        Self::Many(all.into())
    }

    fn without(&self, at: usize) -> Option<Self> {
        let mut all = self.all().to_vec();
        all.remove(at);
        match all.as_slice() {
            [] => None,
            [one] => Some(Self::One(*one)),
            _ => Some(Self::Many(all.into())),
        }
    }
}

/// A next-hop set.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is asked for.
    pub wanted: Arc<Wanted>,
    /// What it comes to.
    pub outcome: Result<Resolved, Unresolved>,
    /// The engine's entry for it; `NONE` while it comes to nothing.
    pub nhlfe: NhlfeId,
    /// The set that it took a route over from, whose flows it keeps.
    pub(crate) parent: Option<TargetId>,
    routes: u32,
    recursive: bool,
    fresh: bool,
}

/// The routes of one Vrf.
#[derive(Clone, Debug, Default)]
pub struct Rib {
    pub(super) routes: JointPrefixMap<IpNet, Candidates>,
    /// Subnets of the interfaces that are up, the router's address in each.
    pub(super) connected: AHashMap<Arc<str>, Vec<IpNet>>,
    targets: Vec<Option<Target>>,
    free: Vec<u32>,
    index: AHashMap<Arc<Wanted>, TargetId>,
    /// Next-hop addresses that other routes may lead to → the sets that have them.
    watch: JointPrefixMap<IpNet, Vec<TargetId>>,
    edits: Edits,
}

/// What was edited since the Rib was last settled.
#[derive(Clone, Debug, Default)]
struct Edits {
    prefixes: Vec<IpNet>,
    fresh: Vec<TargetId>,
    hit: Vec<TargetId>,
    idle: Vec<TargetId>,
    all: bool,
}

/// What forwarding has to learn.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Next-hop sets that come to something new, or to nothing any more.
    pub(crate) targets: Vec<TargetId>,
    /// Prefixes whose best route may be another.
    pub(crate) prefixes: Vec<IpNet>,
}

impl Rib {
    /// Adds the routes of an interface's address: its subnet and the addresses
    /// in it that are the router's.
    pub fn connect(&mut self, interface: &str, address: IpNet) {
        let name: Arc<str> = interface.into();
        self.connected_to(interface, address);
        for (prefix, wanted) in of_address(&name, address) {
            let source = if wanted == Wanted::Local { Source::Local } else { Source::Connected };
            self.set(prefix, source, source.distance(), wanted);
        }
    }

    /// The next-hop set at `id`.
    pub fn target(&self, id: TargetId) -> Option<&Target> {
        self.targets.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn target_mut(&mut self, id: TargetId) -> Option<&mut Target> {
        self.targets.get_mut(id.0 as usize)?.as_mut()
    }

    /// Next-hop sets in it.
    pub fn targets(&self) -> impl Iterator<Item = (TargetId, &Target)> {
        self.targets.iter().enumerate().filter_map(|(i, t)| Some((TargetId(i as u32), t.as_ref()?)))
    }

    /// Prefixes in it, whether or not a route to them can be used.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Routes to exactly `prefix`, most preferred first.
    pub fn candidates(&self, prefix: IpNet) -> &[Candidate] {
        self.routes.get(&prefix.trunc()).map_or(&[], Candidates::all)
    }

    /// Every prefix and its routes, most preferred first.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, &[Candidate])> {
        self.routes.iter().map(|(prefix, candidates)| (prefix, candidates.all()))
    }

    /// The route to exactly `prefix` that is used, as of the last settling.
    pub fn best(&self, prefix: IpNet) -> Option<&Candidate> {
        let usable = |c: &&Candidate| self.target(c.target).is_some_and(|t| t.outcome.is_ok());
        self.routes.get(&prefix.trunc())?.usable().find(usable)
    }

    /// Bytes of memory it takes, about.
    pub fn memory(&self) -> usize {
        let many = |(_, c): (IpNet, &[Candidate])| if c.len() > 1 { size_of_val(c) } else { 0 };
        self.routes.len() * (size_of::<Candidates>() + 40)
            + self.iter().map(many).sum::<usize>()
            + self.targets.capacity() * (size_of::<Target>() + 64)
    }

    /// Sets the route of this source and distance to `prefix`; `true` when there was one.
    pub fn set(&mut self, prefix: IpNet, source: Source, distance: u8, wanted: Wanted) -> bool {
        let prefix = prefix.trunc();
        let target = self.intern(wanted);
        self.keep(target);
        let candidate = Candidate { target, distance, source };
        let (next, replaced) = match self.routes.get(&prefix) {
            None => (Candidates::One(candidate), None),
            Some(now) => match now.all().iter().position(|c| (c.source, c.distance) == (source, distance)) {
                Some(at) if now.all().len() == 1 => (Candidates::One(candidate), Some(now.all()[at])),
                Some(at) => {
                    let rest = now.without(at);
                    (rest.map_or(Candidates::One(candidate), |r| r.with(candidate)), Some(now.all()[at]))
                }
                None => (now.with(candidate), None),
            },
        };
        if let Some(old) = replaced {
            if old.target != target {
                self.adopt(target, old.target);
            }
            self.release(old.target);
        }
        self.routes.insert(prefix, next);
        self.edited(prefix);
        replaced.is_some()
    }

    /// Takes the route of this source (and this distance, if one is given) to
    /// `prefix` out; `false` when there was none.
    pub fn remove(&mut self, prefix: IpNet, source: Source, distance: Option<u8>) -> bool {
        let prefix = prefix.trunc();
        let Some(now) = self.routes.get(&prefix) else { return false };
        let same = |c: &Candidate| c.source == source && distance.is_none_or(|d| d == c.distance);
        let Some(at) = now.all().iter().position(same) else { return false };
        let old = now.all()[at].target;
        match now.without(at) {
            Some(rest) => drop(self.routes.insert(prefix, rest)),
            None => drop(self.routes.remove(&prefix)),
        }
        self.release(old);
        self.edited(prefix);
        true
    }

    /// Sets the one route of this source to `prefix`, whatever its distance was;
    /// `true` when there was one.
    pub(crate) fn set_only(&mut self, prefix: IpNet, source: Source, distance: u8, wanted: Wanted) -> bool {
        let other = self.candidates(prefix).iter().any(|c| c.source == source && c.distance != distance);
        // Set before the old one goes, so that the new set can take its flows over.
        let replaced = self.set(prefix, source, distance, wanted);
        if !other {
            return replaced;
        }
        let of = |c: &&Candidate| c.source == source && c.distance != distance;
        let old = self.candidates(prefix).iter().find(of).map(|c| c.distance);
        self.remove(prefix, source, old)
    }

    /// What the route of this source and distance to `prefix` asks for.
    pub(crate) fn asked(&self, prefix: IpNet, source: Source, distance: u8) -> Option<&Wanted> {
        let found = self.candidates(prefix).iter().find(|c| (c.source, c.distance) == (source, distance))?;
        self.target(found.target).map(|t| &*t.wanted)
    }

    /// Forgets which subnets are connected; the routes stay.
    pub(crate) fn disconnect_all(&mut self) {
        self.connected.clear();
    }

    /// Says that `address` is connected on `interface`, for next hops that name it.
    pub(crate) fn connected_to(&mut self, interface: &str, address: IpNet) {
        self.connected.entry(interface.into()).or_default().push(address);
    }

    /// Everything is to be resolved anew: interfaces changed.
    pub(crate) fn unsettle(&mut self) {
        self.edits.all = true;
    }

    fn edited(&mut self, prefix: IpNet) {
        let hit = self.watch.children(&prefix).flat_map(|(_, targets)| targets.iter().copied());
        self.edits.hit.extend(hit.filter(|_| prefix.prefix_len() > 0));
        self.edits.prefixes.push(prefix);
    }

    fn intern(&mut self, wanted: Wanted) -> TargetId {
        if let Some(id) = self.index.get(&wanted) {
            return *id;
        }
        let wanted = Arc::new(wanted);
        let (outcome, nhlfe) = (Err(Unresolved::NoRoute), NhlfeId::NONE);
        let target = Target {
            wanted: wanted.clone(),
            outcome,
            nhlfe,
            parent: None,
            routes: 0,
            recursive: true,
            fresh: true,
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.targets[id as usize] = Some(target);
                TargetId(id)
            }
            None => {
                self.targets.push(Some(target));
                TargetId((self.targets.len() - 1) as u32)
            }
        };
        for address in watched(&wanted) {
            self.watch.entry(address.into()).or_default().push(id);
        }
        self.index.insert(wanted, id);
        self.edits.fresh.push(id);
        id
    }

    fn keep(&mut self, id: TargetId) {
        if let Some(target) = self.target_mut(id) {
            target.routes += 1;
        }
    }

    fn adopt(&mut self, id: TargetId, parent: TargetId) {
        if let Some(target) = self.target_mut(id).filter(|t| t.fresh) {
            target.parent.get_or_insert(parent);
        }
    }

    fn release(&mut self, id: TargetId) {
        let Some(target) = self.target_mut(id) else { return };
        target.routes -= 1;
        if target.routes == 0 {
            self.edits.idle.push(id);
        }
    }

    /// Resolves what the edits touch. The engine's entries of sets that are
    /// gone are in the answer; [`Rib::sweep`] forgets the sets themselves.
    pub(crate) fn settle(&mut self) -> Settled {
        let mut edits = mem::take(&mut self.edits);
        let mut settled = Settled { prefixes: edits.prefixes, ..Settled::default() };
        let flipped = self.resolve_all(&mut edits.fresh, &edits.hit, edits.all, &mut settled.targets);
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

    /// Resolves fresh sets and those that edits touch; whether a set of older
    /// routes became or ceased to be usable.
    fn resolve_all(
        &mut self,
        fresh: &mut Vec<TargetId>,
        hit: &[TargetId],
        all: bool,
        out: &mut Vec<TargetId>,
    ) -> bool {
        let mut due = mem::take(fresh);
        if all {
            due = self.targets().map(|(id, _)| id).collect();
        } else if !hit.is_empty() {
            due.extend(hit);
            due.extend(
                self.targets()
                    .filter(|(_, t)| t.recursive && matches!(*t.wanted, Wanted::Via(_)))
                    .map(|(id, _)| id),
            );
            due.sort_unstable_by_key(|id| id.0);
            due.dedup();
        }
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

    fn unwatch(&mut self, address: IpAddr, id: TargetId) {
        let key = IpNet::from(address);
        if let Some(targets) = self.watch.get_mut(&key) {
            targets.retain(|t| *t != id);
            if targets.is_empty() {
                self.watch.remove(&key);
            }
        }
    }
}

/// Addresses whose routes have a say in what `wanted` comes to.
fn watched(wanted: &Wanted) -> Vec<IpAddr> {
    let Wanted::Via(hops) = wanted else { return Vec::new() };
    hops.iter().filter(|h| h.interface.is_none()).map(|h| h.address).collect()
}

/// The routes that an interface's address makes.
pub(crate) fn of_address(interface: &Arc<str>, address: IpNet) -> Vec<(IpNet, Wanted)> {
    // Link-local addresses are of their interface, not of the Vrf (RFC 4007 section 9).
    if super::is_link_local(address.addr()) {
        return Vec::new();
    }
    let mut routes = vec![
        (IpNet::from(address.addr()), Wanted::Local),
        (address.trunc(), Wanted::Connected(interface.clone())),
    ];
    match address {
        IpNet::V4(net) if net.prefix_len() <= 30 => {
            routes.push((IpNet::from(IpAddr::V4(net.broadcast())), Wanted::Local));
        }
        // The subnet-router anycast address (RFC 4291 section 2.6.1).
        IpNet::V6(net) if net.prefix_len() <= 126 => {
            routes.push((IpNet::from(IpAddr::V6(net.network())), Wanted::Local));
        }
        _ => {}
    }
    routes
}
