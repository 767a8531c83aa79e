//! Side by side with peers, on one core, round by round: calibration, ours, theirs,
//! ours, theirs… The clock of a shared machine drifts by a factor of two within
//! minutes, so only what was measured in turn is compared.
//!
//! A [`Line`] is one comparison with DPDK. A module a subject says which there are; its peer
//! answers to the line's name in `peers/`. [`veth`] compares with the kernel.

mod acl;
mod change;
mod churn;
mod cores;
mod fib;
mod figures;
mod flood;
mod lent;
mod memif;
mod meter;
mod path;
mod peer;
mod process;
mod sched;
mod veth;

use std::process::ExitCode;

use benches::cpu;
use figures::{Compared, Measured, Spread};
use peer::Peer;

/// Measure Viaduct beside its peers.
///
/// Each line is measured in rounds, ours and the peer's in turn, pinned to one core. The
/// ratio is the peer's cost by ours, of medians. The peer is DPDK's libraries as Debian
/// packs them (`benches/peers/install`); for memif-l3fwd, memif-plain and memif-zero-l3fwd, which take two cores, its l3fwd
/// (`benches/peers/l3fwd`). Beside memif-zero-64, -512 and -1500, a memif client without copies, stands the same client with copies. Lines that begin with veth- set the router process beside the kernel in
/// network namespaces, on all cores, and need root: the delay of calls beside TCP, over the kernel's HTB
/// (veth-voice-), and packets a second, over its forwarding (veth-afxdp, veth-afpacket). Lines that begin with path- need no peer: beside them stands what VPP was recorded to
/// take. Lines that begin with two-cores set two workers of a router beside two routers of one, on this
/// core and another. A line whose peer is missing is left out, and the exit status is 3 then.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only lines whose name begins with this; may be repeated.
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// Print a JSON array.
    #[arg(long)]
    json: bool,
    /// Rounds, 7 to 99.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u8).range(7..=99))]
    rounds: u8,
    /// The core that everything is pinned to. Default: the last one.
    #[arg(long)]
    core: Option<usize>,
}

/// One repetition of ours: nanoseconds per item, and what else is worth saying.
pub(crate) struct Took {
    ns: f64,
    more: String,
}

/// One comparison.
pub(crate) struct Line {
    /// Its name, also the peer's.
    name: &'static str,
    /// What one item is.
    unit: &'static str,
    /// What it is compared with.
    peer: &'static str,
    how: How,
}

/// How a line is measured.
enum How {
    /// Makes what repeats ours; the peer answers to the line's name.
    Inside(fn() -> Box<dyn FnMut() -> Took>),
    /// As `Inside`; both must come to the same, which they say before a semicolon.
    Alike(fn() -> Box<dyn FnMut() -> Took>),
    /// Both as routers between two ports of testpmd; ours with so much to do.
    Between(memif::Work),
}

/// Every comparison there is.
fn lines() -> Vec<Line> {
    [fib::lines(), acl::lines(), change::lines(), meter::lines(), sched::lines(), memif::lines()]
        .into_iter()
        .flatten()
        .collect()
}

/// Exit status where something could not be compared.
const INCOMPLETE: u8 = 3;

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let wanted = |name: &str| {
        arguments.only.is_empty() || arguments.only.iter().any(|only| name.starts_with(only.as_str()))
    };
    let core = arguments.core.unwrap_or_else(cpu::last);
    let lines: Vec<Line> = lines().into_iter().filter(|line| wanted(line.name)).collect();
    let mut told = Told { json: arguments.json, done: Vec::new(), complete: true };
    // Before this process is pinned: hosts and router share all cores.
    let some = veth::run(&wanted, arguments.rounds, &mut told) || !lines.is_empty();
    let some = flood::run(&wanted, arguments.rounds, core, &mut told) || some;
    if let Err(error) = cpu::pin(core) {
        eprintln!("core {core} cannot be pinned to: {error}");
        return ExitCode::FAILURE;
    }
    let some = path::run(&wanted, arguments.rounds, core, &mut told) || some;
    let some = churn::run(&wanted, arguments.rounds, core, &mut told) || some;
    let some = cores::run(&wanted, arguments.rounds, core, &mut told) || some;
    let some = lent::run(&wanted, arguments.rounds, core, &mut told) || some;
    if !some {
        say_names();
    }
    let mut dpdk = if lines.is_empty() { Err(String::new()) } else { peer::start(core) };
    for line in &lines {
        let compared = match &mut dpdk {
            Ok(peer) => compare(line, peer, arguments.rounds, core),
            Err(why) => Err(why.clone()),
        };
        told.tell(line.name, compared);
    }
    if arguments.json {
        match serde_json::to_string_pretty(&told.done) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("{error}"),
        }
    }
    if some && told.complete { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) }
}

