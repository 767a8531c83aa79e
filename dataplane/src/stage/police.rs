//! Ingress policers: a frame over its class's rate ends here (RFC 3246 section 2).
//! The length that counts is the layer-2 one, as received and without FCS.

use crate::packet::{Batch, DropReason, Flags, Verdict};
use crate::qos::Policers;
use crate::time::Time;

/// Polices the live frames; what the router made itself is not policed.
pub fn run(batch: &mut Batch, policers: &mut Policers, now: Time) {
    for frame in batch.live() {
        let meta = frame.meta_mut();
        let length = u32::from(meta.length);
        if !meta.flags.has(Flags::ORIGINATED)
            && !policers.conforms(meta.in_interface, meta.class, now, length)
        {
            meta.verdict = Verdict::Drop(DropReason::Policed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::TrafficClass;
    use crate::qos::{InterfaceQos, PolicerSpec};
    use crate::stage::testing::*;

    #[test]
    fn over_the_rate_of_its_class_a_frame_is_policed() {
        let mut qos = InterfaceQos::default();
        qos.ingress[TrafficClass::Voice.index()] = Some(PolicerSpec { rate: 48_000, burst: 120 });
        let mut policers = Policers::new();
        policers.sync([(GE0, &qos)].into_iter());
        let mut police = |class, now| {
            let mut batch = batch(&call());
            crate::stage::parse::run(&mut batch, &router(), crate::id::PortIndex(0));
            batch.live().for_each(|f| f.meta_mut().class = class);
            run(&mut batch, &mut policers, Time(now));
            batch.frames()[0].meta().verdict
        };
        // 60 bytes each: two fit the bucket, a third is due after 10 ms at 48 kbit/s.
        assert_eq!(police(TrafficClass::Voice, 0), Verdict::Forward);
        assert_eq!(police(TrafficClass::Voice, 0), Verdict::Forward);
        assert_eq!(police(TrafficClass::Voice, 9_000_000), Verdict::Drop(DropReason::Policed));
        assert_eq!(police(TrafficClass::Video, 9_000_000), Verdict::Forward);
        assert_eq!(police(TrafficClass::Voice, 10_000_000), Verdict::Forward);
    }
}
