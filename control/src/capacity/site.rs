//! An interface (site) and its line, as the tree serves them.
//!
//! What a class gets is worked out of the same specification that the tree is given:
//! priority classes in their order, before them only the frame that has begun and, of
//! those behind them in that order, one that the shaper let out in its time; the
//! others by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996, theorem 4);
//! among the interfaces of a port, priority first, then what each is guaranteed, then turns.

use ahash::AHashMap;
use dataplane::class::{CLASSES, TrafficClass};
use dataplane::qos::{ClassQos, Discipline, InterfaceQos, LINE_OVERHEAD, ShaperSpec};

use super::curve::{Arrival, Service};
use super::line::Beside;
use super::path::Path;
use super::short::Short;
use crate::config::{Config, Interface, Port, PortKind, Qos, Rate, Vlan, allows_queues};

/// Bytes of an Ethernet header, and of a tag.
const HEADER: u64 = 14;
const TAG: u64 = 4;
/// A full frame without FCS.
const FULL: usize = 1_514;
/// The shortest frame without FCS.
const SHORTEST: u64 = dataplane::qos::SHORTEST as u64;
/// Bytes as accounted that a class by weight may send in a row before the next one's turn, or a frame that is longer.
const ROW: u64 = 512;

/// One interface with what the tree is told of it.
#[derive(Debug)]
pub(super) struct Site<'c> {
    pub(super) interface: &'c Interface,
    pub(super) qos: InterfaceQos,
    port: Option<&'c Port>,
    /// The port's rate, bit/s; `None` is not known.
    line: Option<u64>,
    counts: Counts,
}

/// What comes, as the site and as the line count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) site: Arrival,
    pub(super) line: Arrival,
    /// How many frames come at once, and nanoseconds until one more may; `None` is not known.
    pub(super) frames: Option<(u64, u64)>,
}

impl Load {
    pub(super) fn and(self, other: Self) -> Self {
        let frames = match (self.frames, other.frames) {
            _ if self == Self::default() => other.frames,
            _ if other == Self::default() => self.frames,
            (Some((a, m)), Some((b, n))) => Some((a.saturating_add(b), m.min(n))),
            _ => None,
        };
        Self { site: self.site.and(other.site), line: self.line.and(other.line), frames }
    }
}

/// So many bytes of one count for so many of another, at most.
#[derive(Clone, Copy, Debug, Default)]
struct Ratio {
    to: u64,
    from: u64,
}

impl Ratio {
    fn of(self, arrival: Arrival) -> Arrival {
        arrival.scaled(self.to, self.from)
    }

    /// What so many of the one are of the other at least.
    fn least(self, to: u64) -> u64 {
        let least = u128::from(to) * u128::from(self.from) / u128::from(self.to.max(1));
        u64::try_from(least).unwrap_or(to)
    }
}

/// How site, line and layer 2 count the same frames.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    line: Ratio,
    site: Ratio,
    layer2: Ratio,
}

impl Counts {
    /// The worst of all frames: the shortest, or one that just needs another cell.
    fn new(site: &Site<'_>) -> Self {
        let len = |packet: u64| packet.saturating_add(site.layer2()).max(SHORTEST);
        let longest = u64::from(site.interface.longest());
        let most = |to: &dyn Fn(u64) -> u64, from: &dyn Fn(u64) -> u64| {
            let ratio = |packet: &u64| (u128::from(to(*packet)) << 32) / u128::from(from(*packet).max(1));
            let packet = (0..=longest).max_by_key(ratio).unwrap_or(0);
            Ratio { to: to(packet), from: from(packet) }
        };
        let (wire, frame) = (|p| site.wire(p), |p| site.frame(p));
        let mut line = most(&wire, &frame);
        line.to = line.to.max(line.from);
        Self { line, site: most(&frame, &len), layer2: most(&len, &frame) }
    }
}

/// The interfaces of a configuration, in its order.
pub(super) fn sites(config: &Config) -> Vec<Site<'_>> {
    let ports: AHashMap<&str, &Port> = config.ports.iter().map(|port| (port.name.as_str(), port)).collect();
    let mut known: AHashMap<_, Counts> = AHashMap::new();
    let mut sites = Vec::with_capacity(config.interfaces.len());
    for interface in &config.interfaces {
        let port = ports.get(interface.port.as_str()).copied();
        let line = port.and_then(|port| port.rate);
        let (qos, line) = (interface.qos_spec(line), line.map(|rate| rate.0));
        let mut site = Site { interface, qos, port, line, counts: Counts::default() };
        let counted = site.qos.shaper.map(|s| (s.overhead, s.cells as u8));
        let key = (counted, interface.longest(), site.layer2());
        site.counts = *known.entry(key).or_insert_with(|| Counts::new(&site));
        sites.push(site);
    }
    sites
}

