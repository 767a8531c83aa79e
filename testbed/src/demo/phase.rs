//! From what the two sites counted to a phase's figures.

use std::collections::BTreeMap;
use std::time::Duration;

use dataplane::class::TrafficClass;

use super::progress::{Live, Progress};
use super::{DemoError, Plan, plan};
use crate::report::{Measured, Outcome};
use crate::traffic::{Counts, Flow, Meter};

/// The classes whose packets are probes.
const CLASSES: [TrafficClass; 3] = [TrafficClass::Voice, TrafficClass::Video, TrafficClass::Clinical];

/// What one site sent and received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    /// Packets sent by flow, if it sends any.
    pub(super) sent: Option<&'a BTreeMap<Flow, u32>>,
    /// What arrived.
    pub(super) received: &'a Meter,
}

impl Site<'_> {
    fn sent(&self, class: TrafficClass) -> u64 {
        let flows = self.sent.into_iter().flatten();
        flows.filter(|(flow, _)| flow.class == class).map(|(_, n)| u64::from(*n)).sum()
    }
}

/// How far the study is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct StudyState {
    /// Bytes arrived.
    pub(super) done: u64,
    /// How long it took, once all have arrived.
    pub(super) took: Option<Duration>,
    /// How long it was waited for.
    pub(super) waited: Duration,
    /// What else had arrived at the surgery when it began, and when it ended.
    pub(super) other: (Counts, Counts),
}

/// A phase's figures; `headers` are the bytes of a TCP segment's headers.
pub(super) fn outcome(
    plan: &Plan,
    sites: [Site<'_>; 2],
    study: &StudyState,
    headers: u64,
) -> Result<Outcome, DemoError> {
    let took = study.took.ok_or(DemoError::Unfinished {
        done: study.done,
        bytes: plan.study,
        seconds: study.waited.as_secs_f64(),
    })?;
    let mut measured = Measured::default();
    for site in sites {
        measured.add(site.sent.unwrap_or(&BTreeMap::new()), site.received);
    }
    let (before, after) = study.other;
    let transfer = plan::accounting(headers).transfer(plan.study, took, after.since(before));
    Ok(measured.outcome(transfer))
}

/// What there is to say `elapsed` nanoseconds into a phase.
pub(super) fn progress(
    plan: &Plan,
    qos: bool,
    elapsed: u64,
    sites: [Site<'_>; 2],
    worst: [BTreeMap<TrafficClass, u64>; 2],
    done: u64,
) -> Progress {
    let live = CLASSES.map(|class| {
        let longest = worst.iter().filter_map(|w| w.get(&class)).max();
        let live = Live {
            sent: sites.iter().map(|site| site.sent(class)).sum(),
            received: sites.iter().map(|site| site.received.class(class).packets).sum(),
            worst: Duration::from_nanos(longest.copied().unwrap_or(0)),
        };
        (class, live)
    });
    Progress {
        qos,
        elapsed: Duration::from_nanos(elapsed),
        planned: Duration::from_nanos(plan.phase),
        classes: live.to_vec(),
        study_done: done,
        study: plan.study,
    }
}
