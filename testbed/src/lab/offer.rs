//! Steady traffic to the router, and the rates at which it leaves.

use std::time::Duration;

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::counters::TrafficCount;
use dataplane::id::IfIndex;
use dataplane::time::Time;

use super::Lab;
use crate::packet::Packet;

/// A packet sent again and again.
#[derive(Debug)]
pub(super) struct Flow {
    to: String,
    bytes: Vec<u8>,
    interval: Duration,
    next: Time,
}

/// Counts at the beginning of the last [`Lab::run`].
#[derive(Debug, Default)]
pub(super) struct Window {
    since: Time,
    sent: Vec<(IfIndex, [TrafficCount; CLASSES])>,
}

impl Lab {
    /// Sends this packet from now on every `interval`, until [`Lab::stop_offering`].
    ///
    /// # Panics
    /// As [`Lab::send`].
    #[track_caller]
    pub fn offer(&mut self, to: &str, packet: impl Into<Packet>, interval: Duration) {
        let bytes = self.filled_in(to, packet.into()).encode_padded();
        let port = self.port_of(to);
        let interval = interval.max(Duration::from_nanos(1));
        self.flows.push(Flow { to: port, bytes, interval, next: self.now });
    }

    /// As [`Lab::offer`], at a rate in bits of layer 2 (no FCS) a second.
    ///
    /// # Panics
    /// As [`Lab::send`].
    #[track_caller]
    pub fn offer_rate(&mut self, to: &str, packet: impl Into<Packet>, bits_per_second: u64) {
        let packet = self.filled_in(to, packet.into());
        let bits = packet.encode_padded().len() as u64 * 8;
        let interval = Duration::from_nanos(bits * 1_000_000_000 / bits_per_second.max(1));
        self.offer(to, packet, interval);
    }

    /// Ends all steady traffic.
    pub fn stop_offering(&mut self) {
        self.flows.clear();
    }

    /// When the next frame is due.
    pub(super) fn next_offer(&self) -> Time {
        self.flows.iter().map(|flow| flow.next).min().unwrap_or(Time::NEVER)
    }

    /// Puts what is due on the lines.
    #[track_caller]
    pub(super) fn offer_due(&mut self) {
        for flow in self.flows.iter_mut().filter(|flow| flow.next <= self.now) {
            while flow.next <= self.now {
                let took = self.lines.get(&flow.to).is_some_and(|line| line.put(self.now, 0, &flow.bytes));
                assert!(took, "the line of \"{}\" is full or down", flow.to);
                flow.next = flow.next + flow.interval;
            }
        }
    }

    pub(crate) fn open_window(&mut self) {
        let snapshot = self.snapshot();
        let handle = self.router.handle();
        let sent = |id| (id, handle.interface_counts(id).sent);
        self.window =
            Window { since: self.now, sent: snapshot.interfaces.iter().map(|(_, i)| sent(i.id)).collect() };
    }

    /// What an interface sent of a class during the last [`Lab::run`].
    ///
    /// # Panics
    /// When there is no such interface.
    #[track_caller]
    pub fn sent(&self, interface: &str, class: TrafficClass) -> TrafficCount {
        let Some(found) = Self::interface_of(&self.snapshot(), interface) else {
            panic!("there is no interface \"{interface}\"")
        };
        let before = self.window.sent.iter().find(|(id, _)| *id == found.id);
        let before = before.map_or(TrafficCount::default(), |(_, sent)| sent[class.index()]);
        let after = self.router.handle().interface_counts(found.id).sent[class.index()];
        TrafficCount { frames: after.frames - before.frames, bytes: after.bytes - before.bytes }
    }

    /// The rate at which an interface sent a class during the last [`Lab::run`], bits of
    /// layer 2 (no FCS) a second.
    ///
    /// # Panics
    /// When there is no such interface.
    #[track_caller]
    pub fn rate(&self, interface: &str, class: TrafficClass) -> f64 {
        let seconds = self.now.since(self.window.since) as f64 / 1e9;
        self.sent(interface, class).bytes as f64 * 8.0 / seconds.max(1e-9)
    }
}
