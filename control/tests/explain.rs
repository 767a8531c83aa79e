//! Explanations hold for whatever comes, and name what a reader looks for.

#![allow(clippy::unwrap_used)]

use control::config::parse;
use control::explain::{Explanation, Offline, Packets, Question, Surroundings, Words, explain};
use dataplane::packet::{DropReason, PuntReason};
use dataplane::wire::ipv4::Ipv4Header;
use proptest::prelude::*;

const TEXT: &str = r#"
[[port]]
name = "ge0"
kind = "loopback"
[[port]]
name = "ge1"
kind = "loopback"
rate = "1 Gbit/s"
[[vrf]]
name = "red"
otherwise = "unreachable"
[[interface]]
name = "ge0"
mac = "02:00:00:00:00:01"
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
trust = false
[[interface]]
name = "red0"
port = "ge0"
vlan = [200, 100]
tpid = "802.1ad"
vrf = "red"
addresses = ["10.0.0.1/24"]
[interface.dscp]
7 = "video"
[[interface]]
name = "ge1"
mtu = 600
addresses = ["10.0.1.1/24"]
[interface.qos]
rate = "1 Mbit/s"
discipline = "fifo"
[[interface]]
name = "red1"
port = "ge1"
vlan = 7
vrf = "red"
addresses = ["10.0.2.1/24"]
[interface.qos]
rate = "1 Mbit/s"
[[route]]
prefix = "10.1.0.0/16"
via = "10.0.1.2"
[[route]]
prefix = "10.3.0.0/16"
discard = "prohibited"
[[neighbour]]
interface = "ge1"
address = "10.0.1.2"
mac = "02:00:00:00:00:02"
[[neighbour]]
interface = "red1"
address = "10.0.2.9"
mac = "02:00:00:00:00:09"
"#;

fn router() -> Offline {
    Offline::new(parse(TEXT, "t").unwrap()).unwrap()
}

fn words(from: &str, to: &str) -> Words {
    Words {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        protocol: 17,
        source_port: 1000,
        destination_port: 2000,
        dscp: 0,
        ttl: 64,
        size: 100,
        dont_fragment: false,
        vlan: None,
        labels: Vec::new(),
    }
}

fn told(interface: &str, words: Words) -> Result<Explanation, String> {
    let question = Question { interface: interface.into(), packets: Packets::Words(words) };
    explain(&question, &router()).map(|mut all| all.remove(0))
}

fn decision<'e>(told: &'e Explanation, stage: &str) -> &'e str {
    &told.steps.iter().find(|step| step.stage == stage).unwrap().decision
}

fn fact<'e>(told: &'e Explanation, stage: &str, name: &str) -> &'e str {
    let step = told.steps.iter().find(|step| step.stage == stage).unwrap();
    &step.facts.iter().find(|fact| fact.name == name).unwrap().value
}

/// What holds of every explanation.
fn is_whole(told: &Explanation) -> bool {
    let order = ["parse", "classify", "police", "lookup", "rewrite", "queue"];
    let stages: Vec<_> = told.steps.iter().map(|s| order.iter().position(|o| *o == s.stage)).collect();
    if told.steps.first().is_some_and(|step| step.stage == "receive") {
        return told.steps.len() == 1 && told.outcome.reason.as_deref() == Some("frame-too-long");
    }
    let in_order = stages.iter().enumerate().all(|(at, stage)| *stage == Some(at));
    let reason = told.outcome.reason.as_deref();
    let ends = match told.outcome.verdict.as_str() {
        "forward" => stages.len() == 6 && reason.is_none() && !told.outcome.bytes.is_empty(),
        "drop" => DropReason::ALL.iter().any(|r| Some(r.name()) == reason) && told.then.is_empty(),
        "punt" => PuntReason::ALL.iter().any(|r| Some(r.name()) == reason) && !told.then.is_empty(),
        _ => false,
    };
    in_order && ends && !told.packet.is_empty()
}

#[test]
fn marks_that_are_not_trusted_and_maps_of_the_interface_are_named() {
    let mut call = words("10.0.0.5", "10.1.0.9");
    call.dscp = 46;
    let plain = told("ge0", call).unwrap();
    assert_eq!(decision(&plain, "classify"), "DSCP EF (46) is class standard, green");
    assert_eq!(fact(&plain, "classify", "why"), "marks of ge0 are not trusted: all of it is standard");
    let mut odd = words("10.0.0.5", "10.0.2.9");
    odd.dscp = 7;
    let red = told("red0", odd.clone()).unwrap();
    assert_eq!(decision(&red, "classify"), "DSCP 7 is class video, green");
    assert_eq!(fact(&red, "classify", "why"), "the map of red0 says so");
    odd.dscp = 28;
    let yellow = told("red0", odd).unwrap();
    assert_eq!(
        fact(&yellow, "classify", "precedence"),
        "dropped before green frames of its class (RFC 2597)"
    );
}

