//! Two kernel hosts with the router process between them.
//!
//! ```text
//!   near host                  router process                  far host
//!   10.1.0.2 ── 1500 bytes ── 10.1.0.1 │ 10.2.0.1 ─ narrow ─ 10.2.0.2 to .4
//!   fd00:1::2                 fd00:1::1 │ fd00:2::1           fd00:2::2 to ::4
//! ```
//!
//! The far hosts' own device takes 1,500 bytes: only the router knows that the
//! way there is narrower.

use std::net::IpAddr;

use testbed::netns::Namespace;

use super::probe::{self, Family};
use super::process::Router;
use super::wait;

/// What the router's ports are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Packet sockets on both sides.
    Packet,
    /// AF_XDP sockets on both sides.
    Xdp,
    /// A TAP device, whose other side is the near host; AF_XDP to the far one, so
    /// that the near host does not see what comes to the router.
    Tap,
}

/// The namespaces and what is in them.
#[derive(Debug)]
pub struct Site {
    pub driver: Driver,
    pub near: Namespace,
    pub far: Namespace,
    /// None where the router runs on the near host.
    middle: Option<Namespace>,
}

impl Site {
    /// Hosts and lines, without a router.
    pub fn new(driver: Driver) -> Self {
        let (near, far) = (Namespace::new("near").unwrap(), Namespace::new("far").unwrap());
        let middle = (driver != Driver::Tap).then(|| Namespace::new("router").unwrap());
        let site = Self { driver, near, far, middle };
        if let Some(middle) = &site.middle {
            line(middle, "r0", &site.near, "h0");
            addresses(&site.near, "h0", 1, 2..=2);
        }
        site.connect_far();
        for host in [&site.near, &site.far] {
            host.sysctl("net.ipv4.ping_group_range", "0 0").unwrap();
        }
        site
    }

    /// Makes the line to the far host.
    pub fn connect_far(&self) {
        line(self.middle(), "r1", &self.far, "h1");
        addresses(&self.far, "h1", 2, 2..=4);
    }

    /// Where the router runs.
    pub fn middle(&self) -> &Namespace {
        self.middle.as_ref().unwrap_or(&self.near)
    }

    /// The longest datagram the router sends to the far host, bytes: for one
    /// driver the least that IPv6 knows (RFC 8200 section 5).
    pub fn narrow(&self) -> u16 {
        if self.driver == Driver::Xdp { 1280 } else { 1400 }
    }

    /// The router's configuration.
    pub fn config(&self) -> String {
        let (near, far) = match self.driver {
            Driver::Packet => ("af-packet", "af-packet"),
            Driver::Xdp => ("af-xdp", "af-xdp"),
            Driver::Tap => ("tap", "af-xdp"),
        };
        let narrow = self.narrow();
        format!(
            r#"
            [[port]]
            name = "near"
            kind = "{near}"
            device = "r0"

            [[port]]
            name = "far"
            kind = "{far}"
            device = "r1"

            [[interface]]
            name = "near"
            addresses = ["10.1.0.1/24", "fd00:1::1/64"]

            [[interface]]
            name = "far"
            mtu = {narrow}
            addresses = ["10.2.0.1/24", "fd00:2::1/64"]
            "#
        )
    }

    /// Starts the router and waits until it forwards.
    pub fn start(&self) -> Router {
        let router = Router::start(self.middle(), &self.config());
        self.ready();
        router
    }

    /// Waits until the hosts hear one another in both families.
    pub fn ready(&self) {
        if self.driver == Driver::Tap {
            wait("the TAP device", || self.near.link("r0").is_ok());
            // There already when a router is started again.
            if !probe::has(&self.near, Family::V4.near()) {
                addresses(&self.near, "r0", 1, 2..=2);
            }
        }
        for family in Family::BOTH {
            wait("the hosts hear one another", || probe::answers(&self.near, family.far(2)));
        }
    }
}

/// A line from the router to a host. The router's side is silent; the host's
/// finishes its packets as if it were a plain card.
fn line(router: &Namespace, dev: &str, host: &Namespace, host_dev: &str) {
    router.veth(dev, host, host_dev).unwrap();
    router.ipv6_off(dev).unwrap();
    router.up(dev).unwrap();
    host.offloads_off(host_dev).unwrap();
    host.up(host_dev).unwrap();
}

/// Gives a host addresses on subnet `n` and the router as the way to all else.
fn addresses(host: &Namespace, dev: &str, n: u8, ends: std::ops::RangeInclusive<u8>) {
    for end in ends {
        host.address(dev, format!("10.{n}.0.{end}/24").parse().unwrap()).unwrap();
        host.address(dev, format!("fd00:{n}::{end}/64").parse().unwrap()).unwrap();
    }
    for (all, via) in [("0.0.0.0/0", format!("10.{n}.0.1")), ("::/0", format!("fd00:{n}::1"))] {
        host.route(all.parse().unwrap(), via.parse::<IpAddr>().unwrap()).unwrap();
    }
}
