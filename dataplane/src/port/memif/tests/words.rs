//! Clients that say what they like on the control channel.

use std::os::fd::OwnedFd;

use proptest::prelude::*;

use super::*;
use crate::port::memif::message::{AddRegion, AddRing, Init, Message, Text, VERSION};
use crate::port::memif::{Channel, event, memory};

/// What comes with a message.
#[derive(Clone, Copy, Debug)]
enum Gift {
    Nothing,
    Memory(usize),
    Unsealed,
    Event,
    /// Neither memory nor an event.
    File,
}

impl Gift {
    fn open(self) -> Option<OwnedFd> {
        use rustix::fs::MemfdFlags;
        match self {
            Self::Nothing => None,
            Self::Memory(len) => Some(memory(len).unwrap()),
            Self::Unsealed => {
                let file =
                    rustix::fs::memfd_create("unsealed", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING);
                rustix::fs::ftruncate(file.as_ref().unwrap(), 1 << 20).unwrap();
                Some(file.unwrap())
            }
            Self::Event => Some(event().unwrap()),
            Self::File => Some(std::fs::File::open("/dev/null").unwrap().into()),
        }
    }
}

fn init() -> Message {
    Message::Init(Init { version: VERSION, id: 0, mode: 0, secret: [0; 24], name: Text::new("test") })
}

fn region(index: u16, size: u64) -> Message {
    Message::AddRegion(AddRegion { index, size })
}

fn ring(flags: u16, offset: u32, log2_ring: u8) -> AddRing {
    AddRing { flags, index: 0, region: 0, offset, log2_ring, private_header: 0 }
}

/// Says all this to a server with one queue; gives what the server made of it.
fn say(words: &[(Message, Gift)]) -> Option<String> {
    let mut hand = Hand::new(4, PoolSize::Standard);
    let mut server = hand.open(1, &hand.options(Role::Server));
    let mut channel = Channel::connect(&hand.socket()).unwrap();
    hand.step(&mut [&mut server]);
    for (message, gift) in words {
        channel.send(*message, gift.open()).unwrap();
    }
    (0..3).for_each(|_| hand.step(&mut [&mut server]));
    assert!(!server[0].link().up);
    server[0].watch().peer().reason
}

#[test]
fn what_is_wrong_is_named() {
    use Gift::{Event, File, Memory, Nothing, Unsealed};
    let good = (region(0, 4096), Memory(4096));
    let refused = |words: &[(Message, Gift)]| say(&[&[(init(), Nothing)], words].concat()).unwrap();
    for (words, reason) in [
        (&[(region(0, 4096), Nothing)][..], "region without a descriptor"),
        (&[(region(0, 4096), Unsealed)], "region is not sealed against shrinking"),
        (&[(region(0, 4096), File)], "region is not sealed against shrinking"),
        (&[(region(0, 4097), Memory(4096))], "region is larger than its file"),
        (&[(region(0, 0), Memory(4096))], "region size is zero or too large"),
        (&[(region(0, 1 << 40), Memory(4096))], "region size is zero or too large"),
        (&[(region(1, 4096), Memory(4096))], "region index out of order"),
        (&[good, good], "region index out of order"),
        (&[good, (Message::AddRing(ring(0, 0, 4)), Nothing)], "ring without a descriptor"),
        (
            &[good, (Message::AddRing(AddRing { index: 1, ..ring(0, 0, 4) }), Event)],
            "ring index out of range: 1 rings each way are wanted",
        ),
        (
            &[good, (Message::AddRing(ring(1, 0, 4)), Event), (Message::AddRing(ring(1, 0, 4)), Event)],
            "ring index used twice",
        ),
        (
            &[good, (Message::AddRing(AddRing { private_header: 4, ..ring(0, 0, 4) }), Event)],
            "ring with private headers",
        ),
        (&[good, (Message::Connect(Text::new("x")), Nothing)], "1 rings each way are wanted"),
        (&[(Message::Ack, Nothing)], "unexpected message"),
        (&[(init(), Nothing)], "unexpected message"),
        (&[(Message::Connected(Text::new("x")), Nothing)], "unexpected message"),
    ] {
        assert_eq!(refused(words), reason);
    }
    let two = |first: AddRing, second: AddRing, event: Gift| {
        refused(&[
            good,
            (Message::AddRing(first), event),
            (Message::AddRing(second), event),
            (Message::Connect(Text::new("x")), Nothing),
        ])
    };
    let away = ring(0, 0, 4);
    for bad in [
        ring(1, 4, 4),
        ring(1, 4000, 4),
        ring(1, 0, 15),
        ring(1, 0, 0),
        ring(1, 0, 9),
        AddRing { region: 1, ..ring(1, 0, 4) },
    ] {
        assert_eq!(two(bad, away, Event), "ring outside its region, or of a wrong size");
    }
    assert_eq!(two(ring(1, 0, 4), away, Event), "ring without its cookie");
    let said = |f: &dyn Fn(&mut Init)| {
        let Message::Init(mut init) = init() else { unreachable!() };
        f(&mut init);
        say(&[(Message::Init(init), Nothing)])
    };
    assert_eq!(said(&|i| i.version = 0x0100).unwrap(), "a client was refused: only version 2.0 is spoken");
    assert_eq!(said(&|i| i.mode = 1).unwrap(), "a client was refused: only Ethernet frames are taken");
}

#[test]
fn more_regions_than_there_may_be_are_refused() {
    let many: Vec<_> = (0..17).map(|n| (region(n, 4096), Gift::Memory(4096))).collect();
    assert_eq!(say(&[&[(init(), Gift::Nothing)], &many[..]].concat()).unwrap(), "too many regions");
}

