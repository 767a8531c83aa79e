//! As many packets as one thread can send, over the router process or over the kernel's own
//! forwarding, on virtual links between namespaces.
//!
//! ```text
//!  hospital ── veth ──▶ ours or the kernel ── veth ──▶ surgery      60-byte frames, 1,024 flows
//! ```
//!
//! Both are given the same frames by the same packet socket on a core of its own; what arrives is
//! counted by the surgery's kernel, which has no use for it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dataplane::id::WorkerIndex;
use dataplane::packet::{BATCH, Batch, Pool, PoolSize};
use dataplane::port::{Packet, PacketOptions, Port, packet};
use dataplane::time::Time;
use dataplane::wire::checksum::checksum;
use ipnet::Ipv4Net;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::acceptance::{Driver, HOSPITAL, SURGERY, gateway, subnet};
use crate::demo::namespaces::{DEVICE, Network};
use crate::demo::process::RouterProcess;
use crate::demo::{DemoError, DemoOptions, system, within};

/// Where the packets go: behind the surgery, to nobody.
const BEYOND: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 9, 0, 0), 16);
/// Flows.
const FLOWS: u16 = 1_024;
/// Until what comes out is steady.
const BEFORE: Duration = Duration::from_millis(300);
/// Time that is measured.
const MEASURED: Duration = Duration::from_millis(1_000);

/// What stands between the hosts.
#[derive(Debug)]
enum Between {
    Ours(RouterProcess),
    Kernel,
}

/// The hosts, and what stands between them.
#[derive(Debug)]
pub struct Flood {
    // Before the network: the process ends first.
    between: Between,
    network: Network,
    frames: Vec<Vec<u8>>,
    core: usize,
}

/// What one turn measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flooded {
    /// Packets that were sent a second.
    pub sent: f64,
    /// Packets that arrived a second.
    pub arrived: f64,
}

impl Flood {
    /// The router process `program daemon`, its worker on the second of `cores`, the sender on the first.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn ours(program: &Path, driver: Driver, cores: [usize; 2]) -> Result<Self, DemoError> {
        let network = Network::new()?;
        let mut router = RouterProcess::start(&network.router, program, &configuration(driver, cores[1]))?;
        network.wait(&mut router, &DemoOptions::default())?;
        let flood = Self::new(network, Between::Ours(router), cores[0])?;
        Ok(flood)
    }

    /// The kernel's forwarding; where `spread`, what it receives is worked on by the second of `cores` (receive
    /// packet steering), and by the sender's own where not, as it is unless told.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn kernel(spread: bool, cores: [usize; 2]) -> Result<Self, DemoError> {
        let network = Network::new()?;
        for (device, host) in [("surgery", SURGERY), ("hospital", HOSPITAL)] {
            let own = Ipv4Net::new_assert(gateway(host), subnet(host).prefix_len());
            network.router.address(device, own.into()).map_err(system("giving the kernel an address"))?;
        }
        network.router.forwarding(true).map_err(system("forwarding by the kernel"))?;
        network.router.route(BEYOND.into(), SURGERY.into()).map_err(system("a route of the kernel"))?;
        if spread {
            steer(&network, cores[1])?;
        }
        Self::new(network, Between::Kernel, cores[0])
    }

    fn new(network: Network, between: Between, core: usize) -> Result<Self, DemoError> {
        let to = network.router.link("hospital").map_err(system("reading the router's address"))?.mac;
        let frames = (0..FLOWS).map(|flow| frame(to, flow)).collect();
        let mut flood = Self { between, network, frames, core };
        flood.rest(true);
        Ok(flood)
    }

    /// A router that is not measured takes no processor.
    fn rest(&mut self, rests: bool) {
        if let Between::Ours(router) = &mut self.between {
            router.pause(rests);
        }
    }

    /// One turn: a second of packets from the hospital to beyond the surgery.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn turn(&mut self) -> Result<Flooded, DemoError> {
        self.rest(false);
        let flooded = self.measure();
        self.rest(true);
        flooded
    }

    fn measure(&self) -> Result<Flooded, DemoError> {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| self.send(&stop));
            std::thread::sleep(BEFORE);
            let arrived = self.arrived().and_then(|before| {
                let start = Instant::now();
                std::thread::sleep(MEASURED);
                Ok((self.arrived()? - before) as f64 / start.elapsed().as_secs_f64())
            });
            stop.store(true, Ordering::Relaxed);
            let ended = || DemoError::Router("the sender ended by a panic".into());
            let sent = sender.join().map_err(|_| ended())??;
            Ok(Flooded { sent, arrived: arrived? })
        })
    }

    /// Sends until told to stop; gives packets a second.
    fn send(&self, stop: &AtomicBool) -> Result<f64, DemoError> {
        within(&self.network.hospital, "sending", || {
            pin(self.core)?;
            let mut port = open()?;
            let mut pool = Pool::new(WorkerIndex(0), 2 * BATCH, PoolSize::Standard);
            let (mut batch, mut next) = (Batch::new(), self.frames.iter().cycle());
            let start = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                while batch.room() > 0 {
                    let (Some(mut frame), Some(bytes)) = (pool.get(), next.next()) else { break };
                    // It is short, and there is room.
                    let _ = frame.fill(bytes);
                    let _ = batch.push(frame);
                }
                port.transmit(Time::ZERO, &mut batch, &mut pool);
            }
            Ok(port.stats().sent as f64 / start.elapsed().as_secs_f64())
        })
    }

    /// Packets that the surgery's device has received.
    fn arrived(&self) -> Result<u64, DemoError> {
        let text = within(&self.network.surgery, "reading what arrived", || {
            std::fs::read_to_string("/proc/thread-self/net/dev")
        })?;
        received(&text, DEVICE).ok_or_else(|| DemoError::Router(format!("{DEVICE} is not in /proc/net/dev")))
    }
}

