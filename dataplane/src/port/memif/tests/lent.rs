//! Frames that are lent: a client that does without copies, its servers, and every frame's way back.

use std::collections::VecDeque;

use proptest::prelude::*;
use rustix::net::SocketAddrUnix;
use rustix::thread::set_thread_res_uid;

use super::*;
use crate::packet::{Frame, HEADROOM, STANDARD_CAPACITY};
use crate::port::PortStats;
use crate::port::memif::{Notice, QUARANTINE};

/// Entries of the rings of the tests' options.
const RING: usize = 64;
/// The longest frame that a standard buffer takes.
const LONGEST: usize = STANDARD_CAPACITY - HEADROOM;

#[test]
fn every_byte_passes_both_ways_and_none_is_copied_here() {
    for notice in [Notice::Interrupt, Notice::Poll] {
        let (mut hand, mut far) = (Hand::lending(400, PoolSize::Jumbo), Hand::new(64, PoolSize::Jumbo));
        let server = MemifOptions { notice, ..hand.options(Role::Server) };
        let client = MemifOptions { notice, ..hand.lends() };
        let (mut server, mut client) = hand.pair(1, &server, &client);
        assert!(client[0].watch().peer().zero_copy && !server[0].watch().peer().zero_copy);
        hand.take(&mut client[0]);
        for turn in 0..40 {
            for len in [0, 14, 60, 255, 1518, 2048, 9018] {
                let sent = vec![frame(len, turn), frame(60, turn + 99)];
                assert_eq!(hand.send(&mut client[0], &sent), 2);
                // Neither is in the pool: the peer has them.
                assert_eq!(hand.pool.available(), 400 - RING - 2);
                assert_eq!(far.take(&mut server[0]), sent);
                assert_eq!(far.send(&mut server[0], &sent), 2);
                assert_eq!(hand.take(&mut client[0]), sent);
                // They came back although nothing more was sent.
                hand.take(&mut client[0]);
                assert_eq!(hand.pool.available(), 400 - RING);
            }
        }
        let counted = PortStats { received: 560, sent: 560, ..PortStats::default() };
        assert_eq!((server[0].stats(), client[0].stats()), (counted, counted));
        assert_eq!(far.pool.available(), 64);
    }
}

#[test]
fn what_is_too_long_for_one_buffer_is_counted_and_its_buffers_come_back() {
    let (mut hand, mut far) = (Hand::lending(200, PoolSize::Standard), Hand::new(64, PoolSize::Jumbo));
    let options = hand.options(Role::Server);
    let (mut server, mut client) = hand.pair(1, &options, &hand.lends());
    hand.take(&mut client[0]);
    let frames = [frame(LONGEST, 1), frame(LONGEST + 1, 2), frame(9000, 3), frame(60, 4)];
    for _ in 0..100 {
        assert_eq!(far.send(&mut server[0], &frames), 4);
        assert_eq!(hand.take(&mut client[0]), [&frames[0][..], &frames[3]]);
    }
    let stats = client[0].stats();
    assert_eq!((stats.received, stats.too_long, stats.bad_descriptor), (400, 200, 0));
    assert_eq!(hand.pool.available(), 200 - RING);
}

