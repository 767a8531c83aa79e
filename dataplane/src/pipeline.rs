//! The stages in order, over one batch.
//!
//! Stages mark verdicts; the worker that called the pipeline acts on them.

use std::sync::Arc;

use crate::id::PortIndex;
use crate::packet::{BATCH, Batch, Flags, Layer3, StackEdits, Verdict};
use crate::qos::{Count, Metered, Policers};
use crate::stage::classify::RuleHits;
use crate::stage::enqueue::Together;
use crate::stage::{classify, enqueue, lookup, parse, police, rewrite};
use crate::table::Snapshot;
use crate::time::Time;

/// [`PortIndex::NONE`] for all.
#[derive(Debug)]
struct Keys([PortIndex; BATCH]);

impl Default for Keys {
    fn default() -> Self {
        Self([PortIndex::NONE; BATCH])
    }
}

/// One worker's stages and the state they keep.
#[derive(Debug, Default)]
pub struct Pipeline {
    policers: Policers,
    hits: RuleHits,
    edits: StackEdits,
    /// Of each frame of the batch: the port whose tree it goes to.
    keys: Keys,
    /// Where all frames of the batch go, if they go together; then they have no keys.
    together: Option<Together>,
    /// Stamp of the interfaces that the policers were made for.
    seen: u64,
}

impl Pipeline {
    /// Stages that have seen nothing.
    pub fn new() -> Self {
        Self { seen: u64::MAX, ..Self::default() }
    }

    /// Adopts the interfaces' policers; whether the interfaces changed.
    pub fn sync(&mut self, snapshot: &Snapshot) -> bool {
        self.hits.sync(&snapshot.rules);
        let stamp = snapshot.interfaces.stamp();
        let changed = std::mem::replace(&mut self.seen, stamp) != stamp;
        if changed {
            self.policers.sync(snapshot.interfaces.iter().map(|(_, i)| (i.id, &*i.qos)));
        }
        changed
    }

    /// What each meter did.
    pub fn metered(&self) -> impl Iterator<Item = Metered> + '_ {
        self.policers.metered()
    }

    /// What each match rule matched, by its name.
    pub fn rules(&self) -> impl Iterator<Item = (Arc<str>, Count)> + '_ {
        self.hits.counts()
    }

    /// Frames received by `port`: from their Ethernet header to a rewritten frame.
    #[inline]
    pub fn ingress(&mut self, batch: &mut Batch, snapshot: &Snapshot, port: PortIndex, now: Time) {
        batch.set_received(now);
        parse::run(batch, snapshot, port);
        classify::run(batch, snapshot, &mut self.hits);
        police::run(batch, &mut self.policers, now);
        self.onward(batch, snapshot);
    }

    /// Datagrams the router made, and held frames whose neighbour is known now.
    pub fn local(&mut self, batch: &mut Batch, snapshot: &Snapshot, now: Time) {
        batch.set_received(now);
        let mut labelled = false;
        for frame in batch.frames_mut() {
            frame.meta_mut().verdict = Verdict::Forward;
            if frame.meta().flags.has(Flags::RELEASED) {
                parse::rewind(frame);
            } else {
                parse::datagram(frame);
            }
            labelled |= frame.meta().layer3 == Layer3::Mpls;
        }
        batch.set_labelled(labelled);
        batch.set_alike(None);
        classify::run(batch, snapshot, &mut self.hits);
        self.onward(batch, snapshot);
    }

    fn onward(&mut self, batch: &mut Batch, snapshot: &Snapshot) {
        if batch.labelled() {
            self.labels(batch, snapshot);
        }
        lookup::run(batch, snapshot, &mut self.edits);
        classify::leaving(batch, snapshot, &mut self.edits, &mut self.hits);
        rewrite::run(batch, snapshot, &self.edits);
        self.together = enqueue::run(batch, snapshot, &mut self.keys.0);
    }

    #[inline]
    fn labels(&mut self, batch: &mut Batch, snapshot: &Snapshot) {
        if lookup::labels::run(batch, snapshot) {
            parse::exposed(batch, snapshot);
            classify::exposed(batch, snapshot, &mut self.hits);
        }
        classify::through(batch, snapshot, &mut self.hits);
    }

    /// Where all frames of the batch go, if they go together.
    #[inline]
    pub fn together(&self) -> Option<Together> {
        self.together
    }

    /// The port that frame `at` of the batch leaves by; `NONE` where its verdict
    /// is not to forward it.
    #[inline]
    pub fn key(&self, at: usize) -> PortIndex {
        if let Some(together) = &self.together {
            return together.port;
        }
        self.keys.0.get(at).copied().unwrap_or_default()
    }
}
