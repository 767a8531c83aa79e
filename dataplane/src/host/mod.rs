//! The slow path: what the router itself hears and says.
//!
//! [`Host`] is given the frames that `pipeline` punts and answers with
//! [`Action`]s: neighbour resolution by ARP (RFC 826, RFC 5227) and neighbour
//! discovery (RFC 4861, RFC 4862), ICMP errors (RFC 792, RFC 1812 section 4.3,
//! RFC 4443), echo, LSP ping (RFC 8029), and whatever else is addressed to the router. It is a state
//! machine without threads or a clock; messages are read and written with
//! smoltcp's representations.

mod action;
mod address;
mod arp;
mod check;
mod dad;
mod echo;
mod emit;
mod hold;
mod icmp;
mod limit;
mod link;
mod local;
mod lsp;
mod nd;
mod ping;
mod reassemble;
mod resolve;
mod stack;
mod sync;
#[cfg(test)]
mod tests;
mod timer;
mod walk;

use std::collections::BTreeMap;

pub use action::{
    Action, Counters, NeighbourInfo, NeighbourState, PingKind, PingReply, PingRequest, Warning,
};

pub use lsp::{LspOutcome, LspReply, LspRequest, LspTarget, NextHop, NotSent, Sent};

use crate::id::IfIndex;
use crate::packet::{DropReason, Flags, Frame, Layer3, Pool, PuntReason, Verdict};
use crate::table::Snapshot;
use crate::time::Time;
use check::finish;
use limit::RateLimit;
use link::Link;
use lsp::Asks;
use ping::Pings;
use reassemble::Reassembly;
use timer::{Timer, Timers};

/// What a call is about: when it happens, with what forwarding state, and where its answers go.
struct Turn<'a> {
    now: Time,
    snapshot: &'a Snapshot,
    out: &'a mut Vec<Action>,
}

impl Turn<'_> {
    fn drop(&mut self, frame: Frame, reason: DropReason) {
        self.out.push(Action::Drop(frame, reason));
    }
}

/// The router as a host: neighbours, its own addresses, and what it says.
#[derive(Debug)]
pub struct Host {
    pool: Pool,
    links: BTreeMap<IfIndex, Link>,
    timers: Timers,
    errors: RateLimit,
    echoes: RateLimit,
    lsp_echoes: RateLimit,
    alerts: RateLimit,
    /// By kind.
    warnings: [RateLimit; 2],
    counters: Counters,
    pings: Pings,
    asks: Asks,
    fragments: Reassembly,
    /// Frames held for neighbours.
    held: usize,
    /// When the snapshot was last told of a neighbour, or changed.
    told: Time,
    /// Identification of the next IPv4 datagram.
    ident: u16,
    /// Spreads timers; always the same start, so that a run repeats exactly.
    seed: u64,
    /// The latest time heard of.
    now: Time,
}

impl Host {
    /// A host that makes its own messages in buffers of `frames`.
    pub fn new(frames: Pool) -> Self {
        Self {
            pool: frames,
            links: BTreeMap::new(),
            timers: Timers::default(),
            errors: RateLimit::default(),
            echoes: RateLimit::default(),
            lsp_echoes: RateLimit::default(),
            alerts: RateLimit::default(),
            warnings: [RateLimit::default(); 2],
            counters: Counters::default(),
            pings: Pings::default(),
            asks: Asks::default(),
            fragments: Reassembly::default(),
            held: 0,
            told: Time::ZERO,
            ident: 0,
            seed: 0,
            now: Time::ZERO,
        }
    }

    /// Takes a punted frame, whose meta `parse` and `lookup` have filled in.
    /// It comes back in one [`Action`], at once or, if held, later.
    pub fn receive(&mut self, frame: Frame, now: Time, snapshot: &Snapshot, out: &mut Vec<Action>) {
        self.now = now;
        let turn = &mut Turn { now, snapshot, out };
        match frame.meta().verdict {
            Verdict::Punt(PuntReason::Arp) => {
                let checked = self.hear_arp(&frame, turn);
                finish(frame, checked, turn);
            }
            Verdict::Punt(PuntReason::Local | PuntReason::LinkMulticast) => self.local(frame, turn),
            Verdict::Punt(PuntReason::NeighbourMiss) => self.miss(frame, turn),
            Verdict::Punt(reason @ (PuntReason::LspPing | PuntReason::TtlExpired)) => {
                match self.hear_lsp_request(&frame, turn) {
                    Some(checked) => finish(frame, checked, turn),
                    // Only router alert brings a frame here with its labels on.
                    None if reason == PuntReason::LspPing && frame.meta().layer3 == Layer3::Mpls => {
                        self.alerted(frame, turn);
                    }
                    None => self.refuse(frame, reason, turn),
                }
            }
            Verdict::Punt(reason) => self.refuse(frame, reason, turn),
            Verdict::Drop(reason) => turn.drop(frame, reason),
            Verdict::Forward => turn.drop(frame, DropReason::LocalUnknown),
        }
    }

    /// A packet under router alert that the router has no use for itself goes on by the
    /// label beneath (RFC 3032 section 2.1); those over the rate end here.
    fn alerted(&mut self, mut frame: Frame, turn: &mut Turn<'_>) {
        if !self.alerts.take(turn.now, turn.snapshot.limits.echo_replies_per_second) {
            return turn.drop(frame, DropReason::MplsAlert);
        }
        frame.meta_mut().flags.set(Flags(Flags::HEARD.0 | Flags::RELEASED.0));
        turn.out.push(Action::Release(frame));
    }

    /// Does what is due by `now`; gives when it is to be called next.
    pub fn tick(&mut self, now: Time, snapshot: &Snapshot, out: &mut Vec<Action>) -> Time {
        self.now = now;
        let turn = &mut Turn { now, snapshot, out };
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                Timer::Neighbour(interface, address) => self.neighbour_due(interface, address, turn),
                Timer::Address(interface, address) => self.address_due(interface, address, turn),
            }
        }
        self.next_due()
    }

    /// When [`Host::tick`] is to be called next: any other call may have made it earlier.
    pub fn next_due(&self) -> Time {
        self.timers.next()
    }

    /// Received frames held for neighbours now.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes back a frame of the host's own pool.
    pub fn recycle(&mut self, frame: Frame) {
        self.pool.put(frame);
    }

    /// Free buffers of the host's own pool now.
    pub fn available(&self) -> usize {
        self.pool.available()
    }

    /// What it counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