#[test]
fn queues_say_when_a_class_is_served() {
    let fifo = told("ge0", words("10.0.0.5", "10.1.0.9")).unwrap();
    assert_eq!(decision(&fifo, "queue"), "standard on ge1: one queue for all classes, first in first out");
    let of = |dscp| {
        let mut words = words("10.0.0.5", "10.0.2.9");
        words.dscp = dscp;
        told("red0", words).unwrap()
    };
    assert!(decision(&of(46), "queue").contains("before every class without priority"));
    assert!(decision(&of(1), "queue").contains("only when nothing else waits (RFC 8622)"));
    assert!(decision(&of(32), "queue").contains("weight 20 of 100, 20 %"));
    let leftovers = "not bounded: scavenger only gets what the other classes of \"red1\" leave";
    assert_eq!(fact(&of(1), "queue", "worst wait"), leftovers);
    assert_eq!(fact(&of(46), "rewrite", "tags"), "802.1Q 7");
    assert_eq!(fact(&of(46), "queue", "port"), "ge1, 1 Gbit/s, burst 1.000 ms");
}

#[test]
fn a_vrf_keeps_to_itself() {
    let told = told("red0", words("10.0.0.5", "10.1.0.9")).unwrap();
    assert_eq!(told.outcome.reason.as_deref(), Some("unreachable"));
    assert!(fact(&told, "lookup", "route").starts_with("otherwise, distance 254: unreachable"));
    assert!(told.then[0].contains("(type 3, code 1) 10.0.0.1 → 10.0.0.5"), "{:?}", told.then);
}

#[test]
fn a_port_may_be_named_with_tags() {
    let mut tagged = words("10.0.0.5", "10.0.2.9");
    tagged.vlan = Some(vec![200, 100]);
    let red = told("ge0", tagged.clone()).unwrap();
    assert_eq!(fact(&red, "parse", "interface"), "red0");
    tagged.vlan = Some(vec![0]);
    assert_eq!(fact(&told("ge0", tagged.clone()).unwrap(), "parse", "interface"), "ge0");
    tagged.vlan = Some(vec![1, 2, 3]);
    assert!(told("ge0", tagged).unwrap_err().contains("allowed are one id or two"));
}

#[test]
fn what_cannot_be_a_frame_is_refused() {
    let ask = |frames: &[&str]| {
        let packets = Packets::Frames(frames.iter().map(|f| (*f).to_owned()).collect());
        explain(&Question { interface: "ge0".into(), packets }, &router()).map(|all| all.len())
    };
    assert!(ask(&["0g"]).unwrap_err().contains("hexadecimal"));
    assert!(ask(&["abc"]).unwrap_err().contains("hexadecimal"));
    assert!(ask(&["+1"]).unwrap_err().contains("hexadecimal"));
    assert_eq!(ask(&[&"00".repeat(9_500)]), Ok(1));
    assert_eq!(ask(&["", "00"]), Ok(2));
}

/// A sound frame to 10.1.0.9, which is forwarded.
fn sound() -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, 8, 0];
    let mut header = [0; 20];
    Ipv4Header::new([10, 0, 0, 5].into(), [10, 1, 0, 9].into(), 17, 60).emit(&mut header).unwrap();
    bytes.extend(header);
    bytes.extend([0x10, 0, 0x20, 0, 0, 60, 0, 0]);
    bytes.resize(14 + 80, 0);
    bytes
}

proptest! {
    #[test]
    fn every_frame_is_explained(
        noise in prop::collection::vec(any::<u8>(), 0..120),
        edits in prop::collection::vec((12usize..60, any::<u8>()), 0..4),
        mended: bool,
    ) {
        let mut edited = sound();
        edits.iter().for_each(|(at, byte)| edited[*at] = *byte);
        if mended {
            let _ = Ipv4Header::fill_checksum(&mut edited[14..34]);
        }
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let packets = Packets::Frames(vec![hex(&noise), hex(&edited)]);
        let router = router();
        let all = explain(&Question { interface: "ge0".into(), packets }, &router).unwrap();
        prop_assert_eq!(all.len(), 2);
        for told in &all {
            prop_assert!(is_whole(told), "{:?}", told);
        }
        prop_assert_eq!(router.snapshot().adjacencies.len(), 2);
    }

    #[test]
    fn words_are_explained_or_refused_with_a_reason(
        from: u32, to in prop_oneof![any::<u32>(), 0x0a00_0000u32..0x0a04_0000],
        protocol: u8, dscp in 0u8..64, ttl: u8, size: u16, dont_fragment: bool,
    ) {
        let (from, to) = (std::net::Ipv4Addr::from(from).into(), std::net::Ipv4Addr::from(to).into());
        let words = Words {
            from, to, protocol, dscp, ttl, size, dont_fragment, source_port: 1, destination_port: 2,
            vlan: None, labels: Vec::new(),
        };
        match told("ge0", words) {
            Ok(told) => prop_assert!(is_whole(&told), "{:?}", told),
            Err(error) => prop_assert!(error.contains("allowed:"), "{}", error),
        }
    }
}
