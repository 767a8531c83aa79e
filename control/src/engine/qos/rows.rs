//! Rows of `show qos`, from what trees say of themselves, samples and specifications.

use ahash::AHashMap;
use dataplane::class::{CLASSES, TrafficClass};
use dataplane::counters::TrafficCount;
use dataplane::id::IfIndex;
use dataplane::qos::{
    Aqm, Cells, Count, Discipline, InterfaceQos, LINE_OVERHEAD, QueueStats, ShaperSpec, SiteReport,
    TreeReport,
};
use dataplane::table::{Interface, Snapshot};
use dataplane::time::Time;

use super::samples::{Change, Samples, WINDOWS};
use crate::api::qos::{
    ClassRecent, ClassRow, PortTree, Qos, QosTotals, QosTree, QueueRow, SiteRecent, SiteRow,
};
use crate::api::types::Traffic;

const VOICE: usize = TrafficClass::Voice.index();

fn micros(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

fn traffic(count: Count) -> Traffic {
    Traffic { frames: count.packets, bytes: count.bytes }
}

fn add(a: Traffic, b: Traffic) -> Traffic {
    Traffic { frames: a.frames + b.frames, bytes: a.bytes + b.bytes }
}

fn dropped(queue: &QueueStats) -> Traffic {
    queue.drops().map(|(_, count)| traffic(count)).fold(Traffic::default(), add)
}

fn cells(cells: Cells) -> &'static str {
    match cells {
        Cells::None => "none",
        Cells::Atm => "atm",
        Cells::Ptm => "ptm",
    }
}

/// What one interface's queues said of themselves, and when.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The interface.
    pub interface: &'a Interface,
    /// When.
    pub at: Time,
    /// What; `None` where its port has no queues.
    pub report: Option<&'a SiteReport>,
}

impl Told<'_> {
    fn changes(&self, samples: &Samples) -> [Change; 2] {
        let over = |window| {
            let report = self.report?;
            Some(samples.change(&self.interface.name, self.at, report, window))
        };
        WINDOWS.map(|window| over(window).unwrap_or_default())
    }

    fn queue(&self, class: usize) -> Option<&QueueStats> {
        self.report.map(|report| &report.queues[class])
    }

    fn sum(&self, of: impl Fn(&QueueStats) -> Traffic) -> Traffic {
        (0..CLASSES).filter_map(|class| self.queue(class)).map(of).fold(Traffic::default(), add)
    }

    /// The row of the site.
    pub fn site(&self, port: &str, samples: &Samples) -> SiteRow {
        let qos = &self.interface.qos;
        let recent = |change: Change| SiteRecent {
            seconds: change.seconds(),
            delivered: change.rate(change.accounted.iter().sum()),
            dropped: change.dropped,
            burst_bytes: change.burst,
            voice_us: micros(change.longest[VOICE]),
        };
        SiteRow {
            interface: self.interface.name.to_string(),
            port: port.into(),
            rate: qos.shaper.map(|s| s.rate),
            guaranteed: qos.assured.map(|a| a.rate),
            weight: qos.weight,
            overhead: qos.shaper.map_or(0, |s| s.overhead),
            cells: cells(qos.shaper.map_or(Cells::None, |s| s.cells)).into(),
            recent: self.changes(samples).map(recent),
            offered: self.sum(|q| traffic(q.offered)),
            sent: self.sum(|q| traffic(q.sent)),
            dropped: self.sum(dropped),
            marked: self.sum(|q| traffic(q.marked)),
            depth: self.sum(|q| traffic(q.depth)),
            voice_max_us: self.queue(VOICE).map_or(0.0, |q| micros(q.delay.max())),
        }
    }

    /// The whole tree of the site on this port; `received` is what the interface received, by class.
    pub fn tree(&self, port: PortTree, received: &[TrafficCount; CLASSES], samples: &Samples) -> QosTree {
        QosTree { site: self.site(&port.name, samples), classes: self.classes(received, samples), port }
    }

    /// The rows of its classes; `received` is what the interface received, by class.
    fn classes(&self, received: &[TrafficCount; CLASSES], samples: &Samples) -> Vec<ClassRow> {
        let changes = self.changes(samples);
        let none = QueueStats::default();
        let row = |class: TrafficClass| {
            let at = class.index();
            let queue = self.queue(at).unwrap_or(&none);
            let recent = |change: &Change| ClassRecent {
                seconds: change.seconds(),
                delivered: change.rate(change.accounted[at]),
                longest_us: micros(change.longest[at]),
            };
            let received = Traffic { frames: received[at].frames, bytes: received[at].bytes };
            let row = ClassRow { received, recent: changes.each_ref().map(recent), ..counts(queue) };
            ClassRow { class: class.name().into(), ..configured(&self.interface.qos, at, row) }
        };
        TrafficClass::ALL.map(row).into()
    }
}

fn counts(queue: &QueueStats) -> ClassRow {
    let part = |part| micros(queue.delay.quantile(part));
    ClassRow {
        offered: traffic(queue.offered),
        sent: traffic(queue.sent),
        dropped: dropped(queue),
        drops: queue.drops().map(|(reason, count)| (reason.name().into(), traffic(count))).collect(),
        marked: traffic(queue.marked),
        depth: traffic(queue.depth),
        worst: traffic(queue.worst),
        p50_us: part(0.5),
        p99_us: part(0.99),
        p999_us: part(0.999),
        max_us: micros(queue.delay.max()),
        ..ClassRow::default()
    }
}

