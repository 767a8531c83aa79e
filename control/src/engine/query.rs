//! Answers to what people ask: rows for every `show`, and pings.

use ahash::AHashMap;
use dataplane::class::TrafficClass;
use dataplane::counters::{Activity, TrafficCount};
use dataplane::host::NeighbourState;
use dataplane::id::PortIndex;
use dataplane::packet::DropReason;
use dataplane::port::memif;
use dataplane::table::{Interface, Tpid, VlanMatch};
use dataplane::worker::Status;

use super::{ANSWER, Engine, refuse};
use crate::api::types::*;
use crate::capacity::{self, Row};
use crate::config::{Port, PortKind, Priority};

fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

fn vlan_text(vlan: VlanMatch) -> String {
    let tpid = |tpid| if tpid == Tpid::Dot1ad { "802.1ad " } else { "" };
    match vlan {
        VlanMatch::Untagged => "untagged".into(),
        VlanMatch::Single(t, vid) => format!("{}{vid}", tpid(t)),
        VlanMatch::Double(t, outer, inner) => format!("{}{outer}.{inner}", tpid(t)),
    }
}

fn sum(counts: &[TrafficCount]) -> Traffic {
    Traffic { frames: counts.iter().map(|c| c.frames).sum(), bytes: counts.iter().map(|c| c.bytes).sum() }
}

/// The state of a port's line: "up", "down" or "absent".
pub(super) fn line(status: &[Status], id: PortIndex) -> &'static str {
    let mut links = status.iter().flat_map(|s| &s.queues).filter(|q| q.0 == id).map(|q| q.1);
    match () {
        () if links.clone().all(|l| !l.present) => "absent",
        () if links.all(|l| l.up) => "up",
        () => "down",
    }
}

fn memif_row(config: &Port, peer: memif::Peer) -> MemifRow {
    let ring = |r: memif::RingFigures| RingRow { size: r.size, to_receive: r.to_receive, to_send: r.to_send };
    MemifRow {
        role: config.memif.role.map(|role| role.to_string()).unwrap_or_default(),
        id: config.memif.id.unwrap_or(0),
        connected: peer.connected,
        peer: peer.name,
        interface: peer.interface,
        connections: peer.connections,
        zero_copy: peer.zero_copy,
        reason: peer.reason,
        rings: peer.rings.into_iter().map(ring).collect(),
    }
}

impl Engine {
    pub(super) fn status(&self) -> Result<Vec<Status>, Refusal> {
        let answers = self.handle.status();
        self.handle.collect(&answers, ANSWER).map_err(|e| refuse(e.to_string()))
    }

    /// `show version`
    pub fn version(&self) -> Version {
        let wanted = self.wanted();
        Version {
            version: env!("CARGO_PKG_VERSION").into(),
            name: wanted.state.config().router.name.clone(),
            generation: self.handle.snapshot().generation,
            uptime_seconds: self.started.elapsed().as_secs(),
            workers: self.handle.workers(),
            mode: format!("{:?}", self.router.mode).to_lowercase(),
            lag: self.handle.lag(),
            file: wanted.file.clone(),
        }
    }

    /// `show ports`
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn ports(&self) -> Result<Vec<PortRow>, Refusal> {
        let (status, snapshot, wanted) = (self.status()?, self.handle.snapshot(), self.wanted());
        let row = |id: PortIndex, name: &str, trees: usize| {
            let config = wanted.ports.config(name);
            let queues = status.iter().flat_map(|s| &s.queues).filter(|q| q.0 == id);
            let drops = self.handle.port_drops(id);
            let device = |port: &Port| {
                let named = port.device.as_ref().or(port.memif.socket.as_ref());
                named.unwrap_or(&port.name).clone()
            };
            PortRow {
                name: name.into(),
                kind: config.map(|c| kind_text(c.kind)).unwrap_or_default(),
                device: config.map(device).unwrap_or_default(),
                link: line(&status, id).into(),
                queues: queues.clone().count(),
                trees,
                received: queues.clone().map(|q| q.2.received).sum(),
                sent: queues.clone().map(|q| q.2.sent).sum(),
                missed: queues.map(|q| q.2.missed).sum(),
                drops: drops.into_iter().map(|(reason, n)| (reason.name().into(), n)).collect(),
                memif: config.zip(wanted.ports.peer(name)).map(|(config, peer)| memif_row(config, peer)),
            }
        };
        Ok(snapshot.ports.iter().map(|(_, port)| row(port.id, &port.name, port.tree_count())).collect())
    }

    /// `show interfaces`
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn interfaces(&self) -> Result<Vec<InterfaceRow>, Refusal> {
        let (status, snapshot) = (self.status()?, self.handle.snapshot());
        let mut ports: AHashMap<PortIndex, bool> = AHashMap::new();
        for queue in status.iter().flat_map(|s| &s.queues) {
            *ports.entry(queue.0).or_insert(true) &= queue.1.up;
        }
        let row = |interface: &Interface| {
            let counts = self.handle.interface_counts(interface.id);
            let up = ports.get(&interface.port).copied().unwrap_or(false);
            InterfaceRow {
                name: interface.name.to_string(),
                port: snapshot.port(interface.port).map(|p| p.name.to_string()).unwrap_or_default(),
                vlan: vlan_text(interface.vlan),
                vrf: snapshot.vrf(interface.vrf).map(|v| v.name.to_string()).unwrap_or_default(),
                addresses: interface.addresses.iter().map(|a| a.net.to_string()).collect(),
                mtu: interface.mtu,
                mac: mac_text(interface.mac),
                state: if !interface.enabled {
                    "disabled"
                } else if up {
                    "up"
                } else {
                    "down"
                }
                .into(),
                received: sum(&counts.received),
                sent: sum(&counts.sent),
                dropped: counts.drops.iter().map(|d| d.2).sum(),
            }
        };
        Ok(snapshot.interfaces.iter().map(|(_, i)| row(i)).collect())
    }

