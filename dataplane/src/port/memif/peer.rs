//! What the queues of a port share: the connection's rings, and what is known of the peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Mutex, TryLockError};

use super::lock;
use super::ring::{Broken, Ring};
use super::setup::Wired;
use super::wires::Wires;

/// How two rings of one queue stand. What the peer wrote is believed only within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingFigures {
    /// Entries of each.
    pub size: u16,
    /// Entries that wait to be received.
    pub to_receive: u16,
    /// Entries that were sent and that the peer has not taken.
    pub to_send: u16,
}

/// What is known of a port's peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Whether it is connected.
    pub connected: bool,
    /// What it calls itself; of the last one when none is connected.
    pub name: String,
    /// What it calls its interface.
    pub interface: String,
    /// How often one connected.
    pub connections: u64,
    /// Whether frames pass to and from it without copies: it has all of this router's frames.
    pub zero_copy: bool,
    /// Why the last one went, or was not let in.
    pub reason: Option<String>,
    /// Each queue's rings, in order.
    pub rings: Vec<RingFigures>,
}

/// The rings of a queue, to be looked at.
#[derive(Clone, Debug)]
pub(super) struct RingPair {
    pub(super) receive: Ring,
    pub(super) send: Ring,
    /// Whether this end is the client.
    pub(super) client: bool,
    /// Where buffers are lent: the entry that is received next. Not all that were received are lent anew.
    pub(super) taken: Option<Arc<AtomicU16>>,
}

impl RingPair {
    fn figures(&self) -> RingFigures {
        let filled = |ring: &Ring, by_client: bool| {
            let (head, tail) = (ring.head().load(Ordering::Relaxed), ring.tail().load(Ordering::Relaxed));
            let ahead = head.wrapping_sub(tail).min(ring.size());
            // What a server sends fills what the client gave, from behind.
            if by_client { ahead } else { ring.size() - ahead }
        };
        let received = |taken: &Arc<AtomicU16>| {
            let to_receive =
                self.receive.tail().load(Ordering::Relaxed).wrapping_sub(taken.load(Ordering::Relaxed));
            to_receive.min(self.receive.size())
        };
        RingFigures {
            size: self.receive.size(),
            to_receive: match &self.taken {
                Some(taken) => received(taken),
                None => filled(&self.receive, !self.client),
            },
            to_send: filled(&self.send, self.client),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    peer: Peer,
    pairs: Vec<RingPair>,
    /// What each queue has not taken up yet.
    wires: Vec<Option<Box<Wires>>>,
    /// What queues let go of.
    gone: Vec<Wires>,
    /// The connection a queue broke off, and why.
    broken: Option<(u32, Broken)>,
}

/// One for all queues of a port.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Changes with every connection and every end of one.
    connection: AtomicU32,
    state: Mutex<State>,
}

impl Shared {
    /// The number of the present connection, or of the time since the last.
    #[inline]
    pub(super) fn connection(&self) -> u32 {
        self.connection.load(Ordering::Acquire)
    }

    /// What queue `queue` is to use now, and the number of the connection that is of.
    pub(super) fn wires(&self, queue: usize) -> (u32, Option<Box<Wires>>) {
        let mut state = lock(&self.state);
        let wires = state.wires.get_mut(queue).and_then(Option::take);
        // Changes under the lock only.
        (self.connection(), wires)
    }

    /// A queue no longer needs these: to unmap its memory and to close its descriptors may take long.
    pub(super) fn give_back(&self, wires: Wires) {
        lock(&self.state).gone.push(wires);
    }

    /// Lets go of what queues gave back.
    pub(super) fn clear(&self) {
        let gone = std::mem::take(&mut lock(&self.state).gone);
        drop(gone);
    }

    /// Remembers what a peer calls itself.
    pub(super) fn meet(&self, name: String) {
        lock(&self.state).peer.name = name;
    }

    /// Frames may pass from now on.
    pub(super) fn connect(&self, interface: String, (wires, pairs): Wired) {
        let mut state = lock(&self.state);
        state.peer.connected = true;
        state.peer.interface = interface;
        state.peer.connections += 1;
        state.peer.zero_copy = pairs.iter().any(|pair| pair.taken.is_some());
        state.peer.reason = None;
        let old = std::mem::replace(&mut state.pairs, pairs);
        let wires = wires.into_iter().map(|w| Some(Box::new(w))).collect();
        let old = (old, std::mem::replace(&mut state.wires, wires));
        state.broken = None;
        self.connection.fetch_add(1, Ordering::Release);
        // Nobody waits while it goes.
        drop(state);
        drop(old);
    }

    /// No frame passes any more, or one never did.
    pub(super) fn disconnect(&self, reason: &str) {
        let mut state = lock(&self.state);
        state.peer.reason = Some(reason.into());
        let old = (std::mem::take(&mut state.pairs), std::mem::take(&mut state.wires));
        if std::mem::take(&mut state.peer.connected) {
            self.connection.fetch_add(1, Ordering::Release);
        }
        drop(state);
        drop(old);
    }

    /// Remembers why somebody was not let in.
    pub(super) fn note(&self, reason: &str) {
        lock(&self.state).peer.reason = Some(reason.into());
    }

    /// A queue found that the peer broke a ring.
    pub(super) fn break_off(&self, connection: u32, why: Broken) {
        lock(&self.state).broken = Some((connection, why));
    }

    /// Why the present connection is to end; told at the next look where somebody reads how it stands.
    pub(super) fn broken(&self) -> Option<Broken> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let (connection, why) = state.broken.take()?;
        (connection == self.connection()).then_some(why)
    }
}

/// Answers what is asked about a port's peer.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Shared>);

impl Watch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// How it stands now.
    pub fn peer(&self) -> Peer {
        let state = lock(&self.0.state);
        let rings = state.pairs.iter().map(RingPair::figures).collect();
        Peer { rings, ..state.peer.clone() }
    }
}
