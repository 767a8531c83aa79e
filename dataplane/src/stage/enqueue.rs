//! The key of a frame's scheduler tree: the port it leaves by. The worker that
//! owns that port's tree gets the frame, so a tree has one owner and no lock.

use crate::id::{IfIndex, PortIndex};
use crate::packet::{BATCH, Batch, DropReason, Verdict};
use crate::table::Snapshot;

/// Writes each frame's key at its place in `keys`, `NONE` for a frame that is not
/// live. One whose out-interface is not there any more is dropped.
pub fn run(batch: &mut Batch, snapshot: &Snapshot, keys: &mut [PortIndex; BATCH]) {
    let mut last = (IfIndex::NONE, PortIndex::NONE);
    keys.fill(PortIndex::NONE);
    for (frame, key) in batch.frames_mut().iter_mut().zip(keys) {
        let meta = frame.meta_mut();
        if meta.verdict != Verdict::Forward {
            continue;
        }
        if meta.out_interface != last.0 {
            let port = snapshot.interface(meta.out_interface).map(|i| i.port);
            last = (meta.out_interface, port.unwrap_or_default());
        }
        *key = last.1;
        if !key.is_some() {
            meta.verdict = Verdict::Drop(DropReason::InterfaceGone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::testing::*;

    #[test]
    fn frames_go_by_the_port_of_their_interface() {
        let snapshot = router();
        let mut batch = Batch::new();
        for out in [GE1, GE0, IfIndex(9), GE1] {
            let mut frame = looked_up(&snapshot, &call());
            frame.meta_mut().out_interface = out;
            batch.push(frame).unwrap();
        }
        batch.frames_mut()[3].meta_mut().verdict = Verdict::Drop(DropReason::Policed);
        let mut keys = [PortIndex(7); BATCH];
        run(&mut batch, &snapshot, &mut keys);
        let none = PortIndex::NONE;
        assert_eq!(keys[..5], [PortIndex(1), PortIndex(0), none, none, none]);
        let verdicts: Vec<_> = batch.frames().iter().map(|f| f.meta().verdict).collect();
        let (gone, policed) = (DropReason::InterfaceGone, DropReason::Policed);
        let expected = [Verdict::Forward, Verdict::Forward, Verdict::Drop(gone), Verdict::Drop(policed)];
        assert_eq!(verdicts, expected);
    }
}
