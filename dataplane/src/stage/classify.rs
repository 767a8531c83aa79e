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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::class::{Colour, TrafficClass};
    use crate::id::VrfId;
    use crate::packet::Frame;
    use crate::stage::testing::*;
    use crate::table::Snapshot;
    use crate::wire::dscp;
    use crate::wire::ethernet::ether_type;

    fn marked(snapshot: &Snapshot, dscp: u8) -> (TrafficClass, Colour) {
        let edit = |h: &mut crate::wire::ipv4::Ipv4Header| h.traffic_class = dscp << 2;
        let header = ipv4_with(("10.1.0.9", "198.51.100.7"), 17, 8, &[], edit);
        let frame = looked_up(snapshot, &stack(&[&eth(ether_type::IPV4), &header, &udp(1, 2, 0)]));
        (frame.meta().class, frame.meta().colour)
    }

    #[test]
    fn the_default_map_reads_every_dscp() {
        for value in 0..64 {
            assert_eq!(marked(&router(), value), ClassMap::default().get(value), "DSCP {value}");
        }
        let af42 = dscp::parse("AF42").unwrap();
        assert_eq!(marked(&router(), af42), (TrafficClass::Video, Colour::Yellow));
    }

    #[test]
    fn an_interface_has_its_own_map_and_the_router_the_default_one() {
        let mut snapshot = router();
        change(&mut snapshot, GE0, |i| i.class_map = Arc::new(ClassMap::untrusted()));
        assert_eq!(marked(&snapshot, dscp::EF), (TrafficClass::Standard, Colour::Green));

        let header = ipv4_with(("10.1.0.1", "10.1.0.9"), 1, 8, &[], |h| h.traffic_class = 48 << 2);
        let mut own = Frame::standard();
        own.fill(&stack(&[&header, &[0; 8]])).unwrap();
        own.meta_mut().vrf = VrfId(0);
        crate::stage::parse::datagram(&mut own);
        let mut batch = Batch::new();
        batch.push(own).unwrap();
        run(&mut batch, &snapshot);
        assert_eq!(batch.frames()[0].meta().class, TrafficClass::Control);
    }
}
