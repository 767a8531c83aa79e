//! What a memif port is asked for.

use std::path::PathBuf;
use std::sync::Arc;

use crate::packet::Arena;
use crate::port::OpenError;

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
pub struct Secret(pub(super) [u8; 24]);

impl Secret {
    /// The first 24 bytes of `text`.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; 24];
        bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Self(bytes)
    }

    /// Whether a client that says `other` may connect; compared in constant time.
    pub(super) fn admits(&self, other: &[u8; 24]) -> bool {
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
    /// Of a client: frames are not copied, the router's own buffers are what it shares ([`Arena`]). The peer can then
    /// read and change every packet in the router's memory, of other ports and Vrfs too, at any time: only for one
    /// that is trusted as the router itself is. One of another user than root and the router's own is refused.
    pub zero_copy: bool,
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
            zero_copy: false,
        }
    }
}

impl MemifOptions {
    pub(super) fn failed(&self, action: &'static str) -> impl FnOnce(std::io::Error) -> OpenError {
        move |source| OpenError::System { device: self.socket.display().to_string(), action, source }
    }

    /// What frames are lent of, where they are not to be copied.
    pub(super) fn lends(&self, arena: Option<&Arc<Arena>>) -> Result<Option<Arc<Arena>>, OpenError> {
        let refused = |what: &str| {
            Err(OpenError::Unsupported { device: self.socket.display().to_string(), what: what.into() })
        };
        match (self.zero_copy, self.role, arena) {
            (false, ..) => Ok(None),
            (true, Role::Server, _) => {
                refused("only a memif client can do without copies: it brings the memory")
            }
            (true, Role::Client, None) => refused(
                "the router was started with frames that cannot be shared; start it again with this file",
            ),
            (true, Role::Client, Some(arena)) => Ok(Some(arena.clone())),
        }
    }
}
