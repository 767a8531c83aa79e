//! What one configuration file says, key by key.
//!
//! The fields are the file's keys; their texts are its reference. Every key
//! that has a default may be left out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use dataplane::class::{Colour, TcMap, TrafficClass};
use dataplane::qos::LabelMarks;
use dataplane::table::TunnelModel;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;

use super::community::{Community, Extranet};
use super::label::{LabelRanges, StaticLabel};
use super::limits::Limits;
use super::memif::Memif;
use super::meter::{Police, SharedMeter};
use super::prefix_list::PrefixList;
use super::promise::Promise;
use super::qos::Qos;
use super::route::Route;
use super::rule::{ByColour, MatchGroup, Meaning, Rule, Trust};
use super::units::{Rate, Span};
use super::values::{Class, Mac};
use super::vpn::{RouteDistinguisher, TargetRule};
use super::words::{
    Attach, Copy, DiffServWord, Discard, LabelMode, Mode, PortKind, Priority, TpidWord, TtlWord,
};

/// The wanted state of one router.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Config {
    /// `[router]`: the process.
    pub router: Router,
    /// `[[port]]`: where frames enter and leave. At most 1,024.
    #[serde(rename = "port")]
    pub ports: Vec<Port>,
    /// `[[vrf]]`: routing worlds beside "default", which is always there. At most 60,000.
    #[serde(rename = "vrf")]
    pub vrfs: Vec<Vrf>,
    /// `[[prefix-list]]`: sets of prefixes that imports and exports name.
    #[serde(rename = "prefix-list")]
    pub prefix_lists: Vec<PrefixList>,
    /// `[[interface]]`: logical interfaces on ports. At most 1,000,000.
    #[serde(rename = "interface")]
    pub interfaces: Vec<Interface>,
    /// `[[meter]]`: meters that several classes and interfaces share. At most 65,536.
    #[serde(rename = "meter")]
    pub meters: Vec<SharedMeter>,
    /// `[[match]]`: what packets must be, for rules to name. At most 4,096.
    #[serde(rename = "match")]
    pub match_groups: Vec<MatchGroup>,
    /// `[[rule]]`: which packets are of a class, whatever their mark says; the first of a
    /// direction that matches decides. At most 4,096.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
    /// `[[route]]`: static routes.
    #[serde(rename = "route")]
    pub routes: Vec<Route>,
    /// `[labels]`: which labels the router gives out.
    pub labels: LabelRanges,
    /// `[[label]]`: incoming labels whose way is given.
    #[serde(rename = "label")]
    pub static_labels: Vec<StaticLabel>,
    /// `[[community]]`: Vrfs that may reach each other. None at all: nothing is declared, and
    /// nothing proved; otherwise a Vrf in none is a community of its own.
    #[serde(rename = "community")]
    pub communities: Vec<Community>,
    /// `[[extranet]]`: what communities may reach of each other.
    #[serde(rename = "extranet")]
    pub extranets: Vec<Extranet>,
    /// `[[neighbour]]`: neighbours whose station address is known beforehand.
    #[serde(rename = "neighbour")]
    pub neighbours: Vec<Neighbour>,
    /// `[[promise]]`: what sites are promised; a file that cannot keep it is refused.
    #[serde(rename = "promise")]
    pub promises: Vec<Promise>,
    /// `[limits]`: bounds on the slow path.
    pub limits: Limits,
    /// Where it was read from, so that later faults can be placed too.
    #[serde(skip)]
    #[schemars(skip)]
    pub(super) source: Source,
}

/// A file's name and text.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) file: Arc<str>,
    pub(super) text: Arc<str>,
}

impl Default for Source {
    fn default() -> Self {
        Self { file: "configuration".into(), text: "".into() }
    }
}

/// `[router]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Router {
    /// Its name in commands and reports. Default "viaduct".
    pub name: String,
    /// How workers wait for frames. Default "adaptive".
    pub mode: Mode,
    /// How workers stand beside other threads; "real-time" needs CAP_SYS_NICE or a limit of real-time priority of
    /// 10, a core for each worker, and another mode than "busy". Default "ordinary".
    pub priority: Priority,
    /// Worker threads, 1 to 64. Default: as many as `cores`, or 1.
    pub workers: u16,
    /// The core that each worker is pinned to, 0 to 1023. Default: not pinned.
    pub cores: Vec<u16>,
    /// Frame buffers per worker, 512 to 4,194,304. Default 16,384.
    pub buffers: u32,
    /// Path of the control socket. Default: the daemon's.
    pub socket: Option<String>,
}

impl Default for Router {
    fn default() -> Self {
        Self {
            name: "viaduct".into(),
            mode: Mode::Adaptive,
            priority: Priority::Ordinary,
            workers: 1,
            cores: Vec::new(),
            buffers: 16_384,
            socket: None,
        }
    }
}

