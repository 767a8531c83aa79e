//! Next hops → the neighbours they stand for.
//!
//! A next hop is on a connected subnet, or reached by another route, and so on,
//! at most [`MOST_DEPTH`] deep. The outcome depends on the routes alone, not on
//! which of them are in use, so nothing can oscillate.
//!
//! A linked next hop (one with labels, or of another Vrf) is where a walk ends: what
//! it goes through is a next-hop set of its own, which is settled before.

use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashSet;
use dataplane::id::VrfId;
use ipnet::IpNet;

use super::ribs::Ribs;
use super::table::Rib;
use super::target::TargetRef;
use super::unresolved::Unresolved;
use super::{NextHop, Tunnel, Wanted, is_link_local};
use crate::config::{Discard, IMPLICIT_NULL};

/// Routes that may lead to a next hop one behind the other.
pub const MOST_DEPTH: usize = 8;
/// Routes looked at for one next-hop set, so that no set of routes costs more.
const MOST_STEPS: u32 = 1_024;
/// Neighbours that one route can spread over.
const MOST_LEAVES: usize = 128;

/// LSPs that packets may be put into one inside the other.
pub const MOST_LSPS: u8 = 3;

/// One of the ways of a next-hop set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// Where it goes.
    pub way: Way,
    /// What the label that packets came in with is replaced by first; see [`NextHop::swap`].
    pub swap: Option<u32>,
    /// Labels put on before.
    pub tunnel: Option<Tunnel>,
}

/// Where a [`Leaf`] goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// To a neighbour.
    Neighbour {
        /// The interface, by name.
        interface: Arc<str>,
        /// The neighbour's address.
        address: IpAddr,
    },
    /// Through this next-hop set, which forwards.
    Through(TargetRef),
}

/// What a next-hop set comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// To any of these.
    Forward(Vec<Leaf>),
    /// To the destination itself, on this interface.
    Glean(Arc<str>),
    /// To the router.
    Local,
    /// Nowhere.
    Discard(Discard),
    /// As this next-hop set of another Vrf.
    Imported(TargetRef),
}

impl Resolved {
    /// The ways, where it is forwarded.
    pub fn leaves(&self) -> &[Leaf] {
        match self {
            Self::Forward(leaves) => leaves,
            _ => &[],
        }
    }
}

/// One resolution under way.
struct Walk<'a> {
    ribs: Option<&'a Ribs>,
    vrf: VrfId,
    rib: &'a Rib,
    /// The set that is resolved, if it is one.
    root: Option<TargetRef>,
    stack: Vec<TargetRef>,
    /// Linked next hops that are resolved within, where they are tied to nothing.
    linked: Vec<(VrfId, IpAddr)>,
    steps: u32,
    /// Sets that are not settled yet, and the first of them that was met.
    due: Option<&'a AHashSet<TargetRef>>,
    needs: Option<TargetRef>,
    /// Whether anything but a connected route was used.
    recursive: bool,
    /// Whether a linked next hop of another route was met.
    through: bool,
}

/// What the resolution of a set gave.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) outcome: Result<Resolved, Unresolved>,
    /// Whether other routes had a say in it.
    pub(super) recursive: bool,
    /// Whether routes with linked next hops had.
    pub(super) through: bool,
}

impl Ribs {
    /// What the set at `at` comes to, or the set of `due` that is to be resolved before it.
    pub(super) fn resolve(&self, at: TargetRef, due: &AHashSet<TargetRef>) -> Result<Walked, TargetRef> {
        let gone = || Walked { outcome: Err(Unresolved::NoRoute), recursive: false, through: false };
        let Some((rib, target)) = self.get(at.vrf).and_then(|rib| Some((rib, rib.target(at.id)?))) else {
            return Ok(gone());
        };
        let mut walk = Walk { ribs: Some(self), due: Some(due), ..Walk::new(at.vrf, rib) };
        (walk.root, walk.stack) = (Some(at), vec![at]);
        let outcome = walk.wanted(&target.wanted, &target.links);
        match walk.needs {
            Some(first) => Err(first),
            None => Ok(Walked { outcome, recursive: walk.recursive, through: walk.through }),
        }
    }

    /// What one next hop of a route in `vrf` comes to.
    ///
    /// # Errors
    ///
    /// Why it cannot be reached.
    pub fn resolve_next_hop(&self, vrf: VrfId, hop: &NextHop) -> Result<Resolved, Unresolved> {
        let rib = self.get(vrf).ok_or(Unresolved::NoRoute)?;
        Walk { ribs: Some(self), ..Walk::new(vrf, rib) }.next_hop(hop, None)
    }
}

impl Rib {
    /// What one next hop comes to in this Vrf, with no regard to others.
    ///
    /// # Errors
    ///
    /// Why it cannot be reached.
    pub fn resolve_next_hop(&self, hop: &NextHop) -> Result<Resolved, Unresolved> {
        Walk::new(VrfId::NONE, self).next_hop(hop, None)
    }
}

