//! `viaduct explain`: one packet's way, stage by stage, with each decision and why.
//!
//! The packet goes through the engine's own stages ([`dataplane::trace`]) over
//! the very Snapshot that is forwarded by, and, where it ends at the slow path,
//! through a slow path of its own. Nothing is sent, counted or remembered.

mod classify;
mod describe;
mod labels;
mod live;
mod lookup;
mod meter;
mod offline;
mod queue;
mod slow;
mod stages;
mod types;
mod words;

use dataplane::class::{CLASSES, TrafficClass};
use dataplane::id::{IfIndex, PortIndex};
use dataplane::packet::{
    DropReason, Flags, Frame, HEADROOM, JUMBO_CAPACITY, Layer3, Meta, PoolSize, PuntReason,
    STANDARD_CAPACITY, Verdict,
};
use dataplane::table::{Interface, Snapshot};
use dataplane::time::Time;
use dataplane::trace::{Stage, Trace, trace};

use crate::capacity::Row;
use crate::show::{RouteFilter, RouteRows};
use stages::Seen;

pub(crate) use describe::frame as describe_frame;
pub use offline::Offline;
pub use types::{Explanation, Fact, LabelWords, MOST_FRAMES, Outcome, Packets, Question, Step, Words};

/// When the packet is taken to come: late enough that every rate limit is at rest.
const NOW: Time = Time::from_nanos(3_600_000_000_000);

/// Station address that stands for a neighbour that has not answered yet.
const ANSWER: [u8; 6] = [0x02, 0, 0, 0, 0, 0xfe];

/// What is known of a router beside its Snapshot.
pub trait Surroundings {
    /// What it forwards by.
    fn snapshot(&self) -> &Snapshot;
    /// Its routes.
    fn routes(&self, filter: &RouteFilter) -> RouteRows;
    /// How long a frame that comes now would wait on an interface, by class, nanoseconds; `None` where nobody knows.
    fn waits(&self, interface: IfIndex) -> Option<[u64; CLASSES]>;
    /// What a class of an interface is sure of; `None` where neither that nor its port has a rate.
    fn capacity(&self, interface: &str, class: TrafficClass) -> Option<Row>;
    /// Whether a port's line is up; `None` where nobody knows.
    fn is_up(&self, port: PortIndex) -> Option<bool>;
    /// The buffers that frames are received into.
    fn buffers(&self) -> PoolSize;
}

/// Explains every packet of `question`.
///
/// # Errors
/// What is wrong with the question, for people, with how to mend it.
pub fn explain(question: &Question, router: &impl Surroundings) -> Result<Vec<Explanation>, String> {
    let snapshot = router.snapshot();
    let port = place(&question.interface, snapshot)?.port();
    frames(question, snapshot)?.iter().map(|bytes| one(bytes, port, router)).collect()
}

/// The frames that `question` asks about.
pub(crate) fn frames(question: &Question, snapshot: &Snapshot) -> Result<Vec<Vec<u8>>, String> {
    let place = place(&question.interface, snapshot)?;
    match &question.packets {
        Packets::Words(words) => Ok(vec![words.frame(place.interface(), snapshot)?]),
        Packets::Frames(frames) if frames.len() > MOST_FRAMES => {
            Err(format!("{} frames; allowed: 1 to {MOST_FRAMES} at a time", frames.len()))
        }
        Packets::Frames(frames) => frames.iter().map(|hex| types::bytes(hex)).collect(),
    }
}

/// Whether there is an interface or port of this name.
pub(crate) fn knows(name: &str, snapshot: &Snapshot) -> bool {
    place(name, snapshot).is_ok()
}

/// Where packets come in.
enum Place<'a> {
    Interface(&'a Interface),
    Port(PortIndex, Option<&'a Interface>),
}

impl<'a> Place<'a> {
    fn port(&self) -> PortIndex {
        match self {
            Self::Interface(interface) => interface.port,
            Self::Port(port, _) => *port,
        }
    }

    /// The interface, or one of the port's.
    fn interface(&self) -> Option<&'a Interface> {
        match self {
            Self::Interface(interface) => Some(interface),
            Self::Port(_, interface) => *interface,
        }
    }
}

fn place<'a>(name: &str, snapshot: &'a Snapshot) -> Result<Place<'a>, String> {
    if let Some(interface) = snapshot.interface_named(name) {
        return Ok(Place::Interface(interface));
    }
    if let Some((_, port)) = snapshot.ports.iter().find(|(_, p)| *p.name == *name) {
        let of_port = snapshot.interfaces.iter().map(|(_, i)| &**i).find(|i| i.port == port.id);
        return Ok(Place::Port(port.id, of_port));
    }
    let names: Vec<_> = snapshot.interfaces.iter().take(20).map(|(_, i)| i.name.to_string()).collect();
    Err(format!("there is no interface or port \"{name}\"; interfaces are: {}", names.join(", ")))
}

