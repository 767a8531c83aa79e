//! `[[promise]]`.

use dataplane::class::TrafficClass;

use super::qos::{SIZES, TIMES};
use super::{RATES, name, number};
use crate::config::promise::{PTIME, Promise};
use crate::config::units::Span;
use crate::config::values::Class;
use crate::config::walk::Table;
use crate::config::words::{Codec, IpVersion};

pub(super) fn promise(mut table: Table<'_, '_>) -> Option<Promise> {
    let interface = name(&mut table, "interface");
    let promise = Promise {
        interface: interface.clone().unwrap_or_default(),
        class: table.get("class").unwrap_or(Class(TrafficClass::Voice)),
        calls: number(&mut table, "calls", 1, 1_000_000),
        codec: table.get("codec").unwrap_or(Codec::G711),
        ip: table.get("ip").unwrap_or(IpVersion::V4),
        ptime: table.within("ptime", Span(10_000_000)..=Span(60_000_000)).unwrap_or(PTIME),
        srtp: number(&mut table, "srtp", 0, 32).unwrap_or(0),
        rate: table.within("rate", RATES),
        burst: table.within("burst", SIZES),
        labels: number(&mut table, "labels", 0, 8).unwrap_or(0),
        bound: table.within("bound", TIMES),
    };
    let one = usize::from(table.raw("calls").is_some()) + usize::from(table.raw("rate").is_some());
    if one != 1 {
        let message = "a promise is of calls or of a rate".to_owned();
        table.fault("calls", message, "give one of \"calls\" and \"rate\"");
    }
    if promise.burst.is_some() && promise.rate.is_none() && promise.calls.is_some() {
        table.fault("burst", "calls come one datagram each at once".into(), "leave it out, or give \"rate\"");
    }
    for key in ["ip", "ptime", "srtp"] {
        if table.raw(key).is_some() && promise.calls.is_none() && promise.rate.is_some() {
            table.fault(key, format!("\"{key}\" is of calls"), "leave it out, or give \"calls\"");
        }
    }
    if !promise.ptime.0.is_multiple_of(10_000_000) {
        let message = format!("{} is no whole number of frames of 10 ms", promise.ptime);
        table.fault("ptime", message, "write 10, 20, 30, 40, 50 or 60 ms");
    }
    table.finish();
    interface.filter(|_| promise.calls.is_some() != promise.rate.is_some()).map(|_| promise)
}
