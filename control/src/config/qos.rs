//! `[interface.qos]`, and what it means for the engine.
//!
//! Every default is written down here, so that what is not said is still known:
//! a shaped interface polices its priority classes to a third of its rate
//! (RFC 3246 section 2.8 asks for a bound), and bounds each queue by what its class
//! sends in a time.

use std::collections::BTreeMap;

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::qos::{
    self, ClassQos, CodelSpec, InterfaceQos, PolicerSpec, RateSpec, ShaperSpec, WredCurve, default_curves,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::types::Interface;
use super::units::{Rate, Size, Span};
use super::values::Class;
use super::words::{Aqm, Cells, Discipline};

/// Bytes that layer 2 puts before a datagram: Ethernet and two tags.
const LAYER2: u64 = 22;
/// What the burst of a policer is for: every call sends once in it (G.711, 20 ms).
pub(super) const POLICER_BURST: Span = Span(20_000_000);
/// Share of voice that has no priority.
const VOICE_WEIGHT: u32 = 20;
/// What a queue holds unless a limit is set, as time: of priority classes, and of the others.
const URGENT_TIME: Span = Span(20_000_000);
const USUAL_TIME: Span = Span(200_000_000);
/// What a queue without priority holds at least, as time at all of the rate, so that what is idle can be borrowed.
const BORROWED_TIME: Span = Span(50_000_000);
/// Full frames that a queue holds at least, unless a limit is set.
const LEAST_FRAMES: u64 = 8;
/// Bytes that a queue holds at most, unless a limit is set.
const MOST_BYTES: u64 = 16 << 20;

/// `[interface.qos]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Qos {
    /// Rate of the interface, 8 kbit/s to 400 Gbit/s. Default: not shaped.
    pub rate: Option<Rate>,
    /// What it gets before any interface of its port gets more than its own, 8 kbit/s to `rate`, which
    /// it needs; all of a port's together at most the port's rate. Default: none.
    pub guaranteed: Option<Rate>,
    /// Its part of what no interface of its port is guaranteed, relative to theirs, 1 to 100. Default 1.
    pub weight: u32,
    /// What its queues hold together at most, 64 B to 1 GiB. Default: what each may.
    pub limit: Option<Size>,
    /// Burst as time at the rate, 10 us to 1 s; a full frame always passes. It makes up for turns that came
    /// late; what passes while nothing waits is not saved. Default "2 ms".
    pub burst: Span,
    /// Bytes a frame counts for beside its layer-2 length without FCS, −64 to 256; or "ethernet"
    /// (24: preamble, FCS and gap), "ethernet-fcs" (4), "layer-2" (0), "ip" (−14); for DSL, which sets
    /// `cells` too: "pppoe-llc", "pppoe-vcmux", "pppoa-llc", "pppoa-vcmux", "ipoa-llc", "ipoa-vcmux", "bridged-llc",
    /// "bridged-vcmux" (ATM), "pppoe-ptm", "bridged-ptm" (VDSL2). A frame of less than 60 bytes counts as 60, which lines
    /// fill it up to. Default "ethernet".
    pub overhead: i16,
    /// What the line packs frames into: "none", "atm" (53 bytes for 48) or "ptm" (65 for 64). Default: as
    /// `overhead` says, "none" otherwise.
    pub cells: Cells,
    /// "classes" or "fifo". Default "classes".
    pub discipline: Discipline,
    /// `[interface.qos.CLASS]`, by class name.
    #[serde(flatten)]
    pub classes: BTreeMap<Class, ClassSettings>,
}

impl Default for Qos {
    fn default() -> Self {
        let discipline = Discipline::Classes;
        Self {
            rate: None,
            guaranteed: None,
            weight: 1,
            limit: None,
            burst: Span(2_000_000),
            overhead: 24,
            cells: Cells::None,
            discipline,
            classes: BTreeMap::new(),
        }
    }
}

