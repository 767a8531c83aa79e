//! The hash of a flow: what keeps the packets of a flow on one path.
//!
//! Seeds are fixed, so that a flow's hash stays the same from one start of the
//! router to the next. Fragments are hashed without ports, the first one too:
//! all of a datagram take one path.

const SEED_A: u64 = 0x9e37_79b9_7f4a_7c15;
const SEED_B: u64 = 0xd1b5_4a32_d192_ed03;
const SEED_C: u64 = 0xbf58_476d_1ce4_e5b9;

/// Multiplies to 128 bits and folds the halves together.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// The last mixing step: every bit of `x` reaches the top byte.
#[inline]
const fn finish(x: u64) -> u32 {
    (fold(x ^ SEED_C, SEED_A) >> 32) as u32
}

/// Protocol and ports in one word.
#[inline]
const fn upper(protocol: u8, ports: u32) -> u64 {
    (ports as u64) << 8 | protocol as u64
}

/// Of an IPv4 flow; `ports` is source and destination port as they stand in the header, or 0.
#[inline(always)]
pub fn hash_v4(source: [u8; 4], destination: [u8; 4], protocol: u8, ports: u32) -> u32 {
    let addresses = u64::from(u32::from_be_bytes(source)) << 32 | u64::from(u32::from_be_bytes(destination));
    finish(fold(addresses ^ SEED_A, upper(protocol, ports) ^ SEED_B))
}

/// Of an IPv6 flow.
#[inline]
pub fn hash_v6(source: [u8; 16], destination: [u8; 16], protocol: u8, ports: u32) -> u32 {
    let halves = |a: [u8; 16]| {
        let a = u128::from_be_bytes(a);
        ((a >> 64) as u64, a as u64)
    };
    let ((s1, s2), (d1, d2)) = (halves(source), halves(destination));
    let addresses = fold(s1 ^ SEED_A, s2 ^ SEED_B) ^ fold(d1 ^ SEED_B, d2 ^ SEED_C).rotate_left(1);
    finish(fold(addresses ^ SEED_A, upper(protocol, ports) ^ SEED_B))
}

/// Of a label stack, or of what else there is: words one after the other.
#[inline]
pub fn hash_words(words: impl Iterator<Item = u32>) -> u32 {
    finish(words.fold(SEED_C, |hash, word| fold(hash ^ u64::from(word), SEED_B)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far the fullest and the emptiest of 256 slots are from an even part, in per cent.
    fn spread(hashes: impl Iterator<Item = u32>) -> (u32, u32) {
        let mut slots = [0u32; 256];
        let mut total = 0;
        for hash in hashes {
            slots[(hash >> 24) as usize] += 1;
            total += 1;
        }
        let part = total / 256;
        (slots.iter().max().unwrap() * 100 / part, slots.iter().min().unwrap() * 100 / part)
    }

    #[test]
    fn the_top_eight_bits_are_even_whatever_counts_up() {
        // 65,536 flows: 256 to a slot, standard deviation 16; six of them is 38 %.
        let n = 0..65_536u32;
        let (a, b) = ([10, 0, 0, 1], [10, 1, 2, 3]);
        let source = |i: u32| (0x0a00_0000 + i).to_be_bytes();
        let v6 = |i: u32| (0x2001_0db8u128 << 96 | u128::from(i)).to_be_bytes();
        let cases = [
            spread(n.clone().map(|i| hash_v4(source(i), b, 17, 0))),
            spread(n.clone().map(|i| hash_v4(a, source(i), 17, 0))),
            spread(n.clone().map(|i| hash_v4(a, source(i << 8), 17, 0))),
            spread(n.clone().map(|i| hash_v4(a, b, 6, i << 16 | 443))),
            spread(n.clone().map(|i| hash_v4(a, b, 17, i))),
            spread(n.clone().map(|i| hash_v6(v6(i), v6(0), 17, 0))),
            spread(n.clone().map(|i| hash_v6(v6(i), v6(i), 17, 0))),
            spread(n.clone().map(|i| hash_v6(v6(1), v6(2), 6, i << 16 | 443))),
            spread(n.clone().map(|i| hash_words([16 + i].into_iter()))),
            spread(n.map(|i| hash_words([30_012, 16 + i, 17].into_iter()))),
        ];
        for (i, (max, min)) in cases.into_iter().enumerate() {
            assert!(max <= 138 && min >= 62, "case {i}: {max} % and {min} % of an even part");
        }
    }

    #[test]
    fn hashes_stay_what_they_were() {
        let hash = hash_v4([10, 1, 0, 1], [10, 2, 0, 9], 17, 0x1388_138c);
        assert_eq!(hash, hash_v4([10, 1, 0, 1], [10, 2, 0, 9], 17, 0x1388_138c));
        assert_ne!(hash, hash_v4([10, 2, 0, 9], [10, 1, 0, 1], 17, 0x138c_1388));
    }
}