/// `[[port]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Port {
    /// Its name.
    pub name: String,
    /// What carries its frames.
    pub kind: PortKind,
    /// The network device of an af-xdp, af-packet or tap port. Default: the port's name.
    pub device: Option<String>,
    /// Receive and transmit queues, 1 to 64. Default 1.
    pub queues: u16,
    /// Scheduler trees, 1 to 64, each of some of the port's interfaces and another worker's: no more
    /// than `queues`, and than there are workers. Default 1.
    pub trees: u16,
    /// Rate of the line, which the scheduler holds all its interfaces to together:
    /// 8 kbit/s to 400 Gbit/s. Default: not held.
    pub rate: Option<Rate>,
    /// Burst as time at the rate, 10 us to 1 s: for so long it makes up for turns that came late. Shorter than a turn
    /// of a worker, the port sends less than its rate. Default 1 ms.
    pub burst: Span,
    /// Where an af-xdp port's program is attached. Default "auto".
    pub attach: Attach,
    /// Whether an af-xdp port's frames are copied. Default "auto".
    pub copy: Copy,
    /// Entries of each ring of an af-xdp port, 64 to 32,768, a power of two. Default 2,048.
    pub ring: u32,
    /// The file that a pcap port reads frames from. Default: none.
    pub read: Option<String>,
    /// The file that a pcap port writes frames to. Default: none.
    pub write: Option<String>,
    /// Whether a pcap port's frames come as far apart as they were captured. Default
    /// false: as fast as they are taken.
    pub paced: bool,
    /// What a memif port goes by besides.
    #[serde(flatten)]
    pub memif: Memif,
    /// Faults to inject, for tests. Default: none.
    pub fault: Option<Fault>,
}

impl Port {
    /// The network device it is on; `None` for kinds that have none.
    pub fn device(&self) -> Option<&str> {
        let on_device = matches!(self.kind, PortKind::AfXdp | PortKind::AfPacket | PortKind::Tap);
        on_device.then(|| self.device.as_deref().unwrap_or(&self.name))
    }
}

/// `fault = { … }` of a port: chances per million frames, 0 to 1,000,000, default 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Fault {
    /// A frame is lost.
    pub loss: u32,
    /// A frame comes twice.
    pub duplicate: u32,
    /// A frame comes behind the next one.
    pub reorder: u32,
    /// A bit of a frame is flipped.
    pub corrupt: u32,
    /// The line stops with this frame.
    pub stall: u32,
    /// For how long it stops, 1 us to 60 s. Default "10 ms".
    pub stall_time: Span,
    /// Seed of the chances, 0 to 2^63 − 1: the same seed gives the same faults. Default 1.
    pub seed: u64,
}

/// Which of a port's frames are an interface's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Vlan {
    /// Those without a tag, or with VLAN id 0.
    #[default]
    Untagged,
    /// Those with this tag.
    One(u16),
    /// Those with these two tags, outer first.
    Two([u16; 2]),
}

/// `[[interface]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The port it is on. Default: the port of the interface's own name.
    pub port: String,
    /// VLAN id, or outer and inner id, 1 to 4094 each. Default: untagged.
    pub vlan: Vlan,
    /// The EtherType of the (outer) tag. Default "802.1q"; the inner one is always 802.1q.
    pub tpid: TpidWord,
    /// Its Vrf. Default "default".
    pub vrf: String,
    /// Its addresses with the length of the subnet. Default: none.
    #[schemars(with = "Vec<String>")]
    pub addresses: Vec<IpNet>,
    /// Longest IP datagram it sends, bytes: 68 to 9,000; 1,280 and up with an IPv6 address
    /// (RFC 791, RFC 8200 section 5). Default 1,500.
    pub mtu: u16,
    /// Its station address. Default: the port's.
    pub mac: Option<Mac>,
    /// Whether labelled frames are accepted, and may leave. Default false.
    pub mpls: bool,
    /// Longest labelled packet it sends, label stack included, bytes: `mtu` to 9,100. Default: `mtu`.
    pub mpls_mtu: u16,
    /// Whether it is up. Default true.
    pub enabled: bool,
    /// Which marks of what comes in count: true (the DSCP), "pcp" (the 802.1p priority of the
    /// VLAN tag; the DSCP without one) or false: all is Standard but for what a rule says,
    /// and leaves with the mark of its class, IP packets and labels. Default true.
    pub trust: Trust,
    /// DSCP (name such as "ef", or 0 to 63) to class, or class and colour, over the default map.
    pub dscp: BTreeMap<u8, Meaning>,
    /// 802.1p priority of the first tag (0 to 7) to class, or class and colour, where `trust`
    /// is "pcp", over the default map.
    pub pcp: BTreeMap<u8, Meaning>,
    /// Traffic class value of labels (0 to 7) to class, or class and colour, for what comes in
    /// labelled, over the default map (RFC 5462).
    pub tc: BTreeMap<u8, Meaning>,
    /// Class to the DSCP of IP packets that leave: one, or those of green, yellow and red. Under
    /// labels that are put on here only where the tunnel is uniform (RFC 3270). Default: they
    /// keep theirs. What the router says itself keeps its own too.
    pub dscp_out: BTreeMap<Class, ByColour>,
    /// Class to the 802.1p priority (0 to 7) in the tags of frames that leave. Default 0.
    pub pcp_out: BTreeMap<Class, u8>,
    /// Class to the traffic class value (0 to 7) of labels put on, over the default map.
    pub tc_out: BTreeMap<Class, u8>,
    /// Class to the traffic class value (0 to 7) of labels that says the class and that congestion was
    /// met (RFC 5129), in and out: queues with `ecn` mark it in place of a drop, and where the label
    /// comes off, what is below says CE, or is dropped where it does not know ECN. Default: none.
    pub tc_ce: BTreeMap<Class, u8>,
    /// Whether queues mark labels whatever is below them (RFC 5129 section 3): every router of the
    /// domain knows `tc-ce`. Default false: only where the IP packet below knows ECN.
    pub ecn_domain: bool,
    /// Whether what comes labelled and leaves labelled by it is given the traffic class of its
    /// class too, by `tc-out`. Default false: a swap keeps it.
    pub remark_tc: bool,
    /// The link it is on: the interface of another router that names the same link is at its
    /// other end. Default: not known.
    pub link: Option<String>,
    /// `[interface.police.CLASS]`: policers and meters of what comes in. Default: none.
    pub police: BTreeMap<Class, Police>,
    /// `[interface.qos]`: how what goes out is shaped and queued. Default: not
    /// shaped, a queue per class, voice first.
    pub qos: Option<Qos>,
}

