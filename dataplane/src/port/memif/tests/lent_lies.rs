//! Servers that lie to a client that lends them its frames: what they say is bounded by what they were lent, and
//! every frame comes back.

use std::fs::File;
use std::os::unix::fs::FileExt;

use proptest::prelude::*;
use rustix::net::{SocketAddrUnix, SocketFlags};

use super::*;
use crate::packet::{HEADROOM, STANDARD_CAPACITY};
use crate::port::memif::Channel;
use crate::port::memif::message::{CLIENT_TO_SERVER, Hello, Message, Text, VERSION};

/// The longest frame that a standard buffer takes.
const LONGEST: usize = STANDARD_CAPACITY - HEADROOM;

/// A server that does as it likes in the rings.
struct Liar {
    _channel: Channel,
    rings: File,
    frames: File,
    /// Where they are in region 0.
    to_server: u64,
    to_client: u64,
}

/// What stands in an entry of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    flags: u16,
    region: u16,
    length: u32,
    offset: u32,
}

impl Liar {
    /// Lets a client connect and greets it; it has answered then.
    fn greet(hand: &mut Hand, max_region: u16) -> (Channel, Vec<Memif>) {
        let listener = crate::port::memif::channel::socket().unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(hand.socket()).unwrap()).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        let mut client = hand.open(1, &MemifOptions { ring: 16, ..hand.lends() });
        hand.step(&mut [&mut client]);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let mut channel = Channel::over(rustix::net::accept_with(&listener, flags).unwrap());
        let hello = Hello {
            name: Text::new("liar"),
            min_version: VERSION,
            max_version: VERSION,
            max_region,
            max_server_ring: 0,
            max_client_ring: 0,
            max_log2_ring: 14,
        };
        channel.send(Message::Hello(hello), None).unwrap();
        hand.step(&mut [&mut client]);
        (channel, client)
    }

    fn connect(hand: &mut Hand) -> (Self, Vec<Memif>) {
        let (mut channel, mut client) = Self::greet(hand, 1);
        let (mut files, mut rings) = (Vec::new(), [0; 2]);
        while let Ok(Some((message, descriptor))) = channel.receive() {
            match message {
                Message::AddRegion(region) => {
                    assert_eq!(usize::from(region.index), files.len());
                    files.extend(descriptor.map(File::from));
                }
                Message::AddRing(ring) => {
                    rings[usize::from(ring.flags & CLIENT_TO_SERVER)] = u64::from(ring.offset);
                }
                _ => {}
            }
        }
        let [rings_file, frames] = <[File; 2]>::try_from(files).unwrap_or_else(|files| panic!("{files:?}"));
        channel.send(Message::Connected(Text::new("lies")), None).unwrap();
        hand.until(true, &mut [&mut client]);
        let [to_client, to_server] = rings;
        (Self { _channel: channel, rings: rings_file, frames, to_server, to_client }, client)
    }

    fn short(&self, at: u64) -> u16 {
        let mut bytes = [0; 2];
        self.rings.read_exact_at(&mut bytes, at).unwrap();
        u16::from_ne_bytes(bytes)
    }

    fn head(&self, ring: u64) -> u16 {
        self.short(ring + 6)
    }

    fn set_tail(&self, ring: u64, tail: u16) {
        self.rings.write_all_at(&tail.to_ne_bytes(), ring + 64).unwrap();
    }

    fn entry(&self, ring: u64, slot: u64) -> Entry {
        let mut bytes = [0; 16];
        self.rings.read_exact_at(&mut bytes, ring + 128 + 16 * slot).unwrap();
        let short = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        Entry { flags: short(0), region: short(2), length: word(4), offset: word(8) }
    }

    fn describe(&self, slot: u64, e: Entry) {
        let front = [&e.flags.to_ne_bytes()[..], &e.region.to_ne_bytes(), &e.length.to_ne_bytes()].concat();
        let at = self.to_client + 128 + 16 * slot;
        self.rings.write_all_at(&[&front[..], &e.offset.to_ne_bytes()].concat(), at).unwrap();
    }

    /// Fills the buffer of an entry as a server should, and says that it goes on or ends.
    fn fill(&self, slot: u64, bytes: &[u8], goes_on: bool) {
        let entry = self.entry(self.to_client, slot);
        assert_eq!((entry.region, entry.length as usize), (1, LONGEST));
        self.frames.write_all_at(bytes, entry.offset.into()).unwrap();
        self.describe(slot, Entry { flags: goes_on.into(), length: bytes.len() as u32, ..entry });
    }
}

