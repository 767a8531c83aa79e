//! Meters against the words of their standards, in wide numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::qos::{Share, SharedMeter};
use crate::sync::Arc;
use Colour::{Green, Red, Yellow};

/// One byte, in 10⁻⁹ bit.
const UNIT: u128 = 8_000_000_000;

/// A meter and what it goes by.
struct Own(Meter, MeterProfile);

impl Own {
    fn new(spec: MeterSpec) -> Self {
        Self(Meter::new(), MeterProfile::new(&spec))
    }

    fn colour(&mut self, now: u64, colour: Colour, bytes: u32) -> Colour {
        self.0.colour(&self.1, Time(now), colour, bytes)
    }

    fn retuned(&self, to: MeterSpec) -> Self {
        let to = MeterProfile::new(&to);
        Self(self.0.retuned(&self.1, &to), to)
    }
}

/// The standards as they are written; tokens in 10⁻⁹ bit.
struct Words {
    spec: MeterSpec,
    now: u64,
    tc: u128,
    te: u128,
}

impl Words {
    fn new(spec: MeterSpec) -> Self {
        let (tc, te) = (u128::from(spec.cbs) * UNIT, u128::from(spec.ebs) * UNIT);
        Self { spec, now: 0, tc, te }
    }

    /// RFC 2697 section 3: C first, what it cannot take goes to E. RFC 2698 section 3 and
    /// RFC 4115 section 2: each at its own rate.
    fn pass_time(&mut self, now: u64) {
        let (time, spec) = (u128::from(now.saturating_sub(self.now)), self.spec);
        let (cbs, ebs) = (u128::from(spec.cbs) * UNIT, u128::from(spec.ebs) * UNIT);
        self.now = self.now.max(now);
        self.tc += time * u128::from(spec.cir);
        self.te += match spec.kind {
            MeterKind::SrTcm => self.tc.saturating_sub(cbs),
            _ => time * u128::from(spec.eir),
        };
        (self.tc, self.te) = (self.tc.min(cbs), self.te.min(ebs));
    }

    fn colour(&mut self, now: u64, colour: Colour, bytes: u32) -> Colour {
        self.pass_time(now);
        let (b, came) = (u128::from(bytes) * UNIT, if self.spec.colour_aware { colour } else { Green });
        match self.spec.kind {
            MeterKind::TrTcm if came == Red || self.te < b => Red,
            MeterKind::TrTcm if came == Yellow || self.tc < b => {
                self.te -= b;
                Yellow
            }
            MeterKind::TrTcm => {
                self.tc -= b;
                self.te -= b;
                Green
            }
            _ if came == Green && self.tc >= b => {
                self.tc -= b;
                Green
            }
            _ if came != Red && self.te >= b => {
                self.te -= b;
                Yellow
            }
            _ => Red,
        }
    }
}

fn spec() -> impl Strategy<Value = MeterSpec> {
    let kind = prop_oneof![Just(MeterKind::SrTcm), Just(MeterKind::TrTcm), Just(MeterKind::Rfc4115)];
    let rate = || {
        prop_oneof![8_000u64..100_000, 1_000_000u64..10_000_000_000, Just(400_000_000_000), Just(1_234_567)]
    };
    let burst = || prop_oneof![Just(0u64), 64u64..20_000, Just(DEEPEST)];
    let all = (kind, any::<bool>(), rate(), burst(), rate(), burst());
    all.prop_map(|(kind, colour_aware, cir, cbs, eir, ebs)| MeterSpec {
        kind,
        colour_aware,
        cir,
        cbs,
        eir,
        ebs,
        actions: [MeterAction::Pass; 3],
    })
}

