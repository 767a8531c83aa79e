//! The tree against a fluid that flows through pipes of the same widths: generalized
//! processor sharing (Parekh and Gallager 1993) at every level, found by slow filling.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::class::TrafficClass::{Clinical, Imaging, Scavenger, Standard, Voice};
use crate::qos::RateSpec;

/// Those that can always have something waiting.
const DATA: [TrafficClass; 4] = [Clinical, Imaging, Standard, Scavenger];
/// Frames come at ticks.
const TICK: u64 = 5 * MS;
/// Bit/s of one call's frame of 214 bytes at each tick.
const CALL: u64 = 238 * 8 * S / TICK;

/// A site: rates in bit/s.
#[derive(Clone, Debug)]
struct Pipe {
    cir: u64,
    pir: u64,
    weight: u32,
    calls: u64,
    len: usize,
    /// Of each class of [`DATA`].
    guaranteed: [u64; 4],
    weights: [u32; 4],
    /// The most of Imaging; 0 is no bound.
    imaging: u64,
    /// Those that always have something waiting.
    busy: [bool; 4],
}

impl Pipe {
    fn qos(&self, burst: u64) -> InterfaceQos {
        let mut qos = shaped(self.pir, burst);
        qos.assured = (self.cir > 0).then_some(RateSpec { rate: self.cir, burst: MS });
        qos.weight = self.weight;
        qos.classes.iter_mut().for_each(|class| class.weight = 0);
        for (i, of) in DATA.into_iter().enumerate() {
            (class(&mut qos, of).guaranteed, class(&mut qos, of).weight) =
                (self.guaranteed[i], self.weights[i]);
        }
        let imaging = (self.imaging > 0).then_some(RateSpec { rate: self.imaging, burst: MS });
        class(&mut qos, Imaging).shaper = imaging;
        qos
    }

    /// The most that a class of [`DATA`] gets.
    fn bound(&self, i: usize) -> f64 {
        if i == 1 && self.imaging > 0 { self.imaging as f64 } else { f64::INFINITY }
    }

    /// Classes with something waiting that share, by their parts of the site's rate: what each is
    /// guaranteed, and by weight what none is.
    fn parts(&self) -> [(f64, f64); 4] {
        let rate = if self.cir > 0 { self.cir } else { self.pir };
        let free = rate - self.guaranteed.iter().sum::<u64>();
        // Control is never without a weight.
        let all = f64::from(self.weights.iter().sum::<u32>() + 1);
        std::array::from_fn(|i| {
            let part = self.guaranteed[i] as f64 + free as f64 * f64::from(self.weights[i]) / all;
            let part = if self.guaranteed == [0; 4] { f64::from(self.weights[i]) } else { part };
            if self.busy[i] { (part, self.bound(i)) } else { (0.0, 0.0) }
        })
    }

    /// What its classes with a part can use beside its calls.
    fn demand(&self) -> f64 {
        let all: f64 = self.parts().iter().filter(|(part, _)| *part > 0.0).map(|(_, bound)| bound).sum();
        all.min((self.pir - self.calls * CALL) as f64)
    }
}

/// Divides `amount` by weight among those that are not full yet, until nothing is left or all are.
fn fill(mut amount: f64, takers: &[(f64, f64)]) -> Vec<f64> {
    let mut got = vec![0.0; takers.len()];
    loop {
        let open = |got: &[f64], i: usize| takers[i].0 > 0.0 && takers[i].1 - got[i] > 1e-6;
        let all: f64 = (0..takers.len()).filter(|i| open(&got, *i)).map(|i| takers[i].0).sum();
        if all == 0.0 || amount <= 1e-6 {
            return got;
        }
        let room = |i: &usize| (takers[*i].1 - got[*i]) / takers[*i].0;
        let step =
            (0..takers.len()).filter(|i| open(&got, *i)).map(|i| room(&i)).fold(amount / all, f64::min);
        for i in 0..takers.len() {
            if open(&got, i) {
                got[i] += step * takers[i].0;
            }
        }
        amount -= step * all;
    }
}

/// Bit/s of each class of [`DATA`] of each site, but Scavenger without a part: that of all sites together.
fn fluid(port: u64, pipes: &[Pipe]) -> (Vec<Vec<f64>>, f64) {
    let left = port as f64 - pipes.iter().map(|p| (p.calls * CALL) as f64).sum::<f64>();
    let sure: Vec<_> =
        pipes.iter().map(|p| (p.cir as f64 - (p.calls * CALL) as f64).max(0.0).min(p.demand())).collect();
    let takers: Vec<_> =
        pipes.iter().zip(&sure).map(|(p, sure)| (f64::from(p.weight), p.demand() - sure)).collect();
    let more = fill(left - sure.iter().sum::<f64>(), &takers);
    let sites: Vec<_> = sure.iter().zip(more).map(|(sure, more)| sure + more).collect();
    let classes = pipes.iter().zip(&sites).map(|(p, got)| fill(*got, &p.parts())).collect();
    let rest = left - sites.iter().sum::<f64>();
    let room = |(p, got): (&Pipe, &f64)| match p.busy[3] {
        true => (p.pir - p.calls * CALL) as f64 - got,
        false => 0.0,
    };
    (classes, rest.min(pipes.iter().zip(&sites).map(room).sum()))
}

