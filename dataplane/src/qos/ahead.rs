//! Memory that is asked for before it is needed: of hundreds of interfaces with thousands
//! of queues, what one frame or one turn touches is seldom near.

use std::mem::offset_of;

use super::queue::{Queue, Room};
use super::scheduler::Scheduler;
use super::site::Site;
use crate::class::TrafficClass;
use crate::id::IfIndex;
use crate::memory::fetch;

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
            Site::fetch(site, class);
        }
    }

    /// Lets the memory come that the two interfaces need whose turn is after that of `at`: of the second what
    /// says what the first is asked for.
    #[inline]
    pub(super) fn fetch_next(&self, at: usize) {
        if self.sites.len() <= AT_HAND {
            return;
        }
        if let Some(Some(site)) = self.sites.get(at) {
            site.fetch_frames(&self.room);
        }
        let next = self.shared.after(at);
        if let Some(Some(site)) = self.sites.get(next) {
            site.fetch_queues();
        }
        if let Some(site) = self.sites.get(self.shared.after(next)) {
            Site::fetch_head(site);
        }
    }
}

impl Site {
    /// Lets the memory come that a frame of this class needs, without a look at any of it.
    #[inline]
    fn fetch(site: &Option<Self>, class: TrafficClass) {
        let first = std::ptr::from_ref(site).cast::<u8>();
        let queue = offset_of!(Self, queues) + class.index() * size_of::<Queue>();
        // The queue's second line is for those that ask more than room.
        for at in [offset_of!(Self, shaper), offset_of!(Self, frames), queue, queue + 64] {
            fetch(first.wrapping_add(at));
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
        let mut left = self.backlog;
        while left != 0 {
            fetch(&self.queues[left.trailing_zeros() as usize & 7]);
            left &= left - 1;
        }
    }

    /// Lets the first frames of its queues come.
    #[inline]
    fn fetch_frames(&self, room: &Room) {
        let mut left = self.backlog;
        while left != 0 {
            self.queues[left.trailing_zeros() as usize & 7].fetch(room);
            left &= left - 1;
        }
    }
}
