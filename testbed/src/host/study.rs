//! An imaging study on its way by TCP: one host offers it, another fetches it.

use std::net::Ipv4Addr;
use std::time::Duration;

use dataplane::time::Time;
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};

use super::stamp;

/// DICOM's registered port.
const PORT: u16 = 11_112;

/// One end of a study's transfer.
#[derive(Debug)]
pub struct Study {
    socket: SocketHandle,
    sends: bool,
    bytes: u64,
    done: u64,
    started: Time,
    finished: Option<Time>,
}

fn socket(window: usize) -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; window]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_congestion_control(CongestionControl::Cubic);
    socket.set_tsval_generator(Some(stamp::tsval));
    socket
}

impl Study {
    pub(super) fn offer(sockets: &mut SocketSet<'static>, window: usize, bytes: u64) -> Self {
        let mut socket = socket(window);
        // A port that is not 0 and a socket that is closed: this cannot fail.
        let _ = socket.listen(PORT);
        let socket = sockets.add(socket);
        Self { socket, sends: true, bytes, done: 0, started: Time::ZERO, finished: None }
    }

    pub(super) fn fetch(
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
        window: usize,
        (peer, local): (Ipv4Addr, u16),
        bytes: u64,
        now: Time,
    ) -> Option<Self> {
        let mut socket = socket(window);
        socket.connect(interface.context(), (peer, PORT), local).ok()?;
        let socket = sockets.add(socket);
        Some(Self { socket, sends: false, bytes, done: 0, started: now, finished: None })
    }

    /// Moves what can be moved; whether anything was.
    pub(super) fn work(&mut self, sockets: &mut SocketSet<'static>, now: Time) -> bool {
        let socket = sockets.get_mut::<Socket<'_>>(self.socket);
        let moved = if self.sends { self.give(socket) } else { take(socket) };
        self.done += moved;
        if moved > 0 && self.done >= self.bytes {
            self.finished = Some(now);
            socket.close();
        }
        moved > 0
    }

    fn give(&mut self, socket: &mut Socket<'_>) -> u64 {
        let left = usize::try_from(self.bytes - self.done).unwrap_or(usize::MAX);
        if left == 0 || !socket.can_send() {
            return 0;
        }
        let fill = |room: &mut [u8]| {
            let given = room.len().min(left);
            room[..given].fill(0xd1);
            (given, given as u64)
        };
        socket.send(fill).unwrap_or(0)
    }

    /// Bytes given to TCP, or received from it.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Whether all its bytes have passed.
    pub fn is_finished(&self) -> bool {
        self.finished.is_some()
    }

    /// From the request to the last byte, once all have passed.
    pub fn took(&self) -> Option<Duration> {
        self.finished.map(|finished| finished - self.started)
    }
}

/// Reads all there is to read.
fn take(socket: &mut Socket<'_>) -> u64 {
    let mut taken = 0;
    while socket.can_recv() {
        taken += socket.recv(|bytes| (bytes.len(), bytes.len() as u64)).unwrap_or(0);
    }
    taken
}
