//! What rates let through of the time in which nobody looked: turns of a worker, and a line behind.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::TrafficClass::{Control, Imaging, Standard, Voice};
use crate::qos::RateSpec;

const US: u64 = 1_000;
/// A byte takes 8 ns.
const GIGABIT: u64 = 1_000_000_000;

/// A turn at `now` after one at `since`, in which so many frames of 250 bytes with overhead come; how many
/// leave at once, and when the rest does.
fn turn(bench: &mut Bench, since: u64, now: u64, frames: u32) -> (usize, Vec<u64>) {
    bench.now = now;
    bench.tree.begin_turn(Time(since), Time(now));
    bench.enqueue_all(0, Standard, &vec![226; frames as usize], 0);
    let (at_once, from) = (bench.dequeue(64), bench.gone.len());
    bench.run(now + 15 * US);
    (at_once, bench.gone[from..].iter().map(|gone| gone.at - now).collect())
}

#[test]
fn a_turn_sends_what_its_rate_had_time_for_since_the_last() {
    // A line each: burst, when the turns are, frames that come in the second; how many leave at once.
    //
    //   0        20 µs       35
    //   |---------|--------- -|--->
    //    2,500 B come          the rest, a frame every 2 µs
    for (burst, since, now, come, at_once) in [
        (2 * MS, 0, 20, 16, 11),
        (2 * MS, 0, 20, 9, 9),
        // Nobody says when the last turn was, or it was this one.
        (2 * MS, 20, 20, 16, 1),
        // A long turn: 50 µs are made up for, and no more than the burst.
        (2 * MS, 0, 1_000, 32, 26),
        (10 * US, 0, 20, 16, 6),
        (0, 0, 20, 16, 1),
    ] {
        let mut bench = Bench::new(0, &[shaped(GIGABIT, burst)]);
        let (sent, later) = turn(&mut bench, since * US, now * US, come);
        assert_eq!(sent, at_once, "burst {burst}, {come} frames after {} µs", now - since);
        let left = (come as usize - at_once).min(7);
        assert_eq!(later, (1..=left as u64).map(|n| 2 * US * n).collect::<Vec<_>>());
    }
}

#[test]
fn what_one_turn_sent_the_next_does_not_send_again() {
    let mut bench = Bench::new(0, &[shaped(GIGABIT, 2 * MS)]);
    assert_eq!(turn(&mut bench, 0, 20 * US, 11).0, 11);
    // In debt by the last frame for 2 µs, then at 18 µs of the next 20.
    assert_eq!(turn(&mut bench, 20 * US, 40 * US, 11), (10, vec![2 * US]));
    // Of two turns in a row the second is short, though the first sent nothing.
    assert_eq!(turn(&mut bench, 1_000 * US, 1_002 * US, 3), (2, vec![2 * US]));
}

#[test]
fn a_ports_rate_makes_up_for_a_turn_too() {
    let mut bench = Bench::new(GIGABIT, &[plain()]);
    assert_eq!(turn(&mut bench, 0, 20 * US, 16), (11, (1..=5).map(|n| 2 * US * n).collect()));
    // What was known to wait for its own rate keeps the port idle until that lets it, whenever it came.
    let mut bench = Bench::new(GIGABIT, &[shaped(GIGABIT / 10, 0), plain()]);
    assert_eq!(turn(&mut bench, 0, 20 * US, 2).0, 1);
    assert_eq!(bench.tree.next_event(Time(bench.now)).0, 40 * US);
    bench.now = 45 * US;
    bench.tree.begin_turn(Time(35 * US), Time(45 * US));
    bench.enqueue_all(1, Standard, &[226; 16], 0);
    // 5 of the first interface's time, or 10 of the turn's: the frame of the one, five of the other's time.
    assert_eq!(bench.dequeue(64), 6);
}

