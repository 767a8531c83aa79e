//! Routes as they are wanted: one [`Rib`] per Vrf.
//!
//! Routes of several sources meet here; of those to one prefix the one with the
//! lowest administrative distance whose next hop can be reached is the best
//! (RFC 1812 section 5.2.4.3 step 5). What can be forwarded is made of this by
//! `commit`; nothing here knows an id of the engine except to keep it.

mod candidate;
mod resolve;
mod settle;
mod table;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config;

pub use candidate::Candidate;
pub use resolve::{Leaf, MOST_DEPTH, Resolved, Unresolved};
pub use table::{Rib, Target, TargetId};

pub(crate) use table::of_address;

/// Next hops of one route at most.
pub const MOST_NEXT_HOPS: usize = 64;
/// The distance at which a route is never used.
pub const NEVER: u8 = 255;

/// Where a route comes from, most preferred first where distances are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// One of the router's own addresses; distance 0.
    Local,
    /// A subnet of an interface; distance 0.
    Connected,
    /// A `[[route]]` of the configuration; distance 1 unless it says otherwise.
    Static,
    /// Given at run time; distance 5 unless it says otherwise.
    Runtime,
    /// What a Vrf does without a route; distance 254.
    Otherwise,
}

impl Source {
    /// Its administrative distance, where nothing says otherwise.
    pub const fn distance(self) -> u8 {
        match self {
            Self::Local | Self::Connected => 0,
            Self::Static => 1,
            Self::Runtime => 5,
            Self::Otherwise => 254,
        }
    }

    /// Its name in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Connected => "connected",
            Self::Static => "static",
            Self::Runtime => "runtime",
            Self::Otherwise => "otherwise",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A neighbour that a route goes by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// Its address.
    pub address: IpAddr,
    /// The interface it is on; `None` is where the address is reached.
    pub interface: Option<Arc<str>>,
}

/// What a route asks for. Names interfaces by name, so that it outlives them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Deliver on this interface's subnet.
    Connected(Arc<str>),
    /// Deliver to the router.
    Local,
    /// Discard.
    Discard(config::Discard),
    /// Forward by any of these.
    Via(Vec<NextHop>),
}

/// What a route of the configuration asks for.
pub(crate) fn wanted(route: &config::Route) -> Wanted {
    if let Some(discard) = route.discard {
        return Wanted::Discard(discard);
    }
    let next_hop =
        |hop: config::Hop<'_>| NextHop { address: hop.address, interface: hop.interface.map(Into::into) };
    Wanted::Via(route.hops().map(next_hop).collect())
}

/// Whether `address` is of one link only (RFC 4291 section 2.5.6).
pub fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(a) if a.is_unicast_link_local())
}

/// Why `prefix` can be no route's, as the end of a sentence.
pub fn not_a_destination(prefix: IpNet) -> Option<&'static str> {
    let network = prefix.network();
    match prefix {
        _ if prefix.addr() != network => Some("has bits set past its length"),
        _ if prefix.prefix_len() > 0 && network.is_multicast() => {
            Some("is multicast, which is not forwarded")
        }
        _ if is_link_local(network) && prefix.prefix_len() >= 10 => {
            Some("is link-local, which does not leave its link")
        }
        _ if prefix.prefix_len() > 0 && network.is_loopback() => {
            Some("is loopback, which does not leave a host")
        }
        _ => None,
    }
}

/// Why `address` can be no next hop to `prefix`, as the end of a sentence.
pub fn not_a_next_hop(prefix: IpNet, address: IpAddr, on_interface: bool) -> Option<&'static str> {
    match (prefix, address) {
        (IpNet::V4(_), IpAddr::V6(_)) => Some("is IPv6, and the prefix is IPv4"),
        (IpNet::V6(_), IpAddr::V4(_)) => Some("is IPv4, and the prefix is IPv6"),
        (_, a) if a.is_unspecified() || a.is_multicast() || a.is_loopback() => {
            Some("is no neighbour's address")
        }
        (_, IpAddr::V4(a)) if a.octets()[0] == 0 || a.octets()[0] >= 240 => Some("is a reserved address"),
        (_, a) if is_link_local(a) && !on_interface => {
            Some("is link-local, and the route names no interface")
        }
        _ => None,
    }
}
