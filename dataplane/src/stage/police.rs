//! Meters of what comes in: each frame of a class that has one gets a colour, and
//! goes on, goes on coloured or marked, or ends here (RFC 2475 section 2.3.3). The
//! length that counts is the layer-2 one, as received and without FCS.
//!
//! A mark is what `rewrite` is to write: the DSCP, ECN untouched. A labelled frame
//! gets the colour alone: its DSCP lies behind labels that are not this router's to open.

use crate::class::{CLASSES, Colour, TrafficClass};
use crate::id::IfIndex;
use crate::packet::{Batch, DropReason, Flags, Frame, Layer3, Meta, Verdict, by_class};
use crate::qos::{MeterAction, Metering, Policers};
use crate::time::Time;

/// By bit: every class.
const ALL: u32 = (1 << CLASSES) - 1;

/// Meters the live frames; what the router made itself is not metered.
///
/// Frames of a class are asked for one by one only where not all of them pass together, or others
/// share their meter.
pub fn run(batch: &mut Batch, policers: &mut Policers, now: Time) {
    if policers.is_empty() {
        return;
    }
    let left = match batch.alike().and_then(|alike| Some((alike, alike.class?))) {
        Some((alike, class)) => {
            let green = || batch.frames().iter().all(|frame| frame.meta().colour == Colour::Green);
            let meter = policers.of(alike.interface, class);
            let pass = |mut meter: Metering<'_>| meter.passes(batch.len() as u64, alike.bytes, now, green);
            if meter.is_none_or(pass) { 0 } else { ALL }
        }
        None => Sums::of(batch.frames()).map_or(ALL, |sums| sums.left(policers, now)),
    };
    if left != 0 && each(batch, left, policers, now) {
        batch.set_alike(None);
    }
    policers.settle();
}

/// What the live frames of a batch are together that came in by one interface, by class: see [`sum`].
struct Sums {
    interface: IfIndex,
    by_class: [u64; CLASSES],
}

/// A frame's part of the sum of its class: its bytes, above them a one, and above that whether it came
/// with another colour than green.
#[inline(always)]
fn sum(meta: &Meta) -> u64 {
    u64::from(meta.length) | 1 << 32 | u64::from(meta.colour != Colour::Green) << 48
}

impl Sums {
    /// `None` where they came in by several.
    fn of(frames: &[Frame]) -> Option<Self> {
        let interface = frames.first()?.meta().in_interface;
        let mut one = true;
        let by_class = by_class(frames, |meta| {
            let metered = is_metered(meta);
            one &= !metered || meta.in_interface == interface;
            if metered { sum(meta) } else { 0 }
        });
        one.then_some(Self { interface, by_class })
    }

    /// Lets those pass that do so together; the classes, by bit, whose frames are left.
    fn left(&self, policers: &mut Policers, now: Time) -> u32 {
        let left = |class: &TrafficClass| {
            let sum = self.by_class[class.index()];
            let (frames, bytes, green) = (sum >> 32 & 0xffff, sum & 0xffff_ffff, sum >> 48 == 0);
            let meter = if frames == 0 { None } else { policers.of(self.interface, *class) };
            meter.is_some_and(|mut meter| meter.is_shared() || !meter.passes(frames, bytes, now, || green))
        };
        TrafficClass::ALL.into_iter().filter(left).fold(0, |left, class| left | 1 << class.index())
    }
}

#[inline(always)]
fn is_metered(meta: &Meta) -> bool {
    meta.verdict == Verdict::Forward && !meta.flags.has(Flags::ORIGINATED)
}

/// Meters the live frames of these classes one by one; whether any is another frame now.
fn each(batch: &mut Batch, classes: u32, policers: &mut Policers, now: Time) -> bool {
    let mut changed = false;
    let mut of = (IfIndex::NONE, TrafficClass::Standard);
    // Frames of one class of one interface in a row ask one meter.
    let mut metering: Option<Metering<'_>> = None;
    for meta in batch.frames_mut().iter_mut().map(Frame::meta_mut).filter(|meta| is_metered(meta)) {
        if classes & 1 << meta.class.index() == 0 {
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
    changed
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
mod oracle;

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
