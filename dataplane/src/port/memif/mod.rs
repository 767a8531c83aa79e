//! memif: frames through memory that two processes share (protocol version 2.0, as in
//! DPDK's `drivers/net/memif` and VPP's `src/plugins/memif`).
//!
//! A server listens at a Unix socket; a client connects, shares memory with rings and
//! buffers in it, and from then on frames pass without a system call. This router can be
//! either. It copies frames between the shared buffers and its own, so that nothing the
//! other end does afterwards changes a packet; and it believes nothing the other end
//! writes: what is out of bounds is dropped and counted, a broken ring ends the connection.
//!
//! A thread keeps the control channel of a port in use; where there is one clock for all,
//! queue 0 does, in [`Port::poll`]. Queues learn of a connection by its number.

mod bell;
mod buffers;
mod channel;
mod keeper;
mod layout;
mod listener;
pub mod message;
mod peer;
mod receiver;
mod region;
mod ring;
mod sender;
mod setup;
mod talk;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

pub use bell::event;
pub use channel::{Channel, Lost};
pub use peer::{Peer, RingFigures, Watch};
pub use region::memory;

use self::bell::{Bell, Ear};
use self::keeper::Keeper;
use self::peer::Shared;
use self::receiver::Receiver;
use self::ring::Broken;
use self::sender::Sender;
use self::talk::Control;
use super::{Link, OpenError, Port, PortStats};
use crate::packet::{Batch, Pool};
use crate::time::Time;

/// What this end calls itself.
const NAME: &str = concat!("viaduct ", env!("CARGO_PKG_VERSION"));
/// How often, in nanoseconds, the control channel is looked at.
const LOOK: u64 = 1_000_000;
/// How soon, in nanoseconds, an idle queue forgets again what it was told.
const FORGET: u64 = 20_000;

/// Which end of the control channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Listens; "master" in older texts.
    Server,
    /// Connects, and brings the memory; "slave" in older texts.
    #[default]
    Client,
}

/// How this end learns of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    /// The peer tells by an event descriptor: a system call of its for each burst.
    #[default]
    Interrupt,
    /// It looks by itself.
    Poll,
}

/// What both ends of a connection must know: up to 24 bytes, none of them shown.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Secret([u8; 24]);

impl Secret {
    /// The first 24 bytes of `text`.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; 24];
        bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Self(bytes)
    }

    /// Whether a client that says `other` may connect; compared in constant time.
    fn admits(&self, other: &[u8; 24]) -> bool {
        self.0 == [0; 24] || self.0.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::default() { "none" } else { "…" })
    }
}

/// How a memif port is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemifOptions {
    /// The name that the peer is told.
    pub name: String,
    /// Path of the control socket.
    pub socket: PathBuf,
    /// Which end this is.
    pub role: Role,
    /// The interface's number at that socket.
    pub id: u32,
    /// Entries of each ring, 2 to 16,384, a power of two; the client's count.
    pub ring: u16,
    /// Bytes of each buffer, 64 to 65,535; the client's count.
    pub buffer: u32,
    /// How this end learns of frames.
    pub notice: Notice,
    /// What both ends must know; a server without one admits everybody.
    pub secret: Secret,
    /// Permission bits of a server's socket.
    pub permissions: u32,
}

impl Default for MemifOptions {
    fn default() -> Self {
        Self {
            name: String::new(),
            socket: PathBuf::new(),
            role: Role::default(),
            id: 0,
            ring: 1024,
            buffer: 2048,
            notice: Notice::default(),
            secret: Secret::default(),
            permissions: 0o600,
        }
    }
}

