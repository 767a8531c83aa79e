//! The key of a frame's scheduler tree: the port it leaves by. The worker that
//! owns that port's tree gets the frame, so a tree has one owner and no lock.

use crate::class::TrafficClass;
use crate::id::{IfIndex, PortIndex};
use crate::packet::{Alike, BATCH, Batch, DropReason, Flags, Verdict};
use crate::table::Snapshot;

/// Frames that are all live, whole, and received, by one interface, and leave by one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// The port they leave by.
    pub port: PortIndex,
    /// The interface they came in by.
    pub from: IfIndex,
    /// The interface they leave by and their class, where all of them are of one.
    pub of: Option<(IfIndex, TrafficClass)>,
    /// Their layer-2 bytes as received.
    pub bytes: u64,
}

impl Together {
    fn of(alike: Alike, snapshot: &Snapshot) -> Option<Self> {
        let to = alike.way?.out;
        let port = snapshot.interface(to)?.port;
        let of = alike.class.map(|class| (to, class));
        Some(Self { port, from: alike.interface, of, bytes: alike.bytes })
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
    let (mut alike, mut one, mut bytes) = (true, true, 0);
    let mut port = None;
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
            one &= last.0 == first.out_interface;
        }
        *key = last.1;
        if !key.is_some() {
            meta.verdict = Verdict::Drop(DropReason::InterfaceGone);
            alike = false;
        }
        bytes += u64::from(meta.length);
        one &= meta.class == first.class;
        alike &= last.1 == *port.get_or_insert(last.1);
        alike &= meta.in_interface == first.in_interface;
        alike &= meta.flags.0 & UNUSUAL == 0;
    }
    let of = one.then_some((first.out_interface, first.class));
    port.filter(|_| alike).map(|port| Together { port, from: first.in_interface, of, bytes })
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
