//! A server and a client of ours: what one sends is what the other receives.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::port::memif::{Notice, Secret, open_kept};
use crate::port::{Link, OpenError, PortStats};

fn hand() -> Hand {
    Hand::new(1024, PoolSize::Jumbo)
}

#[test]
fn every_byte_passes_both_ways() {
    for (notice, buffer) in [(Notice::Interrupt, 2048), (Notice::Poll, 2048), (Notice::Poll, 256)] {
        let mut hand = hand();
        let server = MemifOptions { notice, ..hand.options(Role::Server) };
        let client = MemifOptions { notice, buffer, ..hand.options(Role::Client) };
        let (mut server, mut client) = hand.pair(1, &server, &client);
        assert_eq!(server[0].link(), Link { up: true, present: true });
        for turn in 0..40 {
            // The longest takes 36 of 64 entries where buffers are small.
            for len in [14, 60, 255, 256, 257, 1518, 2048, 2049, 9018] {
                let sent = vec![frame(len, turn), frame(60, turn + 99)];
                assert_eq!(hand.send(&mut client[0], &sent), 2);
                assert_eq!(hand.take(&mut server[0]), sent);
                assert_eq!(hand.send(&mut server[0], &sent), 2);
                assert_eq!(hand.take(&mut client[0]), sent);
            }
        }
        let counted = PortStats { received: 720, sent: 720, ..PortStats::default() };
        assert_eq!((server[0].stats(), client[0].stats()), (counted, counted));
    }
}

#[test]
fn a_full_ring_takes_no_more_and_loses_nothing() {
    let mut hand = hand();
    let small = |role, hand: &Hand| MemifOptions { ring: 8, buffer: 64, ..hand.options(role) };
    let (server, client) = (small(Role::Server, &hand), small(Role::Client, &hand));
    let mut ends: [_; 2] = hand.pair(1, &server, &client).into();
    let frames: Vec<_> = (0..9).map(|n| frame(60, n)).collect();
    let long = [frame(64 * 8, 1), frame(64 * 8 + 1, 2), frame(60, 3)];
    for (from, to) in [(0, 1), (1, 0)] {
        assert_eq!(hand.send(&mut ends[from][0], &frames), 8);
        assert_eq!(hand.send(&mut ends[from][0], &frames), 0);
        assert_eq!(hand.take(&mut ends[to][0]), frames[..8]);
        // One that is longer than the whole ring will never fit; the next may.
        assert_eq!(hand.send(&mut ends[from][0], &long[..1]), 1);
        assert_eq!(hand.send(&mut ends[from][0], &long[1..]), 0);
        assert_eq!(hand.take(&mut ends[to][0]), long[..1]);
        assert_eq!(hand.send(&mut ends[from][0], &long[1..]), 2);
        assert_eq!(hand.take(&mut ends[to][0]), long[2..]);
        assert_eq!((ends[from][0].stats().sent, ends[from][0].stats().send_failed), (10, 1));
    }
}

#[test]
fn too_long_and_bufferless_frames_are_counted() {
    let mut hand = Hand::new(4, PoolSize::Jumbo);
    let (server, client) = (hand.options(Role::Server), hand.options(Role::Client));
    let (mut server, mut client) = hand.pair(1, &server, &client);
    assert_eq!(hand.send(&mut client[0], &[frame(9000, 1), frame(90, 2), frame(91, 3)]), 3);
    hand.pool = Pool::new(WorkerIndex(0), 1, PoolSize::Standard);
    let mut batch = Batch::new();
    assert_eq!(server[0].receive(hand.now, &mut hand.pool, &mut batch), 1);
    assert_eq!(batch.frames()[0].bytes(), frame(90, 2));
    let stats = server[0].stats();
    assert_eq!((stats.received, stats.too_long, stats.pool_empty), (3, 1, 1));
}

#[test]
fn a_client_waits_for_its_server_and_for_the_next_one() {
    let mut hand = hand();
    let (ours, theirs) = (hand.options(Role::Server), hand.options(Role::Client));
    let mut client = hand.open(2, &theirs);
    hand.step(&mut [&mut client]);
    assert!(client[0].watch().peer().reason.unwrap().starts_with("connecting: "));
    for turn in 1..6 {
        let mut server = hand.open(2, &ours);
        hand.until(true, &mut [&mut server, &mut client]);
        hand.send(&mut server[1], &[frame(60, turn)]);
        assert_eq!(hand.take(&mut client[1]), [frame(60, turn)]);
        assert_eq!(client[0].watch().peer().connections, turn);
        drop(server);
        assert!(!ours.socket.exists());
        hand.until(false, &mut [&mut client]);
        (0..100).for_each(|_| hand.step(&mut [&mut client]));
    }
}

