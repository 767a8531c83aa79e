//! The ports a router has open, and the way from those to the ones wanted.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dataplane::id::PortIndex;
use dataplane::port::{AnyPort, Port as _, memif, open};
use dataplane::router::Handle;
use dataplane::table::Snapshot;

use super::refuse;
use crate::api::types::Refusal;
use crate::config::{Config, Port};
use crate::ports::port_config;

/// Longest wait for a worker to let go of a port.
const LET_GO: Duration = Duration::from_secs(2);

/// The router's clock starts about when its first ports are opened: nanoseconds since 1970.
fn epoch() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(0)
}

#[derive(Debug)]
struct OpenPort {
    id: PortIndex,
    config: Port,
    mac: Option<[u8; 6]>,
    /// Of a memif port.
    peer: Option<memif::Watch>,
}

/// The ports that are open, by name.
#[derive(Debug, Default)]
pub(super) struct OpenPorts {
    open: BTreeMap<String, OpenPort>,
}

/// What an apply does to the ports. Ports that are new, or whose settings
/// change, are open already; nothing has been given to a worker yet.
#[derive(Debug)]
pub(super) struct Plan {
    opened: Vec<(String, Port, Vec<AnyPort>)>,
    gone: Vec<String>,
    /// Ports closed because a device takes only one opener, to be opened again on undo.
    closed: Vec<(String, OpenPort)>,
    macs: BTreeMap<String, [u8; 6]>,
}

impl OpenPorts {
    /// Opens what `config` needs beyond what is open. A port whose driver is asked for
    /// nothing new stays as it is; only those whose device is wanted otherwise, or by
    /// another port, are closed for it, after all that needs no such thing has been opened.
    pub(super) fn plan(&mut self, config: &Config, handle: &Handle) -> Result<Plan, Refusal> {
        let mut plan = Plan {
            opened: Vec::new(),
            gone: self.open.keys().filter(|n| !config.ports.iter().any(|p| p.name == **n)).cloned().collect(),
            closed: Vec::new(),
            macs: BTreeMap::new(),
        };
        let (mut free, mut held) = (Vec::new(), Vec::new());
        for port in &config.ports {
            match self.open.get(&port.name) {
                Some(open) if port_config(&open.config, 0) == port_config(port, 0) => {
                    plan.macs.extend(open.mac.map(|mac| (port.name.clone(), mac)));
                }
                None if !self.open.values().any(|open| same_device(&open.config, port)) => free.push(port),
                _ => held.push(port),
            }
        }
        plan.open(&free, self, handle)?;
        let in_the_way = |(name, open): &(&String, &OpenPort)| {
            let changes = held.iter().any(|port| port.name == **name);
            changes || (plan.gone.contains(name) && held.iter().any(|port| same_device(&open.config, port)))
        };
        let names: Vec<String> = self.open.iter().filter(in_the_way).map(|(name, _)| name.clone()).collect();
        plan.closed.extend(names.iter().filter_map(|name| self.close(name, handle)));
        plan.open(&held, self, handle)?;
        Ok(plan)
    }

    /// Takes a port from the workers and closes it.
    fn close(&mut self, name: &str, handle: &Handle) -> Option<(String, OpenPort)> {
        let (name, port) = self.open.remove_entry(name)?;
        // The queues close as the answers are dropped; a loop that has ended holds none.
        drop(handle.collect(&handle.remove_port(port.id), LET_GO));
        Some((name, port))
    }

    /// Closes every port.
    pub(super) fn close_all(&mut self, handle: &Handle) {
        while let Some(name) = self.open.keys().next().cloned() {
            self.close(&name, handle);
        }
    }

    /// What is known of the peer of a memif port.
    pub(super) fn peer(&self, name: &str) -> Option<memif::Peer> {
        Some(self.open.get(name)?.peer.as_ref()?.peer())
    }

    /// The open port's settings.
    pub(super) fn config(&self, name: &str) -> Option<&Port> {
        self.open.get(name).map(|port| &port.config)
    }
}

/// Whether two ports want the same network device, or the same place at a socket.
fn same_device(a: &Port, b: &Port) -> bool {
    let place = |port: &Port| {
        let memif = &port.memif;
        Some((memif.socket.clone()?, memif.role, memif.id.unwrap_or(0)))
    };
    a.device().is_some() && a.device() == b.device() || place(a).is_some() && place(a) == place(b)
}

impl Plan {
    /// Opens these ports; when one cannot be, all is as it was.
    fn open(&mut self, wanted: &[&Port], ports: &mut OpenPorts, handle: &Handle) -> Result<(), Refusal> {
        for port in wanted {
            match open(&port_config(port, epoch()), handle.arena()) {
                Ok(queues) => {
                    let mac = queues.first().and_then(|queue| queue.mac());
                    self.macs.extend(mac.map(|mac| (port.name.clone(), mac)));
                    self.opened.push((port.name.clone(), (*port).clone(), queues));
                }
                Err(error) => {
                    let lost = self.undo(ports, handle);
                    return Err(refuse(format!("port \"{}\": {error}{lost}", port.name)));
                }
            }
        }
        Ok(())
    }

    /// Station addresses of all wanted ports.
    pub(super) fn macs(&self) -> BTreeMap<String, [u8; 6]> {
        self.macs.clone()
    }

    /// Gives the opened ports to the workers and closes those that are gone.
    pub(super) fn carry_out(self, ports: &mut OpenPorts, snapshot: &Snapshot, handle: &Handle) {
        let ids: BTreeMap<_, _> = snapshot.ports.iter().map(|(_, p)| (p.name.to_string(), p.id)).collect();
        for name in self.gone {
            ports.close(&name, handle);
        }
        for (name, config, queues) in self.opened {
            let Some(id) = ids.get(&name).copied() else { continue };
            let mac = queues.first().and_then(|queue| queue.mac());
            let peer = queues.first().and_then(AnyPort::memif);
            handle.add_port(id, queues);
            ports.open.insert(name, OpenPort { id, config, mac, peer });
        }
    }

    /// Closes what was opened and opens again what was closed; says what could not be.
    pub(super) fn undo(&mut self, ports: &mut OpenPorts, handle: &Handle) -> String {
        self.opened.clear();
        let mut lost = String::new();
        for (name, port) in self.closed.drain(..) {
            match open(&port_config(&port.config, epoch()), handle.arena()) {
                Ok(queues) => {
                    let peer = queues.first().and_then(AnyPort::memif);
                    handle.add_port(port.id, queues);
                    ports.open.insert(name, OpenPort { peer, ..port });
                }
                Err(error) => lost.push_str(&format!("; port \"{name}\" could not be opened again: {error}")),
            }
        }
        lost
    }
}
