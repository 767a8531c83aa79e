//! The ways a packet can go through the stages, side by side: plain IPv4, a label
//! swapped, two pushed, one popped before a lookup in a Vrf. Each is a Snapshot and
//! 60-byte frames that all go that way, so that their costs can be compared.
#![expect(clippy::panic, reason = "a bench without its tables has nothing to measure")]

use std::collections::HashSet;
use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use dataplane::class::TrafficClass;
use dataplane::id::{AdjacencyId, IfIndex, NhlfeId, PortIndex, VrfId, WorkerIndex};
use dataplane::packet::{BATCH, Batch, Pool, PoolSize, Verdict};
use dataplane::pipeline::Pipeline;
use dataplane::qos::{Cells, Ingress, InterfaceQos, MeterSpec, RateSpec, ShaperSpec};
use dataplane::table::rules::{Conditions, MOST_RULES, Rule, RuleSet, Rules, Treatment};
use dataplane::table::{Labels, Nhlfe, PopLookup, Push, Snapshot, Swap, TunnelModel, Vrf};
use dataplane::time::Time;
use dataplane::wire::ipv4::Ipv4Header;
use dataplane::wire::mpls::{LabelStackEntry, label};
use ipnet::{IpNet, Ipv4Net};

use crate::prefixes::{self, Seeded};

/// Frames of each way, unless it needs but one.
const FRAMES: usize = 1 << 14;
/// Vpn labels of the remote PEs' Vrfs and customers.
const VPN_LABELS: u32 = 100;

const ROUTER: &str = r#"
[[port]]
name = "p0"
kind = "loopback"
[[port]]
name = "p1"
kind = "loopback"
[[interface]]
name = "ge0"
port = "p0"
mpls = true
mac = "02:00:00:00:00:10"
addresses = ["10.255.0.1/24"]
[[interface]]
name = "ge1"
port = "p1"
mpls = true
mac = "02:00:00:00:00:11"
addresses = ["10.255.1.1/24"]
[[neighbour]]
interface = "ge1"
address = "10.255.1.2"
mac = "02:00:00:00:00:0b"
[limits]
dad-probes = 0
announcements = 0
"#;

/// One way through the stages.
#[derive(Debug)]
pub struct Way {
    /// What it is called in reports.
    pub name: &'static str,
    /// The labels that its frames must leave with, top first, where they are the same for all.
    out: Option<Vec<u32>>,
    snapshot: Snapshot,
    frames: Vec<Vec<u8>>,
    batch: Batch,
    pipeline: Pipeline,
    at: usize,
}

impl Way {
    fn new(name: &'static str, out: Option<Vec<u32>>, snapshot: Snapshot, frames: Vec<Vec<u8>>) -> Self {
        let mut pool = Pool::new(WorkerIndex(0), BATCH, PoolSize::Standard);
        let mut batch = Batch::new();
        while let Some(frame) = pool.get() {
            let _ = batch.push(frame);
        }
        let mut pipeline = Pipeline::new();
        pipeline.sync(&snapshot);
        let mut way = Self { name, out, snapshot, frames, batch, pipeline, at: 0 };
        way.round();
        way.verify();
        way
    }

    /// Fills the batch with the next frames.
    #[inline]
    pub fn fill(&mut self) {
        for frame in self.batch.frames_mut() {
            self.at = (self.at + 1) % self.frames.len();
            // The frames are short.
            let _ = frame.fill(&self.frames[self.at]);
        }
    }

    /// Fills the batch and takes it through all stages, as the worker does.
    #[inline]
    pub fn round(&mut self) {
        self.fill();
        self.pipeline.ingress(&mut self.batch, &self.snapshot, PortIndex(0), Time(1));
        black_box(self.batch.frames().len());
    }

    /// The tables it goes by.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The frames that go it, as they come from the line.
    pub fn frames(&self) -> &[Vec<u8>] {
        &self.frames
    }

    /// The same with a meter for each class that comes in, and a shaped rate with a guarantee for what
    /// leaves by each interface; no rate is ever reached.
    #[must_use]
    pub fn with_hqos(mut self) -> Self {
        let (rate, burst) = (100_000_000_000, 1_000_000);
        let meter = Ingress::Own(MeterSpec::policer(rate, 1 << 20));
        let qos = Arc::new(InterfaceQos {
            shaper: Some(ShaperSpec { rate, burst, overhead: 24, cells: Cells::None }),
            assured: Some(RateSpec { rate: rate / 10, burst }),
            ingress: std::array::from_fn(|_| Some(meter.clone())),
            ..InterfaceQos::default()
        });
        for id in 0..2 {
            if let Some(interface) = self.snapshot.interfaces.get_mut(id) {
                Arc::make_mut(interface).qos = Arc::clone(&qos);
            }
        }
        self.pipeline.sync(&self.snapshot);
        self
    }

