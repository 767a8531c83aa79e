//! A provider's network of three router processes, two communities with the same
//! addresses: TCP through the VPN both ways, a trace that shows the labels, changes
//! under traffic (RFC 4364, RFC 4950).
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::PATIENCE;
use common::probe::{Ear, Family, udp};
use common::provider::{Place, Provider};
use nix::sys::socket::{setsockopt, sockopt};
use testbed::packet::{Kind, Layer, Packet};

/// Everything of one network, which takes a while to build.
#[test]
fn two_communities_share_a_provider_and_never_meet() {
    if !common::root() {
        return;
    }
    let provider = Provider::start();
    each_host_reaches_its_own_server_alone(&provider);
    long_transfers_of_both_run_side_by_side(&provider);
    a_trace_shows_the_labels(&provider);
    a_vrf_comes_and_goes_under_traffic(&provider);
    without_its_vrf_s_label_a_community_is_cut_off_alone(&provider);
}

/// What the server of a community says: nobody else says it.
fn says(c: usize) -> Vec<u8> {
    format!("this is the server of community {c}\n").into_bytes()
}

/// A server at a host's address: the same address and port in both communities.
fn serve(provider: &Provider, at: Place, address: IpAddr) -> (SocketAddr, TcpListener) {
    let listener = provider.host(at).run(|| TcpListener::bind((address, 8080))).unwrap().unwrap();
    (listener.local_addr().unwrap(), listener)
}

/// Both ends of both communities' connections say who they are.
fn each_host_reaches_its_own_server_alone(provider: &Provider) {
    for from in [1, 2] {
        let to = 3 - from;
        for family in [0, 1] {
            let servers = [1, 2].map(|c| serve(provider, (to, c), provider.addresses((to, c))[family]));
            assert_eq!(servers[0].0, servers[1].0);
            let calls = [1, 2].map(|c| call(provider, (from, c), servers[c - 1].0));
            for (c, ((_, listener), near)) in (1..).zip(servers.iter().zip(&calls)) {
                let far = listener.accept().unwrap().0;
                assert_eq!(exchange(near, &far, c), [says(c), says(c + 10)], "community {c}");
            }
        }
    }
}

