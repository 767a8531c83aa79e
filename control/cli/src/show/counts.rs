//! `show policers`, `show rules`, `show drops`.

use anstyle::Style;
use control::api::types::{ColourRow, Drops, PolicerRow, RuleRow};
use control::config::{Rate, Size};
use dataplane::wire::dscp;

use super::{Ask, require_interface};
use crate::exit::Done;
use crate::output::{self, BAD};
use crate::table::Table;

pub(super) fn policers(ask: &Ask, interface: Option<&str>) -> Done {
    require_interface(ask, interface)?;
    let mut rows: Vec<PolicerRow> = ask.get("/v1/policers")?;
    rows.retain(|row| interface.is_none_or(|name| name == row.interface));
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&[
        "INTERFACE",
        "CLASS",
        "METER",
        "KIND",
        ">RATE",
        ">BURST",
        ">EXCESS",
        ">BURST",
        ">GREEN",
        ">YELLOW",
        ">RED",
        ">DROPPED",
    ]);
    let frames = |colour: &ColourRow| colour.traffic.frames.to_string();
    for row in rows {
        let excess = row.excess_rate.map_or_else(String::new, |rate| Rate(rate).to_string());
        let excess_burst = row.excess_burst.map_or_else(String::new, |size| Size(size).to_string());
        let (rate, burst) = (Rate(row.cir).to_string(), Size(row.cbs).to_string());
        let [green, yellow, red] = [&row.green, &row.yellow, &row.red].map(frames);
        let kind = if row.colour_aware { format!("{}, aware", row.kind) } else { row.kind };
        let (meter, dropped) = (row.meter.unwrap_or_default(), row.dropped.to_string());
        let style = if row.dropped > 0 { BAD } else { Style::new() };
        table.styled(
            [
                row.interface,
                row.class,
                meter,
                kind,
                rate,
                burst,
                excess,
                excess_burst,
                green,
                yellow,
                red,
                dropped,
            ],
            style,
        );
    }
    table.print("no policers");
    Ok(())
}

pub(super) fn rules(ask: &Ask) -> Done {
    let rows: Vec<RuleRow> = ask.get("/v1/rules")?;
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&["RULE", "DIRECTION", "CLASS", "COLOUR", "MARK", ">FRAMES", ">BYTES"]);
    for row in rows {
        let mark = row.mark.map_or_else(String::new, |dscp| {
            dscp::name(dscp).map_or_else(|| dscp.to_string(), str::to_lowercase)
        });
        let (class, colour) = (row.class.unwrap_or_default(), row.colour.unwrap_or_default());
        let (frames, bytes) = (row.traffic.frames.to_string(), row.traffic.bytes.to_string());
        table.styled([row.name, row.direction, class, colour, mark, frames, bytes], Style::new());
    }
    table.print("no rules");
    Ok(())
}

pub(super) fn drops(ask: &Ask, interface: Option<&str>) -> Done {
    require_interface(ask, interface)?;
    let mut drops: Drops = ask.get("/v1/drops")?;
    let wanted = |name: &str, scope: &str| interface.is_none_or(|i| scope == "interface" && i == name);
    drops.rows.retain(|row| wanted(&row.name, &row.scope));
    if ask.json {
        return output::json(&drops);
    }
    if interface.is_none() {
        balance(&drops);
    }
    let mut table = Table::new(&["PLACE", "NAME", "CLASS", "REASON", ">FRAMES", "MEANING"]);
    for row in drops.rows {
        let (class, count) = (row.class.unwrap_or_default(), row.count.to_string());
        table.row([row.scope, row.name, class, row.reason, count, row.explanation]);
    }
    table.print("no drops");
    Ok(())
}

/// Received and made = sent, consumed, dropped and held.
fn balance(drops: &Drops) {
    let Drops { received, originated, fragments, sent, delivered, dropped, held, .. } = drops;
    output::line(format_args!(
        "{received} received + {originated} made + {fragments} more by fragmentation\n\
         = {sent} sent + {delivered} for the router itself + {dropped} dropped + {held} on their way\n"
    ));
}