#[test]
fn a_class_whose_debt_is_paid_has_of_a_turn_what_any_other_has() {
    for rate in [None, Some(RateSpec { rate: GIGABIT / 10, burst: 0 })] {
        let mut qos = shaped(GIGABIT, 2 * MS);
        class(&mut qos, Standard).shaper = rate;
        let mut bench = Bench::new(0, &[qos]);
        // The last of these leaves it in debt, with nothing that waits.
        bench.enqueue_all(0, Standard, &[1514; 3], 0);
        bench.run(10 * MS);
        assert_eq!(turn(&mut bench, 10 * MS, 10 * MS + 20 * US, 9), (9, vec![]), "{rate:?}");
    }
}

#[test]
fn a_change_while_all_that_waits_is_in_debt_saves_nothing() {
    // Frames of 1,000 bytes on the line, at 1 Mbit/s of the class and 8 of the interface, or without the class's.
    let spec = |held: bool, weight: u32| {
        let mut qos = shaped(8_000_000, 20 * MS);
        qos.assured = Some(RateSpec { rate: 4_000_000, burst: MS });
        class(&mut qos, Imaging).shaper = held.then_some(RateSpec { rate: 1_000_000, burst: 0 });
        class(&mut qos, Imaging).weight = weight;
        Some(Arc::new(qos))
    };
    for held in [true, false] {
        let mut bench = Bench::new(0, &[]);
        bench.now = S;
        bench.sync(0, &[spec(true, 25)]);
        (0..60).for_each(|n| assert_eq!(bench.enqueue(0, Imaging, 976, n), None));
        // Two full frames of the class and what makes its debt, each of a millisecond.
        bench.run(S + 7 * MS);
        assert_eq!(bench.gone.len(), 4);
        assert_eq!(bench.dequeue(64), 0);
        bench.sync(0, &[spec(held, 20)]);
        bench.now = bench.tree.next_event(Time(bench.now)).0;
        bench.dequeue(64);
        assert_eq!(bench.gone.len(), 5, "held {held}");
        // A burst of what is guaranteed, less what has left.
        let assured = bench.tree.sites[0].as_mut().unwrap().assured.as_mut().unwrap();
        assert_eq!(assured.bytes(Time(bench.now), 1_000), 500, "held {held}");
    }
}

/// Frames that come: when, of what class, how long.
type Coming = Vec<(u64, TrafficClass, usize)>;

fn coming(classes: &'static [TrafficClass]) -> impl Strategy<Value = Coming> {
    let gap = prop_oneof![4 => Just(0), 3 => 0..5 * US, 2 => 0..100 * US, 1 => 0..MS];
    vec((gap, prop::sample::select(classes), 40usize..1515), 1..80).prop_map(|mut frames| {
        let mut now = 0;
        frames.iter_mut().for_each(|(at, _, _)| {
            now += *at;
            *at = now;
        });
        frames
    })
}

/// Turns at these distances, again and again, in each of which is seen what came since the last; gives the longest
/// until all have left.
fn pass_in_turns(bench: &mut Bench, frames: &Coming, turns: &[u64]) -> u64 {
    let mut coming = frames.iter().zip(0..).collect::<VecDeque<_>>();
    let (mut last, mut longest) = (0, 0);
    for turn in turns.iter().cycle() {
        bench.now = last + turn;
        bench.tree.begin_turn(Time(last), Time(bench.now));
        while let Some(((_, class, len), n)) = coming.pop_front_if(|((at, ..), _)| *at <= bench.now) {
            assert_eq!(bench.enqueue(0, *class, *len, n), None);
        }
        while bench.dequeue(64) > 0 {}
        (last, longest) = (bench.now, longest.max(*turn));
        if coming.is_empty() && bench.tree.held_frames() == 0 {
            break;
        }
    }
    longest
}

/// The longest that a call takes from coming until a line of this rate behind has sent it; nanoseconds by the rate.
fn longest_of_calls(gone: &[Gone], frames: &Coming, rate: u64) -> u128 {
    let (mut free, mut longest) = (0, 0);
    for gone in gone {
        free = on_line(free, gone.at, gone.len, rate);
        if gone.class == Voice {
            longest = longest.max(free - u128::from(frames[gone.serial as usize].0) * u128::from(rate));
        }
    }
    longest
}

