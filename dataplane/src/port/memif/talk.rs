//! The control channel's course, from the first word to the last.
//!
//! A client that lost its server, or never had one, tries again: soon at first, then
//! more seldom. A server waits. Whoever is told something out of turn says why and leaves.

use std::io;
use std::sync::Arc;

use super::channel::{Channel, Lost};
use super::layout::Layout;
use super::listener::{Seat, send_away};
use super::message::{ETHERNET, Hello, Init, Message, Text, VERSION};
use super::peer::Shared;
use super::region::MOST_BYTES;
use super::setup::{Brought, Offered, Wired, Wrong};
use super::{MemifOptions, NAME, Role, lent};
use crate::packet::Arena;
use crate::time::Time;

/// The most messages taken in one look.
const MOST_MESSAGES: usize = 16;
/// How long, in nanoseconds, the ends have to agree.
const PATIENCE: u64 = 2_000_000_000;
/// How long, in nanoseconds, an end that has yet to agree may say nothing while another client waits.
const SILENCE: u64 = 250_000_000;
/// The first and the longest pause between a client's tries, in nanoseconds.
const PAUSES: (u64, u64) = (20_000_000, 2_000_000_000);

/// Why a conversation ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("{0}")]
    Lost(#[from] Lost),
    #[error("{0}")]
    Setup(#[from] Wrong),
    #[error("making shared memory: {0}")]
    Memory(#[from] io::Error),
    #[error("unexpected message")]
    Unexpected,
    #[error("the server does not speak version 2.0")]
    Version,
    #[error("the server takes {0} rings each way")]
    Rings(u32),
    #[error("the server takes rings of at most 2^{0} entries")]
    RingSize(u8),
    #[error("the server takes {0} region(s) of memory, and without copies there are two")]
    Regions(u32),
    #[error(
        "the server is user {0}'s: without copies it would have all of the router's frames, and must be root's or this \
         user's own"
    )]
    Stranger(u32),
    #[error("no agreement in time")]
    Late,
    #[error("the peer says: {0}")]
    Theirs(Text<96>),
}

/// What this end has ready.
#[derive(Debug)]
enum Part {
    /// What the client offered.
    Server(Offered),
    /// What was brought, once the server greeted.
    Client(Option<Brought>),
    /// Frames pass.
    Connected,
}

/// One conversation.
#[derive(Debug)]
struct Talk {
    channel: Channel,
    /// When both must agree.
    until: Time,
    /// When the other end said something last.
    heard: Time,
    /// From when on a client's connection has lasted.
    lasts: Time,
    part: Part,
}

/// How a peer is found.
#[derive(Debug)]
enum Way {
    Server(Seat),
    /// When to try next, and how long to pause after that.
    Client(Time, u64),
}

/// Keeps a port's control channel.
#[derive(Debug)]
pub(super) struct Control {
    options: MemifOptions,
    /// What frames are lent of, where they are not copied.
    arena: Option<Arc<Arena>>,
    layout: Layout,
    way: Way,
    talk: Option<Talk>,
}