/// `[interface.qos.CLASS]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ClassSettings {
    /// Served before every class without it (RFC 3246). Default: voice only.
    pub priority: Option<bool>,
    /// Share of what priority leaves, relative to the other weights, 1 to 10,000; 0: only
    /// what no weighted class wants, which control may not be. Default: control 5, voice 20 where it has no
    /// priority, video 20, national 15, clinical 15, imaging 25, standard 20, scavenger 0.
    pub weight: Option<u32>,
    /// What it gets at least when all wait, of what the interface is guaranteed or, where that is not
    /// said, of its rate; 8 kbit/s to 400 Gbit/s. What no class is guaranteed is divided by weight. Default: none.
    pub guaranteed: Option<Rate>,
    /// What it gets at most, 8 kbit/s to the interface's rate. Default: what the interface has.
    pub rate: Option<Rate>,
    /// What its queue holds at most: a size, a time (the longest wait), or both in a list.
    /// Default: a size, at least 8 full frames and at most 16 MiB. Of priority classes what the interface's rate
    /// (the port's, where it has none) sends in 20 ms. Of the others what the class itself sends in 200 ms when all
    /// classes of the interface wait, by guarantee and weight; and, but for control, no less than the rate sends in 50 ms,
    /// since a class may have all that is idle. Control's part is of what the interface is guaranteed, where that is said.
    /// 200 ms of the rate where "codel" or a time for a limit bounds the wait, and where the class has no part
    /// (weight 0). 1 MiB where nothing has a rate.
    pub limit: Limit,
    /// How senders learn that the queue is long: "tail", "codel" (RFC 8289) or "wred" (RFC 2309,
    /// by colour). Default: imaging and standard "codel", the others "tail".
    pub aqm: Option<Aqm>,
    /// Flows with a queue of their own at once, served in turn (RFC 8290), 0 to 65,535; 0 is one queue
    /// for the class. Default: imaging and standard 1024, the others 0.
    pub flows: Option<u16>,
    /// Whether packets whose ends know ECN are marked in place of being dropped early (RFC 3168). Default false.
    pub ecn: bool,
    /// With "codel": the wait that may stand, 10 us to 10 s; raised to what a full frame takes at the
    /// class's share of the rate. Default "5 ms".
    pub target: Option<Span>,
    /// With "codel": a round trip of the slower flows, 10 us to 10 s. Default "100 ms".
    pub interval: Option<Span>,
    /// With "wred": `{ green = { from, to, percent }, yellow, red }`, sizes of the average queue.
    /// Default: 10 % at the end of the curve; green from half of the limit to all of it, yellow from a third to two
    /// thirds, red from a sixth to a third.
    pub wred: Wred,
    /// Policer; `false` is none. Default: of priority classes on a shaped interface, a third of the rate.
    pub policer: PolicerChoice,
}

/// What a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Limit {
    /// In bytes, 64 B to 1 GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// In time, 10 us to 10 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Span>,
}

/// Early detection by colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Wred {
    /// In contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub green: Option<Curve>,
    /// Over the committed rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yellow: Option<Curve>,
    /// Over every rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub red: Option<Curve>,
}

/// `{ from, to, percent }`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Curve {
    /// Average queue at which drops begin, 64 B to 1 GiB.
    pub from: Size,
    /// Average queue at which everything is dropped, 64 B to 1 GiB, more than `from`.
    pub to: Size,
    /// Of a hundred that come just below `to`, so many are dropped, 1 to 100.
    pub percent: u8,
}

impl Curve {
    fn spec(self) -> WredCurve {
        let bytes = |size: Size| u32::try_from(size.0).unwrap_or(u32::MAX);
        WredCurve { from: bytes(self.from), to: bytes(self.to), percent: self.percent }
    }
}

/// Whether a class is policed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicerChoice {
    /// As the default says.
    #[default]
    Default,
    /// Not at all.
    None,
    /// To this.
    Policer(Policer),
}

/// `{ rate, burst }`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Policer {
    /// 8 kbit/s to 400 Gbit/s.
    pub rate: Rate,
    /// Depth of the bucket, bytes. Written as a size, or as time at the rate, and at least one
    /// full frame. Default "20 ms".
    pub burst: Size,
}

impl Policer {
    /// With the default burst, for frames of up to `mtu` bytes at layer 3.
    pub(super) fn with_default_burst(rate: Rate, mtu: u16) -> Self {
        Self::with_burst_time(rate, POLICER_BURST, mtu)
    }

    pub(super) fn with_burst_time(rate: Rate, time: Span, mtu: u16) -> Self {
        Self { rate, burst: Size(rate.bytes_in(time).max(full_frame(mtu))) }
    }

    fn spec(self) -> PolicerSpec {
        PolicerSpec { rate: self.rate.0, burst: self.burst.0 }
    }
}

/// Layer-2 bytes of the longest frame of an interface.
pub(super) fn full_frame(mtu: u16) -> u64 {
    u64::from(mtu) + LAYER2
}

impl Interface {
    /// What the engine is given for this interface's egress, by a port of that rate, where it is known.
    pub(crate) fn qos_spec(&self, line: Option<Rate>) -> InterfaceQos {
        let qos = self.qos.clone().unwrap_or_default();
        let mut spec = InterfaceQos {
            shaper: qos.rate.map(|rate| ShaperSpec {
                rate: rate.0,
                burst: qos.burst.0,
                overhead: qos.overhead,
                cells: match qos.cells {
                    Cells::None => qos::Cells::None,
                    Cells::Atm => qos::Cells::Atm,
                    Cells::Ptm => qos::Cells::Ptm,
                },
            }),
            assured: qos.guaranteed.map(|rate| RateSpec { rate: rate.0, burst: qos.burst.0 }),
            weight: qos.weight,
            limit_bytes: qos.limit.map_or(0, |limit| limit.0),
            discipline: match qos.discipline {
                Discipline::Classes => qos::Discipline::Classes,
                Discipline::Fifo => qos::Discipline::Fifo,
            },
            ..InterfaceQos::default()
        };
        let settings =
            TrafficClass::ALL.map(|class| qos.classes.get(&Class(class)).cloned().unwrap_or_default());
        for (slot, settings) in spec.classes.iter_mut().zip(&settings) {
            *slot = settings.spec(*slot, &qos, self.longest());
            slot.labels = self.label_marks();
        }
        // What a queue holds follows from what all classes are given.
        let parts = parts(&spec, qos.rate.or(line));
        for ((slot, settings), part) in spec.classes.iter_mut().zip(&settings).zip(parts) {
            let rate = settings.rate.or(qos.rate).or(line);
            slot.limit_bytes = settings.limit_bytes(slot, rate, part, self.longest());
            slot.aqm = settings.aqm(slot.aqm, slot.limit_bytes);
        }
        spec
    }
}

