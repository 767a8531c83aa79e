//! The room that a tree has for what is promised, in frames: a tree takes no more than its part of the
//! buffers that frames are received into.
//!
//! Some is kept for what is promised with priority, or of Control. Counted is what is promised. Control, and calls
//! that nothing is promised of, use the same room. Of a port with several trees, what is promised must fit into one
//! of them, since all of it may be of sites that are in the same.
//!
//! Other classes have what is left of their interface's own part when its other queues are full of the shortest
//! frames: what other interfaces hold does not count.

use ahash::AHashMap;
use dataplane::class::TrafficClass;
use dataplane::qos::TreeLimits;

use super::Promised;
use super::judge::{Group, least};
use super::line::Together;
use super::short::Short;
use super::site::Site;
use crate::config::Config;

/// The most buffers that may be configured.
const MOST_BUFFERS: u64 = 4_194_304;
/// Buffers are named in multiples of this.
const STEP: u64 = 1_024;

/// What a class of a site has of the room that its port's tree keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    /// Trees of the whole router, and the buffers that they share.
    trees: usize,
    buffers: u64,
    /// Interfaces of the port, and whether they are in more than one tree.
    interfaces: u64,
    several: bool,
    /// Frames that it keeps.
    kept: u64,
    /// What of it the other promises of the port may take.
    others: u64,
}

impl Room {
    /// What it keeps of so many buffers; the least of any part of the interfaces, where they are in
    /// several trees: of one, two or more it differs by a frame at the most.
    fn kept_of(&self, buffers: u64) -> u64 {
        let limits = self.limits(buffers);
        match self.several {
            true => limits.kept(self.interfaces.min(2)).saturating_sub(1),
            false => limits.kept(self.interfaces),
        }
    }

    fn limits(&self, buffers: u64) -> TreeLimits {
        TreeLimits::sharing(usize::try_from(buffers).unwrap_or(usize::MAX), self.trees)
    }

    /// What is short when so many frames of a class that is not urgent wait, and the `others` of its interface hold so
    /// many.
    pub(super) fn short_beside(&self, frames: u64, others: u64) -> Option<Short> {
        let sure = |buffers| self.limits(buffers).sure(self.interfaces, others);
        let there = sure(self.buffers);
        if frames <= there {
            return None;
        }
        let buffers = enough_buffers(|buffers| sure(buffers) >= frames);
        Some(Short::OwnBuffers { needed: frames, there, others, buffers })
    }

    /// Whether the other promises of the port leave nothing.
    pub(super) fn is_taken(&self) -> bool {
        self.others >= self.kept
    }

    /// What is short when so many frames wait.
    pub(super) fn short(&self, frames: u64) -> Option<Short> {
        let needed = self.others.saturating_add(frames);
        if needed <= self.kept {
            return None;
        }
        let buffers = enough_buffers(|buffers| self.kept_of(buffers) >= needed);
        Some(Short::Buffers { needed, there: self.kept, buffers })
    }
}

/// The least buffers that are enough, if any are; all above these are.
pub(crate) fn enough_buffers(enough: impl Fn(u64) -> bool) -> Option<u64> {
    enough(MOST_BUFFERS).then(|| least(1, MOST_BUFFERS, enough).next_multiple_of(STEP))
}

/// The room of each port.
#[derive(Debug)]
pub(super) struct Rooms<'c> {
    of: AHashMap<&'c str, Room>,
    /// Of each promised class of a site, frames.
    needed: AHashMap<(usize, TrafficClass), u64>,
}

impl<'c> Rooms<'c> {
    pub(super) fn new(
        config: &'c Config,
        sites: &[Site<'c>],
        lines: &AHashMap<&str, Together>,
        promised: &Promised,
    ) -> Self {
        let mut rooms = Self { of: AHashMap::new(), needed: AHashMap::new() };
        let buffers = u64::from(config.router.buffers);
        let trees = config.ports.iter().map(|port| usize::from(port.trees)).sum();
        let several = |site: &Site<'_>| {
            config.ports.iter().any(|port| port.name == site.interface.port && port.trees > 1)
        };
        for site in sites {
            let fresh = || Room { trees, buffers, several: several(site), ..Room::default() };
            rooms.of.entry(site.interface.port.as_str()).or_insert_with(fresh).interfaces += 1;
        }
        for room in rooms.of.values_mut() {
            room.kept = room.kept_of(buffers);
        }
        for (&(at, class), of) in promised {
            let beside = super::beside(lines, &sites[at]);
            let group = super::group(config, &sites[at], &beside, class, of);
            // What nothing bounds is short of something else.
            let Some(frames) = group.is_urgent().then(|| group.frames()).flatten() else { continue };
            rooms.needed.insert((at, class), frames);
            if let Some(room) = rooms.of.get_mut(sites[at].interface.port.as_str()) {
                room.others = room.others.saturating_add(frames);
            }
        }
        rooms
    }

    /// What a class of the site at `at` has.
    pub(super) fn of(&self, at: usize, group: &Group<'_, '_>) -> Room {
        let room = self.of.get(group.site.interface.port.as_str()).copied().unwrap_or_default();
        let own = self.needed.get(&(at, group.class)).copied().unwrap_or(0);
        Room { others: room.others - own, ..room }
    }
}
