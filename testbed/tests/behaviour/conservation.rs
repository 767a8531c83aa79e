//! Whatever comes in: every frame is sent, delivered, held, or dropped by name. The
//! laboratory checks it at every step of every test; here with the worst there is.

use proptest::prelude::*;
use testbed::lab::{Lab, ms, secs};
use testbed::packet::*;

use super::labels::two_mpls;
use super::{FAMILIES, V4, V6};

/// A packet of many kinds, towards many places.
fn packet() -> impl Strategy<Value = Packet> {
    let to = prop::sample::select(vec![
        "10.2.0.9",
        "10.2.0.77",
        "10.1.0.254",
        "10.1.0.255",
        "192.0.2.1",
        "224.0.0.5",
        "10.9.0.1",
        "10.1.0.1",
    ]);
    let to6 = prop::sample::select(vec![
        "2001:db8:2::9",
        "2001:db8:2::77",
        "2001:db8:1::fe",
        "ff02::1",
        "2001:db8:ffff::1",
        "fe80::1",
        "2001:db8:9::1",
    ]);
    (any::<bool>(), to, to6, 0u8..64, 0u8..5, 0u8..16, 0usize..1500, stack()).prop_map(
        |(v6, to, to6, dscp, ttl, kind, length, stack)| {
            let header = if v6 { ip(V6.a, to6) } else { ip(V4.a, to) }.dscp(dscp).ttl(ttl.saturating_mul(60));
            match (kind, v6) {
                (0, false) => header.df() / udp(1) / payload(length),
                (1, false) => header / icmp_echo_request(1, 2) / payload(length),
                (1, true) => header / icmp6_echo_request(1, 2) / payload(length),
                (2, false) => header.options(&[7, 7, 4, 0, 0, 0, 0]) / udp(1),
                (2, true) => header.hop_by_hop(&[5, 2, 0, 0]) / udp(1) / payload(length),
                (3, false) => header.mf().protocol(17) / payload(length / 8 * 8),
                (3, true) => header.fragment(1, 0, true) / payload(length / 8 * 8),
                (4, _) => vlan(length as u16) / header / udp(1),
                (8..14, _) => stack / header / udp(1) / payload(length),
                (14, _) => stack / payload(length),
                _ => header / udp(1) / payload(length),
            }
        },
    )
}

/// Labels of every kind, those of [`LABELS`] most.
fn stack() -> impl Strategy<Value = Packet> {
    let label = prop_oneof![6 => 1000u32..1010, 2 => 0u32..16, 1 => 0u32..1 << 20];
    let entry = (label, 0u8..8, prop::sample::select(vec![0u8, 1, 2, 64, 255]), 0u8..20);
    prop::collection::vec(entry, 1..5).prop_map(|entries| {
        entries.into_iter().fold(Packet::default(), |stack, (label, tc, ttl, bos)| {
            let entry = mpls(label).tc(tc).ttl(ttl);
            stack
                / match bos {
                    0 => entry.bos(),
                    1 => entry.not_bos(),
                    _ => entry,
                }
        })
    })
}

/// Labels that are swapped, pushed on, taken off, looked up, by known and unknown next hops.
const LABELS: [&str; 9] = [
    "swap = 1000\nvia = \"10.2.0.9\"",
    "swap = 0\nvia = [\"10.2.0.9\", \"2001:db8:2::9\"]",
    "swap = 1002\npush = [1003, 1004]\nvia = \"2001:db8:2::9\"",
    "pop = true\nvia = \"10.2.0.9\"",
    "pop = true\nvia = \"10.1.0.1\"\nttl = \"pipe\"\ndiffserv = \"uniform\"",
    "pop = true",
    "vrf = \"default\"\ndiffserv = \"uniform\"",
    "vrf = \"red\"\nttl = \"pipe\"\ndiffserv = \"short-pipe\"",
    "swap = 1001\nvia = \"10.2.0.78\"",
];

fn crowded(workers: usize) -> Lab {
    let more = r#"
        [[vrf]]
        name = "red"
        otherwise = "unreachable"
        [[interface]]
        name = "ge0.5"
        port = "ge0"
        vlan = 5
        vrf = "red"
        addresses = ["10.1.0.254/24", "2001:db8:1::fe/64"]
        [[route]]
        prefix = "10.9.0.0/16"
        discard = "prohibited"
        [[route]]
        prefix = "2001:db8:9::/48"
        via = ["2001:db8:2::55"]
        [[route]]
        prefix = "192.0.2.0/24"
        via = "10.2.0.9"
        push = [1000, 1001]
        entropy = true
        [[route]]
        prefix = "2001:db8:ffff::/48"
        via = ["2001:db8:2::9", { address = "10.2.0.9", push = [1003] }]
        [limits]
        held-packets-per-neighbour = 3
        icmp-errors-per-second = 50
        resolutions-per-second = 10
    "#;
    let ge1 = "mtu = 1280\n qos = { rate = \"2 Mbit/s\", voice = { policer = { rate = \"500 kbit/s\" } } }";
    let entries = LABELS.iter().zip(1000..).map(|(lines, n)| format!("[[label]]\nlabel = {n}\n{lines}\n"));
    let more = format!("{more}\n{}", entries.collect::<String>());
    let text = two_mpls("", ge1, &more);
    let mut lab = Lab::new(&format!("[router]\nworkers = {workers}\nbuffers = 512\n{text}"));
    for f in FAMILIES {
        lab.host("ge0", f.a);
        lab.host("ge1", f.b);
    }
    lab
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn every_frame_has_an_end(
        workers in 1usize..4,
        frames in prop::collection::vec((packet(), any::<bool>(), prop::collection::vec((0usize..90, any::<u8>()), 0..2), 0u64..3), 1..150),
    ) {
        let mut lab = crowded(workers);
        for (n, (packet, mangle, flips, pause)) in frames.into_iter().enumerate() {
            let mut bytes = lab.filled_in("ge0", packet).encode_padded();
            for (at, value) in flips.into_iter().filter(|_| mangle) {
                let at = at % bytes.len();
                bytes[at] ^= value;
            }
            lab.send_bytes("ge0", 0, &bytes);
            lab.run(ms(pause));
            if n % 50 == 49 {
                lab.set_link("ge1", n % 100 == 99);
            }
        }
        lab.set_link("ge1", true);
        lab.run(secs(20));
        prop_assert_eq!(lab.router().held(), 0);
    }
}
