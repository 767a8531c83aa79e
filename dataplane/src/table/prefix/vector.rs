//! Look-ups in a sheet by AVX-512: sixteen addresses make one vector of words.
//!
//! What a processor overlaps of the waits for memory is what has room in its queues. A word that is
//! loaded and stored by itself has a place in the queue of addresses until it has come, and those are
//! few: here it goes straight to its place in a vector, of which those are stored and looked at
//! together. Most have the answer; the first that leads to a page is looked for in each vector without a branch,
//! and where there are more they are gathered. Every instruction of a burst takes room from the loads of
//! the next one.
#![allow(unsafe_code)] // A call of code built for a processor that was asked for first; its loads.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

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
            Self(has!("avx512f") && has!("avx2") && has!("bmi1") && has!("bmi2") && has!("movbe"))
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

    /// Looks addresses up. What is no answer, and what makes no whole vectors, the table does by itself.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline(never)]
    pub(super) fn all<A: Address>(trie: &Trie<A::Key>, addresses: &[A], found: &mut [NhlfeId]) {
        let (Some(sheet), Some(short)) = (trie.sheet_words(), A::short(addresses)) else {
            return trie.on(addresses, found, 0);
        };
        let (twos, _) = short.as_chunks::<{ 2 * SIXTEEN }>();
        let (places, _) = found.as_chunks_mut::<{ 2 * SIXTEEN }>();
        let count = twos.len().min(places.len()) * 2 * SIXTEEN;
        let mut on = 0;
        for (addresses, found) in twos.iter().zip(places) {
            on |= two(sheet, trie.shortest(), addresses, found);
        }
        // The last that is done here, so that nothing has to be kept for what comes seldom.
        if on != 0 || count < addresses.len() {
            trie.rest(addresses, found, count, on != 0);
        }
    }

    /// Writes what two vectors of words lead to; gives bits if any of it is no answer.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline]
    fn two(
        sheet: &[AtomicU32; ALL],
        default: NhlfeId,
        addresses: &[Ipv4Addr; 2 * SIXTEEN],
        found: &mut [NhlfeId; 2 * SIXTEEN],
    ) -> u16 {
        let (addresses, _) = addresses.as_chunks::<SIXTEEN>();
        let (found, _) = found.as_chunks_mut::<SIXTEEN>();
        let ([first, second], [one, two]) = (addresses, found) else { return 0 };
        // All words of both are on their way before any is looked at.
        let (a, b) = (words(sheet, first), words(sheet, second));
        let (mut a, mut b) = (in_page(sheet, first, a), in_page(sheet, second, b));
        let mut on = goes_on(a, b);
        if on != 0 {
            (a, b) = (in_pages(sheet, first, a), in_pages(sheet, second, b));
            on = goes_on(a, b);
        }
        tell(default, a, one);
        tell(default, b, two);
        on
    }

    /// What makes the indices of a pair of addresses.
    macro_rules! pair {
        ($pair:literal) => {
            // The first of two addresses comes to stand in the upper half.
            concat!(
                "movbe {at}, [{addresses} + 8*",
                $pair,
                "]\nshrx {low:e}, {at:e}, {eight:e}\nshr {at}, 40\n"
            )
        };
    }

    /// What loads the words of four addresses, two pairs of them, into a vector.
    macro_rules! four {
        ($vector:literal, $pair:literal, $next:literal) => {
            concat!(
                pair!($pair),
                "vmovd {",
                $vector,
                "}, dword ptr [{sheet} + 4*{at}]\n",
                "vpinsrd {",
                $vector,
                "}, {",
                $vector,
                "}, dword ptr [{sheet} + 4*{low}], 1\n",
                pair!($next),
                "vpinsrd {",
                $vector,
                "}, {",
                $vector,
                "}, dword ptr [{sheet} + 4*{at}], 2\n",
                "vpinsrd {",
                $vector,
                "}, {",
                $vector,
                "}, dword ptr [{sheet} + 4*{low}], 3\n",
            )
        };
    }

    /// The words of the first 24 bits.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline]
    fn words(sheet: &[AtomicU32; ALL], addresses: &[Ipv4Addr; SIXTEEN]) -> __m512i {
        let (a, b, c, d): (__m128i, __m128i, __m128i, __m128i);
        // SAFETY: it reads the sixteen addresses, and of the sheet words whose index has 24
        // bits; others may write those meanwhile, each at once.
        unsafe {
            asm!(
                four!("a", 0, 1), four!("b", 2, 3), four!("c", 4, 5), four!("d", 6, 7),
                addresses = in(reg) addresses.as_ptr(),
                sheet = in(reg) sheet.as_ptr(),
                eight = in(reg) 8,
                at = out(reg) _,
                low = out(reg) _,
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

    /// Bits, one or more if any of the words is no answer.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline]
    fn goes_on(a: __m512i, b: __m512i) -> u16 {
        // As signed numbers, values are not below NONE, and all that goes on is.
        _mm512_cmplt_epi32_mask(_mm512_min_epi32(a, b), _mm512_set1_epi32(NhlfeId::NONE.0 as i32))
    }

    /// Which words lead to a page, and where in it each address's word is.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline]
    fn pages(addresses: &[Ipv4Addr; SIXTEEN], words: __m512i) -> (u16, __m512i) {
        // SAFETY: there are sixteen.
        let octets = unsafe { _mm512_loadu_si512(addresses.as_ptr().cast()) };
        // As signed numbers, these are the least.
        let page = _mm512_cmplt_epi32_mask(words, _mm512_set1_epi32((5u32 << 29) as i32));
        (page, _mm512_or_si512(words, _mm512_srli_epi32::<24>(octets)))
    }

    /// The word of a page in the place of the first that leads to one. In most vectors that is the only one, if there
    /// is any: no branch could foretell it.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline]
    fn in_page(sheet: &[AtomicU32; ALL], addresses: &[Ipv4Addr; SIXTEEN], words: __m512i) -> __m512i {
        let (page, at) = pages(addresses, words);
        let first = _mm512_castsi512_si128(_mm512_maskz_compress_epi32(page, at));
        let word = sheet[_mm_cvtsi128_si32(first) as usize & (ALL - 1)].load(Relaxed);
        _mm512_mask_set1_epi32(words, _blsi_u32(page.into()) as u16, word as i32)
    }

    /// The words of pages, where the words lead to some.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline]
    fn in_pages(sheet: &[AtomicU32; ALL], addresses: &[Ipv4Addr; SIXTEEN], mut words: __m512i) -> __m512i {
        let (page, at) = pages(addresses, words);
        let at = _mm512_and_si512(at, _mm512_set1_epi32(ALL as i32 - 1));
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

    /// Writes what is found.
    #[target_feature(enable = "avx512f,avx2,bmi1,bmi2,movbe")]
    #[inline]
    fn tell(default: NhlfeId, words: __m512i, found: &mut [NhlfeId; SIXTEEN]) {
        let none = _mm512_cmpeq_epi32_mask(words, _mm512_set1_epi32(NhlfeId::NONE.0 as i32));
        let values = _mm512_mask_blend_epi32(none, words, _mm512_set1_epi32(default.0 as i32));
        // SAFETY: there is room for sixteen.
        unsafe { _mm512_storeu_si512(found.as_mut_ptr().cast(), values) };
    }
}
