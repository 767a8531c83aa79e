//! `[[route]]`, `[[label]]` and `[[neighbour]]`.

use std::net::IpAddr;

use ipnet::IpNet;
use toml::de::DeValue;

use super::{name, number, optional_name};
use crate::config::label::{LEAST_LABEL, LabelRanges, MOST_LABEL, MOST_PUSHED, StaticLabel};
use crate::config::route::{Route, Via};
use crate::config::types::Neighbour;
use crate::config::values::{Mac, Name};
use crate::config::walk::{Table, Value, integer};

pub(super) fn route(mut table: Table<'_, '_>) -> Option<Route> {
    let prefix = table.need::<IpNet>("prefix");
    let route = Route {
        vrf: optional_name(&mut table, "vrf", "default"),
        prefix: prefix.unwrap_or_default(),
        via: vias(&mut table),
        interface: table.get::<Name>("interface").map(|n| n.0),
        push: stack(&mut table).unwrap_or_default(),
        via_vrf: table.get::<Name>("via-vrf").map(|n| n.0),
        entropy: table.get("entropy").unwrap_or(false),
        ttl: table.get("ttl"),
        diffserv: table.get("diffserv"),
        discard: table.get("discard"),
        distance: number(&mut table, "distance", 1, 255).unwrap_or(1),
    };
    table.finish();
    prefix.map(|_| route)
}

fn vias(table: &mut Table<'_, '_>) -> Vec<Via> {
    table.mixed::<IpAddr, _>("via", Via::from, |mut table| {
        let address = table.need("address");
        let interface = table.get::<Name>("interface").map(|n| n.0);
        let push = stack(&mut table);
        let swap = table.get::<Outgoing>("swap").map(|label| label.0);
        table.finish();
        address.map(|address| Via { address, interface, push, swap })
    })
}

/// Labels to put on; `None` where nothing is said.
fn stack(table: &mut Table<'_, '_>) -> Option<Vec<u32>> {
    table.raw("push")?;
    let labels: Vec<u32> = table.list::<Outgoing>("push").into_iter().map(|label| label.0).collect();
    if labels.len() > MOST_PUSHED {
        let message = format!("{} labels are too many", labels.len());
        table.fault("push", message, &format!("at most {MOST_PUSHED} can be put on"));
    }
    Some(labels)
}

/// A label to be put on.
struct Outgoing(u32);

impl Value for Outgoing {
    fn allowed() -> String {
        format!("allowed: {LEAST_LABEL} to {MOST_LABEL}, 0 or 2 (explicit null), 3 (implicit null: no label)")
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let n = integer(value)?;
        match u32::try_from(n) {
            Ok(label @ (0 | 2 | 3 | LEAST_LABEL..=MOST_LABEL)) => Ok(Self(label)),
            Ok(7) => Err("7 is the entropy label indicator; write entropy = true".into()),
            Ok(1..LEAST_LABEL) => Err(format!("{n} is reserved (RFC 3032 section 2.1)")),
            _ => Err(format!("{n} is no label: it has 20 bits")),
        }
    }
}

/// A label that comes in.
struct Incoming(u32);

impl Value for Incoming {
    fn allowed() -> String {
        format!("allowed: {LEAST_LABEL} to {MOST_LABEL}")
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let n = integer(value)?;
        match u32::try_from(n) {
            Ok(label @ LEAST_LABEL..=MOST_LABEL) => Ok(Self(label)),
            Ok(0..LEAST_LABEL) => Err(format!("{n} is reserved (RFC 3032 section 2.1)")),
            _ => Err(format!("{n} is no label: it has 20 bits")),
        }
    }
}

pub(super) fn label(mut table: Table<'_, '_>) -> Option<StaticLabel> {
    let label = table.need::<Incoming>("label");
    let read = StaticLabel {
        label: label.as_ref().map_or(0, |label| label.0),
        swap: table.get::<Outgoing>("swap").map(|label| label.0),
        pop: table.get("pop").unwrap_or(false),
        vrf: table.get::<Name>("vrf").map(|n| n.0),
        via: vias(&mut table),
        interface: table.get::<Name>("interface").map(|n| n.0),
        via_vrf: table.get::<Name>("via-vrf").map(|n| n.0),
        push: stack(&mut table).unwrap_or_default(),
        ttl: table.get("ttl"),
        diffserv: table.get("diffserv"),
    };
    table.finish();
    label.map(|_| read)
}

pub(super) fn labels(table: Option<Table<'_, '_>>) -> LabelRanges {
    let Some(mut table) = table else { return LabelRanges::default() };
    let dynamic = table.get("dynamic").unwrap_or_default();
    table.finish();
    LabelRanges { dynamic }
}

pub(super) fn neighbour(mut table: Table<'_, '_>) -> Option<Neighbour> {
    let interface = name(&mut table, "interface");
    let (address, mac) = (table.need("address"), table.need("mac"));
    table.finish();
    // One without a right station address has been noted; the rest of it is checked all the same.
    Some(Neighbour { interface: interface?, address: address?, mac: mac.unwrap_or(Mac([0; 6])) })
}
