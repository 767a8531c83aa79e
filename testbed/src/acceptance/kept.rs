//! What came of a row: the study's time, the calls' packets, and what stood in its queue.

use std::collections::BTreeMap;
use std::time::Duration;

use dataplane::class::TrafficClass;

use super::Row;
use crate::traffic::{Flow, Meter};

/// Tenths of a second running that a queue may be over its target: a sender in slow start hears
/// of it after the first, then once in a tenth and ever more often (RFC 8289 section 5.4).
const SPELL: usize = 5;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Seconds from the request to the last byte.
    pub seconds: f64,
    /// Seconds that it takes at best.
    pub ideal: f64,
    /// Packets of calls sent, both ways.
    pub sent: u64,
    /// Of these, those that did not arrive.
    pub lost: u64,
    /// Frames of any class that virtual lines dropped, before the router or behind it.
    pub line: u64,
    /// The longest that one of them queued, its own sending counted.
    pub worst: Duration,
    /// The largest of the calls' delay variations: each call's 99.9th percentile over its least.
    pub variation: Duration,
    /// The least that the study's segments queued in each tenth of a second, one after the other;
    /// empty where that was not measured.
    pub standing: Vec<Duration>,
}

impl Kept {
    /// Takes in what one site sent and the other heard, every packet's way being `way` long without a queue.
    pub fn add_calls(&mut self, sent: &BTreeMap<Flow, u32>, heard: &mut Meter, way: Duration) {
        let sent: u64 = sent.values().map(|n| u64::from(*n)).sum();
        self.sent += sent;
        self.lost += sent.saturating_sub(heard.class(TrafficClass::Voice).packets);
        let worst = heard.take_worst().get(&TrafficClass::Voice).copied().unwrap_or(0);
        self.worst = self.worst.max(Duration::from_nanos(worst).saturating_sub(way));
        let variation = heard.streams().map(|(_, stream)| stream.variation(0.999)).max().unwrap_or(0);
        self.variation = self.variation.max(Duration::from_nanos(variation));
    }

    /// How many times its ideal time the study took.
    pub fn ratio(&self) -> f64 {
        self.seconds / self.ideal
    }

    /// For how many tenths of a second running the least was longer than `target`, at most.
    fn stood(&self, target: Duration) -> usize {
        let spells = self.standing.split(|least| *least <= target);
        spells.map(<[Duration]>::len).max().unwrap_or(0)
    }

    /// Everything that the table asks and that was not so.
    pub fn broken(&self, row: &Row) -> Vec<String> {
        let (bound, target, allowed) = (row.bound(), row.target(), row.percent as f64 / 100.0);
        let over = self.standing.iter().filter(|least| **least > target).count();
        let stood = self.stood(target);
        let asked = [
            (
                self.ratio() <= allowed,
                format!("the study took {:.3} of its ideal time; {allowed} is allowed", self.ratio()),
            ),
            (
                self.sent > 0 && self.lost == 0,
                format!("{} of {} packets of calls were lost", self.lost, self.sent),
            ),
            (
                self.worst <= bound,
                format!("a packet of a call queued {:?}; the bound is {bound:?}", self.worst),
            ),
            (
                self.variation <= bound / 2,
                format!("a call's delay varies by {:?}; half of {bound:?} is allowed", self.variation),
            ),
            (
                stood <= SPELL && over * 10 <= self.standing.len(),
                format!("a queue over {target:?} stands for {stood} tenths of a second, {over} in all"),
            ),
        ];
        asked.into_iter().filter(|(held, _)| !held).map(|(_, what)| what).collect()
    }
}
