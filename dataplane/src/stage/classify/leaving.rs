//! What leaves: the rules for what goes out, and the marks of the interface that it leaves
//! by (RFC 2475 section 2.3.3). It stands between `lookup` and `rewrite`.
//!
//! | it leaves | its DSCP | its labels |
//! |---|---|---|
//! | as an IP packet | the rule's, or that of its class | |
//! | with labels put on here | the rule's; of its class where the tunnel is uniform (RFC 3270 section 2.6) | those of its class, or the rule's |
//! | as it came, labelled | not this router's to open | as they were, but for a rule's or an interface's that marks anew |

use super::ask::{Answers, ask_ip};
use super::fields::Place;
use super::hits::{RuleHits, count};
use super::labelled::ask_below;
use super::{apply, mark};
use crate::packet::{Batch, Flags, Frame, Layer3, Meta, StackEdit, StackEdits, Verdict};
use crate::table::rules::{Asked, Labelled, Treatment};
use crate::table::{Interface, Snapshot};
use crate::wire::ecn;

/// Rules and marks for the live frames, and their labels in `edits`; not for what the router
/// made itself.
pub fn leaving(batch: &mut Batch, snapshot: &Snapshot, edits: &mut StackEdits, hits: &mut RuleHits) {
    let rules = &*snapshot.rules;
    if rules.leaving.is_empty() && !rules.marks {
        return;
    }
    // What is said of all frames at once is so no more.
    batch.set_alike(None);
    let answers = Answers::new(batch.frames(), &rules.leaving, &mut hits.asked, |asked, at, frame| {
        let edit = edits.get(at).filter(|_| frame.meta().flags.has(Flags::STACK_EDIT));
        !frame.meta().flags.has(Flags::ORIGINATED) && ask(asked, frame, edit, snapshot)
    });
    for (at, (frame, edit)) in batch.frames_mut().iter_mut().zip(edits.all_mut()).enumerate() {
        let (bytes, meta) = frame.parts_mut();
        if meta.verdict != Verdict::Forward || meta.flags.has(Flags::ORIGINATED) {
            continue;
        }
        let Some(out) = snapshot.interface(meta.out_interface) else { continue };
        let l3 = bytes.get(usize::from(meta.l3_offset)..).unwrap_or_default();
        let edit = meta.flags.has(Flags::STACK_EDIT).then_some(edit);
        let before = meta.class;
        let treatment = answers.get(at).map_or_else(Treatment::default, |(rule, treatment)| {
            count(&mut hits.leaving, rule, meta.length);
            apply(meta, treatment);
            treatment
        });
        match (meta.layer3, edit) {
            (Layer3::Mpls, Some(edit)) => {
                let came = || snapshot.interface(meta.in_interface).is_some_and(|i| i.tc_map.is_ce(meta.tc));
                let anew = out.marks.remark_tc.then(|| out.tc_map.with_ce(meta.class, came));
                treatment.tc.or(anew).into_iter().for_each(|tc| edit.mark(tc));
            }
            (Layer3::Ipv4 | Layer3::Ipv6, Some(edit)) => {
                let ce = || meta.flags.has(Flags::CONGESTED) || ecn::of(l3) == Some(ecn::CE);
                let anew = (meta.class != before).then(|| out.tc_map.with_ce(meta.class, ce));
                treatment.tc.or(anew).into_iter().for_each(|tc| edit.mark(tc));
                let own = edit.uniform.then(|| of_class(meta, out)).flatten();
                treatment.mark.or(own).into_iter().for_each(|dscp| mark(meta, dscp));
            }
            (Layer3::Ipv4 | Layer3::Ipv6, None) => {
                treatment.mark.or_else(|| of_class(meta, out)).into_iter().for_each(|dscp| mark(meta, dscp));
            }
            _ => {}
        }
    }
}

/// The DSCP of packets of its class and colour that leave by `out`.
#[inline]
fn of_class(meta: &Meta, out: &Interface) -> Option<u8> {
    Some(out.marks.dscp_out[meta.class.index()]?[meta.colour as usize])
}

/// Asks for a frame, which leaves with the labels of its edit.
#[inline]
fn ask(asked: &mut Asked, frame: &Frame, edit: Option<&StackEdit>, snapshot: &Snapshot) -> bool {
    let (meta, rules) = (frame.meta(), &snapshot.rules.leaving);
    let Some(out) = snapshot.interface(meta.out_interface) else { return false };
    let labelled = match edit {
        Some(edit) if meta.layer3 == Layer3::Mpls => Labelled::Through(edit.tc()),
        Some(edit) => Labelled::Edge(edit.tc()),
        None => Labelled::No,
    };
    let place = Place { interface: out.id, vrf: out.vrf, labelled };
    match labelled {
        Labelled::Through(_) if !rules.reads_labels() => false,
        Labelled::Through(_) => ask_below(
            asked,
            rules,
            frame.bytes().get(usize::from(meta.l3_offset)..).unwrap_or_default(),
            place,
        ),
        _ => ask_ip(asked, rules, frame, place),
    }
}
