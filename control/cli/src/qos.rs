//! What `show qos` and `top` have in common: the cells of their tables.

use anstyle::Style;
use control::api::qos::{ClassRow, PortTree, Qos, SiteRow};
use control::config::{Rate, Span};
use dataplane::packet::DropReason;

use crate::output::{BAD, HEAD, ODD};
use crate::table::{Table, bits, micros};

/// What drops now, or did.
fn style(now: u64, ever: u64) -> Style {
    match (now, ever) {
        (0, 0) => Style::new(),
        (0, _) => ODD,
        _ => BAD,
    }
}

fn configured(rate: Option<u64>) -> String {
    rate.map_or_else(String::new, |rate| Rate(rate).to_string())
}

/// A delivered rate, where there was time to measure one.
fn delivered(seconds: f64, rate: u64) -> String {
    if seconds > 0.0 { bits(rate) } else { String::new() }
}

/// A row for each of these sites.
pub(crate) fn sites<'a>(sites: impl Iterator<Item = &'a SiteRow>) -> Table {
    let mut table = Table::new(&[
        "SITE",
        "PORT",
        ">RATE",
        ">DELIVERED-1S",
        ">-10S",
        ">QUEUED",
        ">BYTES",
        ">VOICE-US-10S",
        ">MAX",
        ">DROPPED-10S",
        ">EVER",
        ">MARKED",
        ">SENT",
    ]);
    for site in sites {
        let [short, long] = site.recent;
        let counts = [
            site.depth.frames,
            site.depth.bytes,
            long.dropped,
            site.dropped.frames,
            site.marked.frames,
            site.sent.frames,
        ];
        let [queued, bytes, dropping, dropped, marked, sent] = counts.map(|n| n.to_string());
        let [now, lately] = [short, long].map(|recent| delivered(recent.seconds, recent.delivered));
        let (voice, longest) = (micros(long.voice_us), micros(site.voice_max_us));
        let (name, port, rate) = (site.interface.clone(), site.port.clone(), configured(site.rate));
        table.styled(
            [name, port, rate, now, lately, queued, bytes, voice, longest, dropping, dropped, marked, sent],
            style(long.dropped, site.dropped.frames),
        );
    }
    table
}

/// A row for all sites together.
pub(crate) fn total(table: &mut Table, qos: &Qos) {
    let all = &qos.totals;
    let dropping: u64 = qos.sites.iter().map(|site| site.recent[1].dropped).sum();
    let voice = qos.sites.iter().map(|site| site.recent[1].voice_us).fold(0.0, f64::max);
    let [now, lately] = all.delivered.map(bits);
    let counts =
        [all.depth.frames, all.depth.bytes, dropping, all.dropped.frames, all.marked.frames, all.sent.frames];
    let [queued, bytes, dropping, dropped, marked, sent] = counts.map(|n| n.to_string());
    let (name, voice, longest) = (format!("all {}", all.sites), micros(voice), micros(all.voice_max_us));
    let none = String::new;
    table.styled(
        [name, none(), none(), now, lately, queued, bytes, voice, longest, dropping, dropped, marked, sent],
        HEAD,
    );
}

/// The head of a site's tree: what it and its port are and deliver.
pub(crate) fn head(site: &SiteRow, port: &PortTree) -> Vec<String> {
    let mut first = format!("{}: ", site.interface);
    first += &site.rate.map_or("no rate".into(), |rate| Rate(rate).to_string());
    if let Some(rate) = site.guaranteed {
        first += &format!(", {} guaranteed", Rate(rate));
    }
    first +=
        &format!(", weight {}; a frame counts {} bytes more than at layer 2", site.weight, site.overhead);
    if site.cells != "none" {
        first += &format!(", in whole cells of {}", site.cells);
    }
    let mut lines = vec![first];
    for recent in site.recent.iter().filter(|recent| recent.seconds > 0.0) {
        lines.push(format!(
            "  in {:.1} s: {} delivered, {} bytes in 1 ms at most, {} frames dropped",
            recent.seconds,
            bits(recent.delivered),
            recent.burst_bytes,
            recent.dropped,
        ));
    }
    let mut rate = port.rate.map_or("no rate".into(), |rate| Rate(rate).to_string());
    if let Some(burst) = port.burst_us {
        rate += &format!(", burst {}", Span((burst * 1e3).round() as u64));
    }
    let [now, lately] = port.delivered.map(bits);
    let several = if port.trees > 1 { format!(" in {} trees", port.trees) } else { String::new() };
    let sites = format!("{} sites{several}", port.sites);
    lines.push(format!("port {}: {rate}; {sites} deliver {now}, {lately} over 10 s", port.name));
    lines.push(format!(
        "  {} frames of {} queued, {} bytes of {}",
        port.depth.frames, port.room.frames, port.depth.bytes, port.room.bytes
    ));
    lines
}

