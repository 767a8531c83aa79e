//! A worker's meters by interface and class: what `police` asks (RFC 3246 section 2, RFC 2697).

use ahash::AHashMap;

use super::bucket::TokenBucket;
use super::meter::{Meter, MeterAction, MeterProfile, MeterSpec};
use super::meter_shared::{Share, SharedMeter};
use super::metering::{By, Metering};
use super::spec::{Ingress, InterfaceQos, PolicerSpec};
use super::stats::Count;
use crate::class::{CLASSES, Colour, TrafficClass};
use crate::id::IfIndex;
use crate::sync::Arc;
use crate::time::Time;

/// One egress policer: what was asked for, and its tokens.
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

    /// Whether it would.
    pub(super) fn lets_in(&mut self, now: Time, bytes: u32) -> bool {
        self.bucket.covers(now, bytes.into(), 0)
    }
}

/// No slot.
const NONE: u32 = u32::MAX;
/// The bit of a [`Slot::at`] that says that it is a place among the shares.
const SHARED: u32 = 1 << 31;
/// Profiles looked through for one that is alike.
const ALIKE: usize = 64;

/// One class of one interface.
#[derive(Debug)]
struct Slot {
    interface: IfIndex,
    class: TrafficClass,
    /// Place among the meters, or with [`SHARED`] among the shares.
    at: u32,
    /// Place of its profile.
    profile: u32,
    spec: MeterSpec,
    counts: [Count; 3],
}

/// What one worker's meter of an interface's class did since the class has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metered {
    /// The interface that the frames came in by.
    pub interface: IfIndex,
    /// Their class.
    pub class: TrafficClass,
    /// Frames and their bytes, by the colour that the meter gave.
    pub counts: [Count; 3],
}

/// The meters of every interface, by [`IfIndex`] and class. One worker's.
#[derive(Debug, Default)]
pub struct Policers {
    /// By interface: a slot for each class; one `NONE` list for all without.
    interfaces: Vec<[u32; CLASSES]>,
    slots: Vec<Slot>,
    meters: Vec<Meter>,
    /// One for all meters that are alike.
    profiles: Vec<MeterProfile>,
    hands: Vec<Hand>,
    /// Places of the hands that the batch at hand has used; room for all.
    used: Vec<u32>,
}

/// A share, and whether it stands in the list of those used.
#[derive(Debug)]
struct Hand {
    share: Share,
    used: bool,
}

/// The place of each shared meter's hand, by where the meter lies.
type Known = AHashMap<*const SharedMeter, u32>;

