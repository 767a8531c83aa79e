//! Pings that come in pieces.

use proptest::prelude::*;

use super::*;

/// The fragments of a ping with `len` bytes of data, cut at multiples of 8.
///
/// ```text
///  | IP, offset 0, more | ICMP 8/0, data … |   | IP, offset n, more? | … data |
/// ```
fn pieces(len: usize, cuts: &[usize]) -> Vec<Vec<u8>> {
    let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
    let message = icmp4(8, 0, [0, 7, 0, 1], &data);
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut * 8).filter(|end| *end < message.len()).collect();
    ends.push(message.len());
    ends.sort_unstable();
    ends.dedup();
    let starts: Vec<usize> = std::iter::once(0).chain(ends.iter().copied()).collect();
    let piece = |(start, end): (&usize, &usize)| {
        let mut bytes = ipv4("192.0.2.9", "192.0.2.1", 1, &message[*start..*end]);
        let field = (*start / 8) as u16 | if *end < message.len() { 0x2000 } else { 0 };
        bytes[6..8].copy_from_slice(&field.to_be_bytes());
        eth(ROUTER, mac(9), 0x0800, &bytes)
    };
    starts.iter().zip(&ends).map(piece).collect()
}

fn answers(bench: &mut Bench, pieces: &[Vec<u8>]) -> Vec<String> {
    pieces.iter().for_each(|piece| bench.receive(piece, PuntReason::Local));
    bench.told()
}

#[test]
fn the_last_piece_brings_the_answer() {
    let mut bench = Bench::new();
    assert_eq!(
        answers(&mut bench, &pieces(1800, &[90, 180])),
        [
            "deliver",
            "deliver",
            "route 192.0.2.1 > 192.0.2.9 ttl 64: icmp 0/0 70001 dscp 46 + 1800",
            "deliver"
        ]
    );
}

#[test]
fn overlaps_end_the_datagram() {
    let mut bench = Bench::new();
    let (a, b) = (pieces(800, &[50]), pieces(800, &[40]));
    let told = answers(&mut bench, &[a[0].clone(), b[1].clone(), a[1].clone()]);
    assert_eq!(told, ["deliver", "drop fragment-invalid", "deliver"]);
}

#[test]
fn too_long_a_datagram_is_refused() {
    let mut bench = Bench::new();
    let told = answers(&mut bench, &pieces(9300, &[500, 1000])[2..]);
    assert_eq!(told, ["drop fragment-invalid"]);
}

#[test]
fn what_comes_too_late_finds_nothing() {
    let mut bench = Bench::new();
    let pieces = pieces(800, &[50]);
    answers(&mut bench, &pieces[..1]);
    bench.now = secs(16);
    assert_eq!(answers(&mut bench, &pieces[1..]), ["deliver"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn in_any_order_the_answer_is_whole(
        len in 100..1800usize,
        cuts in prop::collection::vec(1..225usize, 1..12),
        seed in any::<u64>(),
    ) {
        let mut pieces = pieces(len, &cuts);
        // An order that the seed alone decides.
        pieces.sort_by_key(|piece| piece.iter().fold(seed, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)));
        let mut bench = Bench::new();
        let told = answers(&mut bench, &pieces);
        let answer = format!("route 192.0.2.1 > 192.0.2.9 ttl 64: icmp 0/0 70001 dscp 46 + {len}");
        prop_assert_eq!(told.iter().filter(|line| **line == answer).count(), 1);
        prop_assert_eq!(told.len(), pieces.len() + 1);
    }
}