/// The longest that they take where each is seen as it comes, and the longest frame has just been begun then.
fn bound_of_calls(frames: &Coming, rate: u64) -> u128 {
    let (mut free, mut longest, mut begun) = (0, 0, 0);
    for (at, class, len) in frames {
        if *class == Voice {
            free = on_line(free, *at, *len, rate);
            longest = longest.max(free - u128::from(*at) * u128::from(rate));
        } else {
            begun = begun.max(on_line(0, 0, *len, rate));
        }
    }
    longest + begun
}

/// When a line is free again that takes a frame at `at`; times are nanoseconds by the rate.
fn on_line(free: u128, at: u64, len: usize, rate: u64) -> u128 {
    free.max(u128::from(at) * u128::from(rate)) + (len as u128 + 24) * u128::from(8 * S)
}

fn turns() -> impl Strategy<Value = Vec<u64>> {
    vec(prop_oneof![1..2 * US, 1..60 * US, 1..200 * US], 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Never more than rate·t + burst + two frames, however long turns are.
    #[test]
    fn no_window_has_more_than_its_rate_burst_and_two_frames(
        frames in coming(&[Control, Voice, Imaging, Standard]),
        rate in 5_000_000u64..5_000_000_000,
        burst in prop_oneof![0..100 * US, 0..3 * MS],
        of_port in any::<bool>(),
        turns in turns(),
    ) {
        let mut qos = if of_port { plain() } else { shaped(rate, burst) };
        class(&mut qos, Control).priority = true;
        let mut bench = Bench::with_port((if of_port { rate } else { 0 }, burst), &[qos]);
        pass_in_turns(&mut bench, &frames, &turns);
        assert_in_every_window(&bench.gone, rate, rate * burst / (8 * S) + 1 + 2 * 1538);
    }

    /// A line of the same rate behind holds one frame and what came in a turn, and no more: as it does where the
    /// tree had frames all the time and was asked late.
    #[test]
    fn a_line_behind_holds_a_frame_and_a_turns_time(
        frames in coming(&[Imaging, Standard]),
        rate in 5_000_000u64..5_000_000_000,
        turns in turns(),
    ) {
        let mut bench = Bench::new(0, &[shaped(rate, 2 * MS)]);
        let turn = pass_in_turns(&mut bench, &frames, &turns);
        let (mut free, longest) = (0, frames.iter().map(|frame| frame.2).max().unwrap());
        for gone in &bench.gone {
            free = on_line(free, gone.at, gone.len, rate);
            let held = free - u128::from(gone.at) * u128::from(rate);
            prop_assert!(held <= on_line(0, turn, longest, rate), "{held}");
        }
    }

    /// Until a line of the same rate behind has sent them, calls take longer than where each is seen as it comes by
    /// no more than a turn in which they are not seen, or are behind what was not, and one in which the router holds
    /// them and is not asked.
    #[test]
    fn calls_take_two_turns_longer_at_the_most(
        calls in coming(&[Voice]),
        data in coming(&[Imaging]),
        rate in 5_000_000u64..5_000_000_000,
        turns in turns(),
    ) {
        let mut frames = [calls, data].concat();
        frames.sort_by_key(|frame| frame.0);
        let qos = shaped(rate, 2 * MS);
        let mut bench = Bench::new(0, std::slice::from_ref(&qos));
        let turn = pass_in_turns(&mut bench, &frames, &turns);
        let (longest, bound) = (longest_of_calls(&bench.gone, &frames, rate), bound_of_calls(&frames, rate));
        // And a nanosecond, since there are no parts of one.
        let most = bound + u128::from(2 * turn + 1) * u128::from(rate);
        prop_assert!(longest <= most, "{longest}, {bound} and a turn of {turn}");
    }
}