/// Gap in ns, colour, bytes, and who receives it.
fn frames() -> impl Strategy<Value = Vec<(u64, Colour, u32, usize)>> {
    let gap = prop_oneof![Just(0u64), 0u64..3_000, 0u64..3_000_000, Just(1 << 50)];
    let colour = prop_oneof![Just(Green), Just(Yellow), Just(Red)];
    prop::collection::vec((gap, colour, prop_oneof![0u32..200, 0u32..9_100], 0usize..3), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn a_meter_colours_as_its_standard_says(spec in spec(), frames in frames()) {
        let (mut meter, mut words, mut now) = (Own::new(spec), Words::new(spec), 0);
        for (gap, colour, bytes, _) in frames {
            now += gap;
            prop_assert_eq!(meter.colour(now, colour, bytes), words.colour(now, colour, bytes));
        }
    }

    #[test]
    fn batch_after_batch_a_shared_meter_colours_as_one_of_its_own(spec in spec(), frames in frames()) {
        let (shared, mut words, mut now) = (Arc::new(SharedMeter::new(spec)), Words::new(spec), 0);
        let mut workers: Vec<_> = (0..3).map(|_| Share::new(shared.clone())).collect();
        let mut last = 0;
        for (gap, colour, bytes, worker) in frames {
            if gap > 0 || worker != last {
                workers[last].settle();
            }
            (now, last) = (now + gap, worker);
            prop_assert_eq!(workers[worker].colour(Time(now), colour, bytes), words.colour(now, colour, bytes));
        }
    }

    /// And nothing is different for what comes after.
    #[test]
    fn frames_are_taken_together_where_each_would_be_green(
        spec in spec(),
        batches in prop::collection::vec(frames(), 1..8),
    ) {
        let shared = Arc::new(SharedMeter::new(spec));
        let (mut own, mut share) = (Own::new(spec), Share::new(shared));
        let (mut words, mut now) = (Words::new(spec), 0);
        for frames in batches {
            now += frames[0].0;
            let bytes = frames.iter().map(|(_, _, bytes, _)| u64::from(*bytes)).sum();
            let together = own.0.takes_all(&own.1, Time(now), bytes);
            prop_assert_eq!(share.takes_all(Time(now), bytes), together);
            let mut green = true;
            for (_, colour, bytes, _) in frames {
                let came = if together { Green } else { colour };
                let wanted = words.colour(now, came, bytes);
                green &= wanted == Green;
                if !together {
                    prop_assert_eq!(own.colour(now, colour, bytes), wanted);
                    prop_assert_eq!(share.colour(Time(now), colour, bytes), wanted);
                }
            }
            share.settle();
            prop_assert!(green == together || spec.colour_aware);
        }
    }
}

fn srtcm(cir: u64, cbs: u64, ebs: u64) -> MeterSpec {
    MeterSpec { ebs, actions: [MeterAction::Recolour; 3], ..MeterSpec::policer(cir, cbs) }
}

#[test]
fn the_long_run_is_exact() {
    // Asked at odd steps, for more than a rate that divides nothing evenly brings.
    const STEP: u64 = 7_919_003;
    for cir in [8_000, 95_200, 9_999_991, 1_234_567_891, 99_999_999_999] {
        let income = cir * STEP / 8_000_000_000 + 1;
        let (ask, burst, end) = ((income / 7).max(1) as u32, 2 * income, 100_000 * STEP);
        let mut meter = Own::new(srtcm(cir, burst, 0));
        let mut green = 0u128;
        for now in (0..=end).step_by(STEP as usize) {
            while meter.colour(now, Green, ask) == Green {
                green += u128::from(ask);
            }
        }
        let ideal = u128::from(cir) * u128::from(end) / UNIT + u128::from(burst);
        assert!(green <= ideal && green + u128::from(ask) >= ideal, "{cir}: {green} of {ideal}");
    }
}

#[test]
fn a_clock_that_jumps_earns_full_buckets_and_one_that_goes_back_nothing() {
    const LATE: u64 = (1 << 63) - 1;
    let spec = srtcm(1_000_000, 1_500, 1_000);
    let shared = Arc::new(SharedMeter::new(spec));
    let (mut own, mut share) = (Own::new(spec), Share::new(shared));
    let mut both = |now, bytes| {
        let colours = (own.colour(now, Green, bytes), share.colour(Time(now), Green, bytes));
        share.settle();
        assert_eq!(colours.0, colours.1);
        colours.0
    };
    assert_eq!(both(LATE, 1_500), Green);
    assert_eq!(both(LATE, 1_000), Yellow);
    assert_eq!(both(3, 1), Red);
    assert_eq!(both(3_000_000_000, 1), Red);
    assert_eq!(both(LATE, u32::MAX), Red);
}

#[test]
fn another_specification_keeps_the_tokens_that_fit() {
    let (was, is) = (srtcm(8_000_000, 1_000, 500), srtcm(16_000_000, 50, 600));
    let (mut own, shared) = (Own::new(was), Arc::new(SharedMeter::new(was)));
    let mut share = Share::new(shared.clone());
    assert_eq!(own.colour(0, Green, 900), Green);
    assert_eq!(share.colour(Time(0), Green, 900), Green);
    share.settle();
    let retuned = Arc::new(shared.retuned(is));
    let (mut own, mut share) = (own.retuned(is), Share::new(retuned));
    for (bytes, colour) in [(51, Yellow), (450, Red), (50, Green), (449, Yellow), (1, Red)] {
        assert_eq!(own.colour(0, Green, bytes), colour, "{bytes}");
        assert_eq!(share.colour(Time(0), Green, bytes), colour, "{bytes}");
        share.settle();
    }
}

/// Bytes that each colour got, of frames that `workers` threads ask for, each batch at a
/// moment of its own, `step` ns after the one before it.
fn race(meter: &Arc<SharedMeter>, workers: usize, batches: u64, step: u64) -> [u64; 3] {
    let clock = AtomicU64::new(0);
    let work = |seed: usize| {
        let (mut share, mut sums, mut n) = (Share::new(meter.clone()), [0; 3], seed as u64);
        loop {
            let turn = clock.fetch_add(1, Relaxed);
            if turn >= batches {
                return sums;
            }
            for _ in 0..64 {
                n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let bytes = 64 + (n >> 33) as u32 % 1_400;
                sums[share.colour(Time(turn * step), Green, bytes) as usize] += u64::from(bytes);
            }
            share.settle();
        }
    };
    let sums = thread::scope(|s| {
        let threads: Vec<_> = (0..workers).map(|seed| s.spawn(move || work(seed))).collect();
        threads.into_iter().flat_map(|thread| thread.join()).collect::<Vec<_>>()
    });
    std::array::from_fn(|colour| sums.iter().map(|s| s[colour]).sum())
}

#[test]
fn several_workers_at_once_get_the_rate_exactly() {
    // 64 frames of 764 bytes on average every 20 µs are 19.6 Gbit/s: more than twice the rate.
    const BATCHES: u64 = 20_000;
    const STEP: u64 = 20_000;
    for kind in [MeterKind::SrTcm, MeterKind::TrTcm, MeterKind::Rfc4115] {
        for workers in [2, 4] {
            let spec = MeterSpec { kind, eir: 8_000_000_000, ..srtcm(5_000_000_000, 60_000, 90_000) };
            let meter = Arc::new(SharedMeter::new(spec));
            let [green, yellow, red] = race(&meter, workers, BATCHES, STEP);
            let time = f64::from((BATCHES * STEP) as u32) / 1e9;
            let rate = |bytes: u64| bytes as f64 * 8.0 / time;
            let near = |is: f64, wanted: f64| (is / wanted - 1.0).abs() < 0.005;
            let excess = |yellow: f64| match kind {
                MeterKind::SrTcm => yellow < 1e7,
                MeterKind::TrTcm => near(yellow, 3e9),
                MeterKind::Rfc4115 => near(yellow, 8e9),
            };
            assert!(near(rate(green), 5e9), "{kind:?} {workers}: green {}", rate(green));
            assert!(excess(rate(yellow)), "{kind:?}: yellow {}", rate(yellow));
            let most = |rate: u64, burst: u64| rate * BATCHES * STEP / 8_000_000_000 + burst;
            assert!(green <= most(spec.cir, spec.cbs), "{green}");
            assert!(red > 0);
        }
    }
}