impl MemifOptions {
    fn failed(&self, action: &'static str) -> impl FnOnce(std::io::Error) -> OpenError {
        move |source| OpenError::System { device: self.socket.display().to_string(), action, source }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The rings of one queue while a peer is connected; on cache lines of their own, since each
/// queue's worker writes its positions for every frame.
#[derive(Debug)]
#[repr(align(128))]
struct Wires {
    receiver: Receiver,
    sender: Sender,
    /// Where the peer is to tell of frames.
    ear: Option<Ear>,
    /// Where the peer wants to be told of them.
    event: OwnedFd,
    /// When to forget again what was told.
    forget: Time,
    /// Frames were sent of which the peer did not want to be told, as far as was seen.
    untold: bool,
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
    due: Time,
    stats: PortStats,
}

/// Opens a port as [`open`] does, with a thread that keeps its control channel as time goes by.
///
/// # Errors
/// As of [`open`]; and when there is no thread.
pub fn open_kept(queues: usize, options: &MemifOptions) -> Result<Vec<Memif>, OpenError> {
    let mut queues = open(queues, options)?;
    for queue in &mut queues {
        let Some(control) = queue.control.take() else { continue };
        let keeper = Keeper::start(control, queue.shared.clone());
        queue.keeper = Some(keeper.map_err(options.failed("starting the thread of its control channel"))?);
    }
    Ok(queues)
}

/// Opens a port with `queues` queues (1 to 64). A server listens at once; a client
/// connects as soon as there is a server, and both wait again when the peer goes.
///
/// # Errors
/// [`OpenError`] when a server cannot listen at that path.
pub fn open(queues: usize, options: &MemifOptions) -> Result<Vec<Memif>, OpenError> {
    let queues = queues.clamp(1, 64);
    let shared = Arc::new(Shared::default());
    let listening = options.failed("listening for memif clients");
    let control = Control::new(options, queues as u16).map_err(listening)?;
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
    fn change(&mut self) {
        self.hang_up();
        (self.connection, self.wires) = self.shared.wires(self.queue);
    }

    /// Lets go of the rings; frames still in them are lost.
    fn hang_up(&mut self) {
        if let Some(wires) = self.wires.take() {
            self.stats.missed += wires.receiver.left();
            self.shared.give_back(*wires);
        }
    }

    /// The peer broke the rules of a ring: queue 0 will tell it so.
    #[cold]
    fn break_off(&mut self, why: Broken) {
        self.shared.break_off(self.connection, why);
        self.hang_up();
    }
}

impl Wires {
    /// Receives; looks again after an idle queue forgot that it was told.
    #[inline]
    fn receive(
        &mut self,
        now: Time,
        pool: &mut Pool,
        batch: &mut Batch,
        stats: &mut PortStats,
    ) -> Result<usize, Broken> {
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
    fn transmit(
        &mut self,
        batch: &mut Batch,
        pool: &mut Pool,
        stats: &mut PortStats,
        bell: &Bell,
    ) -> Result<usize, Broken> {
        let sent = stats.sent;
        let taken = self.sender.transmit(batch, pool, stats);
        if stats.sent != sent {
            self.untold = !self.sender.interrupts_seen();
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
    fn tell(&mut self, bell: &Bell) {
        if std::mem::take(&mut self.untold) && self.sender.interrupts() {
            bell.ring(&self.event);
        }
    }
}

impl Port for Memif {
    #[inline]
    fn receive(&mut self, now: Time, pool: &mut Pool, batch: &mut Batch) -> usize {
        let Some(wires) = &mut self.wires else { return 0 };
        let before = batch.len();
        wires.tell(self.bell);
        if let Err(why) = wires.receive(now, pool, batch, &mut self.stats) {
            self.break_off(why);
        }
        batch.len() - before
    }

    #[inline]
    fn transmit(&mut self, _now: Time, batch: &mut Batch, pool: &mut Pool) -> usize {
        let Some(wires) = &mut self.wires else { return 0 };
        let before = batch.len();
        if !batch.is_empty()
            && let Err(why) = wires.transmit(batch, pool, &mut self.stats, self.bell)
        {
            self.break_off(why);
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
            self.change();
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
}

#[cfg(test)]
mod tests;