#[test]
fn a_ring_does_not_take_the_last_frames_and_goes_on_when_there_are_some_again() {
    let (mut hand, mut far) = (Hand::lending(32, PoolSize::Standard), Hand::new(128, PoolSize::Standard));
    let options = hand.options(Role::Server);
    let (mut server, mut client) = hand.pair(1, &options, &hand.lends());
    let frames: Vec<_> = (0..64).map(|n| frame(60, n)).collect();
    hand.take(&mut client[0]);
    assert_eq!(hand.pool.available(), 4);
    assert_eq!(client[0].watch().peer().rings[0].to_receive, 0);
    assert_eq!(far.send(&mut server[0], &frames), 28);
    assert_eq!(client[0].watch().peer().rings[0].to_receive, 28);
    // Taken and kept, as by queues: no others are lent.
    let mut batch = Batch::new();
    assert_eq!(client[0].receive(hand.now, &mut hand.pool, &mut batch), 28);
    assert_eq!((far.send(&mut server[0], &frames), hand.pool.available()), (0, 4));
    let mut came: Vec<_> = batch.frames().iter().map(|frame| frame.bytes().to_vec()).collect();
    batch.drain_front(10).for_each(|frame| hand.pool.put(frame));
    assert_eq!((far.send(&mut server[0], &frames), hand.take(&mut client[0]).len()), (0, 0));
    assert_eq!(far.send(&mut server[0], &frames[28..]), 10);
    batch.drain().for_each(|frame| hand.pool.put(frame));
    came.extend(hand.take(&mut client[0]));
    assert_eq!(far.send(&mut server[0], &frames[38..]), 26);
    came.extend(hand.take(&mut client[0]));
    assert_eq!(came, frames);
    assert_eq!(client[0].stats().pool_empty, 0);
}

#[test]
fn a_full_ring_takes_no_more_and_frames_of_other_pools_are_not_lent() {
    let (mut hand, mut far) = (Hand::lending(300, PoolSize::Standard), Hand::new(128, PoolSize::Standard));
    let options = hand.options(Role::Server);
    let (mut server, mut client) = hand.pair(1, &options, &hand.lends());
    let frames: Vec<_> = (0..100).map(|n| frame(60, n)).collect();
    assert_eq!(hand.send(&mut client[0], &frames), RING);
    assert_eq!(hand.send(&mut client[0], &frames), 0);
    assert_eq!(far.take(&mut server[0]), frames[..RING]);
    let (mut batch, mut stranger) = (Batch::new(), Frame::standard());
    stranger.fill(&frames[0]).unwrap();
    batch.push(stranger).unwrap();
    assert_eq!(client[0].transmit(far.now, &mut batch, &mut far.pool), 1);
    let stats = client[0].stats();
    assert_eq!((stats.sent, stats.send_failed), (RING as u64, 1));
    assert!(far.take(&mut server[0]).is_empty());
}

#[test]
fn every_frame_comes_back_when_the_server_goes_and_after_a_while_only() {
    for dies in [false, true] {
        let (mut hand, mut far) =
            (Hand::lending(300, PoolSize::Standard), Hand::new(128, PoolSize::Standard));
        let (ours, theirs) = (hand.options(Role::Server), hand.lends());
        let mut client = hand.open(2, &theirs);
        for turn in 1..6 {
            let mut server = hand.open(2, &ours);
            hand.until(true, &mut [&mut server, &mut client]);
            for queue in &mut client {
                hand.take(queue);
            }
            assert_eq!(hand.send(&mut client[1], &[frame(60, turn), frame(61, turn), frame(62, turn)]), 3);
            assert_eq!(far.take_some(&mut server[1], 1), [frame(60, turn)]);
            assert_eq!(far.send(&mut server[0], &[frame(60, turn), frame(60, 2)]), 2);
            if dies {
                // A process that dies closes its descriptors and says nothing.
                server[0].control.as_mut().unwrap().forget();
            }
            drop(server);
            hand.until(false, &mut [&mut client]);
            assert_eq!(client[0].stats().missed, 2 * turn);
            // The peer may be amid a copy.
            client.iter_mut().for_each(|queue| assert!(hand.take(queue).is_empty()));
            assert_eq!(hand.pool.available(), 300 - 2 * RING - 2 - 1);
            client.iter_mut().for_each(|queue| hand.wait_out(queue));
            assert_eq!(hand.pool.available(), 300);
        }
        assert_eq!(client[0].watch().peer().connections, 5);
    }
}

