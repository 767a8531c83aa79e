//! Counts add up, over writers and over generations.

use super::*;
use crate::class::TrafficClass::Voice;

#[test]
fn a_drop_is_counted_under_interface_class_and_vrf_and_sums_over_writers() {
    let name: Arc<str> = "ge0".into();
    let mut writers = [Counters::new(), Counters::new()];
    let mut frame = Frame::standard();
    frame.meta_mut().in_interface = IfIndex(2);
    frame.meta_mut().vrf = VrfId(1);
    frame.meta_mut().class = Voice;
    for writer in &mut writers {
        writer.sync([(IfIndex(2), &name)].into_iter(), [VrfId(1)].into_iter(), std::iter::empty());
        writer.totals().received.add(3);
        writer.dropped(&frame, DropReason::Policed);
    }
    let views = writers.each_ref().map(Counters::view);
    assert_eq!(interface(&views, IfIndex(2)).drops, [(Voice, DropReason::Policed, 2)]);
    assert_eq!(vrf_drops(&views, VrfId(1)), [(DropReason::Policed, 2)]);
    assert_eq!((totals(&views).dropped(), totals(&views).unaccounted()), (2, 4));
}

#[test]
fn a_drop_of_no_interface_is_its_ports_and_of_one_that_is_gone_that_of_where_it_was_to_leave() {
    let name: Arc<str> = "ge0".into();
    let mut counters = Counters::new();
    counters.sync([(IfIndex(2), &name)].into_iter(), std::iter::empty(), [PortIndex(1)].into_iter());
    let mut frame = Frame::standard();
    frame.rare_mut().in_port = PortIndex(1);
    counters.dropped(&frame, DropReason::VlanUnknown);
    (frame.meta_mut().in_interface, frame.meta_mut().out_interface) = (IfIndex(5), IfIndex(2));
    counters.dropped(&frame, DropReason::InterfaceGone);
    // Which port it came by is not known then: it may be that of an earlier packet.
    frame.meta_mut().out_interface = IfIndex(6);
    counters.dropped(&frame, DropReason::InterfaceGone);
    let views = [counters.view()];
    assert_eq!(port_drops(&views, PortIndex(1)), [(DropReason::VlanUnknown, 1)]);
    let drops = interface(&views, IfIndex(2)).drops;
    assert_eq!(
        drops.iter().map(|(_, reason, n)| (*reason, *n)).collect::<Vec<_>>(),
        [(DropReason::InterfaceGone, 1)]
    );
    assert_eq!(totals(&views).dropped(), 3);
}

#[test]
fn another_interface_with_the_same_id_starts_from_zero() {
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let mut counters = Counters::new();
    for (name, expected) in [(&a, 1), (&a, 2), (&b, 1)] {
        counters.sync([(IfIndex(0), name)].into_iter(), std::iter::empty(), std::iter::empty());
        counters.interface(IfIndex(0)).unwrap().received[0].add(60);
        let counts = interface(&[counters.view()], IfIndex(0));
        assert_eq!(counts.received[0].frames, expected);
    }
}