    /// `show neighbours`
    ///
    /// # Errors
    /// The slow path does not answer.
    pub fn neighbours(&self) -> Result<Vec<NeighbourRow>, Refusal> {
        let snapshot = self.handle.snapshot();
        let answers = self.handle.neighbours();
        let known =
            answers.recv_timeout(ANSWER).map_err(|_| refuse("the slow path did not answer in time"))?;
        let row = |n: dataplane::host::NeighbourInfo| {
            let interface = snapshot.interface(n.interface);
            NeighbourRow {
                vrf: interface
                    .and_then(|i| snapshot.vrf(i.vrf))
                    .map(|v| v.name.to_string())
                    .unwrap_or_default(),
                interface: interface.map(|i| i.name.to_string()).unwrap_or_default(),
                address: n.address,
                mac: n.mac.map(mac_text),
                state: if n.is_static { "static".into() } else { state_text(n.state) },
                age_seconds: n.age.as_secs(),
                held: n.held,
            }
        };
        let mut rows: Vec<_> = known.into_iter().map(row).collect();
        rows.sort_by(|a, b| (&a.vrf, &a.interface, a.address).cmp(&(&b.vrf, &b.interface, b.address)));
        Ok(rows)
    }

    /// `show drops`
    pub fn drops(&self) -> Drops {
        let (totals, snapshot) = (self.handle.totals(), self.handle.snapshot());
        let row = |scope: &str, name: &str, class: Option<TrafficClass>, reason: DropReason, count| DropRow {
            scope: scope.into(),
            name: name.into(),
            class: class.map(|c| c.name().into()),
            reason: reason.name().into(),
            count,
            explanation: reason.explanation().into(),
        };
        let mut rows = Vec::new();
        for (_, interface) in snapshot.interfaces.iter() {
            let counts = self.handle.interface_counts(interface.id);
            rows.extend(
                counts.drops.iter().map(|(c, r, n)| row("interface", &interface.name, Some(*c), *r, *n)),
            );
        }
        for (_, vrf) in snapshot.vrfs.iter() {
            rows.extend(
                self.handle.vrf_drops(vrf.id).iter().map(|(r, n)| row("vrf", &vrf.name, None, *r, *n)),
            );
        }
        for (_, port) in snapshot.ports.iter() {
            rows.extend(
                self.handle.port_drops(port.id).iter().map(|(r, n)| row("port", &port.name, None, *r, *n)),
            );
        }
        Drops {
            received: totals.received,
            originated: totals.originated,
            fragments: totals.fragments,
            sent: totals.sent,
            delivered: totals.delivered,
            dropped: totals.dropped(),
            held: totals.unaccounted(),
            rows,
        }
    }

    /// What a class of an interface is sure of; `None` where neither that nor its port has a rate.
    pub(crate) fn capacity_of(&self, interface: &str, class: TrafficClass) -> Option<Row> {
        capacity::of_class(self.wanted().state.config(), interface, class)
    }

    /// `show workers`
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn workers(&self) -> Result<Vec<WorkerRow>, Refusal> {
        let (mut status, snapshot) = (self.status()?, self.handle.snapshot());
        status.sort_by_key(|s| s.worker);
        let activity = self.handle.activity();
        let name = |id: PortIndex| snapshot.port(id).map(|p| p.name.to_string()).unwrap_or_default();
        let row = |(status, activity): (&Status, Activity)| WorkerRow {
            worker: status.worker.0,
            core: self.router.cores.get(status.worker.index()).copied(),
            pool_free: status.pool.0,
            pool_total: status.pool.1,
            held: status.held,
            priority: priority(self.router.priority, activity.real_time),
            batches: activity.batches,
            polls: activity.polls,
            sleeps: activity.sleeps,
            stops: activity.stops,
            queues: status.queues.iter().map(|q| name(q.0)).collect(),
        };
        Ok(status.iter().zip(activity).map(row).collect())
    }
}

/// What a worker's is, and that it is not what was asked for.
fn priority(wanted: Priority, real_time: bool) -> String {
    match (wanted, real_time) {
        (_, true) => "real-time",
        (Priority::RealTime, false) => "refused",
        (Priority::Ordinary, false) => "ordinary",
    }
    .into()
}

fn kind_text(kind: PortKind) -> String {
    match kind {
        PortKind::AfXdp => "af-xdp",
        PortKind::AfPacket => "af-packet",
        PortKind::Tap => "tap",
        PortKind::Pcap => "pcap",
        PortKind::Loopback => "loopback",
        PortKind::Memif => "memif",
    }
    .into()
}

fn state_text(state: NeighbourState) -> String {
    format!("{state:?}").to_lowercase()
}
