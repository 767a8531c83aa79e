//! A provider's network of real router processes: PE, P, PE, with kernel hosts of
//! two communities at both ends, whose addresses are the same.
//!
//! ```text
//!   c1 host ─┐                                   ┌─ c1 host
//!            ├─ pe1 ── core ── p1 ── core ── pe2 ┤
//!   c2 host ─┘                                   └─ c2 host
//! ```

use std::net::IpAddr;

use testbed::netns::Namespace;
use testbed::network::plan::Plan;

use super::process::Router;
use super::{probe, wait};

/// Which host: at PE 1 or 2, of community 1 or 2.
pub type Place = (usize, usize);

const PLAN: Plan = Plan { pes: 2, ps: 1, communities: 2, ces: false };

/// The namespaces and the processes.
#[derive(Debug)]
pub struct Provider {
    /// By [`Place`].
    hosts: Vec<(Place, Namespace)>,
    /// By name, with their configurations.
    routers: Vec<(String, String, Router)>,
}

impl Provider {
    /// Builds it and waits until every host hears the other of its community.
    pub fn start() -> Self {
        let names: Vec<String> = PLAN.configurations().into_iter().map(|(name, _)| name).collect();
        let spaces: Vec<Namespace> = names.iter().map(|name| Namespace::new(name).unwrap()).collect();
        let space = |name: &str| &spaces[names.iter().position(|n| n == name).unwrap()];
        for ((a, a_dev), (b, b_dev)) in PLAN.lines() {
            line(space(&a), &a_dev, space(&b), &b_dev);
        }
        let hosts: Vec<_> = PLAN.sites().map(|(n, c)| ((n, c), host(n, c, &space))).collect();
        // As fast as they can all at once: each waits for its addresses to be tried.
        let start = |(name, text): (String, String)| {
            let text = over_devices(&text);
            let router = Router::start(space(&name), &text);
            (name, text, router)
        };
        let routers = PLAN.configurations().into_iter().map(start).collect();
        let provider = Self { hosts, routers };
        for c in [1, 2] {
            for to in provider.addresses((2, c)) {
                wait("the hosts hear one another", || probe::answers(provider.host((1, c)), to));
            }
        }
        provider
    }

    /// A host.
    pub fn host(&self, at: Place) -> &Namespace {
        &self.hosts.iter().find(|(place, _)| *place == at).unwrap().1
    }

    /// Its addresses: the same in both communities.
    pub fn addresses(&self, (n, c): Place) -> [IpAddr; 2] {
        PLAN.access(n, c).2.map(|net| net.addr())
    }

    /// A router's process, and the configuration it was started with.
    pub fn router(&self, name: &str) -> (&Router, &str) {
        let (_, text, router) = self.routers.iter().find(|(n, ..)| n == name).unwrap();
        (router, text)
    }

    /// The address of its customers' router at PE `n`.
    pub fn gateways(&self, n: usize) -> [IpAddr; 2] {
        PLAN.access(n, 1).1.map(|net| net.addr())
    }
}

/// The plan's text with packet sockets in place of in-process lines, but for the loopback's.
fn over_devices(text: &str) -> String {
    let parts = text.split("[[port]]").map(|part| match part.contains("name = \"lo\"") {
        true => part.to_owned(),
        false => part.replacen("kind = \"loopback\"", "kind = \"af-packet\"", 1),
    });
    parts.collect::<Vec<_>>().join("[[port]]")
}

/// A line between two routers that takes two labels above 1,500 bytes.
fn line(a: &Namespace, a_dev: &str, b: &Namespace, b_dev: &str) {
    a.veth(a_dev, b, b_dev).unwrap();
    for (space, dev) in [(a, a_dev), (b, b_dev)] {
        space.mtu(dev, 1600).unwrap();
        space.ipv6_off(dev).unwrap();
        space.up(dev).unwrap();
    }
}

/// The host of a site, with its line to the PE.
fn host<'a>(n: usize, c: usize, space: &impl Fn(&str) -> &'a Namespace) -> Namespace {
    let ((pe, port), gateways, addresses) = PLAN.access(n, c);
    let (host, pe) = (Namespace::new(&format!("host {n}-{c}")).unwrap(), space(&pe));
    pe.veth(&port, &host, "h").unwrap();
    pe.ipv6_off(&port).unwrap();
    pe.up(&port).unwrap();
    host.offloads_off("h").unwrap();
    host.up("h").unwrap();
    addresses.iter().for_each(|address| host.address("h", *address).unwrap());
    for (all, via) in ["0.0.0.0/0", "::/0"].into_iter().zip(gateways) {
        host.route(all.parse().unwrap(), via.addr()).unwrap();
    }
    host.sysctl("net.ipv4.ping_group_range", "0 0").unwrap();
    host
}
