//! The rings of one queue: frames are copied, or the router's own buffers are lent to the peer.

use std::os::fd::OwnedFd;

use super::bell::{Bell, Ear};
use super::receiver::Receiver;
use super::ring::{Broken, Ring};
use super::sender::Sender;
use super::{FORGET, lent};
use crate::packet::{Batch, Frame, Pool};
use crate::port::PortStats;
use crate::time::Time;

/// The receiving end of a ring.
#[derive(Debug)]
pub(super) enum Incoming {
    Copied(Receiver),
    Lent(lent::Receiver),
}

/// The sending end of a ring.
#[derive(Debug)]
pub(super) enum Outgoing {
    Copied(Sender),
    Lent(lent::Sender),
}

/// The rings of one queue while a peer is connected; on cache lines of their own, since each
/// queue's worker writes its positions for every frame.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Wires {
    pub(super) receiver: Incoming,
    pub(super) sender: Outgoing,
    /// Where the peer is to tell of frames.
    pub(super) ear: Option<Ear>,
    /// Where the peer wants to be told of them.
    pub(super) event: OwnedFd,
    /// When to forget again what was told.
    pub(super) forget: Time,
    /// Frames were sent of which the peer did not want to be told, as far as was seen.
    pub(super) untold: bool,
}

impl Incoming {
    #[inline]
    fn receive(
        &mut self,
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) -> Result<usize, Broken> {
        match self {
            Self::Copied(receiver) => receiver.receive(pool, batch, stats),
            Self::Lent(receiver) => receiver.receive(pool, batch, stats),
        }
    }

    /// Frames that wait and that nobody will take any more.
    pub(super) fn left(&self) -> u64 {
        match self {
            Self::Copied(receiver) => receiver.left(),
            Self::Lent(receiver) => receiver.left(),
        }
    }
}

impl Outgoing {
    #[inline]
    fn ring(&self) -> &Ring {
        match self {
            Self::Copied(sender) => sender.ring(),
            Self::Lent(sender) => sender.ring(),
        }
    }

    /// Takes back what the peer is done with, if nothing was sent since this was last asked: else sending did.
    #[inline]
    fn reclaim(&mut self, pool: &mut Pool) -> Result<(), Broken> {
        match self {
            Self::Copied(_) => Ok(()),
            Self::Lent(sender) => sender.reclaim_when_idle(pool),
        }
    }
}

impl Wires {
    /// Receives; looks again after an idle queue forgot that it was told.
    #[inline]
    pub(super) fn receive(
        &mut self,
        now: Time,
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) -> Result<usize, Broken> {
        self.sender.reclaim(pool)?;
        let got = self.receiver.receive(pool, batch, stats)?;
        match &self.ear {
            Some(ear) if got == 0 && now >= self.forget => {
                self.forget = Time(now.nanos().saturating_add(FORGET));
                ear.forget();
                self.receiver.receive(pool, batch, stats)
            }
            _ => Ok(got),
        }
    }

    #[inline]
    pub(super) fn transmit(
        &mut self,
        batch: &mut Batch,
        pool: &mut Pool,
        stats: &mut PortStats,
        bell: &Bell,
    ) -> Result<usize, Broken> {
        let sent = stats.sent;
        let taken = match &mut self.sender {
            Outgoing::Copied(sender) => sender.transmit(batch, pool, stats),
            Outgoing::Lent(sender) => sender.transmit(batch, pool, stats),
        };
        if stats.sent != sent {
            self.untold = !self.sender.ring().interrupts_seen();
            if !self.untold {
                bell.ring(&self.event);
            }
        }
        taken
    }

    /// Tells the peer of what was sent, if it began to want that meanwhile.
    ///
    /// To know, one has to wait until what was sent has got out of this core, a cache line after the
    /// other that the peer had. A turn of the worker later it has.
    #[inline]
    pub(super) fn tell(&mut self, bell: &Bell) {
        if std::mem::take(&mut self.untold) && self.sender.ring().interrupts() {
            bell.ring(&self.event);
        }
    }

    /// Takes out the frames that were lent to the peer, which may still write to them.
    pub(super) fn take_lent(&mut self, into: &mut Vec<Frame>) {
        if let Incoming::Lent(receiver) = &mut self.receiver {
            into.extend(receiver.take_all());
        }
        if let Outgoing::Lent(sender) = &mut self.sender {
            into.extend(sender.take_all());
        }
    }
}

#[cfg(test)]
impl Wires {
    /// Whether the peer wants to be told of frames.
    pub(super) fn wanted(&self) -> bool {
        self.sender.ring().interrupts()
    }

    /// Says whether this end wants to be.
    pub(super) fn want(&self, wanted: bool) {
        match &self.receiver {
            Incoming::Copied(receiver) => receiver.ring().set_interrupts(wanted),
            Incoming::Lent(receiver) => receiver.ring().set_interrupts(wanted),
        }
    }
}
