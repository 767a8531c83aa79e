//! A worker's ingress policers: what `police` asks (RFC 3246 section 2, RFC 2697).

use super::bucket::TokenBucket;
use super::spec::{InterfaceQos, PolicerSpec};
use crate::class::{CLASSES, TrafficClass};
use crate::id::IfIndex;
use crate::time::Time;

/// One policer: what was asked for, and its tokens.
#[derive(Clone, Debug)]
pub(super) struct Policer {
    spec: PolicerSpec,
    bucket: TokenBucket,
}

impl Policer {
    /// A full one.
    pub(super) fn new(spec: PolicerSpec) -> Self {
        Self { spec, bucket: TokenBucket::new(spec.rate, spec.burst) }
    }

    /// What `spec` asks for now, with `old`'s tokens of `now` where there was one.
    pub(super) fn adopt(old: Option<Self>, spec: Option<PolicerSpec>, now: Time) -> Option<Self> {
        let spec = spec?;
        Some(match old {
            Some(old) if old.spec == spec => old,
            Some(old) => {
                Self { spec, bucket: old.bucket.retuned(TokenBucket::new(spec.rate, spec.burst), now) }
            }
            None => Self::new(spec),
        })
    }

    #[inline]
    pub(super) fn conforms(&mut self, now: Time, bytes: u32) -> bool {
        self.bucket.conforms(now, bytes)
    }
}

type ByClass = Box<[Option<Policer>; CLASSES]>;

/// State of the ingress policers of every interface, by [`IfIndex`] and class.
/// One worker's: where several workers receive from one interface, each lets its
/// own rate through.
#[derive(Debug, Default)]
pub struct Policers {
    interfaces: Vec<Option<ByClass>>,
}

impl Policers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up the specifications of a new generation: every interface there
    /// is. One that is unchanged keeps its tokens, a changed one those that fit;
    /// interfaces not named are forgotten.
    pub fn sync<'a>(&mut self, interfaces: impl Iterator<Item = (IfIndex, &'a InterfaceQos)>) {
        let mut before = std::mem::take(&mut self.interfaces);
        for (id, qos) in
            interfaces.filter(|(id, qos)| id.is_some() && qos.ingress.iter().any(Option::is_some))
        {
            let mut policers = before.get_mut(id.index()).and_then(Option::take).unwrap_or_default();
            for (policer, spec) in policers.iter_mut().zip(qos.ingress) {
                *policer = Policer::adopt(policer.take(), spec, Time::ZERO);
            }
            if self.interfaces.len() <= id.index() {
                self.interfaces.resize_with(id.index() + 1, || None);
            }
            self.interfaces[id.index()] = Some(policers);
        }
    }

    /// Whether a frame of `bytes` that came in by `interface` may go on; yes
    /// where the class has no policer. What conforms is taken from its tokens.
    #[inline]
    pub fn conforms(&mut self, interface: IfIndex, class: TrafficClass, now: Time, bytes: u32) -> bool {
        let policers = self.interfaces.get_mut(interface.index()).and_then(Option::as_mut);
        match policers.and_then(|p| p[class.index()].as_mut()) {
            Some(policer) => policer.conforms(now, bytes),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(rate: u64, burst: u64) -> InterfaceQos {
        let mut qos = InterfaceQos::default();
        qos.ingress[TrafficClass::Voice.index()] = Some(PolicerSpec { rate, burst });
        qos
    }

    #[test]
    fn tokens_survive_a_generation_and_another_class_or_interface_is_free() {
        let (at, now) = (IfIndex(7), Time(0));
        let mut policers = Policers::new();
        assert!(policers.conforms(at, TrafficClass::Voice, now, 9000));
        policers.sync([(IfIndex(2), &InterfaceQos::default()), (at, &voice(8_000, 400))].into_iter());
        assert!(policers.conforms(at, TrafficClass::Voice, now, 200));
        policers.sync([(at, &voice(8_000, 400))].into_iter());
        assert!(policers.conforms(at, TrafficClass::Voice, now, 200));
        assert!(!policers.conforms(at, TrafficClass::Voice, now, 1));
        assert!(policers.conforms(at, TrafficClass::Video, now, 9000));
        assert!(policers.conforms(IfIndex(2), TrafficClass::Voice, now, 9000));
        assert!(policers.conforms(IfIndex::NONE, TrafficClass::Voice, now, 9000));
        assert!(policers.conforms(at, TrafficClass::Voice, Time(1_000_000), 1));
    }

    #[test]
    fn a_changed_policer_keeps_what_fits_and_a_removed_one_is_forgotten() {
        let (at, now) = (IfIndex(0), Time(0));
        let mut policers = Policers::new();
        policers.sync([(at, &voice(8_000, 400))].into_iter());
        assert!(policers.conforms(at, TrafficClass::Voice, now, 300));
        policers.sync([(at, &voice(16_000, 4000))].into_iter());
        assert!(!policers.conforms(at, TrafficClass::Voice, now, 101));
        assert!(policers.conforms(at, TrafficClass::Voice, now, 100));
        policers.sync(std::iter::empty());
        assert!(policers.conforms(at, TrafficClass::Voice, now, 5000));
        policers.sync([(at, &voice(8_000, 400))].into_iter());
        assert!(policers.conforms(at, TrafficClass::Voice, now, 400));
    }
}
