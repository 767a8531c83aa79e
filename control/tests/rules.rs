//! Match groups and rules in the file: what they come to, what contradicts itself, what
//! can never match, and what overlaps.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::config::parse;
use control::{PortFacts, State, compile, diff};
use dataplane::class::{Colour, TrafficClass};
use dataplane::table::Snapshot;
use dataplane::table::rules::{Conditions, Fragment, Treatment};

const BASE: &str = "[[port]]\nname = \"ge0\"\nkind = \"loopback\"\n[[vrf]]\nname = \"red\"\n\
    [[interface]]\nname = \"ge0\"\n[[interface]]\nname = \"v20\"\nport = \"ge0\"\nvlan = 20\nvrf = \"red\"\n\
    [[interface]]\nname = \"v20.7\"\nport = \"ge0\"\nvlan = [20, 7]\n";

fn text(rules: &str) -> String {
    format!("{BASE}{rules}\n")
}

/// A rule of this name with these lines, for voice.
fn voice(name: &str, lines: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nclass = \"voice\"\n{lines}\n")
}

fn snapshot(rules: &str) -> Snapshot {
    let config = parse(&text(rules), "t").unwrap_or_else(|e| panic!("{e}"));
    compile(&config, &PortFacts::default()).unwrap()
}

#[track_caller]
fn conditions(lines: &str) -> Conditions {
    snapshot(&voice("r", lines)).rules.entering.rules()[0].conditions.clone()
}

/// Line, key and message of each fault.
fn faults(rules: &str) -> Vec<(usize, String, String)> {
    let errors = parse(&text(rules), "t").unwrap_err();
    errors.errors.into_iter().map(|e| (e.line, e.key, e.message)).collect()
}

#[track_caller]
fn one_fault(rules: &str, key: &str, message: &str) {
    let faults = faults(rules);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].1 == key && faults[0].2.contains(message), "{faults:?}");
    assert!(faults[0].0 > 15, "a line among the rules: {faults:?}");
}