    /// The same with datagrams of up to so many bytes on both interfaces.
    #[must_use]
    pub fn with_mtu(mut self, mtu: u16) -> Self {
        for id in 0..2 {
            if let Some(interface) = self.snapshot.interfaces.get_mut(id) {
                let interface = Arc::make_mut(interface);
                (interface.mtu, interface.mpls_mtu) = (mtu, mtu + 8);
            }
        }
        self
    }

    /// Every frame of the batch must have been forwarded, and as it should.
    fn verify(&mut self) {
        let lost = self.batch.frames().iter().map(|f| f.meta().verdict).find(|v| *v != Verdict::Forward);
        assert!(lost.is_none(), "{}: a frame was not forwarded: {lost:?}", self.name);
        let Some(out) = &self.out else { return };
        for frame in self.batch.frames() {
            let labels = labels_of(frame.bytes());
            assert!(*out == labels, "{}: a frame left with labels {labels:?}", self.name);
        }
    }
}

/// The labels of a frame, top first.
fn labels_of(frame: &[u8]) -> Vec<u32> {
    let (mut labels, mut rest) = (Vec::new(), frame.get(14..).unwrap_or_default());
    let labelled = frame.get(12..14) == Some(&[0x88, 0x47]);
    while let Some((entry, below)) = LabelStackEntry::parse(rest).ok().filter(|_| labelled) {
        labels.push(entry.label());
        rest = below;
        if entry.bottom() {
            break;
        }
    }
    labels
}

/// Tables without routes, and the entry that leads to the neighbour.
fn base() -> (Snapshot, NhlfeId) {
    let config = control::config::parse(ROUTER, "bench").unwrap_or_else(|e| panic!("{e}"));
    let mut snapshot = control::compile(&config, &Default::default()).unwrap_or_else(|e| panic!("{e}"));
    let adjacency: AdjacencyId = snapshot.adjacency_for(IfIndex(1), [10, 255, 1, 2].into());
    let forward = add(&mut snapshot, Nhlfe::Forward(adjacency));
    for id in 0..2 {
        if let Some(interface) = snapshot.interfaces.get_mut(id) {
            Arc::make_mut(interface).mpls_mtu = 1508;
        }
    }
    (snapshot, forward)
}

fn add(snapshot: &mut Snapshot, nhlfe: Nhlfe) -> NhlfeId {
    NhlfeId(snapshot.nhlfes.insert(nhlfe) as u32)
}

fn labels(labels: &[u32]) -> Labels {
    Labels::new(labels).unwrap_or_else(|| panic!("{labels:?} cannot be pushed"))
}

/// `n` prefixes in Vrf 0, each leading where `entry` says; addresses in them.
fn routes(snapshot: &mut Snapshot, n: usize, entry: impl Fn(usize) -> NhlfeId) -> Vec<Ipv4Addr> {
    let prefixes = prefixes::v4(n, 1);
    let Some(vrf) = snapshot.vrfs.get_mut(VrfId(0).index()) else { return Vec::new() };
    for (i, prefix) in prefixes.iter().enumerate() {
        vrf.fib4.insert(*prefix, entry(i));
    }
    let mut hits = prefixes::hits4(&prefixes, if n > 1 { FRAMES } else { BATCH }, 2);
    hits.retain(|a| (1..=223).contains(&a.octets()[0]) && ![10, 127, 169].contains(&a.octets()[0]));
    hits
}

/// An Ethernet frame of 60 bytes and more with these labels before a UDP datagram, DSCP EF.
pub(crate) fn frame(stack: &[u32], destination: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 0x10, 2, 0, 0, 0, 0, 0x0a];
    frame.extend(if stack.is_empty() { [8, 0] } else { [0x88, 0x47] });
    for (i, label) in stack.iter().enumerate() {
        let mut entry = [0; 4];
        let _ = LabelStackEntry::new(*label, 5, i + 1 == stack.len(), 64).emit(&mut entry);
        frame.extend(entry);
    }
    let mut ip = [0x45, 0xb8, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0, 10, 255, 0, 2, 0, 0, 0, 0];
    ip[16..].copy_from_slice(&destination.octets());
    let sum = dataplane::wire::checksum::checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(ip);
    frame.extend([0x13, 0x88, 0x13, 0x89, 0, 26, 0, 0]);
    frame.resize(frame.len() + 18, 0);
    frame
}

