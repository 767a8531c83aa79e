//! TCP flows from the hospital to the surgery that do not end by themselves.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::acceptance::HOSPITAL;
use crate::demo::namespaces::Network;
use crate::demo::{DemoError, within};
use crate::traffic::dscp;
use dataplane::class::TrafficClass;

/// Longest wait before looking at whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes handed to or taken from the kernel at once.
const PIECE: usize = 64 * 1024;

/// The flows; they end with this value.
#[derive(Debug)]
pub(super) struct Bulk {
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    heard: AtomicU64,
    stop: AtomicBool,
}

impl Bulk {
    /// Begins so many.
    pub(super) fn start(network: &Network, flows: u16) -> Result<Self, DemoError> {
        let mut bulk = Self { state: Arc::default(), threads: Vec::new() };
        let listener = within(&network.hospital, "offering TCP", || {
            let listener = TcpListener::bind((HOSPITAL, 0))?;
            setsockopt(&listener, sockopt::Ipv4Tos, &(i32::from(dscp(TrafficClass::Imaging)) << 2))?;
            Ok(listener)
        })?;
        for _ in 0..flows {
            let (there, here) = within(&network.surgery, "asking for TCP", || {
                let here = TcpStream::connect_timeout(&listener.local_addr()?, PATIENCE)?;
                Ok((listener.accept()?.0, here))
            })?;
            let (sends, hears) = (bulk.state.clone(), bulk.state.clone());
            bulk.threads.push(std::thread::spawn(move || drop(sends.send(there))));
            bulk.threads.push(std::thread::spawn(move || drop(hears.hear(here))));
        }
        Ok(bulk)
    }

    /// Bytes that have arrived.
    pub(super) fn heard(&self) -> u64 {
        self.state.heard.load(Ordering::Relaxed)
    }
}

impl State {
    fn goes_on(&self, done: io::Result<usize>) -> io::Result<usize> {
        use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
        match done {
            Err(error) if matches!(error.kind(), Interrupted | TimedOut | WouldBlock) => Ok(0),
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            done => done,
        }
    }

    fn send(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_write_timeout(Some(LOOK))?;
        let piece = vec![0xd1; PIECE];
        while !self.stop.load(Ordering::Relaxed) {
            self.goes_on(stream.write(&piece))?;
        }
        Ok(())
    }

    fn hear(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(LOOK))?;
        let mut piece = vec![0; PIECE];
        while !self.stop.load(Ordering::Relaxed) {
            let heard = self.goes_on(stream.read(&mut piece))?;
            self.heard.fetch_add(heard as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic there has been reported where it happened.
            let _ = thread.join();
        }
    }
}