#[test]
fn a_server_takes_the_next_client_and_counts_what_the_last_one_left() {
    let mut hand = hand();
    let (ours, theirs) = (hand.options(Role::Server), hand.options(Role::Client));
    let mut server = hand.open(2, &ours);
    for turn in 1..6 {
        let mut client = hand.open(2, &theirs);
        hand.until(true, &mut [&mut server, &mut client]);
        hand.send(&mut client[1], &[frame(60, turn), frame(60, 1), frame(3000, 2)]);
        assert_eq!(hand.take_some(&mut server[1], 1), [frame(60, turn)]);
        drop(client);
        hand.until(false, &mut [&mut server]);
        assert_eq!((server[1].stats().received, server[1].stats().missed), (turn, 2 * turn));
        assert_eq!(server[0].watch().peer().reason.as_deref(), Some("the peer says: the port was closed"));
    }
}

#[test]
fn a_dead_process_is_noticed_and_its_socket_file_taken_over() {
    let mut hand = hand();
    let (ours, theirs) = (hand.options(Role::Server), hand.options(Role::Client));
    let (mut server, mut client) = hand.pair(1, &ours, &theirs);
    // A process that dies closes its descriptors and says nothing.
    client[0].control.as_mut().unwrap().forget();
    hand.until(false, &mut [&mut server]);
    assert_eq!(server[0].watch().peer().reason.as_deref(), Some("the peer closed the control channel"));
    drop((server, client));
    let dead = crate::port::memif::channel::socket().unwrap();
    rustix::net::bind(&dead, &rustix::net::SocketAddrUnix::new(&ours.socket).unwrap()).unwrap();
    drop(dead);
    assert!(ours.socket.exists());
    let (_server, _client) = hand.pair(1, &ours, &theirs);
}

#[test]
fn the_socket_has_the_permissions_asked_for_and_is_nobody_elses() {
    let hand = hand();
    for permissions in [0o600, 0o660, 0o666] {
        let options = MemifOptions { permissions, ..hand.options(Role::Server) };
        let server = hand.open(1, &options);
        let mode = std::fs::metadata(&options.socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, permissions);
        let taken = open(1, &options, None).unwrap_err();
        assert!(taken.to_string().contains("another port has id 0 there"), "{taken}");
        drop(server);
        assert!(!options.socket.exists());
    }
    let options = hand.options(Role::Server);
    std::fs::write(&options.socket, "a file").unwrap();
    assert!(matches!(open(1, &options, None).unwrap_err(), OpenError::System { .. }));
    assert_eq!(std::fs::read_to_string(&options.socket).unwrap(), "a file");
    let nowhere = MemifOptions { socket: hand.folder.path().join("none/s"), ..options };
    assert!(open(1, &nowhere, None).is_err());
    let much = MemifOptions { ring: 16_384, buffer: 65_535, ..hand.options(Role::Client) };
    assert!(open(64, &much, None).unwrap_err().to_string().contains("more than 4294967296 bytes"));
}

#[test]
fn ports_share_a_socket_by_their_ids() {
    let mut hand = hand();
    let with = |role, id, hand: &Hand| MemifOptions { id, ..hand.options(role) };
    let options = [(Role::Server, 7), (Role::Server, 9), (Role::Client, 9), (Role::Client, 7)];
    let mut ports = options.map(|(role, id)| hand.open(1, &with(role, id, &hand)));
    {
        let [a, b, c, d] = &mut ports;
        hand.until(true, &mut [a, b, c, d]);
    }
    let [mut seven, mut nine, mut to_nine, mut to_seven] = ports;
    hand.send(&mut to_seven[0], &[frame(60, 7)]);
    hand.send(&mut to_nine[0], &[frame(60, 9)]);
    assert_eq!((hand.take(&mut nine[0]), hand.take(&mut seven[0])), (vec![frame(60, 9)], vec![frame(60, 7)]));
    // A second client of one id is sent away, an id that is not there too.
    let mut late = [9, 8].map(|id| hand.open(1, &with(Role::Client, id, &hand)));
    for _ in 0..40 {
        let [second, eight] = &mut late;
        hand.step(&mut [&mut seven, &mut nine, &mut to_nine, &mut to_seven, second, eight]);
    }
    let reasons = late.each_ref().map(|port| port[0].watch().peer().reason.unwrap());
    assert_eq!(reasons, ["the peer says: already connected", "the peer says: no interface has that id"]);
    // Either may go first; the socket stays for the other.
    drop(seven);
    hand.until(false, &mut [&mut to_seven]);
    assert!(hand.socket().exists());
    drop(nine);
    assert!(!hand.socket().exists());
}

