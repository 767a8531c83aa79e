//! `[interface.qos]`, and policers.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use dataplane::class::TrafficClass;
use toml::de::DeValue;

use super::{BURSTS, RATES, number};
use crate::config::qos::{ClassSettings, Curve, Limit, Policer, PolicerChoice, Qos, Wred};
use crate::config::units::{Rate, Size, Span};
use crate::config::values::Class;
use crate::config::walk::{Table, Value, help_words, integer, kind, text};
use crate::config::words::{Aqm, Cells, Discipline};

/// What a target or an interval may be.
pub(super) const TIMES: RangeInclusive<Span> = Span(10_000)..=Span(10_000_000_000);
/// What a length of a queue may be.
pub(super) const SIZES: RangeInclusive<Size> = Size(64)..=Size(1 << 30);

/// A table of tables by class name; other keys are left to `finish`.
pub(super) fn by_class<V>(
    table: &mut Table<'_, '_>,
    mut read: impl FnMut(Table<'_, '_>) -> Option<V>,
) -> BTreeMap<Class, V> {
    let found = TrafficClass::ALL.into_iter().filter_map(|class| {
        let inner = table.table(class.name())?;
        read(inner).map(|v| (Class(class), v))
    });
    found.collect()
}

pub(super) fn policer(mut table: Table<'_, '_>, mtu: u16) -> Option<Policer> {
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
pub(super) enum SizeOrTime {
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

pub(super) fn qos(mut table: Table<'_, '_>, mtu: u16) -> Qos {
    let default = Qos::default();
    let link = table.get::<Link>("overhead").unwrap_or(Link(default.overhead, default.cells));
    let cells = table.get("cells");
    // A DSL encapsulation is of one kind of cells.
    if let Some(said) = cells.filter(|said| link.1 != Cells::None && *said != link.1) {
        let message = format!("the line's overhead is of cells \"{}\", and these are \"{said}\"", link.1);
        table.fault("cells", message, "leave it out, or write overhead as a number of bytes");
    }
    let qos = Qos {
        rate: table.within("rate", RATES),
        guaranteed: table.within("guaranteed", RATES),
        weight: number(&mut table, "weight", 1, 100).unwrap_or(default.weight),
        limit: table.within("limit", SIZES),
        burst: table.within("burst", BURSTS).unwrap_or(default.burst),
        overhead: link.0,
        cells: cells.unwrap_or(link.1),
        discipline: table.get("discipline").unwrap_or(Discipline::Classes),
        classes: by_class(&mut table, |t| Some(class(t, mtu))),
    };
    table.finish();
    qos
}

/// Bytes beside a frame's own, and what the line packs it into.
struct Link(i16, Cells);

/// Bytes that an untagged frame's own header takes off what is counted from the datagram on.
const HEADER: i16 = 14;

/// Those of DSL count from the datagram on: the encapsulation (RFC 2684, RFC 2364, RFC 2516) and, over ATM,
/// the trailer of AAL5 (8); over PTM, TC sync, PTM header and FCS.
pub(in crate::config) const LINKS: [(&str, i16, Cells); 14] = [
    ("ethernet", 24, Cells::None),
    ("ethernet-fcs", 4, Cells::None),
    ("layer-2", 0, Cells::None),
    ("ip", -HEADER, Cells::None),
    ("ipoa-vcmux", 8 - HEADER, Cells::Atm),
    ("ipoa-llc", 16 - HEADER, Cells::Atm),
    ("bridged-vcmux", 24 - HEADER, Cells::Atm),
    ("bridged-llc", 32 - HEADER, Cells::Atm),
    ("pppoa-vcmux", 10 - HEADER, Cells::Atm),
    ("pppoa-llc", 14 - HEADER, Cells::Atm),
    ("pppoe-vcmux", 32 - HEADER, Cells::Atm),
    ("pppoe-llc", 40 - HEADER, Cells::Atm),
    ("bridged-ptm", 22 - HEADER, Cells::Ptm),
    ("pppoe-ptm", 30 - HEADER, Cells::Ptm),
];

impl Value for Link {
    fn allowed() -> String {
        "write -64 to 256 bytes, \"ethernet\" (24), \"ethernet-fcs\" (4), \"layer-2\" (0), \"ip\" (-14), or a \
         DSL encapsulation such as \"pppoe-llc\""
            .into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if let Some(word) = value.as_str() {
            let found = LINKS.iter().find(|(name, ..)| *name == word);
            return found
                .map(|(_, bytes, cells)| Self(*bytes, *cells))
                .ok_or_else(|| help_words(word, LINKS.map(|link| link.0)));
        }
        let n = integer(value)?;
        let fits = (-64..=256).contains(&n).then(|| i16::try_from(n).ok()).flatten();
        fits.map(|n| Self(n, Cells::None)).ok_or_else(|| format!("{n} is out of range"))
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
        guaranteed: table.within("guaranteed", RATES),
        rate: table.within("rate", RATES),
        limit,
        aqm: aqm(&mut table),
        flows: number(&mut table, "flows", 0, 65_535),
        ecn: table.get("ecn").unwrap_or(false),
        target: table.within("target", TIMES),
        interval: table.within("interval", TIMES),
        wred: table.table("wred").map(wred).unwrap_or_default(),
        policer: policer_choice(&mut table, mtu),
    };
    table.finish();
    settings
}

/// Other routers' names of controlled delay with a queue for each flow.
const WITH_FLOWS: [&str; 4] = ["fq-codel", "fq_codel", "fqcodel", "cake"];

fn aqm(table: &mut Table<'_, '_>) -> Option<Aqm> {
    let word = table.raw("aqm").and_then(|value| value.get_ref().as_str());
    if let Some(word) = word.filter(|word| WITH_FLOWS.contains(word)) {
        let help = "write aqm = \"codel\" and, for a queue of each flow, flows = 1024";
        table.fault("aqm", format!("\"{word}\" is two keys here"), help);
        return None;
    }
    table.get("aqm")
}

fn wred(mut table: Table<'_, '_>) -> Wred {
    let [green, yellow, red] = ["green", "yellow", "red"].map(|colour| table.table(colour).and_then(curve));
    table.finish();
    Wred { green, yellow, red }
}

fn curve(mut table: Table<'_, '_>) -> Option<Curve> {
    for key in ["from", "to"] {
        table.need::<Size>(key);
    }
    let [from, to] = ["from", "to"].map(|key| table.within(key, SIZES));
    let percent = number(&mut table, "percent", 1, 100).unwrap_or(10);
    table.finish();
    Some(Curve { from: from?, to: to?, percent })
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
