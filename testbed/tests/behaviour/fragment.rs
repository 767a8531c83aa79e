//! IPv4 fragmentation (RFC 791 section 3.2, RFC 1812 section 4.2.2.7).

use dataplane::packet::DropReason;
use proptest::prelude::*;
use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::{V4, lab_v4, two_v4};

#[test]
fn a_long_datagram_is_cut_into_the_fewest_fragments() {
    let mut lab = lab_v4(&two_v4(1000));
    let header = || V4.ab().id(77).dscp(AF41);
    let whole = header() / udp(9) / payload(1400);
    lab.send("ge0", whole.clone());
    let fragment = || header().ttl(63).protocol(17).may_fragment();
    lab.expect("ge1", fragment().mf() / whole.part(0..976));
    lab.expect("ge1", fragment().offset(976) / whole.part(976..usize::MAX));
    lab.expect_nothing_else();
    lab.expect_no_drops();
}

#[test]
fn a_fragment_is_cut_again_and_keeps_its_place() {
    let mut lab = lab_v4(&two_v4(620));
    let whole = V4.ab() / udp(9) / payload(4000);
    let header = || V4.ab().id(5).protocol(17);
    lab.send("ge0", header().mf().offset(1200) / whole.part(1200..2400));
    lab.expect("ge1", header().ttl(63).mf().offset(1200) / whole.part(1200..1800));
    lab.expect("ge1", header().ttl(63).mf().offset(1800) / whole.part(1800..2400));
    lab.expect_nothing_else();
}

#[test]
fn options_are_in_the_first_fragment_and_those_with_the_copy_bit_in_all() {
    let mut lab = lab_v4(&two_v4(620));
    // Router alert (148) is copied, timestamp (68) is not.
    let timestamp = [68, 8, 9, 0, 1, 2, 3, 4];
    let alert = [148, 4, 0, 0];
    let packet = V4.ab().options(&[alert.as_slice(), &timestamp].concat()) / udp(9) / payload(800);
    lab.send("ge0", packet.clone());
    let first = lab.next_seen("ge1", ms(100)).map(|seen| Packet::decode(&seen.bytes)).expect("a fragment");
    let second = lab.next_seen("ge1", ms(100)).map(|seen| Packet::decode(&seen.bytes)).expect("a fragment");
    let ip = |packet: &Packet| packet.layer(Kind::Ipv4).unwrap().clone();
    assert_eq!(ip(&first).bytes("options")[..6], [148, 4, 0, 0, 68, 8]);
    assert_eq!(ip(&second).bytes("options"), alert);
    assert_eq!(ip(&second).checksum_is_good(), Some(true));
}

trait ChecksumIsGood {
    fn checksum_is_good(&self) -> Option<bool>;
}

impl ChecksumIsGood for Layer {
    fn checksum_is_good(&self) -> Option<bool> {
        self.get("checksum").map(|value| *value == Value::Checksum(Checksum::Good))
    }
}

#[test]
fn fragments_that_no_honest_sender_makes_are_dropped() {
    let mut lab = lab_v4(&two_v4(1500));
    let whole = V4.ab() / tcp(80).syn() / payload(400);
    let header = || V4.ab().id(5).protocol(6);
    for (packet, why) in [
        (header().mf() / whole.part(0..8), "a first fragment without all of the ports and flags (RFC 1858)"),
        (header().offset(8) / whole.part(8..100), "a fragment that overlaps the TCP header (RFC 1858)"),
        (header().offset(65528) / whole.part(0..100), "a fragment that ends behind 65,535"),
        (header().mf().offset(80) / whole.part(80..85), "a middle fragment that is no multiple of 8"),
    ] {
        lab.send("ge0", packet);
        lab.run(ms(5));
        assert_eq!(lab.drops(), [(DropReason::FragmentInvalid, 1)], "{why}");
        lab.forget();
    }
}

/// Puts the fragments of one datagram together, the slow obvious way.
fn reassembled(lab: &mut Lab) -> Vec<u8> {
    let mut whole: Vec<Option<u8>> = Vec::new();
    let mut end = None;
    lab.run(ms(20));
    for seen in lab.take("ge1") {
        let packet = Packet::decode(&seen.bytes);
        let ip = packet.layer(Kind::Ipv4).unwrap();
        let at = ip.number("offset").unwrap() as usize * 8;
        let contents = packet.layer(Kind::Payload).unwrap().bytes("bytes");
        if whole.len() < at + contents.len() {
            whole.resize(at + contents.len(), None);
        }
        for (place, byte) in whole[at..].iter_mut().zip(contents) {
            assert_eq!(place.replace(*byte), None, "fragments overlap");
        }
        if ip.number("mf") == Some(0) {
            end = Some(at + contents.len());
        }
    }
    assert_eq!(end, Some(whole.len()), "the last fragment ends the datagram");
    whole.into_iter().map(|byte| byte.expect("no gap")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn fragments_put_together_are_the_datagram(mtu in 68usize..600, length in 601usize..1400) {
        let mut lab = lab_v4(&two_v4(mtu));
        let whole = V4.ab().id(3) / udp(9) / payload(length);
        lab.send("ge0", whole.clone());
        let contents = reassembled(&mut lab);
        prop_assert_eq!(&contents[..], &whole.encode()[20..]);
        lab.expect_no_drops();
    }
}
