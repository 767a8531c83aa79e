//! What came labelled: class and mark once it is known what becomes of its labels, and then
//! the match rules for what comes in. A meter has gone by the label before.

use super::ask::{Answers, ask_ip};
use super::fields::{self, Place, received_tc};
use super::hits::{RuleHits, count};
use super::{Maps, apply, mark};
use crate::class::TrafficClass;
use crate::packet::{Batch, DropReason, Flags, Layer3, Meta, Verdict};
use crate::table::rules::{Asked, Found, Labelled, RuleSet};
use crate::table::{Snapshot, Trust};
use crate::wire::ecn;

/// Settles class and mark of the live frames whose labels are off, by the tunnel's
/// model (RFC 3270 section 2.6): uniform, the label's class becomes the packet's
/// mark; short pipe, the packet's own mark gives the class; pipe, both stay. Then come
/// the rules, which see the packet's own header, with the mark that the tunnel hands on,
/// and the Vrf that its label led to.
pub fn exposed(batch: &mut Batch, snapshot: &Snapshot, hits: &mut RuleHits) {
    let mut maps = Maps::new(snapshot);
    let judged = snapshot.rules.doubts || !snapshot.rules.entering.is_empty();
    if batch.alike().is_some() && !judged {
        return;
    }
    batch.set_alike(None);
    let mut any = false;
    for frame in batch.live() {
        let (bytes, meta) = frame.parts_mut();
        if !meta.flags.has(Flags::EXPOSED) {
            continue;
        }
        any = true;
        if meta.flags.has(Flags::CONGESTED) && !knows_ecn(bytes, meta) {
            meta.verdict = Verdict::Drop(DropReason::EcnUnknown);
            continue;
        }
        // A mark that a meter wants on what came without labels is no tunnel's.
        if meta.flags.0 & (Flags::RECLASSIFY.0 | Flags::REMARK.0) != 0 {
            settle(meta, &mut maps);
        }
    }
    if judged && any {
        ruled(batch, snapshot, &mut maps, hits);
    }
}

/// Whether the ends of an IP packet know ECN (RFC 3168 section 5).
#[cold]
fn knows_ecn(bytes: &[u8], meta: &Meta) -> bool {
    bytes.get(usize::from(meta.l3_offset)..).and_then(ecn::of).is_some_and(|own| own != ecn::NOT_ECT)
}

fn settle(meta: &mut Meta, maps: &mut Maps<'_>) {
    let (by_dscp, by_tc) = maps.of(meta);
    let own = by_dscp.get(meta.dscp);
    let label = by_tc.get(meta.tc);
    let reclassify = meta.flags.has(Flags::RECLASSIFY);
    // What its meter made of it, where that is worse than what its label said.
    let metered = Some(meta.colour).filter(|colour| meta.class == label.0 && *colour > label.1);
    if reclassify || alike(own.0, label.0) {
        meta.flags.clear(Flags::REMARK);
    } else {
        // Policing may have coloured it since.
        let colour = if meta.class == label.0 { meta.colour } else { label.1 };
        meta.dscp = label.0.dscp(colour);
    }
    // The class may be that of a pipe around the uniform tunnel: then it stays.
    if reclassify || (alike(own.0, label.0) && alike(own.0, meta.class)) {
        (meta.class, meta.colour) = (own.0, own.1.max(metered.unwrap_or_default()));
    }
}

/// Whether a label of the one class may carry packets of the other: two classes that
/// share a traffic class are told apart by the packets' own marks.
fn alike(one: TrafficClass, other: TrafficClass) -> bool {
    one == other || one.tc() == other.tc()
}

/// Rules of IP packets whose labels are off, and the mark that follows.
fn ruled(batch: &mut Batch, snapshot: &Snapshot, maps: &mut Maps<'_>, hits: &mut RuleHits) {
    let rules = &snapshot.rules.entering;
    let answers = Answers::new(batch.frames(), rules, &mut hits.asked, |asked, _, frame| {
        let meta = frame.meta();
        let labelled = Labelled::Edge(received_tc(frame.bytes(), meta));
        let place = Place { interface: meta.in_interface, vrf: meta.vrf, labelled };
        meta.flags.has(Flags::EXPOSED)
            && !meta.flags.has(Flags::ORIGINATED)
            && ask_ip(asked, rules, frame, place)
    });
    for (at, frame) in batch.frames_mut().iter_mut().enumerate() {
        let meta = frame.meta_mut();
        if meta.verdict != Verdict::Forward || !meta.flags.has(Flags::EXPOSED) {
            continue;
        }
        let Some(interface) = maps.interface(meta) else { continue };
        let wanted = treat(meta, answers.get(at), hits);
        let of_class = (interface.marks.trust == Trust::Nothing).then(|| meta.class.dscp(meta.colour));
        if let Some(dscp) = wanted.or(of_class) {
            mark(meta, dscp);
        }
    }
}

/// Rules of the live frames that stay labelled, by the traffic class of their top label and
/// what is below. Their own mark is behind labels that are not this router's to open; those
/// of an interface that is not trusted get the label of their class.
pub fn through(batch: &mut Batch, snapshot: &Snapshot, hits: &mut RuleHits) {
    let rules = &snapshot.rules.entering;
    if !rules.reads_labels() && !snapshot.rules.doubts {
        return;
    }
    batch.set_alike(None);
    let mut maps = Maps::new(snapshot);
    let labelled = |meta: &Meta| meta.layer3 == Layer3::Mpls && !meta.flags.has(Flags::ORIGINATED);
    let answers = Answers::new(batch.frames(), rules, &mut hits.asked, |asked, _, frame| {
        let meta = frame.meta();
        let place = || {
            let labelled = Labelled::Through(received_tc(frame.bytes(), meta));
            Place { interface: meta.in_interface, vrf: meta.vrf, labelled }
        };
        let stack = frame.bytes().get(usize::from(meta.l3_offset)..).unwrap_or_default();
        labelled(meta) && ask_below(asked, rules, stack, place())
    });
    for (at, frame) in batch.frames_mut().iter_mut().enumerate() {
        let meta = frame.meta_mut();
        if meta.verdict != Verdict::Forward || !labelled(meta) {
            continue;
        }
        treat(meta, answers.get(at), hits);
        if let Some(interface) = maps.interface(meta).filter(|i| i.marks.trust == Trust::Nothing) {
            meta.tc = interface.tc_map.tc(meta.class);
        }
    }
}

/// Asks for a frame whose label stack is `stack`.
pub(super) fn ask_below(asked: &mut Asked, rules: &RuleSet, stack: &[u8], place: Place) -> bool {
    match fields::below(stack, place) {
        Some(fields) => asked.add(rules, &fields),
        None => asked.add_opaque(rules, place.interface, place.vrf, place.labelled),
    }
}

/// Counts a rule once for a frame, also when it comes by again because it was held; gives the
/// mark that the rule wants.
fn treat(meta: &mut Meta, found: Found, hits: &mut RuleHits) -> Option<u8> {
    let (at, treatment) = found?;
    if !meta.flags.has(Flags::RULED) {
        count(&mut hits.entering, at, meta.length);
        meta.flags.set(Flags::RULED);
    }
    apply(meta, treatment)
}
