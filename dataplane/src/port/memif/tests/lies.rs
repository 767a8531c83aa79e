//! Peers that lie in shared memory: what is received is what a slow and obvious reader
//! of the same file gets, and nothing from outside of it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use proptest::prelude::*;
use rustix::net::{SocketAddrUnix, SocketFlags};

use super::*;
use crate::packet::{HEADROOM, STANDARD_CAPACITY};
use crate::port::PortStats;
use crate::port::memif::message::{
    AddRegion, AddRing, CLIENT_TO_SERVER, Hello, Init, Message, Text, VERSION,
};
use crate::port::memif::{Channel, event, memory};

/// Entries of the liar's rings, and where they are in region 0.
const RING: u16 = 16;
const TO_SERVER: u64 = 0;
const TO_CLIENT: u64 = 512;
/// Bytes of its regions; no multiples of a page.
const SIZES: [usize; 2] = [5000, 3001];
/// The longest frame that the tests' pool takes.
const LONGEST: usize = STANDARD_CAPACITY - HEADROOM;

/// A client that does as it likes.
struct Liar {
    _channel: Channel,
    regions: Vec<File>,
}

impl Liar {
    /// Connects as a client should.
    fn connect(hand: &mut Hand, server: &mut [Memif]) -> Self {
        let mut channel = Channel::connect(&hand.socket()).unwrap();
        let files: Vec<OwnedFd> = SIZES.iter().map(|len| memory(*len).unwrap()).collect();
        let regions: Vec<File> = files.iter().map(|f| File::from(f.try_clone().unwrap())).collect();
        for at in [TO_SERVER, TO_CLIENT] {
            regions[0].write_all_at(&0x03e3_1f20u32.to_ne_bytes(), at).unwrap();
        }
        let init = Init { version: VERSION, id: 0, mode: 0, secret: [0; 24], name: Text::new("liar") };
        channel.send(Message::Init(init), None).unwrap();
        for ((index, size), file) in (0..).zip(SIZES).zip(files) {
            channel.send(Message::AddRegion(AddRegion { index, size: size as u64 }), Some(file)).unwrap();
        }
        for (flags, offset) in [(CLIENT_TO_SERVER, TO_SERVER as u32), (0, TO_CLIENT as u32)] {
            let ring = AddRing { flags, index: 0, region: 0, offset, log2_ring: 4, private_header: 0 };
            channel.send(Message::AddRing(ring), Some(event().unwrap())).unwrap();
        }
        channel.send(Message::Connect(Text::new("lies")), None).unwrap();
        hand.until(true, &mut [server]);
        Self { _channel: channel, regions }
    }

    fn write(&self, region: usize, at: u64, bytes: &[u8]) {
        self.regions[region].write_all_at(bytes, at).unwrap();
    }

    fn describe(&self, ring: u64, slot: u16, d: &Said) {
        let at = ring + 128 + 16 * u64::from(slot % RING);
        let front = [&d.flags.to_ne_bytes()[..], &d.region.to_ne_bytes(), &d.length.to_ne_bytes()].concat();
        self.write(0, at, &[&front[..], &d.offset.to_ne_bytes()].concat());
    }

    fn set_head(&self, ring: u64, head: u16) {
        self.write(0, ring + 6, &head.to_ne_bytes());
    }

    fn tail(&self, ring: u64) -> u16 {
        let mut bytes = [0; 2];
        self.regions[0].read_exact_at(&mut bytes, ring + 64).unwrap();
        u16::from_ne_bytes(bytes)
    }

    /// What is at a place: read from the file, where there is such a place.
    fn bytes(&self, d: &Said) -> Option<Vec<u8>> {
        let size = *SIZES.get(usize::from(d.region))? as u64;
        if u64::from(d.offset) + u64::from(d.length) > size {
            return None;
        }
        let mut bytes = vec![0; d.length as usize];
        self.regions[usize::from(d.region)].read_exact_at(&mut bytes, d.offset.into()).unwrap();
        Some(bytes)
    }
}

/// A descriptor as the liar writes it.
#[derive(Clone, Debug)]
struct Said {
    flags: u16,
    region: u16,
    length: u32,
    offset: u32,
}

