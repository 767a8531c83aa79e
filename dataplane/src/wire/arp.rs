//! ARP for IPv4 over Ethernet (RFC 826).

use std::net::Ipv4Addr;

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::ethernet::{Mac, ether_type};
use super::{WireError, fixed_header};

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ArpMessage {
    /// 1: Ethernet.
    pub hardware: U16,
    /// 0x0800: IPv4.
    pub protocol: U16,
    /// 6.
    pub hardware_length: u8,
    /// 4.
    pub protocol_length: u8,
    /// [`ArpMessage::REQUEST`] or [`ArpMessage::REPLY`].
    pub operation: U16,
    /// Who sends it.
    pub sender_mac: Mac,
    /// Who sends it; 0.0.0.0 in a probe (RFC 5227).
    pub sender: [u8; 4],
    /// Who is asked or answered; of no meaning in a request.
    pub target_mac: Mac,
    /// Who is asked or answered.
    pub target: [u8; 4],
}
fixed_header!(ArpMessage, 28);

impl ArpMessage {
    /// The operation of a request.
    pub const REQUEST: u16 = 1;
    /// The operation of a reply.
    pub const REPLY: u16 = 2;

    /// A message of this operation.
    pub fn new(operation: u16, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Self {
        Self {
            hardware: 1.into(),
            protocol: ether_type::IPV4.into(),
            hardware_length: 6,
            protocol_length: 4,
            operation: operation.into(),
            sender_mac: sender.0,
            sender: sender.1.octets(),
            target_mac: target.0,
            target: target.1.octets(),
        }
    }

    /// Who has `target`? asked of every station.
    pub fn request(sender: (Mac, Ipv4Addr), target: Ipv4Addr) -> Self {
        Self::new(Self::REQUEST, sender, ([0; 6], target))
    }

    /// Views and checks a message: IPv4 over Ethernet, a request or a reply.
    ///
    /// # Errors
    /// [`WireError::Truncated`], or [`WireError::Malformed`] for anything else.
    pub fn check(bytes: &[u8]) -> Result<&Self, WireError> {
        let (message, _) = Self::parse(bytes)?;
        let lengths = (message.hardware_length, message.protocol_length);
        let kinds = (message.hardware.get(), message.protocol.get());
        let known = matches!(message.operation.get(), Self::REQUEST | Self::REPLY);
        match known && lengths == (6, 4) && kinds == (1, ether_type::IPV4) {
            true => Ok(message),
            false => Err(WireError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smoltcp::wire::{ArpPacket, ArpRepr};

    use super::*;

    #[test]
    fn other_hardware_protocols_and_operations_are_malformed() {
        let mut bytes = [0; 28];
        ArpMessage::request(([2; 6], [10, 0, 0, 1].into()), [10, 0, 0, 2].into()).emit(&mut bytes).unwrap();
        assert!(ArpMessage::check(&bytes).is_ok());
        assert_eq!(ArpMessage::check(&bytes[..27]).err(), Some(WireError::Truncated));
        for at in [1, 2, 4, 5, 7] {
            let mut wrong = bytes;
            wrong[at] = 9;
            assert_eq!(ArpMessage::check(&wrong).err(), Some(WireError::Malformed), "octet {at}");
        }
    }

    proptest! {
        #[test]
        fn parse_undoes_emit_and_smoltcp_agrees(
            reply: bool, a: Mac, b: Mac, sender: [u8; 4], target: [u8; 4],
        ) {
            let operation = if reply { ArpMessage::REPLY } else { ArpMessage::REQUEST };
            let ours = ArpMessage::new(operation, (a, sender.into()), (b, target.into()));
            let mut bytes = [0; 28];
            ours.emit(&mut bytes).unwrap();
            prop_assert_eq!(ArpMessage::check(&bytes), Ok(&ours));
            let packet = ArpPacket::new_checked(&bytes[..]).unwrap();
            let ArpRepr::EthernetIpv4 {
                operation, source_hardware_addr, source_protocol_addr,
                target_hardware_addr, target_protocol_addr,
            } = ArpRepr::parse(&packet).unwrap() else { panic!("not IPv4 over Ethernet") };
            prop_assert_eq!(u16::from(operation), ours.operation.get());
            prop_assert_eq!((source_hardware_addr.0, target_hardware_addr.0), (a, b));
            prop_assert_eq!(source_protocol_addr.octets(), sender);
            prop_assert_eq!(target_protocol_addr.octets(), target);
        }
    }
}
