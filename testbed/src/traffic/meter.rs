//! What a receiver makes of the probes it gets: loss, delay, jitter, lateness.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hdrhistogram::Histogram;

use super::{Flow, Playout, Probe};
use dataplane::class::TrafficClass;

/// Packets and bytes, from the IP header on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

impl Counts {
    /// Bytes with `overhead` more for each packet.
    pub fn with_overhead(&self, overhead: i64) -> u64 {
        self.bytes.saturating_add_signed(overhead * self.packets as i64)
    }

    /// What came since `earlier`.
    pub fn since(&self, earlier: Counts) -> Counts {
        Counts {
            packets: self.packets.saturating_sub(earlier.packets),
            bytes: self.bytes.saturating_sub(earlier.bytes),
        }
    }
}

/// What was received of one flow.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Which sequence numbers came, a bit each.
    seen: Vec<u64>,
    received: u64,
    last_transit: Option<u64>,
    /// Interarrival jitter now (RFC 3550 section 6.4.1), and its sum over the packets.
    jitter: f64,
    jitter_sum: f64,
    playout: Playout,
    /// Each packet's time on the way, nanoseconds, where they are kept.
    transits: Vec<u64>,
}

impl Stream {
    /// `false` for a packet that came before.
    fn first_time(&mut self, sequence: u32) -> bool {
        let (word, bit) = (sequence as usize / 64, 1 << (sequence % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        let first = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        first
    }

    fn record(&mut self, sequence: u32, transit: u64) {
        self.received += 1;
        if let Some(last) = self.last_transit.replace(transit) {
            self.jitter += (transit.abs_diff(last) as f64 - self.jitter) / 16.0;
        }
        self.jitter_sum += self.jitter;
        self.playout.take(sequence, transit);
    }

    /// Packets received, each once.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Mean over the packets of the interarrival jitter (RFC 3550 section 6.4.1),
    /// nanoseconds: the standard's running estimate tells of its last seconds only.
    pub fn jitter(&self) -> f64 {
        if self.received == 0 { 0.0 } else { self.jitter_sum / self.received as f64 }
    }

    /// Delay variation (RFC 5481 section 4.2): by how much the transit that `quantile` of the packets kept
    /// was over the least, nanoseconds. 0 where transits are not kept ([`Meter::keeping_transits`]).
    pub fn variation(&self, quantile: f64) -> u64 {
        let mut sorted = self.transits.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let at = ((sorted.len() as f64 * quantile).ceil() as usize).saturating_sub(1).min(last);
        sorted.get(at).zip(sorted.first()).map_or(0, |(at, least)| at - least)
    }

    /// What a telephone's buffer makes of it.
    pub fn playout(&self) -> &Playout {
        &self.playout
    }
}

/// Delays of a class at given quantiles, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Half the packets took no longer.
    pub p50: u64,
    /// 99 in 100 took no longer.
    pub p99: u64,
    /// 999 in 1,000 took no longer.
    pub p999: u64,
}

/// A receiver's record: by flow, and the delays of each class.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    streams: BTreeMap<Flow, Stream>,
    delays: BTreeMap<TrafficClass, Histogram<u64>>,
    by_class: BTreeMap<TrafficClass, Counts>,
    /// The longest delay since it was last asked for, nanoseconds.
    worst: BTreeMap<TrafficClass, u64>,
    keeps_transits: bool,
}

/// Significant digits of recorded delays.
const DIGITS: u8 = 3;
/// Longest delay told apart, nanoseconds.
const LONGEST: u64 = 60_000_000_000;

impl Meter {
    /// A record that keeps every packet's time on the way, for [`Stream::variation`].
    pub fn keeping_transits() -> Self {
        Self { keeps_transits: true, ..Self::default() }
    }

    /// Takes in a probe that arrived at `now` nanoseconds in a packet of
    /// `length` bytes from the IP header on. A duplicate counts once.
    pub fn record(&mut self, probe: &Probe, length: u16, now: u64) {
        let stream = self.streams.entry(probe.flow).or_default();
        if !stream.first_time(probe.sequence) {
            return;
        }
        let transit = now.saturating_sub(probe.sent);
        stream.record(probe.sequence, transit);
        if self.keeps_transits {
            stream.transits.push(transit);
        }
        let class = probe.flow.class;
        let worst = self.worst.entry(class).or_default();
        *worst = transit.max(*worst);
        let counts = self.by_class.entry(class).or_default();
        counts.packets += 1;
        counts.bytes += u64::from(length);
        if let Entry::Vacant(entry) = self.delays.entry(class) {
            let Ok(empty) = Histogram::new_with_max(LONGEST, DIGITS) else { return };
            entry.insert(empty);
        }
        if let Some(delays) = self.delays.get_mut(&class) {
            delays.saturating_record(transit);
        }
    }

