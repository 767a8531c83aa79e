//! Claims on one line by several trees, against the definition in wide numbers.

use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;

use super::*;

const BURST: u64 = 1_000_000;

fn seats(trees: usize, rate: u64, burst: u64) -> Vec<Seat> {
    let shared = Arc::new(SharedRate::default());
    let rate = RateSpec { rate, burst };
    (0..trees)
        .map(|tree| Seat::new(&Place { shared: shared.clone(), tree, trees }, rate, Time::ZERO, 0))
        .collect()
}

/// Whether no window holds more than rate·t + burst + `frames` of the longest of all, in 10⁻⁹ bit.
fn within(claims: &[(u64, u32)], (rate, burst): (u64, u64), frames: u128) -> bool {
    let longest = claims.iter().map(|(_, bytes)| u128::from(*bytes)).max().unwrap_or(0).max(PORT_FULL.into());
    (0..claims.len()).all(|from| {
        let mut sum = 0u128;
        claims[from..].iter().all(|(at, bytes)| {
            sum += u128::from(*bytes) * u128::from(BYTE);
            let time = u128::from(at - claims[from].0 + burst) + frames;
            sum <= time * u128::from(rate) + frames * longest * u128::from(BYTE)
        })
    })
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A tree would send a frame of so many bytes, more or less urgent.
    Claim(usize, u32, Want),
    /// A tree has nothing any more.
    Rest(usize),
    /// Time passes: to when the line is free, or so long.
    Wait(Option<u64>),
}

fn step() -> impl Strategy<Value = Step> {
    let want = prop_oneof![
        Just(Want::URGENT),
        Just(Want::ASSURED),
        (0..3u64).prop_map(Want::shared),
        Just(Want::LEFTOVER)
    ];
    prop_oneof![
        6 => (0..4usize, 64u32..9_100, want).prop_map(|(tree, bytes, want)| Step::Claim(tree, bytes, want)),
        1 => (0..4usize).prop_map(Step::Rest),
        4 => prop::option::of(prop_oneof![1u64..5_000, 1u64..3_000_000]).prop_map(Step::Wait),
    ]
}

/// The obvious one: a bucket in 10⁻⁹ bit, a list of what each wants, who went last.
struct Oracle {
    level: i128,
    rate: i128,
    depth: i128,
    wants: Vec<Want>,
    /// Of what is guaranteed, and of leftovers.
    last: [usize; 2],
    /// Of each tree: the longest frame without priority.
    longest: Vec<u32>,
}

impl Oracle {
    fn pass(&mut self, time: u64) {
        self.level = self.depth.min(self.level + i128::from(time) * self.rate);
    }

    /// What is owed beyond what may be.
    fn owed(&self, tree: usize) -> i128 {
        let slack = if self.wants[tree] == Want::URGENT { self.longest[tree] } else { 0 };
        -self.level - i128::from(slack) * i128::from(BYTE)
    }

    /// Whether a tree may send where the line lets it: no other comes before it, or for too long.
    fn is_first(&self, tree: usize) -> bool {
        let (trees, mine) = (self.wants.len(), self.wants[tree]);
        let before = |other: usize| {
            let turn = |of: usize, tree: usize| (1..=trees).position(|n| (self.last[of] + n) % trees == tree);
            let goes_first = |of| turn(of, other) < turn(of, tree);
            let same = self.wants[other] == mine && self.level(tree).is_some_and(goes_first);
            other != tree && (self.wants[other] < mine || same)
        };
        mine == Want::URGENT || !(0..trees).any(before)
    }

