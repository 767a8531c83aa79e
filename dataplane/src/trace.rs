//! One frame through the real stages, stopping after each to say what is known:
//! what `viaduct explain` shows. Nothing is sent, counted or remembered.

use crate::id::PortIndex;
use crate::packet::{Batch, Flags, Frame, Meta, StackEdit, StackEdits, Verdict};
use crate::qos::Policers;
use crate::stage::{classify, lookup, parse, police, rewrite};
use crate::table::Snapshot;
use crate::time::Time;

/// A stage of the packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Bytes to fields.
    Parse,
    /// DSCP, or traffic class, to class and colour.
    Classify,
    /// The class's meter, its buckets full.
    Police,
    /// Ilm: labels off, and the IP packet below parsed and classified. Only of frames
    /// that came labelled.
    Labels,
    /// Fib, Nhlfe, neighbour, MTU.
    Lookup,
    /// TTL, DSCP, options, labels, layer-2 header.
    Rewrite,
}

/// A frame's way.
#[derive(Debug)]
pub struct Trace {
    /// What was known after each stage it came to, in order.
    pub steps: Vec<(Stage, Meta)>,
    /// What `lookup` wants done to its label stack.
    pub edit: Option<StackEdit>,
    /// The frame as it would be queued, or as it was when it ended.
    pub frame: Option<Frame>,
}

impl Trace {
    /// What became of it.
    pub fn verdict(&self) -> Verdict {
        self.steps.last().map_or(Verdict::Forward, |(_, meta)| meta.verdict)
    }
}

/// Runs `frame`, as received by `port`, through the stages.
pub fn trace(frame: Frame, snapshot: &Snapshot, port: PortIndex, now: Time) -> Trace {
    let (mut batch, mut steps, mut edits) = (Batch::new(), Vec::new(), StackEdits::new());
    // An empty batch takes a frame.
    let _ = batch.push(frame);
    let mut policers = Policers::at_rest(snapshot.interfaces.iter().map(|(_, i)| (i.id, &*i.qos)));
    for stage in [Stage::Parse, Stage::Classify, Stage::Police, Stage::Labels, Stage::Lookup, Stage::Rewrite]
    {
        match stage {
            Stage::Parse => parse::run(&mut batch, snapshot, port),
            Stage::Classify => classify::run(&mut batch, snapshot),
            Stage::Police => police::run(&mut batch, &mut policers, now),
            Stage::Labels if !batch.labelled() => continue,
            Stage::Labels => {
                lookup::labels::run(&mut batch, snapshot);
                parse::exposed(&mut batch, snapshot);
                classify::exposed(&mut batch, snapshot);
            }
            Stage::Lookup => lookup::run(&mut batch, snapshot, &mut edits),
            Stage::Rewrite => rewrite::run(&mut batch, snapshot, &edits),
        }
        let Some(meta) = batch.frames().first().map(|f| *f.meta()) else { break };
        steps.push((stage, meta));
        if meta.verdict != Verdict::Forward {
            break;
        }
    }
    let edited = steps.iter().any(|(_, meta)| meta.flags.has(Flags::STACK_EDIT));
    Trace { steps, edit: edits.get(0).copied().filter(|_| edited), frame: batch.pop() }
}
