//! Tables of the file → types. One function per kind of table.

mod marks;
mod meter;
mod promise;
mod qos;
mod route;
mod rule;
mod vpn;

use std::collections::BTreeMap;

use dataplane::qos::PORT_BURST;
use toml::Spanned;
use toml::de::DeTable;

use super::limits;
use super::memif::Memif;
use super::rule::Trust;
use super::types::{Config, Fault, Interface, Port, Router, Vlan};
use super::units::{Rate, Span};
use super::values::{Name, Small};
use super::walk::{Reader, Table};
use super::words::{Attach, Copy, Mode, PortKind, Priority, TpidWord};

pub(super) use qos::LINKS;

/// Slowest and fastest rate.
const RATES: std::ops::RangeInclusive<Rate> = Rate(8_000)..=Rate(400_000_000_000);

/// Shortest and longest burst of a shaper.
const BURSTS: std::ops::RangeInclusive<Span> = Span(10_000)..=Span(1_000_000_000);

/// Which of the file's tables each list of a [`Config`] holds: those that
/// lack what names them are left out.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<&'static str, Vec<usize>>);

impl Kept {
    /// The place in the file of the item at `index` of a list.
    pub(super) fn place(&self, list: &str, index: usize) -> usize {
        self.0.get(list).and_then(|kept| kept.get(index)).copied().unwrap_or(index)
    }

    fn list<T>(
        &mut self,
        root: &mut Table<'_, '_>,
        key: &'static str,
        read: fn(Table<'_, '_>) -> Option<T>,
    ) -> Vec<T> {
        let items: Vec<_> = root.tables(key).into_iter().map(|(i, t)| (i, read(t))).collect();
        let (places, items) = items.into_iter().filter_map(|(i, t)| Some((i, t?))).unzip();
        self.0.insert(key, places);
        items
    }
}

/// The whole file.
pub(super) fn config(reader: &Reader, root: &Spanned<DeTable<'_>>) -> (Config, Kept) {
    let mut kept = Kept::default();
    let mut root = Table::new(reader, root.get_ref(), String::new(), root.span());
    let config = Config {
        router: root.table("router").map(router).unwrap_or_default(),
        ports: kept.list(&mut root, "port", port),
        vrfs: kept.list(&mut root, "vrf", vpn::vrf),
        prefix_lists: kept.list(&mut root, "prefix-list", vpn::prefix_list),
        interfaces: kept.list(&mut root, "interface", interface),
        meters: kept.list(&mut root, "meter", meter::shared),
        match_groups: kept.list(&mut root, "match", rule::group),
        rules: kept.list(&mut root, "rule", rule::rule),
        routes: kept.list(&mut root, "route", route::route),
        labels: route::labels(root.table("labels")),
        static_labels: kept.list(&mut root, "label", route::label),
        communities: kept.list(&mut root, "community", vpn::community),
        extranets: kept.list(&mut root, "extranet", vpn::extranet),
        neighbours: kept.list(&mut root, "neighbour", route::neighbour),
        promises: kept.list(&mut root, "promise", promise::promise),
        limits: limits::read(root.table("limits")),
        source: Default::default(),
    };
    root.finish();
    (config, kept)
}

fn name(table: &mut Table<'_, '_>, key: &'static str) -> Option<String> {
    table.need::<Name>(key).map(|n| n.0)
}

fn optional_name(table: &mut Table<'_, '_>, key: &'static str, default: &str) -> String {
    table.get::<Name>(key).map_or_else(|| default.into(), |n| n.0)
}

/// A number that fits its type by the range asked for.
fn number<T: TryFrom<i64>>(table: &mut Table<'_, '_>, key: &'static str, from: i64, to: i64) -> Option<T> {
    table.number(key, from..=to, "").and_then(|n| T::try_from(n).ok())
}

fn router(mut table: Table<'_, '_>) -> Router {
    let default = Router::default();
    let cores: Vec<u16> = table.list::<Small<0, 1023>>("cores").into_iter().map(|c| c.0).collect();
    let named = u16::try_from(cores.len()).unwrap_or(u16::MAX).clamp(1, 64);
    let workers = number(&mut table, "workers", 1, 64).unwrap_or(named);
    if !cores.is_empty() && usize::from(workers) != cores.len() {
        let message = format!("{workers} workers cannot be pinned to {} cores", cores.len());
        table.fault("cores", message, "name one core per worker, at most 64, or leave \"workers\" out");
    }
    if cores.iter().enumerate().any(|(i, core)| cores[..i].contains(core)) {
        table.fault("cores", "a core is named twice".into(), "give each worker a core of its own");
    }
    let mode = table.get::<Mode>("mode").unwrap_or(default.mode);
    let priority = table.get::<Priority>("priority").unwrap_or(default.priority);
    if (mode, priority) == (Mode::Busy, Priority::RealTime) {
        let message = "a worker that never sleeps cannot go before all else of its core".into();
        let help =
            "let \"mode\" be \"adaptive\", or leave \"priority\" out: alone on its core a worker needs none";
        table.fault("priority", message, help);
    }
    let router = Router {
        name: optional_name(&mut table, "name", &default.name),
        mode,
        priority,
        workers,
        cores,
        buffers: number(&mut table, "buffers", 512, 4_194_304).unwrap_or(default.buffers),
        socket: table.get("socket"),
    };
    table.finish();
    router
}

