//! A host at an end of a network: ARP, neighbour discovery, ICMP and TCP by smoltcp,
//! IPv4 and IPv6.

use std::net::IpAddr;
use std::time::Duration;

use dataplane::time::Time;
use ipnet::IpNet;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};

use crate::host::Device;

/// Bytes that each end of a connection holds each way.
const WINDOW: usize = 64 * 1024;

/// A host with addresses and, for each family, a gateway.
pub struct Station {
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    talks: Vec<Conversation>,
    /// The next port that it calls from.
    port: u16,
}

/// One end of a connection: what it says, and what it has heard.
#[derive(Debug)]
struct Conversation {
    socket: SocketHandle,
    say: Vec<u8>,
    said: usize,
    heard: Vec<u8>,
    over: bool,
}

/// One of a station's talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talk(usize);

impl std::fmt::Debug for Station {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Station").field("talks", &self.talks).finish_non_exhaustive()
    }
}

/// smoltcp's clock counts microseconds.
fn instant(now: Time) -> Instant {
    Instant::from_micros((now.nanos() / 1_000) as i64)
}

impl Station {
    /// A host with this station address; `seed` decides its ports and first sequence numbers.
    pub fn new(mac: [u8; 6], addresses: &[IpNet], gateways: &[IpAddr], seed: u64) -> Self {
        let mut device = Device::default();
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        // One of each family and a gateway of each: both lists hold that many.
        interface.update_ip_addrs(|own| {
            own.extend(addresses.iter().map(|net| IpCidr::new(net.addr().into(), net.prefix_len())));
        });
        for gateway in gateways {
            let _ = match gateway {
                IpAddr::V4(gateway) => interface.routes_mut().add_default_ipv4_route(*gateway),
                IpAddr::V6(gateway) => interface.routes_mut().add_default_ipv6_route(*gateway),
            };
        }
        let (sockets, port) = (SocketSet::new(Vec::new()), 49_152 + (seed % 16_000) as u16);
        Self { device, interface, sockets, talks: Vec::new(), port }
    }

    /// Waits for one caller on `port`, says `say` to it, and hears it out.
    pub fn listen(&mut self, port: u16, say: &[u8]) -> Talk {
        let mut socket = socket();
        // A port that is not 0 and a socket that is closed: this cannot fail.
        let _ = socket.listen(port);
        self.talk(socket, say)
    }

    /// Calls `port` of `to`, says `say`, and hears it out. `None` where there is no way to `to`.
    pub fn call(&mut self, to: IpAddr, port: u16, say: &[u8]) -> Option<Talk> {
        self.port = self.port.checked_add(1).unwrap_or(49_152);
        let mut socket = socket();
        socket.connect(self.interface.context(), (to, port), self.port).ok()?;
        Some(self.talk(socket, say))
    }

    fn talk(&mut self, socket: Socket<'static>, say: &[u8]) -> Talk {
        let socket = self.sockets.add(socket);
        let (say, heard) = (say.to_vec(), Vec::new());
        self.talks.push(Conversation { socket, say, said: 0, heard, over: false });
        Talk(self.talks.len() - 1)
    }

    /// What has been heard in a talk so far.
    pub fn heard(&self, talk: Talk) -> &[u8] {
        self.talks.get(talk.0).map_or(&[], |talk| &talk.heard)
    }

    /// Whether both ends of a talk have said all they had to say.
    pub fn is_over(&self, talk: Talk) -> bool {
        self.talks.get(talk.0).is_some_and(|talk| talk.over)
    }

    /// Whether all its talks are over.
    pub fn is_done(&self) -> bool {
        self.talks.iter().all(|talk| talk.over)
    }

    /// Takes a frame from its line.
    pub(super) fn hear(&mut self, bytes: Vec<u8>) {
        self.device.received.push_back(bytes);
    }

    /// Does all that is due by `now`; gives the frames it sends.
    pub(super) fn poll(&mut self, now: Time) -> Vec<Vec<u8>> {
        loop {
            self.interface.poll(instant(now), &mut self.device, &mut self.sockets);
            let moved = self.talks.iter_mut().filter(|t| !t.over).any(|t| t.work(&mut self.sockets));
            if !moved && self.device.received.is_empty() {
                return self.device.sent.drain(..).collect();
            }
        }
    }

    /// When it has something to do next.
    pub(super) fn next_due(&mut self, now: Time) -> Time {
        let at = self.interface.poll_at(instant(now), &self.sockets);
        // A time in the past means at once; the clock moves on by its least step.
        let least = now + Duration::from_micros(1);
        at.map_or(Time::NEVER, |at| Time(at.total_micros().max(0) as u64 * 1_000).max(least))
    }
}

fn socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; WINDOW]);
    let mut socket = Socket::new(buffer(), buffer());
    // With a few segments on the way, a sender would mostly wait for acknowledgements that are put off.
    socket.set_ack_delay(None);
    socket
}

impl Conversation {
    /// Moves what can be moved; whether anything was.
    fn work(&mut self, sockets: &mut SocketSet<'static>) -> bool {
        let socket = sockets.get_mut::<Socket<'_>>(self.socket);
        let begun = !matches!(socket.state(), State::Listen | State::SynSent | State::SynReceived);
        let left = self.say.get(self.said..).unwrap_or_default();
        let said = if socket.can_send() { socket.send_slice(left).unwrap_or(0) } else { 0 };
        self.said += said;
        let before = self.heard.len();
        while socket.can_recv() {
            let heard = &mut self.heard;
            let took = socket.recv(|bytes| {
                heard.extend_from_slice(bytes);
                (bytes.len(), bytes.len())
            });
            if took.is_err() {
                break;
            }
        }
        let all = self.said == self.say.len();
        let closes = begun && all && socket.may_send();
        if closes {
            socket.close();
        }
        self.over = begun && all && !closes && !socket.may_recv() && socket.send_queue() == 0;
        said > 0 || closes || self.heard.len() > before
    }
}
