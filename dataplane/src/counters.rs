//! Exact counts: who received, sent and dropped how much, and why.
//!
//! Every writer (a worker, or the slow path) has blocks of its own, so that a
//! count is a plain load and store; readers add the blocks up. A block belongs to
//! an interface by id *and* name: another interface that takes over the id starts
//! from zero.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::class::{CLASSES, TrafficClass};
use crate::id::{IfIndex, PortIndex, VrfId};
use crate::packet::{DropReason, Frame, PuntReason};

/// A count with one writer and any number of readers.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`. Only the block's one writer may.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// The count now.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Frames and their layer-2 bytes (without FCS).
#[derive(Debug, Default)]
pub struct Traffic {
    /// Frames.
    pub frames: Counter,
    /// Bytes.
    pub bytes: Counter,
}

impl Traffic {
    /// Adds one frame of `len` bytes.
    #[inline]
    pub fn add(&self, len: usize) {
        self.add_all(1, len as u64);
    }

    /// Adds so many frames of `bytes` in all.
    #[inline]
    pub fn add_all(&self, frames: u64, bytes: u64) {
        self.frames.add(frames);
        self.bytes.add(bytes);
    }
}

/// Drops by reason.
#[derive(Debug)]
pub struct Drops([Counter; DropReason::COUNT]);

impl Default for Drops {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Drops {
    /// The counter of one reason.
    #[inline]
    pub fn of(&self, reason: DropReason) -> &Counter {
        &self.0[reason.index()]
    }
}

/// What one writer counted of one interface, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub struct InterfaceBlock {
    name: Arc<str>,
    /// Received and classified, by class.
    pub received: [Traffic; CLASSES],
    /// Sent, by class.
    pub sent: [Traffic; CLASSES],
    /// Dropped, by class; under the interface the frame came in by, for what
    /// the router made itself the one it was to leave by.
    pub drops: [Drops; CLASSES],
    punts: [Counter; PuntReason::COUNT],
}

impl InterfaceBlock {
    fn new(name: &Arc<str>) -> Self {
        Self {
            name: name.clone(),
            received: Default::default(),
            sent: Default::default(),
            drops: Default::default(),
            punts: std::array::from_fn(|_| Counter::default()),
        }
    }
}

/// What one writer counted over everything, since it started, on cache lines of its own: some of it is
/// written each turn.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Totals {
    /// Frames taken from lines.
    pub received: Counter,
    /// Frames the router made itself.
    pub originated: Counter,
    /// Frames that fragmentation made beyond the one it took.
    pub fragments: Counter,
    /// Frames given to lines.
    pub sent: Counter,
    /// Frames consumed by the router itself.
    pub delivered: Counter,
    /// Frames dropped.
    pub drops: Drops,
    /// Batches worked on.
    pub batches: Counter,
    /// Times it looked for work.
    pub polls: Counter,
    /// Times it went to sleep.
    pub sleeps: Counter,
    /// Times it stopped, being real-time, so that others had their part of its core.
    pub stops: Counter,
    /// 1 where its thread goes before all ordinary ones.
    pub real_time: Counter,
}

/// Blocks that have an index, shared with readers.
type Blocks<B> = Arc<Mutex<Vec<Option<Arc<B>>>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// One writer's counters. The vectors here are the writer's own copies of what
/// readers see under the locks; the locks are taken only when a block is added.
#[derive(Debug, Default)]
pub struct Counters {
    totals: Arc<Totals>,
    interfaces: Vec<Option<Arc<InterfaceBlock>>>,
    vrfs: Vec<Option<Arc<Drops>>>,
    ports: Vec<Option<Arc<Drops>>>,
    shared: CountersView,
}

/// A reader's end of one writer's counters.
#[derive(Clone, Debug, Default)]
pub struct CountersView {
    totals: Arc<Totals>,
    interfaces: Blocks<InterfaceBlock>,
    vrfs: Blocks<Drops>,
    ports: Blocks<Drops>,
}

fn ensure(own: &mut Vec<Option<Arc<Drops>>>, shared: &Blocks<Drops>, index: usize) {
    if own.len() <= index {
        own.resize_with(index + 1, || None);
    }
    if own[index].is_none() {
        own[index] = Some(Arc::default());
        lock(shared).clone_from(own);
    }
}

