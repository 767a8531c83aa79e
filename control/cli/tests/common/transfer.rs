//! Data between the hosts, by the kernel's own TCP and UDP.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream, UdpSocket};

use testbed::netns::Namespace;

use super::probe::udp;
use super::{PATIENCE, wait};

/// Bytes in which no two stretches are alike.
pub fn data(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// A connection from `near` to `address` of `far`, both ends, that wait no longer than tests do.
pub fn connect(near: &Namespace, far: &Namespace, address: IpAddr) -> (TcpStream, TcpStream) {
    let listener = far.run(|| TcpListener::bind((address, 0))).unwrap().unwrap();
    let to = listener.local_addr().unwrap();
    let here = near.run(|| TcpStream::connect_timeout(&to, PATIENCE)).unwrap().unwrap();
    let there = listener.accept().unwrap().0;
    for end in [&here, &there] {
        end.set_read_timeout(Some(PATIENCE)).unwrap();
        end.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    (here, there)
}

/// Sends `len` bytes each way at the same time and asserts that every one arrives as it was.
pub fn exchange(ends: (TcpStream, TcpStream), len: usize) {
    let (up, down) = (data(len, 1), data(len, 2));
    std::thread::scope(|scope| {
        for (end, send, expected) in [(&ends.0, &up, &down), (&ends.1, &down, &up)] {
            scope.spawn(move || {
                let mut end = end;
                end.write_all(send).unwrap();
                end.shutdown(Shutdown::Write).unwrap();
            });
            scope.spawn(move || {
                let (mut end, mut got) = (end, Vec::new());
                end.read_to_end(&mut got).unwrap();
                assert!(got == *expected, "{} bytes of {} arrived, or not as they were", got.len(), len);
            });
        }
    });
}

/// Sends `count` datagrams of growing length in rounds, each heard before the
/// next, and asserts that each arrives once, in order, as it was.
pub fn count(from: &UdpSocket, to: &UdpSocket, count: usize) {
    let address = to.local_addr().unwrap();
    let datagram = |n: usize| data(4 + n * 2, n as u64);
    let mut heard = vec![0; 2048];
    for first in (0..count).step_by(32) {
        let round = first..count.min(first + 32);
        for n in round.clone() {
            from.send_to(&datagram(n), address).unwrap();
        }
        for n in round {
            let len = to.recv(&mut heard).unwrap();
            assert!(heard[..len] == datagram(n), "datagram {n} came as {len} bytes, or as another");
        }
    }
}

/// Waits until a datagram from `near` arrives at `address` of `far`.
pub fn resumes(near: &Namespace, far: &Namespace, own: IpAddr, address: IpAddr) {
    let (here, there) = (udp(near, own), udp(far, address));
    there.set_nonblocking(true).unwrap();
    wait("a datagram", || {
        // Unreachable while the line is down.
        let _ = here.send_to(b"again", there.local_addr().unwrap());
        there.recv(&mut [0; 8]).is_ok()
    });
}
