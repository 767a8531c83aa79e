//! Jumbo frames, to 9,000 bytes of IP.

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::{FAMILIES, TWO, lab, two_with};

fn jumbo(ge1: &str) -> String {
    let ge0 = "[[interface]]\n    name = \"ge0\"";
    two_with(ge1, "").replace(ge0, &format!("{ge0}\n    mtu = 9000"))
}

#[test]
fn nine_thousand_bytes_cross() {
    let mut lab = lab(&jumbo("mtu = 9000"));
    for f in FAMILIES {
        for length in [1501, 4000, 8999, 9000] {
            let data = length - f.header - 8;
            lab.send("ge0", f.ab() / udp(1) / payload(data));
            lab.expect("ge1", f.ab().ttl(63) / udp(1) / payload(data));
        }
    }
    lab.expect_no_drops();
}

#[test]
fn tagged_jumbo_frames_cross() {
    let text = jumbo("mtu = 9000\n    port = \"ge1\"\n    vlan = [300, 7]");
    let mut lab = lab(&text);
    for f in FAMILIES {
        lab.send("ge0", f.ab() / udp(1) / payload(9000 - f.header - 8));
        lab.expect("ge1", f.ab().ttl(63) / udp(1) / payload(9000 - f.header - 8));
    }
    lab.expect_no_drops();
}

#[test]
fn onto_a_smaller_link_the_sender_is_told_its_mtu() {
    let mut lab = lab(&jumbo(""));
    for f in FAMILIES {
        let big = || (if f.v6 { f.ab() } else { f.ab().df() }) / udp(1) / payload(8000);
        lab.send("ge0", big());
        lab.expect("ge0", ip(f.ra, f.a) / f.icmp((3, 4), (2, 0)).mtu(1500).quoting(big()));
    }
}

#[test]
fn a_frame_longer_than_the_buffers_is_dropped_by_name() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        lab.send("ge0", f.ab() / udp(1) / payload(3000));
        lab.expect_drop(DropReason::FrameTooLong);
    }
    lab.expect_nothing_else();
}