/// Says which lines there are.
fn say_names() {
    let names = lines().into_iter().map(|line| line.name).chain(veth::names()).chain(path::names());
    let names = names.chain(flood::names()).chain(churn::names()).chain(cores::names()).chain(lent::names());
    eprintln!(
        "no line begins so; there are: {}; names of path- also end in -512, -cold and -512-cold",
        names.collect::<Vec<_>>().join(", ")
    );
}

/// What has been compared.
pub(crate) struct Told {
    json: bool,
    done: Vec<serde_json::Value>,
    complete: bool,
}

impl Told {
    /// One comparison more, or why it is left out.
    fn tell<C: serde::Serialize + std::fmt::Display>(&mut self, name: &str, compared: Result<C, String>) {
        let value = compared.and_then(|compared| {
            if !self.json {
                print!("{compared}");
            }
            serde_json::to_value(&compared).map_err(|error| error.to_string())
        });
        match value {
            Ok(value) => self.done.push(value),
            Err(why) => {
                eprintln!("{name} is left out: {why}");
                self.complete = false;
            }
        }
    }
}

/// Ours and the peer, ready to be measured.
enum Pair {
    Inside(Box<dyn FnMut() -> Took>),
    Between(memif::Stand),
}

impl Pair {
    fn new(line: &Line, core: usize) -> Result<Self, String> {
        match line.how {
            How::Inside(make) | How::Alike(make) => Ok(Self::Inside(make())),
            How::Between(work) => memif::Stand::new(core, work).map(Self::Between),
        }
    }

    /// One repetition of each.
    fn round(&mut self, line: &Line, peer: &mut Peer) -> Result<(Took, Took), String> {
        match self {
            Self::Inside(ours) => Ok((ours(), peer.measure(line.name)?)),
            Self::Between(stand) => stand.round(),
        }
    }
}

/// One line's rounds.
fn compare(line: &Line, peer: &mut Peer, rounds: u8, core: usize) -> Result<Compared, String> {
    let before = cpu::load();
    let mut pair = Pair::new(line, core)?;
    let (mut mine, mut theirs, mut adds) = (Vec::new(), Vec::new(), Vec::new());
    let mut more = (String::new(), String::new());
    // The first round warms caches, and is forgotten.
    for round in 0..=rounds {
        let speed = cpu::adds_per_ns();
        let (our, their) = pair.round(line, peer)?;
        if round > 0 {
            mine.push(our.ns);
            theirs.push(their.ns);
            adds.push(speed / peer.ticks_per_ns);
        }
        more = (our.more, their.more);
    }
    let same = |more: &str| more.split(';').next().map(str::to_owned);
    if matches!(line.how, How::Alike(_)) && same(&more.0) != same(&more.1) {
        return Err(format!("both did not do the same: {} and {}", more.0, more.1));
    }
    let (ours, theirs) = (Spread::of(mine), Spread::of(theirs));
    let (name, unit, ticks_per_ns) = (line.name, line.unit, peer.ticks_per_ns);
    let measured = Measured { name, unit, ticks_per_ns, adds, rounds, core, before };
    let beside = format!("{}, {}", line.peer, peer.version);
    let compared = measured.compared(ours, (&beside, theirs), [more.0, more.1]);
    Ok(Compared { huge_pages: peer.huge_pages, ..compared })
}
