//! From words to the frame a neighbour would send.

use std::net::IpAddr;

use dataplane::table::{Interface, Snapshot, Tpid, VlanMatch};
use dataplane::wire::ethernet::{self, EthernetHeader, ether_type};
use dataplane::wire::icmp::{self, Family, Message};
use dataplane::wire::ipv4::Ipv4Header;
use dataplane::wire::ipv6::Ipv6Header;
use dataplane::wire::l4::{self, UdpHeader, protocol};
use dataplane::wire::mpls::{LabelStackEntry, label};
use dataplane::wire::vlan::VlanTag;

use super::{LabelWords, Words};

/// Station address of the neighbour that sends it.
const SENDER: [u8; 6] = [0x02, 0, 0, 0, 0, 0xfd];
/// Bytes of a TCP header without options.
const TCP: usize = 20;
/// Largest datagram, bytes: the largest MTU of an interface and some.
const LARGEST: u16 = 9_100;
/// Labels above it at most.
const MOST_LABELS: usize = 100;

impl Words {
    /// Bytes of the headers that the datagram has at least.
    fn headers(&self) -> usize {
        let upper = match self.protocol {
            protocol::TCP => TCP,
            protocol::UDP | protocol::ICMP | protocol::ICMPV6 => 8,
            number if l4::has_ports(number) => 4,
            _ => 0,
        };
        upper + if self.from.is_ipv4() { 20 } else { 40 }
    }

    /// The Ethernet frame that says it, sent to `interface`'s station.
    ///
    /// # Errors
    /// Words that contradict one another.
    pub(super) fn frame(
        &self,
        interface: Option<&Interface>,
        snapshot: &Snapshot,
    ) -> Result<Vec<u8>, String> {
        let interface = interface.ok_or("the port has no interface")?;
        let mut frame = self.link(interface, snapshot)?;
        frame.extend(self.stack()?);
        frame.extend(self.datagram()?);
        frame.resize(frame.len().max(60), 0);
        Ok(frame)
    }

    /// The label stack, if it has one.
    fn stack(&self) -> Result<Vec<u8>, String> {
        let depth = self.labels.len();
        if depth > MOST_LABELS {
            return Err(format!("{depth} labels; allowed: at most {MOST_LABELS}"));
        }
        if let Some(wrong) = self.labels.iter().find(|l| l.label > label::LAST || l.tc > 7) {
            return Err(format!(
                "label {} tc {}; allowed: label 0 to {}, tc 0 to 7",
                wrong.label,
                wrong.tc,
                label::LAST
            ));
        }
        let entry = |(at, l): (usize, &LabelWords)| {
            LabelStackEntry::new(l.label, l.tc, at + 1 == depth, l.ttl).word().to_be_bytes()
        };
        Ok(self.labels.iter().enumerate().flat_map(entry).collect())
    }

    /// Ethernet header and tags.
    fn link(&self, interface: &Interface, snapshot: &Snapshot) -> Result<Vec<u8>, String> {
        let to = match self.to {
            _ if !self.labels.is_empty() => interface.mac,
            IpAddr::V4(to) if to.is_broadcast() => ethernet::BROADCAST,
            IpAddr::V4(to) if to.is_multicast() => ethernet::multicast_v4(to),
            IpAddr::V6(to) if to.is_multicast() => ethernet::multicast_v6(to),
            _ => interface.mac,
        };
        let kind = match self.from {
            _ if !self.labels.is_empty() => ether_type::MPLS,
            IpAddr::V4(_) => ether_type::IPV4,
            IpAddr::V6(_) => ether_type::IPV6,
        };
        let tags = match &self.vlan {
            Some(vids) => tags(vids, interface, snapshot)?,
            None => own_tags(interface.vlan),
        };
        let kinds: Vec<u16> = tags.iter().map(|t| t.0.ether_type()).chain([kind]).collect();
        let mut bytes = vec![0; EthernetHeader::LEN + VlanTag::LEN * tags.len()];
        let cut = |_| "no room for the headers".to_owned();
        let mut at = EthernetHeader::new(to, SENDER, kinds[0]).emit(&mut bytes).map_err(cut)?;
        for ((_, vid), next) in tags.iter().zip(&kinds[1..]) {
            at += VlanTag::new(0, *vid, *next).emit(&mut bytes[at..]).map_err(cut)?;
        }
        Ok(bytes)
    }

