//! `show workers`, `show version`.

use control::api::types::{Process, Version, WorkerRow};

use super::Ask;
use crate::exit::Done;
use crate::output;
use crate::table::{Table, span};

pub(super) fn workers(ask: &Ask) -> Done {
    let rows: Vec<WorkerRow> = ask.get("/v1/workers")?;
    if ask.json {
        return output::json(&rows);
    }
    let mut table = Table::new(&[
        ">WORKER",
        ">CORE",
        "PRIORITY",
        ">POOL-FREE",
        ">POOL",
        ">HELD",
        ">BATCHES",
        ">POLLS",
        ">SLEEPS",
        ">STOPS",
        "QUEUES OF",
    ]);
    for row in rows {
        let core = row.core.map_or("any".into(), |core| core.to_string());
        let counts = [row.pool_free as u64, row.pool_total as u64, row.held as u64];
        let [free, total, held] = counts.map(|n| n.to_string());
        let [batches, polls, sleeps, stops] =
            [row.batches, row.polls, row.sleeps, row.stops].map(|n| n.to_string());
        let queues = row.queues.join(" ");
        let worker = row.worker.to_string();
        table.row([worker, core, row.priority, free, total, held, batches, polls, sleeps, stops, queues]);
    }
    table.print("no workers");
    Ok(())
}

pub(super) fn version(ask: &Ask) -> Done {
    let version: Version = ask.get("/v1/version")?;
    if ask.json {
        return output::json(&version);
    }
    let process: Process = ask.get("/v1/process")?;
    let line = |name: &str, value: String| output::line(format_args!("{name:<12}{value}"));
    line("version", version.version);
    line("name", version.name);
    line("file", version.file);
    line("generation", version.generation.to_string());
    line("uptime", span(version.uptime_seconds));
    line("workers", format!("{}, {}", version.workers, version.mode));
    line("lag", format!("{} older generations may still be read", version.lag));
    line("memory", format!("{} bytes resident", process.resident_bytes));
    Ok(())
}