#[test]
fn a_new_server_is_served_while_frames_of_the_last_one_wait() {
    let (mut hand, mut far) = (Hand::lending(300, PoolSize::Standard), Hand::new(128, PoolSize::Standard));
    let (ours, theirs) = (hand.options(Role::Server), hand.lends());
    let (server, mut client) = hand.pair(1, &ours, &theirs);
    hand.take(&mut client[0]);
    drop(server);
    let mut server = hand.open(1, &ours);
    hand.until(false, &mut [&mut client]);
    hand.until(true, &mut [&mut server, &mut client]);
    hand.take(&mut client[0]);
    assert_eq!(hand.pool.available(), 300 - 2 * RING);
    assert_eq!(far.send(&mut server[0], &[frame(60, 1)]), 1);
    assert_eq!(hand.take(&mut client[0]), [frame(60, 1)]);
    hand.now = Time(hand.now.0 + QUARANTINE);
    hand.take(&mut client[0]);
    assert_eq!(hand.pool.available(), 300 - RING);
}

#[test]
fn a_port_that_is_taken_away_gives_every_frame_up() {
    let (mut hand, mut far) = (Hand::lending(300, PoolSize::Standard), Hand::new(128, PoolSize::Standard));
    let options = hand.options(Role::Server);
    let (mut server, mut client) = hand.pair(1, &options, &hand.lends());
    hand.take(&mut client[0]);
    hand.send(&mut client[0], &[frame(60, 1), frame(60, 2)]);
    far.send(&mut server[0], &[frame(60, 3)]);
    let lent = client[0].surrender();
    assert_eq!((lent.len(), hand.pool.available()), (RING + 2, 300 - RING - 2));
    assert!(!client[0].link().up && client[0].surrender().is_empty());
    assert_eq!(client[0].stats().missed, 1);
    lent.into_iter().for_each(|frame| hand.pool.put(frame));
    drop(client);
    hand.until(false, &mut [&mut server]);
    assert_eq!(hand.pool.available(), 300);
}

#[test]
fn only_a_client_with_an_arena_lends() {
    let hand = Hand::new(4, PoolSize::Standard);
    let told = |role, arena: Option<&Arc<Arena>>| {
        let options = MemifOptions { zero_copy: true, ..hand.options(role) };
        open(1, &options, arena).unwrap_err().to_string()
    };
    let arena = Arena::new(4, PoolSize::Standard).unwrap();
    assert!(told(Role::Client, None).contains("start it again"), "{}", told(Role::Client, None));
    assert!(told(Role::Server, Some(&arena)).contains("only a memif client"));
}

#[test]
fn a_stranger_is_not_given_the_routers_frames() {
    let mut hand = Hand::lending(8, PoolSize::Standard);
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: to listen as another user takes root");
        return;
    }
    let path = hand.socket();
    // Of this thread alone, and it ends with it.
    let listening = std::thread::spawn(move || {
        let listener = crate::port::memif::channel::socket().unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        let nobody = rustix::process::Uid::from_raw(65_534);
        set_thread_res_uid(nobody, nobody, nobody).unwrap();
        rustix::net::listen(&listener, 4).unwrap();
        listener
    });
    let _listener = listening.join().unwrap();
    let mut client = hand.open(1, &hand.lends());
    hand.step(&mut [&mut client]);
    let told = client[0].watch().peer().reason.unwrap();
    assert!(told.contains("user 65534's"), "{told}");
    // Where frames are copied, a server may be anybody's.
    let mut copies = hand.open(1, &hand.options(Role::Client));
    hand.step(&mut [&mut copies]);
    assert_eq!(copies[0].watch().peer().reason, None);
    for (theirs, trusted) in [(0, true), (7, true), (8, false)] {
        assert_eq!(crate::port::memif::lent::trusts(theirs, 7), trusted);
    }
}

/// One thing that happens: who sends how many frames of what length, or takes how many; who keeps what it took.
#[derive(Clone, Debug)]
enum Event {
    Send(bool, Vec<usize>),
    Take(bool, usize),
    Keep(usize),
    GiveUp(usize),
    Reconnect,
}

