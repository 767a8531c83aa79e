//! What one site sends, in time order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Call, Flow, Probe, Response, Transactions, Video, Way};

/// A packet that a model wants sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emission {
    /// When, nanoseconds.
    pub at: u64,
    /// Of which flow.
    pub flow: Flow,
    /// Bytes from the IP header on.
    pub length: u16,
    /// Bytes of the response it asks for; 0 asks for none.
    pub asks: u32,
}

/// A packet to be sent now: the emission, and which of its flow it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// What the model asked for.
    pub emission: Emission,
    /// Counts the flow's packets from 0.
    pub sequence: u32,
}

impl Send {
    /// The payload's probe, for a packet that leaves at `now` nanoseconds.
    pub fn probe(&self, now: u64) -> Probe {
        Probe { flow: self.emission.flow, sequence: self.sequence, asks: self.emission.asks, sent: now }
    }
}

/// How much of what the two sites say to one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// G.711 calls, each both ways.
    pub calls: u16,
    /// Video sessions, each both ways.
    pub videos: u16,
    /// Bit/s of a video session, from the IP header on, each way.
    pub video_rate: u64,
    /// Clinical transactions a second, asked from the surgery.
    pub transactions: f64,
    /// Whether all calls send at the same instants; else each at a random phase of its 20 ms.
    pub together: bool,
}

impl Default for Mix {
    /// A busy small surgery: 30 calls, one 1 Mbit/s video session, 1.3 transactions a second.
    fn default() -> Self {
        Self { calls: 30, videos: 1, video_rate: 1_000_000, transactions: 1.3, together: false }
    }
}

impl Mix {
    /// Bit/s that the hospital's part takes of a link on the mean, with `per_packet`
    /// bytes more for each packet.
    pub fn rate_down(&self, per_packet: i64) -> f64 {
        let wire = |bytes: f64, full: u16| bytes * (1.0 + per_packet as f64 / f64::from(full));
        let calls = f64::from(self.calls) * 50.0 * wire(f64::from(Call::LENGTH), Call::LENGTH) * 8.0;
        let videos = f64::from(self.videos) * wire(self.video_rate as f64, Video::FULL);
        let responses = self.transactions * wire(Response::MEAN, Response::FULL) * 8.0;
        calls + videos + responses
    }

    /// What the site that sends `way` sends, from `start` until `end` nanoseconds.
    /// One seed, one schedule.
    pub fn schedule(&self, way: Way, start: u64, end: u64, seed: u64) -> Schedule {
        let mut rng = StdRng::seed_from_u64(seed ^ way as u64);
        let mut schedule =
            Schedule { sources: Vec::new(), due: BinaryHeap::new(), sent: BTreeMap::new(), end };
        for number in 0..self.calls {
            let phase = if self.together { 0 } else { rng.random_range(0..Call::INTERVAL) };
            schedule.add(Source::Call(Call::new(number, way, start + phase)));
        }
        for number in 0..self.videos {
            let (phase, seed) = (rng.random_range(0..40_000_000), rng.random());
            schedule.add(Source::Video(Video::new(number, way, self.video_rate, start + phase, seed)));
        }
        if way == Way::Up && self.transactions > 0.0 {
            let seed = rng.random();
            schedule.add(Source::Transactions(Transactions::new(0, way, self.transactions, start, seed)));
        }
        schedule
    }
}

#[derive(Debug)]
enum Source {
    Call(Call),
    Video(Video),
    Transactions(Transactions),
    Response(Response),
}

impl Source {
    fn next(&mut self) -> Option<Emission> {
        match self {
            Self::Call(call) => call.next(),
            Self::Video(video) => video.next(),
            Self::Transactions(transactions) => transactions.next(),
            Self::Response(response) => response.next(),
        }
    }
}

/// The merged packets of one site's models.
#[derive(Debug)]
pub struct Schedule {
    /// Each with its next emission; `None` once it has ended.
    sources: Vec<(Source, Option<Emission>)>,
    /// When each source is next due; ties go to the earlier source.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    sent: BTreeMap<Flow, u32>,
    end: u64,
}

