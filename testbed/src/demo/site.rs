//! One host of the demonstration with real sockets: a thread that sends what the
//! models say, a thread that takes in what arrives.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dataplane::class::TrafficClass;
use nix::sys::socket::{setsockopt, sockopt};

use crate::netns::Namespace;
use crate::traffic::{Flow, IP_UDP, Meter, PORT, Probe, Schedule, Send, dscp};

use super::DemoError;

/// Receive buffer, bytes: more than the router can send in a second.
const BUFFER: usize = 4 << 20;
/// Longest wait before looking at whether to stop.
const LOOK: Duration = Duration::from_millis(50);
/// Real-time priority of a host's threads: above the router's workers.
const LEVEL: u8 = 20;
/// A sender that is later than this pauses its models instead of sending in a
/// burst what no telephone would, nanoseconds.
const LATE: u64 = 3_000_000;
/// The classes whose packets are probes.
const CLASSES: [TrafficClass; 3] = [TrafficClass::Voice, TrafficClass::Video, TrafficClass::Clinical];

/// The clock both hosts share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since it was started.
    pub(crate) fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    schedule: Mutex<Schedule>,
    meter: Mutex<Meter>,
    /// No new packets.
    quiet: AtomicBool,
    /// The threads end.
    stop: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host that sends and receives until it is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// A socket whose packets are marked for `class`.
fn marked(own: Ipv4Addr, port: u16, class: TrafficClass) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((own, port))?;
    setsockopt(&socket, sockopt::Ipv4Tos, &(i32::from(dscp(class)) << 2))?;
    Ok(socket)
}

/// A thread that goes before the bulk's and the router's, where this machine lets it: a telephone's is not late
/// because a server and a router have its processor.
fn punctual(work: impl FnOnce() + std::marker::Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(move || {
        // An ordinary one is later, which is seen in what it measures.
        let _ = dataplane::port::go_first(LEVEL);
        work();
    })
}

fn receiver(own: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((own, PORT))?;
    setsockopt(&socket, sockopt::RcvBufForce, &BUFFER)?;
    socket.set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

impl Site {
    /// Host `own` in `namespace`, which sends `schedule` to `peer`.
    pub(crate) fn start(
        namespace: &Namespace,
        (own, peer): (Ipv4Addr, Ipv4Addr),
        clock: Clock,
        schedule: Schedule,
    ) -> Result<Self, DemoError> {
        let open = || {
            let senders = CLASSES.into_iter().map(|class| Ok((class, marked(own, 0, class)?)));
            Ok((senders.collect::<io::Result<BTreeMap<_, _>>>()?, receiver(own)?))
        };
        let (senders, receiver) = super::within(namespace, "opening a host's sockets", open)?;
        let shared = Arc::new(Shared {
            clock,
            schedule: Mutex::new(schedule),
            meter: Mutex::default(),
            quiet: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let (requests, answers) = mpsc::channel();
        let (one, other) = (shared.clone(), shared.clone());
        let threads = vec![
            punctual(move || send(&one, &senders, peer, &answers)),
            punctual(move || receive(&other, &receiver, &requests)),
        ];
        Ok(Self { shared, threads })
    }

    /// Sends nothing any more; what is on its way is still taken in.
    pub(crate) fn quiet(&self) {
        self.shared.quiet.store(true, Ordering::Relaxed);
    }

    /// Packets sent, by flow.
    pub(crate) fn sent(&self) -> BTreeMap<Flow, u32> {
        lock(&self.shared.schedule).sent().clone()
    }

    /// What arrived.
    pub(crate) fn meter(&self) -> MutexGuard<'_, Meter> {
        lock(&self.shared.meter)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic there has been reported where it happened.
            let _ = thread.join();
        }
    }
}

type Senders = BTreeMap<TrafficClass, UdpSocket>;

/// The sender's thread. `lag` is by how much the models' clock has been held up.
fn send(shared: &Shared, senders: &Senders, peer: Ipv4Addr, requests: &mpsc::Receiver<Probe>) {
    let mut lag = 0;
    let mut payload = vec![0xd5; 1500];
    while !shared.stop.load(Ordering::Relaxed) && !shared.quiet.load(Ordering::Relaxed) {
        let now = shared.clock.now();
        let due = lock(&shared.schedule).next_due().map_or(u64::MAX, |at| at.saturating_add(lag));
        if due <= now {
            lag += (now - due).saturating_sub(LATE);
            let send = lock(&shared.schedule).pop(now - lag.min(now));
            send.into_iter().for_each(|send| transmit(senders, peer, &send, shared.clock, &mut payload));
            continue;
        }
        let wait = Duration::from_nanos(due - now).min(LOOK);
        match requests.recv_timeout(wait) {
            Ok(request) => {
                let now = shared.clock.now();
                lock(&shared.schedule).answer(&request, now - lag.min(now));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => std::thread::sleep(wait),
        }
    }
}

fn transmit(senders: &Senders, peer: Ipv4Addr, send: &Send, clock: Clock, payload: &mut [u8]) {
    let length = usize::from(send.emission.length.saturating_sub(IP_UDP)).min(payload.len());
    let payload = &mut payload[..length];
    let Some(socket) = senders.get(&send.emission.flow.class) else { return };
    if send.probe(clock.now()).emit(payload).is_ok() {
        // A packet the kernel does not take counts as sent, and so as lost.
        let _ = socket.send_to(payload, (peer, PORT));
    }
}

/// The receiver's thread; requests go to the sender's.
fn receive(shared: &Shared, socket: &UdpSocket, requests: &mpsc::Sender<Probe>) {
    let mut payload = vec![0; 2048];
    while !shared.stop.load(Ordering::Relaxed) {
        let Ok(length) = socket.recv(&mut payload) else { continue };
        let now = shared.clock.now();
        let Some(probe) = Probe::parse(&payload[..length]) else { continue };
        let whole = u16::try_from(length).unwrap_or(u16::MAX).saturating_add(IP_UDP);
        lock(&shared.meter).record(&probe, whole, now);
        if probe.asks > 0 {
            // The sender is gone only when nothing is to be sent any more.
            let _ = requests.send(probe);
        }
    }
}