#[test]
fn keys_mean_what_a_packet_must_be() {
    let c = conditions(
        "destination-port = [5060, \"10000-20000\"]\nprotocol = [\"udp\", 136]\nlength = \"0-200\"",
    );
    assert_eq!(c.destination_ports, Some(vec![5060..=5060, 10_000..=20_000]));
    assert_eq!((c.protocols, c.lengths, c.sources), (Some(vec![17, 136]), Some(vec![0..=200]), None));
    let c = conditions("source = \"10.0.0.0/8\"\ndscp = [\"EF\", 5]\nfragment = [\"first\", \"later\"]");
    assert_eq!(c.sources, Some(vec!["10.0.0.0/8".parse().unwrap()]));
    assert_eq!((c.dscps, c.fragments), (Some(vec![46, 5]), Some(vec![Fragment::First, Fragment::Later])));
    let named = |lines: &str| {
        let snapshot = snapshot(&voice("r", lines));
        let ids = snapshot.rules.entering.rules()[0].conditions.interfaces.clone().unwrap();
        ids.iter().map(|id| snapshot.interface(*id).unwrap().name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(named("vlan = 20"), ["v20", "v20.7"]);
    assert_eq!(named("vlan = 20\nvrf = \"default\""), ["v20", "v20.7"]);
    let red = snapshot("").vrfs.iter().find(|(_, vrf)| &*vrf.name == "red").map(|(_, vrf)| vrf.id);
    assert_eq!(conditions("vrf = \"red\"").vrfs, Some(vec![red.unwrap()]));
}

#[test]
fn what_becomes_of_packets_is_class_colour_and_mark() {
    let treatment = |lines: &str| {
        let file = format!("[[rule]]\nname = \"r\"\n{lines}\n");
        snapshot(&file).rules.entering.rules()[0].treatment
    };
    let (class, mark) = (Some(TrafficClass::Video), Some(34));
    let colour = Some(Colour::Green);
    assert_eq!(treatment("class = \"video\""), Treatment { class, colour, ..Treatment::default() });
    let colour = Some(Colour::Yellow);
    assert_eq!(
        treatment("class = \"video\"\ncolour = \"yellow\"\nmark = \"af41\""),
        Treatment { class, colour, mark, tc: None }
    );
    assert_eq!(treatment("mark = 34"), Treatment { mark, ..Treatment::default() });
}

#[test]
fn groups_and_the_rule_itself_narrow_each_other() {
    let groups = "[[match]]\nname = \"net\"\nsource = [\"10.0.0.0/8\", \"192.0.2.0/24\"]\n\
                  [[match]]\nname = \"site\"\nsource = \"10.20.0.0/16\"\nlength = \"100-300\"\n";
    let rule = voice("r", "match = [\"net\", \"site\"]\nlength = \"200-400\"");
    let snapshot = snapshot(&format!("{groups}{rule}"));
    let c = &snapshot.rules.entering.rules()[0].conditions;
    assert_eq!(c.sources, Some(vec!["10.20.0.0/16".parse().unwrap()]));
    assert_eq!(c.lengths, Some(vec![200..=300]));
    let other = "[[match]]\nname = \"other\"\nsource = \"172.16.0.0/12\"\n";
    let rule = voice("r", "match = [\"net\", \"other\"]");
    one_fault(&format!("{groups}{other}{rule}"), "rule[0].match", "no packet has a \"source\"");
}

#[test]
fn a_rule_that_contradicts_itself_is_refused_with_its_line() {
    one_fault(&voice("r", "protocol = \"icmp\"\ndestination-port = 80"), "rule[0].destination-port", "icmp");
    one_fault(&voice("r", "fragment = \"later\"\nsource-port = 80"), "rule[0].source-port", "no ports");
    let mixed = voice("r", "source = \"10.0.0.0/8\"\ndestination = \"2001:db8::/32\"");
    one_fault(&mixed, "rule[0].source", "different IP versions");
    one_fault(&voice("r", "vlan = 21"), "rule[0].name", "no interface is of all");
    one_fault("[[rule]]\nname = \"r\"\nprotocol = 6\n", "rule[0].name", "does nothing");
    let elsewhere = voice("r", "interface = \"ge0\"\nvrf = \"red\"");
    one_fault(&elsewhere, "rule[0].name", "no interface is of all");
    one_fault(&voice("r", "mark-tc = 3"), "rule[0].mark-tc", "as they leave");
    one_fault(&voice("r", "direction = \"out\"\nmark-tc = 3"), "rule[0].mark-tc", "has labels");
    one_fault(&voice("r", "length = \"9-3\""), "rule[0].length", "ends before it begins");
    one_fault(&voice("r", "match = \"nobody\""), "rule[0].match", "there is no match \"nobody\"");
    one_fault(&voice("r", "interface = \"ge7\""), "rule[0].interface", "there is no interface \"ge7\"");
    one_fault(&voice("r", "source = []"), "rule[0].source", "a list without a value");
    one_fault(&(voice("r", "protocol = 6") + &voice("r", "protocol = 17")), "rule[1].name", "another rule");
}

#[test]
fn a_rule_that_can_never_match_names_those_that_shadow_it() {
    let wide = voice("wide", "source = \"10.0.0.0/8\"");
    let inner = voice("inner", "source = \"10.1.0.0/16\"\ndestination-port = 80");
    one_fault(&(wide.clone() + &inner), "rule[1].name", "matched by the rule \"wide\" before");
    assert!(parse(&text(&(inner + &wide)), "t").is_ok());
    let halves = voice("low", "source = \"10.0.0.0/9\"") + &voice("high", "source = \"10.128.0.0/9\"");
    one_fault(&(halves + &wide), "rule[2].name", "matched by the rules \"low\", \"high\" before");
    // What goes out is another list.
    let out = voice("out", "source = \"10.1.0.0/16\"\ndirection = \"out\"");
    assert!(parse(&text(&(wide + &out)), "t").is_ok());
}

/// The same with labels on one interface.
fn labelled(rules: &str) -> String {
    let mpls = "name = \"ge0\"\nmpls = true\n[[interface]]";
    text(rules).replacen("name = \"ge0\"\n[[interface]]", mpls, 1)
}

#[test]
fn a_label_may_lead_from_any_interface_that_has_labels_into_any_vrf() {
    let elsewhere = voice("r", "interface = \"ge0\"\nvrf = \"red\"");
    assert!(parse(&labelled(&elsewhere), "t").is_ok());
    one_fault(&voice("r", "tc = 5"), "rule[0].name", "mpls = true");
    assert!(parse(&labelled(&voice("r", "tc = [5, 7]")), "t").is_ok());
    // What comes by v20 is of red, but red's may come labelled too.
    let place = voice("place", "interface = \"v20\"");
    let never = parse(&text(&(place.clone() + &voice("red", "vrf = \"red\""))), "t").unwrap_err();
    assert!(never.errors[0].message.contains("it can never match"));
    assert!(parse(&labelled(&(place + &voice("red", "vrf = \"red\""))), "t").is_ok());
}

#[test]
fn what_stays_labelled_is_none_of_the_packets_of_a_rule_without_tc() {
    let all = voice("all", "protocol = [\"udp\", \"tcp\"]");
    let five = voice("five", "tc = 5");
    // Frames that only pass are left to it.
    assert!(parse(&labelled(&(all.clone() + &five)), "t").is_ok());
    let ip = voice("ip", "tc = 5\nsource = [\"0.0.0.0/0\", \"::/0\"]");
    assert!(parse(&labelled(&(ip.clone() + &five)), "t").is_ok(), "what is no IP packet is left");
    let never = parse(&labelled(&(five + &ip)), "t").unwrap_err();
    assert!(never.errors[0].message.contains("matched by the rule \"five\" before"));
}

#[test]
fn rules_that_overlap_with_another_outcome_are_warned_of() {
    let net = voice("net", "source = \"10.0.0.0/8\"");
    let web = "[[rule]]\nname = \"web\"\ndestination-port = 80\nclass = \"clinical\"\n";
    let config = parse(&text(&(net.clone() + web)), "t").unwrap();
    let warnings = config.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].key, "rule[1].name");
    assert!(warnings[0].line > 15 && warnings[0].message.contains("\"net\""), "{warnings:?}");
    let alike = parse(&text(&(net + &voice("web", "destination-port = 80"))), "t").unwrap();
    assert!(alike.warnings().is_empty());
}

