//! Packets a second over virtual links in network namespaces: over the router process, its ports
//! AF_XDP or AF_PACKET, and over the kernel's own forwarding in the same place, turn by turn.
//!
//! One thread sends from a core of its own, the router has the other. The kernel forwards
//! on the sender's core unless what it receives is steered to another: both ways are measured, and
//! the better one is the peer. A virtual link costs more than a router: this is no measure of speed
//! beyond the kernel's own.

use std::fmt;

use serde::Serialize;
use testbed::acceptance::Driver;
use testbed::demo::DemoError;
use testbed::flood::{Flood, Flooded};
use testbed::netns;

use super::figures::{PeerSpread, Spread};
use super::{Told, cpu, veth};

const LINES: [(&str, Driver); 2] = [("veth-afxdp", Driver::Xdp), ("veth-afpacket", Driver::Packet)];

/// Every line there is.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LINES.into_iter().map(|(name, _)| name)
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
    /// What was sent a second, median, to ours and to the peer.
    offered: [f64; 2],
    load: [f64; 2],
}

/// Measures what is wanted; gives whether anything is.
pub(super) fn run(wanted: &dyn Fn(&str) -> bool, rounds: u8, core: usize, told: &mut Told) -> bool {
    let lines: Vec<_> = LINES.into_iter().filter(|(name, _)| wanted(name)).collect();
    for (name, driver) in &lines {
        told.tell(name, compared(name, *driver, rounds, core));
    }
    !lines.is_empty()
}

fn compared(name: &'static str, driver: Driver, rounds: u8, core: usize) -> Result<Compared, String> {
    netns::available()?;
    let (before, program, sender) = (cpu::load(), veth::program()?, cpu::beside(core)?);
    let (cores, failed) = ([sender, core], |error: DemoError| error.to_string());
    let mut ours = Flood::ours(&program, driver, cores).map_err(failed)?;
    let mut kernels = [
        (Flood::kernel(false, cores).map_err(failed)?, "on the sender's core"),
        (Flood::kernel(true, cores).map_err(failed)?, "steered to the router's core"),
    ];
    let (mut mine, mut theirs) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..rounds {
        mine.push(ours.turn().map_err(failed)?);
        for ((kernel, _), turns) in kernels.iter_mut().zip(&mut theirs) {
            turns.push(kernel.turn().map_err(failed)?);
        }
    }
    let [own, steered] = theirs;
    let (turns, how) = match frame_time(&own).median <= frame_time(&steered).median {
        true => (own, kernels[0].1),
        false => (steered, kernels[1].1),
    };
    let (ours, theirs) = (frame_time(&mine), frame_time(&turns));
    Ok(Compared {
        name,
        unit: "ns/packet forwarded",
        ours,
        peer: PeerSpread { name: format!("Linux, ip_forward, {how}"), spread: theirs },
        ratio: theirs.median / ours.median,
        rounds,
        offered: [offered(&mine), offered(&turns)],
        load: [before, cpu::load()],
    })
}

fn frame_time(turns: &[Flooded]) -> Spread {
    Spread::of(turns.iter().map(|turn| 1e9 / turn.arrived).collect())
}

fn offered(turns: &[Flooded]) -> f64 {
    Spread::of(turns.iter().map(|turn| turn.sent).collect()).median
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kpps = |ns: f64| 1e6 / ns;
        let side = |spread: Spread, sent: f64| {
            format!("{spread}   ({:.0} of {:.0} thousand a second)", kpps(spread.median), sent / 1e3)
        };
        writeln!(f, "{}, {}: ratio {:.2}", self.name, self.unit, self.ratio)?;
        writeln!(f, "  viaduct {}", side(self.ours, self.offered[0]))?;
        writeln!(f, "  peer    {}", side(self.peer.spread, self.offered[1]))?;
        let [before, after] = self.load;
        writeln!(f, "          {}; {} rounds, load {before} to {after}", self.peer.name, self.rounds)
    }
}