impl<'a> Walk<'a> {
    fn new(vrf: VrfId, rib: &'a Rib) -> Self {
        Self {
            ribs: None,
            vrf,
            rib,
            root: None,
            stack: Vec::new(),
            linked: Vec::new(),
            steps: 0,
            due: None,
            needs: None,
            recursive: false,
            through: false,
        }
    }

    fn wanted(&mut self, wanted: &Wanted, links: &[Option<TargetRef>]) -> Result<Resolved, Unresolved> {
        match wanted {
            Wanted::Connected(interface) => Ok(Resolved::Glean(interface.clone())),
            Wanted::Local => Ok(Resolved::Local),
            Wanted::Discard(discard) => Ok(Resolved::Discard(*discard)),
            Wanted::Via(hops) => self.any(hops, links),
            Wanted::Lsp(address) => self.covered(*address),
            Wanted::Imported(from) => {
                if self.is_due(*from) {
                    return Err(Unresolved::Loop);
                }
                let found = self.ribs.and_then(|ribs| ribs.target(*from)).filter(|t| t.outcome.is_ok());
                found.map(|_| Resolved::Imported(*from)).ok_or(Unresolved::NoRoute)
            }
        }
    }

    /// All the ways that `hops` come to; those that come to nothing are left out.
    fn any(&mut self, hops: &[NextHop], links: &[Option<TargetRef>]) -> Result<Resolved, Unresolved> {
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut other = Err(Unresolved::NoRoute);
        let mut links = links.iter().copied();
        for (i, hop) in hops.iter().enumerate() {
            let link = if hop.is_linked() { links.next().flatten() } else { None };
            match self.next_hop(hop, link) {
                Ok(Resolved::Forward(found)) => {
                    for leaf in found {
                        if leaves.len() < MOST_LEAVES && !leaves.contains(&leaf) {
                            leaves.push(leaf);
                        }
                    }
                }
                Err(why) if other.is_err() && i == 0 => other = Err(why),
                Err(_) => {}
                outcome if other.is_err() => other = outcome,
                Ok(_) => {}
            }
        }
        if leaves.is_empty() { other } else { Ok(Resolved::Forward(leaves)) }
    }

    fn next_hop(&mut self, hop: &NextHop, link: Option<TargetRef>) -> Result<Resolved, Unresolved> {
        let found = match (&hop.interface, link) {
            (Some(name), _) => self.on_interface(name, hop)?,
            (None, Some(at)) => return self.shared(at, hop),
            (None, None) if hop.is_linked() => return self.within(hop),
            (None, None) => self.covered(hop.address)?,
        };
        let tunnel = self.tunnel(hop);
        Ok(match found {
            Resolved::Forward(mut leaves) => {
                if tunnel.is_some() || hop.swap.is_some_and(|label| label != IMPLICIT_NULL) {
                    leaves = self.labelled(leaves)?;
                }
                for leaf in &mut leaves {
                    (leaf.swap, leaf.tunnel) = (hop.swap, tunnel.or(leaf.tunnel));
                }
                Resolved::Forward(leaves)
            }
            found => found,
        })
    }

    /// Leaves out the neighbours that are not sent labelled frames.
    fn labelled(&self, mut leaves: Vec<Leaf>) -> Result<Vec<Leaf>, Unresolved> {
        let Some(ribs) = self.ribs else { return Ok(leaves) };
        let mut off = None;
        leaves.retain(|leaf| {
            let Way::Neighbour { interface, .. } = &leaf.way else { return true };
            let without = ribs.unlabelled.get(interface);
            off = off.or(without);
            without.is_none()
        });
        match off {
            Some(off) if leaves.is_empty() => Err(Unresolved::NoLabels(off.clone())),
            _ => Ok(leaves),
        }
    }

    /// The labels that a next hop asks for, in the Vrf whose route has it.
    fn tunnel(&self, hop: &NextHop) -> Option<Tunnel> {
        hop.tunnel.map(|asked| asked.within(self.rib.model))
    }

    /// Whether a set is to be resolved before this one, which is then resolved once more.
    fn is_due(&mut self, at: TargetRef) -> bool {
        let due = self.due.is_some_and(|due| due.contains(&at));
        self.needs = self.needs.or(due.then_some(at));
        due
    }

    /// What the set that linked next hops share comes to.
    fn shared(&mut self, at: TargetRef, hop: &NextHop) -> Result<Resolved, Unresolved> {
        if self.is_due(at) {
            return Err(Unresolved::Loop);
        }
        let target = self.ribs.and_then(|ribs| ribs.target(at)).ok_or(Unresolved::NoRoute)?;
        let off = self.ribs.filter(|_| hop.tunnel.is_some()).and_then(|ribs| ribs.unlabelled_way(at));
        if let Some(off) = off {
            return Err(Unresolved::NoLabels(off.clone()));
        }
        match &target.outcome {
            Ok(Resolved::Forward(_)) => Ok(Resolved::Forward(vec![Leaf {
                way: Way::Through(at),
                swap: hop.swap,
                tunnel: self.tunnel(hop),
            }])),
            outcome => outcome.clone(),
        }
    }