impl<'c> Site<'c> {
    /// Bytes of layer 2 before a packet of its frames.
    fn layer2(&self) -> u64 {
        HEADER
            + match self.interface.vlan {
                Vlan::Untagged => 0,
                Vlan::One(_) => TAG,
                Vlan::Two(_) => 2 * TAG,
            }
    }

    /// A frame as the site counts it, from its length at layer 3.
    pub(super) fn frame(&self, packet: u64) -> u64 {
        let len = packet.saturating_add(self.layer2());
        let accounted = |s: ShaperSpec| u64::from(s.accounted(usize::try_from(len).unwrap_or(usize::MAX)));
        self.qos.shaper.map_or_else(|| self.wire(packet), accounted)
    }

    /// A frame as the line counts it.
    pub(super) fn wire(&self, packet: u64) -> u64 {
        packet.saturating_add(self.layer2()).max(SHORTEST) + u64::from(LINE_OVERHEAD)
    }

    /// Its longest frame as it counts it.
    pub(super) fn longest(&self) -> u64 {
        self.frame(self.interface.longest().into())
    }

    /// What it counts so, as the line counts it at most.
    pub(super) fn load(&self, site: Arrival) -> Load {
        Load { site, line: self.counts.line.of(site), frames: None }
    }

    /// Bytes of layer 2 as it counts them at most.
    pub(super) fn accounted(&self, layer2: Arrival) -> Arrival {
        self.counts.site.of(layer2)
    }

    /// What it counts so, in bytes of layer 2 at most.
    pub(super) fn layer2_of(&self, accounted: u64) -> u64 {
        self.counts.layer2.of(Arrival { burst: accounted, rate: 0 }).burst
    }

    /// It with another rate, and with the defaults that follow from it.
    pub(super) fn faster(&self, rate: u64) -> Self {
        let mut interface = self.interface.clone();
        interface.qos.get_or_insert_default().rate = Some(Rate(rate));
        let qos = interface.qos_spec(self.line.map(Rate));
        Self { interface: self.interface, qos, ..*self }
    }

    /// Whether its queues could be so: that is no fault of the file.
    pub(super) fn allows(&self, change: impl FnOnce(&mut Qos)) -> bool {
        let mut interface = self.interface.clone();
        change(interface.qos.get_or_insert_default());
        self.port.is_none_or(|port| allows_queues(port, &interface))
    }

    /// Whether frames of a class may use the room kept for such.
    pub(super) fn is_urgent(&self, class: usize) -> bool {
        class == TrafficClass::Control.index() || self.class(class).priority
    }

    /// Bytes of layer 2 that a class may hold, whatever the others do, where all queues hold no more than `limit`.
    pub(super) fn sure_of_limit(&self, class: TrafficClass, limit: u64) -> u64 {
        let of = |urgent: bool| -> u64 {
            let others = (0..CLASSES).filter(|c| *c != class.index() && self.is_urgent(*c) == urgent);
            others.map(|c| u64::from(self.class(c).limit_bytes)).sum()
        };
        // The last eighth is for the urgent.
        let plain = limit - limit / 8;
        match self.is_urgent(class.index()) {
            true => limit.saturating_sub(of(false).min(plain)).saturating_sub(of(true)),
            false => plain.saturating_sub(of(false)).saturating_sub(of(true)),
        }
    }

    /// Frames that its other classes hold at most.
    pub(super) fn others_hold(&self, class: TrafficClass) -> u64 {
        let others = (0..CLASSES).filter(|c| *c != class.index());
        let frames = |c: usize| u64::from(self.class(c).limit_bytes).div_ceil(SHORTEST);
        let most = if self.qos.limit_bytes == 0 { u64::MAX } else { self.qos.limit_bytes.div_ceil(SHORTEST) };
        others.map(frames).sum::<u64>().min(most)
    }

    pub(super) fn class(&self, class: usize) -> &ClassQos {
        &self.qos.classes[class]
    }

    /// Its rate, bit/s as it counts: what it is shaped to, and no more than the line's.
    pub(super) fn rate(&self) -> Option<u64> {
        let line = self.line.map(|rate| self.counts.line.least(rate));
        let shaped = self.qos.shaper.map(|s| s.rate);
        shaped.into_iter().chain(line).min()
    }

