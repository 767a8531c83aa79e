//! Neighbour discovery messages there and back, and as smoltcp reads them.

use proptest::prelude::*;
use smoltcp::wire::{Icmpv6Packet, NdiscNeighborFlags, NdiscRepr, RawHardwareAddress};

use super::*;
use crate::wire::icmp;

#[test]
fn the_solicited_node_group_of_rfc_4291() {
    let address = "4037::01:800:200e:8c6c".parse().unwrap();
    assert_eq!(solicited_node(address), "ff02::1:ff0e:8c6c".parse::<Ipv6Addr>().unwrap());
}

#[test]
fn what_sections_7_1_1_and_7_1_2_refuse() {
    let mut bytes = [0; 32];
    NeighbourMessage::solicitation("fe80::1".parse().unwrap()).emit(&mut bytes).unwrap();
    LinkLayerOption::new(kind::SOURCE_LINK_LAYER, [2; 6]).emit(&mut bytes[24..]).unwrap();
    assert!(NeighbourMessage::check(&bytes).is_ok());
    assert_eq!(NeighbourMessage::check(&bytes[..23]).err(), Some(WireError::Truncated));
    assert_eq!(NeighbourMessage::check(&bytes[..31]).err(), Some(WireError::Truncated));
    for (at, value) in [(0, 137), (1, 1), (8, 0xff), (25, 0)] {
        let mut wrong = bytes;
        wrong[at] = value;
        assert_eq!(NeighbourMessage::check(&wrong).err(), Some(WireError::Malformed), "octet {at}");
    }
}

#[test]
fn a_router_advertisement_with_each_option() {
    let message = RouterAdvertisement {
        kind: message::ROUTER_ADVERTISEMENT,
        code: 0,
        checksum: 0.into(),
        hop_limit: 64,
        flags: 0,
        router_lifetime: 1800.into(),
        reachable_time: 0.into(),
        retransmit_timer: 0.into(),
    };
    let prefix = PrefixOption {
        kind: kind::PREFIX,
        length: 4,
        prefix_length: 64,
        flags: 0xc0,
        valid_lifetime: 86_400.into(),
        preferred_lifetime: 14_400.into(),
        reserved: 0.into(),
        prefix: "2001:db8::".parse::<Ipv6Addr>().unwrap().octets(),
    };
    let mtu = MtuOption { kind: kind::MTU, length: 1, reserved: 0.into(), mtu: 1500.into() };
    let mut bytes = [0; 16 + 8 + 32 + 8 + 8];
    message.emit(&mut bytes).unwrap();
    LinkLayerOption::new(kind::SOURCE_LINK_LAYER, [2; 6]).emit(&mut bytes[16..]).unwrap();
    prefix.emit(&mut bytes[24..]).unwrap();
    mtu.emit(&mut bytes[56..]).unwrap();
    bytes[64..66].copy_from_slice(&[14, 1]); // a nonce (RFC 3971): not known here
    let (read, options) = RouterAdvertisement::check(&bytes).unwrap();
    assert_eq!(read, &message);
    let other = NdOption::Other(14, &bytes[64..]);
    let expected = [NdOption::Source([2; 6]), NdOption::Prefix(&prefix), NdOption::Mtu(1500), other];
    assert_eq!(options.collect::<Vec<_>>(), expected);
    let solicitation = [&[133, 0, 0, 0, 0, 0, 0, 0][..], &bytes[16..24]].concat();
    let options = check_router_solicitation(&solicitation).unwrap();
    assert_eq!(options.collect::<Vec<_>>(), expected[..1]);
    assert_eq!(check_router_solicitation(&bytes).err(), Some(WireError::Malformed));
}

proptest! {
    #[test]
    fn neighbour_messages_parse_back_and_smoltcp_agrees(
        target: [u8; 16], mac: [u8; 6], flags in 0u8..8, advertisement: bool, with_option: bool,
    ) {
        prop_assume!(target[0] != 0xff);
        let (a, b) = (Ipv6Addr::from([0xfe; 16]), Ipv6Addr::from(target));
        let ours = match advertisement {
            true => NeighbourMessage::advertisement(target.into(), flags << 5),
            false => NeighbourMessage::solicitation(target.into()),
        };
        let option = if advertisement { kind::TARGET_LINK_LAYER } else { kind::SOURCE_LINK_LAYER };
        let mut bytes = vec![0; if with_option { 32 } else { 24 }];
        ours.emit(&mut bytes).unwrap();
        if with_option {
            LinkLayerOption::new(option, mac).emit(&mut bytes[24..]).unwrap();
        }
        icmp::fill_checksum(&mut bytes, a.into(), b.into()).unwrap();

        let (read, mut options) = NeighbourMessage::check(&bytes).unwrap();
        prop_assert_eq!((read.target, read.flags()), (target, ours.flags()));
        let expected = if advertisement { NdOption::Target(mac) } else { NdOption::Source(mac) };
        prop_assert_eq!(options.next(), with_option.then_some(expected));

        let packet = Icmpv6Packet::new_checked(&bytes[..]).unwrap();
        prop_assert!(packet.verify_checksum(&a, &b));
        let address = with_option.then(|| RawHardwareAddress::from_bytes(&mac));
        let theirs = match advertisement {
            true => NdiscRepr::NeighborAdvert {
                flags: NdiscNeighborFlags::from_bits_truncate(flags << 5),
                target_addr: b,
                lladdr: address,
            },
            false => NdiscRepr::NeighborSolicit { target_addr: b, lladdr: address },
        };
        prop_assert_eq!(NdiscRepr::parse(&packet).unwrap(), theirs);
    }

    #[test]
    fn any_bytes_are_checked_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(options) = Options::check(&bytes) {
            prop_assert!(options.count() <= 10);
        }
        let _ = (NeighbourMessage::check(&bytes), RouterAdvertisement::check(&bytes));
    }
}
