//! One packet's bytes, with headroom before them.
//!
//! The buffer and its [`Meta`] are one allocation made when the pool is built;
//! moving a frame moves a pointer.

use super::meta::Meta;
use crate::id::WorkerIndex;
use crate::memory::{fetch, fetch_to_write};

/// Bytes kept free before a received frame: two VLAN tags, eight labels and some.
pub const HEADROOM: usize = 128;
/// Bytes of a standard buffer, headroom included: frames of 1,518 bytes with two tags and more.
pub const STANDARD_CAPACITY: usize = 2048;
/// Bytes of a jumbo buffer, headroom included: datagrams of 9,000 bytes.
pub const JUMBO_CAPACITY: usize = 9344;

#[repr(C, align(64))]
struct Buffer<B: ?Sized> {
    meta: Meta,
    bytes: B,
}

/// One packet's bytes and what is known about it.
///
/// A frame comes from a [`Pool`](super::Pool) and must go back to one; it is
/// never cloned on the forwarding path.
pub struct Frame {
    buffer: Box<Buffer<[u8]>>,
    start: u16,
    end: u16,
}

/// There is no room in the buffer for that many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl Frame {
    /// An empty frame of [`STANDARD_CAPACITY`]. Allocates: for pools and tests.
    pub fn standard() -> Self {
        Self::over(Box::new(Buffer { meta: Meta::default(), bytes: [0; STANDARD_CAPACITY] }))
    }

    /// An empty frame of [`JUMBO_CAPACITY`]. Allocates: for pools and tests.
    pub fn jumbo() -> Self {
        Self::over(Box::new(Buffer { meta: Meta::default(), bytes: [0; JUMBO_CAPACITY] }))
    }

    fn over(buffer: Box<Buffer<[u8]>>) -> Self {
        Self { buffer, start: HEADROOM as u16, end: HEADROOM as u16 }
    }

    /// Empties it and forgets what was known; the headroom is [`HEADROOM`] again.
    #[inline]
    pub fn reset(&mut self) {
        self.renew(self.buffer.meta.home);
    }

    /// As [`Frame::reset`], and it belongs to `home` from now on.
    #[inline]
    pub(super) fn renew(&mut self, home: WorkerIndex) {
        self.buffer.meta = Meta { home, ..Meta::default() };
        self.start = HEADROOM as u16;
        self.end = HEADROOM as u16;
    }

    /// The packet, from its current first header on.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// The packet, to be edited.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.bytes.get_mut(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// Bytes in the packet.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.end - self.start)
    }

    /// Whether it holds nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Bytes free before the packet.
    #[inline]
    pub fn headroom(&self) -> usize {
        usize::from(self.start)
    }

    /// Bytes free behind the packet.
    #[inline]
    pub fn tailroom(&self) -> usize {
        self.buffer.bytes.len() - usize::from(self.end)
    }

    /// The longest packet that fits from the present start on, in bytes.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.buffer.bytes.len() - usize::from(self.start)
    }

    /// What the stages know about it.
    #[inline]
    pub fn meta(&self) -> &Meta {
        &self.buffer.meta
    }

    /// Lets what the stages know about it come into the cache.
    #[inline]
    pub(crate) fn fetch(&self) {
        fetch(&self.buffer.meta);
    }

    /// Lets all that forwarding needs of a frame of another core's come: what the stages know about it, to be
    /// written, and its first bytes.
    #[inline]
    pub(crate) fn fetch_across(&self) {
        self.fetch_to_renew();
        fetch(self.bytes().as_ptr());
    }

    /// Lets what the stages know about it come, to be written.
    #[inline]
    pub(crate) fn fetch_to_renew(&self) {
        fetch_to_write(&self.buffer.meta);
    }

    /// All its buffer, whatever it holds.
    pub(super) fn memory(&self) -> &[u8] {
        &self.buffer.bytes
    }

    /// What the stages know about it, to be written.
    #[inline]
    pub fn meta_mut(&mut self) -> &mut Meta {
        &mut self.buffer.meta
    }

    /// Its bytes and its meta at once, both to be written.
    #[inline]
    pub fn parts_mut(&mut self) -> (&mut [u8], &mut Meta) {
        let Buffer { meta, bytes } = &mut *self.buffer;
        let bytes = bytes.get_mut(usize::from(self.start)..usize::from(self.end));
        (bytes.unwrap_or_default(), meta)
    }

    /// Takes `n` bytes off the front.
    ///
    /// # Errors
    /// [`NoRoom`] when it has fewer; nothing is taken then.
    #[inline]
    pub fn pull(&mut self, n: usize) -> Result<(), NoRoom> {
        if n > self.len() {
            return Err(NoRoom);
        }
        self.start += n as u16;
        Ok(())
    }

    /// Grows the front by `n` bytes, whose values are whatever stood there.
    ///
    /// # Errors
    /// [`NoRoom`] when the headroom is shorter; nothing changes then.
    #[inline]
    pub fn push(&mut self, n: usize) -> Result<(), NoRoom> {
        if n > self.headroom() {
            return Err(NoRoom);
        }
        self.start -= n as u16;
        Ok(())
    }

    /// Cuts it to `front` bytes and, behind them, what follows the first `skip` bytes of its
    /// network header to the datagram's end, by its meta, whose offsets stay. Gives its bytes
    /// and meta; `None` without the room, and nothing changes then.
    #[inline(always)]
    pub fn reframe(&mut self, skip: usize, front: usize) -> Option<(&mut [u8], &mut Meta)> {
        let Buffer { meta, bytes } = &mut *self.buffer;
        let l3 = usize::from(self.start) + usize::from(meta.l3_offset);
        let (start, end) = ((l3 + skip).checked_sub(front)?, l3 + usize::from(meta.l3_length));
        let bytes = bytes.get_mut(start..end)?;
        (self.start, self.end) = (start as u16, end as u16);
        Some((bytes, meta))
    }

    /// Sets its length: cuts the tail, or grows it by whatever bytes stood there.
    ///
    /// # Errors
    /// [`NoRoom`] when the buffer ends before; nothing changes then.
    #[inline]
    pub fn set_len(&mut self, len: usize) -> Result<(), NoRoom> {
        if len > self.capacity() {
            return Err(NoRoom);
        }
        self.end = self.start + len as u16;
        Ok(())
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit; nothing changes then.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        let len = self.len();
        self.set_len(len + bytes.len())?;
        if let Some(tail) = self.bytes_mut().get_mut(len..) {
            tail.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// Makes it hold exactly `bytes`, with [`HEADROOM`] before them and a fresh meta.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit; it is empty then.
    pub fn fill(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        self.reset();
        self.extend(bytes)
    }

    /// The bytes from the network header on: `meta.l3_offset`, `meta.l3_length`.
    #[inline]
    pub fn l3(&self) -> &[u8] {
        let meta = self.meta();
        let at = usize::from(meta.l3_offset);
        self.bytes().get(at..at + usize::from(meta.l3_length)).unwrap_or_default()
    }

    /// The bytes from the network header on, to be edited.
    #[inline]
    pub fn l3_mut(&mut self) -> &mut [u8] {
        let (bytes, meta) = self.parts_mut();
        let at = usize::from(meta.l3_offset);
        bytes.get_mut(at..at + usize::from(meta.l3_length)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("len", &self.len()).field("meta", self.meta()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_and_tail_move_within_the_buffer_only() {
        let mut frame = Frame::standard();
        frame.fill(&[1, 2, 3, 4]).unwrap();
        assert_eq!((frame.headroom(), frame.len()), (HEADROOM, 4));
        frame.pull(2).unwrap();
        assert_eq!(frame.bytes(), [3, 4]);
        assert_eq!(frame.pull(3), Err(NoRoom));
        frame.push(HEADROOM + 2).unwrap();
        assert_eq!(frame.push(1), Err(NoRoom));
        assert_eq!(frame.set_len(STANDARD_CAPACITY + 1), Err(NoRoom));
        frame.set_len(STANDARD_CAPACITY).unwrap();
        assert_eq!(frame.tailroom(), 0);
    }

    #[test]
    fn a_frame_is_cut_to_its_datagram_and_room_before_it() {
        let mut frame = Frame::standard();
        frame.fill(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
        (frame.meta_mut().l3_offset, frame.meta_mut().l3_length) = (2, 4);
        assert!(frame.reframe(0, HEADROOM + 3).is_none() && frame.reframe(5, 0).is_none());
        assert_eq!((frame.headroom(), frame.len()), (HEADROOM, 8));
        assert_eq!(frame.reframe(1, 2).unwrap().0, [1, 2, 3, 4, 5]);
        assert_eq!((frame.headroom(), frame.bytes()), (HEADROOM + 1, &[1, 2, 3, 4, 5][..]));
        frame.meta_mut().l3_length = STANDARD_CAPACITY as u16;
        assert!(frame.reframe(0, 0).is_none());
    }

    #[test]
    fn too_long_a_fill_leaves_it_empty() {
        let mut frame = Frame::standard();
        assert_eq!(frame.fill(&[0; STANDARD_CAPACITY]), Err(NoRoom));
        assert!(frame.is_empty());
        assert!(Frame::jumbo().fill(&[0; 9018]).is_ok());
    }
}
