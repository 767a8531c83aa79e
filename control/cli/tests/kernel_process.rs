//! The router process through its life: lines that go down, changed
//! configurations, idleness, an orderly end and a kill.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::probe::{Family, answers, udp};
use common::process::Router;
use common::site::{Driver, Site};
use common::{root, transfer, wait};
use nix::sys::signal::Signal;
use nix::sys::socket::{setsockopt, sockopt};

#[test]
fn a_line_that_goes_down_is_seen_and_traffic_resumes_after() {
    for driver in [Driver::Packet, Driver::Xdp] {
        if !root() {
            return;
        }
        let site = Site::new(driver);
        let router = site.start();
        assert_eq!(router.link("far"), "up");
        // The far end itself, as a cable pulled there.
        site.far.down("h1").unwrap();
        wait("the line down", || router.link("far") == "down");
        assert_eq!(router.link("near"), "up");
        site.far.up("h1").unwrap();
        wait("the line up", || router.link("far") == "up");
        // A host that goes down forgets its routes, and its IPv6 addresses too.
        site.far.route("0.0.0.0/0".parse().unwrap(), [10, 2, 0, 1].into()).unwrap();
        site.far.address("h1", "fd00:2::2/64".parse().unwrap()).unwrap();
        site.far.route("::/0".parse().unwrap(), "fd00:2::1".parse().unwrap()).unwrap();
        for family in Family::BOTH {
            transfer::resumes(&site.near, &site.far, family.near(), family.far(2));
            transfer::resumes(&site.far, &site.near, family.far(2), family.near());
        }
    }
}

#[test]
fn a_device_that_goes_away_and_comes_back_is_taken_up_again() {
    if !root() {
        return;
    }
    let site = Site::new(Driver::Xdp);
    let router = site.start();
    site.middle().delete("r1").unwrap();
    wait("the device gone", || router.link("far") == "absent");
    site.connect_far();
    wait("the device back", || router.link("far") == "up");
    transfer::resumes(&site.near, &site.far, Family::V4.near(), Family::V4.far(2));
    assert!(site.middle().link("r1").unwrap().xdp);
}

/// More routes, another interface, another share of the line.
const CHANGES: [&str; 3] = [
    r#"
    [[route]]
    prefix = "192.0.2.0/24"
    via = "10.2.0.2"
    "#,
    r#"
    [[interface]]
    name = "far.10"
    port = "far"
    vlan = 10
    addresses = ["10.3.0.1/24", "fd00:3::1/64"]

    [[route]]
    prefix = "198.51.100.0/24"
    via = ["10.2.0.2", "10.3.0.2"]
    "#,
    "",
];

#[test]
fn a_changed_configuration_loses_nothing() {
    if !root() {
        return;
    }
    for driver in [Driver::Packet, Driver::Xdp] {
        let site = Site::new(driver);
        let router = site.start();
        for family in Family::BOTH {
            changes_under_traffic(&site, &router, family);
        }
    }
}

/// Applies every change while TCP sends without pause and a datagram leaves every 5 ms.
fn changes_under_traffic(site: &Site, router: &Router, family: Family) {
    let (near, far) = (udp(&site.near, family.near()), udp(&site.far, family.far(2)));
    let ends = transfer::connect(&site.near, &site.far, family.far(2));
    let done = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let probe = scope.spawn(|| probe_until(&near, far.local_addr().unwrap(), &done));
        let stream = scope.spawn(|| stream_until(&ends.0, &done));
        let heard = scope.spawn(|| {
            let mut bytes = Vec::new();
            (&ends.1).read_to_end(&mut bytes).map(|_| bytes)
        });
        let probes = scope.spawn(|| hear(&far));
        for change in CHANGES {
            std::thread::sleep(Duration::from_millis(150));
            router.apply(&format!("{}{change}", site.config()));
        }
        std::thread::sleep(Duration::from_millis(150));
        done.store(true, Ordering::Relaxed);
        let streamed = stream.join().unwrap();
        assert!(heard.join().unwrap().unwrap() == streamed, "the stream came as another");
        (probe.join().unwrap(), probes.join().unwrap())
    });
    assert!(sent.0 > 50, "{} datagrams are no measure", sent.0);
    assert_eq!(sent.1, (0..sent.0).collect::<Vec<u32>>());
}

