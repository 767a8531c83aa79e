//! Meters of what comes in: each frame of a class that has one gets a colour, and
//! goes on, goes on coloured or marked, or ends here (RFC 2475 section 2.3.3). The
//! length that counts is the layer-2 one, as received and without FCS.
//!
//! A mark is what `rewrite` is to write: the DSCP, ECN untouched. A labelled frame
//! gets the colour alone: its DSCP lies behind labels that are not this router's to open.

use crate::class::{Colour, TrafficClass};
use crate::id::IfIndex;
use crate::packet::{Batch, DropReason, Flags, Layer3, Meta, Verdict};
use crate::qos::{MeterAction, Metering, Policers};
use crate::time::Time;

/// Meters the live frames; what the router made itself is not metered.
pub fn run(batch: &mut Batch, policers: &mut Policers, now: Time) {
    if policers.is_empty() {
        return;
    }
    let mut changed = false;
    let mut of = (IfIndex::NONE, TrafficClass::Standard);
    // Frames of one class of one interface in a row ask one meter.
    let mut metering: Option<Metering<'_>> = None;
    for frame in batch.live() {
        let meta = frame.meta_mut();
        if meta.flags.has(Flags::ORIGINATED) {
            continue;
        }
        if of != (meta.in_interface, meta.class) {
            of = (meta.in_interface, meta.class);
            metering = policers.of(of.0, of.1);
        }
        if let Some(metering) = &mut metering {
            let (colour, action) = metering.colour(meta.colour, now, u32::from(meta.length));
            act(meta, colour, action);
            changed |= matches!(action, MeterAction::Mark(_) | MeterAction::Drop);
        }
    }
    policers.settle();
    if changed {
        batch.set_alike(None);
    }
}

#[inline]
fn act(meta: &mut Meta, colour: Colour, action: MeterAction) {
    match action {
        MeterAction::Pass => {}
        MeterAction::Recolour => meta.colour = colour,
        MeterAction::Mark(dscp) => {
            meta.colour = colour;
            if matches!(meta.layer3, Layer3::Ipv4 | Layer3::Ipv6) {
                meta.dscp = dscp;
                meta.flags.set(Flags::REMARK);
            }
        }
        MeterAction::Drop => meta.verdict = Verdict::Drop(DropReason::Policed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qos::{Ingress, InterfaceQos, MeterKind, MeterSpec};
    use crate::stage::testing::*;

    fn policers(spec: MeterSpec) -> Policers {
        let mut qos = InterfaceQos::default();
        qos.ingress[TrafficClass::Voice.index()] = Some(Ingress::Own(spec));
        let mut policers = Policers::new();
        policers.sync([(GE0, &qos)].into_iter());
        policers
    }

    /// What becomes of a call's frame of 60 bytes that is of `class`.
    fn police(policers: &mut Policers, class: TrafficClass, now: u64) -> Meta {
        let mut batch = batch(&call());
        crate::stage::parse::run(&mut batch, &router(), crate::id::PortIndex(0));
        batch.live().for_each(|f| f.meta_mut().class = class);
        run(&mut batch, policers, Time(now));
        *batch.frames()[0].meta()
    }

    #[test]
    fn over_the_rate_of_its_class_a_frame_is_policed() {
        let mut policers = policers(MeterSpec::policer(48_000, 120));
        let mut police = |class, now| police(&mut policers, class, now).verdict;
        // 60 bytes each: two fit the bucket, a third is due after 10 ms at 48 kbit/s.
        assert_eq!(police(TrafficClass::Voice, 0), Verdict::Forward);
        assert_eq!(police(TrafficClass::Voice, 0), Verdict::Forward);
        assert_eq!(police(TrafficClass::Voice, 9_000_000), Verdict::Drop(DropReason::Policed));
        assert_eq!(police(TrafficClass::Video, 9_000_000), Verdict::Forward);
        assert_eq!(police(TrafficClass::Voice, 10_000_000), Verdict::Forward);
    }

    #[test]
    fn each_colour_has_its_action() {
        let actions = [MeterAction::Recolour, MeterAction::Mark(12), MeterAction::Drop];
        let spec = MeterSpec { kind: MeterKind::SrTcm, ebs: 60, actions, ..MeterSpec::policer(0, 60) };
        let mut policers = policers(spec);
        let [green, yellow, red] = [(); 3].map(|()| police(&mut policers, TrafficClass::Voice, 0));
        assert_eq!((green.verdict, green.colour), (Verdict::Forward, Colour::Green));
        assert!(!green.flags.has(Flags::REMARK));
        assert_eq!((yellow.verdict, yellow.colour, yellow.dscp), (Verdict::Forward, Colour::Yellow, 12));
        assert!(yellow.flags.has(Flags::REMARK));
        assert_eq!(red.verdict, Verdict::Drop(DropReason::Policed));
    }

    #[test]
    fn a_labelled_frame_is_coloured_and_not_marked() {
        let mut meta = Meta { layer3: Layer3::Mpls, dscp: 0, ..Meta::default() };
        act(&mut meta, Colour::Red, MeterAction::Mark(14));
        assert_eq!((meta.colour, meta.dscp), (Colour::Red, 0));
        assert!(!meta.flags.has(Flags::REMARK));
    }
}
