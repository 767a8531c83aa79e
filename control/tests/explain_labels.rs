//! Labelled packets are explained with their whole stack at every step, and overlapping
//! addresses by the Vrf they come in by.

#![allow(clippy::unwrap_used)]

use control::config::parse;
use control::explain::{Explanation, LabelWords, Offline, Packets, Question, Words, explain};

const TEXT: &str = r#"
[[port]]
name = "core"
kind = "loopback"
[[port]]
name = "ce"
kind = "loopback"
[[vrf]]
name = "red"
rd = "65000:1"
export = ["65000:1"]
[[vrf]]
name = "blue"
[[interface]]
name = "core"
mpls = true
mpls-mtu = 1508
addresses = ["10.0.0.1/24"]
[interface.tc]
5 = "video"
[[interface]]
name = "red"
port = "ce"
vlan = 1
vrf = "red"
addresses = ["10.1.0.1/24"]
[[interface]]
name = "blue"
port = "ce"
vlan = 2
vrf = "blue"
addresses = ["10.1.0.1/24"]
[[route]]
prefix = "10.255.0.2/32"
via = "10.0.0.2"
push = [17]
[[route]]
vrf = "red"
prefix = "10.2.0.0/16"
via = "10.255.0.2"
push = [30012]
[[route]]
vrf = "blue"
prefix = "10.2.0.0/16"
via = "10.1.0.9"
[[label]]
label = 40
swap = 41
via = "10.0.0.2"
[[label]]
label = 50
via = [{ address = "10.0.0.2", swap = 51 }, { address = "10.0.0.3", swap = 52 }]
[[label]]
label = 60
pop = true
via = ["10.0.0.2", "10.0.0.3"]
[[neighbour]]
interface = "core"
address = "10.0.0.2"
mac = "02:00:00:00:00:02"
[[neighbour]]
interface = "red"
address = "10.1.0.9"
mac = "02:00:00:00:00:09"
[[neighbour]]
interface = "blue"
address = "10.1.0.9"
mac = "02:00:00:00:00:0a"
"#;

fn told(interface: &str, labels: &[(u32, u8, u8)], to: &str) -> Explanation {
    let label = |(label, tc, ttl): &(u32, u8, u8)| LabelWords { label: *label, tc: *tc, ttl: *ttl };
    let words = Words {
        from: "10.1.0.9".parse().unwrap(),
        to: to.parse().unwrap(),
        protocol: 17,
        source_port: 1000,
        destination_port: 2000,
        dscp: 46,
        ttl: 64,
        size: 1500,
        dont_fragment: false,
        vlan: None,
        labels: labels.iter().map(label).collect(),
    };
    let question = Question { interface: interface.into(), packets: Packets::Words(words) };
    explain(&question, &Offline::new(parse(TEXT, "t").unwrap()).unwrap()).unwrap().remove(0)
}

fn decision<'e>(told: &'e Explanation, stage: &str) -> &'e str {
    &told.steps.iter().find(|step| step.stage == stage).unwrap().decision
}

fn facts<'e>(told: &'e Explanation, stage: &str, name: &str) -> Vec<&'e str> {
    let step = told.steps.iter().find(|step| step.stage == stage).unwrap();
    step.facts.iter().filter(|fact| fact.name == name).map(|fact| &*fact.value).collect()
}

#[test]
fn a_packet_into_a_vpn_gets_its_stack() {
    let red = told("red", &[], "10.2.0.7");
    assert_eq!(facts(&red, "lookup", "way"), ["push 30012, then push 17, then to 10.0.0.2 on core"]);
    let stack = "[17 tc 5 ttl 63, 30012 tc 5 ttl 63 bottom]";
    assert_eq!(facts(&red, "lookup", "stack"), [stack]);
    assert_eq!(facts(&red, "rewrite", "stack"), [stack]);
    let mtu = "1508 bytes, the datagram with its labels has 1508: fits";
    assert_eq!(facts(&red, "lookup", "mtu"), [mtu]);
    assert_eq!((red.outcome.verdict.as_str(), &*red.outcome.bytes), ("forward", &[1522][..]));
    // The same addresses in another Vrf are another packet.
    let blue = told("blue", &[], "10.2.0.7");
    assert_eq!(facts(&blue, "lookup", "next hop"), ["10.1.0.9 on blue"]);
    assert_eq!(facts(&blue, "rewrite", "to station"), ["02:00:00:00:00:0a"]);
}

