//! Hosts in virtual time, at the far ends of a router's in-process ports.
//!
//! A [`Host`] has an address, a gateway and an access link of some rate and
//! delay. ARP, ICMP and TCP (with CUBIC, RFC 9438, and timestamps, RFC 7323) are smoltcp's; the packets of
//! the traffic models are hand-made frames, so that sixty flows cost little.
//! Time is an argument: whoever drives the hosts asks each for its
//! [`Host::next_due`] and calls [`Host::poll`] then.

mod access;
mod device;
mod frame;
mod stamp;
mod standing;
mod study;

pub use access::Access;
pub use standing::Standing;
pub use study::Study;

use std::net::Ipv4Addr;
use std::time::Duration;

use dataplane::port::LoopbackEnd;
use dataplane::time::Time;
use ipnet::Ipv4Net;
use smoltcp::iface::{Config, Interface, PollResult, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};

use crate::traffic::{Meter, Schedule};
use access::Pipe;
pub(crate) use device::Device;
use frame::{Heard, Stations};

/// What a host is.
#[derive(Clone, Copy, Debug)]
pub struct HostSpec {
    /// Its station address.
    pub mac: [u8; 6],
    /// Its address and subnet.
    pub address: Ipv4Net,
    /// The router's address on that subnet.
    pub gateway: Ipv4Addr,
    /// The address its probes go to.
    pub peer: Ipv4Addr,
    /// Its link to the router.
    pub access: Access,
    /// Its link from the router.
    pub back: Access,
    /// Bytes that its TCP has on the way, and holds of what came, at most.
    pub window: usize,
    /// Seeds its initial sequence numbers and ports.
    pub seed: u64,
}

/// A host in virtual time.
pub struct Host {
    spec: HostSpec,
    end: LoopbackEnd,
    to_router: Pipe,
    from_router: Pipe,
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    gateway: Option<[u8; 6]>,
    /// When to ask for the gateway (again).
    ask: Time,
    schedule: Option<Schedule>,
    meter: Meter,
    standing: Standing,
    study: Option<Study>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("spec", &self.spec).field("study", &self.study).finish_non_exhaustive()
    }
}

/// smoltcp's clock counts microseconds.
fn instant(now: Time) -> Instant {
    Instant::from_micros((now.nanos() / 1_000) as i64)
}

