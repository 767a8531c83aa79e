//! What the tests of labelled packets share: a router with MPLS on both sides, and a
//! comparison to the byte.

use testbed::lab::{Lab, ms, secs};
use testbed::packet::*;

use super::{FAMILIES, Family};

/// Label of the LSP that comes in, and of the one that goes on.
pub(super) const IN: u32 = 30_012;
pub(super) const OUT: u32 = 17;

/// Two interfaces with labels as in `super::TWO`, each with more lines, and more tables behind.
pub(super) fn two_mpls(ge0: &str, ge1: &str, more: &str) -> String {
    let interface = |name: &str, n: u8, lines: &str| {
        format!(
            r#"
                [[port]]
                name = "{name}"
                kind = "loopback"
                [[interface]]
                name = "{name}"
                mpls = true
                addresses = ["10.{n}.0.254/24", "2001:db8:{n}::fe/64"]
                {lines}
            "#
        )
    };
    format!("{}{}{more}", interface("ge0", 1, ge0), interface("ge1", 2, ge1))
}

/// A router of [`two_mpls`] with neighbours of both families on both sides.
#[track_caller]
pub(super) fn lsr(more: &str) -> Lab {
    super::lab(&two_mpls("", "", more))
}

/// A `[[label]]` entry with these further lines.
pub(super) fn entry(label: u32, lines: &str) -> String {
    format!("[[label]]\nlabel = {label}\n{lines}\n")
}

/// A `[[label]]` entry that leads to the neighbour on ge1.
pub(super) fn via(label: u32, lines: &str, f: &Family) -> String {
    entry(label, &format!("{lines}\nvia = \"{}\"", f.b))
}

/// A static route to what is beyond the neighbours, by the neighbour on ge1, with these lines.
pub(super) fn beyond(f: &Family, lines: &str) -> String {
    format!("[[route]]\nprefix = \"{}\"\nvia = \"{}\"\n{lines}\n", f.beyond.0, f.b)
}

/// A datagram to what is beyond, long enough to need no padding on the line.
pub(super) fn far(f: &Family) -> Ip {
    ip(f.a, f.beyond.1)
}

/// The next frame out of a port must be this packet, to the last byte behind the
/// Ethernet header: what it does not mention has its default.
#[track_caller]
pub(super) fn expect_bytes(lab: &mut Lab, from: &str, packet: impl Into<Packet>) -> Packet {
    let packet = packet.into();
    let Some(seen) = lab.next_seen(from, secs(8)) else {
        panic!("nothing left {from}; dropped {:?}; expected was\n{packet}", lab.drops());
    };
    let expected = packet.encode();
    if seen.bytes[14..] != expected[..] {
        let got = Packet::decode(&seen.bytes);
        let difference = diff_packets(&packet, &got).unwrap_or_else(|| format!("\n{packet}\n{got}"));
        panic!("what left {from} is not what was expected to the byte:\n{difference}");
    }
    Packet::decode(&seen.bytes)
}

/// Everything that left a port of `lab` in the last moment, decoded.
pub(super) fn taken(lab: &mut Lab, from: &str) -> Vec<Packet> {
    lab.run(ms(10));
    lab.take(from).iter().map(|seen| Packet::decode(&seen.bytes)).collect()
}

/// The labels of a packet, outermost first.
pub(super) fn stack(packet: &Packet) -> Vec<u32> {
    let entries = packet.layers().iter().filter(|layer| layer.kind == Kind::Mpls && !layer.quoted);
    entries.filter_map(|entry| entry.number("label")).map(|label| label as u32).collect()
}

/// For each family: the text of `more` once, so that both can be tried in one router.
pub(super) fn both(more: impl Fn(&Family) -> String) -> String {
    FAMILIES.iter().map(more).collect()
}
