//! Where a packet goes next, and where and under which labels it came: the
//! Downstream Detailed Mapping (RFC 8029 section 3.4) and the Interface and Label
//! Stack (section 3.7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Fault, ReturnCode, Tlvs, tlv, write_tlv};
use crate::wire::mpls::LabelStackEntry;

/// Sub-TLVs of a mapping.
const MULTIPATH: u16 = 1;
const LABEL_STACK: u16 = 2;
const FEC_CHANGE: u16 = 3;

/// An interface as these TLVs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    /// An address of its router, and its own, of the same family.
    Numbered(IpAddr, IpAddr),
    /// An address of its router, and its index.
    Unnumbered(IpAddr, u32),
}

impl Link {
    /// The address that it is named by first.
    pub const fn address(&self) -> IpAddr {
        match self {
            Self::Numbered(address, _) | Self::Unnumbered(address, _) => *address,
        }
    }

    /// Whether its sender does not know it: 127.0.0.1 or ::1.
    pub const fn is_unknown(&self) -> bool {
        self.address().is_loopback()
    }

    /// Whether it stands for any: 224.0.0.2 or ff02::2.
    pub fn is_any(&self) -> bool {
        self.address() == Self::any(true).address() || self.address() == Self::any(false).address()
    }

    /// What stands for any.
    pub const fn any(v4: bool) -> Self {
        match v4 {
            true => Self::Unnumbered(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 2)), 0),
            false => Self::Unnumbered(IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2)), 0),
        }
    }

    /// Address type.
    const fn kind(&self) -> u8 {
        match self {
            Self::Numbered(IpAddr::V4(_), _) => 1,
            Self::Unnumbered(IpAddr::V4(_), _) => 2,
            Self::Numbered(IpAddr::V6(_), _) => 3,
            Self::Unnumbered(IpAddr::V6(_), _) => 4,
        }
    }

    fn read(kind: u8, bytes: &[u8]) -> Result<(Self, &[u8]), Fault> {
        let v4 = matches!(kind, 1 | 2);
        let (address, rest) = address(bytes, v4)?;
        match kind {
            1 | 3 => {
                let (interface, rest) = self::address(rest, v4)?;
                Ok((Self::Numbered(address, interface), rest))
            }
            2 | 4 => {
                let (index, rest) = rest.split_first_chunk().ok_or(Fault::Malformed)?;
                Ok((Self::Unnumbered(address, u32::from_be_bytes(*index)), rest))
            }
            _ => Err(Fault::Malformed),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_address(out, self.address());
        match self {
            Self::Numbered(_, interface) => write_address(out, *interface),
            Self::Unnumbered(_, index) => out.extend(index.to_be_bytes()),
        }
    }
}

fn address(bytes: &[u8], v4: bool) -> Result<(IpAddr, &[u8]), Fault> {
    let split = match v4 {
        true => bytes.split_first_chunk::<4>().map(|(a, rest)| (IpAddr::from(*a), rest)),
        false => bytes.split_first_chunk::<16>().map(|(a, rest)| (IpAddr::from(*a), rest)),
    };
    split.ok_or(Fault::Malformed)
}

fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(a) => out.extend(a.octets()),
        IpAddr::V6(a) => out.extend(a.octets()),
    }
}

/// A label of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MappedLabel {
    /// Label, traffic class and bottom; implicit null among them. TTL 0.
    pub entry: LabelStackEntry,
    /// Who told the label: 0 unknown, 1 static, 2 BGP, 3 LDP, 4 RSVP-TE.
    pub protocol: u8,
}

/// Where a packet goes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Longest labelled packet of that link, bytes.
    pub mtu: u16,
    /// Whether a reply is to say where and under which labels the request arrived.
    pub wants_arrival: bool,
    /// The interface it arrives at.
    pub link: Link,
    /// What was found about this way.
    pub code: ReturnCode,
    /// Stack depth that the code is about.
    pub subcode: u8,
    /// The labels it then has, outermost first.
    pub labels: Vec<MappedLabel>,
}

impl Mapping {
    /// Reads the value of a TLV. Multipath information and changes of the FEC stack
    /// are passed over.
    ///
    /// # Errors
    /// [`Fault::Malformed`]; [`Fault::NotUnderstood`] for a mandatory sub-TLV of another type.
    pub fn read(value: &[u8]) -> Result<Self, Fault> {
        let Some(([m, n, kind, flags], rest)) = value.split_first_chunk() else {
            return Err(Fault::Malformed);
        };
        let (link, rest) = Link::read(*kind, rest)?;
        let Some(([code, subcode, a, b], rest)) = rest.split_first_chunk() else {
            return Err(Fault::Malformed);
        };
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        let mut labels = Vec::new();
        for sub in Tlvs(rest.get(..length).ok_or(Fault::Malformed)?) {
            let sub = sub?;
            match sub.kind {
                LABEL_STACK => labels = mapped(sub.value)?,
                MULTIPATH | FEC_CHANGE => {}
                other if tlv::is_optional(other) => {}
                _ => return Err(Fault::NotUnderstood(Vec::new())),
            }
        }
        let (mtu, wants_arrival) = (u16::from_be_bytes([*m, *n]), flags & 2 != 0);
        Ok(Self { mtu, wants_arrival, link, code: ReturnCode(*code), subcode: *subcode, labels })
    }

    /// Appends it as a TLV.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut subs = Vec::new();
        write_tlv(&mut subs, LABEL_STACK, |out| {
            for label in &self.labels {
                let [a, b, c, _] = zerocopy::transmute!(label.entry);
                out.extend([a, b, c, label.protocol]);
            }
        });
        write_tlv(out, tlv::DETAILED_MAPPING, |out| {
            out.extend(self.mtu.to_be_bytes());
            out.extend([self.link.kind(), u8::from(self.wants_arrival) << 1]);
            self.link.write(out);
            out.extend([self.code.0, self.subcode]);
            out.extend((subs.len() as u16).to_be_bytes());
            out.extend(subs);
        });
    }
}

fn mapped(value: &[u8]) -> Result<Vec<MappedLabel>, Fault> {
    let (words, []) = value.as_chunks::<4>() else { return Err(Fault::Malformed) };
    let label = |[a, b, c, protocol]: &[u8; 4]| MappedLabel {
        entry: zerocopy::transmute!([*a, *b, *c, 0]),
        protocol: *protocol,
    };
    Ok(words.iter().map(label).collect())
}

/// Where and under which labels a request arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The interface.
    pub link: Link,
    /// The stack, outermost first.
    pub stack: Vec<LabelStackEntry>,
}

impl Arrival {
    /// Reads the value of a TLV.
    ///
    /// # Errors
    /// [`Fault::Malformed`]
    pub fn read(value: &[u8]) -> Result<Self, Fault> {
        let Some(([kind, _, _, _], rest)) = value.split_first_chunk() else { return Err(Fault::Malformed) };
        let (link, rest) = Link::read(*kind, rest)?;
        let (words, []) = rest.as_chunks::<4>() else { return Err(Fault::Malformed) };
        Ok(Self { link, stack: words.iter().map(|word| zerocopy::transmute!(*word)).collect() })
    }

    /// Appends it as a TLV.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_tlv(out, tlv::ARRIVAL, |out| {
            out.extend([self.link.kind(), 0, 0, 0]);
            self.link.write(out);
            for entry in &self.stack {
                let word: [u8; 4] = zerocopy::transmute!(*entry);
                out.extend(word);
            }
        });
    }
}