#[test]
fn maps_that_nothing_is_looked_up_in_are_refused() {
    let told = |lines: &str| {
        let lines = format!("[[interface]]\nname = \"ge0\"\n{lines}\n");
        let file = text("").replacen("[[interface]]\nname = \"ge0\"\n", &lines, 1);
        let errors = parse(&file, "t").unwrap_err();
        errors.errors.iter().map(|e| e.key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("pcp = { 5 = \"voice\" }"), ["interface[0].pcp"]);
    assert_eq!(told("pcp-out = { voice = 5 }"), ["interface[0].pcp-out"]);
    assert_eq!(told("trust = \"pcp\"\npcp = { 8 = \"voice\" }"), ["interface[0].pcp.8"]);
    assert_eq!(told("dscp-out = { voice = [\"ef\", \"cs5\"] }"), ["interface[0].dscp-out.voice"]);
    assert_eq!(told("dscp = { ef = { class = \"voice\", color = \"red\" } }"), ["interface[0].dscp.ef"]);
}

#[test]
fn unchanged_rules_stay_the_very_same_and_their_order_is_a_difference() {
    let (a, b) = (voice("a", "destination-port = 1"), voice("b", "destination-port = 2"));
    let (mut state, mut snapshot) = (State::new(), Snapshot::default());
    let mut apply = |rules: &str| {
        let config = parse(&text(rules), "t").unwrap();
        state.apply(config, &PortFacts::default(), &mut snapshot).unwrap();
        snapshot.rules.clone()
    };
    let first = apply(&(a.clone() + &b));
    assert!(std::sync::Arc::ptr_eq(&first, &apply(&(a.clone() + &b))));
    assert_eq!(&*apply(&(b.clone() + &a)).entering.rules()[0].name, "b");
    let [old, new] = [a.clone() + &b, b + &a].map(|rules| parse(&text(&rules), "t").unwrap());
    let told: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["~ rules in the order of: a, b → b, a"]);
}

