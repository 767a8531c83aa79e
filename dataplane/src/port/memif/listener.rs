//! The socket that clients of server ports connect to.
//!
//! Several ports may listen at one path, each with an id of its own: they share the
//! socket, and whichever looks first says hello and hands the client to the port that it
//! asks for. The file goes with the last of them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use rustix::fs::Mode;
use rustix::net::{SocketAddrUnix, SocketFlags};

use super::channel::Channel;
use super::lock;
use super::message::{Disconnect, Hello, Init, Message, Text, VERSION};
use super::region::MOST_REGIONS;
use super::ring::MOST_LOG2;
use crate::time::Time;

/// Clients that were greeted and have not said yet which interface they want.
const MOST_GREETED: usize = 16;
/// How long a client has for it, in nanoseconds.
const PATIENCE: u64 = 2_000_000_000;
/// Clients that wait to be accepted.
const BACKLOG: i32 = 16;

/// Every path listened at in this process.
static LISTENERS: Mutex<Vec<Weak<Listener>>> = Mutex::new(Vec::new());

/// A socket, shared by ports.
#[derive(Debug)]
struct Listener {
    socket: OwnedFd,
    path: PathBuf,
    /// Device and inode of the socket's file, by which it is known to be ours.
    file: (u64, u64),
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The ids of ports, and whether each has its client.
    ids: Vec<(u32, bool)>,
    greeted: VecDeque<(Channel, Time)>,
    /// Clients of other ports than the one that looked.
    asked: Vec<(Channel, Init)>,
}

/// A port's place at a listener; given up when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    listener: Arc<Listener>,
    id: u32,
    /// The highest index of a ring each way.
    most_ring: u16,
}

impl Seat {
    /// Listens at `path` for clients that want interface `id` with up to `queues` rings each way.
    ///
    /// # Errors
    /// Somebody else listens there, the id is taken, or the file cannot be made.
    pub(super) fn take(path: &Path, id: u32, queues: u16, permissions: u32) -> io::Result<Self> {
        let mut listeners = lock(&LISTENERS);
        listeners.retain(|one| one.strong_count() > 0);
        // One without ports is about to go.
        let listens = |one: &Arc<Listener>| one.path == path && !lock(&one.waiting).ids.is_empty();
        let known = listeners.iter().filter_map(Weak::upgrade).find(listens);
        let listener = match known {
            Some(listener) => listener,
            None => {
                let new = Arc::new(Listener::bind(path, permissions)?);
                listeners.push(Arc::downgrade(&new));
                new
            }
        };
        let mut waiting = lock(&listener.waiting);
        if waiting.ids.iter().any(|(taken, _)| *taken == id) {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, format!("another port has id {id} there")));
        }
        waiting.ids.push((id, false));
        drop(waiting);
        Ok(Self { listener, id, most_ring: queues.saturating_sub(1) })
    }

    /// Greets who is new and gives the client that wants this port's interface.
    pub(super) fn client(&self, now: Time) -> Option<(Channel, Init)> {
        // Another port's worker that looks just now does the same.
        let mut waiting = self.listener.waiting.try_lock().ok()?;
        while waiting.greeted.len() < MOST_GREETED {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let Ok(socket) = rustix::net::accept_with(&self.listener.socket, flags) else { break };
            let mut channel = Channel::over(socket);
            if channel.send(self.hello(), None).is_ok() {
                waiting.greeted.push_back((channel, Time(now.nanos().saturating_add(PATIENCE))));
            }
        }
        waiting.hear(now);
        let mine = waiting.asked.iter().position(|(_, init)| init.id == self.id)?;
        Some(waiting.asked.swap_remove(mine))
    }

    fn hello(&self) -> Message {
        Message::Hello(Hello {
            name: Text::new(super::NAME),
            min_version: VERSION,
            max_version: VERSION,
            max_region: MOST_REGIONS as u16 - 1,
            max_server_ring: self.most_ring,
            max_client_ring: self.most_ring,
            max_log2_ring: MOST_LOG2,
        })
    }

    /// Says whether this port has its client: others are sent away then.
    pub(super) fn set_taken(&self, taken: bool) {
        let mut waiting = lock(&self.listener.waiting);
        if let Some(seat) = waiting.ids.iter_mut().find(|(id, _)| *id == self.id) {
            seat.1 = taken;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Nobody joins or binds while the file goes.
        let _listeners = lock(&LISTENERS);
        let mut waiting = lock(&self.listener.waiting);
        waiting.ids.retain(|(id, _)| *id != self.id);
        waiting.asked.retain(|(_, init)| init.id != self.id);
        let last = waiting.ids.is_empty();
        drop(waiting);
        if last {
            self.listener.remove_file();
        }
    }
}

/// The last word to a client.
pub(super) fn send_away(channel: &mut Channel, reason: &str) {
    let _ = channel.send(Message::Disconnect(Disconnect { code: 0, reason: Text::new(reason) }), None);
}

impl Waiting {
    /// Hears what those greeted want; each has one word, and some time for it.
    fn hear(&mut self, now: Time) {
        for _ in 0..self.greeted.len() {
            let Some((mut channel, until)) = self.greeted.pop_front() else { break };
            match channel.receive() {
                Ok(None) if now < until => self.greeted.push_back((channel, until)),
                Ok(None) => send_away(&mut channel, "no init in time"),
                Ok(Some((Message::Init(init), _))) => self.sort(channel, init),
                Ok(Some(_)) => send_away(&mut channel, "unexpected message"),
                Err(why) => send_away(&mut channel, &why.to_string()),
            }
        }
    }

    fn sort(&mut self, mut channel: Channel, init: Init) {
        match self.ids.iter().find(|(id, _)| *id == init.id) {
            None => send_away(&mut channel, "no interface has that id"),
            Some((_, true)) => send_away(&mut channel, "already connected"),
            Some((_, false)) if self.asked.iter().any(|(_, other)| other.id == init.id) => {
                send_away(&mut channel, "another client is being connected");
            }
            Some((_, false)) => self.asked.push((channel, init)),
        }
    }
}

impl Listener {
    fn bind(path: &Path, permissions: u32) -> io::Result<Self> {
        remove_stale(path)?;
        let socket = super::channel::socket()?;
        // The file gets the socket's mode, less what the process masks: it is never wider than meant.
        rustix::fs::fchmod(&socket, Mode::from_raw_mode(permissions))?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(permissions))?;
        rustix::net::listen(&socket, BACKLOG)?;
        let made = std::fs::symlink_metadata(path)?;
        let file = (made.dev(), made.ino());
        Ok(Self { socket, path: path.to_owned(), file, waiting: Mutex::default() })
    }

    /// Removes the file, unless it is another's by now.
    fn remove_file(&self) {
        let found = std::fs::symlink_metadata(&self.path).map(|m| (m.dev(), m.ino()));
        if found.is_ok_and(|file| file == self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes a socket's file that nobody listens at any more.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    match Channel::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
        Err(error) => Err(error),
    }
}