impl Interface {
    /// The longest packet it sends, label stack included, bytes.
    pub fn longest(&self) -> u16 {
        self.mtu.max(self.mpls_mtu)
    }

    /// Its map between traffic classes of labels and classes; what comes in is all
    /// Standard where marks do not count.
    pub fn tc_map(&self) -> TcMap {
        let mut map = TcMap::default();
        if self.trust == Trust::Nothing {
            map.classes = [(TrafficClass::Standard, Colour::Green); 8];
        }
        for (tc, class) in &self.tc {
            map.classes[usize::from(tc & 7)] = (class.class.0, class.colour(Colour::Green));
        }
        for (class, tc) in &self.tc_out {
            map.tcs[class.0.index()] = tc & 7;
        }
        for (class, tc) in &self.tc_ce {
            map.ce[class.0.index()] = Some(tc & 7);
            if self.trust != Trust::Nothing {
                map.classes[usize::from(tc & 7)] = (class.0, Colour::Green);
            }
        }
        map
    }

    /// What its queues mark of labels.
    pub(super) fn label_marks(&self) -> LabelMarks {
        let map = self.tc_map();
        let mut marks = LabelMarks { domain: self.ecn_domain, ..LabelMarks::default() };
        for (class, ce) in &self.tc_ce {
            marks.tcs[usize::from(map.tc(class.0))] = Some(*ce);
            marks.tcs[usize::from(ce & 7)] = Some(*ce);
        }
        marks
    }
}

/// `[[vrf]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Vrf {
    /// Its name.
    pub name: String,
    /// What happens to packets without any other route: a default route of the
    /// lowest preference, for IPv4 and IPv6. Default: no route.
    pub otherwise: Option<Discard>,
    /// What makes its prefixes unlike those of other Vrfs: "AS:NUMBER" or "ADDRESS:NUMBER"
    /// (RFC 4364 section 4.2). Needed to import or export.
    pub rd: Option<RouteDistinguisher>,
    /// Targets of the routes it takes from other Vrfs, each a target or `{ target, prefixes }`.
    /// Default: none.
    pub import: Vec<TargetRule>,
    /// Targets that its own routes carry, each a target or `{ target, prefixes }`; a route that
    /// carries none is not exported. Default: none.
    pub export: Vec<TargetRule>,
    /// What labels are given out for, where it exports. Default "per-vrf".
    pub label: LabelMode,
    /// What tunnels do to the TTL of its packets (RFC 3443). Default "uniform".
    pub ttl: TtlWord,
    /// What tunnels do to the marks of its packets (RFC 3270). Default "pipe".
    pub diffserv: DiffServWord,
}

impl Vrf {
    /// What tunnels do to its packets, where a route or label says nothing else.
    pub fn model(&self) -> TunnelModel {
        TunnelModel { ttl: self.ttl.into(), diffserv: self.diffserv.into() }
    }
}

/// `[[neighbour]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Neighbour {
    /// The interface it is on.
    pub interface: String,
    /// Its address, on a subnet of the interface or IPv6 link-local.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// Its station address.
    pub mac: Mac,
}
