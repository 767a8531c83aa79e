//! UDP, TCP and what they carry, as expressions.

use super::Packet;
use super::layer::{Checksum, Kind, Layer, Value};

/// A UDP header; see [`udp`].
#[derive(Clone, Debug)]
pub struct Udp(pub(super) Packet);

/// A TCP header; see [`tcp`].
#[derive(Clone, Debug)]
pub struct Tcp(pub(super) Packet);

/// Bytes; see [`payload`], [`bytes`], [`rtp`].
#[derive(Clone, Debug)]
pub struct Payload(pub(super) Packet);

/// UDP to this port, from port 40000 unless [`Udp::from`] says otherwise.
pub fn udp(destination: u16) -> Udp {
    Udp(Packet::of(Kind::Udp).number("dport", destination))
}

impl Udp {
    /// Source port.
    pub fn from(self, source: u16) -> Self {
        Self(self.0.number("sport", source))
    }

    /// Length, in place of the right one.
    pub fn length(self, length: u16) -> Self {
        Self(self.0.number("length", length))
    }

    /// A wrong checksum.
    pub fn bad_checksum(self) -> Self {
        Self(self.0.first("checksum", Value::Checksum(Checksum::Bad(None))))
    }

    /// No checksum (RFC 768).
    pub fn no_checksum(self) -> Self {
        Self(self.0.first("checksum", Value::Checksum(Checksum::Absent)))
    }
}

/// A TCP segment to this port, from port 40000 unless [`Tcp::from`] says otherwise, with no flags.
pub fn tcp(destination: u16) -> Tcp {
    Tcp(Packet::of(Kind::Tcp).number("dport", destination))
}

impl Tcp {
    /// Source port.
    pub fn from(self, source: u16) -> Self {
        Self(self.0.number("sport", source))
    }

    /// Flags, the low twelve bits of the header's fourth half-word: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
    pub fn flags(self, flags: u16) -> Self {
        Self(self.0.number("flags", flags))
    }

    fn flag(self, flag: u64) -> Self {
        let flags = self.0.layers.first().and_then(|layer| layer.number("flags")).unwrap_or(0);
        Self(self.0.number("flags", flags | flag))
    }

    /// SYN.
    pub fn syn(self) -> Self {
        self.flag(2)
    }

    /// FIN.
    pub fn fin(self) -> Self {
        self.flag(1)
    }

    /// RST.
    pub fn rst(self) -> Self {
        self.flag(4)
    }

    /// ACK, of this number.
    pub fn ack(self, number: u32) -> Self {
        Self(self.flag(16).0.number("ack", number))
    }

    /// Sequence number.
    pub fn seq(self, number: u32) -> Self {
        Self(self.0.number("seq", number))
    }

    /// Window.
    pub fn window(self, window: u16) -> Self {
        Self(self.0.number("window", window))
    }

    /// Options, filled with end-of-list to a multiple of 4 bytes.
    pub fn options(self, options: &[u8]) -> Self {
        let mut options = options.to_vec();
        options.resize(options.len().next_multiple_of(4), 0);
        Self(self.0.first("options", Value::Bytes(options)))
    }

    /// A wrong checksum.
    pub fn bad_checksum(self) -> Self {
        Self(self.0.first("checksum", Value::Checksum(Checksum::Bad(None))))
    }
}

/// `length` bytes that count up from 0.
pub fn payload(length: usize) -> Payload {
    let counting: Vec<u8> = (0..length).map(|n| n as u8).collect();
    bytes(&counting)
}

/// These bytes; no layer when there are none.
pub fn bytes(bytes: impl AsRef<[u8]>) -> Payload {
    if bytes.as_ref().is_empty() {
        return Payload(Packet::default());
    }
    let layer = Layer::new(Kind::Payload).with("bytes", Value::Bytes(bytes.as_ref().to_vec()));
    Payload(Packet { layers: vec![layer] })
}

/// Twenty milliseconds of G.711 (RFC 3550, RFC 3551): an RTP header and 160 bytes.
pub fn rtp() -> Payload {
    let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 1];
    packet.resize(12 + 160, 0xd5);
    bytes(packet)
}

/// In an expectation: whatever follows, even nothing.
pub fn rest() -> Payload {
    Payload(Packet::of(Kind::Rest))
}

impl Payload {
    /// Of an RTP packet: its sequence number.
    pub fn seq(mut self, number: u16) -> Self {
        if let Some(Value::Bytes(bytes)) = self.0.layers.first_mut().and_then(bytes_of)
            && let Some(at) = bytes.get_mut(2..4)
        {
            at.copy_from_slice(&number.to_be_bytes());
        }
        self
    }
}

fn bytes_of(layer: &mut Layer) -> Option<&mut Value> {
    layer.fields.iter_mut().find(|field| field.name == "bytes").map(|field| &mut field.value)
}