#[test]
fn frames_over_several_buffers_are_put_together() {
    let mut hand = Hand::lending(40, PoolSize::Standard);
    let (liar, mut client) = Liar::connect(&mut hand);
    hand.take(&mut client[0]);
    assert_eq!(liar.head(liar.to_client), 16);
    let parts = [frame(700, 1), frame(0, 2), frame(701, 3)];
    liar.fill(0, &frame(60, 9), false);
    for (slot, part) in (1..).zip(&parts) {
        liar.fill(slot, part, slot < 3);
    }
    // Not all of the next is there yet.
    liar.fill(4, &frame(100, 4), true);
    liar.set_tail(liar.to_client, 5);
    assert_eq!(hand.take(&mut client[0]), [frame(60, 9), parts.concat()]);
    assert_eq!((liar.head(liar.to_client), hand.pool.available()), (20, 40 - 16));
    liar.fill(5, &frame(100, 5), false);
    liar.set_tail(liar.to_client, 6);
    assert_eq!(hand.take(&mut client[0]), [[frame(100, 4), frame(100, 5)].concat()]);
    // A whole ring without an end is the end of the connection.
    for n in 0..16 {
        liar.fill((6 + n) % 16, &frame(10, n), true);
    }
    liar.set_tail(liar.to_client, 22);
    assert!(hand.take(&mut client[0]).is_empty() && !client[0].link().up);
    hand.step(&mut [&mut client]);
    assert_eq!(client[0].watch().peer().reason.as_deref(), Some("a frame in a ring has no end"));
    hand.wait_out(&mut client[0]);
    assert_eq!(hand.pool.available(), 40);
}

#[test]
fn what_is_said_beyond_what_was_lent_is_not_believed() {
    let mut hand = Hand::lending(40, PoolSize::Standard);
    let (liar, mut client) = Liar::connect(&mut hand);
    hand.take(&mut client[0]);
    // More than there is room for; elsewhere; in no region at all: what was lent is what is read.
    let right = liar.entry(liar.to_client, 0);
    liar.describe(0, Entry { length: LONGEST as u32 + 1, ..right });
    liar.describe(1, Entry { length: u32::MAX, ..right });
    liar.fill(2, &frame(60, 1), false);
    liar.describe(2, Entry { length: 60, region: 9, offset: u32::MAX, flags: 0 });
    liar.set_tail(liar.to_client, 3);
    assert_eq!(hand.take(&mut client[0]), [frame(60, 1)]);
    let stats = client[0].stats();
    assert_eq!((stats.received, stats.bad_descriptor, hand.pool.available()), (3, 2, 40 - 16));
}

#[test]
fn an_index_out_of_range_ends_the_connection_and_every_frame_comes_back() {
    for (sends, jump) in [(false, 17), (false, 0x8000), (false, u16::MAX), (true, 3), (true, u16::MAX)] {
        let mut hand = Hand::lending(40, PoolSize::Standard);
        let (liar, mut client) = Liar::connect(&mut hand);
        hand.take(&mut client[0]);
        assert_eq!(hand.send(&mut client[0], &[frame(60, 1), frame(60, 2)]), 2);
        liar.set_tail(if sends { liar.to_server } else { liar.to_client }, jump);
        hand.take(&mut client[0]);
        // Sending is looked at where nothing was sent since.
        hand.take(&mut client[0]);
        assert!(!client[0].link().up);
        hand.step(&mut [&mut client]);
        assert_eq!(client[0].watch().peer().reason.as_deref(), Some("a ring's index is out of range"));
        hand.wait_out(&mut client[0]);
        assert_eq!(hand.pool.available(), 40);
    }
}

#[test]
fn a_server_that_takes_one_region_only_is_told_so() {
    let mut hand = Hand::lending(8, PoolSize::Standard);
    let (mut channel, client) = Liar::greet(&mut hand, 0);
    let told = client[0].watch().peer().reason;
    assert_eq!(
        told.as_deref(),
        Some("the server takes 1 region(s) of memory, and without copies there are two")
    );
    // It is given no memory at all.
    while let Ok(Some((message, descriptor))) = channel.receive() {
        assert!(matches!(message, Message::Disconnect(_)) && descriptor.is_none(), "{message:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// A server that writes anything anywhere into the rings: nothing panics, no frame is longer than what was lent,
    /// all are counted, and every frame of the pool comes back.
    #[test]
    fn a_client_that_lends_does_not_believe_its_server(
        writes in prop::collection::vec((0u64..1_200, any::<u64>(), 1usize..9), 1..60),
        tails in prop::collection::vec((any::<bool>(), 0u16..20), 1..60),
        lengths in prop::collection::vec(0usize..LONGEST, 0..10),
    ) {
        let mut hand = Hand::lending(64, PoolSize::Standard);
        let (liar, mut client) = Liar::connect(&mut hand);
        let (mut given, mut sent) = (0, 0);
        for ((at, value, len), (which, ahead)) in writes.into_iter().zip(tails) {
            given += hand.take(&mut client[0]).iter().inspect(|b| assert!(b.len() <= LONGEST)).count() as u64;
            liar.rings.write_all_at(&value.to_ne_bytes()[..len], at).unwrap();
            let ring = if which { liar.to_server } else { liar.to_client };
            liar.set_tail(ring, liar.head(ring).wrapping_sub(16).wrapping_add(ahead));
            given += hand.take(&mut client[0]).iter().inspect(|b| assert!(b.len() <= LONGEST)).count() as u64;
            let offered: Vec<_> = lengths.iter().map(|len| frame(*len, at)).collect();
            if hand.pool.available() >= offered.len() {
                sent += hand.send(&mut client[0], &offered) as u64;
            }
        }
        let stats = client[0].stats();
        prop_assert_eq!(stats.received, given + stats.too_long + stats.bad_descriptor);
        prop_assert_eq!(sent, stats.sent + stats.send_failed);
        client[0].surrender().into_iter().for_each(|frame| hand.pool.put(frame));
        prop_assert_eq!(hand.pool.available(), 64);
    }
}
