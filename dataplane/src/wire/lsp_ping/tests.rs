//! Messages as RFC 8029 draws them, and bytes that are none.

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::wire::WireError;
use crate::wire::mpls::LabelStackEntry;

fn written(contents: &Contents) -> Vec<u8> {
    let mut out = Vec::new();
    contents.write(&mut out);
    out
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

#[test]
fn the_header_lies_where_rfc_8029_section_3_says() {
    let header = EchoHeader {
        version: VERSION.into(),
        flags: flag::VALIDATE_FEC.into(),
        kind: kind::REPLY,
        reply_mode: reply_mode::UDP,
        code: ReturnCode::SWITCHED,
        subcode: 2,
        handle: 0x0a0b_0c0d.into(),
        sequence: 7.into(),
        sent: 0x0000_0001_8000_0000.into(),
        received: 2.into(),
    };
    let mut bytes = [0; 32];
    header.emit(&mut bytes).unwrap();
    assert_eq!(bytes[..16], [0, 1, 0, 1, 2, 2, 8, 2, 10, 11, 12, 13, 0, 0, 0, 7]);
    // 1.5 s, then what was received.
    assert_eq!(bytes[16..], [0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!(EchoHeader::parse(&bytes).unwrap().0, &header);
    assert_eq!(EchoHeader::parse(&bytes[..31]).err(), Some(WireError::Truncated));
}

#[test]
fn a_fec_stack_is_the_example_of_rfc_8029_section_3() {
    let fecs = vec![
        Fec::Prefix(Signalling::Ldp, net("192.0.2.1/32")),
        Fec::Vpn([0, 0, 0xfd, 0xe8, 0, 0, 0, 1], net("203.0.113.0/24")),
    ];
    let bytes = written(&Contents { fecs, ..Contents::default() });
    assert_eq!(
        bytes,
        [
            &[0, 1, 0, 32][..],                           // FEC TLV, length 32
            &[0, 1, 0, 5, 192, 0, 2, 1, 32, 0, 0, 0],     // LDP IPv4, length 5, prefix, length, padding
            &[0, 6, 0, 13, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1], // VPN IPv4, length 13, distinguisher
            &[203, 0, 113, 0, 24, 0, 0, 0],               // prefix, length, padding
        ]
        .concat()
    );
}

#[test]
fn every_kind_of_fec_has_its_number() {
    use Signalling::{Bgp, Generic, Ldp};
    for (kind, length, fec) in [
        (1, 5, Fec::Prefix(Ldp, net("10.0.0.0/8"))),
        (2, 17, Fec::Prefix(Ldp, net("2001:db8::/32"))),
        (6, 13, Fec::Vpn([1; 8], net("10.0.0.0/8"))),
        (7, 25, Fec::Vpn([1; 8], net("2001:db8::/32"))),
        (12, 5, Fec::Prefix(Bgp, net("10.0.0.0/8"))),
        (13, 17, Fec::Prefix(Bgp, net("2001:db8::/32"))),
        (14, 5, Fec::Prefix(Generic, net("10.0.0.0/8"))),
        (15, 17, Fec::Prefix(Generic, net("2001:db8::/32"))),
        (16, 4, Fec::Nil(30_012)),
    ] {
        let mut out = Vec::new();
        fec.write(&mut out);
        assert_eq!(out[..4], [0, kind, 0, length]);
        assert!(out.len().is_multiple_of(4));
        // Longer and shorter than it must be.
        for wrong in [length - 1, length + 1] {
            out[3] = wrong;
            out.resize(64, 0);
            let read = Tlvs(&out).next().unwrap().and_then(Fec::read);
            assert_eq!(read, Err(Fault::Malformed), "{fec:?} with length {wrong}");
        }
    }
    let long = Tlv { kind: 14, value: &[10, 0, 0, 0, 33] };
    assert_eq!(Fec::read(long), Err(Fault::Malformed));
    assert_eq!(Fec::read(Tlv { kind: 3, value: &[0; 20] }), Ok(Fec::Foreign(3)));
}

#[test]
fn a_mapping_lies_where_rfc_8029_section_3_4_says() {
    let mapping = Mapping {
        mtu: 1508,
        wants_arrival: true,
        link: Link::Numbered([192, 0, 2, 9].into(), [192, 0, 2, 10].into()),
        code: ReturnCode::SWITCHED,
        subcode: 1,
        labels: vec![MappedLabel { entry: LabelStackEntry::new(30_012, 5, true, 0), protocol: 1 }],
    };
    let bytes = written(&Contents { mappings: vec![mapping], ..Contents::default() });
    assert_eq!(
        bytes,
        [
            &[0, 20, 0, 24][..],
            &[0x05, 0xe4, 1, 2],                // MTU, IPv4 numbered, flag I
            &[192, 0, 2, 9, 192, 0, 2, 10],     // router, interface
            &[8, 1, 0, 8],                      // code, depth, 8 bytes of sub-TLVs
            &[0, 2, 0, 4, 0x07, 0x53, 0xcb, 1], // label stack: label, TC 5, bottom; static
        ]
        .concat()
    );
}

#[test]
fn an_arrival_lies_where_rfc_8029_section_3_7_says() {
    let link = Link::Unnumbered([192, 0, 2, 1].into(), 3);
    let stack = vec![LabelStackEntry::new(30_012, 5, true, 1)];
    let bytes = written(&Contents { arrival: Some(Arrival { link, stack }), ..Contents::default() });
    let expected = [0, 7, 0, 16, 2, 0, 0, 0, 192, 0, 2, 1, 0, 0, 0, 3, 0x07, 0x53, 0xcb, 1];
    assert_eq!(bytes, expected);
}

#[test]
fn what_is_not_understood_comes_back_unless_it_is_optional() {
    let fec = written(&Contents { fecs: vec![Fec::Nil(16)], ..Contents::default() });
    let optional = [0x80, 1, 0, 1, 9, 0, 0, 0];
    assert_eq!(Contents::read(&[&fec[..], &optional].concat()).unwrap().fecs, [Fec::Nil(16)]);
    let strange = [[0, 2, 0, 1, 9, 0, 0, 0], [0, 99, 0, 2, 9, 9, 0, 0]].concat();
    let mixed = [&strange[..8], &fec, &optional, &strange[8..]].concat();
    assert_eq!(Contents::read(&mixed), Err(Fault::NotUnderstood(strange)));
    // A FEC of no registered kind: its stack as a whole.
    let unknown = [0, 1, 0, 4, 0x12, 0x34, 0, 0];
    assert_eq!(Contents::read(&unknown), Err(Fault::NotUnderstood(unknown.to_vec())));
    // What is malformed counts more.
    assert_eq!(Contents::read(&[&unknown[..], &[0, 1, 0]].concat()), Err(Fault::Malformed));
}

#[test]
fn lengths_that_contradict_are_malformed() {
    for (case, bytes) in [
        ("cut short in a header", &[0, 1, 0][..]),
        ("longer than the message", &[0, 3, 0, 5, 1, 0, 0, 0]),
        ("an empty FEC stack", &[0, 1, 0, 0]),
        ("two FEC stacks", &[0, 1, 0, 8, 0, 16, 0, 4, 0, 0, 0, 0, 0, 1, 0, 8, 0, 16, 0, 4, 0, 0, 0, 0]),
        ("no octet in a pad", &[0, 3, 0, 0]),
        ("a mapping without its interface", &[0, 20, 0, 4, 5, 220, 1, 0]),
        ("an address type that is none", &[0, 20, 0, 16, 5, 220, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("a type of service of one octet", &[0, 10, 0, 1, 0, 0, 0, 0]),
    ] {
        assert_eq!(Contents::read(bytes), Err(Fault::Malformed), "{case}");
    }
    // The padding of the last one may be missing.
    assert_eq!(Contents::read(&[0, 3, 0, 1, 1]).unwrap().pad, Some(vec![1]));
}

#[test]
fn requests_go_to_the_loopback_range_only() {
    let is = |text: &str| is_target(text.parse().unwrap());
    assert!(is("127.0.0.1") && is("127.255.1.2") && is("::ffff:127.0.0.1"));
    assert!(!is("126.0.0.1") && !is("::1") && !is("::ffff:128.0.0.1") && !is("::127.0.0.1"));
}

fn nets() -> impl Strategy<Value = IpNet> {
    prop_oneof![
        (any::<[u8; 4]>(), 0..=32u8).prop_map(|(a, n)| IpNet::new(a.into(), n).unwrap()),
        (any::<[u8; 16]>(), 0..=128u8).prop_map(|(a, n)| IpNet::new(a.into(), n).unwrap()),
    ]
}

fn fecs() -> impl Strategy<Value = Fec> {
    use Signalling::{Bgp, Generic, Ldp};
    let signalling = prop_oneof![Just(Ldp), Just(Bgp), Just(Generic)];
    prop_oneof![
        (signalling, nets()).prop_map(|(s, net)| Fec::Prefix(s, net)),
        (any::<[u8; 8]>(), nets()).prop_map(|(rd, net)| Fec::Vpn(rd, net)),
        (0..1u32 << 20).prop_map(Fec::Nil),
    ]
}

fn links() -> impl Strategy<Value = Link> {
    prop_oneof![
        any::<[[u8; 4]; 2]>().prop_map(|[a, b]| Link::Numbered(a.into(), b.into())),
        any::<[[u8; 16]; 2]>().prop_map(|[a, b]| Link::Numbered(a.into(), b.into())),
        (any::<[u8; 4]>(), any::<u32>()).prop_map(|(a, n)| Link::Unnumbered(a.into(), n)),
        (any::<[u8; 16]>(), any::<u32>()).prop_map(|(a, n)| Link::Unnumbered(a.into(), n)),
    ]
}

fn entries(ttl: u8) -> impl Strategy<Value = LabelStackEntry> {
    (0..1u32 << 20, 0..8u8, any::<bool>(), 0..=ttl)
        .prop_map(|(l, tc, s, ttl)| LabelStackEntry::new(l, tc, s, ttl))
}

fn mappings() -> impl Strategy<Value = Mapping> {
    let labels = (entries(0), any::<u8>()).prop_map(|(entry, protocol)| MappedLabel { entry, protocol });
    let labels = prop::collection::vec(labels, 0..6);
    (any::<u16>(), any::<bool>(), links(), any::<(u8, u8)>(), labels).prop_map(
        |(mtu, wants_arrival, link, (code, subcode), labels)| {
            let code = ReturnCode(code);
            Mapping { mtu, wants_arrival, link, code, subcode, labels }
        },
    )
}

proptest! {
    #[test]
    fn reading_undoes_writing(
        fecs in prop::collection::vec(fecs(), 1..4),
        mappings in prop::collection::vec(mappings(), 0..3),
        arrival in prop::option::of((links(), prop::collection::vec(entries(255), 0..5))),
        pad in prop::option::of(prop::collection::vec(any::<u8>(), 1..40)),
        reply_tos: Option<u8>,
    ) {
        let arrival = arrival.map(|(link, stack)| Arrival { link, stack });
        let contents = Contents { fecs, mappings, arrival, pad, reply_tos, errored: Vec::new() };
        let bytes = written(&contents);
        prop_assert!(bytes.len().is_multiple_of(4));
        prop_assert_eq!(Contents::read(&bytes), Ok(contents));
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        kinds in prop::collection::vec(0..24u8, 0..12),
    ) {
        let _ = Contents::read(&bytes);
        // The same with types and lengths that are nearly right.
        for (i, kind) in kinds.into_iter().enumerate() {
            if let Some(head) = bytes.get_mut(i * 16..i * 16 + 4) {
                head.copy_from_slice(&[0, kind, 0, 12]);
            }
        }
        let _ = Contents::read(&bytes);
    }
}