#[test]
fn a_swap_is_told_with_the_stack_before_and_after() {
    let swapped = told("core", &[(40, 5, 64), (99, 3, 2)], "10.2.0.7");
    assert!(
        swapped.packet.starts_with("labels [40 tc 5 ttl 64, 99 tc 3 ttl 2 bottom], IPv4 UDP"),
        "{}",
        swapped.packet
    );
    assert_eq!(decision(&swapped, "classify"), "traffic class 5 is class video");
    assert_eq!(facts(&swapped, "classify", "why"), ["the map of core"]);
    assert_eq!(facts(&swapped, "labels", "label"), ["40: swap 41, then to 10.0.0.2 on core"]);
    assert_eq!(decision(&swapped, "lookup"), "swap 41, then to 10.0.0.2 on core");
    assert_eq!(facts(&swapped, "rewrite", "stack"), ["[41 tc 5 ttl 63, 99 tc 3 ttl 2 bottom]"]);
    assert_eq!(decision(&swapped, "rewrite"), "label TTL 64 to 63");
}

#[test]
fn the_end_of_an_lsp_is_a_look_up_in_its_vrf() {
    let ended = told("core", &[(0, 0, 9), (100_000, 5, 20)], "10.1.0.9");
    assert_eq!(decision(&ended, "labels"), "the stack ends here: what is below is looked up in vrf red");
    let labels = facts(&ended, "labels", "label");
    assert_eq!(labels[0], "0 (IPv4 explicit null): taken off (RFC 4182)");
    assert_eq!(labels[1], "100000: pop, look-up in vrf red (TTL uniform, DiffServ pipe)");
    assert_eq!(facts(&ended, "labels", "stack"), ["no labels"]);
    assert_eq!(facts(&ended, "lookup", "vrf"), ["red"]);
    assert_eq!(facts(&ended, "rewrite", "to station"), ["02:00:00:00:00:09"]);
    assert_eq!(decision(&ended, "rewrite"), "TTL 9 to 8");
}

/// The router looks at what is under label 1, then forwards by the label beneath.
#[test]
fn under_router_alert_the_way_is_that_of_the_label_beneath() {
    let alerted = told("core", &[(1, 5, 255), (40, 5, 64)], "10.2.0.7");
    assert_eq!(alerted.outcome.reason.as_deref(), Some("lsp-ping"));
    assert!(alerted.then.iter().any(|then| then.contains("goes on by the label beneath")), "{alerted:?}");
    let label = "1 (router alert): the router looks, then the label beneath decides (RFC 3032)";
    assert_eq!(facts(&alerted, "labels", "label"), [label]);
    assert_eq!(decision(&alerted, "lookup"), "once the router has looked: swap 41, then to 10.0.0.2 on core");
    let stack = "[1 (router alert) tc 5 ttl 254, 41 tc 5 ttl 63 bottom]";
    assert_eq!(facts(&alerted, "rewrite", "stack"), [stack]);
    assert_eq!(decision(&alerted, "rewrite"), "once the router has looked: label TTL 64 to 63");
    assert!(alerted.steps.iter().any(|step| step.stage == "queue"), "{alerted:?}");
    // Beneath it may be nothing that is known.
    let nothing = told("core", &[(1, 5, 255), (77, 5, 64)], "10.2.0.7");
    let last = &nothing.steps.last().unwrap().decision;
    assert!(last.starts_with("once the router has looked: dropped"), "{last}");
}

/// Each next hop has its own label: the one told is the one that the flow leaves with.
#[test]
fn of_several_ways_the_flow_s_own_is_told() {
    let mut taken = [0, 0];
    for n in 1..40 {
        let swapped = told("core", &[(50, 5, 64), (1000, 5, 64)], &format!("10.2.0.{n}"));
        let stack = facts(&swapped, "lookup", "stack")[0];
        let way = usize::from(!stack.starts_with("[51 "));
        taken[way] += 1;
        let (label, hop) = (51 + way, 2 + way);
        assert!(stack.starts_with(&format!("[{label} ")), "{stack}");
        let led = facts(&swapped, "labels", "label")[0];
        assert!(
            led.starts_with("50: way ")
                && led.ends_with(&format!("swap {label}, then to 10.0.0.{hop} on core")),
            "{led}"
        );
    }
    assert!(taken.iter().all(|n| *n > 0), "{taken:?}");
    // What is below the last label has another hash: which way the label took is not told.
    let popped = told("core", &[(60, 5, 64)], "10.2.0.7");
    assert_eq!(
        facts(&popped, "labels", "label"),
        ["60: pop (TTL uniform, DiffServ pipe), then one of 2 ways"]
    );
}

#[test]
fn what_ends_at_a_label_says_at_which() {
    let unknown = told("core", &[(100_000, 0, 9), (77, 0, 9)], "10.1.0.9");
    assert_eq!(unknown.outcome.reason.as_deref(), Some("mpls-not-bottom"));
    let nothing = told("core", &[(77, 0, 9)], "10.1.0.9");
    assert_eq!(nothing.outcome.reason.as_deref(), Some("mpls-no-label"));
    assert_eq!(facts(&nothing, "labels", "label"), ["77: nothing is known of it"]);
    let customer = told("red", &[(100_000, 0, 9)], "10.1.0.9");
    assert_eq!(customer.outcome.reason.as_deref(), Some("mpls-disabled"));
}
