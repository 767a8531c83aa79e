//! Look-ups with what this processor has beyond the least that the build is for: counting
//! and shifting bits in one instruction.
#![allow(unsafe_code)] // A call of safe code built for a processor that was asked for first.

use super::arena::Words;
use super::key::Address;
use super::sheet::Steps;
use super::walk::all;
use super::word::Word;
use crate::id::NhlfeId;

/// Whether this processor has what `counted` is built for.
#[inline(always)]
fn counts() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        has!("popcnt") && has!("lzcnt") && has!("bmi1") && has!("bmi2")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// What [`all_wide`] goes by, in words.
pub(super) fn name() -> &'static str {
    if counts() { "POPCNT, BMI2" } else { "plain instructions" }
}

/// As [`all`].
#[inline(never)]
pub(super) fn all_wide<A: Address>(
    words: &Words,
    steps: Option<&Steps>,
    root: Word,
    default: NhlfeId,
    addresses: &[A],
    found: &mut [NhlfeId],
) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "popcnt,lzcnt,bmi1,bmi2")]
        fn counted<A: Address>(
            words: &Words,
            steps: Option<&Steps>,
            root: Word,
            default: NhlfeId,
            addresses: &[A],
            found: &mut [NhlfeId],
        ) {
            all(words, steps, root, default, addresses, found);
        }
        if counts() {
            // SAFETY: the processor has all that `counted` is built for.
            return unsafe { counted(words, steps, root, default, addresses, found) };
        }
    }
    all(words, steps, root, default, addresses, found);
}
