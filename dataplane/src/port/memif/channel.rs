//! The control channel: messages, each with at most one descriptor, over a Unix socket
//! that keeps them apart (unix(7), SOCK_SEQPACKET, SCM_RIGHTS).

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use super::message::{LENGTH, Malformed, Message};

/// Messages that wait for room in the socket; an end that reads nothing is left.
const MOST_WAITING: usize = 512;

/// Why no more messages come.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The other end is gone.
    #[error("the peer closed the control channel")]
    Closed,
    /// The other end sent something else.
    #[error("the peer sent a {0}")]
    Malformed(#[from] Malformed),
    /// The socket failed.
    #[error("the control channel: {0}")]
    Failed(#[from] io::Error),
}

impl From<rustix::io::Errno> for Lost {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Failed(error.into())
    }
}

/// One end of a control channel; it never blocks.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    waiting: VecDeque<(Message, Option<OwnedFd>)>,
}

/// A socket for control channels.
pub(super) fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

impl Channel {
    /// Over a connected socket that does not block.
    pub(super) fn over(socket: OwnedFd) -> Self {
        Self { socket, waiting: VecDeque::new() }
    }

    /// Connects to the server that listens at `path`.
    ///
    /// # Errors
    /// The system's: there is no such file, nobody listens, or the process may not.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = socket()?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self::over(socket))
    }

    /// Who listens at the other end, or connected: a user's number.
    pub(super) fn user(&self) -> io::Result<u32> {
        Ok(rustix::net::sockopt::socket_peercred(&self.socket)?.uid.as_raw())
    }

    /// Sends a message, with a descriptor where it has one, once there is room.
    ///
    /// # Errors
    /// The other end reads nothing.
    pub fn send(&mut self, message: Message, descriptor: Option<OwnedFd>) -> Result<(), Lost> {
        if self.waiting.len() >= MOST_WAITING {
            return Err(Lost::Failed(io::ErrorKind::WouldBlock.into()));
        }
        self.waiting.push_back((message, descriptor));
        self.flush()
    }

    /// Sends what waits, as far as there is room. That the other end is gone is for
    /// [`Channel::receive`] to say, after its last words.
    ///
    /// # Errors
    /// The socket failed.
    pub fn flush(&mut self) -> Result<(), Lost> {
        while let Some((message, descriptor)) = self.waiting.front() {
            match self.put(message, descriptor.as_ref()) {
                Ok(()) => drop(self.waiting.pop_front()),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => break,
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => self.waiting.clear(),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }

    fn put(&self, message: &Message, descriptor: Option<&OwnedFd>) -> rustix::io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = descriptor.iter().map(|d| d.as_fd()).collect();
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(rustix::io::Errno::NOBUFS);
        }
        let bytes = message.encode();
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::net::sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, flags).map(drop)
    }

    /// The next message, with the descriptor that came with it; `None` when there is none now.
    ///
    /// # Errors
    /// [`Lost`]: no more messages will come.
    pub fn receive(&mut self) -> Result<Option<(Message, Option<OwnedFd>)>, Lost> {
        // One byte more than a message shows one that is longer.
        let mut bytes = [0; LENGTH + 1];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let mut read = rustix::net::recvmsg(&self.socket, &mut parts, &mut control, flags);
        if let Err(rustix::io::Errno::CONNRESET) = read {
            // Said once, to who left messages unread behind: what it sent before is still there.
            read = rustix::net::recvmsg(&self.socket, &mut parts, &mut control, flags);
        }
        let read = match read {
            Ok(read) => read.bytes,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(None),
            Err(other) => return Err(other.into()),
        };
        // All are taken, so that those too many are closed.
        let mut descriptors = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(given) = part {
                descriptors.extend(given);
            }
        }
        if read == 0 {
            return Err(Lost::Closed);
        }
        let message = Message::decode(bytes.get(..read).unwrap_or_default())?;
        Ok(Some((message, descriptors.into_iter().next())))
    }
}
