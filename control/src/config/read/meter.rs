//! `[interface.police]` and `[[meter]]`.

use std::collections::BTreeMap;

use super::qos::{SizeOrTime, by_class, policer};
use super::{RATES, name};
use crate::config::meter::{Meter, MeterAction, Police, SharedMeter};
use crate::config::qos::{POLICER_BURST, Policer};
use crate::config::units::{Rate, Size};
use crate::config::values::{Class, Name};
use crate::config::walk::Table;
use crate::config::words::MeterKind;

/// The longest packet of any interface, labels included: frames of all of them ask a shared meter.
const LONGEST: u16 = 9_100;

pub(super) fn police(mut table: Table<'_, '_>, mtu: u16) -> BTreeMap<Class, Police> {
    let policers = by_class(&mut table, |mut t| match t.get::<Name>("meter") {
        None if t.raw("meter").is_none() => own(t, mtu),
        shared => {
            t.finish();
            shared.map(|name| Police::Shared { meter: name.0 })
        }
    });
    table.finish();
    policers
}

pub(super) fn shared(mut table: Table<'_, '_>) -> Option<SharedMeter> {
    let name = name(&mut table, "name");
    let police = own(table, LONGEST);
    Some(SharedMeter { name: name?, police: police? })
}

fn own(mut table: Table<'_, '_>, mtu: u16) -> Option<Police> {
    if table.raw("kind").is_none() {
        let of_kinds = ["cir", "cbs", "pir", "pbs", "eir", "ebs"];
        if let Some(key) = of_kinds.into_iter().find(|key| table.raw(key).is_some()) {
            let message = format!("\"kind\" is missing: \"{key}\" is of a meter of three colours");
            let help = "write kind = \"srtcm\" (RFC 2697), \"trtcm\" (RFC 2698) or \"rfc4115\"; a policer has \"rate\" and \"burst\"";
            table.fault("kind", message, help);
            return None;
        }
        return policer(table, mtu).map(Police::Policer);
    }
    let read = meter(&mut table, mtu);
    table.finish();
    read.map(Police::Meter)
}

fn meter(table: &mut Table<'_, '_>, mtu: u16) -> Option<Meter> {
    let kind = table.get::<MeterKind>("kind");
    let cir = rate(table, "cir");
    let (pir, eir) = match kind {
        Some(MeterKind::TrTcm) => (rate(table, "pir"), None),
        Some(MeterKind::Rfc4115) => (None, rate(table, "eir")),
        _ => (None, None),
    };
    let cbs = burst(table, "cbs", cir, mtu);
    let (pbs, ebs) = match kind {
        Some(MeterKind::TrTcm) => (burst(table, "pbs", pir, mtu), None),
        Some(MeterKind::Rfc4115) => (None, burst(table, "ebs", eir, mtu)),
        _ => (None, burst(table, "ebs", cir, mtu)),
    };
    let colour_aware = table.get("colour-aware").unwrap_or(false);
    let mut action = |key, default| table.get::<MeterAction>(key).unwrap_or(default);
    let green = action("green", MeterAction::Recolour);
    let yellow = action("yellow", MeterAction::Recolour);
    let red = action("red", MeterAction::Drop);
    let wanted = kind?;
    // What is not there although it is needed has been noted.
    let whole = match wanted {
        MeterKind::SrTcm => true,
        MeterKind::TrTcm => pir.is_some(),
        MeterKind::Rfc4115 => eir.is_some(),
    };
    let meter =
        Meter { kind: wanted, cir: cir?, cbs: cbs?, pir, pbs, eir, ebs, colour_aware, green, yellow, red };
    whole.then_some(meter)
}

fn rate(table: &mut Table<'_, '_>, key: &'static str) -> Option<Rate> {
    table.need::<Rate>(key);
    table.within(key, RATES)
}

/// A burst: as it is written, or as time at `rate`. `None` where the rate is not known.
fn burst(table: &mut Table<'_, '_>, key: &'static str, rate: Option<Rate>, mtu: u16) -> Option<Size> {
    let written = table.get::<SizeOrTime>(key);
    Some(match written {
        Some(SizeOrTime::Size(size)) => size,
        Some(SizeOrTime::Time(time)) => Policer::with_burst_time(rate?, time, mtu).burst,
        None => Policer::with_burst_time(rate?, POLICER_BURST, mtu).burst,
    })
}
