//! `show routes`: every route, which is used, and why.

use std::net::IpAddr;

use anstyle::Style;
use control::api::types::Process;
use control::rib::Source;
use control::show::{RouteRows, Summary};
use ipnet::IpNet;

use super::Ask;
use super::labels::hops;
use crate::exit::{Done, Failure};
use crate::output::{self, FAINT, ODD, encoded};
use crate::table::Table;

const EXAMPLES: &str = "\
A route in use has a * before it; the others say why they are not used. LABEL is
what was given out for it; [LABELS] are those that packets leave with, outermost first.

Examples:
  viaduct show routes                       the first 10,000
  viaduct show routes 10.0.0.0/8            to this prefix and those within it
  viaduct show routes 10.1.0.9 --vrf trust  the route this address takes
  viaduct show routes --source runtime --most 0
  viaduct show routes --summary             how many, and the memory they take";

/// Routes of every source: which are used, where they lead, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A prefix: routes to it and within it. An address: the route it takes.
    #[arg(value_name = "PREFIX|ADDRESS")]
    to: Option<String>,
    /// Of this Vrf only.
    #[arg(long)]
    vrf: Option<String>,
    /// Of this source only: local, connected, static, runtime, imported or otherwise.
    #[arg(long, value_parser = source)]
    source: Option<Source>,
    /// Rows at most; 0 is no bound.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    most: usize,
    /// Count routes by Vrf, and the bytes that each table takes.
    #[arg(long, conflicts_with_all = ["to", "source"])]
    summary: bool,
}

fn source(word: &str) -> Result<Source, String> {
    use Source::{Connected, Imported, Local, Otherwise, Runtime, Static};
    let all = [Local, Connected, Static, Runtime, Imported, Otherwise];
    all.into_iter()
        .find(|s| s.name() == word)
        .ok_or_else(|| format!("a source is one of {}", all.map(Source::name).join(", ")))
}

pub(super) fn run(ask: &Ask, arguments: &Arguments) -> Done {
    if arguments.summary {
        return summary(ask, arguments.vrf.as_deref());
    }
    let rows: RouteRows = ask.get(&query(arguments)?)?;
    if ask.json {
        return output::json(&rows);
    }
    let headings = ["", "PREFIX", "VRF", "SOURCE", ">DISTANCE", ">LABEL", "TO", "NEXT HOPS", "WHY"];
    let mut table = Table::new(&headings);
    for row in &rows.rows {
        let style = if row.used { Style::new() } else { FAINT };
        let used = if row.used { "*" } else { " " };
        let (source, distance) = (row.source.to_string(), row.distance.to_string());
        let (asks, why) = (row.asks.join(", "), row.why.clone());
        let (prefix, vrf, hops) = (row.prefix.to_string(), row.vrf.clone(), hops(&row.hops));
        let label = row.label.map(|label| label.to_string()).unwrap_or_default();
        table.styled([used.into(), prefix, vrf, source, distance, label, asks, hops, why], style);
    }
    table.print("no routes");
    if rows.more > 0 {
        anstream::eprintln!("{ODD}{} more; --most 0 shows all{ODD:#}", rows.more);
    }
    Ok(())
}

fn query(arguments: &Arguments) -> Result<String, Failure> {
    let mut query = format!("/v1/routes?most={}", arguments.most);
    if let Some(vrf) = &arguments.vrf {
        query.push_str(&format!("&vrf={}", encoded(vrf)));
    }
    if let Some(source) = arguments.source {
        query.push_str(&format!("&source={}", source.name()));
    }
    match arguments.to.as_deref().map(|to| (to, to.parse::<IpAddr>(), to.parse::<IpNet>())) {
        None => {}
        Some((_, Ok(address), _)) => query.push_str(&format!("&covering={address}")),
        Some((_, _, Ok(net))) => query.push_str(&format!("&within={}", net.trunc())),
        Some((text, ..)) => {
            let example = "give a prefix such as 10.0.0.0/8, or an address such as 10.1.0.9";
            return Err(Failure::Failed(format!("\"{text}\" is no prefix and no address; {example}")));
        }
    }
    Ok(query)
}

fn summary(ask: &Ask, vrf: Option<&str>) -> Done {
    let mut summary: Summary = ask.get("/v1/routes/summary")?;
    let process: Process = ask.get("/v1/process")?;
    if let Some(name) = vrf {
        let names: Vec<_> = summary.vrfs.iter().map(|v| v.name.clone()).collect();
        summary.vrfs.retain(|v| v.name == name);
        if summary.vrfs.is_empty() {
            return Err(Failure::Failed(format!(
                "there is no vrf \"{name}\"; there are: {}",
                names.join(", ")
            )));
        }
    }
    if ask.json {
        return output::json(&serde_json::json!({ "summary": summary, "process": process }));
    }
    let mut table = Table::new(&[
        "VRF",
        ">IPV4",
        ">IPV6",
        ">PREFIXES",
        ">NEXT-HOP SETS",
        ">IPV4 BYTES",
        ">IPV6 BYTES",
        ">RIB BYTES",
    ]);
    for v in &summary.vrfs {
        let counts = [v.ipv4, v.ipv6, v.prefixes, v.next_hop_sets, v.ipv4_bytes, v.ipv6_bytes, v.rib_bytes];
        let [a, b, c, d, e, f, g] = counts.map(|n| n.to_string());
        table.row([v.name.clone(), a, b, c, d, e, f, g]);
    }
    table.print("no vrfs");
    output::line(format_args!(
        "\n{} nhlfes, {} adjacencies, generation {}; the process has {} bytes of memory resident",
        summary.nhlfes, summary.adjacencies, summary.generation, process.resident_bytes
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(to: &str) -> Arguments {
        let vrf = Some("a b".to_owned());
        Arguments { to: Some(to.into()), vrf, source: Some(Source::Static), most: 7, summary: false }
    }

    #[test]
    fn a_prefix_asks_within_and_an_address_what_covers_it() {
        let asked = |to| query(&arguments(to)).ok();
        let base = "/v1/routes?most=7&vrf=a%20b&source=static";
        assert_eq!(asked("10.1.2.3/8"), Some(format!("{base}&within=10.0.0.0/8")));
        assert_eq!(asked("2001:db8::9"), Some(format!("{base}&covering=2001:db8::9")));
        assert_eq!(asked("ten"), None);
    }
}