    /// What a linked next hop comes to that is tied to nothing: that of a route which is
    /// only looked at.
    fn within(&mut self, hop: &NextHop) -> Result<Resolved, Unresolved> {
        let vrf = match (&hop.vrf, self.ribs) {
            (None, _) => self.vrf,
            (Some(name), ribs) => ribs.and_then(|r| r.named(name)).ok_or(Unresolved::NoVrf(name.clone()))?,
        };
        let here = (vrf, hop.address);
        if self.linked.contains(&here) {
            return Err(Unresolved::Loop);
        }
        if self.linked.len() >= usize::from(MOST_LSPS) {
            return Err(Unresolved::TooDeep);
        }
        let outer = (self.vrf, self.rib);
        let rib = self.ribs.and_then(|ribs| ribs.get(vrf)).unwrap_or(self.rib);
        (self.vrf, self.rib) = (vrf, rib);
        self.linked.push(here);
        let outcome = self.covered(hop.address);
        self.linked.pop();
        (self.vrf, self.rib) = outer;
        outcome
    }

    /// What the routes come to that cover `address`: the first that leads anywhere.
    fn covered(&mut self, address: IpAddr) -> Result<Resolved, Unresolved> {
        let mut covering: Vec<_> = self.rib.routes.cover(&IpNet::from(address)).collect();
        covering.reverse();
        let mut why = Unresolved::NoRoute;
        for (prefix, candidates) in covering {
            if prefix.prefix_len() == 0 {
                why = if why == Unresolved::NoRoute { Unresolved::OnlyDefault } else { why };
                break;
            }
            for candidate in candidates.usable() {
                let target = TargetRef { vrf: self.vrf, id: candidate.target };
                match self.candidate(prefix, target, address) {
                    Some(Err(reason)) if reason.ends() => return Err(reason),
                    Some(Err(reason)) => why = reason,
                    Some(Ok(resolved)) => return Ok(resolved),
                    None => {}
                }
            }
        }
        Err(why)
    }

    /// What a route comes to that covers the next hop `address`; `None` where it says nothing.
    fn candidate(
        &mut self,
        prefix: IpNet,
        at: TargetRef,
        address: IpAddr,
    ) -> Option<Result<Resolved, Unresolved>> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Some(Err(Unresolved::TooMany));
        }
        let rib = self.rib;
        let target = rib.target(at.id)?;
        // A host route by its own destination is reached by what is around it.
        let host = prefix.prefix_len() == prefix.max_prefix_len();
        if self.stack.contains(&at) {
            return (!host).then_some(Err(Unresolved::Loop));
        }
        if host && self.leads_to_itself(&target.wanted, address) {
            return None;
        }
        if self.stack.len() > MOST_DEPTH {
            return Some(Err(Unresolved::TooDeep));
        }
        match *target.wanted {
            Wanted::Imported(_) => return None,
            Wanted::Via(_) | Wanted::Discard(_) => self.recursive = true,
            _ => {}
        }
        self.through |= matches!(&*target.wanted, Wanted::Via(hops) if hops.iter().any(NextHop::is_linked));
        self.stack.push(at);
        let outcome = self.wanted(&target.wanted, &target.links);
        self.stack.pop();
        Some(match outcome {
            Ok(Resolved::Glean(interface)) => {
                let way = Way::Neighbour { interface, address };
                Ok(Resolved::Forward(vec![Leaf { way, swap: None, tunnel: None }]))
            }
            Ok(Resolved::Local) => Err(Unresolved::Own),
            other => other,
        })
    }

    /// Whether a linked next hop among these is `address` in this Vrf itself.
    fn leads_to_itself(&self, wanted: &Wanted, address: IpAddr) -> bool {
        let Wanted::Via(hops) = wanted else { return false };
        let here = |hop: &NextHop| match (&hop.vrf, self.ribs) {
            (None, _) => true,
            (Some(name), ribs) => ribs.and_then(|r| r.named(name)) == Some(self.vrf),
        };
        hops.iter().any(|hop| hop.is_linked() && hop.address == address && here(hop))
    }

    fn on_interface(&self, name: &Arc<str>, hop: &NextHop) -> Result<Resolved, Unresolved> {
        let rib = match (&hop.vrf, self.ribs) {
            (Some(vrf), Some(ribs)) => {
                ribs.named(vrf).and_then(|id| ribs.get(id)).ok_or_else(|| Unresolved::NoVrf(vrf.clone()))?
            }
            _ => self.rib,
        };
        let subnets = rib.connected.get(name).ok_or_else(|| Unresolved::NoInterface(name.clone()))?;
        let address = hop.address;
        if subnets.iter().any(|s| s.addr() == address) {
            return Err(Unresolved::Own);
        }
        let speaks = is_link_local(address) && subnets.iter().any(|s| matches!(s, IpNet::V6(_)));
        if !speaks && !subnets.iter().any(|s| s.contains(&address)) {
            return Err(Unresolved::NotOn(name.clone()));
        }
        let way = Way::Neighbour { interface: name.clone(), address };
        Ok(Resolved::Forward(vec![Leaf { way, swap: None, tunnel: None }]))
    }
}
