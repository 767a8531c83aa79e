//! Stacks that are wrong, and such as only look so (RFC 3032 section 2.1).

use dataplane::packet::DropReason;
use testbed::lab::Lab;
use testbed::packet::*;

use super::V4;
use super::labels::{IN, OUT, entry, expect_bytes, lsr, via};

/// A label that is swapped, one of a penultimate hop, one that ends here, one that ends in a Vrf.
fn lab() -> Lab {
    let more = via(IN, &format!("swap = {OUT}"), &V4)
        + &via(IN + 1, "pop = true", &V4)
        + &entry(IN + 2, "pop = true")
        + &entry(IN + 3, "vrf = \"default\"");
    lsr(&more)
}

/// The bytes of an Ethernet frame to the router with these behind its header.
fn frame(lab: &Lab, behind: &[u8]) -> Vec<u8> {
    let header = lab.filled_in("ge0", (eth().ether_type(0x8847) / bytes([0])).clone());
    [&header.encode()[..14], behind].concat()
}

/// One entry's bytes.
fn word(label: u32, bottom: bool) -> [u8; 4] {
    (label << 12 | u32::from(bottom) << 8 | 64).to_be_bytes()
}

#[test]
fn an_entry_cut_short_goes_nowhere() {
    let mut lab = lab();
    for length in 0..4 {
        let bytes = frame(&lab, &word(IN, true)[..length]);
        lab.send_bytes("ge0", 0, &bytes);
        lab.expect_drop(DropReason::MplsMalformed);
    }
    // A label that ends here, and then nothing, or half an entry.
    for (label, bottom) in [(IN + 2, false), (0, false), (2, false)] {
        for length in 0..4 {
            let bytes = frame(&lab, &[&word(label, bottom)[..], &[0; 3][..length.min(3)]].concat());
            lab.send_bytes("ge0", 0, &bytes);
            lab.expect_drop(DropReason::MplsMalformed);
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn a_stack_whose_bottom_never_comes() {
    let mut lab = lab();
    let below: Vec<u8> = (0..20).flat_map(|_| word(OUT, false)).collect();
    // A swap looks at the top alone: whoever ends the LSP will find out.
    let bytes = frame(&lab, &[&word(IN, false)[..], &below].concat());
    lab.send_bytes("ge0", 0, &bytes);
    expect_bytes(&mut lab, "ge1", mpls(OUT).ttl(63).not_bos() / testbed::packet::bytes(&below));
    // Ends of LSPs down to where the frame ends.
    for depth in 1..5 {
        let bytes = frame(&lab, &word(IN + 2, false).repeat(depth));
        lab.send_bytes("ge0", 0, &bytes);
        lab.expect_drop(DropReason::MplsMalformed);
    }
    lab.expect_nothing_else();
}

#[test]
fn more_ends_than_any_stack_has_are_a_loop() {
    let mut lab = lab();
    for label in [IN + 2, 0] {
        for depth in [32, 64, 300] {
            let bytes =
                frame(&lab, &[&word(label, false).repeat(depth)[..], &word(IN, true), &[0x45; 60]].concat());
            lab.send_bytes("ge0", 0, &bytes);
            lab.expect_drop(DropReason::LookupLoop);
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn a_stack_as_deep_as_the_frame_is_swapped_and_popped_at_the_top_alone() {
    let mut lab = lab();
    for depth in [64, 100, 370] {
        let below = [&word(1000, false).repeat(depth - 1)[..], &word(1001, true)].concat();
        let frame_of = |lab: &Lab, label| frame(lab, &[&word(label, false)[..], &below].concat());
        let bytes = frame_of(&lab, IN);
        lab.send_bytes("ge0", 0, &bytes);
        let seen = lab.next_seen("ge1", testbed::lab::ms(1)).unwrap();
        assert_eq!(seen.bytes[14..18], (OUT << 12 | 63).to_be_bytes());
        assert_eq!(seen.bytes[18..], below[..]);
        let bytes = frame_of(&lab, IN + 1);
        lab.send_bytes("ge0", 0, &bytes);
        let seen = lab.next_seen("ge1", testbed::lab::ms(1)).unwrap();
        assert_eq!(seen.bytes[14..18], (1000u32 << 12 | 63).to_be_bytes());
        assert_eq!(seen.bytes[18..], below[4..]);
    }
    lab.expect_no_drops();
}

#[test]
fn nothing_below_the_last_label_is_no_packet() {
    let mut lab = lab();
    for label in [IN + 1, IN + 2, IN + 3, 0, 2] {
        let bytes = frame(&lab, &word(label, true));
        lab.send_bytes("ge0", 0, &bytes);
        lab.expect_drop(DropReason::MplsPayload);
    }
    // Half a header.
    for (first, length, reason) in [
        (0x45, 19, DropReason::Ipv4Malformed),
        (0x60, 39, DropReason::Ipv6Malformed),
        (0x45, 1, DropReason::Ipv4Malformed),
    ] {
        let bytes = frame(&lab, &[&word(IN + 3, true)[..], &vec![first; length]].concat());
        lab.send_bytes("ge0", 0, &bytes);
        lab.expect_drop(reason);
    }
    lab.expect_nothing_else();
}

#[test]
fn an_entropy_indicator_stands_over_its_label() {
    let mut lab = lab();
    // At the bottom; and over an entropy label that the frame does not hold.
    for behind in [[&word(7, true)[..], &[0x45; 60]].concat(), word(7, false).to_vec()] {
        let bytes = frame(&lab, &behind);
        lab.send_bytes("ge0", 0, &bytes);
        lab.expect_drop(DropReason::MplsMalformed);
    }
    lab.expect_nothing_else();
}

#[test]
fn random_bytes_below_a_label_have_an_end_by_name() {
    let mut lab = lab();
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    for n in 0..3000 {
        let labels = [IN, IN + 1, IN + 2, IN + 3, 0, 1, 2, 7, next() & 0xf_ffff];
        let mut behind = word(labels[n % labels.len()], next() % 2 == 0).to_vec();
        let length = next() as usize % 120;
        behind.extend((0..length).map(|_| next() as u8));
        // Often something that looks like IP.
        if let Some(first) = behind.get_mut(4).filter(|_| n % 3 == 0) {
            *first = if n % 2 == 0 { 0x45 } else { 0x60 };
        }
        let bytes = frame(&lab, &behind);
        // The laboratory checks at every step that none is lost without a name.
        lab.send_bytes("ge0", 0, &bytes);
        lab.run(testbed::lab::us(10));
    }
    lab.run(testbed::lab::secs(20));
    assert_eq!(lab.router().held(), 0);
}
