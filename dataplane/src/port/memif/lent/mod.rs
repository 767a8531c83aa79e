//! Frames that are not copied: a client's rings point to the router's own buffers.
//!
//! The memory of the router's pools ([`Arena`]) is a region of its own beside the rings'. A frame that may be filled,
//! and one that was sent, is lent to the peer: it stands beside its entry of the ring until the peer's index has moved
//! over that, and nobody here borrows its bytes meanwhile. What the peer says is checked as where frames are copied:
//! indices end the connection, lengths are bounded by what was lent, and where it says that a frame stands is not
//! asked. What it cannot be kept from is writing to frames that it has given back, or never had: who switches this on
//! trusts it not to.

mod receiver;
mod sender;

pub(super) use receiver::Receiver;
pub(super) use sender::Sender;

#[cfg(doc)]
use crate::packet::Arena;
use crate::packet::Frame;

/// The region that the arena is, behind that of the rings.
pub(super) const REGION: u16 = 1;

/// How long, in nanoseconds, frames that were lent stay out of use once a connection has ended: its peer may not
/// have heard yet, and be amid a copy.
pub const QUARANTINE: u64 = 100_000_000;

/// Of a pool's frames, one in so many is not lent to be filled: other ports go on.
const RESERVE: usize = 8;

/// Whether a server of user `theirs` may have the frames of a router of user `ours`: who could look into its memory
/// anyway.
pub(super) fn trusts(theirs: u32, ours: u32) -> bool {
    theirs == 0 || theirs == ours
}

/// Frames that are lent, each beside its entry of the ring.
#[derive(Debug)]
struct Slots(Box<[Option<Frame>]>);

impl Slots {
    /// For a ring of `size` entries, a power of two.
    fn new(size: u16) -> Self {
        Self((0..size).map(|_| None).collect())
    }

    #[inline]
    fn at(&mut self, index: u16) -> Option<&mut Option<Frame>> {
        let mask = self.0.len().wrapping_sub(1);
        self.0.get_mut(usize::from(index) & mask)
    }

    #[inline]
    fn put(&mut self, index: u16, frame: Frame) {
        if let Some(slot) = self.at(index) {
            *slot = Some(frame);
        }
    }

    #[inline]
    fn take(&mut self, index: u16) -> Option<Frame> {
        self.at(index)?.take()
    }

    #[inline]
    fn get(&self, index: u16) -> Option<&Frame> {
        self.0.get(usize::from(index) & self.0.len().wrapping_sub(1))?.as_ref()
    }

    fn take_all(&mut self) -> impl Iterator<Item = Frame> + '_ {
        self.0.iter_mut().filter_map(Option::take)
    }
}
