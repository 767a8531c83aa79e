//! One phase's figures, class by class.

use std::collections::BTreeMap;
use std::time::Duration;

use dataplane::class::TrafficClass;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::Transfer;
use super::emodel::{G711, mos, rating};
use crate::traffic::{Flow, Meter, Way};

/// What became of a class's packets, both ways together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassOutcome {
    /// Packets sent.
    pub sent: u64,
    /// Packets that never arrived.
    pub lost: u64,
    /// One-way delay that half of them kept, microseconds.
    pub p50_us: f64,
    /// One-way delay that 99 in 100 kept, microseconds.
    pub p99_us: f64,
    /// One-way delay that 999 in 1,000 kept, microseconds.
    pub p999_us: f64,
    /// Interarrival jitter (RFC 3550 section 6.4.1), mean of the flows, microseconds.
    pub jitter_us: f64,
    /// Mean opinion score, 1 to 4.5, of calls: the mean over them, each as good
    /// as its worse direction; none for other classes.
    pub mos: Option<f64>,
}

/// One phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// By class: those that had packets.
    #[serde(serialize_with = "by_name", deserialize_with = "from_names")]
    pub classes: BTreeMap<TrafficClass, ClassOutcome>,
    /// The study's way.
    pub transfer: Transfer,
}

/// What was sent, and what both receivers made of it.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Packets sent, by flow.
    pub sent: BTreeMap<Flow, u32>,
    /// Both receivers' records.
    pub received: Meter,
}

impl Measured {
    /// Takes in what one site sent and received.
    pub fn add(&mut self, sent: &BTreeMap<Flow, u32>, received: &Meter) {
        self.sent.extend(sent);
        self.received.merge(received);
    }

    /// The phase's figures.
    pub fn outcome(&self, transfer: Transfer) -> Outcome {
        let classes = TrafficClass::ALL.into_iter().filter_map(|class| Some((class, self.class(class)?)));
        Outcome { classes: classes.collect(), transfer }
    }

    fn flows(&self, class: TrafficClass) -> impl Iterator<Item = (Flow, u64)> {
        let of_class = self.sent.iter().filter(move |(flow, _)| flow.class == class);
        of_class.map(|(flow, sent)| (*flow, u64::from(*sent)))
    }

    fn class(&self, class: TrafficClass) -> Option<ClassOutcome> {
        let sent: u64 = self.flows(class).map(|(_, sent)| sent).sum();
        if sent == 0 {
            return None;
        }
        let delay = self.received.percentiles(class);
        let heard: Vec<_> = self.flows(class).filter_map(|(f, _)| self.received.stream(f)).collect();
        let jitter = heard.iter().map(|s| s.jitter()).sum::<f64>() / heard.len().max(1) as f64;
        Some(ClassOutcome {
            sent,
            lost: sent.saturating_sub(self.received.class(class).packets),
            p50_us: microseconds(delay.p50 as f64),
            p99_us: microseconds(delay.p99 as f64),
            p999_us: microseconds(delay.p999 as f64),
            jitter_us: microseconds(jitter),
            mos: (class == TrafficClass::Voice).then(|| self.calls_mos()),
        })
    }

    fn calls_mos(&self) -> f64 {
        let ups = self.flows(TrafficClass::Voice).filter(|(flow, _)| flow.way == Way::Up);
        let scores: Vec<f64> = ups
            .map(|(up, _)| self.direction_mos(up).min(self.direction_mos(Flow { way: Way::Down, ..up })))
            .collect();
        let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        (mean * 1e3).round() / 1e3
    }

    /// Score of half a call. What is lost or late is lost; the delay from mouth
    /// to ear is the filling of a packet, and the way until it is played.
    fn direction_mos(&self, flow: Flow) -> f64 {
        let sent = self.sent.get(&flow).copied().unwrap_or(0);
        let Some(stream) = self.received.stream(flow).filter(|_| sent > 0) else { return 1.0 };
        let heard = stream.received().saturating_sub(stream.playout().late());
        let loss = 1.0 - heard as f64 / f64::from(sent);
        let delay = G711.packetisation + Duration::from_nanos(stream.playout().delay());
        mos(rating(G711, delay, loss))
    }
}