impl Control {
    /// Listens, if it is a server's.
    ///
    /// # Errors
    /// The server cannot listen, or the client's memory would be too large.
    pub(super) fn new(options: &MemifOptions, queues: u16, arena: Option<Arc<Arena>>) -> io::Result<Self> {
        let log2 = options.ring.clamp(2, 1 << 14).next_power_of_two().trailing_zeros() as u8;
        let buffer = if arena.is_some() { 0 } else { options.buffer.clamp(64, 65_535) };
        let layout = Layout { queues, log2, buffer };
        if arena.as_ref().is_some_and(|arena| arena.bytes() as u64 > MOST_BYTES) {
            let message = format!("the router's frames are more than {MOST_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        if layout.bytes().is_none() {
            let message = format!("its rings and buffers would be more than {MOST_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let way = match options.role {
            Role::Server => {
                Way::Server(Seat::take(&options.socket, options.id, queues, options.permissions)?)
            }
            Role::Client => Way::Client(Time::ZERO, PAUSES.0),
        };
        Ok(Self { options: options.clone(), arena, layout, way, talk: None })
    }

    /// Does what is due; whether there was anything.
    pub(super) fn poll(&mut self, now: Time, shared: &Shared) -> bool {
        shared.clear();
        if let Some(why) = shared.broken() {
            self.leave(now, shared, &why.to_string());
        }
        let mut active = self.meet(now, shared);
        for _ in 0..MOST_MESSAGES {
            match self.step(now, shared) {
                Ok(true) => active = true,
                Ok(false) => break,
                Err(why) => {
                    self.leave(now, shared, &why.to_string());
                    break;
                }
            }
        }
        active
    }

    /// Looks for a peer; whether there was a new one, or an old one made room.
    fn meet(&mut self, now: Time, shared: &Shared) -> bool {
        match &mut self.way {
            Way::Server(seat) => {
                let free = self.talk.as_ref().is_none_or(|talk| talk.yields(now));
                let Some((mut channel, init)) = seat.client(now, free) else { return false };
                if let Some(reason) = refuse(&init, &self.options) {
                    send_away(&mut channel, reason);
                    shared.note(&format!("a client was refused: {reason}"));
                    return false;
                }
                if self.talk.is_some() {
                    self.leave(now, shared, "nothing more was said, and another client asks");
                }
                shared.meet(init.name.to_string());
                let part = Part::Server(Offered::new(self.layout.queues));
                // A client that is gone already is noticed by the first look at its channel.
                let _ = channel.send(Message::Ack, None);
                self.talk = Some(Talk::new(channel, now, part));
            }
            Way::Client(due, _) if self.talk.is_some() || now < *due => return false,
            Way::Client(..) => match self.connect() {
                Ok(channel) => self.talk = Some(Talk::new(channel, now, Part::Client(None))),
                Err(why) => {
                    self.leave(now, shared, &format!("connecting: {why}"));
                    return false;
                }
            },
        }
        true
    }

    /// A channel to the server, if that may have what it would be given.
    fn connect(&self) -> Result<Channel, End> {
        let channel = Channel::connect(&self.options.socket)?;
        if self.arena.is_some() {
            let user = channel.user()?;
            if !lent::trusts(user, rustix::process::geteuid().as_raw()) {
                return Err(End::Stranger(user));
            }
        }
        Ok(channel)
    }

    /// Answers one message; `false` when there is none.
    fn step(&mut self, now: Time, shared: &Shared) -> Result<bool, End> {
        let Some(talk) = &mut self.talk else { return Ok(false) };
        if now >= talk.until && !matches!(talk.part, Part::Connected) {
            return Err(End::Late);
        }
        talk.channel.flush()?;
        let Some((message, descriptor)) = talk.channel.receive()? else { return Ok(false) };
        talk.heard = now;
        match (message, &mut talk.part) {
            (Message::Disconnect(why), _) => return Err(End::Theirs(why.reason)),
            (Message::Ack, Part::Client(Some(_))) => {}
            (Message::AddRegion(region), Part::Server(offered)) => {
                offered.add_region(region, descriptor)?;
                talk.channel.send(Message::Ack, None)?;
            }
            (Message::AddRing(ring), Part::Server(offered)) => {
                offered.add_ring(ring, descriptor)?;
                talk.channel.send(Message::Ack, None)?;
            }
            (Message::Connect(name), Part::Server(_)) => {
                let wired = talk.wires(&self.options)?;
                shared.connect(name.to_string(), wired);
                if let Way::Server(seat) = &self.way {
                    seat.set_taken(true);
                }
                talk.channel.send(Message::Connected(Text::new(&self.options.name)), None)?;
            }
            (Message::Hello(hello), Part::Client(brought @ None)) => {
                fits(&hello, self.layout, self.arena.is_some())?;
                shared.meet(hello.name.to_string());
                let (memory, letters) = Brought::new(self.layout, self.arena.clone())?;
                *brought = Some(memory);
                talk.channel.send(self.options.init(), None)?;
                for (letter, descriptor) in letters {
                    talk.channel.send(letter, descriptor)?;
                }
                talk.channel.send(Message::Connect(Text::new(&self.options.name)), None)?;
            }
            (Message::Connected(name), Part::Client(Some(_))) => {
                let wired = talk.wires(&self.options)?;
                talk.lasts = Time(now.nanos().saturating_add(PAUSES.1));
                shared.connect(name.to_string(), wired);
            }
            _ => return Err(End::Unexpected),
        }
        Ok(true)
    }

    /// Says why, and looks for another peer later.
    fn leave(&mut self, now: Time, shared: &Shared, why: &str) {
        let mut lasted = false;
        if let Some(mut talk) = self.talk.take() {
            lasted = now >= talk.lasts;
            send_away(&mut talk.channel, why);
        }
        shared.disconnect(why);
        match &mut self.way {
            Way::Server(seat) => seat.set_taken(false),
            Way::Client(due, pause) => {
                // A server that lets in and leaves at once is asked more seldom too.
                *pause = if lasted { PAUSES.0 } else { *pause };
                *due = Time(now.nanos().saturating_add(*pause));
                *pause = (*pause * 2).min(PAUSES.1);
            }
        }
    }
}

#[cfg(test)]
impl Control {
    /// Closes the channel without a word, as a process that is killed.
    pub(super) fn forget(&mut self) {
        self.talk = None;
        self.way = Way::Client(Time::NEVER, 0);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(talk) = &mut self.talk {
            send_away(&mut talk.channel, "the port was closed");
        }
    }
}

impl Talk {
    fn new(channel: Channel, now: Time, part: Part) -> Self {
        let until = Time(now.nanos().saturating_add(PATIENCE));
        Self { channel, until, heard: now, lasts: Time::NEVER, part }
    }

    /// Whether a client that waits may have its place: nothing was agreed on, and nothing is said.
    fn yields(&self, now: Time) -> bool {
        !matches!(self.part, Part::Connected) && now.since(self.heard) >= SILENCE
    }

    /// The rings that were agreed on.
    fn wires(&mut self, options: &MemifOptions) -> Result<Wired, End> {
        match std::mem::replace(&mut self.part, Part::Connected) {
            Part::Server(offered) => Ok(offered.wires(options.notice)?),
            Part::Client(Some(brought)) => Ok(brought.wires(options.notice)?),
            Part::Client(None) | Part::Connected => Err(End::Unexpected),
        }
    }
}

impl MemifOptions {
    fn init(&self) -> Message {
        let secret = self.secret.0;
        Message::Init(Init { version: VERSION, id: self.id, mode: ETHERNET, secret, name: Text::new(NAME) })
    }
}

/// Why a client may not connect.
fn refuse(init: &Init, options: &MemifOptions) -> Option<&'static str> {
    match () {
        () if init.version != VERSION => Some("only version 2.0 is spoken"),
        () if init.mode != ETHERNET => Some("only Ethernet frames are taken"),
        () if !options.secret.admits(&init.secret) => Some("the secret is wrong"),
        () => None,
    }
}

/// Whether a server takes what this client has.
fn fits(hello: &Hello, layout: Layout, lends: bool) -> Result<(), End> {
    if !(hello.min_version..=hello.max_version).contains(&VERSION) {
        return Err(End::Version);
    }
    let rings = u32::from(hello.max_client_ring.min(hello.max_server_ring)) + 1;
    if rings < u32::from(layout.queues) {
        return Err(End::Rings(rings));
    }
    if lends && hello.max_region < lent::REGION {
        return Err(End::Regions(u32::from(hello.max_region) + 1));
    }
    if hello.max_log2_ring < layout.log2 {
        return Err(End::RingSize(hello.max_log2_ring));
    }
    Ok(())
}
