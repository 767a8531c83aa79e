//! Look-ups in a sheet by AVX-512: sixteen addresses make one vector of words.
//!
//! What a processor overlaps of the waits for memory is what has room in its queues. A word that is
//! loaded and stored by itself has a place in the queue of addresses until it has come, and those are
//! few: here it goes straight to its place in a vector, of which those are stored and looked at
//! together. Most have the answer; where one leads to a page, those words are gathered. Every instruction
//! of a burst takes room from the loads of the next one.
#![allow(unsafe_code)] // A call of code built for a processor that was asked for first; its loads.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU32;

use super::key::Address;
use super::sheet::ALL;
use super::trie::Trie;
use crate::id::NhlfeId;

/// Addresses of a vector.
const SIXTEEN: usize = 16;

/// Whether this processor has what it takes; that is asked for once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector(bool);

impl Vector {
    pub(super) fn ask() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            Self(has!("avx512f") && has!("avx2") && has!("movbe"))
        }
        #[cfg(not(target_arch = "x86_64"))]
        Self(false)
    }

    /// What look-ups in a sheet are done by, in words.
    pub(super) fn name(self) -> &'static str {
        if self.0 { "AVX-512" } else { "loads" }
    }

    /// Looks addresses up in a table that has a sheet.
    #[inline(always)]
    pub(super) fn all<A: Address>(self, trie: &Trie<A::Key>, addresses: &[A], found: &mut [NhlfeId]) {
        #[cfg(target_arch = "x86_64")]
        if self.0 {
            // SAFETY: the processor has all that it is built for.
            return unsafe { x86::all(trie, addresses, found) };
        }
        trie.on(addresses, found, 0);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::{asm, x86_64::*};

    use super::*;

    const _: () = assert!(size_of::<Ipv4Addr>() == 4 && size_of::<NhlfeId>() == 4 && ALL == 1 << 25);

    /// Looks addresses up. What is no answer, and what makes no whole vector, the table does by itself.
    #[target_feature(enable = "avx512f,avx2,movbe")]
    #[inline(never)]
    pub(super) fn all<A: Address>(trie: &Trie<A::Key>, addresses: &[A], found: &mut [NhlfeId]) {
        let (mut on, mut count) = (0, 0);
        if let (Some(sheet), Some(short)) = (trie.sheet_words(), A::short(addresses)) {
            let (twos, _) = short.as_chunks::<{ 2 * SIXTEEN }>();
            let (places, _) = found.as_chunks_mut::<{ 2 * SIXTEEN }>();
            count = twos.len().min(places.len()) * 2 * SIXTEEN;
            for (addresses, found) in twos.iter().zip(places) {
                let (addresses, _) = addresses.as_chunks::<SIXTEEN>();
                let (found, _) = found.as_chunks_mut::<SIXTEEN>();
                let ([first, second], [one, two]) = (addresses, found) else { continue };
                // All words of both are on their way before any is looked at.
                let words = (words(sheet, first), words(sheet, second));
                on |= tell(sheet, trie.shortest(), first, words.0, one);
                on |= tell(sheet, trie.shortest(), second, words.1, two);
            }
        }
        if on != 0 {
            trie.by_nodes(addresses, found);
        }
        if count < addresses.len() {
            trie.on(addresses, found, count);
        }
    }

    /// What loads a word by an address, and puts it in its place in a vector.
    macro_rules! load {
        (0, $vector:literal, $address:literal) => {
            load!(concat!("vmovd {", $vector, "}, dword ptr [{sheet} + 4*{at}]"), $address)
        };
        ($place:literal, $vector:literal, $address:literal) => {
            load!(
                concat!("vpinsrd {", $vector, "}, {", $vector, "}, dword ptr [{sheet} + 4*{at}], ", $place),
                $address
            )
        };
        ($load:expr, $address:literal) => {
            concat!("movbe {at:e}, [{addresses} + 4*", $address, "]\nshr {at:e}, 8\n", $load)
        };
    }

    /// The words of the first 24 bits.
    #[target_feature(enable = "avx512f,avx2,movbe")]
    #[inline]
    fn words(sheet: &[AtomicU32; ALL], addresses: &[Ipv4Addr; SIXTEEN]) -> __m512i {
        let (a, b, c, d): (__m128i, __m128i, __m128i, __m128i);
        // SAFETY: it reads the sixteen addresses, and of the sheet words whose index has 24
        // bits; others may write those meanwhile, each at once.
        unsafe {
            asm!(
                load!(0, "a", 0), load!(1, "a", 1), load!(2, "a", 2), load!(3, "a", 3),
                load!(0, "b", 4), load!(1, "b", 5), load!(2, "b", 6), load!(3, "b", 7),
                load!(0, "c", 8), load!(1, "c", 9), load!(2, "c", 10), load!(3, "c", 11),
                load!(0, "d", 12), load!(1, "d", 13), load!(2, "d", 14), load!(3, "d", 15),
                addresses = in(reg) addresses.as_ptr(),
                sheet = in(reg) sheet.as_ptr(),
                at = out(reg) _,
                a = out(xmm_reg) a,
                b = out(xmm_reg) b,
                c = out(xmm_reg) c,
                d = out(xmm_reg) d,
                options(nostack, readonly),
            );
        }
        let half = |first, second| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(first), second);
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(half(a, b)), half(c, d))
    }

    /// Writes what is found by the words; gives a bit for each that is no answer.
    #[target_feature(enable = "avx512f,avx2,movbe")]
    #[inline]
    fn tell(
        sheet: &[AtomicU32; ALL],
        default: NhlfeId,
        addresses: &[Ipv4Addr; SIXTEEN],
        mut words: __m512i,
        found: &mut [NhlfeId; SIXTEEN],
    ) -> u16 {
        let none = _mm512_set1_epi32(NhlfeId::NONE.0 as i32);
        // As signed numbers, values are not below NONE, and all that goes on is.
        let mut on = _mm512_cmplt_epi32_mask(words, none);
        if on != 0 {
            words = in_pages(sheet, addresses, words);
            on = _mm512_cmplt_epi32_mask(words, none);
        }
        let none = _mm512_cmpeq_epi32_mask(words, none);
        let values = _mm512_mask_blend_epi32(none, words, _mm512_set1_epi32(default.0 as i32));
        // SAFETY: there is room for sixteen.
        unsafe { _mm512_storeu_si512(found.as_mut_ptr().cast(), values) };
        on
    }

    /// The words of pages, where the words lead to some.
    #[target_feature(enable = "avx512f,avx2,movbe")]
    #[inline]
    fn in_pages(sheet: &[AtomicU32; ALL], addresses: &[Ipv4Addr; SIXTEEN], mut words: __m512i) -> __m512i {
        // SAFETY: there are sixteen.
        let octets = unsafe { _mm512_loadu_si512(addresses.as_ptr().cast()) };
        let at = _mm512_or_si512(_mm512_slli_epi32::<8>(words), _mm512_srli_epi32::<24>(octets));
        let at = _mm512_and_si512(at, _mm512_set1_epi32(ALL as i32 - 1));
        let page = _mm512_cmpeq_epi32_mask(_mm512_srli_epi32::<29>(words), _mm512_set1_epi32(4));
        // SAFETY: it reads words whose index is less than how many there are; others may write those
        // meanwhile, each at once.
        unsafe {
            asm!(
                "vpgatherdd {words}{{{page}}}, [{sheet} + 4*{at}]",
                words = inout(zmm_reg) words,
                page = inout(kreg) page => _,
                at = in(zmm_reg) at,
                sheet = in(reg) sheet.as_ptr(),
                options(nostack, readonly, preserves_flags),
            );
        }
        words
    }
}
