//! The queue a frame comes to, and how long it may wait there.

use dataplane::class::TrafficClass;
use dataplane::qos::{Aqm, Cells, ClassQos, Discipline, InterfaceQos};
use dataplane::table::Interface;

use super::Surroundings;
use super::describe::time;
use super::types::Step;
use crate::capacity::{Of, Row};
use crate::config::Rate;

/// Where a frame of `class` waits before it leaves by `interface`.
pub(super) fn step(interface: &Interface, class: TrafficClass, router: &impl Surroundings) -> Step {
    let qos = &*interface.qos;
    let fifo = qos.discipline == Discipline::Fifo;
    // One queue for all has the bounds of Standard.
    let spec = &qos.classes[if fifo { TrafficClass::Standard } else { class }.index()];
    let served = if fifo { "one queue for all classes, first in first out".into() } else { turn(qos, spec) };
    let decision = format!("{} on {}: {served}", class, interface.name);
    let mut step = Step { stage: "queue".into(), decision, facts: Vec::new() };
    step.fact("interface", &interface.name);
    step.fact("class", class);
    step.fact(
        "shaper",
        qos.shaper.map_or("none".into(), |s| {
            let cells = match s.cells {
                Cells::None => "",
                Cells::Atm => ", in ATM cells",
                Cells::Ptm => ", 65 bytes for 64",
            };
            format!("{}, burst {}, {:+} bytes a frame{cells}", Rate(s.rate), time(s.burst), s.overhead)
        }),
    );
    if let Some(assured) = qos.assured {
        step.fact("guaranteed", format!("{} before others of the port have more", Rate(assured.rate)));
    }
    if let Some(own) = spec.shaper.filter(|_| !fifo) {
        step.fact("class shaper", format!("{}, burst {}", Rate(own.rate), time(own.burst)));
    }
    step.fact(
        "policer",
        match spec.policer.filter(|_| !fifo) {
            Some(p) => format!("{}, burst of {} bytes (RFC 3246)", Rate(p.rate), p.burst),
            None => "none".into(),
        },
    );
    let bound = if spec.limit_time == 0 { String::new() } else { format!(" or {}", time(spec.limit_time)) };
    step.fact("drops", drops(spec, fifo));
    step.fact("holds", format!("{} bytes{bound}", spec.limit_bytes));
    waits(&mut step, interface, class, router);
    if let Some(port) = router.snapshot().port(interface.port) {
        let rate = if port.rate == 0 {
            String::new()
        } else {
            format!(", {}, burst {}", Rate(port.rate), time(port.burst))
        };
        let line = match router.is_up(port.id) {
            Some(true) => ", its line is up",
            Some(false) => ", its line is down: the frame is dropped there (port-down)",
            None => "",
        };
        step.fact("port", format!("{}{rate}{line}", port.name));
    }
    step
}

/// How its senders learn that the queue is long.
fn drops(spec: &ClassQos, fifo: bool) -> String {
    if fifo {
        return "when it is full".into();
    }
    let early = match spec.aqm {
        Aqm::Tail => "when it is full".into(),
        Aqm::Codel(codel) => {
            format!(
                "where frames stand for {} over {} (codel, RFC 8289)",
                time(codel.target),
                time(codel.interval)
            )
        }
        Aqm::Wred(curves) => {
            let [green, yellow, red] = curves.map(|c| format!("{} to {} bytes", c.from, c.to));
            format!("on average green at {green}, yellow at {yellow}, red at {red} (wred, RFC 2309)")
        }
    };
    let flows = if spec.flows > 0 { "; each flow in turn (RFC 8290)" } else { "" };
    let ecn = if spec.ecn { "; marks what knows ECN (RFC 3168)" } else { "" };
    format!("{early}{flows}{ecn}")
}

/// When the class is served.
fn turn(qos: &InterfaceQos, spec: &ClassQos) -> String {
    let weighted = qos.classes.iter().filter(|c| !c.priority).map(|c| u64::from(c.weight)).sum::<u64>();
    match spec {
        ClassQos { priority: true, .. } => "before every class without priority (RFC 3246)".into(),
        ClassQos { guaranteed: 1.., .. } => format!("at least {} when all wait", Rate(spec.guaranteed)),
        ClassQos { weight: 0, .. } => "only when nothing else waits (RFC 8622)".into(),
        ClassQos { weight, .. } => {
            let share = f64::from(*weight) * 100.0 / weighted.max(1) as f64;
            format!("weight {weight} of {weighted}, {share:.0} % of what priority leaves when all wait")
        }
    }
}

fn waits(step: &mut Step, interface: &Interface, class: TrafficClass, router: &impl Surroundings) {
    let Some(waits) = router.waits(interface.id) else { return };
    step.fact(
        "expected wait",
        match waits[class.index()] {
            0 => "none: nothing is before it".into(),
            ns => time(ns),
        },
    );
    let row = router.capacity(&interface.name, class);
    step.fact("worst wait", row.map_or_else(|| LINE_ALONE.into(), |row| worst(interface, class, &row)));
}

/// Where there is no rate to work anything out by.
const LINE_ALONE: &str = "only the line itself makes it wait: neither interface nor port has a rate";

/// The longest wait, as `prove capacity` has it; what would wait longer than it may is dropped.
fn worst(interface: &Interface, class: TrafficClass, row: &Row) -> String {
    let limit = Some(interface.qos.classes[class.index()].limit_time).filter(|limit| *limit > 0);
    let of = match row.of {
        Of::Promised => "with what is promised",
        Of::Policed => "with what its policer lets through",
        Of::Queue => "with a full queue",
    };
    match (row.wait, limit) {
        (Some(wait), limit) if limit.is_none_or(|limit| wait <= limit) => format!("{}, {of}", time(wait)),
        (_, Some(limit)) => format!("{}: longer it may not", time(limit)),
        (_, None) => match &row.unbounded {
            Some(why) => format!("not bounded: {why}"),
            None => "not bounded".into(),
        },
    }
}