fn said() -> impl Strategy<Value = Said> {
    let region = prop_oneof![8 => 0u16..2, 1 => 2u16..20, 1 => any::<u16>()];
    let length = prop_oneof![8 => 0u32..400, 3 => 0u32..5100, 1 => any::<u32>()];
    let edges = prop::sample::select(vec![0, 5000, 4999, 3001, 3000, u32::MAX, u32::MAX - 63, 1 << 31]);
    let offset = prop_oneof![8 => 600u32..3000, 2 => 0u32..6000, 1 => edges, 1 => any::<u32>()];
    let flags = prop_oneof![6 => Just(0u16), 2 => Just(1), 1 => any::<u16>()];
    (flags, region, length, offset).prop_map(|(flags, region, length, offset)| Said {
        flags,
        region,
        length,
        offset,
    })
}

/// What a reader should make of one frame.
enum Right {
    Frame(Vec<u8>),
    Lie,
    TooLong,
}

/// The slow and obvious reader. A frame is bad for the first thing that is bad in it.
fn read(liar: &Liar, parts: &[Said]) -> Right {
    let mut bytes = Vec::new();
    for part in parts {
        let Some(more) = liar.bytes(part) else { return Right::Lie };
        bytes.extend(more);
        if bytes.len() > LONGEST {
            return Right::TooLong;
        }
    }
    Right::Frame(bytes)
}

