//! Next-hop MTU: don't-fragment and packet too big, to the byte (RFC 1191, RFC 8201).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::{FAMILIES, lab, two_with};

#[test]
fn a_datagram_of_exactly_the_mtu_passes_and_one_byte_more_is_answered_with_the_mtu() {
    for mtu in [1280, 1400, 1500] {
        let mut lab = lab(&two_with(&format!("mtu = {mtu}"), ""));
        for f in FAMILIES {
            let of = |length: usize| {
                let header = if f.v6 { f.ab() } else { f.ab().df() };
                header / udp(9) / payload(length - f.header - 8)
            };
            lab.send("ge0", of(mtu));
            lab.expect("ge1", of(mtu).lowered());
            lab.send("ge0", of(mtu + 1));
            let icmp = f.icmp((3, 4), (2, 0)).mtu(mtu as u32);
            lab.expect("ge0", ip(f.ra, f.a) / icmp.quoting(of(mtu + 1)));
            let why = if f.v6 { DropReason::PacketTooBig } else { DropReason::FragmentationNeeded };
            lab.expect_drop(why);
        }
        lab.expect_nothing_else();
    }
}

#[test]
fn an_error_quotes_as_much_as_the_rfc_lets_it() {
    let mut lab = lab(&two_with("mtu = 1280", ""));
    for f in FAMILIES {
        let header = if f.v6 { f.ab() } else { f.ab().df() };
        lab.send("ge0", header / udp(9) / payload(1400));
        let got = lab.next_seen("ge0", testbed::lab::secs(1)).expect("an ICMP error");
        // RFC 1812 section 4.3.2.3: up to 576 bytes; RFC 4443 section 3.2: up to 1280.
        assert_eq!(got.bytes.len() - 14, if f.v6 { 1280 } else { 576 });
    }
}

trait Lowered {
    /// The same packet after one router.
    fn lowered(self) -> Self;
}

impl Lowered for Packet {
    fn lowered(mut self) -> Self {
        for kind in [Kind::Ipv4, Kind::Ipv6] {
            if let Some(layer) = self.layer_mut(kind) {
                layer.set("ttl", Value::Number(63));
            }
        }
        self
    }
}
