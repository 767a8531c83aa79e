//! DSCP, or the top label's traffic class, → traffic class and colour, by the maps
//! of the interface a frame came in by (RFC 3270 section 2.6). Past this stage
//! nobody looks at a raw mark to decide anything.

use std::sync::LazyLock;

use crate::class::{ClassMap, TcMap, TrafficClass};
use crate::id::IfIndex;
use crate::packet::{Batch, Flags, Layer3, Meta};
use crate::table::Snapshot;

/// What the router itself sends is marked by itself: the default maps read it.
static OWN: LazyLock<(ClassMap, TcMap)> = LazyLock::new(Default::default);

/// The maps of the interface that the last frame came in by.
struct Maps<'a> {
    snapshot: &'a Snapshot,
    of: IfIndex,
    found: Option<(&'a ClassMap, &'a TcMap)>,
}

impl<'a> Maps<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, of: IfIndex::NONE, found: None }
    }

    #[inline]
    fn of(&mut self, meta: &Meta) -> (&'a ClassMap, &'a TcMap) {
        if meta.in_interface != self.of {
            let interface = self.snapshot.interface(meta.in_interface);
            self.found = interface.map(|i| (&*i.class_map, &*i.tc_map));
            self.of = meta.in_interface;
        }
        match self.found {
            Some(maps) if !meta.flags.has(Flags::ORIGINATED) => maps,
            _ => (&OWN.0, &OWN.1),
        }
    }
}

/// Classifies the live frames.
pub fn run(batch: &mut Batch, snapshot: &Snapshot) {
    let mut maps = Maps::new(snapshot);
    for frame in batch.live() {
        let meta = frame.meta_mut();
        let (by_dscp, by_tc) = maps.of(meta);
        (meta.class, meta.colour) = match meta.layer3 {
            Layer3::Mpls => by_tc.get(meta.tc),
            _ => by_dscp.get(meta.dscp),
        };
    }
}

/// Settles class and mark of the live frames whose labels are off, by the tunnel's
/// model (RFC 3270 section 2.6): uniform, the label's class becomes the packet's
/// mark; short pipe, the packet's own mark gives the class; pipe, both stay.
pub fn exposed(batch: &mut Batch, snapshot: &Snapshot) {
    let mut maps = Maps::new(snapshot);
    for frame in batch.live() {
        let meta = frame.meta_mut();
        // A mark that a meter wants on what came without labels is no tunnel's.
        if !meta.flags.has(Flags::EXPOSED) || meta.flags.0 & (Flags::RECLASSIFY.0 | Flags::REMARK.0) == 0 {
            continue;
        }
        let (by_dscp, by_tc) = maps.of(meta);
        let own = by_dscp.get(meta.dscp);
        let label = by_tc.get(meta.tc);
        let reclassify = meta.flags.has(Flags::RECLASSIFY);
        if reclassify || alike(own.0, label.0) {
            meta.flags.clear(Flags::REMARK);
        } else {
            // Policing may have coloured it since.
            let colour = if meta.class == label.0 { meta.colour } else { label.1 };
            meta.dscp = label.0.dscp(colour);
        }
        // The class may be that of a pipe around the uniform tunnel: then it stays.
        if reclassify || (alike(own.0, label.0) && alike(own.0, meta.class)) {
            (meta.class, meta.colour) = own;
        }
    }
}

/// Whether a label of the one class may carry packets of the other: two classes that
/// share a traffic class are told apart by the packets' own marks.
fn alike(one: TrafficClass, other: TrafficClass) -> bool {
    one == other || one.tc() == other.tc()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::class::Colour;
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
