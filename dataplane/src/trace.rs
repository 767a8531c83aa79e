//! One frame through the real stages, stopping after each to say what is known:
//! what `viaduct explain` shows. Nothing is sent, counted or remembered.

use std::sync::Arc;

use crate::id::PortIndex;
use crate::packet::{Batch, Flags, Frame, Meta, StackEdit, StackEdits, Verdict};
use crate::qos::Policers;
use crate::stage::classify::RuleHits;
use crate::stage::{classify, lookup, parse, police, rewrite};
use crate::table::Snapshot;
use crate::time::Time;

/// A stage of the packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Bytes to fields.
    Parse,
    /// DSCP, priority or traffic class to class and colour; the rules for what comes in.
    Classify,
    /// The class's meter, its buckets full.
    Police,
    /// Ilm: labels off, the IP packet below parsed and classified, and the rules for what
    /// comes in. Only of frames that came labelled.
    Labels,
    /// Fib, Nhlfe, neighbour, MTU.
    Lookup,
    /// The rules for what goes out, and the marks of the interface it leaves by.
    Leaving,
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
    /// The names of the match rules that it was a packet of, as it came in and as it left.
    pub rules: [Option<Arc<str>>; 2],
    /// The frame as it would be queued, or as it was when it ended.
    pub frame: Option<Frame>,
}

impl Trace {
    /// What became of it.
    pub fn verdict(&self) -> Verdict {
        self.steps.last().map_or(Verdict::Forward, |(_, meta)| meta.verdict)
    }
}

/// Every stage, in order.
const STAGES: [Stage; 7] = [
    Stage::Parse,
    Stage::Classify,
    Stage::Police,
    Stage::Labels,
    Stage::Lookup,
    Stage::Leaving,
    Stage::Rewrite,
];

/// Runs `frame`, as received by `port`, through the stages.
pub fn trace(frame: Frame, snapshot: &Snapshot, port: PortIndex, now: Time) -> Trace {
    let (mut batch, mut steps, mut edits) = (Batch::new(), Vec::new(), StackEdits::new());
    // An empty batch takes a frame.
    let _ = batch.push(frame);
    batch.set_received(now);
    let mut policers = Policers::at_rest(snapshot.interfaces.iter().map(|(_, i)| (i.id, &*i.qos)));
    let mut hits = RuleHits::new();
    hits.sync(&snapshot.rules);
    for stage in STAGES {
        match stage {
            Stage::Parse => parse::run(&mut batch, snapshot, port),
            Stage::Classify => classify::run(&mut batch, snapshot, &mut hits),
            Stage::Police => police::run(&mut batch, &mut policers, now),
            Stage::Labels if !batch.labelled() => continue,
            Stage::Labels => {
                lookup::labels::run(&mut batch, snapshot);
                parse::exposed(&mut batch, snapshot);
                classify::exposed(&mut batch, snapshot, &mut hits);
                classify::through(&mut batch, snapshot, &mut hits);
            }
            Stage::Lookup => lookup::run(&mut batch, snapshot, &mut edits),
            Stage::Leaving => classify::leaving(&mut batch, snapshot, &mut edits, &mut hits),
            Stage::Rewrite => rewrite::run(&mut batch, snapshot, &edits),
        }
        let Some(meta) = batch.frames().first().map(|f| *f.meta()) else { break };
        steps.push((stage, meta));
        if meta.verdict != Verdict::Forward {
            break;
        }
    }
    let edited = steps.iter().any(|(_, meta)| meta.flags.has(Flags::STACK_EDIT));
    let edit = edits.get(0).copied().filter(|_| edited);
    Trace { steps, edit, rules: hits.matched(), frame: batch.pop() }
}
