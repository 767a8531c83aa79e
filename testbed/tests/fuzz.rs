//! The fuzz targets' bodies, bounded: random frames that are nearly right, every
//! frame cut short, and configurations with a few bytes changed.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod bodies;

use bodies::{config, frames, router};
use dataplane::packet::{DropReason, PuntReason, Verdict};
use proptest::prelude::*;

/// To the router, IPv4 checksum made right.
const HELPED: u8 = 3;

/// Ethernet, perhaps tags, then IPv4 or IPv6 with what may go wrong in them.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop_oneof![
        3 => Just(vec![]),
        1 => Just(vec![0x81, 0x00, 0x00, 100]),
        1 => Just(vec![0x88, 0xa8, 0x00, 200, 0x81, 0x00, 0x01, 0x2c]),
        1 => prop::collection::vec(any::<u8>(), 0..9),
    ];
    (tags, prop_oneof![ipv4(), ipv6()])
        .prop_map(|(tags, (kind, l3))| [&router::MAC[..], &[2, 0, 0, 0, 0, 7], &tags, &kind, &l3].concat())
}

fn ipv4() -> impl Strategy<Value = ([u8; 2], Vec<u8>)> {
    let destination =
        prop_oneof![any::<[u8; 4]>(), Just([192, 0, 3, 1]), Just([10, 3, 0, 9]), Just([10, 0, 0, 1])];
    let fragment = prop_oneof![3 => Just(0u16), 1 => any::<u16>()];
    let options = prop_oneof![
        2 => Just(vec![]),
        1 => prop::collection::vec(any::<u8>(), 0..41),
        1 => Just(vec![7, 7, 4, 0, 0, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0, 0]),
    ];
    let rest = (any::<u8>(), 0u8..4, prop::sample::select(vec![1u8, 6, 17, 47]), 0usize..1400, 0usize..20);
    (destination, fragment, options, rest).prop_map(
        |(to, fragment, options, (tos, ttl, protocol, data, pad))| {
            let options = &options[..options.len() / 4 * 4];
            let total = (20 + options.len() + data) as u16;
            let [f1, f2] = fragment.to_be_bytes();
            let [t1, t2] = total.to_be_bytes();
            let words = 0x45 + (options.len() / 4) as u8;
            let fixed = [words, tos, t1, t2, 0, 9, f1, f2, ttl, protocol, 0, 0, 10, 0, 0, 9];
            ([8, 0], [&fixed[..], &to, options, &vec![0x35; data + pad]].concat())
        },
    )
}

fn ipv6() -> impl Strategy<Value = ([u8; 2], Vec<u8>)> {
    let next = prop::sample::select(vec![0u8, 6, 17, 43, 44, 51, 58, 59, 60, 135]);
    let bytes = prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 5, 17, 43, 44, 60, 255]), 0..96);
    (next, any::<u8>(), bytes, any::<[u8; 2]>()).prop_map(|(next, hops, bytes, scope)| {
        let mut header = [0u8; 40];
        header[0] = 0x60;
        header[4..8].copy_from_slice(&[0, bytes.len() as u8, next, hops]);
        header[8..24].copy_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
        header[24..26].copy_from_slice(&scope);
        ([0x86, 0xdd], [&header[..], &bytes].concat())
    })
}

#[test]
fn the_router_of_the_fuzzer_forwards_punts_and_drops() {
    let verdict = |to: [u8; 4], ttl: u8, data: usize, fragment: u16| {
        let [t1, t2] = (20 + data as u16).to_be_bytes();
        let [f1, f2] = fragment.to_be_bytes();
        let header = [0x45, 0, t1, t2, 0, 9, f1, f2, ttl, 17, 0, 0, 10, 0, 0, 9];
        frames::run(
            &[&[HELPED][..], &[0; 6], &[2, 0, 0, 0, 0, 7, 8, 0], &header, &to, &vec![0; data]].concat(),
        )
    };
    assert_eq!(verdict([203, 0, 113, 1], 64, 100, 0), Verdict::Forward);
    assert_eq!(verdict([203, 0, 113, 1], 64, 1400, 0), Verdict::Forward); // in fragments
    assert_eq!(verdict([203, 0, 113, 1], 64, 1400, 0x4000), Verdict::Punt(PuntReason::FragmentationNeeded));
    assert_eq!(verdict([203, 0, 113, 1], 1, 100, 0), Verdict::Punt(PuntReason::TtlExpired));
    assert_eq!(verdict([192, 0, 2, 1], 64, 100, 0), Verdict::Drop(DropReason::Blackhole));
}

const EXAMPLES: [&[u8]; 2] =
    [include_bytes!("../../examples/site.toml"), include_bytes!("../../examples/pe.toml")];

#[test]
fn an_example_is_accepted_and_half_a_key_refused() {
    assert!(EXAMPLES.into_iter().all(config::run));
    assert!(!config::run(b"[port"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_that_are_nearly_right(frame in frame(), how in 0u8..8, cut in 0usize..200) {
        frames::run(&[&[how | HELPED], &frame[..]].concat());
        frames::run(&[&[HELPED], &frame[..frame.len().saturating_sub(cut)]].concat());
    }

    #[test]
    fn datagrams_of_its_own(frame in prop_oneof![ipv4(), ipv6()]) {
        frames::run(&[&[6], &frame.1[..]].concat());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        frames::run(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn configurations_with_bytes_changed(
        example in prop::sample::select(EXAMPLES.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b'"'), Just(b'=')]), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = example.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        config::run(&bytes);
        config::run(&bytes[..cut.index(bytes.len())]);
    }
}