/// Sends numbered datagrams, and an empty one as the last; gives how many.
fn probe_until(socket: &std::net::UdpSocket, to: std::net::SocketAddr, done: &AtomicBool) -> u32 {
    // Voice: not behind the stream.
    if to.is_ipv4() {
        setsockopt(socket, sockopt::Ipv4Tos, &(46 << 2)).unwrap();
    } else {
        setsockopt(socket, sockopt::Ipv6TClass, &(46 << 2)).unwrap();
    }
    let mut n: u32 = 0;
    while !done.load(Ordering::Relaxed) {
        socket.send_to(&n.to_be_bytes(), to).unwrap();
        n += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    socket.send_to(&[], to).unwrap();
    n
}

/// The numbers that arrive before the empty datagram.
fn hear(socket: &std::net::UdpSocket) -> Vec<u32> {
    let (mut bytes, mut heard) = ([0; 4], Vec::new());
    while socket.recv(&mut bytes).unwrap() > 0 {
        heard.push(u32::from_be_bytes(bytes));
    }
    heard
}

/// Sends at 3 MB/s; gives what it sent.
fn stream_until(mut stream: &std::net::TcpStream, done: &AtomicBool) -> Vec<u8> {
    let mut sent = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let piece = transfer::data(32_000, sent.len() as u64);
        stream.write_all(&piece).unwrap();
        sent.extend(piece);
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    sent
}

#[test]
fn an_idle_router_sleeps() {
    if !root() {
        return;
    }
    for driver in [Driver::Packet, Driver::Xdp, Driver::Tap] {
        let site = Site::new(driver);
        let router = site.start();
        // Probing of addresses and announcements are over by then.
        std::thread::sleep(Duration::from_secs(2));
        let (start, before) = (Instant::now(), router.processor_time());
        std::thread::sleep(Duration::from_secs(2));
        let used = router.processor_time() - before;
        let share = used.as_secs_f64() / start.elapsed().as_secs_f64();
        assert!(share <= 0.05, "{driver:?}: idle, it uses {:.1} % of a core", share * 100.0);
    }
}

#[test]
fn real_time_workers_go_first_and_nothing_else_of_the_router_does() {
    if !root() {
        return;
    }
    let site = Site::new(Driver::Xdp);
    let config = format!("[router]\npriority = \"real-time\"\n{}", site.config());
    let router = Router::start(site.middle(), &config);
    site.ready();
    let row = &router.show("workers")[0];
    let threads = router.threads();
    let worker = threads.iter().find(|(name, _)| name == "worker-0").unwrap().1;
    // A control group may have no time for real-time threads (sched(7)): then the log says what to do.
    match row["priority"].as_str().unwrap() {
        "refused" => assert!(worker == (0, 0) && router.log().contains("CAP_SYS_NICE"), "{}", router.log()),
        told => assert_eq!((told, worker), ("real-time", (10, 1)), "{}", router.log()),
    }
    let others: Vec<_> = threads.iter().filter(|(name, _)| name != "worker-0").collect();
    assert!(others.len() >= 2 && others.iter().all(|(_, policy)| *policy == (0, 0)), "{others:?}");
    // The line carries what an ordinary worker's does.
    for family in Family::BOTH {
        transfer::resumes(&site.near, &site.far, family.near(), family.far(2));
    }
}

#[test]
fn an_orderly_end_leaves_nothing() {
    if !root() {
        return;
    }
    for driver in [Driver::Packet, Driver::Xdp, Driver::Tap] {
        let site = Site::new(driver);
        let router = site.start();
        assert_eq!(site.middle().link("r1").unwrap().xdp, driver != Driver::Packet);
        let (status, left) = router.end(Signal::SIGTERM);
        assert_eq!(status.code(), Some(0));
        assert!(!left.path().join("control.sock").exists());
        assert!(!site.middle().link("r1").unwrap().xdp);
        assert_eq!(site.middle().link("r0").is_ok(), driver != Driver::Tap);
        assert!(!answers(&site.near, Family::V4.far(2)));
    }
}

#[test]
fn a_killed_router_leaves_no_device_and_no_program_and_can_start_again() {
    if !root() {
        return;
    }
    for driver in [Driver::Xdp, Driver::Tap] {
        let site = Site::new(driver);
        let (status, left) = site.start().end(Signal::SIGKILL);
        assert!(!status.success());
        // The kernel closes a dead process's descriptors in its own time.
        wait("no program", || !site.middle().link("r1").unwrap().xdp);
        if driver == Driver::Tap {
            wait("no device", || site.near.link("r0").is_err());
        }
        assert!(left.path().join("control.sock").exists());
        let router = Router::start_in(left, site.middle(), &site.config());
        site.ready();
        assert_eq!(router.link("near"), "up");
    }
}