fn one(bytes: &[u8], port: PortIndex, router: &impl Surroundings) -> Result<Explanation, String> {
    let snapshot = router.snapshot();
    if let Some(told) = too_long(bytes, router.buffers()) {
        return Ok(told);
    }
    let way = run(bytes, Flags::default(), port, snapshot)?;
    let seen = Seen { bytes, port, steps: &way.steps, edit: way.edit.as_ref(), rules: &way.rules };
    let mut told = Explanation {
        packet: describe::frame(bytes, &seen.first()),
        steps: stages::before_rewrite(&seen, router),
        outcome: Outcome::default(),
        then: Vec::new(),
    };
    match way.verdict() {
        Verdict::Forward => {
            let out = way.frame.ok_or("the frame was lost on its way")?;
            told.outcome = onward(&mut told.steps, &seen, out, router);
        }
        Verdict::Drop(reason) => {
            if let Some(last) = way.steps.last().filter(|(stage, _)| *stage == Stage::Rewrite) {
                told.steps.push(Step::new(last.0, reason.explanation().into()));
            }
            told.outcome = Outcome::drop(reason);
        }
        Verdict::Punt(reason) => {
            told.outcome = Outcome::punt(reason);
            let (then, goes_on) = slow::path(way.frame, snapshot);
            told.then = then;
            if reason == PuntReason::NeighbourMiss {
                told.steps.extend(once_known(&seen, port, router)?);
            } else if goes_on && seen.last().layer3 == Layer3::Mpls {
                told.steps.extend(once_heard(bytes, port, router)?);
            }
        }
    }
    Ok(told)
}

/// Why a frame is not even received.
fn too_long(bytes: &[u8], buffers: PoolSize) -> Option<Explanation> {
    let capacity = match buffers {
        PoolSize::Standard => STANDARD_CAPACITY - HEADROOM,
        PoolSize::Jumbo => JUMBO_CAPACITY - HEADROOM,
    };
    if bytes.len() <= capacity {
        return None;
    }
    let outcome = Outcome::drop(DropReason::FrameTooLong);
    let decision = format!("dropped: {}", outcome.explanation);
    let mut step = Step { stage: "receive".into(), decision, facts: Vec::new() };
    step.fact(
        "buffers",
        format!("{capacity} bytes; an interface with an mtu above 1800 asks for longer ones"),
    );
    let packet = describe::frame(bytes, &Meta::default());
    Some(Explanation { packet, steps: vec![step], outcome, then: Vec::new() })
}

/// The stages, of a frame that has these flags already.
fn run(bytes: &[u8], flags: Flags, port: PortIndex, snapshot: &Snapshot) -> Result<Trace, String> {
    let mut frame = Frame::jumbo();
    frame
        .fill(bytes)
        .map_err(|_| format!("a frame of {} bytes is longer than any buffer of a router", bytes.len()))?;
    frame.rare_mut().received = NOW;
    frame.meta_mut().flags.set(flags);
    Ok(trace(frame, snapshot, port, NOW))
}

/// Rewrite and queue, and what becomes of the frame.
fn onward(steps: &mut Vec<Step>, seen: &Seen<'_>, out: Frame, router: &impl Surroundings) -> Outcome {
    let interface = router.snapshot().interface(out.meta().out_interface);
    let (step, sizes) = stages::rewrite(seen, out);
    steps.push(step);
    let (Some(interface), false) = (interface, sizes.is_empty()) else {
        return Outcome::drop(DropReason::FragmentationNeeded);
    };
    steps.push(queue::step(interface, seen.last().class, router));
    Outcome::forward(&interface.name, &sizes)
}

/// What comes after the router has looked because of router alert: the same stages, from
/// the labels on.
fn once_heard(bytes: &[u8], port: PortIndex, router: &impl Surroundings) -> Result<Vec<Step>, String> {
    let way = run(bytes, Flags::HEARD, port, router.snapshot())?;
    let seen = Seen { bytes, port, steps: &way.steps, edit: way.edit.as_ref(), rules: &way.rules };
    let told = stages::before_rewrite(&seen, router);
    let mut steps: Vec<Step> = told.into_iter().skip_while(|step| step.stage != "labels").collect();
    if let (Verdict::Forward, Some(out)) = (way.verdict(), way.frame) {
        onward(&mut steps, &seen, out, router);
    }
    for step in &mut steps {
        step.decision = format!("once the router has looked: {}", step.decision);
    }
    Ok(steps)
}

/// What comes after the neighbour has answered: the same stages, with the answer.
fn once_known(seen: &Seen<'_>, port: PortIndex, router: &impl Surroundings) -> Result<Vec<Step>, String> {
    let (meta, mut known) = (seen.last(), router.snapshot().clone());
    let Some(neighbour) = lookup::neighbour(seen, router.snapshot()) else { return Ok(Vec::new()) };
    known.set_neighbour(meta.out_interface, neighbour, Some(ANSWER));
    let way = run(seen.bytes, Flags::default(), port, &known)?;
    let (Verdict::Forward, Some(out)) = (way.verdict(), way.frame) else { return Ok(Vec::new()) };
    let mut steps = Vec::new();
    onward(
        &mut steps,
        &Seen { bytes: seen.bytes, port, steps: &way.steps, edit: way.edit.as_ref(), rules: &way.rules },
        out,
        router,
    );
    for step in &mut steps {
        step.decision = format!("once {neighbour} has answered: {}", step.decision);
        // Its station address is not known, so none is told.
        step.facts.retain(|fact| fact.name != "to station");
    }
    Ok(steps)
}
