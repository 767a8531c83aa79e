//! What a stage is given: up to [`BATCH`] frames, received together.

use std::net::Ipv4Addr;

use super::alike::Alike;
use super::frame::Frame;
use super::verdict::Verdict;
use crate::time::Time;

/// The most frames in a batch that a stage is given.
pub const BATCH: usize = 64;

/// Frames worked on together. Room for [`BATCH`] is made once; pushing within
/// it allocates nothing.
#[derive(Debug)]
pub struct Batch {
    frames: Vec<Frame>,
    labelled: bool,
    alike: Option<Alike>,
    received: Time,
    beside: Box<Beside>,
}

/// By place, of frames that are all [`Alike`]: what later stages need of their bytes.
#[derive(Debug)]
pub(crate) struct Beside {
    /// The destination, of IPv4 packets.
    pub(crate) destinations: [Ipv4Addr; BATCH],
    /// The first eight bytes of the label stack, the first of them highest, of labelled frames.
    pub(crate) tops: [u64; BATCH],
}

impl Default for Batch {
    fn default() -> Self {
        let beside = Beside { destinations: [Ipv4Addr::UNSPECIFIED; BATCH], tops: [0; BATCH] };
        Self {
            frames: Vec::with_capacity(BATCH),
            labelled: false,
            alike: None,
            received: Time::ZERO,
            beside: Box::new(beside),
        }
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Frames in it.
    #[inline]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it has none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many more fit, of [`BATCH`].
    #[inline]
    pub fn room(&self) -> usize {
        BATCH.saturating_sub(self.frames.len())
    }

    /// Adds a frame; gives it back when the batch is full.
    ///
    /// # Errors
    /// The frame itself, when there are [`BATCH`] already.
    #[inline]
    pub fn push(&mut self, frame: Frame) -> Result<(), Frame> {
        if self.frames.len() >= BATCH {
            return Err(frame);
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Adds a frame; the caller has seen to it that there is room.
    #[inline]
    pub(crate) fn put(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// Takes the last frame out.
    #[inline]
    pub fn pop(&mut self) -> Option<Frame> {
        self.frames.pop()
    }

    /// The frames.
    #[inline]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The frames, to be worked on.
    #[inline]
    pub fn frames_mut(&mut self) -> &mut [Frame] {
        &mut self.frames
    }

    /// Whether labelled frames are among them, as [`Batch::set_labelled`] was told.
    #[inline]
    pub fn labelled(&self) -> bool {
        self.labelled
    }

    /// Says whether labelled frames are among them; forgotten when they are taken out.
    #[inline]
    pub fn set_labelled(&mut self, labelled: bool) {
        self.labelled = labelled;
    }

    /// What all of them have in common, as [`Batch::set_alike`] was told.
    #[inline]
    pub fn alike(&self) -> Option<Alike> {
        self.alike
    }

    /// Says what all of them have in common; forgotten when they are taken out.
    #[inline]
    pub fn set_alike(&mut self, alike: Option<Alike>) {
        self.alike = alike;
    }

    /// When its frames were received, or handed to the stages by the router, as [`Batch::set_received`] was told.
    #[inline]
    pub fn received(&self) -> Time {
        self.received
    }

    /// Says when its frames were received.
    #[inline]
    pub fn set_received(&mut self, at: Time) {
        self.received = at;
    }

    /// The frames, to be worked on, and what is written beside them.
    #[inline]
    pub(crate) fn parts_mut(&mut self) -> (&mut [Frame], &mut Beside) {
        (&mut self.frames, &mut self.beside)
    }

    /// Takes all frames of `other` behind its own; `false` when they do not fit, and nothing
    /// is taken then.
    #[inline]
    pub fn append(&mut self, other: &mut Self) -> bool {
        let fits = other.len() <= self.room();
        if fits {
            (self.alike, other.alike, other.labelled) = (None, None, false);
            if self.is_empty() {
                std::mem::swap(&mut self.frames, &mut other.frames);
            } else {
                self.frames.append(&mut other.frames);
            }
        }
        fits
    }

    /// Takes up to `n` frames from the end of `from`, as many as there are and fit, behind its own.
    #[inline]
    pub(super) fn take_last(&mut self, n: usize, from: &mut Vec<Frame>) {
        let n = n.min(self.room()).min(from.len());
        self.frames.extend(from.drain(from.len() - n..));
    }

    /// Takes every frame out, in order.
    #[inline]
    pub fn drain(&mut self) -> impl Iterator<Item = Frame> + '_ {
        (self.labelled, self.alike) = (false, None);
        self.frames.drain(..)
    }

    /// Takes the first `n` frames out, in order (all, when there are fewer).
    #[inline]
    pub fn drain_front(&mut self, n: usize) -> impl Iterator<Item = Frame> + '_ {
        let n = n.min(self.frames.len());
        self.frames.drain(..n)
    }

    /// The frames still on their way, those whose verdict is [`Verdict::Forward`].
    #[inline]
    pub fn live(&mut self) -> impl Iterator<Item = &mut Frame> {
        self.frames.iter_mut().filter(|f| f.meta().verdict == Verdict::Forward)
    }
}
