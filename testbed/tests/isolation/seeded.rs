//! Leaks seeded one at a time: each is found, and its packet, sent into the real
//! routers in virtual time, comes out where the proof says.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use control::prove::{Example, Leak, Report};
use dataplane::packet::DropReason;
use ipnet::IpNet;
use testbed::lab::{Lab, ms, us};
use testbed::network::Network;
use testbed::packet::{Kind, Packet};

use super::network::{LINES, files};
use super::proved;
use super::seeds::{SEEDS, Seed};

pub(crate) type Files = Vec<(&'static str, String)>;

pub(crate) fn with(seed: &Seed) -> Files {
    let mut files = files();
    for (router, old, new) in seed.edits {
        let (_, text) = files.iter_mut().find(|(name, _)| name == router).unwrap();
        assert!(text.contains(old), "{}: \"{old}\" is not in {router}", seed.what);
        *text = if old.is_empty() { format!("{text}\n{new}") } else { text.replace(old, new) };
    }
    files
}

fn proof(files: &Files) -> Report {
    proved(files.iter().map(|(name, text)| (*name, text.as_str())))
}

#[test]
fn without_a_mistake_all_is_closed_and_whole() {
    let report = proof(&files());
    let told = |list: Vec<String>| list.concat();
    assert_eq!(told(report.leaks.iter().map(ToString::to_string).collect()), "");
    assert_eq!(told(report.missing.iter().map(ToString::to_string).collect()), "");
    assert_eq!(told(report.unproved.iter().map(ToString::to_string).collect()), "");
    assert!(report.holds(), "{report:#?}");
}

#[test]
fn there_are_fifty_and_more() {
    assert!(SEEDS.len() >= 50, "{}", SEEDS.len());
}

#[test]
fn every_seeded_leak_is_found_and_its_packet_goes_where_the_proof_says() {
    let failed: Vec<String> = SEEDS.iter().filter_map(|seed| check(seed).err()).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), SEEDS.len(), failed.join("\n"));
}

/// Proves the seeded network; sends every leak's packet between the seeded ends.
fn check(seed: &Seed) -> Result<(), String> {
    let files = with(seed);
    let report = proof(&files);
    let meant = |l: &&Leak| {
        (l.from.router.as_str(), l.from.vrf.as_str()) == seed.from
            && (l.to.router.as_str(), l.to.vrf.as_str()) == seed.to
    };
    let found: Vec<&Leak> = report.leaks.iter().filter(meant).collect();
    if found.is_empty() {
        let others: Vec<_> = report.leaks.iter().map(|l| format!("{} to {}", l.from, l.to)).collect();
        return Err(format!("{}: not found; found were {others:?}", seed.what));
    }
    for leak in found {
        let example = leak.example.as_ref().ok_or("no example")?;
        if !example.confirmed {
            return Err(format!("{}: not confirmed:\n{leak}", seed.what));
        }
        sent(&files, seed, example).map_err(|why| format!("{}: {why}\n{leak}", seed.what))?;
    }
    Ok(())
}

/// The seeded routers, running and joined.
pub(crate) fn running(files: &Files) -> Network {
    let mut network = Network::new(1);
    for (name, text) in files {
        network.add_named(name, Lab::new(text));
    }
    let back = (("ce1", "back"), ("pe2", "door"));
    let has_back = files[3].1.contains("name = \"back\"");
    for ((a, a_port), (b, b_port)) in LINES.into_iter().chain(has_back.then_some(back)) {
        let (a, b) = (network.named(a), network.named(b));
        network.join((a, a_port), (b, b_port), us(50), 0);
    }
    network
}

/// The neighbours that may have the packet in the end: its destination, and the router on
/// the ninth address of each subnet.
pub(crate) fn neighbours(lab: &Lab, interface: &str, to: IpAddr) -> BTreeSet<IpAddr> {
    let snapshot = lab.snapshot();
    let found = snapshot.interface_named(interface).unwrap();
    let ninth = |net: IpNet| match net.network() {
        IpAddr::V4(first) => IpAddr::from(Ipv4Addr::from_bits(first.to_bits() + 9)),
        IpAddr::V6(first) => IpAddr::from(Ipv6Addr::from_bits(first.to_bits() + 9)),
    };
    let nets = found.addresses.iter().map(|a| a.net).filter(|net| net.contains(&ninth(*net)));
    let routers = nets.map(ninth).filter(|a| !matches!(a, IpAddr::V6(a) if a.is_unicast_link_local()));
    routers.chain(found.connected(to).map(|_| to)).collect()
}

/// Sends the packet, and sees who has it.
fn sent(files: &Files, seed: &Seed, example: &Example) -> Result<(), String> {
    let mut network = running(files);
    let receiver = example.receiver.as_ref().ok_or("nobody has it")?;
    if (receiver.router.as_str(), receiver.vrf.as_str()) != seed.to {
        return Err(format!("{receiver} has it"));
    }
    let end = network.named(&receiver.router);
    if let Some(interface) = &receiver.interface {
        for host in neighbours(network.lab(end), interface, example.packet.destination) {
            network.lab(end).host(interface, &host.to_string());
        }
    }
    network.lab(end).forget();
    let start = network.named(&example.at.router);
    let by = example.at.interface.as_deref().unwrap();
    let frame = example.packet.frame(network.lab(start).snapshot().interface_named(by).unwrap()).unwrap();
    network.lab(start).send_bytes(by, 0, &frame);
    network.run(ms(5000));
    let Some(interface) = &receiver.interface else {
        let drops = network.lab(end).drops();
        let refused = drops.iter().any(|(reason, _)| *reason == DropReason::LocalUnknown);
        return if refused { Ok(()) } else { Err(format!("the router was not reached: {drops:?}")) };
    };
    let seen = network.lab(end).take(interface);
    match seen.iter().any(|seen| is(&Packet::decode(&seen.bytes), example)) {
        true => Ok(()),
        false => Err(format!("it did not come out of {interface}; {} frames did", seen.len())),
    }
}

/// Whether it is the example's packet, without labels.
fn is(packet: &Packet, example: &Example) -> bool {
    let header = packet.layer(Kind::Ipv4).or_else(|| packet.layer(Kind::Ipv6));
    let ports = packet.layer(Kind::Udp).and_then(|udp| udp.number("sport"));
    packet.layer(Kind::Mpls).is_none()
        && ports == Some(example.packet.source_port.into())
        && header.is_some_and(|h| {
            (h.address("src"), h.address("dst"))
                == (Some(example.packet.source), Some(example.packet.destination))
        })
}
