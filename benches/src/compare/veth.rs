//! Calls beside four TCP flows at 100 Mbit/s in network namespaces: over the router process
//! and over the kernel's HTB with a class that goes first, turn by turn.
//!
//! 3,000 packets of calls in each turn. What is compared is each turn's 99th and 99.9th
//! percentile of one-way delays, from the sender's call to the receiver's: the kernel's path
//! to the router and from it, and the hosts' own threads, are in both; those of the calls go before
//! TCP's and the router's (`SCHED_FIFO`), so that it is not they who are late.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use testbed::acceptance::Driver;
use testbed::netns;
use testbed::voice::{Beside, Heard};

use super::figures::{PeerSpread, Spread};
use super::{Told, cpu};

/// How ours is run: drivers, how workers wait, how they stand beside other threads, and whether as many of these
/// as there are cores have work without end.
const WAYS: [(Driver, &str, &str, bool); 5] = [
    (Driver::Xdp, "adaptive", "ordinary", false),
    (Driver::Xdp, "busy", "ordinary", false),
    (Driver::Packet, "adaptive", "ordinary", false),
    (Driver::Xdp, "adaptive", "real-time", false),
    (Driver::Xdp, "adaptive", "real-time", true),
];
const P99: [&str; 5] = [
    "veth-voice-p99",
    "veth-voice-p99-busy",
    "veth-voice-p99-packet",
    "veth-voice-p99-real-time",
    "veth-voice-p99-real-time-beside",
];
const P999: [&str; 5] = [
    "veth-voice-p999",
    "veth-voice-p999-busy",
    "veth-voice-p999-packet",
    "veth-voice-p999-real-time",
    "veth-voice-p999-real-time-beside",
];

/// Every line there is.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    P99.into_iter().chain(P999)
}

/// One line.
#[derive(Debug, Serialize)]
struct Compared {
    name: &'static str,
    unit: &'static str,
    ours: Spread,
    peer: PeerSpread,
    /// The peer's median by ours.
    ratio: f64,
    rounds: u8,
    /// Through what ours has its frames, how it waits, and how its threads stand beside the hosts'.
    way: String,
    /// Packets of calls heard, ours and the peer's.
    packets: [u64; 2],
    /// Mbit/s of TCP beside them.
    bulk: [Spread; 2],
    load: [f64; 2],
}

/// Measures what is wanted; gives whether anything is.
pub(super) fn run(wanted: &dyn Fn(&str) -> bool, rounds: u8, told: &mut Told) -> bool {
    let mut some = false;
    for (way, (p99, p999)) in WAYS.iter().zip(P99.into_iter().zip(P999)) {
        let names = [p99, p999].map(|name| wanted(name).then_some(name));
        if names == [None; 2] {
            continue;
        }
        some = true;
        let turns = turns(way, rounds);
        let of = [|heard: &Heard| heard.delays.p99, |heard: &Heard| heard.delays.p999];
        for (name, of) in names.into_iter().zip(of).filter_map(|(name, of)| Some((name?, of))) {
            let compared = turns.as_ref().map_err(Clone::clone).map(|turns| turns.compared(name, of));
            told.tell(name, compared);
        }
    }
    some
}

/// What was measured of one way.
struct Turns {
    ours: Vec<Heard>,
    kernel: Vec<Heard>,
    rounds: u8,
    way: String,
    load: [f64; 2],
}

/// Ordinary threads that never sleep, one a core; they end with this value.
struct Others(Arc<AtomicBool>);

impl Others {
    fn start() -> Self {
        let stop = Arc::<AtomicBool>::default();
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let stop = stop.clone();
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(stop)
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn turns((driver, mode, priority, beside): &(Driver, &str, &str, bool), rounds: u8) -> Result<Turns, String> {
    netns::available()?;
    let (before, program) = (cpu::load(), program()?);
    let failed = |error: testbed::demo::DemoError| error.to_string();
    let mut kernel = Beside::kernel().map_err(failed)?;
    let mut ours = Beside::ours(&program, *driver, mode, priority).map_err(failed)?;
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    let others = beside.then(Others::start);
    for _ in 0..rounds {
        mine.push(ours.turn().map_err(failed)?);
        theirs.push(kernel.turn().map_err(failed)?);
    }
    let busy = if others.is_some() { ", beside threads that never sleep" } else { "" };
    let way = format!("{driver:?}, {mode}, {priority}{busy}").to_lowercase();
    Ok(Turns { ours: mine, kernel: theirs, rounds, way, load: [before, cpu::load()] })
}

/// The router, built beside this program.
pub(super) fn program() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name("viaduct");
    let missing = || format!("{} is not built: cargo build --release -p viaduct", program.display());
    if Path::new(&program).exists() { Ok(program) } else { Err(missing()) }
}

impl Turns {
    fn compared(&self, name: &'static str, of: fn(&Heard) -> u64) -> Compared {
        let spread = |turns: &[Heard]| Spread::of(turns.iter().map(|heard| of(heard) as f64).collect());
        let bulk = |turns: &[Heard]| Spread::of(turns.iter().map(|heard| heard.bulk).collect());
        let packets = |turns: &[Heard]| turns.iter().map(|heard| heard.packets).sum();
        let (ours, theirs) = (spread(&self.ours), spread(&self.kernel));
        Compared {
            name,
            unit: "ns",
            ours,
            peer: PeerSpread { name: "Linux HTB, class of priority".into(), spread: theirs },
            ratio: theirs.median / ours.median,
            rounds: self.rounds,
            way: self.way.clone(),
            packets: [packets(&self.ours), packets(&self.kernel)],
            bulk: [bulk(&self.ours), bulk(&self.kernel)],
            load: self.load,
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([ours, theirs], [mine, kernel]) = (self.packets, &self.bulk);
        writeln!(f, "{}, {}: ratio {:.2}", self.name, self.unit, self.ratio)?;
        writeln!(
            f,
            "  viaduct {}   ({}; {ours} packets, TCP {:.1} Mbit/s)",
            self.ours, self.way, mine.median
        )?;
        writeln!(f, "  peer    {}   ({theirs} packets, TCP {:.1} Mbit/s)", self.peer.spread, kernel.median)?;
        let [before, after] = self.load;
        writeln!(f, "          {}; {} rounds, load {before} to {after}", self.peer.name, self.rounds)
    }
}
