//! A neighbour on an interface, with its layer-2 header ready-made.

use std::net::IpAddr;

use crate::id::IfIndex;

/// Room for a ready-made header: Ethernet with two VLAN tags.
const HEADER: usize = 22;

/// Interface, neighbour and ready-made layer-2 header. The header ends before
/// the EtherType, which `rewrite` writes for what it sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjacency {
    /// The interface the neighbour is on.
    pub interface: IfIndex,
    /// The neighbour's address.
    pub neighbour: IpAddr,
    header: [u8; HEADER],
    /// 0 while the neighbour is not resolved.
    header_len: u8,
}

impl Adjacency {
    /// A neighbour whose station address is not known yet.
    pub fn unresolved(interface: IfIndex, neighbour: IpAddr) -> Self {
        Self { interface, neighbour, header: [0; HEADER], header_len: 0 }
    }

    /// A neighbour reached by `header`: destination, source, VLAN tags; at
    /// most 20 bytes, the EtherType left out. Too long a header leaves it unresolved.
    pub fn resolved(interface: IfIndex, neighbour: IpAddr, header: &[u8]) -> Self {
        let mut adjacency = Self::unresolved(interface, neighbour);
        if let Some(room) = adjacency.header.get_mut(..header.len()) {
            room.copy_from_slice(header);
            adjacency.header_len = header.len() as u8;
        }
        adjacency
    }

    /// The header without its EtherType; `None` while the neighbour is unresolved.
    #[inline]
    pub fn header(&self) -> Option<&[u8]> {
        match self.header_len {
            0 => None,
            n => self.header.get(..usize::from(n)),
        }
    }
}
