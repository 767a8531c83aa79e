//! One community's routing world (RFC 4364).

use std::sync::Arc;

use super::fib::{Fib4, Fib6};
use crate::id::VrfId;

/// A Vrf: its forwarding tables. Addresses may overlap with any other's.
#[derive(Clone, Debug)]
pub struct Vrf {
    /// Its id.
    pub id: VrfId,
    /// Its name in configuration and commands; "default" is always there.
    pub name: Arc<str>,
    /// IPv4 prefixes, the interfaces' own addresses among them.
    pub fib4: Fib4,
    /// IPv6 prefixes.
    pub fib6: Fib6,
}

impl Vrf {
    /// An empty one.
    pub fn new(id: VrfId, name: &str) -> Self {
        Self { id, name: name.into(), fib4: Fib4::default(), fib6: Fib6::default() }
    }
}
