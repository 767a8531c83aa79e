//! A port with a bad line: frames lost, doubled, reordered, corrupted, held up.
//!
//! A decorator around any port. What it does depends on the seed and the frames
//! alone, so that a run can be repeated. What the line does is not the port's:
//! a frame lost in receiving was never received, one lost in sending was sent.

mod line;

use std::os::fd::BorrowedFd;
use std::time::Duration;

use self::line::Line;
use super::{Link, Port, PortStats};
use crate::packet::{Batch, Frame, Pool};
use crate::time::Time;

/// How bad the line is: chances per million frames, 0 to 1,000,000, each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultOptions {
    /// What repeats a run.
    pub seed: u64,
    /// A frame is lost.
    pub loss: u32,
    /// A frame comes twice.
    pub duplicate: u32,
    /// A frame comes behind the next one.
    pub reorder: u32,
    /// One bit of a frame is flipped.
    pub corrupt: u32,
    /// The line stops with this frame.
    pub stall: u32,
    /// For how long it stops.
    pub stall_time: Duration,
}

impl Default for FaultOptions {
    fn default() -> Self {
        let stall_time = Duration::from_millis(10);
        Self { seed: 1, loss: 0, duplicate: 0, reorder: 0, corrupt: 0, stall: 0, stall_time }
    }
}

/// What happened to frames, one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Frames lost.
    pub lost: u64,
    /// Frames that came twice.
    pub duplicated: u64,
    /// Frames that came behind the next one.
    pub reordered: u64,
    /// Frames with a bit flipped.
    pub corrupted: u64,
    /// Times the line stopped.
    pub stalls: u64,
}

/// A port with a bad line.
#[derive(Debug)]
pub struct Fault<P> {
    port: P,
    receiving: Line,
    sending: Line,
    /// What the port was given or gave last, between it and the line.
    batch: Batch,
}

impl<P: Port> Fault<P> {
    /// `port` with a line as bad as `options` say.
    pub fn new(port: P, options: FaultOptions) -> Self {
        let receiving = Line::new(options, 0x5245_4345_4956_4521);
        let sending = Line::new(options, 0x5345_4e44_494e_4721);
        Self { port, receiving, sending, batch: Batch::new() }
    }

    /// What happened so far: in receiving, in sending.
    pub fn counts(&self) -> (FaultCounts, FaultCounts) {
        (self.receiving.counts, self.sending.counts)
    }

    /// The port it is around.
    pub fn inner(&self) -> &P {
        &self.port
    }

    /// Sends what the line has let through.
    fn forward(&mut self, now: Time, pool: &mut Pool) {
        self.sending.release(now);
        while self.sending.leave(now, &mut self.batch) > 0 {
            self.port.transmit(now, &mut self.batch, pool);
            let full = !self.batch.is_empty();
            self.sending.put_back(&mut self.batch);
            if full {
                break;
            }
        }
    }
}

impl<P: Port> Port for Fault<P> {
    fn receive(&mut self, now: Time, pool: &mut Pool, batch: &mut Batch) -> usize {
        self.forward(now, pool);
        if self.receiving.is_clear(now) {
            self.receiving.release(now);
            self.port.receive(now, pool, &mut self.batch);
            for frame in self.batch.drain() {
                self.receiving.enter(now, frame, pool);
            }
        }
        self.receiving.leave(now, batch)
    }

    /// Takes the frames onto the line; those that the port behind does not take
    /// now stay there and go with the next call of either kind.
    fn transmit(&mut self, now: Time, batch: &mut Batch, pool: &mut Pool) -> usize {
        self.forward(now, pool);
        if !self.sending.is_clear(now) || !self.port.link().up {
            return 0;
        }
        let taken = batch.len();
        for frame in batch.drain() {
            self.sending.enter(now, frame, pool);
        }
        self.forward(now, pool);
        taken
    }

    fn poll(&mut self, now: Time) {
        self.port.poll(now);
    }

    fn link(&self) -> Link {
        self.port.link()
    }

    fn stats(&self) -> PortStats {
        let mut stats = self.port.stats();
        let (received, sent) = (&self.receiving, &self.sending);
        stats.received = (stats.received + received.counts.duplicated)
            .saturating_sub(received.counts.lost + received.len() as u64);
        stats.sent =
            (stats.sent + sent.counts.lost + sent.len() as u64).saturating_sub(sent.counts.duplicated);
        stats
    }

    /// None while frames wait on the line, since the port behind does not know of them.
    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        if self.receiving.len() + self.sending.len() > 0 { None } else { self.port.wait_fd() }
    }

    fn mac(&self) -> Option<[u8; 6]> {
        self.port.mac()
    }

    fn surrender(&mut self) -> Vec<Frame> {
        self.port.surrender()
    }
}
