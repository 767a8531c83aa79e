//! The words that keys can have, each list of them a type.

use std::fmt;

use dataplane::class::Colour;
use dataplane::table::rules::Fragment;
use dataplane::table::{DiffServModel, Tpid, TtlModel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::walk::{Value, nearest, text};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// The word that the file says.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.word()) }
        }

        impl Value for $name {
            fn allowed() -> String {
                format!("allowed: {}", [$($word),+].join(", "))
            }
            fn read(value: &DeValue<'_>) -> Result<Self, String> {
                match text(value)? {
                    $($word => Ok(Self::$variant),)+
                    other => Err(unknown(other, &[$($word),+])),
                }
            }
        }
    };
}

/// That `word` is not known, and the one that may be meant.
pub(super) fn unknown(word: &str, known: &[&str]) -> String {
    let shown: String = word.chars().take(64).collect();
    match nearest(word, known.iter().copied()) {
        Some(k) => format!("\"{shown}\" is not known; did you mean \"{k}\"?"),
        None => format!("\"{shown}\" is not known"),
    }
}

words! {
    /// What a call sends.
    Codec {
        /// ITU-T G.711, 20 ms of speech in a datagram: 64 kbit/s of speech.
        G711 = "g711",
        /// ITU-T G.729: 8 kbit/s of speech.
        G729 = "g729",
    }
}

words! {
    /// Version of the Internet Protocol.
    IpVersion {
        /// A header of 20 bytes.
        V4 = "ipv4",
        /// A header of 40 bytes.
        V6 = "ipv6",
    }
}

words! {
    /// How workers wait for frames.
    Mode {
        /// Spins: the least delay, a whole core.
        Busy = "busy",
        /// Spins while there is work, sleeps when idle.
        Adaptive = "adaptive",
        /// Sleeps until the kernel says that there is a frame.
        Interrupt = "interrupt",
    }
}
words! {
    /// How workers stand beside the machine's other threads.
    Priority {
        /// As any other: a worker waits while others have their time slices.
        Ordinary = "ordinary",
        /// Before all ordinary threads of its core, nine tenths of the time at the most.
        RealTime = "real-time",
    }
}
words! {
    /// What carries a port's frames.
    PortKind {
        /// An AF_XDP socket on a network device.
        AfXdp = "af-xdp",
        /// A packet socket with a shared ring (TPACKET_V2) on a network device.
        AfPacket = "af-packet",
        /// A TAP device, made by the router.
        Tap = "tap",
        /// Files: frames are read from one and written to another.
        Pcap = "pcap",
        /// In the process, for tests.
        Loopback = "loopback",
        /// Memory shared with another process, such as DPDK's or VPP's.
        Memif = "memif",
    }
}
words! {
    /// Which end of a memif control socket.
    Role {
        /// Listens.
        Server = "server",
        /// Connects, and brings the memory.
        Client = "client",
    }
}
words! {
    /// How a memif port learns of frames.
    Notice {
        /// The other end tells: a system call of its for each burst.
        Interrupt = "interrupt",
        /// It looks by itself: each millisecond when idle, always when the router's mode is busy.
        Poll = "poll",
    }
}
words! {
    /// Where the XDP program is attached.
    Attach {
        /// In the driver if it can, else behind it.
        Auto = "auto",
        /// In the driver.
        Native = "native",
        /// Behind the driver; any device can.
        Generic = "generic",
    }
}
words! {
    /// Whether the kernel copies frames.
    Copy {
        /// No copy if the device can, else copies.
        Auto = "auto",
        /// Copies.
        Copy = "copy",
        /// No copy; a device that cannot is an error when the port is opened.
        ZeroCopy = "zero-copy",
    }
}
words! {
    /// How frames wait on an interface.
    Discipline {
        /// A queue per traffic class.
        Classes = "classes",
        /// One queue, first in first out: QoS off.
        Fifo = "fifo",
    }
}
words! {
    /// Which standard a meter follows.
    MeterKind {
        /// A single rate three colour marker (RFC 2697).
        SrTcm = "srtcm",
        /// A two rate three colour marker (RFC 2698).
        TrTcm = "trtcm",
        /// The two-rate marker of RFC 4115.
        Rfc4115 = "rfc4115",
    }
}
words! {
    /// How a queue tells senders that it is long.
    Aqm {
        /// It drops what comes when it is full.
        Tail = "tail",
        /// Controlled delay: by how long frames wait (RFC 8289).
        Codel = "codel",
        /// Weighted random early detection: by average length and colour (RFC 2309).
        Wred = "wred",
    }
}
words! {
    /// What a line packs frames into.
    Cells {
        /// Nothing: they are sent as they are.
        None = "none",
        /// ATM cells, 53 bytes for 48.
        Atm = "atm",
        /// VDSL2's packet transfer mode, 65 bytes for 64.
        Ptm = "ptm",
    }
}
words! {
    /// Which packets a rule is asked about.
    Direction {
        /// Those that come in, before they are metered and looked up.
        In = "in",
        /// Those that leave as IP packets, before they are queued.
        Out = "out",
    }
}
words! {
    /// Drop precedence (RFC 2597).
    ColourWord {
        /// In contract: dropped last.
        Green = "green",
        /// Over the committed rate.
        Yellow = "yellow",
        /// Over every rate: dropped first.
        Red = "red",
    }
}
words! {
    /// A part of a datagram.
    FragmentWord {
        /// All of it.
        Whole = "whole",
        /// The first fragment, with the ports.
        First = "first",
        /// The other fragments.
        Later = "later",
    }
}
words! {
    /// What a route without next hops does to packets.
    Discard {
        /// Discards without a word.
        Blackhole = "blackhole",
        /// Discards and says unreachable (ICMP 3/1, ICMPv6 1/3).
        Unreachable = "unreachable",
        /// Discards and says prohibited (ICMP 3/13, ICMPv6 1/1).
        Prohibited = "prohibited",
    }
}
words! {
    /// The EtherType that starts a VLAN tag.
    TpidWord {
        /// 0x8100.
        Dot1q = "802.1q",
        /// 0x88a8.
        Dot1ad = "802.1ad",
    }
}