impl Counters {
    /// A writer with nothing counted.
    pub fn new() -> Self {
        let totals = Arc::<Totals>::default();
        let shared = CountersView { totals: totals.clone(), ..CountersView::default() };
        Self { totals, shared, ..Self::default() }
    }

    /// The reader's end.
    pub fn view(&self) -> CountersView {
        self.shared.clone()
    }

    /// The counts over everything.
    #[inline]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Makes blocks for exactly these interfaces, Vrfs and ports. Called when a
    /// generation is taken up; allocates only for what is new.
    pub fn sync<'a>(
        &mut self,
        interfaces: impl Iterator<Item = (IfIndex, &'a Arc<str>)>,
        vrfs: impl Iterator<Item = VrfId>,
        ports: impl Iterator<Item = PortIndex>,
    ) {
        let mut blocks: Vec<Option<Arc<InterfaceBlock>>> = Vec::new();
        for (id, name) in interfaces {
            if blocks.len() <= id.index() {
                blocks.resize_with(id.index() + 1, || None);
            }
            let known = self.interfaces.get(id.index()).cloned().flatten();
            let same = known.filter(|block| block.name == *name);
            blocks[id.index()] = Some(same.unwrap_or_else(|| Arc::new(InterfaceBlock::new(name))));
        }
        self.interfaces = blocks;
        lock(&self.shared.interfaces).clone_from(&self.interfaces);
        for vrf in vrfs {
            ensure(&mut self.vrfs, &self.shared.vrfs, vrf.index());
        }
        for port in ports {
            ensure(&mut self.ports, &self.shared.ports, port.index());
        }
    }

    /// The interface's block, if it is configured.
    #[inline]
    pub fn interface(&self, id: IfIndex) -> Option<&InterfaceBlock> {
        self.interfaces.get(id.index())?.as_deref()
    }

    /// Counts a dropped frame under its class and Vrf, and the interface that it came in by; of one that came in by
    /// none, or by one that is gone since, the one it was to leave by; and of one that belongs to none, under its port.
    pub fn dropped(&self, frame: &Frame, reason: DropReason) {
        let meta = frame.meta();
        self.totals.drops.of(reason).add(1);
        let block = self.interface(meta.in_interface).or_else(|| self.interface(meta.out_interface));
        if let Some(block) = block {
            block.drops[meta.class.index()].of(reason).add(1);
        } else if !meta.in_interface.is_some() {
            self.dropped_at_port(frame.rare().in_port, reason, 1);
        }
        if let Some(vrf) = self.vrfs.get(meta.vrf.index()).and_then(Option::as_deref) {
            vrf.of(reason).add(1);
        }
    }

    /// Counts under the port alone; the totals are the caller's.
    fn dropped_at_port(&self, port: PortIndex, reason: DropReason, n: u64) {
        if let Some(port) = self.ports.get(port.index()).and_then(Option::as_deref) {
            port.of(reason).add(n);
        }
    }

    /// Counts `n` frames that a port took from its line and dropped itself.
    pub fn lost_at_port(&self, port: PortIndex, reason: DropReason, n: u64) {
        self.totals.drops.of(reason).add(n);
        self.dropped_at_port(port, reason, n);
    }

    /// Counts a punted frame.
    #[inline]
    pub fn punted(&self, frame: &Frame, reason: PuntReason) {
        if let Some(block) = self.interface(frame.meta().in_interface) {
            block.punts[reason.index()].add(1);
        }
    }
}

/// Sums over all writers, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TotalCounts {
    /// Frames taken from lines.
    pub received: u64,
    /// Frames the router made itself.
    pub originated: u64,
    /// Frames that fragmentation made beyond the one it took.
    pub fragments: u64,
    /// Frames given to lines.
    pub sent: u64,
    /// Frames consumed by the router itself.
    pub delivered: u64,
    /// Frames dropped, by reason; reasons without a drop are left out.
    pub drops: Vec<(DropReason, u64)>,
}

impl TotalCounts {
    /// Frames dropped, of all reasons.
    pub fn dropped(&self) -> u64 {
        self.drops.iter().map(|(_, n)| n).sum()
    }

    /// Frames that must be held somewhere now:
    /// received + originated + fragments − sent − delivered − dropped.
    pub fn unaccounted(&self) -> i64 {
        let came = self.received + self.originated + self.fragments;
        came.wrapping_sub(self.sent + self.delivered + self.dropped()) as i64
    }
}