/// A class's part of its interface's rate.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// What it sends when all classes of the interface wait.
    sure: Rate,
    /// Whether it is to have room for what it borrows.
    borrows: bool,
}

/// The part of each class without priority, by guarantee and weight, of what the policers of priority leave; `None`
/// has none of its own.
fn parts(spec: &InterfaceQos, rate: Option<Rate>) -> [Option<Part>; CLASSES] {
    let (shares, fifo) = (spec.shares().map(u128::from), spec.discipline == qos::Discipline::Fifo);
    let policers = spec.classes.iter().filter(|class| class.priority).map(|class| class.policer);
    let policed = policers.map(|policer| Some(policer?.rate)).sum::<Option<u64>>().unwrap_or(0);
    std::array::from_fn(|class| {
        // Routing lives by what is sure whatever other interfaces send, and does not fill what is idle.
        let borrows = class != TrafficClass::Control.index();
        let own = spec.assured.filter(|_| !borrows).map(|own| own.rate);
        let left = own.or(rate.map(|rate| rate.0))?.saturating_sub(policed);
        let sure = u128::from(left) * shares[class] / shares.iter().sum::<u128>().max(1);
        let sure = Rate(u64::try_from(sure).unwrap_or(left));
        (shares[class] > 0 && !fifo).then_some(Part { sure, borrows })
    })
}

impl ClassSettings {
    fn spec(&self, default: ClassQos, qos: &Qos, mtu: u16) -> ClassQos {
        let rate = qos.rate;
        let priority = self.priority.unwrap_or(default.priority);
        ClassQos {
            priority,
            weight: self.weight.unwrap_or(match default.priority && !priority {
                true => VOICE_WEIGHT,
                false => default.weight,
            }),
            guaranteed: self.guaranteed.map_or(0, |rate| rate.0),
            shaper: self.rate.map(|rate| RateSpec { rate: rate.0, burst: qos.burst.0 }),
            flows: self.flows.unwrap_or(default.flows),
            ecn: self.ecn,
            limit_time: self.limit.time.map_or(0, |t| t.0),
            policer: match (self.policer, rate) {
                (PolicerChoice::Policer(p), _) => Some(p.spec()),
                (PolicerChoice::Default, Some(rate)) if priority => {
                    Some(Policer::with_default_burst(Rate(rate.0 / 3), mtu).spec())
                }
                _ => None,
            },
            ..default
        }
    }

    /// How it drops, from how it does by default and what its queue holds.
    fn aqm(&self, default: qos::Aqm, limit: u32) -> qos::Aqm {
        let CodelSpec { target, interval } = CodelSpec::default();
        let codel = CodelSpec {
            target: self.target.map_or(target, |t| t.0),
            interval: self.interval.map_or(interval, |i| i.0),
        };
        let Wred { green, yellow, red } = self.wred;
        let mut curves = default_curves(limit);
        for (curve, said) in curves.iter_mut().zip([green, yellow, red]) {
            *curve = said.map_or(*curve, Curve::spec);
        }
        match (self.aqm, default) {
            (Some(Aqm::Codel), _) | (None, qos::Aqm::Codel(_)) => qos::Aqm::Codel(codel),
            (Some(Aqm::Wred), _) | (None, qos::Aqm::Wred(_)) => qos::Aqm::Wred(curves),
            (Some(Aqm::Tail), _) | (None, qos::Aqm::Tail) => qos::Aqm::Tail,
        }
    }

    /// What its queue holds, from what it holds by default, the most that it gets, and its part of it.
    fn limit_bytes(&self, default: &ClassQos, rate: Option<Rate>, part: Option<Part>, mtu: u16) -> u32 {
        let detects = self.aqm.map_or(matches!(default.aqm, qos::Aqm::Codel(_)), |aqm| aqm == Aqm::Codel);
        let bytes = match (self.limit.size, self.limit.time, rate) {
            (Some(size), ..) => size.0,
            (None, _, None) => u64::from(default.limit_bytes),
            (None, time, Some(rate)) => {
                let usual = if default.priority { URGENT_TIME } else { USUAL_TIME };
                let usual = rate.bytes_in(time.map_or(usual, |time| time.max(usual)));
                let bytes = match part {
                    Some(Part { sure, borrows }) if time.is_none() && !default.priority && !detects => {
                        let borrowed = if borrows { rate.bytes_in(BORROWED_TIME) } else { 0 };
                        sure.bytes_in(USUAL_TIME).max(borrowed).min(usual)
                    }
                    // What bounds the wait itself needs room for as much as the line sends in it.
                    _ => usual,
                };
                bytes.clamp(LEAST_FRAMES * full_frame(mtu), MOST_BYTES)
            }
        };
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}
