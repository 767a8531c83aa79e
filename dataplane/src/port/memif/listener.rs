//! The socket that clients of server ports connect to.
//!
//! Several ports may listen at one path, each with an id of its own: they share the
//! socket, and whichever looks first says hello and hands the client to the port that it
//! asks for. The file goes with the last of them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
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
/// How long of that it has whoever else comes, in nanoseconds; then the oldest has to make room.
const UNDISTURBED: u64 = 20_000_000;
/// Clients that wait to be accepted.
const BACKLOG: i32 = 16;

/// How often, and how far apart, it is tried to be alone in a folder.
const TRIES: usize = 200;
const APART: Duration = Duration::from_millis(5);

/// What a second client of a port is told.
const TAKEN: &str = "already connected";

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

/// A port that listens.
#[derive(Debug)]
struct Listed {
    id: u32,
    /// Its rings each way.
    queues: u16,
    /// Whether it has its client.
    taken: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    ports: Vec<Listed>,
    /// Who was greeted and has not answered, and when; the oldest first.
    greeted: VecDeque<(Channel, Time)>,
    /// Clients of other ports than the one that looked.
    asked: Vec<(Channel, Init)>,
}

/// A port's place at a listener; given up when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    listener: Arc<Listener>,
    id: u32,
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
        let listens = |one: &Arc<Listener>| one.path == path && !lock(&one.waiting).ports.is_empty();
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
        if waiting.ports.iter().any(|port| port.id == id) {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, format!("another port has id {id} there")));
        }
        waiting.ports.push(Listed { id, queues, taken: false });
        drop(waiting);
        Ok(Self { listener, id })
    }

    /// Greets who is new and gives the client that wants this port's interface, if it is `free`
    /// for one; else that waits.
    pub(super) fn client(&self, now: Time, free: bool) -> Option<(Channel, Init)> {
        // Another port's worker that looks just now does the same.
        let mut waiting = self.listener.waiting.try_lock().ok()?;
        waiting.hear(now);
        for _ in 0..MOST_GREETED {
            if !waiting.has_room(now) {
                break;
            }
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let Ok(socket) = rustix::net::accept_with(&self.listener.socket, flags) else { break };
            waiting.greet(Channel::over(socket), now);
        }
        let mine = waiting.asked.iter().position(|(_, init)| free && init.id == self.id)?;
        Some(waiting.asked.swap_remove(mine))
    }

    /// Says whether this port has its client: others are sent away then, those that wait too.
    pub(super) fn set_taken(&self, taken: bool) {
        let mut waiting = lock(&self.listener.waiting);
        for (mut late, _) in waiting.asked.extract_if(.., |(_, init)| taken && init.id == self.id) {
            send_away(&mut late, TAKEN);
        }
        if let Some(port) = waiting.ports.iter_mut().find(|port| port.id == self.id) {
            port.taken = taken;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Nobody joins or binds while the file goes.
        let _listeners = lock(&LISTENERS);
        let mut waiting = lock(&self.listener.waiting);
        waiting.ports.retain(|port| port.id != self.id);
        waiting.asked.retain(|(_, init)| init.id != self.id);
        let last = waiting.ports.is_empty();
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
    /// Whether one more may be greeted, also in the place of the one that has said nothing for longest.
    fn has_room(&self, now: Time) -> bool {
        self.greeted.len() < MOST_GREETED
            || self.greeted.front().is_some_and(|old| now.since(old.1) >= UNDISTURBED)
    }

    /// Says hello; who has said nothing for longest goes when there are too many.
    fn greet(&mut self, mut channel: Channel, now: Time) {
        if self.greeted.len() >= MOST_GREETED
            && let Some((mut silent, _)) = self.greeted.pop_front()
        {
            send_away(&mut silent, "no init, and others wait");
        }
        if channel.send(self.hello(), None).is_ok() {
            self.greeted.push_back((channel, now));
        }
    }

    /// What a client is told before it says which interface it wants: as many rings as the
    /// port here that has most. Another one says itself how many it takes.
    fn hello(&self) -> Message {
        let most = self.ports.iter().map(|port| port.queues).max().unwrap_or(1).saturating_sub(1);
        Message::Hello(Hello {
            name: Text::new(super::NAME),
            min_version: VERSION,
            max_version: VERSION,
            max_region: MOST_REGIONS as u16 - 1,
            max_server_ring: most,
            max_client_ring: most,
            max_log2_ring: MOST_LOG2,
        })
    }

    /// Hears what those greeted want; each has one word, and some time for it.
    fn hear(&mut self, now: Time) {
        for _ in 0..self.greeted.len() {
            let Some((mut channel, since)) = self.greeted.pop_front() else { break };
            match channel.receive() {
                Ok(None) if now.since(since) < PATIENCE => self.greeted.push_back((channel, since)),
                Ok(None) => send_away(&mut channel, "no init in time"),
                Ok(Some((Message::Init(init), _))) => self.sort(channel, init),
                Ok(Some(_)) => send_away(&mut channel, "unexpected message"),
                Err(why) => send_away(&mut channel, &why.to_string()),
            }
        }
    }

    fn sort(&mut self, mut channel: Channel, init: Init) {
        match self.ports.iter().find(|port| port.id == init.id) {
            None => send_away(&mut channel, "no interface has that id"),
            Some(port) if port.taken => send_away(&mut channel, TAKEN),
            Some(_) if self.asked.iter().any(|(_, other)| other.id == init.id) => {
                send_away(&mut channel, "another client is being connected");
            }
            Some(_) => self.asked.push((channel, init)),
        }
    }
}

impl Listener {
    fn bind(path: &Path, permissions: u32) -> io::Result<Self> {
        // Until this one listens: another that looked too would take it for nobody's.
        let _alone = alone_in(folder_of(path))?;
        remove_stale(path)?;
        let socket = super::channel::socket()?;
        // The file gets the socket's mode, less what the process masks: it is never wider than meant.
        rustix::fs::fchmod(&socket, Mode::from_raw_mode(permissions))?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
        let file = unmask(path, permissions)?;
        // Nobody can connect before.
        rustix::net::listen(&socket, BACKLOG)?;
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

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits, a second at the most, until no other router makes a socket in this folder; none does before what it
/// gives is dropped. The lock is on the folder itself: no file is left behind by it.
fn alone_in(folder: &Path) -> io::Result<OwnedFd> {
    let held = rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    for _ in 0..TRIES {
        match rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(APART),
            done => return done.map(|()| held).map_err(Into::into),
        }
    }
    let told = format!("another process keeps its folder locked: {}", folder.display());
    Err(io::Error::new(io::ErrorKind::TimedOut, told))
}

/// Gives the socket that was made at `path` just now the permissions that the process masked; gives its
/// device and inode. What somebody put there in its stead, be it a link, keeps its own: a
/// socket of this user's with one name is all that is changed.
fn unmask(path: &Path, permissions: u32) -> io::Result<(u64, u64)> {
    let held = rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let found = rustix::fs::fstat(&held)?;
    let socket = FileType::from_raw_mode(found.st_mode) == FileType::Socket;
    if !socket || found.st_nlink != 1 || found.st_uid != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "another file took the socket's place"));
    }
    if Mode::from_raw_mode(found.st_mode) != Mode::from_raw_mode(permissions) {
        // What is held, whatever has its name by now; the kernel changes no other by a descriptor of this kind.
        rustix::fs::chmod(format!("/proc/self/fd/{}", held.as_raw_fd()), Mode::from_raw_mode(permissions))?;
    }
    Ok((found.st_dev, found.st_ino))
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

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    /// A socket's file that nobody listens at, as a router leaves it that was killed.
    fn leave_stale(path: &Path) {
        drop(UnixListener::bind(path).unwrap());
    }

    #[test]
    fn of_routers_that_start_at_once_one_listens_and_stays_the_one_that_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..100 {
            let path = folder.path().join(format!("socket{round}"));
            leave_stale(&path);
            let start = std::sync::Barrier::new(3);
            let bind = || {
                start.wait();
                Listener::bind(&path, 0o600)
            };
            let came: Vec<_> = std::thread::scope(|scope| {
                let threads = [(); 3].map(|()| scope.spawn(bind));
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let listening: Vec<_> = came.iter().filter_map(|one| one.as_ref().ok()).collect();
            assert_eq!(listening.len(), 1, "{came:?}");
            for refused in came.iter().filter_map(|one| one.as_ref().err()) {
                assert!(refused.to_string().contains("another process listens there"), "{refused}");
            }
            let found = std::fs::symlink_metadata(&path).unwrap();
            assert_eq!((found.dev(), found.ino()), listening[0].file);
            Channel::connect(&path).unwrap();
        }
    }

    #[test]
    fn a_folder_that_stays_locked_is_named_and_what_is_in_it_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        leave_stale(&path);
        let held = alone_in(folder.path()).unwrap();
        let refused = Listener::bind(&path, 0o600).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        assert!(refused.to_string().contains(&folder.path().display().to_string()), "{refused}");
        drop(held);
        Listener::bind(&path, 0o600).unwrap();
        assert_eq!(folder_of(Path::new("socket")), Path::new("."));
    }

    #[test]
    fn only_the_socket_itself_gets_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let [file, socket, place] = ["file", "socket", "place"].map(|name| folder.path().join(name));
        std::fs::write(&file, "secret").unwrap();
        let _listens = UnixListener::bind(&socket).unwrap();
        for path in [&file, &socket] {
            std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        }
        // What another process may put in the place of a socket that was made just now.
        type Put = fn(&Path, &Path) -> io::Result<()>;
        let puts: [(Put, &Path); 4] = [
            (|from, to| symlink(from, to), &file),
            (|from, to| symlink(from, to), &socket),
            (|from, to| std::fs::hard_link(from, to), &socket),
            (|from, to| std::fs::copy(from, to).map(drop), &file),
        ];
        for (put, what) in puts {
            put(what, &place).unwrap();
            let refused = unmask(&place, 0o666).unwrap_err();
            assert!(refused.to_string().contains("another file took the socket's place"), "{refused}");
            assert_eq!(mode(what), 0o600);
            std::fs::remove_file(&place).unwrap();
        }
        for permissions in [0o666, 0o600, 0o622] {
            unmask(&socket, permissions).unwrap();
            assert_eq!(mode(&socket), permissions);
        }
    }
}