    fn datagram(&self) -> Result<Vec<u8>, String> {
        if self.from.is_ipv4() != self.to.is_ipv4() {
            return Err(format!("{} and {} are not of one family", self.from, self.to));
        }
        let (least, size) = (self.headers(), usize::from(self.size));
        if size < least || self.size > LARGEST {
            return Err(format!("size {size}; allowed: {least} to {LARGEST} for this protocol"));
        }
        let upper = self.upper(size - if self.from.is_ipv4() { 20 } else { 40 });
        let upper = upper.map_err(|e| format!("the upper layer cannot be made: {e}"))?;
        let mut bytes = vec![0; size - upper.len()];
        let header = match (self.from, self.to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let mut header = Ipv4Header::new(from, to, self.protocol, upper.len() as u16);
                (header.ttl, header.traffic_class) = (self.ttl, self.dscp << 2);
                if self.dont_fragment {
                    header.fragment = Ipv4Header::DONT_FRAGMENT.into();
                }
                header.emit(&mut bytes).and_then(|_| Ipv4Header::fill_checksum(&mut bytes))
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let mut header =
                    Ipv6Header::new(from, to, self.protocol, upper.len() as u16).with_dscp(self.dscp);
                header.hop_limit = self.ttl;
                header.emit(&mut bytes).map(drop)
            }
            _ => Ok(()),
        };
        header.map_err(|e| format!("the IP header cannot be made: {e}"))?;
        bytes.extend(upper);
        Ok(bytes)
    }

    /// The upper layer, `length` bytes in all, its checksum right.
    fn upper(&self, length: usize) -> Result<Vec<u8>, dataplane::wire::WireError> {
        let mut bytes = vec![0; length];
        match self.protocol {
            protocol::UDP => {
                let (from, to) = (self.source_port, self.destination_port);
                UdpHeader::new(from, to, (length - UdpHeader::LEN) as u16).emit(&mut bytes)?;
                UdpHeader::fill_checksum(&mut bytes, self.from, self.to)?;
            }
            protocol::TCP => {
                self.ports(&mut bytes);
                // Data offset of five words; SYN.
                (bytes[12], bytes[13]) = (0x50, 0x02);
                let sum = l4::pseudo(self.from, self.to, protocol::TCP, length)?.plus(&bytes).checksum();
                bytes[16..18].copy_from_slice(&sum.to_be_bytes());
            }
            protocol::ICMP | protocol::ICMPV6 => {
                let family = if self.from.is_ipv4() { Family::V4 } else { Family::V6 };
                let echo = Message::EchoRequest { identifier: 1, sequence: 1 };
                echo.header(family).emit(&mut bytes)?;
                icmp::fill_checksum(&mut bytes, self.from, self.to)?;
            }
            number if l4::has_ports(number) => self.ports(&mut bytes),
            _ => {}
        }
        Ok(bytes)
    }

    fn ports(&self, bytes: &mut [u8]) {
        bytes[..2].copy_from_slice(&self.source_port.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
    }
}

fn own_tags(vlan: VlanMatch) -> Vec<(Tpid, u16)> {
    match vlan {
        VlanMatch::Untagged => Vec::new(),
        VlanMatch::Single(tpid, vid) => vec![(tpid, vid)],
        VlanMatch::Double(tpid, outer, inner) => vec![(tpid, outer), (Tpid::Dot1q, inner)],
    }
}

/// The tags of these ids: with the TPID of the port's interface that has them, else 802.1Q.
fn tags(vids: &[u16], interface: &Interface, snapshot: &Snapshot) -> Result<Vec<(Tpid, u16)>, String> {
    if vids.len() > 2 || vids.iter().any(|vid| *vid > 4095) {
        return Err("vlan: allowed are one id or two with a dot between, 0 to 4095 each".into());
    }
    let of_port = snapshot.interfaces.iter().filter(|(_, i)| i.port == interface.port);
    let mut known = of_port.map(|(_, i)| own_tags(i.vlan));
    let has = |tags: &Vec<(Tpid, u16)>| tags.iter().map(|t| t.1).eq(vids.iter().copied());
    Ok(known.find(has).unwrap_or_else(|| vids.iter().map(|vid| (Tpid::Dot1q, *vid)).collect()))
}