fn event() -> impl Strategy<Value = Event> {
    let length = prop_oneof![3 => 0usize..200, 1 => 0usize..LONGEST + 1];
    let send = (any::<bool>(), prop::collection::vec(length, 1..20)).prop_map(|(s, l)| Event::Send(s, l));
    let take = (any::<bool>(), 1usize..65).prop_map(|(s, n)| Event::Take(s, n));
    prop_oneof![
        8 => send,
        8 => take,
        2 => (1usize..30).prop_map(Event::Keep),
        2 => (1usize..30).prop_map(Event::GiveUp),
        1 => Just(Event::Reconnect),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent, taken and kept in whatever order, both ways, with connections that end amid it: what comes is
    /// what was sent, in order, from the first that the connection lost nothing of; and no frame of the pool is lost.
    #[test]
    fn nothing_is_lost_whatever_comes(
        events in prop::collection::vec(event(), 1..100),
        log2 in 1u32..7,
        buffers in 20usize..200,
        polls in any::<[bool; 2]>(),
    ) {
        let (mut hand, mut far) = (Hand::lending(buffers, PoolSize::Standard), Hand::new(256, PoolSize::Standard));
        let notice = polls.map(|poll| if poll { Notice::Poll } else { Notice::Interrupt });
        let ours = MemifOptions { notice: notice[0], ..hand.options(Role::Server) };
        let theirs = MemifOptions { notice: notice[1], ring: 1 << log2, ..hand.lends() };
        let (mut server, mut client) = hand.pair(1, &ours, &theirs);
        let (mut to_client, mut to_server) = (VecDeque::new(), VecDeque::new());
        let (mut kept, mut seed) = (Vec::new(), 0u64);
        for event in events {
            match event {
                Event::Send(from_server, lengths) => for len in lengths {
                    seed += 1;
                    let bytes = frame(len, seed);
                    let offered = std::slice::from_ref(&bytes);
                    if from_server {
                        if far.send(&mut server[0], offered) == 1 {
                            to_client.push_back(bytes);
                        }
                    } else if hand.pool.available() > 0 && hand.send(&mut client[0], offered) == 1 {
                        to_server.push_back(bytes);
                    }
                },
                Event::Take(true, room) => for bytes in far.take_some(&mut server[0], room) {
                    prop_assert_eq!(to_server.pop_front(), Some(bytes));
                },
                Event::Take(false, room) => for bytes in hand.take_some(&mut client[0], room) {
                    prop_assert_eq!(to_client.pop_front(), Some(bytes));
                },
                Event::Keep(count) => kept.extend((0..count).map_while(|_| hand.pool.get())),
                Event::GiveUp(count) => {
                    let from = kept.len().saturating_sub(count);
                    kept.drain(from..).for_each(|frame| hand.pool.put(frame));
                }
                Event::Reconnect => {
                    let missed = client[0].stats().missed;
                    drop(server);
                    hand.until(false, &mut [&mut client]);
                    prop_assert_eq!(client[0].stats().missed - missed, to_client.len() as u64);
                    (to_client, to_server) = (VecDeque::new(), VecDeque::new());
                    server = hand.open(1, &ours);
                    hand.until(true, &mut [&mut server, &mut client]);
                }
            }
        }
        kept.drain(..).for_each(|frame| hand.pool.put(frame));
        let rest = far.take(&mut server[0]);
        prop_assert!(rest.iter().eq(to_server.iter()));
        let rest = hand.take(&mut client[0]);
        prop_assert!(rest.iter().eq(to_client.iter()));
        let stats = client[0].stats();
        prop_assert_eq!((stats.bad_descriptor, stats.too_long, stats.pool_empty, stats.send_failed), (0, 0, 0, 0));
        prop_assert!(client[0].link().up && server[0].link().up);
        client[0].surrender().into_iter().for_each(|frame| hand.pool.put(frame));
        prop_assert_eq!((hand.pool.available(), far.pool.available()), (buffers, 256));
    }
}