/// Bytes on the line of each class of [`DATA`] of each site in `time`, after as much of settling.
fn flow(port: u64, pipes: &[Pipe], settle: u64, time: u64) -> Vec<[u64; 4]> {
    // Buckets are empty at the beginning, and may fill while a site waits for the port.
    let mut specs: Vec<_> = pipes.iter().map(|pipe| pipe.qos(0)).collect();
    let mut bench = Bench::new(port, &specs);
    specs = pipes.iter().map(|pipe| pipe.qos(15 * MS)).collect();
    bench.sync(port, &specs.into_iter().map(|qos| Some(Arc::new(qos))).collect::<Vec<_>>());
    let mut sent = vec![[0; 4]; pipes.len()];
    let mut waits = vec![[0usize; 4]; pipes.len()];
    let mut seen = 0;
    for tick in 0..(settle + time) / TICK {
        for (site, pipe) in pipes.iter().enumerate() {
            (0..pipe.calls).for_each(|_| assert_eq!(bench.enqueue(site as u32, Voice, 214, 0), None));
            let most = (pipe.pir.min(port) * TICK / S / 8) as usize / (pipe.len + 24) + 3;
            for i in (0..4).filter(|i| pipe.busy[*i]) {
                for _ in waits[site][i]..most {
                    assert_eq!(bench.enqueue(site as u32, DATA[i], pipe.len, 0), None);
                }
                waits[site][i] = waits[site][i].max(most);
            }
        }
        bench.run((tick + 1) * TICK);
        for gone in &bench.gone[seen..] {
            let Some(i) = DATA.iter().position(|of| *of == gone.class) else { continue };
            waits[gone.interface.index()][i] -= 1;
            if gone.at >= settle {
                sent[gone.interface.index()][i] += gone.len as u64 + 24;
            }
        }
        seen = bench.gone.len();
    }
    sent
}

fn pipe(sites: u64, port: u64) -> impl Strategy<Value = Pipe> {
    let sure = prop_oneof![Just(0), port / 20..port * 9 / 10 / sites];
    let rates = (sure, 2_000_000..2 * port, 0u64..3, prop_oneof![Just(0), 1_000_000u64..5_000_000]);
    let classes = (vec(0u64..25, 3), vec(1u32..20, 3), any::<bool>(), vec(prop::bool::weighted(0.7), 4));
    (rates, 1u32..4, 400usize..1515, classes).prop_map(
        |((cir, pir, calls, imaging), weight, len, (parts, weights, guarantees, busy))| {
            let pir = pir.max(cir);
            let calls = calls.min(cir / 2 / CALL);
            let rate = if cir > 0 { cir } else { pir };
            let part = |i: usize| if guarantees { rate * parts[i] / 100 } else { 0 };
            Pipe {
                cir,
                pir,
                weight,
                calls,
                len,
                guaranteed: [part(0), part(1), part(2), 0],
                weights: [weights[0], weights[1], weights[2], 0],
                imaging,
                busy: std::array::from_fn(|i| busy[i]),
            }
        },
    )
}

fn pipes() -> impl Strategy<Value = (u64, Vec<Pipe>)> {
    (10_000_000u64..25_000_000, 1usize..5)
        .prop_flat_map(|(port, sites)| (Just(port), vec(pipe(sites as u64, port), sites)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Each class of each site gets what it would of the fluid, to a few frames.
    #[test]
    fn every_class_of_every_site_gets_what_it_would_of_a_fluid((port, pipes) in pipes()) {
        const TIME: u64 = 150 * MS;
        let sent = flow(port, &pipes, 100 * MS, TIME);
        let (expected, leftover) = fluid(port, &pipes);
        let bytes = |rate: f64| rate * TIME as f64 / 8e9;
        let (mut got, slack) = (0.0, slack(pipes.len()));
        for site in 0..pipes.len() {
            got += sent[site][3] as f64;
            for i in 0..3 {
                let (sent, due) = (sent[site][i] as f64, bytes(expected[site][i]));
                prop_assert!((sent - due).abs() <= slack, "site {site} {}: {sent} of {due}, {slack}", DATA[i]);
            }
        }
        let slack = slack * pipes.len() as f64;
        prop_assert!((got - bytes(leftover)).abs() <= slack, "leftovers: {got} of {}", bytes(leftover));
    }
}

/// Bytes by which what a class sends may differ from a fluid: three frames for each site, and a class's burst.
fn slack(sites: usize) -> f64 {
    3.0 * 1538.0 * sites as f64 + 2.0 * 1538.0
}
