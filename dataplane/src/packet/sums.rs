//! Sums over the frames of a batch.

use super::frame::Frame;
use super::meta::Meta;
use crate::class::CLASSES;

/// Frames in a row whose sums are apart, so that none waits for that of the one before it.
const APART: usize = 4;

/// By class: the sum of what `part` says of each frame.
#[inline(always)]
pub(crate) fn by_class(frames: &[Frame], mut part: impl FnMut(&Meta) -> u64) -> [u64; CLASSES] {
    let mut sums = [[0; CLASSES]; APART];
    for (at, meta) in frames.iter().map(Frame::meta).enumerate() {
        sums[at % APART][meta.class.index()] += part(meta);
    }
    std::array::from_fn(|class| sums.iter().map(|sums| sums[class]).sum())
}
