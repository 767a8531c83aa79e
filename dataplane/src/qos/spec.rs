//! What configuration asks of an interface's egress. Specifications only: the
//! state (bucket levels, queues) lives with the worker that owns the tree.

use super::codel::CodelSpec;
use super::ecn::LabelMarks;
use super::length::SHORTEST;
use super::meter::MeterSpec;
use super::meter_shared::SharedMeter;
use super::wait::{FULL, time};
use super::wred::WredSpec;
use crate::class::{CLASSES, TrafficClass};
use crate::sync::Arc;

/// A rate limit that delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaperSpec {
    /// Bits per second, 8,000 to 400 Gbit/s.
    pub rate: u64,
    /// Burst as time at that rate, nanoseconds; at least one full frame is always let through.
    pub burst: u64,
    /// Bytes added to each frame's layer-2 length (without FCS) when it is
    /// accounted, which is [`SHORTEST`] at least: Ethernet with FCS is 4, with preamble and gap 24; IP only is -14.
    pub overhead: i16,
    /// What the line then packs it into.
    pub cells: Cells,
}

/// How a line carries frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// As they are.
    #[default]
    None,
    /// ATM: cells of 53 bytes for 48, the last one filled up (ITU-T I.361, I.363.5).
    Atm,
    /// Packet transfer mode of VDSL2: 65 bytes for 64 (IEEE 802.3 clause 61.3.3).
    Ptm,
}

impl ShaperSpec {
    /// A frame's length as it is accounted, from its layer-2 length without FCS, which counts [`SHORTEST`] at least; 1 at
    /// least.
    #[inline]
    pub fn accounted(&self, len: usize) -> u32 {
        self.cells.packed(len, self.overhead)
    }
}

impl Cells {
    /// Bytes on the line of a frame of `len` and its `overhead`; 1 at least.
    #[inline]
    pub(super) fn packed(self, len: usize, overhead: i16) -> u32 {
        let bytes = (len.max(SHORTEST) as i64 + i64::from(overhead)).max(1) as u32;
        match self {
            Self::None => bytes,
            Self::Atm => bytes.div_ceil(48) * 53,
            Self::Ptm => bytes + bytes.div_ceil(64),
        }
    }
}

/// A rate, and how much of it may be had at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSpec {
    /// Bits per second, accounted as the interface's shaper does.
    pub rate: u64,
    /// Burst as time at that rate, nanoseconds.
    pub burst: u64,
}

/// A rate limit that drops (RFC 2697 with one bucket; RFC 3246 for voice).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicerSpec {
    /// Bits per second.
    pub rate: u64,
    /// Bucket depth in bytes.
    pub burst: u64,
}

/// The meter of an interface's class in `police`.
#[derive(Clone, Debug)]
pub enum Ingress {
    /// One of its own, asked by one worker.
    Own(MeterSpec),
    /// One that other classes, interfaces or workers ask too.
    Shared(Arc<SharedMeter>),
}

impl Ingress {
    /// What is asked of the meter.
    pub fn spec(&self) -> &MeterSpec {
        match self {
            Self::Own(spec) => spec,
            Self::Shared(meter) => meter.spec(),
        }
    }
}

impl PartialEq for Ingress {
    /// A shared meter is the same when it is that very one.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(a), Self::Own(b)) => a == b,
            (Self::Shared(a), Self::Shared(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Ingress {}

/// How a queue tells senders that it is long (RFC 7567).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aqm {
    /// Not before it is full: what comes then is dropped.
    #[default]
    Tail,
    /// By how long frames wait, at the head (RFC 8289).
    Codel(CodelSpec),
    /// By its average length and the frame's colour, at the tail (RFC 2309, RFC 2597).
    Wred(WredSpec),
}

/// One class of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassQos {
    /// Served before every class without it (RFC 3246).
    pub priority: bool,
    /// Share of what priority leaves, relative to the other classes' weights; 1 to 10,000.
    /// 0: served only when no class with a weight waits (RFC 8622).
    pub weight: u32,
    /// Bits per second that it gets at least when all wait and the interface gets its own; 0 is its weight's part.
    /// What no class is sure of is divided by weight.
    pub guaranteed: u64,
    /// The most that it gets, with a burst of two full frames at least; `None` is what the interface has.
    pub shaper: Option<RateSpec>,
    /// Bytes it may hold.
    pub limit_bytes: u32,
    /// Longest a frame may wait in it, nanoseconds; 0 is no bound.
    pub limit_time: u64,
    /// Egress policer, checked when a frame is queued.
    pub policer: Option<PolicerSpec>,
    /// How its senders learn that it is long.
    pub aqm: Aqm,
    /// Flows with a queue of their own at once, by their hash, served in turn (RFC 8290), 1 to 65,535;
    /// those beyond share 32. 0 is one queue for the class, first in first out.
    pub flows: u16,
    /// Whether `aqm` marks packets whose ends know ECN in place of dropping them (RFC 3168).
    pub ecn: bool,
    /// What it marks of what is labelled (RFC 5129).
    pub labels: LabelMarks,
}

/// Flow queues of a class that keeps flows apart (RFC 8290 section 5.2.1).
const FLOWS: u16 = 1024;

/// How frames wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discipline {
    /// One queue for all classes, first in first out: QoS off.
    Fifo,
    /// A queue per class.
    #[default]
    Classes,
}

