//! A new generation: the tree takes up what changed and keeps everything else.

use std::sync::Arc;

use super::departed::Departed;
use super::held::Held;
use super::memory::Bound;
use super::queue::Queue;
use super::scheduler::Scheduler;
use super::site::{Dropped, Site};
use super::spec::InterfaceQos;
use crate::class::CLASSES;
use crate::id::IfIndex;
use crate::packet::{DropReason, Frame};
use crate::time::Time;

const NONE: u32 = u32::MAX;

impl Scheduler {
    /// Takes up the specifications of a new generation: the port's rate and all
    /// its interfaces. What is unchanged keeps its queues, tokens and turn. A
    /// changed interface keeps its frames, in order within each class, and the
    /// tokens that fit. One not named any more gives its frames out
    /// (`InterfaceGone`), in order, each with the time since when it waited as that at which it was
    /// received, for [`Scheduler::take_over`]; of one tree of several, [`Scheduler::take_departed`]
    /// has what it was counted for.
    pub fn sync<'a>(
        &mut self,
        port_rate: u64,
        interfaces: impl Iterator<Item = (IfIndex, &'a Arc<InterfaceQos>)>,
        out_dropped: &mut Dropped,
    ) {
        self.wake();
        self.set_port_rate(port_rate);
        self.generation += 1;
        self.departed.clear();
        let mut changed = false;
        for (id, qos) in interfaces.filter(|(id, _)| id.is_some()) {
            changed |= self.take_up(id, qos);
        }
        for at in 0..self.sites.len() {
            changed |= self.remove_if_gone(at, out_dropped);
        }
        if changed {
            self.wind_up();
        }
        self.make_room();
        self.tell_others();
    }

    /// Divides the bounds among the interfaces; room for flow queues, so that no frame has to wait for memory.
    pub(super) fn make_room(&mut self) {
        let sites = self.sites.iter().flatten().count() as u64;
        let held = || self.sites.iter().flatten();
        self.frame_bound = Bound::new(self.limits.frames as u64, sites, held().map(|s| s.frames as u64));
        self.byte_bound = Bound::new(self.limits.bytes, sites, held().map(|s| s.bytes));
        for site in self.sites.iter_mut().flatten() {
            site.sure_frames = usize::try_from(self.frame_bound.sure_of_class()).unwrap_or(usize::MAX);
            site.sure_bytes = self.byte_bound.sure().min(site.most_plain);
        }
        let careful = |site: &Site, class: usize| u8::from(site.plain[class] == 0) << class;
        self.careful = self
            .sites
            .iter()
            .flatten()
            .fold(0, |all, site| (0..CLASSES).fold(all, |all, class| all | careful(site, class)));
        let keep = || self.sites.iter().flatten().flat_map(|site| &site.queues).filter_map(Queue::own_flows);
        self.room.flows.reserve(self.limits.flows, keep().count(), keep());
    }

    /// Whether anything that waits may now be due at another time.
    fn take_up(&mut self, id: IfIndex, qos: &Arc<InterfaceQos>) -> bool {
        let Some(at) = self.find(id) else {
            self.add(id, qos);
            return false;
        };
        let Some(site) = self.sites[at].as_mut() else { return false };
        site.generation = self.generation;
        if Arc::ptr_eq(&site.spec, qos) {
            return false;
        }
        if site.spec == *qos {
            site.spec = Arc::clone(qos);
            return false;
        }
        site.adopt(Arc::clone(qos), self.clock, &mut self.room);
        self.urgent.leave(at);
        self.stand(at, None);
        true
    }

    fn add(&mut self, id: IfIndex, qos: &Arc<InterfaceQos>) {
        let at = self.vacant.pop().unwrap_or(self.sites.len());
        let mut site = Site::new(id, at, Arc::clone(qos));
        site.generation = self.generation;
        if at == self.sites.len() {
            self.sites.push(None);
            for ring in [&mut self.urgent, &mut self.assured, &mut self.shared, &mut self.leftover] {
                ring.grow(at + 1);
            }
            self.wheel.grow(at + 1);
            self.urging.grow(at + 1);
            self.assuring.grow(at + 1);
            self.pacing.grow((at + 1) * CLASSES);
        }
        self.sites[at] = Some(site);
        if self.index.len() <= id.index() {
            self.index.resize(id.index() + 1, NONE);
        }
        self.index[id.index()] = at as u32;
    }

    fn remove_if_gone(&mut self, at: usize, out_dropped: &mut Dropped) -> bool {
        let Some(mut site) = self.sites[at].take_if(|s| s.generation != self.generation) else {
            return false;
        };
        for ring in [&mut self.urgent, &mut self.assured, &mut self.shared, &mut self.leftover] {
            ring.leave(at);
        }
        self.index[site.id.index()] = NONE;
        self.vacant.push(at);
        self.frames -= site.frames;
        self.bytes -= site.bytes;
        let give_out = |mut held: Held| {
            held.frame.rare_mut().received = held.since;
            (held.frame, DropReason::InterfaceGone)
        };
        out_dropped.extend(site.drain(&mut self.room).into_iter().map(give_out));
        if self.place.is_some() {
            self.departed.push(Departed::of(site));
        }
        true
    }

    /// Queues a frame that another tree gave out, as if it had waited here: neither policers nor
    /// early detection are asked again, and it is let in beyond all bounds, which count it.
    ///
    /// # Errors
    /// The frame, where its interface is not here (`InterfaceGone`).
    #[cold]
    pub fn take_over(&mut self, frame: Frame, now: Time) -> Result<(), (Frame, DropReason)> {
        self.clock = self.clock.max(now);
        let at = self.find(frame.meta().out_interface);
        let Some((at, site)) = at.and_then(|at| Some((at, self.sites.get_mut(at)?.as_mut()?))) else {
            return Err((frame, DropReason::InterfaceGone));
        };
        let (before, len) = ((site.frames, site.bytes), frame.len() as u64);
        let since = frame.rare().received.min(self.clock);
        let place = site.place(frame.meta().class);
        site.starts(place, self.clock, 0);
        let wakes = site.put_back(Held { frame, since }, &mut self.room);
        (self.frames, self.bytes) = (self.frames + 1, self.bytes + len);
        self.hold(before, (1, len));
        if wakes {
            self.port_idled();
            self.line_up(at);
            self.tell_others();
        }
        Ok(())
    }

    /// Bytes that its interfaces take, without the frames and without flow queues, for which room is common.
    pub fn site_memory(&self) -> usize {
        self.sites.iter().flatten().map(Site::memory).sum()
    }

    /// Sets the wheel anew and lines up what changed.
    fn wind_up(&mut self) {
        self.wheel.clear();
        self.urging.clear();
        self.assuring.clear();
        self.pacing.clear();
        for at in 0..self.sites.len() {
            if let Some(site) = self.sites[at].as_mut() {
                (site.waiting, site.urging, site.assuring, site.paces.timed) = (false, false, false, 0);
                self.line_up(at);
            }
        }
    }
}
