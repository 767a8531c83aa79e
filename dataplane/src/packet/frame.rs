//! One packet's bytes, with headroom before them.
//!
//! What is known of a frame stands apart from its bytes, in memory close to that of other frames: a frame that
//! waits in a queue is looked at without its bytes, and a buffer for them is half a page. Both are allocated when
//! the pool is built; moving a frame moves a pointer.

use super::buffer::{Buffer, Head};
use super::meta::{Layer3, Meta, Rare};
use super::pool::PoolSize;
use crate::memory::{fetch, fetch_to_write};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::{Ipv6Header, walk};

/// Bytes kept free before a received frame: two VLAN tags, eight labels and some.
pub const HEADROOM: usize = 128;
/// Bytes of a standard buffer, headroom included: frames of 1,518 bytes with two tags and more.
pub const STANDARD_CAPACITY: usize = 2048;
/// Bytes of a jumbo buffer, headroom included: datagrams of 9,000 bytes.
pub const JUMBO_CAPACITY: usize = 9344;

/// One packet's bytes and what is known about it.
///
/// A frame comes from a [`Pool`](super::Pool) and must go back to one; it is
/// never cloned on the forwarding path.
pub struct Frame {
    pub(super) head: Box<Head>,
    pub(super) span: Span,
}

/// Where a packet begins and ends in its buffer, in one word: a frame is then two words, which are moved in registers.
/// As three fields it goes through memory, and who reads it whole there waits for what was stored by parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Span(u32);

impl Span {
    /// Nothing, behind [`HEADROOM`].
    pub(super) const EMPTY: Self = Self::new(HEADROOM as u16, HEADROOM as u16);

    #[inline(always)]
    const fn new(start: u16, end: u16) -> Self {
        Self((end as u32) << 16 | start as u32)
    }

    #[inline(always)]
    const fn start(self) -> u16 {
        self.0 as u16
    }

    #[inline(always)]
    const fn end(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Bytes from its start to its end.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        usize::from(self.end() - self.start())
    }
}

const _: () = assert!(size_of::<Option<Frame>>() == 16);

