//! Explanations by the running router.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::id::{IfIndex, PortIndex};
use dataplane::packet::PoolSize;
use dataplane::router::Handle;
use dataplane::table::Snapshot;

use super::{Explanation, Question, Surroundings, explain};
use crate::api::types::Refusal;
use crate::capacity::Row;
use crate::engine::{Engine, refuse};
use crate::show::{RouteFilter, RouteRows};

/// Longest wait for a worker's answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The running router, at one moment.
struct Live<'e> {
    engine: &'e Engine,
    snapshot: Arc<Snapshot>,
    up: HashMap<PortIndex, bool>,
}

impl Surroundings for Live<'_> {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn routes(&self, filter: &RouteFilter) -> RouteRows {
        self.engine.list_routes(filter)
    }

    fn waits(&self, interface: IfIndex) -> Option<[u64; CLASSES]> {
        let handle = self.engine.handle();
        let spec = self.snapshot.interface(interface)?;
        let port = self.snapshot.port(spec.port)?;
        let waiting = match port.trees {
            Some(_) => handle.collect(&handle.waiting(port.id), ANSWER).ok()?.into_iter().sum(),
            None => 0,
        };
        let answers = handle.collect(&handle.waits(interface, waiting), ANSWER).ok()?;
        answers.into_iter().flatten().next()
    }

    fn capacity(&self, interface: &str, class: TrafficClass) -> Option<Row> {
        self.engine.capacity_of(interface, class)
    }

    fn is_up(&self, port: PortIndex) -> Option<bool> {
        self.up.get(&port).copied()
    }

    fn buffers(&self) -> PoolSize {
        self.engine.buffers()
    }
}

impl Engine {
    /// `explain`: packets through the stages, over the Snapshot that is forwarded by.
    ///
    /// # Errors
    /// What is wrong with the question, or a worker that does not answer.
    pub fn explain(&self, question: &Question) -> Result<Vec<Explanation>, Refusal> {
        let up = lines(self.handle())?;
        let live = Live { engine: self, snapshot: self.handle().snapshot(), up };
        explain(question, &live).map_err(refuse)
    }
}

/// Which ports' lines are up: those of which every queue says so.
fn lines(handle: &Handle) -> Result<HashMap<PortIndex, bool>, Refusal> {
    let status = handle.collect(&handle.status(), ANSWER).map_err(|e| refuse(e.to_string()))?;
    let mut up = HashMap::new();
    for (port, link, ..) in status.iter().flat_map(|s| &s.queues) {
        *up.entry(*port).or_insert(true) &= link.up && link.present;
    }
    Ok(up)
}
