//! Several routers in one virtual time.

use testbed::lab::{Lab, ms, secs};
use testbed::network::{End, Network, Node, Station};
use testbed::packet::*;

/// Router `n` of a chain: 10.n.0.0/24 behind it, neighbours n−1 to its left and n+1 to its right.
fn router(n: u8, last: u8) -> Lab {
    let mut text = String::new();
    for port in ["left", "right", "lan"] {
        text += &format!("[[port]]\nname = \"{port}\"\nkind = \"loopback\"\n");
    }
    text += &format!(
        "[[interface]]\nname = \"lan\"\naddresses = [\"10.{n}.0.254/24\", \"2001:db8:{n}::fe/64\"]\n"
    );
    let line = |port: &str, line: u8, end: u8| {
        format!(
            "[[interface]]\nname = \"{port}\"\naddresses = [\"172.16.{line}.{end}/24\", \"2001:db8:f{line}::{end}/64\"]\n"
        )
    };
    text += &line("left", n, 2);
    text += &line("right", n + 1, 1);
    for other in (1..=last).filter(|other| *other != n) {
        let (line, end) = if other < n { (n, 1) } else { (n + 1, 2) };
        text += &format!("[[route]]\nprefix = \"10.{other}.0.0/24\"\nvia = [\"172.16.{line}.{end}\"]\n");
        text +=
            &format!("[[route]]\nprefix = \"2001:db8:{other}::/64\"\nvia = [\"2001:db8:f{line}::{end}\"]\n");
    }
    let mut lab = Lab::new(&text);
    lab.host("lan", &format!("10.{n}.0.1"));
    lab.host("lan", &format!("2001:db8:{n}::1"));
    lab.forget();
    lab
}

fn chain(seed: u64, loss: u32) -> (Network, Vec<Node>) {
    let mut network = Network::new(seed);
    let nodes: Vec<Node> = (1..=4).map(|n| network.add(router(n, 4))).collect();
    for pair in nodes.windows(2) {
        network.join((pair[0], "right"), (pair[1], "left"), ms(5), loss);
    }
    (network, nodes)
}

#[test]
fn a_packet_crosses_four_routers_in_the_sum_of_the_delays() {
    let (mut network, nodes) = chain(1, 0);
    for (src, dst) in [("10.1.0.1", "10.4.0.1"), ("2001:db8:1::1", "2001:db8:4::1")] {
        for first in [true, false] {
            let sent = network.now();
            network.lab(nodes[0]).send("lan", ip(src, dst).ttl(9) / udp(1) / payload(100));
            network.run(ms(200));
            let seen = network.lab(nodes[3]).next_seen("lan", ms(0)).expect("it arrives");
            assert_eq!(diff(&(ip(src, dst).ttl(5) / udp(1) / payload(100)), &seen.bytes), None);
            // The first packet waits at every router while it asks for the next: a round trip each.
            let took = seen.at.since(sent);
            assert_eq!(took, if first { 45_000_000 } else { 15_000_000 }, "{dst}");
        }
    }
}

#[test]
fn a_traceroute_names_every_router_on_the_way() {
    let (mut network, nodes) = chain(1, 0);
    for (hop, router) in [(1, "10.1.0.254"), (2, "172.16.2.2"), (3, "172.16.3.2")] {
        let probe = || ip("10.1.0.1", "10.4.0.1").ttl(hop) / udp(33434);
        network.lab(nodes[0]).send("lan", probe());
        network.run(ms(300));
        let seen = network.lab(nodes[0]).next_seen("lan", ms(0)).expect("an answer");
        let quoted = ip("10.1.0.1", "10.4.0.1").ttl(1) / udp(33434);
        assert_eq!(diff(&(ip(router, "10.1.0.1") / icmp(11, 0).quoting(quoted)), &seen.bytes), None);
    }
}

#[test]
fn one_seed_replays_one_run() {
    let run = |seed| {
        let (mut network, nodes) = chain(seed, 20_000);
        let flow = ip("10.1.0.1", "10.4.0.1") / udp(1) / payload(50);
        network.lab(nodes[0]).offer("lan", flow, ms(1));
        network.run(ms(5000));
        network.lab(nodes[3]).forget();
        network.run(ms(2000));
        network.lab(nodes[3]).take("lan").iter().map(|seen| seen.at.nanos()).collect::<Vec<_>>()
    };
    let (first, again, other) = (run(7), run(7), run(8));
    assert_eq!(first, again);
    assert_ne!(first, other);
    // Three lossy lines: 0.98³ of what was sent is 1882; standard deviation 11.
    assert!((1820..=1945).contains(&first.len()), "{} of 2000 arrived", first.len());
}

/// Hosts beside the declared neighbours at both ends of a chain, and the addresses of the second.
fn ends(network: &mut Network, nodes: &[Node], seed: u64) -> ([End; 2], [std::net::IpAddr; 2]) {
    let net = |text: String| text.parse().unwrap();
    let ip = |text: String| text.parse().unwrap();
    let at = |network: &mut Network, n: u8, node: Node| {
        let addresses = [net(format!("10.{n}.0.7/24")), net(format!("2001:db8:{n}::7/64"))];
        let gateways = [ip(format!("10.{n}.0.254")), ip(format!("2001:db8:{n}::fe"))];
        network.attach((node, "lan"), Station::new([2, 0, 0, 0, 7, n], &addresses, &gateways, seed), ms(1))
    };
    let both = [at(network, 1, nodes[0]), at(network, 4, nodes[3])];
    (both, [ip("10.4.0.7".into()), ip("2001:db8:4::7".into())])
}

fn text(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|n| (n / 251) as u8 ^ n as u8 ^ seed).collect()
}

#[test]
fn hosts_talk_by_tcp_both_ways_though_lines_lose_frames() {
    for loss in [0, 10_000] {
        let (mut network, nodes) = chain(3, loss);
        let ([a, b], addresses) = ends(&mut network, &nodes, 3);
        let (up, down) = (text(100_000, 1), text(200_000, 2));
        for to in addresses {
            let heard = network.station(b).listen(80, &down);
            let said = network.station(a).call(to, 80, &up).unwrap();
            assert!(network.run_talks(&[a, b], secs(120)), "{to}, {loss} lost of a million: not over");
            assert!(network.station(a).heard(said) == down && network.station(b).heard(heard) == up);
        }
    }
}

#[test]
fn a_seed_decides_every_frame_of_a_run() {
    let run = |seed| {
        let (mut network, nodes) = chain(seed, 5_000);
        let ([a, b], addresses) = ends(&mut network, &nodes, seed);
        network.station(b).listen(80, &text(50_000, 2));
        network.station(a).call(addresses[0], 80, &text(50_000, 1));
        assert!(network.run_talks(&[a, b], secs(120)));
        (network.trace(), network.now())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
}
