//! What leaves, byte for byte.

use crate::packet::Verdict;
use crate::stage::testing::*;
use crate::wire::ethernet::ether_type;

#[test]
fn a_datagram_loses_a_hop_and_gets_the_neighbours_header() {
    let sent = rewritten(&router(), &call());
    assert_eq!(sent.meta().verdict, Verdict::Forward);
    let header = ipv4_with(("10.1.0.9", "198.51.100.7"), 17, 26, &[], |h| h.ttl = 63);
    let expected = stack(&[&eth_to(HOST1, MAC1, ether_type::IPV4), &header, &udp(5004, 5006, 18)]);
    assert_eq!(sent.bytes(), expected);
    assert_eq!((sent.meta().l3_offset, sent.meta().l4_offset, sent.l3().len()), (14, 34, 46));
}

#[test]
fn padding_is_trimmed() {
    let short = stack(&[&eth(ether_type::IPV4), &ipv4(("10.1.0.9", "198.51.100.7"), 9), &udp(1, 2, 1)]);
    let padded = stack(&[&short, &[0xaa; 17]]);
    assert_eq!(rewritten(&router(), &padded).bytes(), rewritten(&router(), &short).bytes());
    assert_eq!(rewritten(&router(), &padded).len(), short.len());
}
