//! A client of a memif port that says anything, with any descriptor, and then one that
//! behaves: the port must serve it.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use dataplane::port::memif::message::{LENGTH, Message};
use dataplane::port::memif::{Channel, Role, event, memory, open};
use dataplane::port::{Memif, MemifOptions, Port};
use dataplane::time::Time;

/// A path for one run's socket; its file goes with the port.
fn path() -> PathBuf {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("viaduct-fuzz-{}-{run}", std::process::id()))
}

/// What comes with a message, as its byte says.
fn gift(kind: u8) -> Option<OwnedFd> {
    match kind % 4 {
        0 => None,
        1 => memory(usize::from(kind) * 64).ok(),
        2 => event().ok(),
        _ => std::fs::File::open("/dev/null").ok().map(Into::into),
    }
}

/// Time passes, and both look.
fn look(ports: &mut [&mut Memif], now: &mut u64) {
    *now += 5_000_000;
    ports.iter_mut().for_each(|port| port.poll(Time(*now)));
}

/// Says each piece of `bytes`, a byte for its gift and then a message, where it is one.
/// Gives how many were; `None` when there is no socket to be had.
pub fn run(bytes: &[u8]) -> Option<usize> {
    let socket = path();
    let options = |role| MemifOptions { socket: socket.clone(), role, ring: 16, ..MemifOptions::default() };
    let mut server = open(1, &options(Role::Server), None).ok()?.pop()?;
    let mut now = 0;
    let said = talk(&socket, bytes, &mut server, &mut now)?;
    let mut client = open(1, &options(Role::Client), None).ok()?.pop()?;
    for _ in 0..20 {
        look(&mut [&mut client, &mut server], &mut now);
    }
    assert!(client.link().up && server.link().up, "{:?}", client.watch().peer());
    Some(said)
}

fn talk(socket: &Path, bytes: &[u8], server: &mut Memif, now: &mut u64) -> Option<usize> {
    let mut channel = Channel::connect(socket).ok()?;
    look(&mut [server], now);
    let mut said = 0;
    for piece in bytes.chunks(LENGTH + 1) {
        let (Some(kind), Ok(message)) = (piece.first(), Message::decode(piece.get(1..)?)) else { continue };
        assert_eq!(Message::decode(&message.encode()), Ok(message));
        let _ = channel.send(message, gift(*kind));
        said += 1;
        look(&mut [server], now);
    }
    drop(channel);
    look(&mut [server], now);
    look(&mut [server], now);
    Some(said)
}
