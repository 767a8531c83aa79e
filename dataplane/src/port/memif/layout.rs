//! Where rings and buffers are in the memory that a client brings: all in one region,
//! the rings first.

use super::region::MOST_BYTES;
use super::ring::Ring;

/// Bytes of a cache line: rings do not share one.
const LINE: u64 = 64;
/// Bytes of a page: buffers start at one.
const PAGE: u64 = 4096;

/// Which way a ring's frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    ToClient,
}

/// How the memory is divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Rings each way.
    pub(super) queues: u16,
    /// The binary logarithm of each ring's entries.
    pub(super) log2: u8,
    /// Bytes of each buffer.
    pub(super) buffer: u32,
}

impl Layout {
    fn ring_stride(self) -> u64 {
        (Ring::bytes(1 << self.log2) as u64).next_multiple_of(LINE)
    }

    fn nth(self, way: Way, queue: u16) -> u64 {
        let before = if way == Way::ToServer { 0 } else { self.queues };
        u64::from(before) + u64::from(queue)
    }

    fn buffers_start(self) -> u64 {
        (self.ring_stride() * u64::from(self.queues) * 2).next_multiple_of(PAGE)
    }

    /// Bytes of one ring's buffers.
    fn buffers(self) -> u64 {
        u64::from(self.buffer) << self.log2
    }

    /// Bytes in all; `None` when they are more than descriptors can reach.
    pub(super) fn bytes(self) -> Option<usize> {
        let bytes = self.buffers_start() + self.buffers() * u64::from(self.queues) * 2;
        (bytes <= MOST_BYTES).then_some(bytes as usize)
    }

    /// Where a ring is.
    pub(super) fn ring(self, way: Way, queue: u16) -> u32 {
        (self.ring_stride() * self.nth(way, queue)) as u32
    }

    /// Where its first buffer is.
    pub(super) fn first_buffer(self, way: Way, queue: u16) -> u32 {
        (self.buffers_start() + self.buffers() * self.nth(way, queue)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_overlaps(queues in 1u16..65, log2 in 1u8..15, buffer in 64u32..65_536) {
            let layout = Layout { queues, log2, buffer };
            let Some(bytes) = layout.bytes() else {
                let least = (u64::from(queues) * 2 * (u64::from(buffer) + 16)) << log2;
                prop_assert!(least > MOST_BYTES - (1 << 20));
                return Ok(());
            };
            let mut parts = Vec::new();
            for queue in 0..queues {
                for way in [Way::ToServer, Way::ToClient] {
                    prop_assert_eq!(layout.ring(way, queue) % 64, 0);
                    parts.push((u64::from(layout.ring(way, queue)), Ring::bytes(1 << log2) as u64));
                    parts.push((u64::from(layout.first_buffer(way, queue)), layout.buffers()));
                }
            }
            parts.sort_unstable();
            prop_assert!(parts.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
            prop_assert_eq!(parts.last().map(|last| last.0 + last.1), Some(bytes as u64));
        }
    }
}
