//! What explain tells is what the router does: each packet is explained, and
//! then sent to a router in virtual time with the same configuration.

use control::config::parse;
use control::explain::{Explanation, Offline, Packets, Question, explain};
use dataplane::packet::{DropReason, PuntReason};
use testbed::lab::{Lab, ms};
use testbed::packet::{Packet, eth, icmp_echo_request, ip, payload, udp, vlan};

const TEXT: &str = r#"
[[port]]
name = "ge0"
kind = "loopback"
[[port]]
name = "ge1"
kind = "loopback"
[[interface]]
name = "ge0"
mtu = 9000
mac = "02:00:00:00:00:01"
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
[interface.police.voice]
rate = "1 Mbit/s"
burst = "20 ms"
[[interface]]
name = "ge1"
port = "ge1"
vlan = 30
mtu = 1400
mac = "02:00:00:00:00:02"
addresses = ["10.0.1.1/24", "2001:db8:1::1/64"]
[interface.qos]
rate = "100 Mbit/s"
[[route]]
prefix = "10.1.0.0/16"
via = ["10.0.1.2", "10.0.1.3"]
[[route]]
prefix = "2001:db8:9::/48"
via = "2001:db8:1::2"
[[route]]
prefix = "10.2.0.0/16"
discard = "blackhole"
[[route]]
prefix = "10.3.0.0/16"
discard = "unreachable"
[[route]]
prefix = "10.4.0.0/16"
discard = "prohibited"
[[neighbour]]
interface = "ge0"
address = "10.0.0.5"
mac = "02:00:00:00:00:05"
[[neighbour]]
interface = "ge0"
address = "2001:db8::5"
mac = "02:00:00:00:00:05"
[[neighbour]]
interface = "ge1"
address = "10.0.1.2"
mac = "02:00:00:00:00:12"
[[neighbour]]
interface = "ge1"
address = "10.0.1.3"
mac = "02:00:00:00:00:13"
[[neighbour]]
interface = "ge1"
address = "2001:db8:1::2"
mac = "02:00:00:00:00:14"
"#;

/// Packets of every kind: forwarded, fragmented, dropped at each stage, and for the slow path.
fn packets() -> Vec<Packet> {
    let link = || eth().dst("02:00:00:00:00:01").src("02:00:00:00:00:05");
    let four = |to: &str| ip("10.0.0.5", to);
    let six = |to: &str| ip("2001:db8::5", to);
    let data = |n| udp(5004) / payload(n);
    let mut all = vec![
        link() / four("10.1.0.9").dscp(46).ttl(64) / data(172),
        link() / four("10.1.0.9").ttl(2) / data(1000),
        link() / four("10.1.0.9").ttl(64) / data(3000),
        link() / four("10.1.0.9").ttl(64).df() / data(1450),
        link() / four("10.1.0.9").ttl(1) / data(10),
        link() / four("10.2.0.9").ttl(64) / data(10),
        link() / four("10.3.0.9").ttl(64) / data(10),
        link() / four("10.4.0.9").ttl(64) / data(10),
        link() / four("10.9.0.9").ttl(64) / data(10),
        link() / four("10.1.0.9").dscp(46).ttl(64) / data(9010),
        link() / four("10.0.0.1").ttl(64) / icmp_echo_request(7, 1) / payload(40),
        link() / four("10.0.1.1").ttl(64) / data(40),
        link() / ip("127.0.0.1", "10.1.0.9").ttl(64) / data(10),
        link() / ip("10.0.0.1", "10.1.0.9").ttl(64) / data(10),
        link() / four("10.0.0.255").ttl(64) / data(10),
        link() / four("10.1.0.9").ttl(64).bad_checksum() / data(10),
        link() / vlan(9) / four("10.1.0.9").ttl(64) / data(10),
        link() / vlan(0) / four("10.1.0.9").ttl(64) / data(10),
        eth().dst("02:00:00:00:00:99").src("02:00:00:00:00:05") / four("10.1.0.9").ttl(64) / data(10),
        link() / six("2001:db8:9::9").ttl(64) / data(100),
        link() / six("2001:db8:9::9").ttl(64) / data(1400),
        link() / six("2001:db8:9::9").ttl(1) / data(10),
        link() / six("2001:db8:7::9").ttl(64) / data(10),
        link() / six("fe80::9").ttl(64) / data(10),
        link() / four("10.1.0.9").ttl(64) / data(9190),
    ];
    for port in 0..8 {
        all.push(link() / four("10.1.0.9").ttl(64) / udp(6000 + port) / payload(20));
    }
    all
}

/// What the router counts the frame under, where it does.
fn counted(told: &Explanation) -> Vec<(DropReason, u64)> {
    let name = told.outcome.reason.as_deref();
    let dropped = DropReason::ALL.iter().copied().find(|r| Some(r.name()) == name);
    let punted = PuntReason::ALL.iter().find(|r| Some(r.name()) == name);
    let reason = match told.outcome.verdict.as_str() {
        "forward" => None,
        "drop" => dropped,
        _ => punted.unwrap().drop_reason().or_else(|| {
            let refused = |r: &&DropReason| told.then.iter().any(|t| t.contains(&format!("counted as {r}:")));
            DropReason::ALL.iter().find(refused).copied()
        }),
    };
    reason.map(|reason| (reason, 1)).into_iter().collect()
}

#[test]
fn what_is_told_is_what_happens() {
    let offline = Offline::new(parse(TEXT, "t").unwrap()).unwrap();
    let mut lab = Lab::new(TEXT);
    for packet in packets() {
        let bytes = packet.encode_padded();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let question = Question { interface: "ge0".into(), packets: Packets::Frames(vec![hex]) };
        let told = explain(&question, &offline).unwrap().remove(0);
        lab.send_bytes("ge0", 0, &bytes);
        lab.run(ms(100));
        let left: Vec<usize> = lab.take("ge1").iter().map(|seen| seen.bytes.len()).collect();
        assert_eq!(left, told.outcome.bytes, "{told:#?}");
        assert_eq!(lab.drops(), counted(&told), "{told:#?}");
        let answers = lab.take("ge0").len();
        let promised = told.then.iter().filter(|said| said.starts_with("it sends ")).count();
        assert_eq!(answers, promised, "{told:#?}");
        lab.forget();
    }
}
