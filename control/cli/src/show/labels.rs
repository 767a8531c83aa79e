//! `show labels`, `show lsp`, `show vrfs`.

use anstyle::Style;
use control::api::types::Process;
use control::show::{HopRow, LabelRow, LspRow, VpnRow};
use ipnet::IpNet;

use super::Ask;
use crate::exit::{Done, Failure};
use crate::output::{self, FAINT};
use crate::table::Table;

/// A neighbour with the labels on the way to it; one not known yet in parentheses.
pub(super) fn hop(hop: &HopRow) -> String {
    let labels: Vec<_> = hop.labels.iter().map(u32::to_string).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("[{}]", labels.join(" ")) };
    match hop.resolved {
        true => format!("{labels}{}%{}", hop.address, hop.interface),
        false => format!("{labels}({}%{})", hop.address, hop.interface),
    }
}

pub(super) fn hops(rows: &[HopRow]) -> String {
    rows.iter().map(hop).collect::<Vec<_>>().join(" ")
}

pub(super) fn labels(ask: &Ask, only: Option<u32>, vrf: Option<&str>) -> Done {
    let mut rows: Vec<LabelRow> = ask.get("/v1/labels")?;
    rows.retain(|row| only.is_none_or(|label| label == row.label));
    let of_vrf = |row: &LabelRow, vrf: &str| {
        let asks =
            row.asked == format!("vrf {vrf} per-vrf") || row.asked.starts_with(&format!("vrf {vrf} per-"));
        asks || row.leads.ends_with(&format!("in vrf {vrf}"))
    };
    rows.retain(|row| vrf.is_none_or(|vrf| of_vrf(row, vrf)));
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&["", ">LABEL", "ASKED FOR BY", "LEADS TO", "NEXT HOPS"]);
    for row in rows {
        let (mark, style) = if row.used { ("*", Style::new()) } else { (" ", FAINT) };
        table.styled([mark.into(), row.label.to_string(), row.asked, row.leads, hops(&row.hops)], style);
    }
    table.print("no labels");
    Ok(())
}

pub(super) fn lsps(ask: &Ask, which: Option<&str>) -> Done {
    let query = match which.map(|text| (text, text.parse::<u32>(), text.parse::<IpNet>(), text.parse())) {
        None => String::new(),
        Some((_, Ok(label), ..)) => format!("?label={label}"),
        Some((_, _, Ok(net), _)) => format!("?within={net}"),
        Some((_, _, _, Ok(address))) => format!("?within={}", IpNet::from(std::net::IpAddr::clone(&address))),
        Some((text, ..)) => {
            let example =
                "give a label such as 17, or the prefix or address of a next hop such as 10.255.0.2";
            return Err(Failure::Failed(format!("\"{text}\" is no prefix and no label; {example}")));
        }
    };
    let rows: Vec<LspRow> = ask.get(&format!("/v1/lsps{query}"))?;
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&["NEXT HOP", "VRF", "ROUTE", ">USERS", "GOES BY"]);
    for row in rows {
        let style = if row.unused.is_none() { Style::new() } else { FAINT };
        let prefix = row.prefix.map(|p| p.to_string()).unwrap_or_default();
        let by = row.unused.map_or_else(|| hops(&row.hops), |why| format!("nothing: {why}"));
        table.styled([row.next_hop.to_string(), row.vrf, prefix, row.users.to_string(), by], style);
    }
    table.print("no lsps");
    Ok(())
}

pub(super) fn vrfs(ask: &Ask) -> Done {
    let rows: Vec<VpnRow> = ask.get("/v1/vrfs")?;
    if ask.json {
        return output::json(&rows);
    }
    let process: Process = ask.get("/v1/process")?;
    let headings = [
        "VRF",
        ">ID",
        "RD",
        "IMPORT",
        "EXPORT",
        "LABELS",
        ">INTERFACES",
        ">IPV4",
        ">IPV6",
        ">IMPORTED",
        ">BYTES",
    ];
    let mut table = Table::new(&headings);
    for row in rows {
        let labels = match (&row.label_mode, row.label, row.labels) {
            (Some(mode), Some(first), 1) => format!("{first} {mode}"),
            (Some(mode), Some(first), n) => format!("{n} from {first} {mode}"),
            (Some(mode), None, _) => format!("none {mode}"),
            (None, ..) => String::new(),
        };
        let counts = [row.interfaces, row.ipv4, row.ipv6, row.imported, row.bytes].map(|n| n.to_string());
        let [interfaces, ipv4, ipv6, imported, bytes] = counts;
        let (rd, import, export) = (row.rd.unwrap_or_default(), row.import.join(" "), row.export.join(" "));
        let id = row.id.to_string();
        table.row([row.name, id, rd, import, export, labels, interfaces, ipv4, ipv6, imported, bytes]);
    }
    table.print("no vrfs");
    output::line(format_args!("\nthe process has {} bytes of memory resident", process.resident_bytes));
    Ok(())
}
