//! Routes as they are wanted: one [`Rib`] per Vrf.
//!
//! Routes of several sources meet here; of those to one prefix the one with the
//! lowest administrative distance whose next hop can be reached is the best
//! (RFC 1812 section 5.2.4.3 step 5). What can be forwarded is made of this by
//! `commit`; nothing here knows an id of the engine except to keep it.

mod candidate;
mod resolve;
mod ribs;
mod settle;
mod table;
mod target;
mod tunnel;
mod unresolved;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use dataplane::table::Labels;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config;

pub use candidate::Candidate;
pub use resolve::{Leaf, MOST_DEPTH, MOST_LSPS, Resolved, Way};
pub use ribs::Ribs;
pub use table::Rib;
pub use target::{Target, TargetId, TargetRef};
pub use tunnel::{AskedLabels, AskedModel, Tunnel};
pub use unresolved::Unresolved;

pub(crate) use settle::Settled;
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
    /// Taken over from another Vrf by route target; distance 200.
    Imported,
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
            Self::Imported => 200,
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
            Self::Imported => "imported",
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
    /// The Vrf in which the address is reached; `None` is the route's own.
    pub vrf: Option<Arc<str>>,
    /// The labels that packets get on the way to it.
    pub tunnel: Option<AskedLabels>,
    /// What the label that packets came in with is replaced by on the way to it, 3 (implicit
    /// null) being nothing; `None` where they have none, or all next hops have the same.
    pub swap: Option<u32>,
}

impl NextHop {
    /// An unlabelled one, reached in the route's own Vrf.
    pub const fn plain(address: IpAddr, interface: Option<Arc<str>>) -> Self {
        Self { address, interface, vrf: None, tunnel: None, swap: None }
    }

    /// Whether it is reached through an entry that all next hops of its address share:
    /// one with labels, or of another Vrf, whose interface is not said.
    pub const fn is_linked(&self) -> bool {
        self.interface.is_none() && (self.tunnel.is_some() || self.vrf.is_some())
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "via {}", self.address)?;
        self.interface.iter().try_for_each(|name| write!(f, " on {name}"))?;
        self.swap.iter().try_for_each(|label| match *label {
            config::IMPLICIT_NULL => write!(f, " pop"),
            label => write!(f, " swap {label}"),
        })?;
        let labels = self.tunnel.iter().flat_map(|t| t.labels.iter());
        for (i, label) in labels.enumerate() {
            write!(f, "{}{label}", if i == 0 { " push " } else { "," })?;
        }
        self.vrf.iter().try_for_each(|name| write!(f, " in vrf {name}"))
    }
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
    /// Forward to what this next hop comes to: what linked next hops of its address share.
    Lsp(IpAddr),
    /// Forward as another Vrf's route does.
    Imported(TargetRef),
}

/// What a route of the configuration asks for.
pub(crate) fn wanted(route: &config::Route) -> Wanted {
    if let Some(discard) = route.discard {
        return Wanted::Discard(discard);
    }
    let model = AskedModel::said(route.ttl, route.diffserv);
    let hops = route.hops().map(|hop| next_hop(hop, &route.vrf, model, route.entropy));
    Wanted::Via(hops.collect())
}

/// What a next hop of the configuration asks for, in a route or a label of the Vrf `own`.
pub(crate) fn next_hop(hop: config::Hop<'_>, own: &str, model: AskedModel, entropy: bool) -> NextHop {
    // The file's checks leave no stack that is too long.
    let labels = Labels::new(&hop.push).unwrap_or_default();
    NextHop {
        address: hop.address,
        interface: hop.interface.map(Into::into),
        vrf: (hop.vrf != own).then(|| hop.vrf.into()),
        tunnel: (!labels.is_empty()).then_some(AskedLabels { labels, model, entropy }),
        swap: hop.swap,
    }
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
