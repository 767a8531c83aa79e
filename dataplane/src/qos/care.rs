//! What a queue has beside its frames that keeps flows apart, or tells senders that it is long.

use super::codel::Codel;
use super::ecn::{self, LabelMarks};
use super::flows::Flow;
use super::fq::Fq;
use super::spec::{Aqm, ClassQos};
use super::stats::Tally;
use super::wred::Wred;
use crate::packet::Frame;
use crate::time::Time;

/// [`ClassQos`] as a queue goes by it that does more than hold frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) flows: u16,
    ecn: bool,
    labels: LabelMarks,
    pub(super) aqm: Aqm,
    /// What a full frame takes at the interface's rate, nanoseconds.
    pub(super) frame_time: u64,
}

/// What a queue has beside its frames that keeps flows apart, or tells senders that it is long.
#[derive(Debug)]
pub(super) struct Care {
    pub(super) rules: Rules,
    pub(super) fq: Fq,
    codel: Codel,
    pub(super) wred: Wred,
}

/// What a class of an interface asks of its queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) spec: &'a ClassQos,
    /// All classes wait in one queue.
    pub(super) fifo: bool,
    /// What a full frame takes at the interface's rate, and at the least that the class gets of it, nanoseconds.
    pub(super) frame_time: u64,
    pub(super) share_time: u64,
    /// It tells the queue from every other of the tree.
    pub(super) owner: u32,
}

impl Ask<'_> {
    pub(super) fn rules(&self) -> Rules {
        let aqm = match self.spec.aqm {
            _ if self.fifo => Aqm::Tail,
            Aqm::Codel(codel) => Aqm::Codel(codel.for_frame_time(self.share_time)),
            other => other,
        };
        let flows = if self.fifo { 0 } else { self.spec.flows };
        let spec = self.spec;
        Rules { flows, ecn: spec.ecn, labels: spec.labels, aqm, frame_time: self.frame_time }
    }
}

impl Rules {
    /// Marks a packet in place of dropping it, where that may be.
    pub(super) fn marks(&self, frame: &mut Frame, tally: &mut Tally) -> bool {
        let marked = self.ecn && ecn::mark(frame.bytes_mut(), &self.labels);
        if marked {
            tally.marked(frame.len());
        }
        marked
    }
}

impl Care {
    /// By these rules; `owner` is of its flows.
    pub(super) fn new(rules: Rules, owner: u32) -> Self {
        Self { rules, fq: Fq::new(owner), codel: Codel::default(), wred: Wred::default() }
    }

    /// Whether controlled delay would rather not send a frame that `waited` nanoseconds: one of a `flow`, or of a
    /// queue where so many `bytes` still wait.
    #[inline]
    pub(super) fn condemns(&mut self, flow: Option<&mut Flow>, waited: u64, bytes: u32, now: Time) -> bool {
        let Aqm::Codel(spec) = &self.rules.aqm else { return false };
        let Some(flow) = flow else { return self.codel.condemns(spec, waited, bytes, now) };
        // A flow that has a frame in every turn waits for one of each other flow: that is no standing queue.
        let turn = self.rules.frame_time.saturating_mul(self.fq.flows());
        flow.codel.condemns(&spec.for_frame_time(turn), waited, flow.bytes, now)
    }
}