impl Policers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no class of any interface has one.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes up the specifications of a new generation: every interface there
    /// is. One that is unchanged keeps its tokens, a changed one those that fit;
    /// interfaces not named are forgotten.
    pub fn sync<'a>(&mut self, interfaces: impl Iterator<Item = (IfIndex, &'a InterfaceQos)>) {
        let (before, mut known) = (std::mem::take(self), Known::new());
        for (id, qos) in interfaces.filter(|(id, _)| id.is_some()) {
            for class in TrafficClass::ALL {
                if let Some(wanted) = &qos.ingress[class.index()] {
                    self.add(id, class, wanted, (&before, &mut known));
                }
            }
        }
        self.used.reserve(self.hands.len());
    }

    fn add(
        &mut self,
        interface: IfIndex,
        class: TrafficClass,
        wanted: &Ingress,
        (before, known): (&Self, &mut Known),
    ) {
        let (old, spec) = (before.slot(interface, class), *wanted.spec());
        let at = match wanted {
            Ingress::Own(_) => {
                let own = old.filter(|old| old.at & SHARED == 0);
                self.own(&spec, own.and_then(|old| Some((old.spec, before.meters.get(old.at as usize)?))))
            }
            Ingress::Shared(meter) => self.share(meter, known),
        };
        if self.interfaces.len() <= interface.index() {
            self.interfaces.resize(interface.index() + 1, [NONE; CLASSES]);
        }
        self.interfaces[interface.index()][class.index()] = self.slots.len() as u32;
        let counts = old.map(|old| old.counts).unwrap_or_default();
        let profile = self.profile(&spec);
        self.slots.push(Slot { interface, class, at, profile, spec, counts });
    }

    fn own(&mut self, spec: &MeterSpec, old: Option<(MeterSpec, &Meter)>) -> u32 {
        self.meters.push(match old {
            Some((was, meter)) => meter.retuned(&MeterProfile::new(&was), &MeterProfile::new(spec)),
            None => Meter::new(),
        });
        self.meters.len() as u32 - 1
    }

    /// The place of the profile of `spec`. Those of neighbours are likeliest alike.
    fn profile(&mut self, spec: &MeterSpec) -> u32 {
        let profile = MeterProfile::new(spec);
        let known = self.profiles.iter().rev().take(ALIKE).position(|p| *p == profile);
        match known {
            Some(back) => (self.profiles.len() - 1 - back) as u32,
            None => {
                self.profiles.push(profile);
                self.profiles.len() as u32 - 1
            }
        }
    }

    fn share(&mut self, meter: &Arc<SharedMeter>, known: &mut Known) -> u32 {
        let hands = &mut self.hands;
        let at = *known.entry(std::ptr::from_ref(&**meter)).or_insert_with(|| {
            hands.push(Hand { share: Share::new(meter.clone()), used: false });
            hands.len() as u32 - 1
        });
        at | SHARED
    }

    /// The same with full buckets that nobody shares: what it would do to a first frame.
    pub fn at_rest<'a>(interfaces: impl Iterator<Item = (IfIndex, &'a InterfaceQos)>) -> Self {
        let mut policers = Self::new();
        policers.sync(interfaces);
        for Hand { share, .. } in &mut policers.hands {
            *share = Share::new(Arc::new(SharedMeter::new(*share.meter().spec())));
        }
        policers
    }

    fn slot(&self, interface: IfIndex, class: TrafficClass) -> Option<&Slot> {
        let at = *self.interfaces.get(interface.index())?.get(class.index())?;
        self.slots.get(at as usize)
    }

    /// The colour that a frame of `bytes` gets that came in by `interface`, of this class
    /// and colour, and what is to be done with it; `None` where the class has no meter.
    #[inline]
    pub fn meter(
        &mut self,
        interface: IfIndex,
        class: TrafficClass,
        colour: Colour,
        now: Time,
        bytes: u32,
    ) -> Option<(Colour, MeterAction)> {
        Some(self.of(interface, class)?.colour(colour, now, bytes))
    }

    /// The meter of a class of an interface, to be asked for frames in a row; `None` where it has
    /// none.
    #[inline]
    pub fn of(&mut self, interface: IfIndex, class: TrafficClass) -> Option<Metering<'_>> {
        let at = self.interfaces.get(interface.index())?[class.index()];
        let slot = self.slots.get_mut(at as usize)?;
        let by = if slot.at & SHARED == 0 {
            let profile = self.profiles.get(slot.profile as usize)?;
            By::Own(self.meters.get_mut(slot.at as usize)?, profile)
        } else {
            let at = slot.at & !SHARED;
            let hand = self.hands.get_mut(at as usize)?;
            if !std::mem::replace(&mut hand.used, true) {
                self.used.push(at);
            }
            By::Share(&mut hand.share)
        };
        Some(Metering::new(&slot.spec, &mut slot.counts, by))
    }

    /// Gives back what was drawn from shared meters and not spent: after each batch.
    #[inline]
    pub fn settle(&mut self) {
        for at in self.used.drain(..) {
            if let Some(hand) = self.hands.get_mut(at as usize) {
                hand.used = false;
                hand.share.settle();
            }
        }
    }

    /// What each meter did, by interface and class.
    pub fn metered(&self) -> impl Iterator<Item = Metered> + '_ {
        let row = |slot: &Slot| {
            let Slot { interface, class, counts, .. } = *slot;
            Metered { interface, class, counts }
        };
        self.slots.iter().map(row)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use MeterAction::{Drop, Pass};

    fn voice(rate: u64, burst: u64) -> InterfaceQos {
        let mut qos = InterfaceQos::default();
        qos.ingress[TrafficClass::Voice.index()] = Some(Ingress::Own(MeterSpec::policer(rate, burst)));
        qos
    }

    /// Whether a frame of `class` goes on; yes where nothing meters it.
    fn passes(policers: &mut Policers, at: IfIndex, class: TrafficClass, now: u64, bytes: u32) -> bool {
        let metered = policers.meter(at, class, Colour::Green, Time(now), bytes);
        policers.settle();
        metered.is_none_or(|(_, action)| action != Drop)
    }

    #[test]
    fn tokens_survive_a_generation_and_another_class_or_interface_is_free() {
        use TrafficClass::{Video, Voice};
        let at = IfIndex(7);
        let mut policers = Policers::new();
        assert!(passes(&mut policers, at, Voice, 0, 9000));
        policers.sync([(IfIndex(2), &InterfaceQos::default()), (at, &voice(8_000, 400))].into_iter());
        assert!(passes(&mut policers, at, Voice, 0, 200));
        policers.sync([(at, &voice(8_000, 400))].into_iter());
        assert!(passes(&mut policers, at, Voice, 0, 200));
        assert!(!passes(&mut policers, at, Voice, 0, 1));
        assert!(passes(&mut policers, at, Video, 0, 9000));
        assert!(passes(&mut policers, IfIndex(2), Voice, 0, 9000));
        assert!(passes(&mut policers, IfIndex::NONE, Voice, 0, 9000));
        assert!(passes(&mut policers, at, Voice, 1_000_000, 1));
        let [metered] = policers.metered().collect::<Vec<_>>()[..] else { panic!("one meter") };
        let packets = metered.counts.map(|c| (c.packets, c.bytes));
        assert_eq!((metered.interface, metered.class), (at, Voice));
        assert_eq!(packets, [(3, 401), (0, 0), (1, 1)]);
    }

    #[test]
    fn a_changed_meter_keeps_what_fits_and_a_removed_one_is_forgotten() {
        use TrafficClass::Voice;
        let at = IfIndex(0);
        let mut policers = Policers::new();
        policers.sync([(at, &voice(8_000, 400))].into_iter());
        assert!(passes(&mut policers, at, Voice, 0, 300));
        policers.sync([(at, &voice(16_000, 4000))].into_iter());
        assert!(!passes(&mut policers, at, Voice, 0, 101));
        assert!(passes(&mut policers, at, Voice, 0, 100));
        policers.sync(std::iter::empty());
        assert!(passes(&mut policers, at, Voice, 0, 5000));
        policers.sync([(at, &voice(8_000, 400))].into_iter());
        assert!(passes(&mut policers, at, Voice, 0, 400));
    }

    #[test]
    fn of_many_shared_meters_each_gives_back_what_its_batch_left() {
        let meters: Vec<_> =
            (0..50).map(|_| Arc::new(SharedMeter::new(MeterSpec::policer(8_000, 80_000)))).collect();
        let of = |meter: &Arc<SharedMeter>| {
            let mut qos = InterfaceQos::default();
            qos.ingress[TrafficClass::Video.index()] = Some(Ingress::Shared(meter.clone()));
            qos
        };
        let specs: Vec<_> = meters.iter().map(of).collect();
        let named = || specs.iter().enumerate().map(|(i, qos)| (IfIndex(i as u32), qos));
        let (mut one, mut other) = (Policers::new(), Policers::new());
        one.sync(named());
        other.sync(named());
        let room = one.used.capacity();
        for at in (0..50).step_by(3).map(IfIndex) {
            for _ in 0..2 {
                let metered = one.meter(at, TrafficClass::Video, Colour::Green, Time(0), 100);
                assert_eq!(metered.map(|(colour, _)| colour), Some(Colour::Green));
            }
        }
        assert_eq!((one.hands.len(), one.used.len()), (50, 17));
        one.settle();
        assert_eq!((one.used.len(), one.used.capacity()), (0, room));
        for at in 0..50 {
            let spent = if at % 3 == 0 { 200 } else { 0 };
            assert!(passes(&mut other, IfIndex(at), TrafficClass::Video, 0, 80_000 - spent));
            assert!(!passes(&mut other, IfIndex(at), TrafficClass::Video, 0, 1));
        }
    }

    #[test]
    fn classes_and_interfaces_of_one_meter_share_its_tokens_and_a_look_takes_none() {
        let meter = Arc::new(SharedMeter::new(MeterSpec::policer(8_000, 1_000)));
        let mut qos = InterfaceQos::default();
        for class in [TrafficClass::Video, TrafficClass::Imaging] {
            qos.ingress[class.index()] = Some(Ingress::Shared(meter.clone()));
        }
        let both = [(IfIndex(0), &qos), (IfIndex(1), &qos)];
        let (mut one, mut other) = (Policers::new(), Policers::new());
        one.sync(both.into_iter());
        other.sync(both.into_iter());
        let mut look = Policers::at_rest(both.into_iter());
        let video = TrafficClass::Video;
        let metered = look.meter(IfIndex(0), video, Colour::Yellow, Time(0), 1_000);
        assert_eq!(metered, Some((Colour::Green, Pass)));
        assert!(passes(&mut one, IfIndex(0), video, 0, 400));
        assert!(passes(&mut one, IfIndex(1), TrafficClass::Imaging, 0, 200));
        assert!(!passes(&mut other, IfIndex(1), video, 0, 401));
        assert!(passes(&mut other, IfIndex(1), video, 0, 400));
        assert!(passes(&mut one, IfIndex(0), TrafficClass::Voice, 0, 9_000));
    }
}