fn port(mut table: Table<'_, '_>) -> Option<Port> {
    let name = name(&mut table, "name");
    let kind = table.need::<PortKind>("kind");
    let (rate, burst) = (table.within("rate", RATES), table.within("burst", BURSTS));
    if burst.is_some() && table.raw("rate").is_none() {
        table.fault("burst", "the port has no rate to have a burst of".into(), "write rate, or leave it out");
    }
    let port = Port {
        name: name.clone().unwrap_or_default(),
        kind: kind.unwrap_or(PortKind::Loopback),
        device: table.get::<String>("device"),
        queues: number(&mut table, "queues", 1, 64).unwrap_or(1),
        trees: number(&mut table, "trees", 1, 64).unwrap_or(1),
        rate,
        burst: burst.unwrap_or(Span(PORT_BURST)),
        attach: table.get("attach").unwrap_or(Attach::Auto),
        copy: table.get("copy").unwrap_or(Copy::Auto),
        ring: number(&mut table, "ring", 64, 32_768).unwrap_or(2_048),
        read: table.get("read"),
        write: table.get("write"),
        paced: table.get("paced").unwrap_or(false),
        memif: memif(&mut table),
        fault: table.table("fault").map(fault),
    };
    table.finish();
    name.map(|_| port)
}

fn memif(table: &mut Table<'_, '_>) -> Memif {
    Memif {
        socket: table.get("socket"),
        role: table.get("role"),
        id: number(table, "id", 0, u32::MAX.into()),
        ring_size: number(table, "ring-size", 2, 16_384),
        buffer_size: number(table, "buffer-size", 64, 65_535),
        mode: table.get("mode"),
        secret: table.get("secret"),
        permissions: table.get("permissions"),
        zero_copy: table.get("zero-copy"),
    }
}

fn fault(mut table: Table<'_, '_>) -> Fault {
    let mut chance = |key| table.number(key, 0..=1_000_000, "per million").map_or(0, |n| n as u32);
    let (loss, duplicate, reorder) = (chance("loss"), chance("duplicate"), chance("reorder"));
    let (corrupt, stall) = (chance("corrupt"), chance("stall"));
    let stall_time =
        table.within("stall-time", Span(1_000)..=Span(60_000_000_000)).unwrap_or(Span(10_000_000));
    let seed = table.number("seed", 0..=i64::MAX, "").map_or(1, i64::unsigned_abs);
    table.finish();
    Fault { loss, duplicate, reorder, corrupt, stall, stall_time, seed }
}

fn interface(mut table: Table<'_, '_>) -> Option<Interface> {
    let name = name(&mut table, "name");
    let mtu = table.number("mtu", 68..=9_000, "bytes").map_or(1500, |n| n as u16);
    let mpls_mtu = number(&mut table, "mpls-mtu", i64::from(mtu), 9_100).unwrap_or(mtu);
    let shown = name.clone().unwrap_or_default();
    let interface = Interface {
        port: optional_name(&mut table, "port", &shown),
        name: shown,
        vlan: vlan(&mut table),
        tpid: table.get("tpid").unwrap_or(TpidWord::Dot1q),
        vrf: optional_name(&mut table, "vrf", "default"),
        addresses: table.list("addresses"),
        mtu,
        mac: table.get("mac"),
        mpls: table.get("mpls").unwrap_or(false),
        enabled: table.get("enabled").unwrap_or(true),
        trust: table.get::<Trust>("trust").unwrap_or_default(),
        mpls_mtu,
        dscp: table.table("dscp").map(marks::dscp).unwrap_or_default(),
        pcp: table.table("pcp").map(marks::pcp).unwrap_or_default(),
        tc: table.table("tc").map(marks::tc).unwrap_or_default(),
        dscp_out: table.table("dscp-out").map(marks::dscp_out).unwrap_or_default(),
        pcp_out: table.table("pcp-out").map(marks::eighths).unwrap_or_default(),
        tc_out: table.table("tc-out").map(marks::eighths).unwrap_or_default(),
        tc_ce: table.table("tc-ce").map(marks::eighths).unwrap_or_default(),
        ecn_domain: table.get("ecn-domain").unwrap_or(false),
        remark_tc: table.get("remark-tc").unwrap_or(false),
        link: table.get::<Name>("link").map(|n| n.0),
        police: table.table("police").map(|t| meter::police(t, mpls_mtu)).unwrap_or_default(),
        qos: table.table("qos").map(|t| qos::qos(t, mpls_mtu)),
    };
    table.finish();
    name.map(|_| interface)
}

fn vlan(table: &mut Table<'_, '_>) -> Vlan {
    let ids = table.list::<Small<1, 4094>>("vlan");
    let written = table.raw("vlan").and_then(|v| v.get_ref().as_array()).map(|a| a.len());
    match (ids.as_slice(), written) {
        ([], None) => Vlan::Untagged,
        ([one], None | Some(1)) => Vlan::One(one.0),
        ([outer, inner], Some(2)) => Vlan::Two([outer.0, inner.0]),
        (_, Some(n)) if n == 0 || n > 2 => {
            table.fault(
                "vlan",
                format!("{n} VLAN ids"),
                "write one id, or [outer, inner]; leave it out for untagged",
            );
            Vlan::Untagged
        }
        // An id that is wrong has been noted.
        _ => Vlan::Untagged,
    }
}
