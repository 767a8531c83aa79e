//! A memif client without copies beside the same with copies: a server of ours on the other core sends bursts of
//! frames, and the client sends each back with another layer-2 header, as a router does that looks at nothing but
//! headers.
//!
//! What is measured are the client's calls and its look at the headers, for bursts of [`BATCH`] frames; of each
//! repetition the median burst, which one that took the core away does not touch.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dataplane::id::WorkerIndex;
use dataplane::packet::{Arena, BATCH, Batch, Pool, PoolSize};
use dataplane::port::memif::{self, Notice, Role};
use dataplane::port::{Memif, MemifOptions, Port as _};
use dataplane::time::Time;

use super::Told;
use super::cpu;
use super::figures::{Compared, Measured, Spread};
use super::path::ticks_per_ns;

/// Frames of each end: as many as both rings hold, and as many again.
const FRAMES: usize = 4096;
/// Bursts that are measured in one repetition.
const BURSTS: usize = 2000;
/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

const LINES: [(&str, usize); 3] = [("memif-zero-64", 64), ("memif-zero-512", 512), ("memif-zero-1500", 1500)];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LINES.into_iter().map(|(name, _)| name)
}

/// Measures the lines that are wanted; whether there are any.
pub(super) fn run(wanted: &dyn Fn(&str) -> bool, rounds: u8, core: usize, told: &mut Told) -> bool {
    let mut some = false;
    for (name, length) in LINES.into_iter().filter(|(name, _)| wanted(name)) {
        some = true;
        told.tell(name, compared(name, length, rounds, core));
    }
    some
}

fn compared(name: &str, length: usize, rounds: u8, core: usize) -> Result<Compared, String> {
    let (other, ticks, before) = (cpu::beside(core)?, ticks_per_ns()?, cpu::load());
    let place = Place::new()?;
    let (mut lends, mut copies, mut adds) = (Vec::new(), Vec::new(), Vec::new());
    // The first round warms caches, and is forgotten.
    for round in 0..=rounds {
        let speed = cpu::adds_per_ns();
        let [lent, copied] = [true, false].map(|zero_copy| {
            Line::new(&place.0, length, zero_copy, other).and_then(|mut line| line.measure())
        });
        if round > 0 {
            lends.push(lent?);
            copies.push(copied?);
            adds.push(speed / ticks);
        }
    }
    let [lends, copies] = [lends, copies].map(Spread::of);
    let said = format!("{length} bytes received, another header, sent back");
    let unit = "ns/frame";
    let line = Measured { name, unit, ticks_per_ns: ticks, adds, rounds, core, before };
    Ok(line.compared(lends, ("the same client, which copies", copies), [said.clone(), said]))
}

/// A folder for sockets; it goes with this.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("viaduct-lent-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A client, and the server that a thread on the other core works.
struct Line {
    client: Memif,
    pool: Pool,
    start: Instant,
    stop: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
    length: usize,
}

impl Line {
    fn new(folder: &Path, length: usize, zero_copy: bool, other: usize) -> Result<Self, String> {
        let arena = Arena::new(FRAMES, PoolSize::Standard).map_err(|e| e.to_string())?;
        let pool = match zero_copy {
            true => Pool::within(&arena, WorkerIndex(0), FRAMES),
            false => Pool::new(WorkerIndex(0), FRAMES, PoolSize::Standard),
        };
        let options = |role| MemifOptions {
            socket: folder.join("memif.sock"),
            role,
            notice: Notice::Poll,
            zero_copy: zero_copy && role == Role::Client,
            ..MemifOptions::default()
        };
        let one = |options: &MemifOptions, arena| {
            memif::open(1, options, arena).map_err(|e| e.to_string())?.pop().ok_or("no queue".to_owned())
        };
        let server = one(&options(Role::Server), None)?;
        let client = one(&options(Role::Client), Some(&arena))?;
        let (start, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let told = stop.clone();
        let serve = move || serve(server, length, start, other, &told);
        let mut line = Self { client, pool, start, stop, server: None, length };
        line.server = Some(std::thread::spawn(serve));
        while !line.client.link().up {
            line.client.poll(line.now());
            if start.elapsed() > PATIENCE {
                return Err(format!("never connected: {:?}", line.client.watch().peer()));
            }
        }
        Ok(line)
    }

    fn now(&self) -> Time {
        Time(self.start.elapsed().as_nanos() as u64)
    }

    /// Nanoseconds a frame of the median burst.
    fn measure(&mut self) -> Result<f64, String> {
        let (mut took, mut batch, begun) = (Vec::with_capacity(BURSTS), Batch::new(), Instant::now());
        // Nothing was lent before.
        self.client.receive(self.now(), &mut self.pool, &mut batch);
        batch.drain().for_each(|frame| self.pool.put(frame));
        // As many before those that count.
        for burst in 0..2 * BURSTS {
            // A whole burst is waited for, by the ring's figures and not by asking for parts of it.
            while usize::from(self.client.watch().peer().rings.first().map_or(0, |ring| ring.to_receive))
                < BATCH
            {
                self.client.poll(self.now());
                if begun.elapsed() > PATIENCE {
                    return Err("no more frames come".into());
                }
            }
            let now = self.now();
            let from = Instant::now();
            let got = self.client.receive(now, &mut self.pool, &mut batch);
            for frame in batch.frames_mut() {
                let bytes = frame.bytes_mut();
                black_box(bytes.get(14..62).map(|header| header.iter().map(|b| u32::from(*b)).sum::<u32>()));
                bytes.iter_mut().take(12).for_each(|byte| *byte ^= 1);
            }
            let sent = self.client.transmit(now, &mut batch, &mut self.pool);
            let ns = from.elapsed().as_nanos() as f64 / BATCH as f64;
            batch.drain().for_each(|frame| self.pool.put(frame));
            if burst >= BURSTS && got == BATCH && sent == BATCH {
                took.push(ns);
            }
        }
        let stats = self.client.stats();
        if stats.bad_descriptor + stats.too_long + stats.pool_empty + stats.send_failed > 0
            || took.len() < BURSTS / 2
        {
            return Err(format!("{} whole bursts of {} bytes; {stats:?}", took.len(), self.length));
        }
        Ok(Spread::of(took).median)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// Sends bursts as long as there is room, and takes what comes back.
fn serve(mut port: Memif, length: usize, start: Instant, core: usize, stop: &AtomicBool) {
    // It has been seen to be there; on one that is not allowed the ends share the others.
    let _ = cpu::pin(core);
    let (mut pool, mut batch) = (Pool::new(WorkerIndex(0), FRAMES, PoolSize::Standard), Batch::new());
    let packet = vec![0x45; length];
    while !stop.load(Ordering::Acquire) {
        let now = Time(start.elapsed().as_nanos() as u64);
        port.poll(now);
        port.receive(now, &mut pool, &mut batch);
        batch.drain().for_each(|frame| pool.put(frame));
        while batch.room() > 0 {
            let Some(mut frame) = pool.get() else { break };
            if frame.fill(&packet).is_err() || batch.push(frame).is_err() {
                break;
            }
        }
        port.transmit(now, &mut batch, &mut pool);
        batch.drain().for_each(|frame| pool.put(frame));
    }
}