/// Frames and bytes at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficCount {
    /// Frames.
    pub frames: u64,
    /// Layer-2 bytes without FCS.
    pub bytes: u64,
}

/// One interface's counts, summed over writers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounts {
    /// Received, by class.
    pub received: [TrafficCount; CLASSES],
    /// Sent, by class.
    pub sent: [TrafficCount; CLASSES],
    /// Dropped, where there were any.
    pub drops: Vec<(TrafficClass, DropReason, u64)>,
    /// Punted, where there were any.
    pub punts: Vec<(PuntReason, u64)>,
}

fn drops_of<'a>(blocks: impl Iterator<Item = &'a Drops> + Clone) -> Vec<(DropReason, u64)> {
    let sum = |r: DropReason| (r, blocks.clone().map(|b| b.of(r).get()).sum::<u64>());
    DropReason::ALL.iter().map(|r| sum(*r)).filter(|(_, n)| *n > 0).collect()
}

/// Sums over all writers' totals.
pub fn totals(views: &[CountersView]) -> TotalCounts {
    let sum = |f: fn(&Totals) -> &Counter| views.iter().map(|v| f(&v.totals).get()).sum();
    // Where frames end is read before where they come from: beside running writers,
    // what is on its way is never less than nothing.
    let (sent, delivered) = (sum(|t| &t.sent), sum(|t| &t.delivered));
    let drops = drops_of(views.iter().map(|v| &v.totals.drops));
    TotalCounts {
        received: sum(|t| &t.received),
        originated: sum(|t| &t.originated),
        fragments: sum(|t| &t.fragments),
        sent,
        delivered,
        drops,
    }
}

fn blocks_at<B>(views: &[CountersView], of: fn(&CountersView) -> &Blocks<B>, index: usize) -> Vec<Arc<B>> {
    views.iter().filter_map(|v| lock(of(v)).get(index).cloned().flatten()).collect()
}

/// One interface's counts, over all writers.
pub fn interface(views: &[CountersView], id: IfIndex) -> InterfaceCounts {
    let mut counts = InterfaceCounts::default();
    let blocks = blocks_at(views, |v| &v.interfaces, id.index());
    for block in &blocks {
        for (sums, parts) in [(&mut counts.received, &block.received), (&mut counts.sent, &block.sent)] {
            for (sum, part) in sums.iter_mut().zip(parts) {
                sum.frames += part.frames.get();
                sum.bytes += part.bytes.get();
            }
        }
    }
    for class in TrafficClass::ALL {
        let of_class = drops_of(blocks.iter().map(|b| &b.drops[class.index()]));
        counts.drops.extend(of_class.into_iter().map(|(reason, n)| (class, reason, n)));
    }
    for reason in PuntReason::ALL {
        let n: u64 = blocks.iter().map(|b| b.punts[reason.index()].get()).sum();
        counts.punts.extend((n > 0).then_some((*reason, n)));
    }
    counts
}

/// One Vrf's drops, over all writers.
pub fn vrf_drops(views: &[CountersView], id: VrfId) -> Vec<(DropReason, u64)> {
    let blocks = blocks_at(views, |v| &v.vrfs, id.index());
    drops_of(blocks.iter().map(|b| &**b))
}

/// Drops of frames that belonged to no interface of the port, over all writers.
pub fn port_drops(views: &[CountersView], id: PortIndex) -> Vec<(DropReason, u64)> {
    let blocks = blocks_at(views, |v| &v.ports, id.index());
    drops_of(blocks.iter().map(|b| &**b))
}

/// What a worker did with its time so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Whether its thread goes before all ordinary ones.
    pub real_time: bool,
    /// Batches worked on.
    pub batches: u64,
    /// Times it looked for work.
    pub polls: u64,
    /// Times it went to sleep.
    pub sleeps: u64,
    /// Times it stopped so that others had their part of its core.
    pub stops: u64,
}

/// One writer's activity.
pub fn activity(view: &CountersView) -> Activity {
    let totals = &view.totals;
    Activity {
        real_time: totals.real_time.get() > 0,
        batches: totals.batches.get(),
        polls: totals.polls.get(),
        sleeps: totals.sleeps.get(),
        stops: totals.stops.get(),
    }
}

#[cfg(test)]
mod tests;
