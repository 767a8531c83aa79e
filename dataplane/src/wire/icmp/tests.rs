//! ICMP messages there and back, and as smoltcp reads them.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use smoltcp::wire::{Icmpv4Message, Icmpv4Packet, Icmpv6Message, Icmpv6Packet};

use super::*;

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (any::<u16>(), any::<u16>())
            .prop_map(|(identifier, sequence)| Message::EchoRequest { identifier, sequence }),
        (any::<u16>(), any::<u16>())
            .prop_map(|(identifier, sequence)| Message::EchoReply { identifier, sequence }),
        (0u8..4).prop_map(Message::Unreachable),
        (0u32..=0xffff).prop_map(|mtu| Message::TooBig { mtu }),
        (0u8..2).prop_map(Message::TimeExceeded),
        (0u8..3, 0u32..256).prop_map(|(code, pointer)| Message::ParameterProblem { code, pointer }),
    ]
}

fn emitted(family: Family, message: Message, data: &[u8], source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    message.header(family).emit(&mut bytes).unwrap();
    bytes.extend(data);
    fill_checksum(&mut bytes, source, destination).unwrap();
    bytes
}

#[test]
fn fragmentation_needed_is_laid_out_as_rfc_1191_section_4_says() {
    let header = Message::TooBig { mtu: 1400 }.header(Family::V4);
    assert_eq!((header.kind, header.code, header.rest), (3, 4, [0, 0, 5, 120]));
    let header = Message::TooBig { mtu: 1400 }.header(Family::V6);
    assert_eq!((header.kind, header.code, header.rest), (2, 0, [0, 0, 5, 120]));
    // A pointer is one octet in ICMP and four in ICMPv6.
    let problem = Message::ParameterProblem { code: 0, pointer: 22 };
    assert_eq!(problem.header(Family::V4).rest, [22, 0, 0, 0]);
    assert_eq!(problem.header(Family::V6).rest, [0, 0, 0, 22]);
}

#[test]
fn errors_are_the_ones_of_rfc_1122_and_rfc_4443() {
    let errors: Vec<u8> = (0..=255).filter(|kind| is_error(Family::V4, *kind)).collect();
    assert_eq!(errors, [3, 4, 5, 11, 12]);
    assert!((0..=255).all(|kind| is_error(Family::V6, kind) == (kind < 128)));
    assert!(Message::TimeExceeded(0).is_error(Family::V4) && Message::TimeExceeded(0).is_error(Family::V6));
    let echo = Message::EchoRequest { identifier: 1, sequence: 1 };
    assert!(!echo.is_error(Family::V4) && !echo.is_error(Family::V6));
}

#[test]
fn families_do_not_mix() {
    let (v4, v6) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([0u16; 8]));
    assert_eq!(fill_checksum(&mut [0; 8], v4, v6), Err(WireError::Malformed));
    assert_eq!(fill_checksum(&mut [0; 7], v4, v4), Err(WireError::Truncated));
}

proptest! {
    #[test]
    fn v4_is_parsed_back_and_smoltcp_agrees(
        message in message(), data in prop::collection::vec(any::<u8>(), 0..40), flip in 0usize..64,
    ) {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut bytes = emitted(Family::V4, message, &data, address, address);
        let (header, rest) = check_v4(&bytes).unwrap();
        prop_assert_eq!((Message::of(Family::V4, header), rest), (message, &data[..]));
        let theirs = Icmpv4Packet::new_checked(&bytes[..]).unwrap();
        prop_assert!(theirs.verify_checksum());
        prop_assert_eq!(theirs.msg_code(), header.code);
        let kind = match message {
            Message::EchoRequest { identifier, sequence } => {
                prop_assert_eq!((theirs.echo_ident(), theirs.echo_seq_no()), (identifier, sequence));
                Icmpv4Message::EchoRequest
            }
            Message::EchoReply { .. } => Icmpv4Message::EchoReply,
            Message::Unreachable(_) | Message::TooBig { .. } => Icmpv4Message::DstUnreachable,
            Message::TimeExceeded(_) => Icmpv4Message::TimeExceeded,
            Message::ParameterProblem { .. } => Icmpv4Message::ParamProblem,
            Message::Other(..) => unreachable!(),
        };
        prop_assert_eq!(theirs.msg_type(), kind);
        bytes[flip / 8] ^= 1 << (flip % 8);
        prop_assert_eq!(check_v4(&bytes).err(), Some(WireError::Checksum));
    }

    #[test]
    fn v6_is_parsed_back_and_smoltcp_agrees(
        message in message(), data in prop::collection::vec(any::<u8>(), 0..40), a: [u8; 16], b: [u8; 16],
    ) {
        let (a, b) = (Ipv6Addr::from(a), Ipv6Addr::from(b));
        let bytes = emitted(Family::V6, message, &data, a.into(), b.into());
        let (header, rest) = check_v6(&bytes, a, b).unwrap();
        prop_assert_eq!((Message::of(Family::V6, header), rest), (message, &data[..]));
        let theirs = Icmpv6Packet::new_checked(&bytes[..]).unwrap();
        prop_assert!(theirs.verify_checksum(&a, &b));
        let kind = match message {
            Message::EchoRequest { .. } => Icmpv6Message::EchoRequest,
            Message::EchoReply { .. } => Icmpv6Message::EchoReply,
            Message::Unreachable(_) => Icmpv6Message::DstUnreachable,
            Message::TooBig { mtu } => {
                prop_assert_eq!(theirs.pkt_too_big_mtu(), mtu);
                Icmpv6Message::PktTooBig
            }
            Message::TimeExceeded(_) => Icmpv6Message::TimeExceeded,
            Message::ParameterProblem { pointer, .. } => {
                prop_assert_eq!(theirs.param_problem_ptr(), pointer);
                Icmpv6Message::ParamProblem
            }
            Message::Other(..) => unreachable!(),
        };
        prop_assert_eq!(theirs.msg_type(), kind);
        // A bit more or less is another sum, whichever it is.
        let other = Ipv6Addr::from_bits(b.to_bits() ^ 1);
        prop_assert_eq!(check_v6(&bytes, a, other).err(), Some(WireError::Checksum));
    }

    #[test]
    fn any_header_says_something(bytes: [u8; 8], v6: bool) {
        let family = if v6 { Family::V6 } else { Family::V4 };
        let (header, _) = IcmpHeader::parse(&bytes).unwrap();
        let said = Message::of(family, header).header(family);
        prop_assert_eq!(said.kind, header.kind);
    }
}