words! {
    /// What labels are given out for.
    #[derive(Default)]
    LabelMode {
        /// One for the Vrf; the packet below is looked up in it.
        #[default]
        PerVrf = "per-vrf",
        /// One for each next hop, to which the packet goes without a look-up.
        PerCe = "per-ce",
        /// One for each prefix.
        PerPrefix = "per-prefix",
    }
}
words! {
    /// What a tunnel does to the TTL (RFC 3443 section 3).
    #[derive(Default)]
    TtlWord {
        /// The hops of the tunnel count for its contents.
        #[default]
        Uniform = "uniform",
        /// The tunnel is one hop for its contents.
        Pipe = "pipe",
    }
}
words! {
    /// What a tunnel does to the marks (RFC 3270 section 2.6).
    #[derive(Default)]
    DiffServWord {
        /// The label's mark becomes that of the contents.
        Uniform = "uniform",
        /// The contents keep their mark; at the end they are treated by the label's.
        #[default]
        Pipe = "pipe",
        /// The contents keep their mark; at the end they are treated by it.
        ShortPipe = "short-pipe",
    }
}

impl From<ColourWord> for Colour {
    fn from(word: ColourWord) -> Self {
        match word {
            ColourWord::Green => Self::Green,
            ColourWord::Yellow => Self::Yellow,
            ColourWord::Red => Self::Red,
        }
    }
}

impl From<FragmentWord> for Fragment {
    fn from(word: FragmentWord) -> Self {
        match word {
            FragmentWord::Whole => Self::Whole,
            FragmentWord::First => Self::First,
            FragmentWord::Later => Self::Later,
        }
    }
}

impl From<TtlWord> for TtlModel {
    fn from(word: TtlWord) -> Self {
        match word {
            TtlWord::Uniform => Self::Uniform,
            TtlWord::Pipe => Self::Pipe,
        }
    }
}

impl From<DiffServWord> for DiffServModel {
    fn from(word: DiffServWord) -> Self {
        match word {
            DiffServWord::Uniform => Self::Uniform,
            DiffServWord::Pipe => Self::Pipe,
            DiffServWord::ShortPipe => Self::ShortPipe,
        }
    }
}

impl From<TpidWord> for Tpid {
    fn from(word: TpidWord) -> Self {
        match word {
            TpidWord::Dot1q => Self::Dot1q,
            TpidWord::Dot1ad => Self::Dot1ad,
        }
    }
}
