//! Checks of a message, one after another; the first that fails names why.

use std::ops::ControlFlow;

use super::{Action, Turn};
use crate::packet::{DropReason, Frame};

/// Goes on while a message passes its checks; breaks off with the reason when it does not.
pub(super) type Checked = ControlFlow<DropReason>;

/// Everything is well.
pub(super) const PASSED: Checked = Checked::Continue(());

/// Goes on if `holds`.
pub(super) fn require(holds: bool, otherwise: DropReason) -> Checked {
    if holds { PASSED } else { Checked::Break(otherwise) }
}

/// The Ethernet source of a received frame; `None` for what came without a layer-2 header.
pub(super) fn station(frame: &Frame) -> Option<[u8; 6]> {
    if frame.meta().l3_offset < 14 {
        return None;
    }
    frame.bytes().get(6..12)?.try_into().ok()
}

/// Ends a frame that was for the router: consumed, or dropped for what is wrong with it.
pub(super) fn finish(frame: Frame, checked: Checked, turn: &mut Turn<'_>) {
    match checked {
        Checked::Continue(()) => turn.out.push(Action::Deliver(frame)),
        Checked::Break(reason) => turn.drop(frame, reason),
    }
}
