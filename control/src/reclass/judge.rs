//! A packet's way through the engine's stages over one Snapshot, up to where it would be rewritten.

use dataplane::class::TrafficClass;
use dataplane::id::PortIndex;
use dataplane::packet::{Batch, DropReason, Flags, Frame, Layer3, Meta, PuntReason, StackEdits, Verdict};
use dataplane::qos::{MeterSpec, Policers};
use dataplane::stage::classify::RuleHits;
use dataplane::stage::{classify, lookup, parse, police};
use dataplane::table::{Snapshot, VlanMatch};
use dataplane::time::Time;

use super::{Left, Treated, Way};

/// A frame, and the name of the port that it comes in by.
#[derive(Clone, Copy)]
pub(super) struct Comes<'a> {
    pub(super) port: &'a str,
    pub(super) bytes: &'a [u8],
}

/// What becomes of a frame.
pub(super) struct Judged {
    /// The interface that it comes in by.
    pub(super) interface: String,
    pub(super) way: Way,
    /// What `parse` knew of it.
    pub(super) meta: Meta,
    /// The class that it is metered as, and its meter.
    pub(super) metered: Option<(TrafficClass, Option<MeterSpec>)>,
}

/// When full meters are asked: late enough for any to be full.
const NOW: Time = Time::from_nanos(3_600_000_000_000);

/// The name of an interface's port; the name itself where there is no such interface.
pub(super) fn port_of(name: &str, snapshot: &Snapshot) -> String {
    let port = snapshot.interface_named(name).and_then(|interface| snapshot.port(interface.port));
    port.map_or_else(|| name.to_owned(), |port| port.name.to_string())
}

/// What becomes of a frame, all meters full.
pub(super) fn judge(snapshot: &Snapshot, Comes { port, bytes }: Comes<'_>) -> Result<Judged, String> {
    let known = snapshot.ports.iter().find(|(_, spec)| *spec.name == *port);
    let port = known.map_or(PortIndex::NONE, |(_, spec)| spec.id);
    let mut judged = run(snapshot, port, bytes)?;
    // A capture may be of another router, or of a station address that the file does not say.
    if judged.meta.verdict == Verdict::Drop(DropReason::WrongMac) {
        let mac = snapshot.interface(judged.meta.in_interface).map(|interface| interface.mac);
        let mut sent = bytes.to_vec();
        if let (Some(mac), Some(to)) = (mac, sent.first_chunk_mut::<6>()) {
            *to = mac;
        }
        judged = run(snapshot, port, &sent)?;
    }
    Ok(judged)
}

fn run(snapshot: &Snapshot, port: PortIndex, bytes: &[u8]) -> Result<Judged, String> {
    let mut frame = Frame::jumbo();
    frame
        .fill(bytes)
        .map_err(|_| format!("a frame of {} bytes is longer than any buffer of a router", bytes.len()))?;
    let (mut batch, mut hits) = (Batch::new(), RuleHits::new());
    // An empty batch takes a frame.
    let _ = batch.push(frame);
    parse::run(&mut batch, snapshot, port);
    let parsed = meta_of(&batch);
    classify::run(&mut batch, snapshot, &mut hits);
    let metered = meter(&mut batch, snapshot);
    if batch.labelled() {
        lookup::labels::run(&mut batch, snapshot);
        parse::exposed(&mut batch, snapshot);
        classify::exposed(&mut batch, snapshot, &mut hits);
        classify::through(&mut batch, snapshot, &mut hits);
    }
    let comes = treated(&meta_of(&batch));
    let interface = snapshot.interface(parsed.in_interface).map(|i| i.name.to_string()).unwrap_or_default();
    let way = Way { comes, leaves: leave(&mut batch, snapshot, &mut hits) };
    Ok(Judged { interface, way, meta: parsed, metered })
}

/// Meters the frame of the batch, which is classified, by a full meter. Gives the class that it is metered as, and
/// that meter, where it comes so far.
fn meter(batch: &mut Batch, snapshot: &Snapshot) -> Option<(TrafficClass, Option<MeterSpec>)> {
    let meta = meta_of(batch);
    let interface = snapshot.interface(meta.in_interface).filter(|_| meta.verdict == Verdict::Forward)?;
    let ingress = interface.qos.ingress[meta.class.index()].as_ref();
    if ingress.is_some() {
        let one = [(interface.id, &*interface.qos)];
        police::run(batch, &mut Policers::at_rest(one.into_iter()), NOW);
    }
    Some((meta.class, ingress.map(|ingress| *ingress.spec())))
}

fn meta_of(batch: &Batch) -> Meta {
    batch.frames().first().map(|frame| *frame.meta()).unwrap_or_default()
}

/// Why it ends; `None` where it goes on.
fn end(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Forward => None,
        Verdict::Drop(reason) => Some(format!("dropped: {}", reason.explanation())),
        Verdict::Punt(reason) => Some(format!("to the router itself: {}", reason.explanation())),
    }
}

fn treated(meta: &Meta) -> Treated {
    end(meta.verdict).map_or_else(
        || Treated::As {
            class: meta.class,
            colour: meta.colour,
            dscp: (meta.layer3 != Layer3::Mpls).then_some(meta.dscp),
        },
        Treated::Ended,
    )
}

/// What the frame of the batch, which is classified, leaves as.
fn leave(batch: &mut Batch, snapshot: &Snapshot, hits: &mut RuleHits) -> Left {
    let mut edits = StackEdits::new();
    lookup::run(batch, snapshot, &mut edits);
    for frame in batch.frames_mut() {
        let verdict = &mut frame.meta_mut().verdict;
        // The neighbour will answer, and the frame leave as it is decided by now.
        if *verdict == Verdict::Punt(PuntReason::NeighbourMiss) {
            *verdict = Verdict::Forward;
        }
    }
    classify::leaving(batch, snapshot, &mut edits, hits);
    let meta = meta_of(batch);
    if let Some(why) = end(meta.verdict) {
        return Left::Ended(why);
    }
    let labels = edits.get(0).filter(|_| meta.flags.has(Flags::STACK_EDIT));
    let tagged = snapshot.interface(meta.out_interface).filter(|out| out.vlan != VlanMatch::Untagged);
    Left::As {
        class: meta.class,
        colour: meta.colour,
        dscp: (meta.layer3 != Layer3::Mpls).then_some(meta.dscp),
        tc: labels.map(dataplane::packet::StackEdit::tc),
        priority: tagged.map(|out| out.marks.pcp_out[meta.class.index()]),
    }
}
