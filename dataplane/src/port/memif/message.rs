//! The messages of the control channel: 128 bytes each, integers in the machine's order.
//!
//! The layout is that of `drivers/net/memif/memif.h` in DPDK (BSD-3-Clause), version 2.0
//! of the protocol, which VPP speaks too. A server says hello; a client names the
//! interface it wants, gives memory and rings, and connects. Every message of a client
//! but the last is acknowledged.

use std::fmt;

/// Bytes of every message.
pub const LENGTH: usize = 128;
/// The version of the protocol: major in the upper, minor in the lower byte.
pub const VERSION: u16 = 0x0200;
/// [`Init::mode`] of an interface that carries Ethernet frames.
pub const ETHERNET: u8 = 0;
/// The bit of [`AddRing::flags`] for a ring from client to server.
pub const CLIENT_TO_SERVER: u16 = 1;

/// A text of at most `N` − 1 bytes; what is cut off, or cannot be printed, is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// The first bytes of `text`.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; N];
        bytes.iter_mut().zip(text.bytes()).take(N.saturating_sub(1)).for_each(|(to, from)| *to = from);
        Self(bytes)
    }

    /// All its bytes, those behind its end too.
    pub fn bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    /// What another process wrote is not trusted with a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.iter().take_while(|b| **b != 0);
        let text: String =
            bytes.map(|b| if matches!(b, b' '..=b'~') { char::from(*b) } else { '?' }).collect();
        f.pad(&text)
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// What a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// What speaks.
    pub name: Text<32>,
    /// The lowest version it speaks.
    pub min_version: u16,
    /// The highest version it speaks.
    pub max_version: u16,
    /// The highest index of a region.
    pub max_region: u16,
    /// The highest index of a ring from server to client.
    pub max_server_ring: u16,
    /// The highest index of a ring from client to server.
    pub max_client_ring: u16,
    /// The binary logarithm of a ring's most entries.
    pub max_log2_ring: u8,
}

/// Which interface a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Init {
    /// The version to speak.
    pub version: u16,
    /// The interface's number at the server's socket.
    pub id: u32,
    /// What it carries: [`ETHERNET`].
    pub mode: u8,
    /// What both must know; zeros where nothing is asked.
    pub secret: [u8; 24],
    /// What speaks.
    pub name: Text<32>,
}

/// Memory to share; its descriptor comes with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddRegion {
    /// Its index, counted from 0.
    pub index: u16,
    /// Its bytes.
    pub size: u64,
}

/// A ring in shared memory; the descriptor that tells of news in it comes with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddRing {
    /// [`CLIENT_TO_SERVER`], or 0 for the other way.
    pub flags: u16,
    /// Its index among those of its way.
    pub index: u16,
    /// The region it is in.
    pub region: u16,
    /// Where in the region, in bytes.
    pub offset: u32,
    /// The binary logarithm of its entries.
    pub log2_ring: u8,
    /// Bytes of a private header beside each entry; this router has none.
    pub private_header: u16,
}

/// Why an end leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// 0, or a number of the end's own.
    pub code: u32,
    /// In words.
    pub reason: Text<96>,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The message before was understood.
    Ack,
    /// Server to client, first of all.
    Hello(Hello),
    /// Client to server.
    Init(Init),
    /// Client to server.
    AddRegion(AddRegion),
    /// Client to server.
    AddRing(AddRing),
    /// Client to server: nothing more to add; with the name of its interface.
    Connect(Text<32>),
    /// Server to client: frames may pass; with the name of its interface.
    Connected(Text<32>),
    /// Either way: the last message.
    Disconnect(Disconnect),
}

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not [`LENGTH`] bytes.
    #[error("message of {0} bytes")]
    Length(usize),
    /// A type this router does not know.
    #[error("message of unknown type {0}")]
    Type(u16),
}

/// Fields in order, without gaps.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        if let Some((bytes, rest)) = self.0.split_first_chunk::<N>() {
            (field, self.0) = (*bytes, rest);
        }
        field
    }

    fn byte(&mut self) -> u8 {
        u8::from_ne_bytes(self.take())
    }

    fn short(&mut self) -> u16 {
        u16::from_ne_bytes(self.take())
    }

    fn word(&mut self) -> u32 {
        u32::from_ne_bytes(self.take())
    }
}

