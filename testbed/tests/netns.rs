//! Namespaces as hosts and a kernel router between them.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::Read;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::time::Duration;

use testbed::netns::{self, Namespace};

fn namespaces<const N: usize>(names: [&str; N]) -> Option<[Namespace; N]> {
    if let Err(why) = netns::available() {
        eprintln!("SKIPPED: {why}");
        return None;
    }
    Some(names.map(|name| Namespace::new(name).unwrap()))
}

/// a (10.1.0.2) ── (10.1.0.1) r (10.2.0.1) ── (10.2.0.2) b, and the same in IPv6.
#[test]
fn two_hosts_talk_through_a_third() {
    let Some([a, r, b]) = namespaces(["a", "r", "b"]) else { return };
    for (host, dev, near, n) in [(&a, "e0", "r0", 1), (&b, "e1", "r1", 2)] {
        host.veth(dev, &r, near).unwrap();
        host.offloads_off(dev).unwrap();
        host.mac(dev, [2, 0, 0, 0, n, 2]).unwrap();
        for (side, dev, end) in [(host, dev, 2), (&r, near, 1)] {
            side.up(dev).unwrap();
            side.address(dev, format!("10.{n}.0.{end}/24").parse().unwrap()).unwrap();
            side.address(dev, format!("fd00:{n}::{end}/64").parse().unwrap()).unwrap();
        }
        host.route("0.0.0.0/0".parse().unwrap(), format!("10.{n}.0.1").parse().unwrap()).unwrap();
        host.route("::/0".parse().unwrap(), format!("fd00:{n}::1").parse().unwrap()).unwrap();
        r.neighbour(near, format!("10.{n}.0.2").parse().unwrap(), [2, 0, 0, 0, n, 2]).unwrap();
    }
    r.forwarding(true).unwrap();
    for (from, to) in [("10.1.0.2:0", "10.2.0.2:700"), ("[fd00:1::2]:0", "[fd00:2::2]:700")] {
        let listener = b.run(|| UdpSocket::bind(to)).unwrap().unwrap();
        listener.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        a.run(|| UdpSocket::bind(from).unwrap().send_to(b"hello", to)).unwrap().unwrap();
        let mut heard = [0; 8];
        assert_eq!(listener.recv(&mut heard).unwrap(), 5);
    }
    assert!(a.link("e0").unwrap().running);
    assert_eq!(a.link("e0").unwrap().mac, [2, 0, 0, 0, 1, 2]);
    a.mtu("e0", 1400).unwrap();
    assert_eq!(a.link("e0").unwrap().mtu, 1400);
}

#[test]
fn a_process_started_in_a_namespace_sees_its_links_only() {
    let Some([here, there]) = namespaces(["here", "there"]) else { return };
    here.veth("only-here", &there, "only-there").unwrap();
    let mut command = Command::new("cat");
    let mut child = here.spawn(command.arg("/proc/self/net/dev").stdout(Stdio::piped())).unwrap();
    let mut seen = String::new();
    child.stdout.take().unwrap().read_to_string(&mut seen).unwrap();
    child.wait().unwrap();
    assert!(seen.contains("only-here") && !seen.contains("only-there"));
}

#[test]
fn links_go_with_their_namespace() {
    let Some([here, there]) = namespaces(["here", "there"]) else { return };
    here.veth("e0", &there, "e1").unwrap();
    drop(there);
    // The kernel takes a namespace apart in its own time.
    let gone = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        here.link("e0").is_err()
    });
    assert!(gone);
}

#[test]
fn a_refusal_names_the_namespace_and_what_was_asked() {
    let Some([here]) = namespaces(["here"]) else { return };
    let error = here.up("e7").unwrap_err().to_string();
    assert!(error.starts_with("namespace here: e7: up: "), "{error}");
    assert!(here.offloads_off("e7").unwrap_err().to_string().contains("no network device \"e7\""));
    assert!(here.sysctl("net.ipv4.no_such_thing", "1").is_err());
}