/// What each class may have, and has.
pub(crate) fn rates(classes: &[ClassRow]) -> Table {
    let mut table = Table::new(&[
        "CLASS",
        ">WEIGHT",
        ">GUARANTEED",
        ">RATE",
        ">POLICED",
        ">DELIVERED-1S",
        ">-10S",
        ">RECEIVED",
        ">SENT",
        ">BYTES",
        ">DROPPED",
        ">MARKED",
    ]);
    for row in classes {
        let weight = if row.priority { "priority".into() } else { row.weight.to_string() };
        let [guaranteed, rate] = [row.guaranteed, row.rate].map(configured);
        let policed = row.policer.map_or_else(String::new, bits);
        let [now, lately] = row.recent.map(|recent| delivered(recent.seconds, recent.delivered));
        let counts =
            [row.received.frames, row.sent.frames, row.sent.bytes, row.dropped.frames, row.marked.frames];
        let [received, sent, bytes, dropped, marked] = counts.map(|n| n.to_string());
        let name = row.class.clone();
        table.styled(
            [name, weight, guaranteed, rate, policed, now, lately, received, sent, bytes, dropped, marked],
            style(0, row.dropped.frames),
        );
    }
    table
}

/// What waits in each class, and how long what left had waited.
pub(crate) fn queues(classes: &[ClassRow]) -> Table {
    let mut table = Table::new(&[
        "CLASS",
        ">QUEUED",
        ">BYTES",
        ">WORST",
        ">BYTES",
        ">P50-US",
        ">P99-US",
        ">P99.9-US",
        ">MAX-US",
        ">MAX-US-10S",
    ]);
    for row in classes {
        let counts = [row.depth.frames, row.depth.bytes, row.worst.frames, row.worst.bytes];
        let [queued, bytes, worst, worst_bytes] = counts.map(|n| n.to_string());
        let waits = [row.p50_us, row.p99_us, row.p999_us, row.max_us, row.recent[1].longest_us];
        let [p50, p99, p999, max, lately] = waits.map(micros);
        table.row([row.class.clone(), queued, bytes, worst, worst_bytes, p50, p99, p999, max, lately]);
    }
    table
}

/// What each queue may hold beside the most that it held, and how it tells its senders.
pub(crate) fn limits(classes: &[ClassRow]) -> Table {
    let mut table = Table::new(&[
        "CLASS",
        ">LIMIT",
        ">WORST",
        ">LIMIT-US",
        ">MAX-US",
        "DROPS-BY",
        ">TARGET-US",
        ">IN-USE",
        ">FLOWS",
        "ECN",
    ]);
    for row in classes {
        let (queue, none) = (&row.queue, String::new);
        let [said, used] = queue.target_us.map_or_else(|| [none(), none()], |both| both.map(micros));
        let flows = if queue.flows == 0 { none() } else { queue.flows.to_string() };
        let drops = match queue.wred {
            Some([[from, to], ..]) => format!("wred from {from} to {to}"),
            None => queue.aqm.clone(),
        };
        let style = if said == used { Style::new() } else { ODD };
        table.styled(
            [
                row.class.clone(),
                queue.limit_bytes.to_string(),
                row.worst.bytes.to_string(),
                queue.limit_us.map_or_else(none, micros),
                micros(row.max_us),
                drops,
                said,
                used,
                flows,
                if queue.ecn { "marks".into() } else { none() },
            ],
            style,
        );
    }
    table
}

/// By cause, where there are any.
pub(crate) fn drops(classes: &[ClassRow]) -> Table {
    let mut table = Table::new(&["CLASS", "REASON", ">FRAMES", ">BYTES", "MEANING"]);
    for row in classes {
        for (reason, count) in row.drops.iter().filter(|(_, count)| count.frames > 0) {
            let meaning = DropReason::ALL.iter().find(|known| known.name() == reason);
            let meaning = meaning.map_or("", |known| known.explanation()).to_owned();
            let (frames, bytes) = (count.frames.to_string(), count.bytes.to_string());
            table.row([row.class.clone(), reason.clone(), frames, bytes, meaning]);
        }
    }
    table
}
