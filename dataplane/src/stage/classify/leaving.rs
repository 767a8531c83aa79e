//! What leaves: the rules for what goes out, and the marks of the interface that it leaves
//! by (RFC 2475 section 2.3.3). It stands between `lookup` and `rewrite`.
//!
//! | it leaves | its DSCP | its labels |
//! |---|---|---|
//! | as an IP packet | the rule's, or that of its class | |
//! | with labels put on here | the rule's; of its class where the tunnel is uniform (RFC 3270 section 2.6) | those of its class, or the rule's |
//! | as it came, labelled | not this router's to open | as they were, but for a rule's or an interface's that marks anew |

use super::fields::{self, Place};
use super::hits::{RuleHits, count};
use super::labelled::find;
use super::{apply, mark};
use crate::packet::{Batch, Flags, Layer3, Meta, StackEdit, StackEdits, Verdict};
use crate::table::rules::{Labelled, Rules, Treatment};
use crate::table::{Interface, Snapshot};
use crate::wire::ecn;

/// Rules and marks for the live frames, and their labels in `edits`; not for what the router
/// made itself.
pub fn leaving(batch: &mut Batch, snapshot: &Snapshot, edits: &mut StackEdits, hits: &mut RuleHits) {
    let rules = &*snapshot.rules;
    if rules.leaving.is_empty() && !rules.marks {
        return;
    }
    for (frame, edit) in batch.frames_mut().iter_mut().zip(edits.all_mut()) {
        let (bytes, meta) = frame.parts_mut();
        if meta.verdict != Verdict::Forward || meta.flags.has(Flags::ORIGINATED) {
            continue;
        }
        let Some(out) = snapshot.interface(meta.out_interface) else { continue };
        let l3 = bytes.get(usize::from(meta.l3_offset)..).unwrap_or_default();
        let edit = meta.flags.has(Flags::STACK_EDIT).then_some(edit);
        let before = meta.class;
        let treatment = ruled(l3, meta, edit.as_deref(), out, rules, hits);
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

/// What the first rule says that matches; class and colour are given.
#[inline]
fn ruled(
    l3: &[u8],
    meta: &mut Meta,
    edit: Option<&StackEdit>,
    out: &Interface,
    rules: &Rules,
    hits: &mut RuleHits,
) -> Treatment {
    let rules = &rules.leaving;
    let labelled = match edit {
        _ if rules.is_empty() => return Treatment::default(),
        Some(edit) if meta.layer3 == Layer3::Mpls => Labelled::Through(edit.tc()),
        Some(edit) => Labelled::Edge(edit.tc()),
        None => Labelled::No,
    };
    let place = Place { interface: out.id, vrf: out.vrf, labelled };
    let found = match labelled {
        Labelled::Through(_) if !rules.reads_labels() => None,
        Labelled::Through(_) => find(l3, place, rules),
        _ => fields::fields(l3, meta, place).and_then(|fields| rules.find(&fields)),
    };
    let Some((at, treatment)) = found else { return Treatment::default() };
    count(&mut hits.leaving, at, meta.length);
    apply(meta, treatment);
    treatment
}