/// Microseconds to a tenth.
fn microseconds(ns: f64) -> f64 {
    (ns / 100.0).round() / 10.0
}

impl Outcome {
    /// The figures of a class; zeros for one that had no packets.
    pub fn class(&self, class: TrafficClass) -> &ClassOutcome {
        const NONE: ClassOutcome = ClassOutcome {
            sent: 0,
            lost: 0,
            p50_us: 0.0,
            p99_us: 0.0,
            p999_us: 0.0,
            jitter_us: 0.0,
            mos: None,
        };
        self.classes.get(&class).unwrap_or(&NONE)
    }
}

fn by_name<S: Serializer>(classes: &BTreeMap<TrafficClass, ClassOutcome>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(classes.iter().map(|(class, outcome)| (class.name(), outcome)))
}

fn from_names<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<TrafficClass, ClassOutcome>, D::Error> {
    let named = BTreeMap::<String, ClassOutcome>::deserialize(d)?;
    named.into_iter().map(|(name, o)| Ok((name.parse().map_err(D::Error::custom)?, o))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{DemoReport, Mode};
    use crate::traffic::Probe;

    const MS: u64 = 1_000_000;

    /// A call whose packets down take `down` ms, one in `every` lost.
    fn call(down: u64, every: u32) -> Measured {
        let mut measured = Measured::default();
        for (way, delay, every) in [(Way::Up, 2, u32::MAX), (Way::Down, down, every)] {
            let flow = Flow { class: TrafficClass::Voice, number: 0, way };
            let mut meter = Meter::default();
            for sequence in (0..1_000).filter(|s| (s + 1) % every != 0) {
                let sent = u64::from(sequence) * 20 * MS;
                meter.record(&Probe { flow, sequence, asks: 0, sent }, 200, sent + delay * MS);
            }
            measured.add(&BTreeMap::from([(flow, 1_000)]), &meter);
        }
        measured
    }

    const TRANSFER: Transfer = Transfer { bytes: 1_000_000, seconds: 2.1, ideal_seconds: 2.0 };

    #[test]
    fn a_call_is_as_good_as_its_worse_direction() {
        let voice = |m: Measured| *m.outcome(TRANSFER).class(TrafficClass::Voice);
        let good = voice(call(2, u32::MAX));
        assert_eq!((good.sent, good.lost, good.jitter_us), (2_000, 0, 0.0));
        // 20 ms filling, 2 ms way, 60 ms buffer: R = 93.2 − 0.024 · 82 = 91.2.
        assert!((good.mos.unwrap() - mos(91.232)).abs() < 1e-3, "{good:?}");
        let bad = voice(call(120, 100));
        // d = 200 ms and 1 % lost: R = 93.2 − 4.8 − 2.5 − 3.6.
        assert_eq!(bad.lost, 10);
        assert!((bad.mos.unwrap() - mos(82.3)).abs() < 0.01, "{bad:?}");
    }

    #[test]
    fn the_report_s_keys() {
        let with_qos = call(2, u32::MAX).outcome(TRANSFER);
        let report =
            DemoReport { mode: Mode::Virtual, with_qos, without_qos: call(120, 100).outcome(TRANSFER) };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["mode"], "virtual");
        for phase in ["with_qos", "without_qos"] {
            let voice = &json[phase]["classes"]["voice"];
            for key in ["sent", "lost", "p50_us", "p99_us", "p999_us", "jitter_us", "mos"] {
                assert!(voice[key].is_number(), "{phase} {key}");
            }
            for key in ["bytes", "seconds", "ideal_seconds"] {
                assert!(json[phase]["transfer"][key].is_number(), "{phase} {key}");
            }
        }
        assert_eq!(serde_json::from_value::<DemoReport>(json).unwrap(), report);
        let sentence = report.conclusion();
        assert!(sentence.contains("lost nothing") && sentence.contains("lost 10 of 2000"), "{sentence}");
    }
}
