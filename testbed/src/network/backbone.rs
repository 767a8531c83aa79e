//! A [`Plan`] built: its routers running and joined, hosts where they are asked for.

use std::time::Duration;

use super::plan::Plan;
use super::{End, Network, Node, Station};
use crate::lab::Lab;

/// A provider network at work.
#[derive(Debug)]
pub struct Backbone {
    /// What it was built by.
    pub plan: Plan,
    /// Its routers, each under the name that the plan gives it.
    pub network: Network,
    seed: u64,
}

/// The one-way delay of every line.
const DELAY: Duration = Duration::from_micros(500);

impl Plan {
    /// Builds it, every router settled; `seed` decides the hosts' chances.
    ///
    /// # Panics
    /// When a router refuses its configuration.
    #[track_caller]
    pub fn build(self, seed: u64) -> Backbone {
        self.build_with(seed, |_, text| text)
    }

    /// As [`Plan::build`], each router's configuration changed by `edit`, which is
    /// given its name too.
    ///
    /// # Panics
    /// As [`Plan::build`].
    #[track_caller]
    pub fn build_with(self, seed: u64, edit: impl Fn(&str, String) -> String) -> Backbone {
        let mut network = Network::new(seed);
        for (name, text) in self.configurations() {
            let text = edit(&name, text);
            network.add_named(&name, Lab::new(&text));
        }
        for ((a, a_port), (b, b_port)) in self.lines() {
            let (a, b) = (network.named(&a), network.named(&b));
            network.join((a, &a_port), (b, &b_port), DELAY, 0);
        }
        Backbone { plan: self, network, seed }
    }
}

impl Backbone {
    /// Puts the host of community `c` at PE `n`; see [`Plan::access`].
    ///
    /// # Panics
    /// When the plan has no such site.
    #[track_caller]
    pub fn host(&mut self, n: usize, c: usize) -> End {
        let ((router, port), gateways, addresses) = self.plan.access(n, c);
        let at = self.network.named(&router);
        let mac = [2, 0, 0x5e, n as u8, (c >> 8) as u8, c as u8];
        let seed = self.seed ^ (n as u64) << 16 ^ (c as u64) << 32;
        let station = Station::new(mac, &addresses, &gateways.map(|gateway| gateway.addr()), seed);
        self.network.attach((at, &port), station, DELAY)
    }

    /// The laboratory of a router.
    ///
    /// # Panics
    /// When the plan has none of this name.
    #[track_caller]
    pub fn lab(&mut self, name: &str) -> &mut Lab {
        let node: Node = self.network.named(name);
        self.network.lab(node)
    }
}
