//! `show ports`, `show interfaces`, `show neighbours`.

use anstyle::Style;
use control::api::types::{InterfaceRow, MemifRow, NeighbourRow, PortRow, RingRow};

use super::{Ask, require_interface};
use crate::exit::Done;
use crate::output::{self, BAD, FAINT, ODD};
use crate::table::{Table, span};

/// How a link's state looks.
fn of_link(state: &str) -> Style {
    match state {
        "up" => Style::new(),
        "disabled" => FAINT,
        _ => BAD,
    }
}

pub(super) fn ports(ask: &Ask) -> Done {
    let rows: Vec<PortRow> = ask.get("/v1/ports")?;
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&[
        "PORT",
        "KIND",
        "DEVICE",
        "LINK",
        ">QUEUES",
        ">TREES",
        ">RECEIVED",
        ">SENT",
        ">MISSED",
        ">DROPPED",
    ]);
    let peers: Vec<_> = rows.iter().filter_map(|row| Some((row.name.clone(), row.memif.clone()?))).collect();
    for row in rows {
        let style = of_link(&row.link);
        let dropped: u64 = row.drops.values().sum();
        let numbers = [row.queues as u64, row.trees as u64, row.received, row.sent, row.missed, dropped];
        let [queues, trees, received, sent, missed, dropped] = numbers.map(|n| n.to_string());
        table.styled(
            [row.name, row.kind, row.device, row.link, queues, trees, received, sent, missed, dropped],
            style,
        );
    }
    table.print("no ports");
    if !peers.is_empty() {
        memif(peers);
    }
    Ok(())
}

/// The peers of memif ports.
fn memif(peers: Vec<(String, MemifRow)>) {
    let mut table = Table::new(&[
        "MEMIF",
        "ROLE",
        ">ID",
        "STATE",
        "ZERO-COPY",
        "PEER",
        "PEER-INTERFACE",
        ">CONNECTIONS",
        "RING",
        "TO-RECEIVE",
        "TO-SEND",
        "WHY",
    ]);
    for (name, row) in peers {
        // Of all queues in turn.
        let each = |figure: fn(&RingRow) -> u16| {
            row.rings.iter().map(|ring| figure(ring).to_string()).collect::<Vec<_>>().join(" ")
        };
        let rings = [each(|r| r.size), each(|r| r.to_receive), each(|r| r.to_send)];
        let [size, to_receive, to_send] = rings;
        let state = if row.connected { "connected" } else { "waiting" };
        let style = if row.connected { Style::new() } else { BAD };
        let (id, connections) = (row.id.to_string(), row.connections.to_string());
        let why = row.reason.unwrap_or_default();
        table.styled(
            [
                name,
                row.role,
                id,
                state.into(),
                if row.zero_copy { "yes" } else { "no" }.into(),
                row.peer,
                row.interface,
                connections,
                size,
                to_receive,
                to_send,
                why,
            ],
            style,
        );
    }
    output::line("");
    table.print("no peers");
}

pub(super) fn interfaces(ask: &Ask) -> Done {
    let rows: Vec<InterfaceRow> = ask.get("/v1/interfaces")?;
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&[
        "INTERFACE",
        "PORT",
        "VLAN",
        "VRF",
        "STATE",
        ">MTU",
        "MAC",
        ">RX-FRAMES",
        ">RX-BYTES",
        ">TX-FRAMES",
        ">TX-BYTES",
        ">DROPPED",
        "ADDRESSES",
    ]);
    for row in rows {
        let style = of_link(&row.state);
        let counts = [row.received.frames, row.received.bytes, row.sent.frames, row.sent.bytes, row.dropped];
        let [in_frames, in_bytes, out_frames, out_bytes, dropped] = counts.map(|n| n.to_string());
        let mtu = row.mtu.to_string();
        let addresses = row.addresses.join(" ");
        table.styled(
            [
                row.name, row.port, row.vlan, row.vrf, row.state, mtu, row.mac, in_frames, in_bytes,
                out_frames, out_bytes, dropped, addresses,
            ],
            style,
        );
    }
    table.print("no interfaces");
    Ok(())
}

pub(super) fn neighbours(ask: &Ask, interface: Option<&str>) -> Done {
    require_interface(ask, interface)?;
    let mut rows: Vec<NeighbourRow> = ask.get("/v1/neighbours")?;
    rows.retain(|row| interface.is_none_or(|name| name == row.interface));
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&["ADDRESS", "MAC", "INTERFACE", "VRF", "STATE", ">AGE", ">HELD"]);
    for row in rows {
        let style = if row.mac.is_none() { ODD } else { Style::new() };
        let age = if row.state == "static" { String::new() } else { span(row.age_seconds) };
        let mac = row.mac.unwrap_or_default();
        let (address, held) = (row.address.to_string(), row.held.to_string());
        table.styled([address, mac, row.interface, row.vrf, row.state, age, held], style);
    }
    table.print("no neighbours");
    Ok(())
}
