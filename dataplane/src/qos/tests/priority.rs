//! Priority that does not wait for the frame before it, and what that costs the others: nothing.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::TrafficClass::{Control, Imaging, Standard, Voice};

/// One byte takes a microsecond.
const RATE: u64 = 8_000_000;
const BYTE: u64 = 1_000;

/// When each frame left, in order of leaving: serial and nanosecond.
fn left(bench: &Bench) -> Vec<(u32, u64)> {
    bench.gone.iter().map(|g| (g.serial, g.at)).collect()
}

#[test]
fn calls_leave_in_the_time_of_the_frame_before_them_and_data_later() {
    let mut bench = Bench::new(0, &[shaped(RATE, 0)]);
    for (class, len, serial) in [(Imaging, 1514, 0), (Imaging, 1514, 1), (Standard, 1514, 2)] {
        assert_eq!(bench.enqueue(0, class, len, serial), None);
    }
    bench.run(100 * BYTE);
    for serial in 10..13 {
        assert_eq!(bench.enqueue(0, Voice, 214, serial), None);
    }
    bench.run(S);
    let full = 1538 * BYTE;
    let call = 238 * BYTE;
    // After the first call the debt is over a frame for the time of 138 bytes.
    let calls = [(10, 100 * BYTE), (11, 138 * BYTE + 100 * BYTE), (12, call + 238 * BYTE)];
    assert_eq!(left(&bench)[0], (0, 0));
    assert_eq!(left(&bench)[1..4], calls);
    let data: Vec<_> = left(&bench)[4..].iter().map(|(_, at)| *at).collect();
    assert_eq!(data, [full + 3 * call, 2 * full + 3 * call]);
}

#[test]
fn calls_do_not_wait_for_a_frame_of_another_interface_of_the_port() {
    let mut bench = Bench::new(RATE, &[plain(), plain()]);
    (0..2).for_each(|n| assert_eq!(bench.enqueue(0, Imaging, 1514, n), None));
    bench.run(BYTE);
    assert_eq!(bench.enqueue(1, Voice, 214, 9), None);
    bench.run(S);
    assert_eq!(left(&bench), [(0, 0), (9, BYTE), (1, (1538 + 238) * BYTE)]);
}

#[test]
fn calls_alone_get_the_rate_and_no_more() {
    let mut bench = Bench::new(0, &[shaped(RATE, 0)]);
    (0..1_000).for_each(|n| assert_eq!(bench.enqueue(0, Voice, 214, n), None));
    bench.run(S);
    // Seven at once: the seventh leaves in a debt of six.
    let at = |n: u64| (n * 238).saturating_sub(1538) * BYTE;
    assert!(left(&bench).iter().all(|(n, when)| *when == at(u64::from(*n))));
}

/// Ten interfaces of a tenth of the port's rate: between their frames the port saves nothing.
#[test]
fn a_port_saves_nothing_while_every_interface_waits_for_its_own_rate() {
    let mut bench = Bench::new(10 * RATE, &vec![shaped(RATE, 0); 10]);
    for n in 0..100 {
        (0..10).for_each(|site| assert_eq!(bench.enqueue(site, Imaging, 1514, n), None));
    }
    bench.run(30 * MS);
    // From then on there is more, at once, than the port had time for.
    (0..10).for_each(|site| (0..4).for_each(|n| assert_eq!(bench.enqueue(site, Voice, 214, n), None)));
    bench.run(S);
    assert_in_every_window(&bench.gone, 10 * RATE, 2 * 1538);
}

/// Frames that come: when, of what class, how long.
type Coming = Vec<(u64, TrafficClass, usize)>;

fn coming(classes: &'static [TrafficClass]) -> impl Strategy<Value = Coming> {
    let gap = prop_oneof![3 => Just(0), 2 => 0u64..300_000, 2 => 0..3 * MS];
    vec((gap, prop::sample::select(classes), 40usize..1515), 1..80).prop_map(|mut frames| {
        let mut now = 0;
        frames.iter_mut().for_each(|(at, _, _)| {
            now += *at;
            *at = now;
        });
        frames
    })
}

fn pass(bench: &mut Bench, frames: &Coming) {
    for (n, (at, class, len)) in frames.iter().enumerate() {
        if *at > bench.now {
            bench.run(*at);
        }
        assert_eq!(bench.enqueue(0, *class, *len, n as u32), None);
    }
    bench.run(100 * S);
}

/// When a line that chooses whenever it is free, calls first, has sent each frame.
fn ideal(frames: &Coming) -> Vec<u64> {
    let (mut ended, mut free, mut next) = (vec![0; frames.len()], 0, 0);
    let mut waiting = [VecDeque::new(), VecDeque::new()];
    while next < frames.len() || waiting.iter().any(|w| !w.is_empty()) {
        if waiting.iter().all(VecDeque::is_empty) {
            free = free.max(frames[next].0);
            // All that come at once, once there is nothing.
            while next < frames.len() && frames[next].0 <= free {
                waiting[usize::from(frames[next].1 != Voice)].push_back(next);
                next += 1;
            }
        }
        let n = waiting.iter_mut().find_map(VecDeque::pop_front).unwrap();
        free += (frames[n].2.max(60) as u64 + 24) * BYTE;
        ended[n] = free;
        while next < frames.len() && frames[next].0 < free {
            waiting[usize::from(frames[next].1 != Voice)].push_back(next);
            next += 1;
        }
    }
    ended
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// A line of the same rate behind has sent every frame, calls and data, at the nanosecond at which it
    /// would have if it had chosen itself.
    #[test]
    fn behind_a_line_of_the_same_rate_nothing_comes_later(frames in coming(&[Voice, Imaging])) {
        let mut bench = Bench::new(0, &[shaped(RATE, 0)]);
        pass(&mut bench, &frames);
        let (ideal, mut free) = (ideal(&frames), 0);
        for gone in &bench.gone {
            free = free.max(gone.at) + (gone.len.max(60) as u64 + 24) * BYTE;
            prop_assert_eq!(free, ideal[gone.serial as usize], "frame {}", gone.serial);
        }
        prop_assert_eq!(bench.gone.len(), frames.len());
    }

    /// Never more than rate·t + burst + two frames, whatever comes.
    #[test]
    fn no_window_has_more_than_its_rate_burst_and_two_frames(
        frames in coming(&[Control, Voice, Imaging, Standard]),
        rate in 500_000u64..50_000_000,
        burst in 0..3 * MS,
        of_port in any::<bool>(),
    ) {
        let mut qos = if of_port { plain() } else { shaped(rate, burst) };
        class(&mut qos, Control).priority = true;
        let mut bench = Bench::with_port((if of_port { rate } else { 0 }, burst), &[qos]);
        pass(&mut bench, &frames);
        assert_in_every_window(&bench.gone, rate, rate * burst / (8 * S) + 1 + 2 * 1538);
    }
}