#[test]
fn ports_that_share_a_socket_may_have_different_numbers_of_rings() {
    // Whichever port looks first greets.
    for order in [[4, 1, 2], [1, 4, 2], [2, 1, 4]] {
        let mut hand = hand();
        let with = |role, id, hand: &Hand| MemifOptions { id, ..hand.options(role) };
        let mut servers = order.map(|queues| hand.open(queues, &with(Role::Server, queues as u32, &hand)));
        for queues in [1, 2, 4] {
            let mut client = hand.open(queues, &with(Role::Client, queues as u32, &hand));
            let [a, b, c] = &mut servers;
            let at = order.iter().position(|q| *q == queues).unwrap();
            for _ in 0..20 {
                hand.step(&mut [&mut *a, &mut *b, &mut *c, &mut client]);
            }
            assert!(client.iter().all(|queue| queue.link().up), "{:?}", client[0].watch().peer());
            assert_eq!(servers[at][0].watch().peer().rings.len(), queues);
        }
    }
    // A client that wants more than its own port has is told so by that port.
    let mut hand = hand();
    let with = |role, id, hand: &Hand| MemifOptions { id, ..hand.options(role) };
    let (mut one, mut four) =
        (hand.open(1, &with(Role::Server, 1, &hand)), hand.open(4, &with(Role::Server, 4, &hand)));
    let mut client = hand.open(2, &with(Role::Client, 1, &hand));
    (0..20).for_each(|_| hand.step(&mut [&mut one, &mut four, &mut client]));
    let told = client[0].watch().peer().reason;
    assert_eq!(told.as_deref(), Some("the peer says: ring index out of range: 1 rings each way are wanted"));
}

#[test]
fn who_does_not_know_the_secret_is_told_so() {
    let mut hand = hand();
    let said =
        |secret: &str, role, hand: &Hand| MemifOptions { secret: Secret::new(secret), ..hand.options(role) };
    let mut server = hand.open(1, &said("a word", Role::Server, &hand));
    for wrong in ["", "a wore", "a word or two"] {
        let mut client = hand.open(1, &said(wrong, Role::Client, &hand));
        (0..20).for_each(|_| hand.step(&mut [&mut server, &mut client]));
        assert!(!client[0].link().up);
        assert_eq!(client[0].watch().peer().reason.as_deref(), Some("the peer says: the secret is wrong"));
        assert_eq!(
            server[0].watch().peer().reason.as_deref(),
            Some("a client was refused: the secret is wrong")
        );
    }
    let mut client = hand.open(1, &said("a word", Role::Client, &hand));
    hand.until(true, &mut [&mut server, &mut client]);
    assert!(!format!("{server:?}").contains("a word"));
}

#[test]
fn ends_that_do_not_fit_say_why() {
    let mut hand = hand();
    for (queues, said) in [
        ((1, 2), "the server takes 1 rings each way"),
        ((2, 1), "the peer says: 2 rings each way are wanted"),
    ] {
        let mut server = hand.open(queues.0, &hand.options(Role::Server));
        let mut client = hand.open(queues.1, &hand.options(Role::Client));
        (0..20).for_each(|_| hand.step(&mut [&mut server, &mut client]));
        assert!(!client[0].link().up && !server[0].link().up);
        assert_eq!(client[0].watch().peer().reason.as_deref(), Some(said));
    }
}

#[test]
fn a_peer_is_shown_with_its_rings() {
    let mut hand = hand();
    let (ours, theirs) = (hand.options(Role::Server), hand.options(Role::Client));
    let (mut server, mut client) = hand.pair(2, &ours, &theirs);
    hand.send(&mut server[1], &[frame(60, 1), frame(3000, 1)]);
    hand.send(&mut client[0], &[frame(60, 1)]);
    let (at_server, at_client) = (server[0].watch().peer(), client[1].watch().peer());
    assert_eq!((at_server.interface.as_str(), at_client.interface.as_str()), ("Client", "Server"));
    assert_eq!(at_server.name, concat!("viaduct ", env!("CARGO_PKG_VERSION")));
    let rings = |peer: &crate::port::memif::Peer| -> Vec<_> {
        peer.rings.iter().map(|r| (r.size, r.to_receive, r.to_send)).collect()
    };
    assert_eq!(rings(&at_server), [(64, 1, 0), (64, 0, 3)]);
    assert_eq!(rings(&at_client), [(64, 0, 1), (64, 3, 0)]);
    assert!(at_client.connected && at_client.connections == 1 && at_client.reason.is_none());
    drop(client);
    hand.until(false, &mut [&mut server]);
    let gone = server[0].watch().peer();
    assert!(!gone.connected && gone.rings.is_empty() && gone.interface == "Client");
}

