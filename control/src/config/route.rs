//! `[[route]]`: static routes and their next hops.

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::label::IMPLICIT_NULL;
use super::words::{DiffServWord, Discard, TtlWord};

/// `[[route]]`: a static route; either `via` or `discard`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Route {
    /// Its Vrf. Default "default".
    pub vrf: String,
    /// Destinations it is for; bits past the length must be 0.
    #[schemars(with = "String")]
    pub prefix: IpNet,
    /// Next hops, 1 to 64, each an address or `{ address, interface, push }`; several share the
    /// flows (ECMP). Of the prefix's family, unless labels are pushed. A next hop is on a connected
    /// subnet, or itself reached by another route, at most 8 deep.
    pub via: Vec<Via>,
    /// The interface of the next hops that name none; needed for IPv6 link-local ones.
    /// Default: where they are connected.
    pub interface: Option<String>,
    /// Labels put on, outermost first, for next hops that name none: at most 8, each 16 to
    /// 1,048,575, 0 or 2 (explicit null), or 3 (implicit null: nothing is put on). Default: none.
    pub push: Vec<u32>,
    /// The Vrf in which next hops are resolved. Default: the route's own, or "default" for
    /// next hops with labels.
    pub via_vrf: Option<String>,
    /// Whether an entropy label goes below the outermost label (RFC 6790). Default false.
    pub entropy: bool,
    /// What the labels take over of the TTL. Default: the Vrf's.
    pub ttl: Option<TtlWord>,
    /// What the labels take over of the marks. Default: the Vrf's.
    pub diffserv: Option<DiffServWord>,
    /// What to do instead of forwarding.
    pub discard: Option<Discard>,
    /// Administrative distance, 1 to 255: of routes to one prefix, the lowest that has a
    /// next hop is used; 255 is never used. Default 1.
    pub distance: u8,
}

impl Route {
    /// The next hops, with what holds for all of them filled in.
    pub fn hops(&self) -> impl Iterator<Item = Hop<'_>> {
        self.via.iter().map(|via| {
            let labelled = via.push.as_ref().map_or(!self.push.is_empty(), |own| !own.is_empty());
            let vrf = self.via_vrf.as_deref();
            let vrf = vrf.unwrap_or(if labelled { "default" } else { &self.vrf });
            via.hop(self.interface.as_deref(), &self.push, vrf)
        })
    }
}

/// A next hop as it is written: an address, or `{ address, interface, push, swap }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// Its address.
    pub address: IpAddr,
    /// The interface it is on; `None` is what the route says.
    pub interface: Option<String>,
    /// Labels put on, outermost first; `None` is what the route says.
    pub push: Option<Vec<u32>>,
    /// Of a label: what replaces it on the way to this next hop; `None` is what the label says.
    pub swap: Option<u32>,
}

/// A next hop with what the route says for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop<'a> {
    /// Its address.
    pub address: IpAddr,
    /// The interface it is on; `None` is where it is connected, or a route leads.
    pub interface: Option<&'a str>,
    /// Labels put on, outermost first; without implicit nulls.
    pub push: Vec<u32>,
    /// Of a label whose next hops do not all have the same: what replaces it here.
    pub swap: Option<u32>,
    /// The Vrf in which it is resolved.
    pub vrf: &'a str,
}

impl Via {
    pub(super) fn hop<'a>(&'a self, interface: Option<&'a str>, push: &[u32], vrf: &'a str) -> Hop<'a> {
        let push = self.push.as_deref().unwrap_or(push);
        Hop {
            address: self.address,
            interface: self.interface.as_deref().or(interface),
            push: push.iter().copied().filter(|label| *label != IMPLICIT_NULL).collect(),
            swap: None,
            vrf,
        }
    }
}

impl From<IpAddr> for Via {
    fn from(address: IpAddr) -> Self {
        Self { address, interface: None, push: None, swap: None }
    }
}

/// A next hop: an address, or a table with more of it.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Written<'a> {
    /// A neighbour's address.
    Address(#[schemars(with = "String")] IpAddr),
    /// More of it.
    Table {
        /// A neighbour's address.
        #[schemars(with = "String")]
        address: IpAddr,
        /// The interface it is on. Default: the route's.
        #[serde(skip_serializing_if = "Option::is_none")]
        interface: Option<&'a str>,
        /// Labels put on, outermost first. Default: the route's.
        #[serde(skip_serializing_if = "Option::is_none")]
        push: Option<&'a [u32]>,
        /// Of a label: what replaces it on the way there. Default: the label's.
        #[serde(skip_serializing_if = "Option::is_none")]
        swap: Option<u32>,
    },
}

impl Serialize for Via {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let Self { address, interface, push, swap } = self;
        match (interface, push, swap) {
            (None, None, None) => Written::Address(*address),
            _ => Written::Table {
                address: *address,
                interface: interface.as_deref(),
                push: push.as_deref(),
                swap: *swap,
            },
        }
        .serialize(s)
    }
}

impl JsonSchema for Via {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Via".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}
