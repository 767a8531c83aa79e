//! Why a next hop cannot be reached, in words.

use std::fmt;
use std::sync::Arc;

use super::resolve::MOST_DEPTH;

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
    /// The Vrf it is said to be reached in is not there.
    NoVrf(Arc<str>),
    /// It gets labels, and the interface it is on has MPLS off.
    NoLabels(Arc<str>),
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
            Self::NoVrf(name) => write!(f, "there is no vrf \"{name}\""),
            Self::NoLabels(name) => write!(f, "the interface \"{name}\" sends no labelled frames"),
        }
    }
}

impl Unresolved {
    /// Whether other routes to the same next hop are not to be tried.
    pub(super) fn ends(&self) -> bool {
        matches!(self, Self::Loop | Self::TooDeep | Self::TooMany)
    }
}
