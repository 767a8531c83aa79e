//! memif: frames through memory that two processes share (protocol version 2.0, as in
//! DPDK's `drivers/net/memif` and VPP's `src/plugins/memif`).
//!
//! A server listens at a Unix socket; a client connects, shares memory with rings and
//! buffers in it, and from then on frames pass without a system call. This router can be
//! either. It copies frames between the shared buffers and its own, so that nothing the
//! other end does afterwards changes a packet; or, as a client that is told to trust its server, lends
//! it its own (`lent/`). It believes nothing the other end writes into rings: what is out of bounds is dropped
//! and counted, a broken ring ends the connection.
//!
//! A thread keeps the control channel of a port in use; where there is one clock for all,
//! queue 0 does, in [`Port::poll`]. Queues learn of a connection by its number.

mod bell;
mod buffers;
mod channel;
mod keeper;
mod layout;
mod lent;
mod listener;
pub mod message;
mod options;
mod peer;
mod receiver;
mod region;
mod ring;
mod sender;
mod setup;
mod talk;
mod wires;

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard};

pub use bell::event;
pub use channel::{Channel, Lost};
pub use lent::QUARANTINE;
pub use options::{MemifOptions, Notice, Role, Secret};
pub use peer::{Peer, RingFigures, Watch};
pub use region::memory;

use self::bell::{Bell, Ear};
use self::keeper::Keeper;
use self::peer::Shared;
use self::ring::Broken;
use self::talk::Control;
use self::wires::Wires;
use super::{Link, OpenError, Port, PortStats};
use crate::packet::{Arena, Batch, Frame, Pool};
use crate::time::Time;

/// What this end calls itself.
const NAME: &str = concat!("viaduct ", env!("CARGO_PKG_VERSION"));
/// How often, in nanoseconds, the control channel is looked at.
const LOOK: u64 = 1_000_000;
/// How soon, in nanoseconds, an idle queue forgets again what it was told.
const FORGET: u64 = 20_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A memif port: one queue.
#[derive(Debug)]
pub struct Memif {
    queue: usize,
    shared: Arc<Shared>,
    /// Queue 0 has it, until a thread has.
    control: Option<Box<Control>>,
    keeper: Option<Keeper>,
    bell: &'static Bell,
    /// Boxed, so that an enum of ports stays small.
    wires: Option<Box<Wires>>,
    /// The number of the connection the wires are of.
    connection: u32,
    /// Frames that were lent to peers that are gone, and until when they stay out of use.
    quarantine: (Time, Vec<Frame>),
    due: Time,
    stats: PortStats,
}

/// Opens a port as [`open`] does, with a thread that keeps its control channel as time goes by.
///
/// # Errors
/// As of [`open`]; and when there is no thread.
pub fn open_kept(
    queues: usize,
    options: &MemifOptions,
    arena: Option<&Arc<Arena>>,
) -> Result<Vec<Memif>, OpenError> {
    let mut queues = open(queues, options, arena)?;
    for queue in &mut queues {
        let Some(control) = queue.control.take() else { continue };
        let keeper = Keeper::start(control, queue.shared.clone());
        queue.keeper = Some(keeper.map_err(options.failed("starting the thread of its control channel"))?);
    }
    Ok(queues)
}

/// Opens a port with `queues` queues (1 to 64). A server listens at once; a client
/// connects as soon as there is a server, and both wait again when the peer goes. What is to do without copies lends
/// frames of `arena`, where those of the pools that it is given must stand.
///
/// # Errors
/// [`OpenError`] when a server cannot listen at that path; when there is to be no copy, at a server's end or without
/// an arena.
pub fn open(
    queues: usize,
    options: &MemifOptions,
    arena: Option<&Arc<Arena>>,
) -> Result<Vec<Memif>, OpenError> {
    let queues = queues.clamp(1, 64);
    let shared = Arc::new(Shared::default());
    let listening = options.failed("listening for memif clients");
    let control = Control::new(options, queues as u16, options.lends(arena)?).map_err(listening)?;
    let mut control = Some(Box::new(control));
    let bell = Bell::get().map_err(options.failed("making an asynchronous context (fs.aio-max-nr)"))?;
    let queue = |queue| Memif {
        queue,
        shared: shared.clone(),
        control: control.take(),
        keeper: None,
        bell,
        wires: None,
        connection: 0,
        quarantine: (Time::ZERO, Vec::new()),
        due: Time::ZERO,
        stats: PortStats::default(),
    };
    Ok((0..queues).map(queue).collect())
}

impl Memif {
    /// What can be asked about its peer, from any thread.
    pub fn watch(&self) -> Watch {
        Watch::new(self.shared.clone())
    }

    /// Takes up its part of a new connection, or lets go of one that ended.
    #[cold]
    fn change(&mut self, now: Time) {
        self.hang_up(now);
        (self.connection, self.wires) = self.shared.wires(self.queue);
    }

    /// Lets go of the rings; frames still in them are lost.
    fn hang_up(&mut self, now: Time) {
        if let Some(mut wires) = self.wires.take() {
            self.stats.missed += wires.receiver.left();
            self.quarantine.0 = Time(now.nanos().saturating_add(QUARANTINE));
            wires.take_lent(&mut self.quarantine.1);
            self.shared.give_back(*wires);
        }
    }

    /// Takes what peers had that are gone for good.
    #[cold]
    fn end_quarantine(&mut self, now: Time, pool: &mut Pool) {
        if now >= self.quarantine.0 {
            self.quarantine.1.drain(..).for_each(|frame| pool.put(frame));
        }
    }

    /// The peer broke the rules of a ring: queue 0 will tell it so.
    #[cold]
    fn break_off(&mut self, why: Broken, now: Time) {
        self.shared.break_off(self.connection, why);
        self.hang_up(now);
    }
}

impl Port for Memif {
    #[inline]
    fn receive(&mut self, now: Time, pool: &mut Pool, batch: &mut Batch) -> usize {
        if !self.quarantine.1.is_empty() {
            self.end_quarantine(now, pool);
        }
        let Some(wires) = &mut self.wires else { return 0 };
        let before = batch.len();
        wires.tell(self.bell);
        if let Err(why) = wires.receive(now, pool, batch, &mut self.stats) {
            self.break_off(why, now);
        }
        batch.len() - before
    }

    #[inline]
    fn transmit(&mut self, now: Time, batch: &mut Batch, pool: &mut Pool) -> usize {
        let Some(wires) = &mut self.wires else { return 0 };
        let before = batch.len();
        if !batch.is_empty()
            && let Err(why) = wires.transmit(batch, pool, &mut self.stats, self.bell)
        {
            self.break_off(why, now);
        }
        before - batch.len()
    }

    #[inline]
    fn poll(&mut self, now: Time) {
        if now < self.due {
            return;
        }
        self.due = Time(now.nanos().saturating_add(LOOK));
        if let Some(control) = &mut self.control {
            control.poll(now, &self.shared);
        }
        if self.shared.connection() != self.connection {
            self.change(now);
        }
    }

    fn link(&self) -> Link {
        Link { up: self.wires.is_some(), present: true }
    }

    fn stats(&self) -> PortStats {
        self.stats
    }

    /// Changes with each connection.
    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        self.wires.as_ref()?.ear.as_ref().map(Ear::fd)
    }

    fn mac(&self) -> Option<[u8; 6]> {
        None
    }

    fn surrender(&mut self) -> Vec<Frame> {
        // There is no time for a quarantine here: who asks sees to it.
        self.hang_up(Time::ZERO);
        std::mem::take(&mut self.quarantine.1)
    }
}

#[cfg(test)]
mod tests;
