//! Router alert labels (RFC 3032 section 2.1): the slow path looks at the packet first,
//! then the label beneath decides, and the alert goes back on top of what leaves.

use crate::packet::{DropReason, Flags, Frame, Layer3, PuntReason, StackEdit, Verdict};
use crate::wire::mpls::{LabelStackEntry, label};

/// Whether the router's own software knows of the frame: it looked at it, or made it.
pub(super) fn is_heard(frame: &Frame) -> bool {
    frame.meta().flags.0 & (Flags::HEARD.0 | Flags::ORIGINATED.0) != 0
}

/// Whether router alert was taken off a frame that leaves with the rest of its stack.
/// Where the whole stack ended here there is nothing to alert the next router to.
#[inline]
pub(super) fn is_off(frame: &Frame) -> bool {
    frame.meta().flags.has(Flags::ROUTER_ALERT) && frame.meta().layer3 == Layer3::Mpls
}

/// Puts router alert back on top of `edit`, each label with its own traffic class and
/// one hop less. Why the frame may not leave so, if it may not.
#[cold]
pub(super) fn put_back(frame: &Frame, edit: &mut StackEdit) -> Option<Verdict> {
    let meta = frame.meta();
    let hop = u8::from(!meta.flags.has(Flags::ORIGINATED));
    let below = usize::from(meta.l3_offset);
    let off = below.checked_sub(usize::from(meta.popped) * LabelStackEntry::LEN);
    let taken = off.and_then(|top| frame.bytes().get(top..below)).unwrap_or_default();
    let alerts = (0..taken.len() / LabelStackEntry::LEN).rev().filter_map(|at| alert_at(taken, at));
    for alert in alerts {
        let Some(ttl) = alert.ttl().checked_sub(hop).filter(|ttl| *ttl > 0) else {
            return Some(Verdict::Punt(PuntReason::TtlExpired));
        };
        if !edit.push(LabelStackEntry::new(label::ROUTER_ALERT, alert.tc(), false, ttl).word()) {
            return Some(Verdict::Drop(DropReason::NoHeadroom));
        }
    }
    None
}

/// The entry at place `at` of those taken off, if it is router alert: not what looks so
/// as an entropy label, behind its indicator (RFC 6790 section 4.2).
fn alert_at(taken: &[u8], at: usize) -> Option<LabelStackEntry> {
    let before = (0..at).rev().map_while(|at| entry(taken, at));
    let indicators = before.take_while(|entry| entry.label() == label::ENTROPY_INDICATOR).count();
    // An indicator that stands behind another is itself an entropy label.
    let entropy = indicators % 2 == 1;
    entry(taken, at).filter(|entry| entry.label() == label::ROUTER_ALERT && !entropy)
}

fn entry(entries: &[u8], at: usize) -> Option<LabelStackEntry> {
    let bytes = entries.get(at * LabelStackEntry::LEN..)?;
    LabelStackEntry::parse(bytes).ok().map(|(entry, _)| *entry)
}