/// Packets that a device received, as /proc/net/dev has it: bytes come first.
fn received(text: &str, device: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(device)?.strip_prefix(':'));
    line?.split_whitespace().nth(1)?.parse().ok()
}

fn open() -> std::io::Result<Packet> {
    let failed = |e: dataplane::port::OpenError| std::io::Error::other(e.to_string());
    let ports = packet::open(DEVICE, 1, PacketOptions::default()).map_err(failed)?;
    ports.into_iter().next().ok_or_else(|| std::io::Error::other("no queue"))
}

fn pin(core: usize) -> std::io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cores)?)
}

/// Has the kernel work on another core on what the router receives from the hospital.
fn steer(network: &Network, core: usize) -> Result<(), DemoError> {
    let mask = format!("{:x}", 1u64.checked_shl(core as u32).unwrap_or(0));
    let script =
        format!("mount -t sysfs sysfs /sys && echo {mask} > /sys/class/net/hospital/queues/rx-0/rps_cpus");
    let run = || Command::new("unshare").args(["--mount", "sh", "-c", &script]).output();
    let done = within(&network.router, "spreading what the kernel receives", run)?;
    if done.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(DemoError::System { action: "spreading what the kernel receives".into(), reason })
}

fn configuration(driver: Driver, core: usize) -> String {
    let mut text = format!("[router]\nname = \"flood\"\ncores = [{core}]\n");
    for (name, host) in [("surgery", SURGERY), ("hospital", HOSPITAL)] {
        text += &format!(
            "[[port]]\nname = \"{name}\"\nkind = \"{}\"\n\
             [[interface]]\nname = \"{name}\"\naddresses = [\"{}/24\"]\n",
            driver.kind(),
            gateway(host)
        );
    }
    text + &format!("[[route]]\nprefix = \"{BEYOND}\"\nvia = \"{SURGERY}\"\n")
}

/// A frame of 60 bytes, of one flow, to beyond the surgery.
fn frame(to: [u8; 6], flow: u16) -> Vec<u8> {
    let [high, low] = flow.to_be_bytes();
    let mut ip = [0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 10, 9, high, low];
    ip[12..16].copy_from_slice(&HOSPITAL.octets());
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = [&to[..], &[2, 0, 0, 0, 0, 9], &[8, 0], &ip].concat();
    frame.extend([0x13, 0x88, 0x13, 0x89, 0, 26, 0, 0]);
    frame.resize(60, 0);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_received_are_the_second_figure_of_a_device() {
        let text = "Inter-|   Receive\n face |bytes    packets errs\n    lo: 5 6 0\n  eth0: 1200 20 0 0\n eth01: 9 9\n";
        assert_eq!(received(text, "eth0"), Some(20));
        assert_eq!(received(text, "lo"), Some(6));
        assert_eq!(received(text, "eth1"), None);
    }

    #[test]
    fn the_kernel_forwards_what_the_hospital_sends() {
        if let Err(why) = crate::netns::available() {
            eprintln!("SKIPPED: {why}");
            return;
        }
        let mut flood = Flood::kernel(false, [0, 0]).unwrap();
        let flooded = flood.turn().unwrap();
        assert!(flooded.arrived > 0.0 && flooded.sent > 0.0, "{flooded:?}");
    }
}
