//! Next hops → the neighbours they stand for.
//!
//! A next hop is on a connected subnet, or reached by another route, and so on,
//! at most [`MOST_DEPTH`] deep. The outcome depends on the routes alone, not on
//! which of them are in use, so nothing can oscillate.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::table::{Rib, TargetId};
use super::{NextHop, Wanted, is_link_local};
use crate::config::Discard;

/// Routes that may lead to a next hop one behind the other.
pub const MOST_DEPTH: usize = 8;
/// Routes looked at for one next-hop set, so that no set of routes costs more.
const MOST_STEPS: u32 = 1_024;
/// Neighbours that one route can spread over.
const MOST_LEAVES: usize = 128;

/// A neighbour on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// The interface, by name.
    pub interface: Arc<str>,
    /// The neighbour's address.
    pub address: IpAddr,
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
}

/// Why a next-hop set comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// No route covers the next hop.
    NoRoute,
    /// Only a default route covers the next hop, which proves nothing of it.
    OnlyDefault,
    /// It is the router's own address.
    Own,
    /// It is reached only through itself.
    Loop,
    /// More than [`MOST_DEPTH`] routes lead to it one behind the other.
    TooDeep,
    /// Too many routes had to be looked at.
    TooMany,
    /// The interface it is said to be on is not there, or is down.
    NoInterface(Arc<str>),
    /// It is on no subnet of the interface it is said to be on.
    NotOn(Arc<str>),
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute => f.write_str("no route covers it"),
            Self::OnlyDefault => f.write_str("only a default route covers it"),
            Self::Own => f.write_str("it is the router's own address"),
            Self::Loop => f.write_str("it is reached only through itself"),
            Self::TooDeep => write!(f, "more than {MOST_DEPTH} routes lead to it one behind the other"),
            Self::TooMany => f.write_str("too many routes lead to it"),
            Self::NoInterface(name) => write!(f, "the interface \"{name}\" is not there or is down"),
            Self::NotOn(name) => write!(f, "it is on no subnet of the interface \"{name}\""),
        }
    }
}

impl Unresolved {
    /// Whether other routes to the same next hop are not to be tried.
    fn ends(&self) -> bool {
        matches!(self, Self::Loop | Self::TooDeep | Self::TooMany)
    }
}

/// One resolution under way.
struct Walk<'a> {
    rib: &'a Rib,
    stack: Vec<TargetId>,
    steps: u32,
    /// Whether anything but a connected route was used.
    recursive: bool,
}

impl Rib {
    /// What `target` comes to, and whether other routes had a say in it.
    pub(super) fn resolve(&self, target: TargetId, wanted: &Wanted) -> (Result<Resolved, Unresolved>, bool) {
        let mut walk = Walk { rib: self, stack: vec![target], steps: 0, recursive: false };
        let outcome = walk.wanted(wanted);
        (outcome, walk.recursive)
    }

    /// What one next hop comes to.
    ///
    /// # Errors
    ///
    /// Why it cannot be reached.
    pub fn resolve_next_hop(&self, hop: &NextHop) -> Result<Resolved, Unresolved> {
        Walk { rib: self, stack: Vec::new(), steps: 0, recursive: false }.next_hop(hop)
    }
}

impl Walk<'_> {
    fn wanted(&mut self, wanted: &Wanted) -> Result<Resolved, Unresolved> {
        match wanted {
            Wanted::Connected(interface) => Ok(Resolved::Glean(interface.clone())),
            Wanted::Local => Ok(Resolved::Local),
            Wanted::Discard(discard) => Ok(Resolved::Discard(*discard)),
            Wanted::Via(hops) => self.any(hops),
        }
    }

    /// All the neighbours that `hops` come to; those that come to nothing are left out.
    fn any(&mut self, hops: &[NextHop]) -> Result<Resolved, Unresolved> {
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut other = Err(Unresolved::NoRoute);
        for (i, hop) in hops.iter().enumerate() {
            match self.next_hop(hop) {
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

    fn next_hop(&mut self, hop: &NextHop) -> Result<Resolved, Unresolved> {
        if let Some(name) = &hop.interface {
            return self.on_interface(name, hop.address);
        }
        let mut covering: Vec<_> = self.rib.routes.cover(&IpNet::from(hop.address)).collect();
        covering.reverse();
        let mut why = Unresolved::NoRoute;
        for (prefix, candidates) in covering {
            if prefix.prefix_len() == 0 {
                why = if why == Unresolved::NoRoute { Unresolved::OnlyDefault } else { why };
                break;
            }
            for candidate in candidates.usable() {
                match self.candidate(prefix, candidate.target, hop.address) {
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
        target: TargetId,
        address: IpAddr,
    ) -> Option<Result<Resolved, Unresolved>> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Some(Err(Unresolved::TooMany));
        }
        if self.stack.contains(&target) {
            // A host route by its own destination is reached by what is around it.
            let host = prefix.prefix_len() == prefix.max_prefix_len();
            return (!host).then_some(Err(Unresolved::Loop));
        }
        if self.stack.len() > MOST_DEPTH {
            return Some(Err(Unresolved::TooDeep));
        }
        let rib = self.rib;
        let wanted = &rib.target(target)?.wanted;
        self.recursive |= matches!(**wanted, Wanted::Via(_) | Wanted::Discard(_));
        self.stack.push(target);
        let outcome = self.wanted(wanted);
        self.stack.pop();
        Some(match outcome {
            Ok(Resolved::Glean(interface)) => Ok(Resolved::Forward(vec![Leaf { interface, address }])),
            Ok(Resolved::Local) => Err(Unresolved::Own),
            other => other,
        })
    }

    fn on_interface(&self, name: &Arc<str>, address: IpAddr) -> Result<Resolved, Unresolved> {
        let subnets = self.rib.connected.get(name).ok_or_else(|| Unresolved::NoInterface(name.clone()))?;
        if subnets.iter().any(|s| s.addr() == address) {
            return Err(Unresolved::Own);
        }
        let speaks = is_link_local(address) && subnets.iter().any(|s| matches!(s, IpNet::V6(_)));
        if !speaks && !subnets.iter().any(|s| s.contains(&address)) {
            return Err(Unresolved::NotOn(name.clone()));
        }
        Ok(Resolved::Forward(vec![Leaf { interface: name.clone(), address }]))
    }
}
