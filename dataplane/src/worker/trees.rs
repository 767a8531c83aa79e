//! The scheduler trees that a worker owns, and frames whose interface went to another tree.
//!
//! Tree n of a port belongs to the worker that receives from the port's queue n, and sends by
//! that queue. Where a configuration moves an interface to another tree, what waits of it is
//! handed to that one's owner in order, as fast as its ring takes it; meanwhile what comes anew
//! may go before. Nothing is lost, and what it was counted for there is counted on here.

use super::mesh::Parcel;
use super::out::{Out, egress};
use super::{owner, receiver};
use crate::id::{IfIndex, PortIndex};
use crate::packet::{DropReason, Frame};
use crate::qos::TreeLimits;
use crate::table::Snapshot;
use crate::time::Time;

/// Frames that are handed to other trees, at the most, in a turn of the loop.
const MOVES: usize = 256;

impl Out {
    /// Which tree of its port an interface is in.
    #[inline]
    pub(super) fn tree_of(&self, interface: IfIndex) -> usize {
        if self.several.is_empty() {
            return 0;
        }
        self.several.get(interface.index()).copied().unwrap_or(0).into()
    }

    /// Takes up which trees there are, what is in each, and at what rate they send.
    pub(super) fn sync_trees(&mut self, snapshot: &Snapshot) {
        let stamps = (snapshot.interfaces.stamp(), snapshot.ports.stamp());
        if std::mem::replace(&mut self.seen, stamps) == stamps {
            return;
        }
        self.several = several(snapshot);
        for at in 0..self.queues.len() {
            let id = self.queues[at].id;
            let first = self.queues[..at].iter().all(|queue| queue.id != id);
            let tree = self.tree_here(id, snapshot).filter(|_| first);
            let before = self.dropped.len();
            let departed = self.queues[at].sync(tree, snapshot, &mut self.dropped);
            self.departed.extend(departed.into_iter().map(|departed| (id, Box::new(departed))));
            self.keep_moved(before, id, snapshot);
        }
        self.index_trees();
    }

    /// The tree of a port that is this worker's: it has one at the most.
    fn tree_here(&self, port: PortIndex, snapshot: &Snapshot) -> Option<usize> {
        let count = snapshot.port(port).map_or(1, |port| port.tree_count());
        (0..count.min(self.workers)).find(|tree| receiver(port, *tree, self.workers) == self.index.index())
    }

    /// Of what a tree gave out from `before` on, keeps what another tree of the port is to send.
    fn keep_moved(&mut self, before: usize, port: PortIndex, snapshot: &Snapshot) {
        for (frame, reason) in self.dropped.split_off(before) {
            let on_port = self.owner_of(frame.meta().out_interface, port, snapshot).is_some();
            if on_port && reason == DropReason::InterfaceGone {
                self.moved.push_back((port, frame));
            } else {
                self.dropped.push((frame, reason));
            }
        }
    }

    /// The worker that has the tree of an interface; `None` where that is gone from the port.
    fn owner_of(&self, interface: IfIndex, port: PortIndex, snapshot: &Snapshot) -> Option<usize> {
        let interface = snapshot.interface(interface).filter(|i| i.port == port)?;
        Some(owner(port, snapshot.tree_of(interface), self.workers))
    }

    /// Whether frames, or counts, are on their way to other trees.
    #[inline]
    pub(super) fn has_moved(&self) -> bool {
        !self.moved.is_empty() || !self.departed.is_empty()
    }

    /// Hands frames, and counts before them, to the owners of the trees that their interfaces moved to,
    /// while rings take them, some hundreds at a time.
    #[cold]
    pub(super) fn send_moved(&mut self, snapshot: &Snapshot, now: Time) {
        self.send_departed(snapshot);
        for _ in 0..MOVES {
            let Some((port, frame)) = self.moved.pop_front() else { break };
            let Some(to) = self.owner_of(frame.meta().out_interface, port, snapshot) else {
                self.drop(frame, DropReason::InterfaceGone);
                continue;
            };
            if to == self.index.index() {
                self.keep(frame, port, now);
            } else if let Err(parcel) = self.mesh.send(to, Parcel::Moved(frame)) {
                self.moved.extend(parcel.into_frame().map(|frame| (port, frame)));
                self.moved.rotate_right(1);
                break;
            }
        }
    }

    /// Each interface's counts go to the tree where it is now, here or at another worker; those of one that
    /// is gone from its port end here.
    fn send_departed(&mut self, snapshot: &Snapshot) {
        for _ in 0..self.departed.len().min(MOVES) {
            let Some((port, departed)) = self.departed.pop_front() else { break };
            let Some(to) = self.owner_of(departed.id, port, snapshot) else { continue };
            if to == self.index.index() {
                // A tree that is not there counts nothing either.
                let _ = self.scheduler_mut(port).map(|tree| tree.count_on(*departed));
            } else if let Err(Parcel::Counts(port, departed)) =
                self.mesh.send(to, Parcel::Counts(port, departed))
            {
                self.departed.push_front((port, departed));
                break;
            }
        }
    }

    /// Takes a frame that waited in another tree; one whose interface has gone on from here follows it.
    #[cold]
    pub(super) fn take_over(&mut self, frame: Frame, snapshot: &Snapshot, now: Time) {
        let Some(interface) = snapshot.interface(frame.meta().out_interface) else {
            return self.drop(frame, DropReason::InterfaceGone);
        };
        let port = interface.port;
        if owner(port, snapshot.tree_of(interface), self.workers) == self.index.index() {
            self.keep(frame, port, now);
        } else {
            self.moved.push_back((port, frame));
        }
    }

    /// Queues a moved frame on this worker's tree of the port.
    fn keep(&mut self, frame: Frame, port: PortIndex, now: Time) {
        let Some(egress) = egress(&self.trees, &mut self.queues, port) else {
            return self.drop(frame, DropReason::PortDown);
        };
        if let Err((frame, reason)) = egress.scheduler.take_over(frame, now) {
            self.drop(frame, reason);
        }
    }

    pub(super) fn index_trees(&mut self) {
        self.trees.clear();
        for (at, queue) in self.queues.iter().enumerate().filter(|(_, q)| q.egress.is_some()) {
            let port = queue.id.index();
            self.trees.resize(self.trees.len().max(port + 1), None);
            self.trees[port] = Some(at);
        }
    }

    /// Bounds what each of the trees of the whole router may hold.
    pub(super) fn share_buffers(&mut self, snapshot: &Snapshot) {
        let trees = snapshot.ports.iter().map(|(_, port)| port.tree_count()).sum();
        let limits = TreeLimits::sharing(self.pool.for_queues(), trees);
        for egress in self.queues.iter_mut().filter_map(|queue| queue.egress.as_mut()) {
            egress.scheduler.set_limits(limits);
        }
    }
}

/// The tree of each interface, by [`IfIndex`]; empty where no port has more than one.
fn several(snapshot: &Snapshot) -> Vec<u8> {
    let mut trees = Vec::new();
    if snapshot.ports.iter().all(|(_, port)| port.trees.is_none()) {
        return trees;
    }
    for (_, interface) in snapshot.interfaces.iter() {
        let at = interface.id.index();
        trees.resize(trees.len().max(at + 1), 0);
        trees[at] = snapshot.tree_of(interface) as u8;
    }
    trees
}