/// How frames that leave by one interface are shaped and queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceQos {
    /// Rate of the whole interface; `None` sends as fast as the port takes.
    pub shaper: Option<ShaperSpec>,
    /// What it gets before any interface gets more than its own.
    pub assured: Option<RateSpec>,
    /// Its part of what no interface is sure of, relative to the other interfaces' weights; 1 to 100.
    pub weight: u32,
    /// Bytes that its queues may hold together; 0 is no bound but their own.
    pub limit_bytes: u64,
    /// How frames wait.
    pub discipline: Discipline,
    /// By [`TrafficClass::index`]. With [`Discipline::Fifo`], the limits of
    /// Standard bound the one queue.
    pub classes: [ClassQos; CLASSES],
    /// Meters by class of what comes in, asked in `police`.
    pub ingress: [Option<Ingress>; CLASSES],
}

impl InterfaceQos {
    /// Whether a class is made of transfers that take all they get.
    const fn is_bulk(class: TrafficClass) -> bool {
        matches!(class, TrafficClass::Imaging | TrafficClass::Standard)
    }

    /// Whether a class goes before all without priority.
    fn is_priority(&self, class: usize) -> bool {
        self.discipline == Discipline::Classes && self.classes[class].priority
    }

    /// Shares by weight alone. Control is never without one (RFC 4594 section 3.2).
    fn by_weight(&self, class: usize) -> u32 {
        match self.classes[class].weight {
            _ if self.discipline == Discipline::Fifo => 1,
            _ if self.is_priority(class) => 0,
            weight if class == TrafficClass::Control.index() => weight.max(1),
            weight => weight,
        }
    }

    /// Bit/s that the policers of priority classes let through together; 0 where one has none.
    pub(super) fn policed(&self) -> u64 {
        let rates =
            (0..CLASSES).filter(|c| self.is_priority(*c)).map(|c| Some(self.classes[c].policer?.rate));
        rates.sum::<Option<u64>>().unwrap_or(0)
    }

    /// What a full frame takes at the least that a class gets when all wait, nanoseconds; 0 is not known.
    pub(super) fn share_time(&self, class: usize) -> u64 {
        let Some(shaper) = self.shaper else { return 0 };
        let shares = self.shares();
        let left = shaper.rate.saturating_sub(self.policed());
        let all: u64 = shares.iter().map(|share| u64::from(*share)).sum();
        let share = u128::from(left) * u128::from(shares[class]) / u128::from(all.max(1));
        let share = if share == 0 { shaper.rate } else { share as u64 };
        let share = self.classes[class].shaper.map_or(share, |own| share.min(own.rate));
        time(shaper.accounted(FULL).into(), share)
    }

    /// What controlled delay of a class goes by: a target that a full frame fits into at the least rate that the class
    /// gets, and an interval that fits that. `None` where it drops otherwise.
    pub fn codel(&self, class: TrafficClass) -> Option<CodelSpec> {
        match self.classes[class.index()].aqm {
            Aqm::Codel(codel) if self.discipline == Discipline::Classes => {
                Some(codel.for_frame_time(self.share_time(class.index())))
            }
            _ => None,
        }
    }

    /// What each class gets of what priority leaves, relative to the others: such that it has
    /// what it is guaranteed, and by weight a part of what none is. 0: only what they leave.
    pub fn shares(&self) -> [u32; CLASSES] {
        let weights: [u32; CLASSES] = std::array::from_fn(|c| self.by_weight(c));
        let sure = |c: usize| if self.is_priority(c) { 0 } else { u128::from(self.classes[c].guaranteed) };
        let sum: u128 = (0..CLASSES).map(sure).sum();
        if sum == 0 {
            return weights;
        }
        let rate = self.assured.map(|a| a.rate).or(self.shaper.map(|s| s.rate)).unwrap_or(0);
        let free = u128::from(rate.saturating_sub(self.policed())).saturating_sub(sum);
        let all: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        let part = |c: usize| sure(c) + free * u128::from(weights[c]) / all.max(1);
        let most = (0..CLASSES).map(part).max().unwrap_or(1).max(1);
        // Rounded up: never nothing of something.
        std::array::from_fn(|c| ((part(c) << 20).div_ceil(most)) as u32)
    }
}

impl Default for InterfaceQos {
    /// No shaping; voice first, the others by weight, generous limits; Imaging and
    /// Standard with flow queues and controlled delay.
    fn default() -> Self {
        let class = |class: TrafficClass| ClassQos {
            priority: class == TrafficClass::Voice,
            weight: match class {
                TrafficClass::Control => 5,
                TrafficClass::Voice | TrafficClass::Scavenger => 0,
                TrafficClass::Video => 20,
                TrafficClass::National | TrafficClass::Clinical => 15,
                TrafficClass::Imaging => 25,
                TrafficClass::Standard => 20,
            },
            guaranteed: 0,
            shaper: None,
            limit_bytes: 1 << 20,
            limit_time: 0,
            policer: None,
            aqm: if Self::is_bulk(class) { Aqm::Codel(CodelSpec::default()) } else { Aqm::Tail },
            flows: if Self::is_bulk(class) { FLOWS } else { 0 },
            ecn: false,
            labels: LabelMarks::default(),
        };
        Self {
            shaper: None,
            assured: None,
            weight: 1,
            limit_bytes: 0,
            discipline: Discipline::Classes,
            classes: TrafficClass::ALL.map(class),
            ingress: Default::default(),
        }
    }
}