fn hand_and_server() -> (Hand, Vec<Memif>) {
    let hand = Hand::new(64, PoolSize::Standard);
    let server = hand.open(1, &hand.options(Role::Server));
    (hand, server)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Frames described in every wrong way, batch after batch.
    #[test]
    fn descriptors_are_checked_against_what_is_mapped(
        batches in prop::collection::vec(prop::collection::vec(said(), 1..17), 1..12),
        bytes in prop::collection::vec(any::<u8>(), 3001),
    ) {
        let (mut hand, mut server) = hand_and_server();
        let liar = Liar::connect(&mut hand, &mut server);
        liar.write(0, 1024, &bytes);
        liar.write(1, 0, &bytes);
        let (mut head, mut pending) = (0u16, Vec::new());
        let mut right = PortStats::default();
        for batch in batches {
            for said in batch.into_iter().take(usize::from(RING) - pending.len()) {
                liar.describe(TO_SERVER, head, &said);
                head = head.wrapping_add(1);
                pending.push(said);
            }
            liar.set_head(TO_SERVER, head);
            let mut frames = Vec::new();
            while let Some(end) = pending.iter().position(|said| said.flags & 1 == 0) {
                let parts: Vec<_> = pending.drain(..=end).collect();
                right.received += 1;
                match read(&liar, &parts) {
                    Right::Frame(bytes) => frames.push(bytes),
                    Right::Lie => right.bad_descriptor += 1,
                    Right::TooLong => right.too_long += 1,
                }
            }
            prop_assert_eq!(hand.take(&mut server[0]), frames);
            prop_assert_eq!(server[0].stats(), right);
            if pending.len() == usize::from(RING) {
                // A frame without an end: the ring is no use any more.
                prop_assert!(!server[0].link().up);
                hand.step(&mut [&mut server]);
                let reason = server[0].watch().peer().reason;
                prop_assert_eq!(reason.as_deref(), Some("a frame in a ring has no end"));
                break;
            }
            prop_assert_eq!(liar.tail(TO_SERVER), head.wrapping_sub(pending.len() as u16));
        }
        prop_assert_eq!(hand.pool.available(), 64);
    }

    /// A head that is further than the ring is long, at any time.
    #[test]
    fn an_index_out_of_range_ends_the_connection(good in 0u16..17, jump in 1u16..u16::MAX - 16) {
        let (mut hand, mut server) = hand_and_server();
        let liar = Liar::connect(&mut hand, &mut server);
        for slot in 0..good {
            liar.describe(TO_SERVER, slot, &Said { flags: 0, region: 0, length: 60, offset: 2000 });
        }
        liar.set_head(TO_SERVER, good);
        prop_assert_eq!(hand.take(&mut server[0]).len(), usize::from(good));
        liar.set_head(TO_SERVER, good.wrapping_add(RING).wrapping_add(jump));
        prop_assert!(hand.take(&mut server[0]).is_empty() && !server[0].link().up);
        hand.step(&mut [&mut server]);
        let reason = server[0].watch().peer().reason;
        prop_assert_eq!(reason.as_deref(), Some("a ring's index is out of range"));
        // The next one is served.
        Liar::connect(&mut hand, &mut server);
    }

    /// Buffers to fill that are not where the peer may say: nothing outside is written.
    #[test]
    fn buffers_are_checked_before_they_are_filled(
        buffers in prop::collection::vec(said(), 1..17),
        lengths in prop::collection::vec(1usize..1500, 1..20),
    ) {
        let (mut hand, mut server) = hand_and_server();
        let liar = Liar::connect(&mut hand, &mut server);
        liar.write(1, 0, &[0xa5; SIZES[1]]);
        for (slot, said) in (0..).zip(&buffers) {
            liar.describe(TO_CLIENT, slot, said);
        }
        liar.set_head(TO_CLIENT, buffers.len() as u16);
        let frames: Vec<_> = (0..).zip(lengths).map(|(seed, len)| frame(len, seed)).collect();
        let taken = hand.send(&mut server[0], &frames);
        let stats = server[0].stats();
        prop_assert_eq!(taken as u64, stats.sent + stats.send_failed);
        // Where it stopped, it was for the ring's being full or for a lie; it stays on after no other. What
        // is to be filled over the rings makes a lie of what they say.
        let rings = TO_CLIENT as u32 + 128 + 16 * u32::from(RING);
        let lied = buffers.iter().any(|said| {
            said.length == 0 || said.region == 0 && said.offset < rings || liar.bytes(said).is_none()
        });
        prop_assert!(server[0].link().up || lied);
        prop_assert_eq!(hand.pool.available(), 64);
        // The other region is as it was, but for the buffers that it is said to have.
        let all = liar.bytes(&Said { flags: 0, region: 1, length: SIZES[1] as u32, offset: 0 }).unwrap();
        let buffer = |at: usize| buffers.iter().any(|said| {
            let (from, len) = (said.offset as usize, said.length as usize);
            said.region == 1 && (from..from + len).contains(&at)
        });
        prop_assert!(all.iter().enumerate().all(|(at, byte)| *byte == 0xa5 || buffer(at)));
    }

    /// A server that lies to a client of ours, which fills and empties its own buffers only.
    #[test]
    fn a_client_does_not_believe_its_server(
        writes in prop::collection::vec((0u64..12_000, any::<u64>(), 1usize..9), 1..60),
        frames in prop::collection::vec(0usize..3000, 0..10),
    ) {
        let mut hand = Hand::new(64, PoolSize::Standard);
        let listener = crate::port::memif::channel::socket().unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(hand.socket()).unwrap()).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        let options = MemifOptions { ring: 16, buffer: 256, ..hand.options(Role::Client) };
        let mut client = hand.open(1, &options);
        hand.step(&mut [&mut client]);
        let socket = rustix::net::accept_with(&listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).unwrap();
        let mut channel = Channel::over(socket);
        let hello = Hello {
            name: Text::new("liar"), min_version: VERSION, max_version: VERSION,
            max_region: 1, max_server_ring: 0, max_client_ring: 0, max_log2_ring: 14,
        };
        channel.send(Message::Hello(hello), None).unwrap();
        hand.step(&mut [&mut client]);
        let mut memory = None;
        while let Some((message, descriptor)) = channel.receive().unwrap() {
            if let Message::AddRegion(_) = message {
                memory = descriptor.map(File::from);
            }
        }
        let memory = memory.unwrap();
        channel.send(Message::Connected(Text::new("lies")), None).unwrap();
        hand.until(true, &mut [&mut client]);
        let (mut given, mut sent) = (0, 0);
        for (at, value, len) in writes {
            memory.write_all_at(&value.to_ne_bytes()[..len], at).unwrap();
            given += hand.take(&mut client[0]).iter().inspect(|bytes| assert!(bytes.len() <= LONGEST)).count() as u64;
            let offered: Vec<_> = frames.iter().map(|len| frame(*len.min(&LONGEST), at)).collect();
            sent += hand.send(&mut client[0], &offered) as u64;
        }
        let stats = client[0].stats();
        prop_assert_eq!(stats.received, given + stats.too_long + stats.bad_descriptor + stats.pool_empty);
        prop_assert_eq!(sent, stats.sent + stats.send_failed);
        prop_assert_eq!(hand.pool.available(), 64);
    }
}