impl Message {
    /// Reads one.
    ///
    /// # Errors
    /// [`Malformed`] when the length or the type is wrong. Values are not judged here.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() != LENGTH {
            return Err(Malformed::Length(bytes.len()));
        }
        let mut f = Fields(bytes);
        Ok(match f.short() {
            1 => Self::Ack,
            2 => Self::Hello(Hello {
                name: Text(f.take()),
                min_version: f.short(),
                max_version: f.short(),
                max_region: f.short(),
                max_server_ring: f.short(),
                max_client_ring: f.short(),
                max_log2_ring: f.byte(),
            }),
            3 => Self::Init(Init {
                version: f.short(),
                id: f.word(),
                mode: f.byte(),
                secret: f.take(),
                name: Text(f.take()),
            }),
            4 => Self::AddRegion(AddRegion { index: f.short(), size: u64::from_ne_bytes(f.take()) }),
            5 => Self::AddRing(AddRing {
                flags: f.short(),
                index: f.short(),
                region: f.short(),
                offset: f.word(),
                log2_ring: f.byte(),
                private_header: f.short(),
            }),
            6 => Self::Connect(Text(f.take())),
            7 => Self::Connected(Text(f.take())),
            8 => Self::Disconnect(Disconnect { code: f.word(), reason: Text(f.take()) }),
            other => return Err(Malformed::Type(other)),
        })
    }

    /// Writes it; what it does not fill is zero.
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = Vec::with_capacity(LENGTH);
        let mut put = |field: &[u8]| bytes.extend_from_slice(field);
        put(&self.number().to_ne_bytes());
        match self {
            Self::Ack => {}
            Self::Hello(m) => {
                put(m.name.bytes());
                let shorts =
                    [m.min_version, m.max_version, m.max_region, m.max_server_ring, m.max_client_ring];
                shorts.iter().for_each(|field| put(&field.to_ne_bytes()));
                put(&[m.max_log2_ring]);
            }
            Self::Init(m) => {
                put(&m.version.to_ne_bytes());
                put(&m.id.to_ne_bytes());
                put(&[m.mode]);
                put(&m.secret);
                put(m.name.bytes());
            }
            Self::AddRegion(m) => {
                put(&m.index.to_ne_bytes());
                put(&m.size.to_ne_bytes());
            }
            Self::AddRing(m) => {
                [m.flags, m.index, m.region].iter().for_each(|field| put(&field.to_ne_bytes()));
                put(&m.offset.to_ne_bytes());
                put(&[m.log2_ring]);
                put(&m.private_header.to_ne_bytes());
            }
            Self::Connect(name) | Self::Connected(name) => put(name.bytes()),
            Self::Disconnect(m) => {
                put(&m.code.to_ne_bytes());
                put(m.reason.bytes());
            }
        }
        let mut message = [0; LENGTH];
        message.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        message
    }

    fn number(&self) -> u16 {
        match self {
            Self::Ack => 1,
            Self::Hello(_) => 2,
            Self::Init(_) => 3,
            Self::AddRegion(_) => 4,
            Self::AddRing(_) => 5,
            Self::Connect(_) => 6,
            Self::Connected(_) => 7,
            Self::Disconnect(_) => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        let ring = Message::AddRing(AddRing {
            flags: CLIENT_TO_SERVER,
            index: 2,
            region: 3,
            offset: 0x0102_0304,
            log2_ring: 10,
            private_header: 0,
        });
        let bytes = ring.encode();
        let expected = [5u16, 1, 2, 3].iter().flat_map(|n| n.to_ne_bytes());
        assert!(bytes.iter().copied().take(8).eq(expected));
        assert_eq!((bytes[8..12].to_vec(), bytes[12]), (0x0102_0304u32.to_ne_bytes().to_vec(), 10));
        let hello = Message::Hello(Hello {
            name: Text::new("viaduct"),
            min_version: VERSION,
            max_version: VERSION,
            max_region: 15,
            max_server_ring: 1,
            max_client_ring: 2,
            max_log2_ring: 14,
        });
        assert_eq!((&hello.encode()[2..9], hello.encode()[44]), (&b"viaduct"[..], 14));
        let init = Init { version: VERSION, id: 7, mode: 0, secret: [9; 24], name: Text::new("v") };
        assert_eq!((Message::Init(init).encode()[9], Message::Init(init).encode()[33]), (9, b'v'));
    }

    #[test]
    fn a_text_ends_at_its_zero_and_hides_what_a_terminal_would_obey() {
        let mut bytes = *Text::<32>::new("a\u{1b}[2Jb").bytes();
        bytes[20] = b'x';
        assert_eq!(Text(bytes).to_string(), "a?[2Jb");
        assert_eq!(Text::<4>::new("abcdef").to_string(), "abc");
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(kind in 0u16..12, rest in prop::collection::vec(any::<u8>(), 126)) {
            let bytes = [&kind.to_ne_bytes()[..], &rest].concat();
            match Message::decode(&bytes) {
                Ok(message) => {
                    prop_assert_eq!(message.number(), kind);
                    let written = message.encode();
                    prop_assert_eq!(Message::decode(&written), Ok(message));
                    // Every byte is that of the message, or one that means nothing.
                    let same = written.iter().zip(&bytes).all(|(w, b)| w == b || *w == 0);
                    prop_assert!(same);
                }
                Err(why) => prop_assert!(why == Malformed::Type(kind) && !(1..=8).contains(&kind)),
            }
        }

        #[test]
        fn other_lengths_are_no_messages(length in (0usize..300).prop_filter("not a message's", |l| *l != LENGTH)) {
            prop_assert_eq!(Message::decode(&vec![1; length]), Err(Malformed::Length(length)));
        }
    }
}
