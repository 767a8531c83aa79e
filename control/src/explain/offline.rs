//! Explanations by a configuration file alone, with no router.

use std::collections::BTreeMap;

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::id::{IfIndex, PortIndex};
use dataplane::packet::PoolSize;
use dataplane::qos::Scheduler;
use dataplane::table::{PortSpec, Snapshot};

use super::{NOW, Surroundings};
use crate::capacity::{self, Row};
use crate::commit::{PortFacts, State};
use crate::config::{Config, ConfigErrors};
use crate::engine::size;
use crate::show::{self, RouteFilter, RouteRows};

/// What a configuration compiles to, at rest: no run-time routes, no neighbours
/// but those it names, nothing queued, lines unknown, and for ports whose station
/// address it does not say one made of the port's name.
#[derive(Debug)]
pub struct Offline {
    state: State,
    snapshot: Snapshot,
    trees: BTreeMap<PortIndex, Scheduler>,
}

impl Offline {
    /// Compiles `config`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: Config) -> Result<Self, ConfigErrors> {
        let (mut state, mut snapshot) = (State::new(), Snapshot::default());
        state.apply(config, &PortFacts::default(), &mut snapshot)?;
        let tree = |port: &PortSpec| {
            let mut tree = Scheduler::new(0);
            tree.set_port_burst(port.burst);
            let of_port = snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| i.port == port.id);
            tree.sync(port.rate, of_port.map(|i| (i.id, &i.qos)), &mut Vec::new());
            tree
        };
        let trees = snapshot.ports.iter().map(|(_, p)| (p.id, tree(p))).collect();
        Ok(Self { state, snapshot, trees })
    }
}

impl Surroundings for Offline {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn routes(&self, filter: &RouteFilter) -> RouteRows {
        show::routes(&self.snapshot, &self.state, filter)
    }

    fn waits(&self, interface: IfIndex) -> Option<[u64; CLASSES]> {
        let tree = self.trees.get(&self.snapshot.interface(interface)?.port)?;
        Some(TrafficClass::ALL.map(|class| tree.expected_wait(interface, class, 0, NOW)))
    }

    fn capacity(&self, interface: &str, class: TrafficClass) -> Option<Row> {
        capacity::of_class(self.state.config(), interface, class)
    }

    fn is_up(&self, _: PortIndex) -> Option<bool> {
        None
    }

    fn buffers(&self) -> PoolSize {
        size(self.state.config()).buffer
    }
}