/// One thing that happens: who sends how many frames of what length on which queue, or takes how many.
#[derive(Clone, Debug)]
enum Event {
    Send(bool, usize, Vec<usize>),
    Take(bool, usize, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let length = prop_oneof![3 => 0usize..200, 1 => 0usize..9200];
    let send = (any::<bool>(), 0usize..2, prop::collection::vec(length, 1..20))
        .prop_map(|(s, q, l)| Event::Send(s, q, l));
    let take = (any::<bool>(), 0usize..2, 1usize..65).prop_map(|(s, q, n)| Event::Take(s, q, n));
    prop_oneof![send, take]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent and taken in whatever order, both ways and on two queues at once:
    /// what comes is what was sent, in order, and what does not is counted.
    #[test]
    fn both_directions_at_once(
        events in prop::collection::vec(event(), 1..120),
        log2 in 1u32..8,
        buffer in prop::sample::select(vec![64u32, 100, 1024, 2048]),
        polls in any::<[bool; 2]>(),
    ) {
        let mut hand = hand();
        let notice = polls.map(|poll| if poll { Notice::Poll } else { Notice::Interrupt });
        let server = MemifOptions { notice: notice[0], ..hand.options(Role::Server) };
        let client = MemifOptions { notice: notice[1], ring: 1 << log2, buffer, ..hand.options(Role::Client) };
        let (server, client) = hand.pair(2, &server, &client);
        let mut ends = [server, client];
        // What each queue of each end has sent and the other has not received yet.
        let mut on_the_way = [(); 2].map(|()| [(); 2].map(|()| std::collections::VecDeque::new()));
        let most = (1usize << log2) * buffer as usize;
        let (mut sent, mut seed) = (0u64, 0u64);
        for event in events {
            match event {
                Event::Send(end, queue, lengths) => for len in lengths {
                    seed += 1;
                    let bytes = frame(len, seed);
                    let before = ends[usize::from(end)][queue].stats();
                    let taken = hand.send(&mut ends[usize::from(end)][queue], std::slice::from_ref(&bytes));
                    let after = ends[usize::from(end)][queue].stats();
                    if after.sent > before.sent {
                        on_the_way[usize::from(end)][queue].push_back(bytes);
                        sent += 1;
                    }
                    // Gone for good only if it could never fit.
                    prop_assert_eq!(after.send_failed > before.send_failed, taken == 1 && len > most);
                },
                Event::Take(end, queue, room) => {
                    for bytes in hand.take_some(&mut ends[usize::from(end)][queue], room) {
                        prop_assert_eq!(on_the_way[usize::from(!end)][queue].pop_front(), Some(bytes));
                    }
                }
            }
        }
        for end in 0..2 {
            for queue in 0..2 {
                let rest = hand.take(&mut ends[end][queue]);
                prop_assert!(rest.iter().eq(on_the_way[1 - end][queue].iter()));
            }
        }
        let received: u64 = ends.iter().flatten().map(|port| port.stats().received).sum();
        prop_assert_eq!(received, sent);
        prop_assert!(ends.iter().flatten().all(|port| port.link().up && port.stats().bad_descriptor == 0));
        prop_assert_eq!(hand.pool.available(), 1024);
    }
}

/// Kept by threads: no queue's look takes part in what the ends say to each other.
#[test]
fn threads_keep_the_channels_of_ports_in_use() {
    let mut hand = Hand::new(64, PoolSize::Standard);
    let open = |hand: &Hand, role| open_kept(1, &hand.options(role), None).unwrap();
    let until = |hand: &mut Hand, up, ports: &mut [&mut [Memif]]| {
        for _ in 0..5_000 {
            hand.step(ports);
            if ports.iter().all(|queues| queues[0].link().up == up) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        panic!("not all links became {up}");
    };
    let (mut server, mut client) = (open(&hand, Role::Server), open(&hand, Role::Client));
    assert!(server[0].control.is_none() && client[0].control.is_none());
    for round in 0..3 {
        until(&mut hand, true, &mut [&mut server, &mut client]);
        let frames = [frame(60, round), frame(1_500, round)];
        assert_eq!(hand.send(&mut client[0], &frames), 2);
        assert_eq!(hand.take(&mut server[0]), frames);
        // One that was not taken is counted, by the queue that lets go of the rings.
        assert_eq!(hand.send(&mut server[0], &frames[..1]), 1);
        drop(server);
        until(&mut hand, false, &mut [&mut client]);
        assert_eq!(client[0].stats().missed, round + 1);
        // Its place is free at once.
        server = open(&hand, Role::Server);
    }
    assert_eq!(client[0].watch().peer().connections, 3);
    // What was given back has gone with the look that followed.
    drop((server, client));
    assert!(!hand.socket().exists());
}
