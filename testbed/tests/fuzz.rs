//! The fuzz targets' bodies, bounded: random frames that are nearly right, every
//! frame cut short, and configurations with a few bytes changed.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod bodies;

use bodies::{config, frames, labels, memif, router};
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

/// A label stack, right or broken, above IPv4, IPv6 or anything.
fn labelled() -> impl Strategy<Value = Vec<u8>> {
    let known = labels::FIRST..labels::FIRST + 24;
    let label = prop_oneof![8 => known, 2 => 0u32..16, 1 => 0u32..1 << 20];
    let ttl = prop::sample::select(vec![0u8, 1, 2, 64, 255]);
    let entry = (label, 0u32..8, ttl).prop_map(|(label, tc, ttl)| label << 12 | tc << 9 | u32::from(ttl));
    let depth = prop_oneof![8 => 1usize..5, 1 => 5usize..40];
    let stack = depth.prop_flat_map(move |depth| prop::collection::vec(entry.clone(), depth));
    let below = prop_oneof![
        4 => ipv4().prop_map(|(_, bytes)| bytes),
        4 => ipv6().prop_map(|(_, bytes)| bytes),
        1 => prop::collection::vec(any::<u8>(), 0..80),
    ];
    (stack, 0u8..12, below).prop_map(|(mut stack, bottom, below)| {
        // Mostly the last, sometimes none or an earlier one.
        if let Some(last) = stack.last_mut().filter(|_| bottom > 0) {
            *last |= 0x100;
        }
        if bottom == 1 {
            stack[0] |= 0x100;
        }
        let stack: Vec<u8> = stack.into_iter().flat_map(u32::to_be_bytes).collect();
        [&router::MAC[..], &[2, 0, 0, 0, 0, 7, 0x88, 0x47], &stack, &below].concat()
    })
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

#[test]
fn the_router_of_the_fuzzer_has_labels_of_every_kind() {
    let verdict = |label: u32, bottom: bool, below: &[u8]| {
        let entry = (label << 12 | u32::from(bottom) << 8 | 64).to_be_bytes();
        frames::run(&[&[HELPED][..], &[0; 6], &[2, 0, 0, 0, 0, 7, 0x88, 0x47], &entry, below].concat())
    };
    let mut datagram =
        [0x45, 0, 0, 28, 0, 9, 0, 0, 64, 17, 0, 0, 10, 0, 0, 9, 8, 8, 8, 8, 0, 1, 0, 1, 0, 8, 0, 0];
    let sum = dataplane::wire::checksum::checksum(&datagram[..20]);
    datagram[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut verdicts: Vec<String> = (labels::FIRST..labels::FIRST + 23)
        .map(|label| format!("{:?}", verdict(label, true, &datagram)))
        .collect();
    assert_eq!(verdicts[0], "Forward");
    verdicts.sort();
    verdicts.dedup();
    // Forwarded, and dropped or punted for at least five reasons.
    assert!(verdicts.len() >= 6, "{verdicts:?}");
    assert_eq!(verdict(labels::FIRST, false, &[]), Verdict::Forward);
    assert_eq!(verdict(999_999, true, &datagram), Verdict::Drop(DropReason::MplsNoLabel));
    assert_eq!(verdict(9, true, &datagram), Verdict::Drop(DropReason::MplsReserved));
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
    fn label_stacks_of_every_kind(frame in labelled(), how in prop::sample::select(vec![1u8, 3]), cut in 0usize..120) {
        frames::run(&[&[how], &frame[..]].concat());
        frames::run(&[&[how], &frame[..frame.len().saturating_sub(cut)]].concat());
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

/// A client's words in the order of the protocol, some of them changed.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let word = |kind: u16, gift: u8, fields: &[u8]| {
        let mut bytes = vec![0; 129];
        bytes[0] = gift;
        bytes[1..3].copy_from_slice(&kind.to_ne_bytes());
        bytes[3..3 + fields.len()].copy_from_slice(fields);
        bytes
    };
    let init = word(3, 0, &0x0200u16.to_ne_bytes());
    let region = word(4, 33, &[&0u16.to_ne_bytes()[..], &2048u64.to_ne_bytes()].concat());
    let ring = |flags: u16| word(5, 2, &[&flags.to_ne_bytes()[..], &[0; 8], &[4, 0, 0]].concat());
    let right = [init, region, ring(1), ring(0), word(6, 0, b"x")];
    let change = (0usize..5, prop_oneof![3 => 0usize..20, 1 => 0usize..129], any::<u8>());
    prop::collection::vec(change, 0..4).prop_map(move |changes| {
        let mut words = right.clone();
        changes.into_iter().for_each(|(word, at, byte)| words[word][at] = byte);
        words.concat()
    })
}

#[test]
fn right_words_are_all_heard() {
    let count = |bytes: &[u8]| memif::run(bytes);
    assert_eq!(count(&[]), Some(0));
    assert_eq!(count(&[&[0][..], &1u16.to_ne_bytes(), &[0; 126]].concat()), Some(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_to_a_memif_port(words in words()) {
        prop_assert!(memif::run(&words).is_some());
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
