//! Questions whose answers come later, and who waits for them.

use std::collections::VecDeque;
use std::sync::mpsc;

use crate::host::{LspReply, PingReply};
use crate::id::VrfId;
use crate::time::Time;

/// Nanoseconds after which nobody waits for an answer any more.
const TIMEOUT: u64 = 10_000_000_000;

/// Questions of one kind, told apart by `K`; oldest first.
#[derive(Debug)]
pub(super) struct Waiting<K, R> {
    open: VecDeque<(K, Time, mpsc::Sender<R>)>,
}

impl<K, R> Default for Waiting<K, R> {
    fn default() -> Self {
        Self { open: VecDeque::new() }
    }
}

impl<K: PartialEq, R> Waiting<K, R> {
    /// Takes in a question asked at `now`.
    pub(super) fn add(&mut self, key: K, now: Time, reply: mpsc::Sender<R>) {
        self.open.push_back((key, Time(now.nanos().saturating_add(TIMEOUT)), reply));
    }

    fn give(&mut self, key: &K, answer: R) {
        let at = self.open.iter().position(|(k, ..)| k == key);
        if let Some((.., reply)) = at.and_then(|at| self.open.remove(at)) {
            // A questioner that went away needs no answer.
            let _ = reply.send(answer);
        }
    }

    fn expire(&mut self, now: Time) {
        while self.open.front().is_some_and(|(_, until, _)| *until <= now) {
            self.open.pop_front();
        }
    }
}

/// All open questions.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// By Vrf, identifier and sequence number.
    pub(super) pings: Waiting<(VrfId, u16, u16), PingReply>,
    /// By handle and sequence number.
    pub(super) lsp_pings: Waiting<(u32, u32), LspReply>,
}

impl Questions {
    /// What became of a ping.
    pub(super) fn pong(&mut self, reply: PingReply) {
        self.pings.give(&(reply.vrf, reply.ident, reply.sequence), reply);
    }

    /// What became of an MPLS echo request.
    pub(super) fn lsp_pong(&mut self, reply: LspReply) {
        self.lsp_pings.give(&(reply.handle, reply.sequence), reply);
    }

    /// Forgets those that nobody waits for any more.
    pub(super) fn expire(&mut self, now: Time) {
        self.pings.expire(now);
        self.lsp_pings.expire(now);
    }
}
