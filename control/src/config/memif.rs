//! The keys of a port of kind "memif": memory shared with another process.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::words::{Notice, Role};

/// What a `[[port]]` of kind "memif" says beside the keys of every port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Memif {
    /// Path of a memif port's control socket, at most 107 bytes.
    pub socket: Option<String>,
    /// Which end of it a memif port is.
    pub role: Option<Role>,
    /// The number of a memif port's interface at that socket, 0 to 4,294,967,295. Default 0.
    pub id: Option<u32>,
    /// Entries of each ring of a memif client, 2 to 16,384, a power of two; a server takes
    /// what its client has. Default 1,024.
    pub ring_size: Option<u16>,
    /// Bytes of each buffer of a memif client, 64 to 65,535; longer frames take several.
    /// Default 2,048.
    pub buffer_size: Option<u32>,
    /// How a memif port learns of frames. Default "interrupt".
    pub mode: Option<Notice>,
    /// What both ends of a memif connection must know, 1 to 24 bytes. Default: nothing.
    pub secret: Option<Secret>,
    /// Permission bits of a memif server's socket, in octal. Default "0600": this user only.
    pub permissions: Option<Permissions>,
    /// Whether a memif client does without copies: it shares the memory that the router's frames stand in. The peer
    /// can then read and change every packet in the router, of every Vrf, at any time: only for a process that is
    /// trusted as the router itself is. A server of another user than root and the router's own is refused. Default
    /// false: frames are copied.
    pub zero_copy: Option<bool>,
}

/// A word that is not shown.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Secret(pub String);

impl FromStr for Secret {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.len() {
            1..=24 if !text.contains('\0') => Ok(Self(text.into())),
            bytes => Err(format!("a secret has 1 to 24 bytes, this one {bytes}")),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Serialize for Secret {
    /// Tells that there is one, not which.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("…")
    }
}

/// Who may open a file: nine bits, written in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Permissions(pub u16);

impl FromStr for Permissions {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let bits = u16::from_str_radix(text, 8).ok().filter(|bits| octal && *bits <= 0o777);
        let shown: String = text.chars().take(64).collect();
        bits.map(Self).ok_or_else(|| format!("\"{shown}\" are no permission bits"))
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{:04o}", self.0))
    }
}

impl Memif {
    /// The keys that are given.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("socket", self.socket.is_some()),
            ("role", self.role.is_some()),
            ("id", self.id.is_some()),
            ("ring-size", self.ring_size.is_some()),
            ("buffer-size", self.buffer_size.is_some()),
            ("mode", self.mode.is_some()),
            ("secret", self.secret.is_some()),
            ("permissions", self.permissions.is_some()),
            ("zero-copy", self.zero_copy.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
    }

    /// Entries of each ring of a client.
    pub fn entries(&self) -> u16 {
        self.ring_size.unwrap_or(1_024)
    }

    /// Whether it does without copies.
    pub fn lends(&self) -> bool {
        self.zero_copy == Some(true)
    }

    /// Bytes of each buffer of a client.
    pub fn bytes(&self) -> u32 {
        self.buffer_size.unwrap_or(2_048)
    }
}
