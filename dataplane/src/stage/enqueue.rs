//! The key of a frame's scheduler tree: the port it leaves by. The worker that
//! owns that port's tree gets the frame, so a tree has one owner and no lock.

use crate::class::TrafficClass;
use crate::id::{IfIndex, PortIndex};
use crate::packet::{Alike, BATCH, Batch, DropReason, Flags, Verdict};
use crate::table::Snapshot;

/// Frames that are all live, of one class, that came in by one interface and leave by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// The port they leave by.
    pub port: PortIndex,
    /// The interface they came in by.
    pub from: IfIndex,
    /// The interface they leave by.
    pub to: IfIndex,
    /// Their class.
    pub class: TrafficClass,
    /// Their layer-2 bytes as received.
    pub bytes: u64,
}

impl Together {
    fn of(alike: Alike, snapshot: &Snapshot) -> Option<Self> {
        let (to, class) = (alike.way?.out, alike.class?);
        let port = snapshot.interface(to)?.port;
        Some(Self { port, from: alike.interface, to, class, bytes: alike.bytes })
    }
}

/// Writes each frame's key at its place in `keys`, `NONE` for a frame that is not
/// live. One whose out-interface is not there any more is dropped.
///
/// Where all of them go together, that is given; keys need not be written then.
pub fn run(batch: &mut Batch, snapshot: &Snapshot, keys: &mut [PortIndex; BATCH]) -> Option<Together> {
    match batch.alike().and_then(|alike| Together::of(alike, snapshot)) {
        None => each(batch, snapshot, keys),
        together => together,
    }
}

/// Flags of frames that each have to be looked at, since they were not received, or are cut.
const UNUSUAL: u32 = Flags::ORIGINATED.0 | Flags::RELEASED.0 | Flags::TOO_LONG.0;

fn each(batch: &mut Batch, snapshot: &Snapshot, keys: &mut [PortIndex; BATCH]) -> Option<Together> {
    let first = batch.frames().first().map(|frame| *frame.meta())?;
    let mut last = (IfIndex::NONE, PortIndex::NONE);
    let (mut alike, mut bytes) = (true, 0);
    keys.fill(PortIndex::NONE);
    for (frame, key) in batch.frames_mut().iter_mut().zip(keys) {
        let meta = frame.meta_mut();
        if meta.verdict != Verdict::Forward {
            alike = false;
            continue;
        }
        if meta.out_interface != last.0 {
            let port = snapshot.interface(meta.out_interface).map(|i| i.port);
            last = (meta.out_interface, port.unwrap_or_default());
            alike &= last.0 == first.out_interface;
        }
        *key = last.1;
        if !key.is_some() {
            meta.verdict = Verdict::Drop(DropReason::InterfaceGone);
            alike = false;
        }
        bytes += u64::from(meta.length);
        alike &= meta.in_interface == first.in_interface;
        alike &= meta.class == first.class;
        alike &= meta.flags.0 & UNUSUAL == 0;
    }
    let (from, to, class) = (first.in_interface, first.out_interface, first.class);
    alike.then_some(Together { port: last.1, from, to, class, bytes })
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
        assert_eq!(run(&mut batch, &snapshot, &mut keys), None);
        let none = PortIndex::NONE;
        assert_eq!(keys[..5], [PortIndex(1), PortIndex(0), none, none, none]);
        let verdicts: Vec<_> = batch.frames().iter().map(|f| f.meta().verdict).collect();
        let (gone, policed) = (DropReason::InterfaceGone, DropReason::Policed);
        let expected = [Verdict::Forward, Verdict::Forward, Verdict::Drop(gone), Verdict::Drop(policed)];
        assert_eq!(verdicts, expected);
    }
}
