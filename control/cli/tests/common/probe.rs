//! What a host can ask of the network: echo, and what errors come back.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use testbed::netns::Namespace;
use testbed::packet::{Packet, bytes, ip};

use super::PATIENCE;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// Host `end` of subnet `n`.
    pub fn address(self, n: u8, end: u8) -> IpAddr {
        match self {
            Self::V4 => [10, n, 0, end].into(),
            Self::V6 => [0xfd00, n.into(), 0, 0, 0, 0, 0, end.into()].into(),
        }
    }

    /// The near host.
    pub fn near(self) -> IpAddr {
        self.address(1, 2)
    }

    /// One of the far host's addresses, 2 to 4.
    pub fn far(self, end: u8) -> IpAddr {
        self.address(2, end)
    }

    /// Bytes of its header without options.
    pub fn header(self) -> usize {
        if self == Self::V4 { 20 } else { 40 }
    }

    /// Of the family of `address`.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    fn icmp(self, kind: SockType) -> UdpSocket {
        let (family, protocol) = match self {
            Self::V4 => (AddressFamily::Inet, SockProtocol::Icmp),
            Self::V6 => (AddressFamily::Inet6, SockProtocol::IcmpV6),
        };
        UdpSocket::from(socket(family, kind, SockFlag::SOCK_CLOEXEC, protocol).unwrap())
    }
}

/// A UDP socket of `host` at `address`, any port, that waits no longer than tests do.
pub fn udp(host: &Namespace, address: IpAddr) -> UdpSocket {
    let socket = host.run(|| UdpSocket::bind((address, 0))).unwrap().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Whether `address` is `host`'s own.
pub fn has(host: &Namespace, address: IpAddr) -> bool {
    host.run(|| UdpSocket::bind((address, 0)).is_ok()).unwrap()
}

/// Sends an echo request with `size` bytes of data and waits for just that back.
pub fn echo(host: &Namespace, to: IpAddr, size: usize, patience: Duration) -> io::Result<()> {
    let family = Family::of(to);
    let socket = host.run(|| family.icmp(SockType::Datagram)).unwrap();
    socket.set_read_timeout(Some(patience))?;
    let (request, reply) = if family == Family::V4 { (8, 0) } else { (128, 129) };
    let mut message = vec![request, 0, 0, 0, 0, 0, 0x12, 0x34];
    message.extend((0..size).map(|i| (i * 7) as u8));
    socket.send_to(&message, (to, 0))?;
    let mut answer = vec![0; size + 64];
    let (len, from) = socket.recv_from(&mut answer)?;
    let same = answer[..2] == [reply, 0] && answer[6..len] == message[6..] && from.ip() == to;
    if same { Ok(()) } else { Err(io::Error::other(format!("{from} answered {:?}", &answer[..8]))) }
}

/// Whether `to` answers at once.
pub fn answers(host: &Namespace, to: IpAddr) -> bool {
    echo(host, to, 56, Duration::from_millis(300)).is_ok()
}

/// ICMP messages as they come to a host.
#[derive(Debug)]
pub struct Ear {
    family: Family,
    socket: UdpSocket,
}

/// One message: who sent it, type, code, and the four bytes behind the checksum.
pub type Message = (IpAddr, u8, u8, u32);

impl Ear {
    /// Listens from now on.
    pub fn new(host: &Namespace, family: Family) -> Self {
        let socket = host.run(|| family.icmp(SockType::Raw)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self { family, socket }
    }

    /// The next error about a datagram of ours to `to`, past everything else.
    pub fn error_about(&self, to: SocketAddr) -> Message {
        let (from, message) = self.next_about(to);
        let rest = u32::from_be_bytes(message[4..8].try_into().unwrap());
        (from, message[0], message[1], rest)
    }

    /// The same, whole, as a packet from its IP header on; IPv4 only.
    pub fn message_about(&self, to: SocketAddr) -> (IpAddr, Packet) {
        let (from, message) = self.next_about(to);
        let header = ip(&from.to_string(), "127.0.0.1").protocol(1);
        (from, Packet::decode_ip(&(header / bytes(message)).encode()))
    }

    /// Who sent the next error, and the message.
    fn next_about(&self, to: SocketAddr) -> (IpAddr, Vec<u8>) {
        let end = Instant::now() + PATIENCE;
        let mut bytes = [0; 2048];
        while Instant::now() < end {
            let Ok((len, from)) = self.socket.recv_from(&mut bytes) else { continue };
            // A raw IPv4 socket gives the header too; an IPv6 one does not.
            let start = if self.family == Family::V4 { usize::from(bytes[0] & 15) * 4 } else { 0 };
            let message = &bytes[start..len];
            if self.is_about(message, to) {
                return (from.ip(), message.to_vec());
            }
        }
        panic!("no error about a datagram to {to}");
    }

    fn is_about(&self, message: &[u8], to: SocketAddr) -> bool {
        let (is_error, at) = match self.family {
            Family::V4 => (matches!(message[0], 3 | 11 | 12), 16),
            Family::V6 => (message[0] < 128, 24),
        };
        let ports = 8 + self.family.header();
        let address = match to.ip() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        is_error
            && message.len() >= ports + 8
            && message[8 + at..].starts_with(&address)
            && message[ports + 2..].starts_with(&to.port().to_be_bytes())
    }
}

/// A counter of a host's IPv4, by its name in RFC 4293.
pub fn counter(host: &Namespace, name: &str) -> u64 {
    let text = host.run(|| std::fs::read_to_string("/proc/thread-self/net/snmp")).unwrap().unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("Ip: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let at = names.split(' ').position(|n| n == name).unwrap();
    values.split(' ').nth(at).unwrap().parse().unwrap()
}