/// An Ethernet frame with a UDP datagram in IPv6, DSCP EF.
fn frame6(destination: Ipv6Addr) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 0x10, 2, 0, 0, 0, 0, 0x0a, 0x86, 0xdd];
    frame.extend([0x6b, 0x80, 0, 0, 0, 26, 17, 64]);
    frame.extend([0x20, 1, 0x0d, 0xb8, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    frame.extend(destination.octets());
    frame.extend([0x13, 0x88, 0x13, 0x89, 0, 26, 0xff, 0xff]);
    frame.resize(frame.len() + 18, 0);
    frame
}

/// The same frame with so many bytes of data more.
pub fn longer(frame: &[u8], bytes: usize) -> Vec<u8> {
    let mut longer = frame.to_vec();
    longer.resize(frame.len() + bytes, 0);
    let ip = 14 + 4 * labels_of(frame).len();
    let (length, at) = match longer.get(ip).map(|first| first >> 4) {
        Some(4) => (longer.len() - ip, ip + 2),
        _ => (longer.len() - ip - 40, ip + 4),
    };
    if let Some(field) = longer.get_mut(at..at + 2) {
        field.copy_from_slice(&(length as u16).to_be_bytes());
    }
    if at == ip + 2
        && let Some(header) = longer.get_mut(ip..)
    {
        // It is whole.
        let _ = Ipv4Header::fill_checksum(header);
    }
    longer
}

/// Plain IPv4 with so many routes.
pub fn ipv4(name: &'static str, n: usize) -> Way {
    let (mut snapshot, forward) = base();
    let to = routes(&mut snapshot, n, |_| forward);
    Way::new(name, Some(vec![]), snapshot, to.into_iter().map(|to| frame(&[], to)).collect())
}

/// The same with every eighth packet of another class.
pub fn mixed(name: &'static str, n: usize) -> Way {
    let Way { snapshot, mut frames, .. } = ipv4(name, n);
    for frame in frames.iter_mut().step_by(8) {
        frame[15] = 0;
        // It is whole.
        let _ = Ipv4Header::fill_checksum(&mut frame[14..]);
    }
    Way::new(name, Some(vec![]), snapshot, frames)
}

/// Plain IPv4 to 4,096 networks with so many match rules: by destination, protocol and port,
/// each network as likely as another, and a last one for all of the port.
pub fn ruled(name: &'static str, rules: usize) -> Way {
    let (mut snapshot, forward) = base();
    let to = routes(&mut snapshot, 10_000, |_| forward);
    let mut seen = HashSet::new();
    let networks = to.iter().filter(|to| seen.insert(to.to_bits() >> 8)).take(MOST_RULES);
    let networks: Vec<Ipv4Addr> = networks.copied().collect();
    let rule = |to: Option<&Ipv4Addr>| Rule {
        name: to.map_or_else(|| "all".into(), |to| to.to_string().into()),
        conditions: Conditions {
            destinations: to.and_then(|to| IpNet::new((*to).into(), 24).ok()).map(|net| vec![net]),
            destination_ports: Some(vec![5_000..=5_010]),
            protocols: Some(vec![17]),
            ..Conditions::default()
        },
        treatment: Treatment { class: Some(TrafficClass::Video), ..Treatment::default() },
    };
    let own = networks.iter().take(rules.saturating_sub(1)).map(Some);
    let all = own.chain((rules > 0).then_some(None)).map(rule).collect();
    snapshot.rules = Arc::new(Rules { entering: Arc::new(RuleSet::new(all)), ..Rules::default() });
    // A step that is prime goes through all of them, in no order.
    let frames =
        (0..FRAMES).filter_map(|i| networks.get(i * 7_919 % networks.len()).map(|to| frame(&[], *to)));
    let frames = frames.collect();
    Way::new(name, Some(vec![]), snapshot, frames)
}

/// Plain IPv6 with so many routes.
pub fn ipv6(name: &'static str, n: usize) -> Way {
    let (mut snapshot, forward) = base();
    let prefixes = prefixes::v6(n, 1);
    if let Some(vrf) = snapshot.vrfs.get_mut(VrfId(0).index()) {
        for prefix in &prefixes {
            vrf.fib6.insert(*prefix, forward);
        }
    }
    let to = prefixes::hits6(&prefixes, if n > 1 { FRAMES } else { BATCH }, 2);
    Way::new(name, Some(vec![]), snapshot, to.into_iter().map(frame6).collect())
}

/// One of `n` labels swapped.
pub fn swap(name: &'static str, n: usize) -> Way {
    let (mut snapshot, next) = base();
    let mut seeded = Seeded(3);
    let mut frames = Vec::new();
    // As a range of labels is given out: one after the other.
    let first = 100_000.min(label::LAST + 1 - n as u32);
    let used: Vec<u32> = (0..n as u32).map(|i| first + i).collect();
    let behind = snapshot.nhlfes.iter().map(|(id, _)| id as u32 + 1).max().unwrap_or(0);
    for (label, id) in used.iter().zip(behind..) {
        let swapped = if n == 1 { 77 } else { label ^ 1 };
        // Behind all others: a free place would be looked for from the first one on.
        snapshot.nhlfes.set(id as usize, Nhlfe::Swap(Swap { label: swapped, next }));
        snapshot.ilm.set(*label, NhlfeId(id));
    }
    for _ in 0..if n > 1 { FRAMES } else { BATCH } {
        let label = used[seeded.below(n as u64) as usize];
        frames.push(frame(&[label, 20_000], [192, 0, 2, 1].into()));
    }
    Way::new(name, (n == 1).then(|| vec![77, 20_000]), snapshot, frames)
}

/// A PE's way in: one of `n` routes of a Vrf pushes its VPN label, and the shared LSP to
/// the egress router the outer one.
pub fn push(name: &'static str, n: usize) -> Way {
    let (mut snapshot, forward) = base();
    let model = TunnelModel::default();
    let put = |stack: &[u32], next| Nhlfe::Push(Push { labels: labels(stack), next, model, entropy: false });
    let lsp = add(&mut snapshot, put(&[16_001], forward));
    let vpn: Vec<NhlfeId> = (0..VPN_LABELS).map(|i| add(&mut snapshot, put(&[20_000 + i], lsp))).collect();
    let to = routes(&mut snapshot, n, |i| vpn[i % vpn.len()]);
    let out = (n == 1).then(|| vec![16_001, 20_000]);
    Way::new(name, out, snapshot, to.into_iter().map(|to| frame(&[], to)).collect())
}

/// A PE's way out: the Vrf's label taken off, one of its `n` routes found.
pub fn pop(name: &'static str, n: usize) -> Way {
    let (mut snapshot, forward) = base();
    let to = routes(&mut snapshot, n, |_| forward);
    let end = PopLookup { vrf: VrfId(0), model: TunnelModel::default(), bottom: true };
    let id = add(&mut snapshot, Nhlfe::PopLookup(end));
    snapshot.ilm.set(20_000, id);
    let frames = to.into_iter().map(|to| frame(&[20_000], to)).collect();
    Way::new(name, Some(vec![]), snapshot, frames)
}

/// A PE's way out with so many Vrfs, each with ten routes and a label of its own, in no order.
pub fn vrfs(name: &'static str, n: usize) -> Way {
    let (mut snapshot, forward) = base();
    let mut seeded = Seeded(5);
    for vrf in 0..n {
        let id = VrfId(vrf as u16 + 1);
        snapshot.vrfs.insert(Vrf::new(id, &format!("vrf{vrf}")));
        let end = PopLookup { vrf: id, model: TunnelModel::default(), bottom: true };
        let popped = add(&mut snapshot, Nhlfe::PopLookup(end));
        snapshot.ilm.set(20_000 + vrf as u32, popped);
        let own = snapshot.vrfs.get_mut(id.index()).map(|vrf| &mut vrf.fib4);
        let site = |i| Ipv4Net::new(Ipv4Addr::new(10, i, 0, 0), 16);
        if let Some(fib) = own {
            for net in (0..10).filter_map(|i| site(i).ok()) {
                fib.insert(net, forward);
            }
        }
    }
    let frames = (0..FRAMES).map(|_| {
        let (vrf, host) = (seeded.below(n as u64) as u32, seeded.below(1 << 16) as u16);
        let [third, fourth] = host.to_be_bytes();
        frame(&[20_000 + vrf], Ipv4Addr::new(10, seeded.below(10) as u8, third, fourth))
    });
    let frames = frames.collect();
    Way::new(name, Some(vec![]), snapshot, frames)
}

/// The same frame, of Imaging, with the ports of flow `n` below 2³².
pub fn flow(frame: &[u8], n: usize) -> Vec<u8> {
    let mut flow = frame.to_vec();
    flow[15] = 10 << 2;
    // It is whole.
    let _ = Ipv4Header::fill_checksum(&mut flow[14..]);
    flow[34..38].copy_from_slice(&(n as u32).to_be_bytes());
    flow
}