    /// What the line counts so, as it counts it at least.
    pub(super) fn of_line(&self, rate: u64) -> u64 {
        self.counts.line.least(rate)
    }

    /// The line's rate, bit/s; `None` is not known.
    pub(super) fn line(&self) -> Option<u64> {
        self.line
    }

    /// The classes that go before `class`, in order.
    pub(super) fn before(&self, class: TrafficClass) -> impl Iterator<Item = usize> {
        let first = self.class(class.index()).priority;
        let before = move |c: &usize| self.class(*c).priority && (!first || *c < class.index());
        (0..CLASSES).filter(before).filter(move |c| *c != class.index())
    }

    /// What a class's policer lets through.
    pub(super) fn policed(&self, class: usize) -> Option<Arrival> {
        self.class(class).policer.map(|p| Arrival { burst: p.burst, rate: p.rate })
    }

    /// What the policers of these classes let through.
    pub(super) fn ahead(&self, mut classes: impl Iterator<Item = usize>) -> Result<Arrival, Short> {
        classes.try_fold(Arrival::default(), |sum, class| {
            let unbounded = || Short::Unpoliced {
                interface: self.interface.name.clone(),
                class: TrafficClass::ALL[class],
            };
            self.policed(class).map(|of| sum.and(of)).ok_or_else(unbounded)
        })
    }

    /// What serves `class` here, and on the line between the other sites of `line`.
    pub(super) fn path(&self, class: TrafficClass, line: &Beside) -> Result<Path, Short> {
        let rate = self.rate().ok_or(Short::NoRate)?;
        let site = self.service(class, rate)?;
        let between = match self.line {
            Some(rate) if !line.is_alone() => Some(self.on_line(rate, class, line)?),
            None if !line.is_alone() && self.has_line() => return Err(self.no_line()),
            _ => None,
        };
        Ok(Path { site, line: between })
    }

    /// Whether its port sends no faster than something takes its frames: not in the process, nor into a file.
    fn has_line(&self) -> bool {
        self.port.is_some_and(|port| !matches!(port.kind, PortKind::Loopback | PortKind::Pcap))
    }

    fn no_line(&self) -> Short {
        Short::NoLine { port: self.interface.port.clone() }
    }

    /// What is begun when a frame of `class` comes, bytes as it counts them, and is not of its class or before
    /// it: a frame without priority; behind that may be one of a priority class that is later in order.
    pub(super) fn begun(&self, class: TrafficClass) -> u64 {
        let later = class.index() + 1..CLASSES;
        let first = self.class(class.index()).priority;
        let two = first && later.into_iter().any(|c| self.class(c).priority);
        self.longest() + if two { self.owed() } else { 0 }
    }

    /// The debt in which its shaper still lets a frame of priority out, as it counts: a full frame at least.
    pub(super) fn owed(&self) -> u64 {
        let full = self.qos.shaper.map_or(0, |shaper| u64::from(shaper.accounted(FULL)));
        self.longest().max(full)
    }

    /// What serves `class` of it when it is served at `rate` itself, until a line of that rate has sent it.
    pub(super) fn service(&self, class: TrafficClass, rate: u64) -> Result<Service, Short> {
        let ahead = self.ahead(self.before(class))?;
        let left = Service::of(rate).without(ahead, self.begun(class));
        let left = left.ok_or(Short::Rate { needed: ahead.rate.saturating_add(1), there: rate })?;
        self.part(class, left)
    }

    /// What `class` has of what is left when its interface's priority has had its own.
    pub(super) fn part(&self, class: TrafficClass, left: Service) -> Result<Service, Short> {
        if self.qos.discipline == Discipline::Fifo {
            return Err(Short::OneQueue);
        }
        let own = |service: Service| match self.class(class.index()).shaper {
            Some(own) => Service { rate: service.rate.min(own.rate), latency: service.latency },
            None => service,
        };
        if self.class(class.index()).priority {
            return Ok(own(left));
        }
        let shares = self.qos.shares().map(u64::from);
        let others = (shares.iter().filter(|share| **share > 0).count() as u64).saturating_sub(1);
        let part = (shares[class.index()], shares.iter().sum());
        // One of each other at the whole rate (theorem 4); its own, which takes longer at its own rate, is counted there.
        let packet = self.longest().max(ROW);
        let share = left.share(part, others * packet).ok_or(Short::Leftover)?;
        Ok(own(share))
    }
}
