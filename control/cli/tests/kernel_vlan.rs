//! Tagged frames on real lines, between the router process and a station of
//! the test's own, with a kernel host at the other end.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::time::{Duration, Instant};

use common::probe::{Family, udp};
use common::site::{Driver, Site};
use dataplane::id::WorkerIndex;
use dataplane::packet::{Batch, Pool, PoolSize};
use dataplane::port::{Packet as Line, PacketOptions, Port, packet};
use dataplane::time::Time;
use testbed::packet::*;

const STATION: &str = "02:00:00:00:03:09";

/// VLAN 10 of the far line, and who is on it.
const TAGGED: &str = r#"
    [[interface]]
    name = "far.10"
    port = "far"
    vlan = 10
    addresses = ["10.3.0.1/24", "fd00:3::1/64"]

    [[neighbour]]
    interface = "far.10"
    address = "10.3.0.9"
    mac = "02:00:00:00:03:09"

    [[neighbour]]
    interface = "far.10"
    address = "fd00:3::9"
    mac = "02:00:00:00:03:09"
"#;

/// The station: a packet socket on the far end of the line.
struct Station {
    line: Line,
    pool: Pool,
    start: Instant,
}

impl Station {
    fn new(site: &Site) -> Self {
        let open = || packet::open("h1", 1, PacketOptions::default()).unwrap().remove(0);
        let pool = Pool::new(WorkerIndex(0), 256, PoolSize::Standard);
        Self { line: site.far.run(open).unwrap(), pool, start: Instant::now() }
    }

    fn send(&mut self, packet: impl Into<Packet>) {
        let (mut batch, mut frame) = (Batch::new(), self.pool.get().unwrap());
        frame.fill(&packet.into().encode_padded()).unwrap();
        batch.push(frame).unwrap();
        assert_eq!(self.line.transmit(self.now(), &mut batch, &mut self.pool), 1);
        self.line.poll(self.now());
    }

    /// Waits for a frame that says what `expected` says, past all others.
    fn expect(&mut self, expected: impl Into<Packet>) {
        let expected = expected.into();
        let seen = self.look_for(&expected, common::PATIENCE).err();
        assert_eq!(seen, None, "never came: {expected}");
    }

    /// Sends `packet` until what `expected` says comes back.
    fn ask(&mut self, packet: impl Into<Packet>, expected: impl Into<Packet>) {
        let (packet, expected) = (packet.into(), expected.into());
        common::wait("an answer to the station", || {
            self.send(packet.clone());
            self.look_for(&expected, Duration::from_millis(200)).is_ok()
        });
    }

    /// The other frames that came, when none says what `expected` says.
    fn look_for(&mut self, expected: &Packet, patience: Duration) -> Result<(), Vec<String>> {
        let (mut batch, mut seen) = (Batch::new(), Vec::new());
        let end = Instant::now() + patience;
        while Instant::now() < end {
            self.line.poll(self.now());
            self.line.receive(self.now(), &mut self.pool, &mut batch);
            let frames: Vec<Vec<u8>> = batch.frames().iter().map(|frame| frame.bytes().to_vec()).collect();
            batch.drain().for_each(|frame| self.pool.put(frame));
            if frames.iter().any(|frame| diff(expected, frame).is_none()) {
                return Ok(());
            }
            seen.extend(frames.iter().map(|frame| Packet::decode(frame).to_string()));
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(seen)
    }

    fn now(&self) -> Time {
        Time(self.start.elapsed().as_nanos() as u64)
    }
}

#[test]
fn tagged_frames_are_heard_answered_and_forwarded() {
    for driver in [Driver::Packet, Driver::Xdp] {
        tagged(driver);
    }
}

fn tagged(driver: Driver) {
    if !common::root() {
        return;
    }
    let site = Site::new(driver);
    let router = site.start();
    router.apply(&format!("{}{TAGGED}", site.config()));
    let own = site.middle().link("r1").unwrap().mac;
    let own = own.map(|byte| format!("{byte:02x}")).join(":");
    let mut station = Station::new(&site);
    let headers = || eth().src(STATION).dst(&own);

    // Not before the router has made sure that nobody else has the address (RFC 5227).
    let request = arp().request("10.3.0.1", "10.3.0.9").sender_mac(STATION);
    let reply = arp().reply("10.3.0.1", "10.3.0.9");
    station.ask(
        eth().src(STATION).broadcast() / vlan(10) / request,
        eth().src(&own).dst(STATION) / vlan(10) / reply,
    );

    station
        .send(headers() / vlan(10) / ip("10.3.0.9", "10.3.0.1") / icmp_echo_request(7, 1) / bytes(b"tagged"));
    station.expect(eth() / vlan(10) / ip("10.3.0.1", "10.3.0.9") / icmp_echo_reply(7, 1) / bytes(b"tagged"));

    for (family, other) in [(Family::V4, "10.3.0.9"), (Family::V6, "fd00:3::9")] {
        let host = udp(&site.near, family.near());
        let (address, port) = (family.near().to_string(), host.local_addr().unwrap().port());
        host.send_to(b"to the VLAN", (other, 700)).unwrap();
        let there = ip(&address, other).ttl(63);
        station.expect(eth().dst(STATION) / vlan(10) / there / udp_of(700, port) / bytes(b"to the VLAN"));
        station
            .send(headers() / vlan(10) / ip(other, &address) / udp_of(port, 700) / bytes(b"from the VLAN"));
        let mut heard = [0; 32];
        let (len, from) = host.recv_from(&mut heard).unwrap();
        assert_eq!((&heard[..len], from.to_string().contains(other)), (&b"from the VLAN"[..], true));
    }

    assert_eq!(drops(&router, "vlan-unknown"), 0);
    station.send(headers() / vlan(11) / ip("10.3.0.9", "10.3.0.1") / icmp_echo_request(7, 2));
    common::wait("the drop of an unknown tag", || drops(&router, "vlan-unknown") == 1);
}

/// UDP to `destination` from `source`.
fn udp_of(destination: u16, source: u16) -> Udp {
    testbed::packet::udp(destination).from(source)
}

/// How many frames the router dropped for `reason`.
fn drops(router: &common::process::Router, reason: &str) -> u64 {
    let drops = router.show("drops");
    let rows = drops["rows"].as_array().unwrap().iter().filter(|row| row["reason"] == reason);
    rows.map(|row| row["count"].as_u64().unwrap()).sum()
}
