//! What an LSP is for: the elements of a FEC stack (RFC 8029 section 3.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{Fault, Tlv, write_tlv};

/// Which protocol's binding a prefix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signalling {
    /// LDP (sections 3.2.1 and 3.2.2).
    Ldp,
    /// BGP (sections 3.2.13 and 3.2.14).
    Bgp,
    /// Unknown, or changing on the way (sections 3.2.15 and 3.2.16).
    Generic,
}

/// One element of a FEC stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fec {
    /// An IPv4 or IPv6 prefix.
    Prefix(Signalling, IpNet),
    /// A prefix of a VPN, by route distinguisher (sections 3.2.5 and 3.2.6).
    Vpn([u8; 8], IpNet),
    /// No FEC: this label (section 3.2.17), 0 to 1,048,575.
    Nil(u32),
    /// One of the registry that this router has nothing to do with: RSVP, pseudowires.
    Foreign(u16),
    /// One that the registry of RFC 8029 does not know.
    Unknown(u16),
}

impl Fec {
    /// Reads one sub-TLV.
    ///
    /// # Errors
    /// [`Fault::Malformed`] when its length or prefix length is wrong.
    pub fn read(tlv: Tlv<'_>) -> Result<Self, Fault> {
        use Signalling::{Bgp, Generic, Ldp};
        Ok(match tlv.kind {
            1 => Self::Prefix(Ldp, prefix_v4(tlv.value)?),
            2 => Self::Prefix(Ldp, prefix_v6(tlv.value)?),
            12 => Self::Prefix(Bgp, prefix_v4(tlv.value)?),
            13 => Self::Prefix(Bgp, prefix_v6(tlv.value)?),
            14 => Self::Prefix(Generic, prefix_v4(tlv.value)?),
            15 => Self::Prefix(Generic, prefix_v6(tlv.value)?),
            6 => distinguished(tlv.value).and_then(|(rd, rest)| Ok(Self::Vpn(rd, prefix_v4(rest)?)))?,
            7 => distinguished(tlv.value).and_then(|(rd, rest)| Ok(Self::Vpn(rd, prefix_v6(rest)?)))?,
            16 => {
                let word: [u8; 4] = tlv.value.try_into().map_err(|_| Fault::Malformed)?;
                Self::Nil(u32::from_be_bytes(word) >> 12)
            }
            foreign @ (3 | 4 | 8..=11 | 24 | 25) => Self::Foreign(foreign),
            unknown => Self::Unknown(unknown),
        })
    }

    /// Appends it as a sub-TLV; the last two kinds without their value.
    pub fn write(&self, out: &mut Vec<u8>) {
        let family = |net: &IpNet, v4: u16| if net.addr().is_ipv4() { v4 } else { v4 + 1 };
        match self {
            Self::Prefix(signalling, net) => {
                let first = match signalling {
                    Signalling::Ldp => 1,
                    Signalling::Bgp => 12,
                    Signalling::Generic => 14,
                };
                write_tlv(out, family(net, first), |out| write_prefix(out, *net));
            }
            Self::Vpn(rd, net) => write_tlv(out, family(net, 6), |out| {
                out.extend(rd);
                write_prefix(out, *net);
            }),
            Self::Nil(label) => write_tlv(out, 16, |out| out.extend((label << 12).to_be_bytes())),
            Self::Foreign(kind) | Self::Unknown(kind) => write_tlv(out, *kind, |_| {}),
        }
    }
}

fn distinguished(value: &[u8]) -> Result<([u8; 8], &[u8]), Fault> {
    value.split_first_chunk().map(|(rd, rest)| (*rd, rest)).ok_or(Fault::Malformed)
}

fn prefix_v4(value: &[u8]) -> Result<IpNet, Fault> {
    let [a, b, c, d, length] = *value else { return Err(Fault::Malformed) };
    IpNet::new(Ipv4Addr::new(a, b, c, d).into(), length).map_err(|_| Fault::Malformed)
}

fn prefix_v6(value: &[u8]) -> Result<IpNet, Fault> {
    let Some((address, [length])) = value.split_first_chunk::<16>() else { return Err(Fault::Malformed) };
    IpNet::new(Ipv6Addr::from_octets(*address).into(), *length).map_err(|_| Fault::Malformed)
}

fn write_prefix(out: &mut Vec<u8>, net: IpNet) {
    match net.addr() {
        IpAddr::V4(a) => out.extend(a.octets()),
        IpAddr::V6(a) => out.extend(a.octets()),
    }
    out.push(net.prefix_len());
}
