//! Calls beside four TCP flows at 100 Mbit/s on real interfaces: over the router process, or
//! over the kernel's own forwarding with HTB and a class that goes first.
//!
//! ```text
//!  surgery ◀── veth ── ours or the kernel ◀── veth ── hospital     40 calls and 4 TCP flows
//! ```
//!
//! Both are given the same packets by the same threads on the same machine, in turn; what
//! the hosts' own threads are late by is in both figures. Those of the calls are real-time ones where the
//! machine lets them: they go before TCP's, and before a router's workers.

mod bulk;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use dataplane::class::TrafficClass;

use crate::acceptance::{Driver, HOSPITAL, ROWS, SURGERY, gateway, subnet};
use crate::demo::namespaces::Network;
use crate::demo::process::RouterProcess;
use crate::demo::site::{Clock, Site};
use crate::demo::{DemoError, DemoOptions, system};
use crate::traffic::{Meter, Mix, Percentiles, Way};
use bulk::Bulk;

/// TCP flows.
const FLOWS: u16 = 4;
/// Calls: 2,000 packets a second.
const CALLS: u16 = 40;
/// Time for TCP to fill the line before what is measured.
const BEFORE: Duration = Duration::from_millis(700);
/// Time that is measured: 3,000 packets of calls.
const MEASURED: Duration = Duration::from_millis(1_500);

/// The kernel's shaper for a line of 100 Mbit/s: calls first, to a third of it; every frame counted
/// with preamble, FCS and gap, as ours counts it.
const HTB: [&str; 4] = [
    "qdisc add dev DEV root handle 1: htb default 20",
    "class add dev DEV parent 1: classid 1:1 htb rate 100mbit overhead 24",
    "class add dev DEV parent 1:1 classid 1:10 htb rate 33mbit ceil 100mbit prio 0 overhead 24",
    "class add dev DEV parent 1:1 classid 1:20 htb rate 67mbit ceil 100mbit prio 1 overhead 24",
];
const HTB_FILTER: &str =
    "filter add dev DEV parent 1: protocol ip prio 1 u32 match ip dsfield 0xb8 0xfc flowid 1:10";

/// What stands between the hosts.
#[derive(Debug)]
enum Between {
    Ours(RouterProcess),
    Kernel,
}

/// The hosts, and what stands between them.
#[derive(Debug)]
pub struct Beside {
    // Before the network: the process ends first.
    between: Between,
    network: Network,
}

/// What one turn measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// One-way delays of the calls' packets.
    pub delays: Percentiles,
    /// Packets of calls that arrived.
    pub packets: u64,
    /// Mbit/s that TCP carried meanwhile.
    pub bulk: f64,
}

impl Beside {
    /// The router process `program daemon`, whose workers wait in this mode ("busy", "adaptive") and have this
    /// priority ("ordinary", "real-time").
    ///
    /// # Errors
    /// [`DemoError`], for one where a worker may not have its priority.
    pub fn ours(program: &Path, driver: Driver, mode: &str, priority: &str) -> Result<Self, DemoError> {
        let network = Network::new()?;
        let text = ROWS[1].configuration(driver.kind(), "");
        let keys = format!("[router]\nmode = \"{mode}\"\npriority = \"{priority}\"\n");
        let text = text.replacen("[router]\n", &keys, 1);
        let mut router = RouterProcess::start(&network.router, program, &text)?;
        network.wait(&mut router, &DemoOptions::default())?;
        if router.last_words().contains("cannot be real-time") {
            return Err(DemoError::Router(router.last_words()));
        }
        // The kernel's turn is next.
        router.pause(true);
        Ok(Self { between: Between::Ours(router), network })
    }

    /// The kernel's forwarding, with HTB both ways.
    ///
    /// # Errors
    /// [`DemoError`], for one where `tc` or HTB is missing.
    pub fn kernel() -> Result<Self, DemoError> {
        let network = Network::new()?;
        for (device, host) in [("surgery", SURGERY), ("hospital", HOSPITAL)] {
            let own = ipnet::Ipv4Net::new_assert(gateway(host), subnet(host).prefix_len());
            network.router.address(device, own.into()).map_err(system("giving the kernel an address"))?;
            for line in HTB.iter().chain([&HTB_FILTER]) {
                tc(&network, &line.replace("DEV", device))?;
            }
        }
        network.router.forwarding(true).map_err(system("forwarding by the kernel"))?;
        Ok(Self { between: Between::Kernel, network })
    }

    /// One turn: calls and TCP from the hospital to the surgery.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn turn(&mut self) -> Result<Heard, DemoError> {
        self.rest(false);
        let heard = self.measure();
        self.rest(true);
        heard
    }

    /// A router that is not measured takes no processor.
    fn rest(&mut self, rests: bool) {
        if let Between::Ours(router) = &mut self.between {
            router.pause(rests);
        }
    }

    fn measure(&self) -> Result<Heard, DemoError> {
        let clock = Clock::start();
        let mix = Mix { calls: CALLS, videos: 0, transactions: 0.0, ..Mix::default() };
        let quiet = Mix { calls: 0, ..mix };
        let site = |namespace, own, peer, mix: Mix| {
            Site::start(namespace, (own, peer), clock, mix.schedule(Way::Down, clock.now(), u64::MAX, 1))
        };
        let surgery = site(&self.network.surgery, SURGERY, HOSPITAL, quiet)?;
        let bulk = Bulk::start(&self.network, FLOWS)?;
        let _hospital = site(&self.network.hospital, HOSPITAL, SURGERY, mix)?;
        std::thread::sleep(BEFORE);
        *surgery.meter() = Meter::default();
        let before = bulk.heard();
        std::thread::sleep(MEASURED);
        let bytes = bulk.heard() - before;
        let meter = surgery.meter();
        Ok(Heard {
            delays: meter.percentiles(TrafficClass::Voice),
            packets: meter.class(TrafficClass::Voice).packets,
            bulk: bytes as f64 * 8.0 / MEASURED.as_secs_f64() / 1e6,
        })
    }
}

fn tc(network: &Network, line: &str) -> Result<(), DemoError> {
    let run = || Command::new("tc").args(line.split(' ')).output();
    let done = network.router.run(run).map_err(system("entering the router's namespace"))?;
    let done = done.map_err(system("starting tc (of iproute2)"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(DemoError::System {
        action: format!("tc {line}"),
        reason: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
    })
}