impl Schedule {
    fn add(&mut self, source: Source) {
        // An ended source's place is taken again, so that responses do not pile up.
        let place = self.sources.iter().position(|(_, next)| next.is_none());
        let place = place.unwrap_or(self.sources.len());
        if place == self.sources.len() {
            self.sources.push((source, None));
        } else {
            self.sources[place].0 = source;
        }
        self.advance(place);
    }

    fn advance(&mut self, place: usize) {
        let (source, next) = &mut self.sources[place];
        *next = source.next().filter(|e| e.at < self.end);
        if let Some(emission) = next {
            self.due.push(Reverse((emission.at, place)));
        }
    }

    /// When the next packet is due, nanoseconds; `None` when all is sent.
    pub fn next_due(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// The next packet, if it is due by `now`; it counts as sent.
    pub fn pop(&mut self, now: u64) -> Option<Send> {
        let Reverse((_, place)) = *self.due.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.due.pop();
        let emission = self.sources[place].1.take()?;
        self.advance(place);
        let count = self.sent.entry(emission.flow).or_default();
        *count += 1;
        Some(Send { emission, sequence: *count - 1 })
    }

    /// Takes in a request that arrived `now`: its response is sent from then on.
    pub fn answer(&mut self, request: &Probe, now: u64) {
        if request.asks > 0 && now < self.end {
            self.add(Source::Response(Response::new(request.flow, request.asks, now)));
        }
    }

    /// Sends nothing that is due at or after `now` any more.
    pub fn stop(&mut self, now: u64) {
        self.end = now.min(self.end);
        for (_, next) in &mut self.sources {
            *next = next.filter(|e| e.at < now);
        }
        self.due.retain(|Reverse((at, _))| *at < now);
    }

    /// Packets sent so far, by flow.
    pub fn sent(&self) -> &BTreeMap<Flow, u32> {
        &self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataplane::class::TrafficClass;

    fn all(mut schedule: Schedule) -> (Vec<Send>, Schedule) {
        let sends = std::iter::from_fn(|| schedule.pop(u64::MAX)).collect();
        (sends, schedule)
    }

    #[test]
    fn a_site_sends_in_order_and_counts_what_it_sent() {
        let (sends, schedule) = all(Mix::default().schedule(Way::Up, 5, 2_000_000_005, 1));
        assert!(sends.is_sorted_by_key(|s| s.emission.at));
        let voice = sends.iter().filter(|s| s.emission.flow.class == TrafficClass::Voice).count();
        assert_eq!(voice, 30 * 100);
        let counted: u32 = schedule.sent().values().sum();
        assert_eq!(counted as usize, sends.len());
        let one = sends.iter().filter(|s| s.emission.flow == sends[0].emission.flow);
        assert!(one.map(|s| s.sequence).eq(0..100));
    }

    #[test]
    fn a_stopped_site_sends_only_what_was_due_before() {
        let mut schedule = Mix::default().schedule(Way::Up, 0, u64::MAX, 3);
        schedule.stop(500_000_000);
        let (sends, schedule) = all(schedule);
        assert!(sends.iter().all(|s| s.emission.at < 500_000_000));
        assert_eq!(schedule.sent().keys().filter(|f| f.class == TrafficClass::Voice).count(), 30);
        assert_eq!(schedule.next_due(), None);
    }

    #[test]
    fn one_seed_is_one_schedule() {
        let packets = |seed| all(Mix::default().schedule(Way::Down, 0, 1_000_000_000, seed)).0;
        assert_eq!(packets(7), packets(7));
        assert_ne!(packets(7), packets(8));
    }

    #[test]
    fn a_request_is_answered_the_other_way() {
        let quiet = Mix { calls: 0, videos: 0, ..Mix::default() };
        let mut hospital = quiet.schedule(Way::Down, 0, 1_000_000_000, 1);
        assert_eq!(hospital.next_due(), None);
        let flow = Flow { class: TrafficClass::Clinical, number: 0, way: Way::Up };
        hospital.answer(&Probe { flow, sequence: 1, asks: 4_000, sent: 10 }, 20);
        let lengths: Vec<_> = std::iter::from_fn(|| hospital.pop(20)).map(|s| s.emission.length).collect();
        assert_eq!(lengths, [1448, 1448, 1104]);
    }
}
