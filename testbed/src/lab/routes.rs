//! Routes at run time, through the control side's own transactions.

use control::commit::{RouteChange, RouteReport, RouteSpec, RouteVia};
use dataplane::table::Snapshot;
use ipnet::IpNet;

use super::Lab;
use crate::packet::address;

impl Lab {
    /// Adds a route, or takes the place of the one to that prefix. `via` are the next hops.
    ///
    /// # Panics
    /// When the texts are wrong or the route is refused.
    #[track_caller]
    pub fn route_add(&mut self, vrf: &str, prefix: &str, via: &[&str]) {
        self.routes(&[added(vrf, prefix, via)]);
    }

    /// Takes a run-time route out.
    ///
    /// # Panics
    /// When the text is wrong or the change is refused.
    #[track_caller]
    pub fn route_del(&mut self, vrf: &str, prefix: &str) {
        self.routes(&[RouteChange::Remove { vrf: Some(vrf.into()), prefix: net(prefix) }]);
    }

    /// Makes all these changes, or none.
    ///
    /// # Panics
    /// When one is refused.
    #[track_caller]
    pub fn routes(&mut self, changes: &[RouteChange]) -> RouteReport {
        let state = &mut self.state;
        let change = |snapshot: &mut Snapshot| state.routes(changes, snapshot);
        match self.router.handle().commit(change) {
            Ok(report) => report,
            Err(errors) => panic!("{errors}"),
        }
    }
}

/// The change that adds a route.
///
/// # Panics
/// When the texts are wrong.
#[track_caller]
pub fn added(vrf: &str, prefix: &str, via: &[&str]) -> RouteChange {
    let via = via.iter().map(|hop| RouteVia::from(address(hop))).collect();
    RouteChange::Add(RouteSpec { vrf: Some(vrf.into()), prefix: net(prefix), via, ..RouteSpec::default() })
}

#[track_caller]
fn net(text: &str) -> IpNet {
    match text.parse() {
        Ok(net) => net,
        Err(_) => panic!("\"{text}\" is not a prefix"),
    }
}
