//! `[[community]]` and `[[extranet]]`: what is meant to reach what.
//!
//! Nothing is forwarded by these. They are the intent that the forwarding state
//! of all routers is held against.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// `[[community]]`: Vrfs that are to reach each other, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Community {
    /// Its name.
    pub name: String,
    /// Its Vrfs: VRF is the Vrf of that name on every router that has one, ROUTER:VRF
    /// that of one router.
    pub members: Vec<Member>,
    /// Members that are hubs: with any, the other members reach these only, not one
    /// another. Default: none, and every member reaches every other.
    pub hubs: Vec<Member>,
    /// Members whose packets reach others, and that none may send to: at a hub with two
    /// lines, the Vrf of what comes from it (RFC 4364 section 4.3.5). Default: none.
    pub send_only: Vec<Member>,
    /// Members that others reach, and that may send to none: at a hub with two lines, the
    /// Vrf of what goes to it. Those that only send may, but need not, reach them.
    /// Default: none.
    pub receive_only: Vec<Member>,
}

impl Community {
    /// Whether the Vrf `vrf` of the router `router` is a member.
    pub fn has(&self, router: &str, vrf: &str) -> bool {
        named(&self.members, router, vrf)
    }

    /// Whether it is to reach every member, and every member it.
    pub fn is_hub(&self, router: &str, vrf: &str) -> bool {
        self.hubs.is_empty() || named(&self.hubs, router, vrf)
    }

    /// Whether others may send to it.
    pub fn receives(&self, router: &str, vrf: &str) -> bool {
        !named(&self.send_only, router, vrf)
    }

    /// Whether it may send to others.
    pub fn sends(&self, router: &str, vrf: &str) -> bool {
        !named(&self.receive_only, router, vrf)
    }
}

fn named(members: &[Member], router: &str, vrf: &str) -> bool {
    members.iter().any(|m| m.is(router, vrf))
}

/// `VRF` or `ROUTER:VRF`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Member {
    /// The router that it is on, without a colon in its name; `None` is every router.
    pub router: Option<String>,
    /// The Vrf's name.
    pub vrf: String,
}

impl Member {
    /// Whether it is the Vrf `vrf` of the router `router`.
    pub fn is(&self, router: &str, vrf: &str) -> bool {
        self.vrf == vrf && self.router.as_deref().is_none_or(|r| r == router)
    }
}

impl FromStr for Member {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (router, vrf) = match text.split_once(':') {
            Some((router, vrf)) => (Some(router), vrf),
            None => (None, text),
        };
        let wrong = || format!("\"{}\" is no vrf", text.chars().take(130).collect::<String>());
        let name = |t: &str| super::values::is_name(t).then(|| t.to_owned()).ok_or_else(wrong);
        Ok(Self { router: router.map(name).transpose()?, vrf: name(vrf)? })
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.router.iter().try_for_each(|router| write!(f, "{router}:"))?;
        f.write_str(&self.vrf)
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// `[[extranet]]`: what one community may send to in another. The way back is an
/// entry of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Extranet {
    /// The community that may send.
    pub from: String,
    /// The community that it may send to.
    pub to: String,
    /// Destinations in `to` that it may send to; at least one.
    #[schemars(with = "Vec<String>")]
    pub prefixes: Vec<IpNet>,
}