    fn level(&self, tree: usize) -> Option<usize> {
        [Want::ASSURED, Want::LEFTOVER].iter().position(|want| *want == self.wants[tree])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_line_is_free_when_the_definition_says_and_its_first_comer_has_it(
        trees in 1..5usize,
        rate in prop_oneof![8_000u64..100_000, 1_000_000u64..10_000_000_000, Just(400_000_000_000)],
        burst in prop_oneof![Just(BURST), 10_000u64..100_000, 100_000u64..=1_000_000_000],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut seats = seats(trees, rate, burst);
        let depth = i128::from(burst) * i128::from(rate);
        let (wants, longest) = (vec![Want::NOTHING; trees], vec![PORT_FULL; trees]);
        let mut oracle = Oracle { level: depth, rate: rate.into(), depth, wants, last: [0; 2], longest };
        let (mut now, mut claims) = (2_000_000_000u64, Vec::new());
        for step in steps {
            match step {
                Step::Wait(gap) => {
                    let gap = gap.unwrap_or(seats[0].due(false).0.saturating_sub(now));
                    oracle.pass(gap);
                    now += gap;
                }
                Step::Rest(tree) => {
                    seats[tree % trees].say(Want::NOTHING);
                    oracle.wants[tree % trees] = Want::NOTHING;
                }
                Step::Claim(tree, bytes, want) => {
                    let tree = tree % trees;
                    if oracle.wants.iter().all(|want| *want == Want::NOTHING) {
                        oracle.level = oracle.level.min(0);
                    }
                    if oracle.wants[tree] == Want::NOTHING {
                        seats[tree].idled(Time(now));
                    }
                    oracle.wants[tree] = want;
                    seats[tree].say(want);
                    // Each tree owes less than a nanosecond, and what is let is rounded to one.
                    let (urgent, near) = (want == Want::URGENT, 2 + trees as i128);
                    let due = i128::from(seats[tree].due(urgent).0);
                    let exact = i128::from(now) + oracle.owed(tree).div_euclid(oracle.rate);
                    let old = due < i128::from(now - burst);
                    prop_assert!((due - exact).abs() <= near || old, "{due} is not {exact}");
                    let lets = seats[tree].lets(Time(now));
                    let late = i128::from(now) - due;
                    if late < 0 {
                        prop_assert!(!lets);
                    } else if late < i128::from(PATIENCE) {
                        prop_assert_eq!(lets, oracle.is_first(tree), "{:?} at {}", seats[tree], now);
                    } else {
                        prop_assert!(lets);
                    }
                    if lets {
                        seats[tree].spend(Time(now), bytes, urgent);
                        if !urgent {
                            oracle.longest[tree] = oracle.longest[tree].max(bytes);
                        }
                        oracle.level -= i128::from(bytes) * i128::from(BYTE);
                        if let Some(level) = oracle.level(tree) {
                            oracle.last[level] = tree;
                        }
                        claims.push((now, bytes));
                    }
                }
            }
        }
        prop_assert!(within(&claims, (rate, burst), trees as u128 + 1));
    }
}

/// Threads that claim whenever they may, on a clock that they move on themselves when the line is
/// not free: what they sent is what the rate brings, to the frame.
#[test]
fn threads_send_exactly_the_rate() {
    const RATE: u64 = 9_999_991_000;
    const END: u64 = 40_000_000;
    for trees in [2, 4] {
        let clock = AtomicU64::new(5_000_000);
        let waiting = AtomicUsize::new(trees);
        let work = |mut seat: Seat| {
            let (clock, waiting) = (&clock, &waiting);
            move || {
                let (mut sent, mut bytes) = (Vec::new(), 64 + 100 * seat.place.tree as u32);
                seat.idled(Time(clock.load(Relaxed)));
                seat.say(Want::URGENT);
                waiting.fetch_sub(1, Relaxed);
                while waiting.load(Relaxed) > 0 {
                    std::hint::spin_loop();
                }
                loop {
                    let now = clock.load(Relaxed);
                    if now >= END {
                        return sent;
                    }
                    if seat.lets(Time(now)) {
                        seat.spend(Time(now), bytes, true);
                        sent.push((now, bytes));
                        bytes = 64 + (bytes * 7 + 13) % 1_475;
                    } else {
                        clock.fetch_max(seat.due(true).0.min(END), Relaxed);
                    }
                }
            }
        };
        let mut all: Vec<(u64, u32)> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                seats(trees, RATE, BURST).into_iter().map(|seat| scope.spawn(work(seat))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort();
        let bits: u64 = all.iter().map(|(_, bytes)| u64::from(*bytes) * 8).sum();
        let ideal = (u128::from(RATE) * u128::from(END - 5_000_000) / 1_000_000_000) as u64;
        // What began last, of each tree, ends behind the end; and priority is a frame ahead.
        let over = (trees as u64 + 1) * 1_538 * 8 + 100;
        assert!(bits + 100 >= ideal && bits <= ideal + over, "{trees} trees: {bits} of {ideal}");
        let sample: Vec<_> = all.iter().copied().step_by(all.len().div_ceil(2_000)).collect();
        assert!(within(&sample, (RATE, BURST), trees as u128 + 1));
    }
}

#[test]
fn who_does_not_come_keeps_nobody_for_long() {
    let mut seats = seats(2, 1_000_000_000, BURST);
    let now = 10_000_000;
    for (seat, want) in seats.iter_mut().zip([Want::URGENT, Want::shared(4)]) {
        seat.idled(Time(now));
        seat.say(want);
    }
    assert!(!seats[1].lets(Time(now + PATIENCE - 1)));
    assert!(seats[1].lets(Time(now + PATIENCE)));
    drop(seats.remove(0));
    assert!(seats[0].lets(Time(now)), "who is gone wants nothing");
}

#[test]
fn a_round_begins_when_all_have_had_the_one_before() {
    let mut seats = seats(2, 1_000_000_000, BURST);
    let [one, other] = &mut seats[..] else { panic!() };
    assert_eq!(one.round(5, true), 5);
    one.begin_round(5);
    // Who comes anew begins with what others have begun; who has been there is a round behind at most.
    assert_eq!(other.round(2, true), 5);
    one.begin_round(9);
    assert_eq!(other.round(5, true), 8);
    assert_eq!(other.round(8, false), 8);
    assert_eq!(other.round(8, true), 9);
    let now = Time(10_000_000);
    one.idled(now);
    one.say(Want::shared(9));
    other.say(Want::shared(10));
    assert!(one.lets(now) && !other.lets(now));
    other.say(Want::shared(9));
    assert!(one.lets(now) && other.lets(now));
}
