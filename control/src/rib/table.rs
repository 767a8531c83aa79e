//! The table of one Vrf: prefix → candidates → next-hop sets.
//!
//! A next-hop set ([`Target`]) is kept once however many routes ask for it, and
//! goes when the last of them goes. Edits are collected; [`Ribs::settle`](super::Ribs::settle) then
//! resolves what they touch and says what forwarding has to learn.

use std::net::IpAddr;
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use dataplane::id::NhlfeId;
use dataplane::table::TunnelModel;
use ipnet::IpNet;
use prefix_trie::joint::map::JointPrefixMap;

use super::candidate::{Candidate, Candidates};
use super::target::{Target, TargetId};
use super::unresolved::Unresolved;
use super::{NEVER, Source, Wanted};

/// The routes of one Vrf.
#[derive(Clone, Debug, Default)]
pub struct Rib {
    /// What tunnels do to its packets, where a route or label says nothing else.
    pub(crate) model: TunnelModel,
    pub(super) routes: JointPrefixMap<IpNet, Candidates>,
    /// Subnets of the interfaces that are up, the router's address in each.
    pub(super) connected: AHashMap<Arc<str>, Vec<IpNet>>,
    /// The router's addresses on them.
    own: AHashSet<IpAddr>,
    pub(super) targets: Vec<Option<Target>>,
    pub(super) free: Vec<u32>,
    pub(super) index: AHashMap<Arc<Wanted>, TargetId>,
    /// Next-hop addresses that other routes may lead to → the sets that have them.
    pub(super) watch: JointPrefixMap<IpNet, Vec<TargetId>>,
    pub(super) edits: Edits,
}

/// What was edited since the Rib was last settled.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    pub(super) prefixes: Vec<IpNet>,
    /// Next-hop sets that are new.
    pub(super) fresh: Vec<TargetId>,
    /// Prefixes that cover a next hop.
    pub(super) covering: AHashSet<IpNet>,
    /// Next-hop sets that lost their last route.
    pub(super) idle: Vec<TargetId>,
    /// Everything is to be resolved anew.
    pub(super) all: bool,
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

    /// The prefixes within `net`, itself among them, and their routes.
    pub fn within(&self, net: IpNet) -> impl Iterator<Item = (IpNet, &[Candidate])> {
        self.routes.children(&net.trunc()).map(|(prefix, candidates)| (prefix, candidates.all()))
    }

    /// The longest prefix that covers `address` and has a route that is used, and its routes.
    pub fn longest(&self, address: IpAddr) -> Option<(IpNet, &[Candidate])> {
        let covering = self.routes.cover(&IpNet::from(address));
        let used = covering.filter(|(prefix, _)| self.best(*prefix).is_some());
        used.last().map(|(prefix, candidates)| (prefix, candidates.all()))
    }

    /// The route to exactly `prefix` that is used, as of the last settling.
    pub fn best(&self, prefix: IpNet) -> Option<&Candidate> {
        self.best_of(self.routes.get(&prefix.trunc())?.all())
    }

    /// Which of these routes to one prefix is used.
    pub(crate) fn best_of<'c>(&self, routes: &'c [Candidate]) -> Option<&'c Candidate> {
        let usable = |c: &&Candidate| self.target(c.target).is_some_and(|t| t.outcome.is_ok());
        routes.iter().filter(|c| c.distance != NEVER).find(usable)
    }

    /// The best of these routes to one prefix that other Vrfs may import: what was imported
    /// itself is left out, so that what is offered hangs on no import.
    pub(crate) fn best_own<'c>(&self, routes: &'c [Candidate]) -> Option<&'c Candidate> {
        let own = |c: &&Candidate| !matches!(c.source, Source::Imported | Source::Otherwise);
        let usable = |c: &&Candidate| self.target(c.target).is_some_and(|t| t.outcome.is_ok());
        routes.iter().filter(own).filter(|c| c.distance != NEVER).find(usable)
    }

    /// Bytes of memory it takes, about.
    pub fn memory(&self) -> usize {
        let many = |(_, c): (IpNet, &[Candidate])| if c.len() > 1 { size_of_val(c) } else { 0 };
        self.routes.t1.mem_size()
            + self.routes.t2.mem_size()
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
        self.edited(prefix, source);
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
        self.edited(prefix, source);
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
        self.own.clear();
    }

    /// Whether `prefix` is an address of one of its interfaces.
    pub(crate) fn is_own(&self, prefix: IpNet) -> bool {
        self.own.contains(&prefix.addr())
    }

    /// Says that `address` is connected on `interface`, for next hops that name it.
    pub(crate) fn connected_to(&mut self, interface: &str, address: IpNet) {
        self.connected.entry(interface.into()).or_default().push(address);
        self.own.insert(address.addr());
    }

    /// Everything is to be resolved anew: interfaces changed.
    pub(crate) fn unsettle(&mut self) {
        self.edits.all = true;
    }

    fn edited(&mut self, prefix: IpNet, source: Source) {
        // No next hop is reached by what another Vrf exports.
        if source != Source::Imported
            && prefix.prefix_len() > 0
            && self.watch.children(&prefix).next().is_some()
        {
            self.edits.covering.insert(prefix);
        }
        self.edits.prefixes.push(prefix);
    }

    /// The next-hop set that is `wanted`, asked for once more until it is released.
    pub(crate) fn hold(&mut self, wanted: Wanted) -> TargetId {
        let id = self.intern(wanted);
        self.keep(id);
        id
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
            links: Box::default(),
            depth: 0,
            recursive: true,
            through: false,
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

    pub(super) fn keep(&mut self, id: TargetId) {
        if let Some(target) = self.target_mut(id) {
            target.routes += 1;
        }
    }

    /// Says that a new set takes the place of another, so that flows stay as far as they can.
    pub(crate) fn adopt(&mut self, id: TargetId, parent: TargetId) {
        if let Some(target) = self.target_mut(id).filter(|t| t.fresh) {
            target.parent.get_or_insert(parent);
        }
    }

    pub(crate) fn release(&mut self, id: TargetId) {
        let Some(target) = self.target_mut(id) else { return };
        target.routes -= 1;
        if target.routes == 0 {
            self.edits.idle.push(id);
        }
    }

    pub(super) fn unwatch(&mut self, address: IpAddr, id: TargetId) {
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
pub(super) fn watched(wanted: &Wanted) -> Vec<IpAddr> {
    let hops = match wanted {
        Wanted::Via(hops) => hops,
        Wanted::Lsp(address) => return vec![*address],
        _ => return Vec::new(),
    };
    hops.iter().filter(|h| h.interface.is_none() && !h.is_linked()).map(|h| h.address).collect()
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