/// How long until a client that does as it should is connected, in virtual milliseconds.
fn connects_in(hand: &mut Hand, server: &mut [Memif]) -> u64 {
    let (mut client, start) = (hand.open(1, &hand.options(Role::Client)), hand.now);
    hand.until(true, &mut [server, &mut client]);
    hand.now.since(start) / 1_000_000
}

#[test]
fn who_says_nothing_keeps_nobody_out() {
    for silent in [16, 40, 200] {
        let mut hand = Hand::new(4, PoolSize::Standard);
        let mut server = hand.open(1, &hand.options(Role::Server));
        // As many as may wait are let in a look.
        let mut connected = Vec::new();
        while connected.len() < silent {
            match Channel::connect(&hand.socket()) {
                Ok(channel) => connected.push(channel),
                Err(_) => hand.step(&mut [&mut server]),
            }
        }
        let took = connects_in(&mut hand, &mut server);
        assert!(took <= 200, "{silent}: {took} ms");
    }
    // One that has named the interface, too.
    let mut hand = Hand::new(4, PoolSize::Standard);
    let mut server = hand.open(1, &hand.options(Role::Server));
    let mut half = Channel::connect(&hand.socket()).unwrap();
    hand.step(&mut [&mut server]);
    half.send(init(), None).unwrap();
    hand.step(&mut [&mut server]);
    let took = connects_in(&mut hand, &mut server);
    assert!(took <= 400, "{took} ms");
    assert_eq!(server[0].watch().peer().connections, 1);
}

#[test]
fn who_is_slow_keeps_its_place_while_it_goes_on() {
    let mut hand = Hand::new(4, PoolSize::Standard);
    let mut server = hand.open(1, &hand.options(Role::Server));
    let mut slow = Channel::connect(&hand.socket()).unwrap();
    hand.step(&mut [&mut server]);
    slow.send(init(), None).unwrap();
    let mut other = hand.open(1, &hand.options(Role::Client));
    // A word each 200 of virtual milliseconds, and the other waits.
    for index in 0..8 {
        (0..40).for_each(|_| hand.step(&mut [&mut server, &mut other]));
        slow.send(region(index, 4096), Gift::Memory(4096).open()).unwrap();
        assert!(!other[0].link().up);
    }
    (0..30).for_each(|_| hand.step(&mut [&mut server, &mut other]));
    assert!(!other[0].link().up);
    hand.until(true, &mut [&mut server, &mut other]);
}

#[test]
fn who_says_nothing_is_left_after_a_while() {
    let mut hand = Hand::new(4, PoolSize::Standard);
    let mut server = hand.open(1, &hand.options(Role::Server));
    let silent: Vec<_> = (0..40).map(|_| Channel::connect(&hand.socket())).collect();
    // As many as may wait are let in, and greeted one after the other.
    assert!(silent.iter().filter(|channel| channel.is_ok()).count() >= 16);
    (0..1300).for_each(|_| hand.step(&mut [&mut server]));
    let mut half = Channel::connect(&hand.socket()).unwrap();
    hand.step(&mut [&mut server]);
    half.send(init(), None).unwrap();
    (0..500).for_each(|_| hand.step(&mut [&mut server]));
    assert_eq!(server[0].watch().peer().reason.as_deref(), Some("no agreement in time"));
    let mut client = hand.open(1, &hand.options(Role::Client));
    hand.until(true, &mut [&mut server, &mut client]);
}

fn message() -> impl Strategy<Value = Message> {
    let bytes = prop::collection::vec(any::<u8>(), 126);
    let wild = (1u16..9, bytes)
        .prop_map(|(kind, rest)| Message::decode(&[&kind.to_ne_bytes()[..], &rest].concat()).unwrap());
    let region =
        (0u16..3, prop::sample::select(vec![0u64, 4096, 8192, u64::MAX])).prop_map(|(i, s)| region(i, s));
    let ring = (0u16..2, 0u16..2, 0u16..2, 0u32..600, 0u8..17).prop_map(
        |(flags, index, region, offset, log2_ring)| {
            Message::AddRing(AddRing {
                flags,
                index,
                region,
                offset: offset * 8,
                log2_ring,
                private_header: 0,
            })
        },
    );
    prop_oneof![2 => wild, 2 => Just(init()), 6 => region, 6 => ring, 2 => Just(Message::Connect(Text::new("x")))]
}

fn gift() -> impl Strategy<Value = Gift> {
    let kinds =
        vec![Gift::Nothing, Gift::Memory(4096), Gift::Memory(8192), Gift::Unsealed, Gift::Event, Gift::File];
    prop::sample::select(kinds)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is said, the server lives, and serves the next client that behaves.
    #[test]
    fn any_words_in_any_order(
        words in prop::collection::vec((message(), gift()), 0..12),
        begins in any::<bool>(),
        between in any::<bool>(),
    ) {
        let mut hand = Hand::new(8, PoolSize::Standard);
        let mut server = hand.open(1, &hand.options(Role::Server));
        let mut channel = Channel::connect(&hand.socket()).unwrap();
        hand.step(&mut [&mut server]);
        let start = if begins { vec![(init(), Gift::Nothing), (region(0, 4096), Gift::Memory(4096))] } else { vec![] };
        for (message, gift) in start.into_iter().chain(words) {
            let _ = channel.send(message, gift.open());
            if between {
                hand.step(&mut [&mut server]);
                hand.take(&mut server[0]);
            }
        }
        hand.step(&mut [&mut server]);
        drop(channel);
        hand.until(false, &mut [&mut server]);
        hand.step(&mut [&mut server]);
        let mut client = hand.open(1, &hand.options(Role::Client));
        hand.until(true, &mut [&mut server, &mut client]);
        hand.send(&mut client[0], &[frame(60, 1)]);
        prop_assert_eq!(hand.take(&mut server[0]), [frame(60, 1)]);
    }
}
