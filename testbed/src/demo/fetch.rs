//! The study, by the kernel's own TCP: the hospital offers it, the surgery fetches it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use dataplane::class::TrafficClass;
use nix::sys::socket::{setsockopt, sockopt};

use super::plan::HOSPITAL;
use super::site::Clock;
use super::{DemoError, within};
use crate::netns::Namespace;
use crate::traffic::dscp;

/// DICOM's registered port.
const PORT: u16 = 11_112;
/// Longest wait before looking at whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Longest wait for the connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes handed to or taken from the kernel at once.
const PIECE: usize = 64 * 1024;

/// The transfer of one study, both ends; it ends with this value.
#[derive(Debug)]
pub(crate) struct Fetch {
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    clock: Clock,
    bytes: u64,
    done: AtomicU64,
    started: AtomicU64,
    /// When the last byte arrived; 0 before.
    finished: AtomicU64,
    stop: AtomicBool,
}

fn mark(socket: &impl std::os::fd::AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::Ipv4Tos, &(i32::from(dscp(TrafficClass::Imaging)) << 2))?)
}

/// A listener whose connections are marked as it is.
fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((HOSPITAL, PORT))?;
    mark(&listener)?;
    Ok(listener)
}

/// A connection to it, marked alike but for its first packet.
fn connect() -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&(HOSPITAL, PORT).into(), PATIENCE)?;
    mark(&stream)?;
    Ok(stream)
}

impl Fetch {
    /// Begins to fetch a study of `bytes` from the hospital to the surgery.
    pub(crate) fn start(
        surgery: &Namespace,
        hospital: &Namespace,
        clock: Clock,
        bytes: u64,
    ) -> Result<Self, DemoError> {
        let listener = within(hospital, "offering the study", listen)?;
        let state = State {
            clock,
            bytes,
            done: AtomicU64::new(0),
            started: AtomicU64::new(clock.now()),
            finished: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        };
        let state = Arc::new(state);
        let stream = within(surgery, "asking for the study", connect)?;
        let (offering, fetching) = (state.clone(), state.clone());
        let threads = vec![
            // A broken connection shows as a study that does not arrive.
            std::thread::spawn(move || drop(offering.offer(&listener))),
            std::thread::spawn(move || drop(fetching.fetch(stream))),
        ];
        Ok(Self { state, threads })
    }

    /// Bytes that have arrived.
    pub(crate) fn done(&self) -> u64 {
        self.state.done.load(Ordering::Relaxed)
    }

    /// From the request to the last byte, once all have arrived.
    pub(crate) fn took(&self) -> Option<Duration> {
        let finished = self.state.finished.load(Ordering::Acquire);
        let started = self.state.started.load(Ordering::Relaxed);
        (finished > 0).then(|| Duration::from_nanos(finished.saturating_sub(started)))
    }
}

impl State {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn offer(&self, listener: &TcpListener) -> io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        stream.set_write_timeout(Some(LOOK))?;
        let piece = vec![0xd1; PIECE];
        let mut left = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        while left > 0 && !self.stopped() {
            match stream.write(&piece[..left.min(PIECE)]) {
                Ok(written) => left -= written,
                Err(error) if waits(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn fetch(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(LOOK))?;
        let mut piece = vec![0; PIECE];
        while self.done.load(Ordering::Relaxed) < self.bytes && !self.stopped() {
            match stream.read(&mut piece) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => drop(self.done.fetch_add(read as u64, Ordering::Relaxed)),
                Err(error) if waits(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if self.done.load(Ordering::Relaxed) >= self.bytes {
            self.finished.store(self.clock.now(), Ordering::Release);
        }
        Ok(())
    }
}

fn waits(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic there has been reported where it happened.
            let _ = thread.join();
        }
    }
}