fn configured(qos: &InterfaceQos, class: usize, row: ClassRow) -> ClassRow {
    let spec = &qos.classes[class];
    let by_class = qos.discipline == Discipline::Classes;
    ClassRow {
        priority: by_class && spec.priority,
        weight: if by_class { spec.weight } else { 1 },
        guaranteed: Some(spec.guaranteed).filter(|rate| *rate > 0 && by_class),
        rate: spec.shaper.map(|own| own.rate).filter(|_| by_class),
        policer: spec.policer.map(|policer| policer.rate).filter(|_| by_class),
        queue: queue(qos, class),
        ..row
    }
}

/// What the queue goes by that frames of a class wait in.
fn queue(qos: &InterfaceQos, class: usize) -> QueueRow {
    let by_class = qos.discipline == Discipline::Classes;
    let class = if by_class { TrafficClass::ALL[class] } else { TrafficClass::Standard };
    let spec = &qos.classes[class.index()];
    let row = QueueRow {
        limit_bytes: spec.limit_bytes.into(),
        limit_us: Some(micros(spec.limit_time)).filter(|_| spec.limit_time > 0),
        aqm: "tail".into(),
        ..QueueRow::default()
    };
    if !by_class {
        return row;
    }
    let row = QueueRow { flows: spec.flows, ecn: spec.ecn, ..row };
    match (spec.aqm, qos.codel(class)) {
        (Aqm::Codel(said), Some(used)) => QueueRow {
            aqm: "codel".into(),
            target_us: Some([said, used].map(|codel| micros(codel.target))),
            interval_us: Some([said, used].map(|codel| micros(codel.interval))),
            ..row
        },
        (Aqm::Wred(curves), _) => QueueRow {
            aqm: "wred".into(),
            wred: Some(curves.map(|curve| [curve.from.into(), curve.to.into()])),
            ..row
        },
        _ => row,
    }
}

/// How one port's trees stand.
#[derive(Debug, Default)]
pub struct PortTold {
    /// Told one after the other.
    pieces: Vec<TreeReport>,
    /// Which piece an interface is in, and where.
    places: AHashMap<IfIndex, (usize, usize)>,
}

impl PortTold {
    /// All that its trees said in these pieces, each tree's in order.
    pub fn new(pieces: Vec<TreeReport>) -> Self {
        let sites = |(n, piece): (usize, &TreeReport)| {
            piece.sites.iter().enumerate().map(move |(at, site)| (site.id, (n, at))).collect::<Vec<_>>()
        };
        let places = pieces.iter().enumerate().flat_map(sites).collect();
        Self { pieces, places }
    }

    /// What interfaces' queues said, and when.
    pub fn sites(&self) -> impl Iterator<Item = (Time, &SiteReport)> {
        self.pieces.iter().flat_map(|piece| piece.sites.iter().map(|site| (piece.at, site)))
    }

    /// What an interface's queues said.
    pub fn of<'a>(&'a self, interface: &'a Interface) -> Told<'a> {
        let place = self.places.get(&interface.id).map(|(piece, at)| (&self.pieces[*piece], *at));
        let (at, report) = place.map_or((Time::ZERO, None), |(piece, at)| (piece.at, piece.sites.get(at)));
        Told { interface, at, report }
    }

    /// The row of the port.
    pub fn port(&self, name: &str, snapshot: &Snapshot, samples: &Samples) -> PortTree {
        let mut row = PortTree { name: name.into(), ..PortTree::default() };
        for last in self.pieces.iter().filter(|piece| piece.next.is_none()) {
            row.trees += 1;
            row.rate = Some(last.rate).filter(|rate| *rate > 0);
            row.burst_us = row.rate.map(|_| last.burst as f64 / 1e3);
            row.depth = add(row.depth, Traffic { frames: last.frames as u64, bytes: last.bytes });
            let limits = Traffic { frames: last.limits.frames as u64, bytes: last.limits.bytes };
            row.room = add(row.room, limits);
        }
        for interface in self.sites().filter_map(|(_, site)| snapshot.interface(site.id)) {
            row.sites += 1;
            // Where an interface counts as the line does, short frames are filled up.
            let as_line =
                |s: ShaperSpec| (u32::try_from(s.overhead), s.cells) == (Ok(LINE_OVERHEAD), Cells::None);
            let as_line = interface.qos.shaper.is_some_and(as_line);
            for (sum, change) in row.delivered.iter_mut().zip(self.of(interface).changes(samples)) {
                *sum += change.rate(if as_line { change.accounted.iter().sum() } else { change.line });
            }
        }
        row
    }
}

/// Every site, and all of them together.
pub fn table(sites: Vec<SiteRow>) -> Qos {
    let mut totals = QosTotals { sites: sites.len(), ..QosTotals::default() };
    for site in &sites {
        for (sum, recent) in totals.delivered.iter_mut().zip(&site.recent) {
            *sum += recent.delivered;
        }
        totals.sent = add(totals.sent, site.sent);
        totals.dropped = add(totals.dropped, site.dropped);
        totals.marked = add(totals.marked, site.marked);
        totals.depth = add(totals.depth, site.depth);
        totals.voice_max_us = totals.voice_max_us.max(site.voice_max_us);
    }
    Qos { sites, totals }
}
