//! A packet's way through the engine's stages over one Snapshot, up to where it would be rewritten.

use dataplane::id::PortIndex;
use dataplane::packet::{Batch, DropReason, Flags, Frame, Layer3, Meta, PuntReason, StackEdits, Verdict};
use dataplane::stage::classify::RuleHits;
use dataplane::stage::{classify, lookup, parse};
use dataplane::table::{Snapshot, VlanMatch};

use super::{Left, Treated, Way};

/// A frame, and the name of the port that it comes in by.
#[derive(Clone, Copy)]
pub(super) struct Comes<'a> {
    pub(super) port: &'a str,
    pub(super) bytes: &'a [u8],
}

/// The name of an interface's port; the name itself where there is no such interface.
pub(super) fn port_of(name: &str, snapshot: &Snapshot) -> String {
    let port = snapshot.interface_named(name).and_then(|interface| snapshot.port(interface.port));
    port.map_or_else(|| name.to_owned(), |port| port.name.to_string())
}

/// The interface that a frame comes in by, what becomes of it, and what `parse` knew of it.
pub(super) fn judge(
    snapshot: &Snapshot,
    Comes { port, bytes }: Comes<'_>,
) -> Result<(String, Way, Meta), String> {
    let known = snapshot.ports.iter().find(|(_, spec)| *spec.name == *port);
    let port = known.map_or(PortIndex::NONE, |(_, spec)| spec.id);
    let (mut way, mut meta) = run(snapshot, port, bytes)?;
    // A capture may be of another router, or of a station address that the file does not say.
    if meta.verdict == Verdict::Drop(DropReason::WrongMac) {
        let mac = snapshot.interface(meta.in_interface).map(|interface| interface.mac);
        let mut sent = bytes.to_vec();
        if let (Some(mac), Some(to)) = (mac, sent.first_chunk_mut::<6>()) {
            *to = mac;
        }
        (way, meta) = run(snapshot, port, &sent)?;
    }
    let interface = snapshot.interface(meta.in_interface).map(|i| i.name.to_string()).unwrap_or_default();
    Ok((interface, way, meta))
}

/// The frame's way, and what `parse` knew of it.
fn run(snapshot: &Snapshot, port: PortIndex, bytes: &[u8]) -> Result<(Way, Meta), String> {
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
    if batch.labelled() {
        lookup::labels::run(&mut batch, snapshot);
        parse::exposed(&mut batch, snapshot);
        classify::exposed(&mut batch, snapshot, &mut hits);
        classify::through(&mut batch, snapshot, &mut hits);
    }
    let comes = treated(&meta_of(&batch));
    Ok((Way { comes, leaves: leave(&mut batch, snapshot, &mut hits) }, parsed))
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
