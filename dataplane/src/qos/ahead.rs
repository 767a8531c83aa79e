//! Memory that is asked for before it is needed: of hundreds of interfaces with thousands
//! of queues, what one frame or one turn touches is seldom near.

use std::mem::offset_of;

use super::queue::Queue;
use super::scheduler::Scheduler;
use super::site::Site;
use crate::class::TrafficClass;
use crate::id::IfIndex;
use crate::memory::fetch;
use crate::packet::Frame;

/// As many interfaces are in the cache anyway.
const AT_HAND: usize = 8;

impl Scheduler {
    /// Lets the memory come that queueing a frame of `class` for `interface` will need.
    #[inline]
    pub fn fetch(&self, interface: IfIndex, class: TrafficClass) {
        if self.sites.len() > AT_HAND
            && let Some(at) = self.index.get(interface.index())
            && let Some(site) = self.sites.get(*at as usize)
        {
            Site::fetch_to_queue(site);
            Site::fetch_queue(site, class, self.careful);
        }
    }

    /// Lets the memory come that queueing these frames will need.
    #[inline(always)]
    pub(super) fn fetch_all(&self, frames: &[Frame]) {
        if self.sites.len() <= AT_HAND {
            return;
        }
        // Where no class asks more than room, that is not asked of each frame.
        match self.careful {
            0 => self.fetch_each(frames, 0),
            careful => self.fetch_each(frames, careful),
        }
    }

    #[inline(always)]
    fn fetch_each(&self, frames: &[Frame], careful: u8) {
        let Some(mut site) = self.sites.first() else { return };
        let mut last = IfIndex::NONE;
        for meta in frames.iter().map(Frame::meta) {
            if meta.out_interface != last {
                last = meta.out_interface;
                let at = self.index.get(last.index());
                // Of one that is not there any more the last one's are asked for again.
                site = at.and_then(|at| self.sites.get(*at as usize)).unwrap_or(site);
                Site::fetch_to_queue(site);
            }
            Site::fetch_queue(site, meta.class, careful);
        }
    }

    /// Lets the memory come that the three interfaces need whose turn is after that of `at`: the first frames of the
    /// next; the queues of the one after it, which say what these are; of the third what says which queues have some.
    #[inline]
    pub(super) fn fetch_next(&self, at: usize) {
        if self.sites.len() <= AT_HAND {
            return;
        }
        let next = self.shared.after(at);
        if let Some(Some(site)) = self.sites.get(next) {
            site.fetch_frames();
        }
        let next = self.shared.after(next);
        if let Some(Some(site)) = self.sites.get(next) {
            site.fetch_queues();
        }
        if let Some(site) = self.sites.get(self.shared.after(next)) {
            Site::fetch_head(site);
        }
    }
}

impl Site {
    /// Lets the memory come that frames of all classes need, without a look at any of it.
    #[inline(always)]
    fn fetch_to_queue(site: &Option<Self>) {
        let first = std::ptr::from_ref(site).cast::<u8>();
        for at in [offset_of!(Self, shaper), offset_of!(Self, frames)] {
            fetch(first.wrapping_add(at));
        }
    }

    /// The same of what this one needs.
    #[inline(always)]
    fn fetch_queue(site: &Option<Self>, class: TrafficClass, careful: u8) {
        let first = std::ptr::from_ref(site).cast::<u8>();
        let queue = first.wrapping_add(offset_of!(Self, queues) + class.index() * size_of::<Queue>());
        fetch(queue);
        // The queue's second line is for those that ask more than room.
        if careful & (1 << class.index()) != 0 {
            fetch(queue.wrapping_add(64));
        }
    }

    /// Lets the memory come that is asked for in a turn by weight, but for the queues.
    #[inline]
    fn fetch_head(site: &Option<Self>) {
        let first = std::ptr::from_ref(site).cast::<u8>();
        for at in (0..offset_of!(Self, queues)).step_by(64) {
            fetch(first.wrapping_add(at));
        }
    }

    /// Lets those queues come that have frames.
    #[inline]
    fn fetch_queues(&self) {
        self.waits.fetch();
        for (class, queue) in self.queues.iter().enumerate() {
            if self.backlog & (1 << class) != 0 {
                fetch(queue);
            }
        }
    }

    /// Lets the first frames of its queues come.
    #[inline]
    fn fetch_frames(&self) {
        for (class, queue) in self.queues.iter().enumerate() {
            if self.backlog & (1 << class) != 0 {
                queue.fetch();
            }
        }
    }
}
