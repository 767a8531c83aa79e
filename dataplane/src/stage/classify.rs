//! DSCP → traffic class and colour, by the map of the interface a frame came in
//! by. Past this stage nobody looks at a raw DSCP to decide anything.

use std::sync::LazyLock;

use crate::class::ClassMap;
use crate::id::IfIndex;
use crate::packet::{Batch, Flags};
use crate::table::Snapshot;

/// What the router itself sends is marked by itself: the default map reads it.
static OWN: LazyLock<ClassMap> = LazyLock::new(ClassMap::default);

/// Classifies the live frames.
pub fn run(batch: &mut Batch, snapshot: &Snapshot) {
    let mut last: (IfIndex, Option<&ClassMap>) = (IfIndex::NONE, None);
    for frame in batch.live() {
        let meta = frame.meta_mut();
        if meta.in_interface != last.0 {
            let map = snapshot.interface(meta.in_interface).map(|i| &*i.class_map);
            last = (meta.in_interface, map);
        }
        let map = match last.1 {
            Some(map) if !meta.flags.has(Flags::ORIGINATED) => map,
            _ => &*OWN,
        };
        (meta.class, meta.colour) = map.get(meta.dscp);
    }
}