/// There is no room in the buffer for that many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl Frame {
    /// An empty frame of [`STANDARD_CAPACITY`]. Allocates: for tests, and what is not on the packet's way.
    pub fn standard() -> Self {
        Self::over(Buffer::new(PoolSize::Standard))
    }

    /// An empty frame of [`JUMBO_CAPACITY`]. Allocates: for tests, and what is not on the packet's way.
    pub fn jumbo() -> Self {
        Self::over(Buffer::new(PoolSize::Jumbo))
    }

    /// An empty frame whose bytes stand there. Allocates.
    pub(super) fn over(buffer: Buffer) -> Self {
        Self { head: Box::new(Head::over(buffer)), span: Span::EMPTY }
    }

    /// Empties it and forgets what was known; the headroom is [`HEADROOM`] again.
    #[inline]
    pub fn reset(&mut self) {
        self.head.rare = Rare::default();
        self.renew(&Meta { home: self.head.meta.home, ..Meta::default() });
    }

    /// As [`Frame::reset`], and this is known of it from now on. What few ask about it stays as it was: its line
    /// need not come.
    #[inline]
    pub(super) fn renew(&mut self, known: &Meta) {
        self.head.meta = *known;
        self.span = Span::EMPTY;
    }

    /// The packet, from its current first header on.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.head
            .buffer()
            .get(usize::from(self.span.start())..usize::from(self.span.end()))
            .unwrap_or_default()
    }

    /// The packet, to be edited.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.all_mut().0
    }

    /// Bytes in the packet.
    #[inline]
    pub fn len(&self) -> usize {
        self.span.len()
    }

    /// Whether it holds nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.span.start() == self.span.end()
    }

    /// Bytes free before the packet.
    #[inline]
    pub fn headroom(&self) -> usize {
        usize::from(self.span.start())
    }

    /// Bytes free behind the packet.
    #[inline]
    pub fn tailroom(&self) -> usize {
        self.head.buffer().len() - usize::from(self.span.end())
    }

    /// The longest packet that fits from the present start on, in bytes.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.head.buffer().len() - usize::from(self.span.start())
    }

    /// What the stages know about it.
    #[inline]
    pub fn meta(&self) -> &Meta {
        &self.head.meta
    }

    /// Lets what the stages know about it come, to be written.
    #[inline]
    pub(crate) fn fetch_to_renew(&self) {
        fetch_to_write(&*self.head);
    }

    /// Lets its first bytes come, once what the stages know about it has: that says where they are.
    #[inline]
    pub(crate) fn fetch_bytes(&self) {
        fetch(self.head.buffer().as_ptr().wrapping_add(usize::from(self.span.start())));
    }

    /// All its buffer, whatever it holds; and where what is known about it stands.
    pub(super) fn memory(&self) -> [(usize, usize); 2] {
        let (head, bytes) = (std::ptr::from_ref(&*self.head).addr(), self.head.buffer());
        [(head, size_of::<Head>()), (bytes.as_ptr().addr(), bytes.len())]
    }

    /// What the stages know about it, to be written.
    #[inline]
    pub fn meta_mut(&mut self) -> &mut Meta {
        &mut self.head.meta
    }

    /// What few ask about it.
    #[inline]
    pub fn rare(&self) -> &Rare {
        &self.head.rare
    }

    /// What few ask about it, to be written.
    #[inline]
    pub fn rare_mut(&mut self) -> &mut Rare {
        &mut self.head.rare
    }

    /// Its bytes and its meta at once, both to be written.
    #[inline]
    pub fn parts_mut(&mut self) -> (&mut [u8], &mut Meta) {
        let (bytes, meta, _) = self.all_mut();
        (bytes, meta)
    }

    /// Its bytes and all that is known about it at once, to be written.
    #[inline]
    pub(crate) fn all_mut(&mut self) -> (&mut [u8], &mut Meta, &mut Rare) {
        let (buffer, meta, rare) = self.head.all_mut();
        let bytes = buffer.get_mut(usize::from(self.span.start())..usize::from(self.span.end()));
        (bytes.unwrap_or_default(), meta, rare)
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
        self.span = Span::new(self.span.start() + n as u16, self.span.end());
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
        self.span = Span::new(self.span.start() - n as u16, self.span.end());
        Ok(())
    }

    /// Cuts it to `front` bytes and, behind them, what follows the first `skip` bytes of its
    /// network header to the datagram's end, by its meta, whose offsets stay. Gives its bytes
    /// and meta; `None` without the room, and nothing changes then.
    #[inline(always)]
    pub fn reframe(&mut self, skip: usize, front: usize) -> Option<(&mut [u8], &mut Meta)> {
        let (buffer, meta, _) = self.head.all_mut();
        let l3 = usize::from(self.span.start()) + usize::from(meta.l3_offset);
        let (start, end) = ((l3 + skip).checked_sub(front)?, l3 + usize::from(meta.l3_length));
        let bytes = buffer.get_mut(start..end)?;
        self.span = Span::new(start as u16, end as u16);
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
        self.span = Span::new(self.span.start(), self.span.start() + len as u16);
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

    /// The bytes behind the IP header, its options and extension headers, as far as the datagram goes.
    /// `None` for what is not IP, or ends before.
    pub fn upper(&self) -> Option<&[u8]> {
        let (l3, layer3) = (self.l3(), self.meta().layer3);
        match (layer3, l3.first()? >> 4) {
            (Layer3::Ipv4, 4) => l3.get(Ipv4Header::parse(l3).ok()?.0.header_length().max(Ipv4Header::LEN)..),
            (Layer3::Ipv6, 6) => {
                let (header, payload) = Ipv6Header::parse(l3).ok()?;
                payload.get(walk(header.next_header, payload).ok()?.offset..)
            }
            _ => None,
        }
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
