//! Labels are taken from, and sent to, interfaces with MPLS only: a customer cannot
//! choose a label (RFC 4364 section 5, RFC 4381 section 2.1).

use std::convert::Infallible;

use dataplane::packet::DropReason;
use dataplane::table::{Ilm, Snapshot};
use testbed::lab::Lab;
use testbed::packet::*;

use super::labels::{IN, beyond, both, entry, far, two_mpls, via};
use super::{FAMILIES, V4};

/// A customer on ge0, MPLS on ge1 only.
fn pe(more: &str) -> Lab {
    super::lab(&two_mpls("", "", more).replacen("mpls = true", "", 1))
}

#[test]
fn a_labelled_frame_from_a_customer_goes_nowhere() {
    let more = via(IN, "swap = 17", &V4) + &entry(20_000, "vrf = \"default\"") + &via(40, "pop = true", &V4);
    let mut lab = pe(&more);
    for f in FAMILIES {
        for label in [IN, 20_000, 40, 0, 1, 2, 3, 7, 13, 555_555] {
            lab.send("ge0", mpls(label) / f.ab() / udp(1) / payload(60));
            lab.expect_drop(DropReason::MplsDisabled);
            lab.send("ge0", mpls(label) / mpls(IN) / f.ab() / udp(1) / payload(60));
            lab.expect_drop(DropReason::MplsDisabled);
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn a_label_that_would_leave_by_such_an_interface_is_refused() {
    let mut lab = pe("");
    let customer = |more: &str| two_mpls("", "", more).replacen("mpls = true", "", 1);
    for text in [
        entry(IN, "swap = 17\nvia = \"10.1.0.1\""),
        "[[route]]\nprefix = \"10.9.0.0/16\"\nvia = \"10.1.0.1\"\npush = [17]".into(),
    ] {
        let refusal = lab.try_apply(&customer(&text)).unwrap_err();
        assert!(refusal.contains("mpls = true"), "{refusal}");
    }
}

#[test]
fn upstream_assigned_labels_are_not_spoken() {
    let mut lab = pe("");
    for (port, reason) in [("ge0", DropReason::MplsDisabled), ("ge1", DropReason::EtherTypeUnknown)] {
        lab.send(port, eth().ether_type(0x8848) / mpls(IN) / V4.ab() / udp(1) / payload(60));
        lab.expect_drop(reason);
    }
    lab.expect_nothing_else();
}

#[test]
fn a_labelled_frame_to_a_group_of_stations_goes_nowhere() {
    let mut lab = pe(&via(IN, "swap = 17", &V4));
    for group in ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:05", "33:33:00:00:00:01"] {
        lab.send("ge1", eth().dst(group) / mpls(IN) / V4.ab() / udp(1) / payload(60));
        lab.expect_drop(DropReason::Broadcast);
    }
    lab.expect_nothing_else();
}

/// Lets every label lead to the same as `IN`.
fn use_all(lab: &mut Lab) {
    let fill = |snapshot: &mut Snapshot| {
        let entry = snapshot.ilm.get(IN);
        assert!(entry.is_some());
        for label in 0..Ilm::LABELS as u32 {
            snapshot.ilm.set(label, entry);
        }
        Ok::<_, Infallible>(())
    };
    let Ok(()) = lab.router().handle().commit(fill);
}

/// Sends all 2^20 labels over this datagram in by `port`.
fn send_all(lab: &mut Lab, port: &str, behind: impl Into<Packet>) {
    const PART: u32 = 4096;
    let packet = lab.filled_in(port, mpls(0).tc(5) / behind.into());
    let mut bytes = packet.encode_padded();
    for first in (0..Ilm::LABELS as u32).step_by(PART as usize) {
        for label in first..first + PART {
            let entry = label << 12 | u32::from_be_bytes([0, 0, bytes[16] & 0xf, bytes[17]]);
            bytes[14..18].copy_from_slice(&entry.to_be_bytes());
            lab.send_bytes(port, 0, &bytes);
        }
        lab.run(testbed::lab::us(1));
    }
    lab.run(testbed::lab::ms(10));
}

#[test]
fn of_all_labels_from_a_customer_not_one_is_forwarded() {
    let mut lab = pe(&via(IN, "swap = 17", &V4));
    use_all(&mut lab);
    for f in FAMILIES {
        send_all(&mut lab, "ge0", f.ab() / udp(1) / payload(60));
        assert!(lab.take("ge0").is_empty() && lab.take("ge1").is_empty());
        lab.expect_drops(&[(DropReason::MplsDisabled, Ilm::LABELS as u64)]);
    }
}

#[test]
fn of_all_labels_from_the_core_every_one_that_may_be_used_is() {
    let mut lab = super::lab(&two_mpls("", "", &via(IN, "swap = 17", &V4)));
    use_all(&mut lab);
    let mut forwarded = 0;
    // In parts, so that what left can be counted.
    let packet = lab.filled_in("ge0", mpls(0) / far(&V4) / udp(1) / payload(60));
    let mut bytes = packet.encode();
    for label in 16..Ilm::LABELS as u32 {
        bytes[14..18].copy_from_slice(&(label << 12 | 0x140).to_be_bytes());
        lab.send_bytes("ge0", 0, &bytes);
        if label % 256 == 0 {
            lab.run(testbed::lab::us(100));
            forwarded += lab.take("ge1").len();
        }
    }
    lab.run(testbed::lab::ms(10));
    forwarded += lab.take("ge1").len();
    assert_eq!(forwarded, (16..Ilm::LABELS).len());
    lab.expect_no_drops();
}

#[test]
fn a_customer_s_plain_packets_get_their_labels_all_the_same() {
    let mut lab = pe(&both(|f| beyond(f, "push = [17]")));
    for f in FAMILIES {
        lab.send("ge0", far(&f) / udp(1) / payload(60));
        lab.expect("ge1", mpls(17).bos().ttl(63) / far(&f).ttl(63) / udp(1) / payload(60));
    }
}