    /// Takes in another receiver's record of other flows.
    pub fn merge(&mut self, other: &Meter) {
        for (flow, stream) in &other.streams {
            self.streams.insert(*flow, stream.clone());
        }
        for (class, counts) in &other.by_class {
            let sum = self.by_class.entry(*class).or_default();
            sum.packets += counts.packets;
            sum.bytes += counts.bytes;
        }
        for (class, delays) in &other.delays {
            match self.delays.get_mut(class) {
                // Same bounds on both sides, so that adding cannot fail.
                Some(sum) => drop(sum.add(delays)),
                None => drop(self.delays.insert(*class, delays.clone())),
            }
        }
    }

    /// What came of a flow, if anything did.
    pub fn stream(&self, flow: Flow) -> Option<&Stream> {
        self.streams.get(&flow)
    }

    /// The longest one-way delay of each class since this was last asked, nanoseconds.
    pub fn take_worst(&mut self) -> BTreeMap<TrafficClass, u64> {
        std::mem::take(&mut self.worst)
    }

    /// All flows of which something came.
    pub fn streams(&self) -> impl Iterator<Item = (Flow, &Stream)> {
        self.streams.iter().map(|(flow, stream)| (*flow, stream))
    }

    /// What came of a class.
    pub fn class(&self, class: TrafficClass) -> Counts {
        self.by_class.get(&class).copied().unwrap_or_default()
    }

    /// What came of all classes.
    pub fn total(&self) -> Counts {
        self.by_class.values().fold(Counts::default(), |sum, c| Counts {
            packets: sum.packets + c.packets,
            bytes: sum.bytes + c.bytes,
        })
    }

    /// One-way delays of a class; zeros when nothing of it came.
    pub fn percentiles(&self, class: TrafficClass) -> Percentiles {
        let at = |q| self.delays.get(&class).map_or(0, |d| d.value_at_quantile(q));
        Percentiles { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Way;

    const MS: u64 = 1_000_000;
    const FLOW: Flow = Flow { class: TrafficClass::Voice, number: 1, way: Way::Up };

    fn probe(sequence: u32) -> Probe {
        Probe { flow: FLOW, sequence, asks: 0, sent: u64::from(sequence) * 20 * MS }
    }

    #[test]
    fn duplicates_count_once_and_order_does_not_matter() {
        let mut meter = Meter::default();
        for sequence in [0, 2, 1, 2, 0, 70] {
            meter.record(&probe(sequence), 200, 2_000 * MS);
        }
        assert_eq!(meter.class(TrafficClass::Voice), Counts { packets: 4, bytes: 800 });
        assert_eq!(meter.total().with_overhead(18), 872);
    }

    #[test]
    fn jitter_is_the_smoothed_difference_of_transit_times() {
        let mut meter = Meter::default();
        // Transit 5, 21, 5, 21 … ms: |D| is 16 ms each time, so J approaches 16 ms.
        for sequence in 0..2_000 {
            let transit = if sequence % 2 == 0 { 5 } else { 21 };
            meter.record(&probe(sequence), 200, probe(sequence).sent + transit * MS);
        }
        let jitter = meter.stream(FLOW).unwrap().jitter();
        assert!((jitter / MS as f64 - 16.0).abs() < 0.2, "{jitter}");
        // The first step of the recurrence: J = 16/16 = 1 ms.
        let mut two = Meter::default();
        two.record(&probe(0), 200, 5 * MS);
        two.record(&probe(1), 200, 41 * MS);
        assert_eq!(two.stream(FLOW).unwrap().jitter(), 0.5 * MS as f64);
    }

    #[test]
    fn variation_is_over_the_least_transit_of_the_call() {
        let mut meter = Meter::keeping_transits();
        for sequence in 0..1_000 {
            meter.record(&probe(sequence), 200, probe(sequence).sent + (7 + u64::from(sequence)) * MS);
        }
        let stream = meter.stream(FLOW).unwrap();
        assert_eq!((stream.variation(0.999), stream.variation(1.0)), (998 * MS, 999 * MS));
        assert_eq!(Stream::default().variation(0.999), 0);
    }

    #[test]
    fn percentiles_are_those_of_the_delays() {
        let mut meter = Meter::default();
        for sequence in 0..1_000 {
            meter.record(&probe(sequence), 200, probe(sequence).sent + u64::from(sequence + 1) * MS);
        }
        let p = meter.percentiles(TrafficClass::Voice);
        for (found, wanted) in [(p.p50, 500), (p.p99, 990), (p.p999, 999)] {
            assert!(
                (found as f64 / MS as f64 - f64::from(wanted)).abs() < f64::from(wanted) * 0.002,
                "{p:?}"
            );
        }
        assert_eq!(meter.percentiles(TrafficClass::Video), Percentiles::default());
    }
}