impl Host {
    /// A host at the far end of a port. It asks for its gateway's station
    /// address until it has it, and sends nothing of the models before.
    pub fn new(spec: HostSpec, end: LoopbackEnd) -> Self {
        let mut device = Device::default();
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(spec.mac)));
        config.random_seed = spec.seed;
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        // Both hold more than this one entry.
        interface.update_ip_addrs(|addresses| {
            let _ = addresses.push(IpCidr::new(spec.address.addr().into(), spec.address.prefix_len()));
        });
        let _ = interface.routes_mut().add_default_ipv4_route(spec.gateway);
        let (to_router, from_router) = (Pipe::new(spec.access), Pipe::new(spec.back));
        Self {
            spec,
            end,
            to_router,
            from_router,
            device,
            interface,
            sockets: SocketSet::new(Vec::new()),
            gateway: None,
            ask: Time::ZERO,
            schedule: None,
            meter: Meter::default(),
            standing: Standing::default(),
            study: None,
        }
    }

    /// Sends these packets from now on, as they fall due.
    pub fn send(&mut self, schedule: Schedule) {
        self.schedule = Some(schedule);
    }

    /// What it sends of the models' packets.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref()
    }

    /// The same, to be stopped or added to.
    pub fn schedule_mut(&mut self) -> Option<&mut Schedule> {
        self.schedule.as_mut()
    }

    /// What arrived.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The same, for what is told since the last look.
    pub fn meter_mut(&mut self) -> &mut Meter {
        &mut self.meter
    }

    /// How long the TCP segments that arrived were on their way.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Waits for a peer that asks for a study of `bytes`, and sends it.
    pub fn offer_study(&mut self, bytes: u64) {
        self.study = Some(Study::offer(&mut self.sockets, self.spec.window, bytes));
    }

    /// Asks the peer for its study of `bytes`.
    pub fn fetch_study(&mut self, bytes: u64, now: Time) {
        let local = 49_152 + (self.spec.seed % 16_000) as u16;
        let to = (self.spec.peer, local);
        self.study = Study::fetch(&mut self.interface, &mut self.sockets, self.spec.window, to, bytes, now);
    }

    /// The study's progress, if there is one.
    pub fn study(&self) -> Option<&Study> {
        self.study.as_ref()
    }

    /// Whether the gateway has answered, so that packets can be sent.
    pub fn is_ready(&self) -> bool {
        self.gateway.is_some()
    }

    /// Does all that is due by `now`.
    pub fn poll(&mut self, now: Time) {
        self.collect();
        while let Some((at, bytes)) = self.from_router.take(now) {
            self.hear(at, bytes);
        }
        self.ask_gateway(now);
        self.send_probes(now);
        self.poll_stack(now);
        self.deliver(now);
    }

    /// When something is due next, [`Time::NEVER`] when nothing is.
    pub fn next_due(&mut self, now: Time) -> Time {
        self.collect();
        let probes = match self.gateway {
            Some(_) => self.schedule.as_ref().and_then(Schedule::next_due).map_or(Time::NEVER, Time),
            None => self.ask,
        };
        let stack = self.interface.poll_at(instant(now), &self.sockets);
        // A time in the past means at once; the clock moves on by its least step.
        let stack = stack.map_or(Time::NEVER, |at| {
            Time((at.total_micros().max(0) as u64 * 1_000).max(now.nanos() + 1_000))
        });
        let pipes = self.to_router.next_due().min(self.from_router.next_due());
        pipes.min(stack).min(probes)
    }

    /// Takes over what the router has put on the line.
    fn collect(&mut self) {
        while let Some((sent, bytes)) = self.end.receive() {
            self.from_router.put(sent, bytes);
        }
    }

    fn deliver(&mut self, now: Time) {
        while let Some((at, bytes)) = self.to_router.take(now) {
            self.end.send(at, &bytes);
        }
    }

    fn hear(&mut self, at: Time, bytes: Vec<u8>) {
        match frame::hear(&bytes, self.spec.address.addr(), self.spec.gateway) {
            Heard::Probe(probe, length) => {
                self.meter.record(&probe, length, at.nanos());
                if let Some(schedule) = &mut self.schedule {
                    schedule.answer(&probe, at.nanos());
                }
            }
            Heard::Gateway(mac) => {
                self.gateway = Some(mac);
                self.device.received.push_back(bytes);
            }
            Heard::Other => {
                if let Some(sent) = frame::segment_sent(&bytes) {
                    self.standing.record(sent, at);
                }
                self.device.received.push_back(bytes);
            }
        }
    }

    /// Asks for the gateway's station address, once a second (RFC 1122 section 2.3.2.1).
    fn ask_gateway(&mut self, now: Time) {
        if self.gateway.is_none() && now >= self.ask {
            let own = self.spec.address.addr();
            self.to_router.put(now, frame::arp_request(self.spec.mac, own, self.spec.gateway));
            self.ask = now + Duration::from_secs(1);
        }
    }

    fn send_probes(&mut self, now: Time) {
        let (Some(gateway), Some(schedule)) = (self.gateway, &mut self.schedule) else { return };
        let stations = Stations { source: self.spec.mac, destination: gateway };
        while let Some(send) = schedule.pop(now.nanos()) {
            let addresses = (self.spec.address.addr(), self.spec.peer);
            self.to_router.put(now, frame::probe(stations, addresses, &send, now.nanos()));
        }
    }

    fn poll_stack(&mut self, now: Time) {
        stamp::set(now);
        loop {
            let polled = self.interface.poll(instant(now), &mut self.device, &mut self.sockets);
            let moved = self.study.as_mut().is_some_and(|study| study.work(&mut self.sockets, now));
            while let Some(mut bytes) = self.device.sent.pop_front() {
                frame::mark_tcp(&mut bytes);
                self.to_router.put(now, bytes);
            }
            if polled == PollResult::None && !moved {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
