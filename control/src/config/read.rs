//! Tables of the file → types. One function per kind of table.

use std::collections::BTreeMap;

use dataplane::class::TrafficClass;
use ipnet::IpNet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::limits;
use super::qos::{ClassSettings, Limit, Policer, PolicerChoice, Qos};
use super::types::{Config, Fault, Interface, Neighbour, Port, Route, Router, Vlan, Vrf};
use super::units::{Rate, Size, Span};
use super::values::{Attach, Class, Copy, Discipline, Mac, Mode, Name, PortKind, Small, TpidWord, dscp};
use super::walk::{Reader, Table, Value, help_words, integer, kind, text};

/// Slowest and fastest rate.
const RATES: std::ops::RangeInclusive<Rate> = Rate(8_000)..=Rate(400_000_000_000);

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
        vrfs: kept.list(&mut root, "vrf", vrf),
        interfaces: kept.list(&mut root, "interface", interface),
        routes: kept.list(&mut root, "route", route),
        neighbours: kept.list(&mut root, "neighbour", neighbour),
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
    let router = Router {
        name: optional_name(&mut table, "name", &default.name),
        mode: table.get::<Mode>("mode").unwrap_or(default.mode),
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
    let port = Port {
        name: name.clone().unwrap_or_default(),
        kind: kind.unwrap_or(PortKind::Loopback),
        device: table.get::<String>("device"),
        queues: number(&mut table, "queues", 1, 64).unwrap_or(1),
        rate: table.within("rate", RATES),
        attach: table.get("attach").unwrap_or(Attach::Auto),
        copy: table.get("copy").unwrap_or(Copy::Auto),
        ring: number(&mut table, "ring", 64, 32_768).unwrap_or(2_048),
        read: table.get("read"),
        write: table.get("write"),
        paced: table.get("paced").unwrap_or(false),
        fault: table.table("fault").map(fault),
    };
    table.finish();
    name.map(|_| port)
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

fn vrf(mut table: Table<'_, '_>) -> Option<Vrf> {
    let name = name(&mut table, "name");
    let otherwise = table.get("otherwise");
    table.finish();
    name.map(|name| Vrf { name, otherwise })
}

fn interface(mut table: Table<'_, '_>) -> Option<Interface> {
    let name = name(&mut table, "name");
    let mtu = table.number("mtu", 68..=9_000, "bytes").map_or(1500, |n| n as u16);
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
        trust: table.get("trust").unwrap_or(true),
        dscp: table.table("dscp").map(marks).unwrap_or_default(),
        police: table.table("police").map(|t| police(t, mtu)).unwrap_or_default(),
        qos: table.table("qos").map(|t| qos(t, mtu)),
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

/// Entries of a table whose keys are data.
fn each<K: Ord, V>(
    table: &Table<'_, '_>,
    key: impl Fn(&str) -> Result<K, String>,
    mut value: impl FnMut(&str, &Spanned<DeValue<'_>>) -> Option<V>,
) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (word, span, at) in table.entries() {
        match key(word) {
            Ok(k) if map.contains_key(&k) => {
                table.reader.note(
                    Some(span),
                    &table.path_of(word),
                    "the same thing is named twice".into(),
                    "name it once",
                );
            }
            Ok(k) => drop(value(word, at).map(|v| map.insert(k, v))),
            Err(message) => {
                let shown: String = word.chars().take(64).collect();
                table.reader.note(
                    Some(span),
                    &table.path_of(&shown),
                    message,
                    "a DSCP is a name such as \"ef\" or \"af41\", or 0 to 63",
                );
            }
        }
    }
    map
}

fn marks(table: Table<'_, '_>) -> BTreeMap<u8, Class> {
    each(&table, dscp, |word, value| {
        let note = |m| table.reader.note(Some(value.span()), &table.path_of(word), m, &Class::allowed());
        Class::read(value.get_ref()).map_err(note).ok()
    })
}

/// A table of tables by class name; other keys are left to `finish`.
fn by_class<V>(
    table: &mut Table<'_, '_>,
    mut read: impl FnMut(Table<'_, '_>) -> Option<V>,
) -> BTreeMap<Class, V> {
    let found = TrafficClass::ALL.into_iter().filter_map(|class| {
        let inner = table.table(class.name())?;
        read(inner).map(|v| (Class(class), v))
    });
    found.collect()
}

fn police(mut table: Table<'_, '_>, mtu: u16) -> BTreeMap<Class, Policer> {
    let policers = by_class(&mut table, |t| policer(t, mtu));
    table.finish();
    policers
}

fn policer(mut table: Table<'_, '_>, mtu: u16) -> Option<Policer> {
    table.need::<Rate>("rate");
    let rate = table.within::<Rate>("rate", RATES);
    let burst = table.get::<SizeOrTime>("burst");
    table.finish();
    let rate = rate?;
    Some(match burst {
        None => Policer::with_default_burst(rate, mtu),
        Some(SizeOrTime::Time(time)) => Policer::with_burst_time(rate, time, mtu),
        Some(SizeOrTime::Size(burst)) => Policer { rate, burst },
    })
}

/// What can be said in bytes or as time.
enum SizeOrTime {
    Size(Size),
    Time(Span),
}

impl Value for SizeOrTime {
    fn allowed() -> String {
        "write a size of 64 B to 1 GiB such as \"64 kB\", or a time of 10 us to 10 s such as \"20 ms\"".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let shown: String = text.chars().take(64).collect();
        match (text.parse::<Size>(), text.parse::<Span>()) {
            (Ok(size), _) if (64..=1 << 30).contains(&size.0) => Ok(Self::Size(size)),
            (_, Ok(time)) if (10_000..=10_000_000_000).contains(&time.0) => Ok(Self::Time(time)),
            (Err(_), Err(_)) => Err(format!("\"{shown}\" is neither a size nor a time")),
            _ => Err(format!("{shown} is out of range")),
        }
    }
}

fn qos(mut table: Table<'_, '_>, mtu: u16) -> Qos {
    let default = Qos::default();
    let qos = Qos {
        rate: table.within("rate", RATES),
        burst: table.within("burst", Span(10_000)..=Span(1_000_000_000)).unwrap_or(default.burst),
        overhead: table.get::<Overhead>("overhead").map_or(default.overhead, |o| o.0),
        discipline: table.get("discipline").unwrap_or(Discipline::Classes),
        classes: by_class(&mut table, |t| Some(class(t, mtu))),
    };
    table.finish();
    qos
}

/// Bytes beside a frame's own.
struct Overhead(i16);

const OVERHEADS: [(&str, i16); 4] = [("ethernet", 24), ("ethernet-fcs", 4), ("layer-2", 0), ("ip", -14)];

impl Value for Overhead {
    fn allowed() -> String {
        "write -64 to 256 bytes, or \"ethernet\" (24), \"ethernet-fcs\" (4), \"layer-2\" (0) or \"ip\" (-14)"
            .into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if let Some(word) = value.as_str() {
            let found = OVERHEADS.iter().find(|(name, _)| *name == word);
            return found.map(|(_, n)| Self(*n)).ok_or_else(|| help_words(word, OVERHEADS.map(|o| o.0)));
        }
        let n = integer(value)?;
        let fits = (-64..=256).contains(&n).then(|| i16::try_from(n).ok()).flatten();
        fits.map(Self).ok_or_else(|| format!("{n} is out of range"))
    }
}

fn class(mut table: Table<'_, '_>, mtu: u16) -> ClassSettings {
    let mut limit = Limit::default();
    for bound in table.list::<SizeOrTime>("limit") {
        match bound {
            SizeOrTime::Size(size) => limit.size = Some(size),
            SizeOrTime::Time(time) => limit.time = Some(time),
        }
    }
    let settings = ClassSettings {
        priority: table.get("priority"),
        weight: number(&mut table, "weight", 0, 10_000),
        limit,
        policer: policer_choice(&mut table, mtu),
    };
    table.finish();
    settings
}

fn policer_choice(table: &mut Table<'_, '_>, mtu: u16) -> PolicerChoice {
    match table.raw("policer").map(|v| v.get_ref()) {
        None => PolicerChoice::Default,
        Some(DeValue::Boolean(false)) => PolicerChoice::None,
        Some(DeValue::Table(_)) => {
            let read = table.table("policer").and_then(|t| policer(t, mtu));
            read.map_or(PolicerChoice::Default, PolicerChoice::Policer)
        }
        Some(other) => {
            let message = format!("this is {}, not a policer", kind(other));
            table.fault(
                "policer",
                message,
                "write { rate = \"3 Mbit/s\", burst = \"20 ms\" }, or false for none",
            );
            PolicerChoice::Default
        }
    }
}

fn route(mut table: Table<'_, '_>) -> Option<Route> {
    let prefix = table.need::<IpNet>("prefix");
    let route = Route {
        vrf: optional_name(&mut table, "vrf", "default"),
        prefix: prefix.unwrap_or_default(),
        via: table.list("via"),
        interface: table.get::<Name>("interface").map(|n| n.0),
        discard: table.get("discard"),
        distance: number(&mut table, "distance", 1, 255).unwrap_or(1),
    };
    table.finish();
    prefix.map(|_| route)
}

fn neighbour(mut table: Table<'_, '_>) -> Option<Neighbour> {
    let interface = name(&mut table, "interface");
    let (address, mac) = (table.need("address"), table.need("mac"));
    table.finish();
    // One without a right station address has been noted; the rest of it is checked all the same.
    Some(Neighbour { interface: interface?, address: address?, mac: mac.unwrap_or(Mac([0; 6])) })
}