#[test]
fn four_thousand_rules_are_checked_and_compiled() {
    let of = |i: u32| format!("source = \"10.{}.{}.0/24\"\nprotocol = \"udp\"", i >> 8, i & 255);
    let rules: String = (0..4_096).map(|i| voice(&format!("r{i}"), &of(i))).collect();
    assert_eq!(snapshot(&rules).rules.entering.rules().len(), 4_096);
    let more = rules + &voice("one-more", "protocol = \"tcp\"");
    assert!(faults(&more)[0].2.contains("more than 4096"));
}

/// The ports of every second number from `from` on, so many.
fn teeth(from: u32, many: u32) -> String {
    (0..many).map(|n| (from + 2 * n).to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn rules_that_would_take_too_much_memory_are_refused_with_the_numbers() {
    let of = |i: u32| {
        // Lengths of packets that there are.
        let ports = teeth(if i == 0 { 65_520 } else { i * 16 }, 8);
        format!(
            "protocol = \"udp\"\nsource-port = [{ports}]\ndestination-port = [{ports}]\nlength = [{ports}]"
        )
    };
    let rules: String = (0..4_095).map(|i| voice(&format!("r{i}"), &of(i))).collect();
    one_fault(
        &rules,
        "rule[4094].name",
        "4095 rules for what comes in may take 100 MiB of memory, more than 64",
    );
    let rules: String = (0..1_000).map(|i| voice(&format!("r{i}"), &of(i))).collect();
    assert!(parse(&text(&rules), "t").is_ok());
}

#[test]
fn what_was_not_found_out_is_said() {
    let of = |i: u32| {
        let class = if i.is_multiple_of(2) { "video" } else { "voice" };
        let ports = teeth(i, 1_000);
        let lists = format!("source-port = [{ports}]\ndestination-port = [{ports}]\nlength = [{ports}]");
        format!("[[rule]]\nname = \"r{i}\"\nclass = \"{class}\"\n{lists}\n")
    };
    let rules: String = (0..600).map(of).collect();
    let warnings = parse(&text(&rules), "t").unwrap().warnings();
    let open: Vec<_> = warnings.iter().filter(|w| w.message.contains("left open")).collect();
    assert!(open.len() == 1 && open[0].message.contains("more: too many ranges"), "{open:?}");
}

#[test]
fn values_that_say_congestion_have_no_other_meaning() {
    let told = |lines: &str| {
        let text =
            format!("[[port]]\nname = \"p\"\nkind = \"loopback\"\n[[interface]]\nname = \"p\"\n{lines}\n");
        let errors = parse(&text, "t").err().map(|e| e.errors).unwrap_or_default();
        errors.into_iter().map(|e| (e.key, e.message)).collect::<Vec<_>>()
    };
    let one = |lines: &str, part: &str| {
        let told = told(lines);
        assert!(
            told.iter().any(|(key, message)| key.ends_with("tc-ce") && message.contains(part)),
            "{told:?}"
        );
    };
    assert_eq!(told("mpls = true\ntc-ce = { imaging = 7 }"), []);
    one("tc-ce = { imaging = 7 }", "neither come in nor leave");
    one("mpls = true\ntc-ce = { imaging = 3 }", "3 says national without congestion");
    one("mpls = true\ntc-ce = { imaging = 7, clinical = 7 }", "7 is that of");
    one("mpls = true\ntc = { 7 = \"video\" }\ntc-ce = { imaging = 7 }", "another meaning in \"tc\"");
    one(
        "mpls = true\ntc-out = { voice = 6 }\ntc-ce = { standard = 7, scavenger = 5 }",
        "alike without congestion",
    );
    one("mpls = true\necn-domain = true", "goes with it");
}

/// Key, message and help of what is warned of.
fn warned(rules: &str) -> Vec<(String, String, String)> {
    let config = parse(&text(rules), "t").unwrap_or_else(|e| panic!("{e}"));
    config.warnings().into_iter().map(|w| (w.key, w.message, w.help)).collect()
}

#[test]
fn rules_by_all_interfaces_that_there_are_leave_nothing_to_one_for_all() {
    let by = |name: &str| voice(name, &format!("interface = \"{name}\""));
    let rules = [by("ge0"), by("v20"), by("v20.7")].concat() + &voice("rest", "").replace("voice", "video");
    let warned_of = warned(&rules);
    assert_eq!((warned_of.len(), &*warned_of[0].0), (1, "rule[3].name"), "{warned_of:?}");
    assert!(warned_of[0].1.contains("the rules \"ge0\", \"v20\", \"v20.7\" before"), "{warned_of:?}");
    assert!(warned_of[0].2.contains("yet to come"), "{warned_of:?}");
    // One interface is left to it, or one Vrf.
    let two = [by("ge0"), by("v20")].concat() + &voice("rest", "").replace("voice", "video");
    assert!(warned(&two).is_empty());
    let vrfs =
        |names: &str| voice("vrfs", &format!("vrf = {names}")) + &voice("rest", "").replace("voice", "video");
    assert!(warned(&vrfs("\"red\"")).is_empty());
    assert!(warned(&vrfs("[\"red\", \"default\"]"))[0].1.contains("the rule \"vrfs\" before"));
}

#[test]
fn lengths_that_no_packet_has_are_refused_and_those_of_broken_ones_warned_of() {
    for length in ["0", "\"0-10\"", "19"] {
        one_fault(&voice("r", &format!("length = {length}")), "rule[0].length", "shorter than 20 bytes");
    }
    let six = "source = \"2001:db8::/32\"\nlength = \"0-39\"";
    one_fault(&voice("r", six), "rule[0].length", "shorter than 40 bytes");
    let ports = "destination-port = 80\nprotocol = \"tcp\"\nlength = \"0-23\"";
    one_fault(&voice("r", ports), "rule[0].length", "with ports");
    let group = "[[match]]\nname = \"tiny\"\nlength = 3\n".to_owned() + &voice("r", "match = \"tiny\"");
    one_fault(&group, "rule[0].match", "shorter than 20 bytes");
    assert!(warned(&voice("r", "length = 20")).is_empty());
    let tcp = |lines: &str| warned(&voice("r", &format!("protocol = \"tcp\"\n{lines}")));
    let odd = tcp("length = \"0-39\"");
    assert!(odd.len() == 1 && odd[0].1.contains("a whole packet of tcp has 40 bytes"), "{odd:?}");
    assert!(tcp("length = \"0-39\"\nfragment = \"later\"").is_empty() && tcp("length = \"0-40\"").is_empty());
    assert!(tcp("length = \"0-59\"\nsource = \"2001:db8::/32\"")[0].1.contains("60 bytes"));
    let other = warned(&voice("r", "protocol = \"icmpv6\"\nsource = \"10.0.0.0/8\""));
    assert!(other[0].1.contains("icmpv6 is of IPv6"), "{other:?}");
    assert!(other[0].2.contains("\"icmp\""), "{other:?}");
}

#[test]
fn bits_past_a_prefix_and_what_nothing_names_are_told() {
    one_fault(
        &voice("r", "source = \"10.0.0.1/8\""),
        "rule[0].source[0]",
        "10.0.0.1/8 has bits set past its length",
    );
    let group = "[[match]]\nname = \"m\"\ndestination = [\"10.0.0.0/8\", \"2001:db8::1/32\"]\n".to_owned();
    one_fault(
        &(group.clone() + &voice("r", "match = \"m\"")),
        "match[0].destination[1]",
        "2001:db8::1/32 has bits",
    );
    let group = group.replace("::1/32", "::/32");
    assert!(warned(&(group.clone() + &voice("r", "match = \"m\""))).is_empty());
    let unused = warned(&(group + "[[meter]]\nname = \"gold\"\nrate = \"1 Mbit/s\"\n" + &voice("r", "")));
    let told: Vec<_> = unused.iter().map(|w| (&*w.0, &*w.1)).collect();
    assert_eq!(
        told,
        [
            ("match[0].name", "no rule names the match \"m\""),
            ("meter[0].name", "no interface names the meter \"gold\"")
        ]
    );
}
