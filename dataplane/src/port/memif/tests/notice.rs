//! Who is told of frames, and when.

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::*;
use crate::port::memif::Notice;

fn hand() -> Hand {
    Hand::new(64, PoolSize::Standard)
}

fn readable(port: &Memif) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(port.wait_fd().unwrap(), PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
}

#[test]
fn an_interrupt_is_there_when_frames_are_and_gone_when_they_are() {
    let mut hand = hand();
    let (server, client) = (hand.options(Role::Server), hand.options(Role::Client));
    let mut ends: [_; 2] = hand.pair(1, &server, &client).into();
    for turn in 0..200 {
        for (from, to) in [(0, 1), (1, 0)] {
            assert!(!readable(&ends[to][0]));
            hand.send(&mut ends[from][0], &[frame(60, turn), frame(61, turn)]);
            assert!(readable(&ends[to][0]));
            assert_eq!(hand.take_some(&mut ends[to][0], 1).len(), 1);
            hand.now = Time(hand.now.0 + STEP);
            assert!(readable(&ends[to][0]), "a frame is left");
            assert_eq!(hand.take(&mut ends[to][0]).len(), 1);
        }
    }
}

#[test]
fn who_polls_is_not_told() {
    let mut hand = hand();
    let poll = |role, hand: &Hand| MemifOptions { notice: Notice::Poll, ..hand.options(role) };
    let (server, client) = (poll(Role::Server, &hand), hand.options(Role::Client));
    let (mut server, mut client) = hand.pair(1, &server, &client);
    assert!(server[0].wait_fd().is_none());
    assert!(!client[0].wires.as_ref().unwrap().wanted());
    assert!(server[0].wires.as_ref().unwrap().wanted());
    hand.send(&mut client[0], &[frame(60, 1)]);
    assert_eq!(hand.take(&mut server[0]), [frame(60, 1)]);
}

#[test]
fn who_begins_to_wait_is_told_of_what_was_sent_just_before() {
    let mut hand = hand();
    let (server, client) = (hand.options(Role::Server), hand.options(Role::Client));
    let mut ends: [_; 2] = hand.pair(1, &server, &client).into();
    for (from, to) in [(0, 1), (1, 0)] {
        let wants = |ends: &[Vec<Memif>; 2], wanted| {
            ends[to][0].wires.as_ref().unwrap().want(wanted);
        };
        wants(&ends, false);
        hand.send(&mut ends[from][0], &[frame(60, 1)]);
        assert!(!readable(&ends[to][0]));
        // Its flag was not seen by who sent; the next turn looks again.
        wants(&ends, true);
        assert_eq!(hand.take(&mut ends[from][0]).len(), 0);
        assert!(readable(&ends[to][0]));
        assert_eq!(hand.take(&mut ends[to][0]).len(), 1);
        // Once is enough.
        hand.now = Time(hand.now.0 + STEP);
        hand.take(&mut ends[to][0]);
        hand.take(&mut ends[from][0]);
        assert!(!readable(&ends[to][0]));
    }
}