fn call(provider: &Provider, at: Place, to: SocketAddr) -> TcpStream {
    let stream = provider.host(at).run(|| TcpStream::connect_timeout(&to, PATIENCE)).unwrap().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Lets both ends of a connection say their name; gives what near and far heard.
fn exchange(mut near: &TcpStream, mut far: &TcpStream, c: usize) -> [Vec<u8>; 2] {
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = [Vec::new(), Vec::new()];
    near.write_all(&says(c + 10)).unwrap();
    far.write_all(&says(c)).unwrap();
    near.shutdown(Shutdown::Write).unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    near.read_to_end(&mut heard[0]).unwrap();
    far.read_to_end(&mut heard[1]).unwrap();
    heard
}

/// Full-size segments under two labels, both communities and both directions at once.
fn long_transfers_of_both_run_side_by_side(provider: &Provider) {
    for family in [0, 1] {
        std::thread::scope(|scope| {
            for c in [1, 2] {
                scope.spawn(move || {
                    let (near, far) = (provider.host((1, c)), provider.host((2, c)));
                    let ends = common::transfer::connect(near, far, provider.addresses((2, c))[family]);
                    common::transfer::exchange(ends, 1 << 20);
                });
            }
        });
    }
}

/// The label stack that an error says its datagram came with: labels and TTLs.
fn labels(message: &Packet) -> Vec<(u64, u64)> {
    let number = |entry: &Layer, name| entry.number(name).unwrap();
    let behind = message.layers().iter().skip_while(|layer| layer.kind != Kind::Extension);
    let entries = behind.filter(|layer| layer.kind == Kind::Mpls);
    entries.map(|entry| (number(entry, "label"), number(entry, "ttl"))).collect()
}

/// As `traceroute -e` does: one hop more each time, until the host itself answers. The P
/// router is in no community, has no way back, and is heard all the same (RFC 3032
/// section 2.3.2); what it says is in IPv4, as its addresses are.
fn a_trace_shows_the_labels(provider: &Provider) {
    for c in [1, 2] {
        let (host, to) = (provider.host((1, c)), provider.addresses((2, c))[0]);
        let vpn = 20_000 + c as u64 - 1;
        // The transport label of PE 2, and the community's own.
        let stacks = [vec![], vec![(16_001, 1), (vpn, 1)], vec![(vpn, 1)], vec![]];
        for (ttl, stack) in (1..).zip(stacks) {
            let ear = Ear::new(host, Family::V4);
            let socket = udp(host, provider.addresses((1, c))[0]);
            setsockopt(&socket, sockopt::Ipv4Ttl, &ttl).unwrap();
            let target = SocketAddr::new(to, 33_434);
            socket.send_to(b"how far?", target).unwrap();
            let (from, message) = ear.message_about(target);
            assert_eq!(labels(&message), stack, "community {c}, hop {ttl}, {from}:\n{message}");
            match ttl {
                1 => assert_eq!(from, provider.gateways(1)[0]),
                3 => assert_eq!(from, provider.gateways(2)[0]),
                4 => assert_eq!(from, to),
                _ => {}
            }
        }
    }
}

/// One more community at PE 1, as the first ones are.
const MORE: &str = r#"
    [[vrf]]
    name = "more"
    rd = "65000:99"
    [[label]]
    label = 29999
    vrf = "more"
    [[route]]
    vrf = "more"
    prefix = "10.0.32.0/20"
    via = "172.31.0.2"
    push = [29999]
"#;

/// While datagrams of both communities and families go each way, PE and P are changed.
fn a_vrf_comes_and_goes_under_traffic(provider: &Provider) {
    let done = AtomicBool::new(false);
    let done = &done;
    std::thread::scope(|scope| {
        let mut flows = Vec::new();
        for (c, family) in [(1, 0), (1, 1), (2, 0), (2, 1)] {
            for from in [1, 2] {
                let ends =
                    [from, 3 - from].map(|n| udp(provider.host((n, c)), provider.addresses((n, c))[family]));
                flows.push(scope.spawn(move || flow(&ends[0], &ends[1], done)));
            }
        }
        for name in ["pe1", "pe2"] {
            let (router, text) = provider.router(name);
            let other = if name == "pe1" { MORE.to_owned() } else { MORE.replace("0.2\"", "0.1\"") };
            for text in [format!("{text}{other}"), text.to_owned()] {
                std::thread::sleep(Duration::from_millis(200));
                router.apply(&text);
            }
        }
        std::thread::sleep(Duration::from_millis(200));
        done.store(true, Ordering::Relaxed);
        for flow in flows {
            let (sent, heard) = flow.join().unwrap();
            assert!(sent > 30, "{sent} datagrams are no measure");
            assert_eq!(heard, (0..sent).collect::<Vec<u32>>());
        }
    });
}

/// Sends numbered datagrams until `done`; gives how many, and the numbers that came.
fn flow(near: &UdpSocket, far: &UdpSocket, done: &AtomicBool) -> (u32, Vec<u32>) {
    let (to, mut sent, mut heard) = (far.local_addr().unwrap(), 0u32, Vec::new());
    let mut bytes = [0; 8];
    far.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    while !done.load(Ordering::Relaxed) {
        near.send_to(&sent.to_be_bytes(), to).unwrap();
        sent += 1;
        while let Ok(4) = far.recv(&mut bytes) {
            heard.push(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
    }
    far.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    while let Ok(4) = far.recv(&mut bytes) {
        heard.push(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    }
    (sent, heard)
}

/// What comes in under a label that is gone goes nowhere, and the other community does not notice.
fn without_its_vrf_s_label_a_community_is_cut_off_alone(provider: &Provider) {
    let (router, text) = provider.router("pe2");
    let without = text.replace("[[label]]\nlabel = 20000\nvrf = \"c1\"\n", "");
    assert!(without.len() < text.len());
    router.apply(&without);
    for to in provider.addresses((2, 1)) {
        assert!(!common::probe::answers(provider.host((1, 1)), to), "{to}");
        assert!(common::probe::answers(provider.host((1, 2)), to), "{to}");
    }
    let drops = router.show("drops");
    let rows = drops["rows"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["reason"] == "mpls-no-label"), "{drops}");
}
