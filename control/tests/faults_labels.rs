//! What a user reads who made mistakes with labels, VPNs and communities.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::config::parse;
use proptest::prelude::*;

/// A sound provider edge to which a test adds its fault.
const SOUND: &str = r#"
[router]
name = "pe1"
[[port]]
name = "core"
kind = "loopback"
[[port]]
name = "site"
kind = "loopback"
[[vrf]]
name = "red"
rd = "65000:1"
import = ["65000:1", { target = "65000:9", prefixes = "shared" }]
export = "65000:1"
[[vrf]]
name = "blue"
rd = "192.0.2.1:2"
[[prefix-list]]
name = "shared"
entries = ["deny 10.9.1.0/24", "10.9.0.0/16 le 24", "2001:db8::/32 ge 48"]
[[interface]]
name = "core"
addresses = ["10.0.0.1/30", "2001:db8::1/64"]
mpls = true
mpls-mtu = 1508
tc = { 7 = "voice" }
tc-out = { voice = 7 }
link = "pe1-p1"
[[interface]]
name = "site"
vrf = "red"
addresses = ["10.0.0.1/24"]
[[route]]
prefix = "192.0.2.2/32"
via = "10.0.0.2"
push = [30012]
[[route]]
vrf = "red"
prefix = "10.1.0.0/16"
via = ["10.0.0.2", { address = "192.0.2.2", push = [3, 17] }]
ttl = "pipe"
entropy = true
[[route]]
vrf = "red"
prefix = "2001:db8:1::/48"
via = "192.0.2.2"
push = [3, 18, 2]
[[label]]
label = 40000
swap = 30013
via = "10.0.0.2"
[[label]]
label = 40001
swap = 3
via = "10.0.0.2"
[[label]]
label = 40002
pop = true
[[label]]
label = 40003
vrf = "red"
diffserv = "short-pipe"
[[community]]
name = "reds"
members = ["red", "pe2:purple", "elsewhere"]
[[community]]
name = "blues"
members = ["pe1:blue"]
[[extranet]]
from = "blues"
to = "reds"
prefixes = ["10.9.0.0/16"]
"#;

/// "key: message" of each fault of `text`.
fn told(text: &str) -> Vec<String> {
    let errors = parse(text, "test.toml").err().unwrap_or_else(|| panic!("no fault found in\n{text}"));
    errors.errors.iter().map(|e| format!("{}: {}", e.key, e.message)).collect()
}

/// The faults of [`SOUND`] with `more` behind it.
fn with(more: &str) -> Vec<String> {
    told(&format!("{SOUND}{more}\n"))
}

/// The faults of [`SOUND`] with `to` in place of `from`.
fn but(from: &str, to: &str) -> Vec<String> {
    assert!(SOUND.contains(from), "{from}");
    told(&SOUND.replacen(from, to, 1))
}

fn label(text: &str) -> Vec<String> {
    with(&format!("[[label]]\n{text}"))
}

fn route(text: &str) -> Vec<String> {
    with(&format!("[[route]]\nvrf = \"red\"\nprefix = \"10.7.0.0/16\"\n{text}"))
}

#[test]
fn the_sound_file_is_sound_and_says_what_it_says() {
    let config = parse(SOUND, "test.toml").unwrap_or_else(|e| panic!("{e}"));
    let hops = |n: usize| {
        let hop = |h: control::config::Hop<'_>| format!("{} in {} push {:?}", h.address, h.vrf, h.push);
        config.routes[n].hops().map(hop).collect::<Vec<_>>()
    };
    assert_eq!(hops(0), ["10.0.0.2 in default push [30012]"]);
    assert_eq!(hops(1), ["10.0.0.2 in red push []", "192.0.2.2 in default push [17]"]);
    assert_eq!(hops(2), ["192.0.2.2 in default push [18, 2]"]);
    assert!(config.prefix_list("shared").unwrap().permits("10.9.2.0/24".parse().unwrap()));
    assert!(!config.prefix_list("shared").unwrap().permits("10.9.1.0/24".parse().unwrap()));
    assert!(config.communities[0].has("pe7", "red") && !config.communities[0].has("pe7", "purple"));
    let map = config.interfaces[0].tc_map();
    assert_eq!((map.get(7).0.name(), map.tc(dataplane::class::TrafficClass::Voice)), ("voice", 7));
}

#[test]
fn labels_have_one_way_each_and_none_that_is_given_out() {
    assert_eq!(label("label = 40000\npop = true"), ["label[4].label: there is another label 40000"]);
    assert_eq!(
        label("label = 100000\npop = true"),
        ["label[4].label: 100000 is one of the labels that the router gives out itself"]
    );
    assert_eq!(label("label = 15\npop = true"), ["label[4].label: 15 is reserved (RFC 3032 section 2.1)"]);
    assert_eq!(label("label = 1048576"), ["label[4].label: 1048576 is no label: it has 20 bits"]);
    assert_eq!(label("label = 41000"), ["label[4].label: nothing becomes of the label 41000"]);
    assert_eq!(
        label("label = 41000\nswap = 17"),
        ["label[4].swap: a label that is swapped needs a next hop"]
    );
    assert_eq!(
        label("label = 41000\nswap = 17\nvia = \"10.0.0.2\"\npop = true"),
        ["label[4].pop: a label has \"swap\" or \"pop\", not both"]
    );
    assert_eq!(
        label("label = 41000\nvrf = \"red\"\nvia = \"10.0.0.2\""),
        ["label[4].via: what is looked up in a vrf goes where its routes say"]
    );
    assert_eq!(label("label = 41000\nvrf = \"rde\""), ["label[4].vrf: there is no vrf \"rde\""]);
    assert_eq!(
        label("label = 41000\nswap = 17\nvia = \"10.0.0.2\"\nttl = \"pipe\""),
        ["label[4].ttl: a swap hands TTL and traffic class on as they are"]
    );
    assert_eq!(
        label("label = 41000\npop = true\nvia = \"10.0.0.9\"\npush = 17"),
        ["label[4].push: only what is swapped is pushed on"]
    );
    assert_eq!(
        label("label = 41000\npop = true\nvia = \"10.0.0.9\""),
        ["label[4].via: 10.0.0.9 cannot be reached: no route covers it"]
    );
    let off = but("mpls = true\nmpls-mtu = 1508\ntc = { 7 = \"voice\" }\ntc-out = { voice = 7 }\n", "");
    assert_eq!(off[0], "route[0].via: 10.0.0.2 is on \"core\", which sends no labelled frames");
    assert!(off.contains(&"label[0].label: no interface accepts labelled frames".into()), "{off:?}");
}

#[test]
fn what_is_pushed_can_be_pushed() {
    let push = |labels: &str| route(&format!("via = \"192.0.2.2\"\npush = {labels}"));
    assert_eq!(push("[16, 17, 18, 19, 20, 21, 22, 23, 24]"), ["route[3].push: 9 labels are too many"]);
    assert_eq!(push("7"), ["route[3].push: 7 is the entropy label indicator; write entropy = true"]);
    assert_eq!(push("[17, 1048576]"), ["route[3].push[1]: 1048576 is no label: it has 20 bits"]);
    assert_eq!(push("-1"), ["route[3].push: -1 is no label: it has 20 bits"]);
    assert_eq!(
        push("[17, 2]"),
        ["route[3].push: 2 is the explicit null of the other family than 10.7.0.0/16"]
    );
    assert_eq!(
        route("via = { address = \"10.0.0.9\", interface = \"site\", push = [17] }"),
        ["route[3].via.interface: the interface \"site\" is in vrf \"red\""]
    );
    assert_eq!(
        route("via = { address = \"10.0.0.9\", interface = \"site\", push = [17] }\nvia-vrf = \"red\""),
        ["route[3].via: 10.0.0.9 is on \"site\", which sends no labelled frames"]
    );
    assert_eq!(route("via = \"10.0.0.9\"\nvia-vrf = \"rde\""), ["route[3].via-vrf: there is no vrf \"rde\""]);
    assert_eq!(route("via = \"10.0.0.9\"\nentropy = true"), ["route[3].entropy: no labels are put on"]);
    assert_eq!(
        route("discard = \"blackhole\"\npush = 17\nttl = \"pipe\""),
        [
            "route[3].push: a route that discards has no \"push\"",
            "route[3].ttl: a route that discards has no \"ttl\""
        ]
    );
    assert_eq!(
        route("via = { adress = \"10.0.0.9\" }"),
        [
            "route[3].via.address: \"address\" is missing",
            "route[3].via.adress: there is no key \"adress\" in \"route[3].via\"",
        ]
    );
    assert_eq!(route("via = \"2001:db8::2\""), ["route[3].via: 2001:db8::2 is IPv6, and the prefix is IPv4"]);
    assert_eq!(
        route("via = \"198.51.100.1\"\npush = 17"),
        ["route[3].via: 198.51.100.1 cannot be reached: no route covers it"]
    );
}

#[test]
fn next_hops_are_followed_from_vrf_to_vrf() {
    let sound = |more: &str| parse(&format!("{SOUND}{more}\n"), "test.toml").map(drop);
    let red = "[[route]]\nvrf = \"red\"\nprefix = \"10.7.0.0/16\"\n";
    // 10.1.0.0/16 of red is reached through an LSP of "default".
    assert_eq!(sound(&format!("{red}via = \"10.1.0.9\"")), Ok(()));
    assert_eq!(sound(&format!("{red}via = \"192.0.2.2\"\nvia-vrf = \"default\"")), Ok(()));
    assert_eq!(
        route("via = \"192.0.2.2\""),
        ["route[3].via: 192.0.2.2 cannot be reached: no route covers it"]
    );
    assert_eq!(
        route("via = \"10.1.0.9\"\npush = 17"),
        ["route[3].via: 10.1.0.9 cannot be reached: no route covers it"]
    );
    // Reached by red's own interface, which has no MPLS.
    let far = "[[route]]\nvrf = \"red\"\nprefix = \"10.6.0.0/16\"\nvia = \"10.0.0.9\"\n";
    assert_eq!(
        with(&format!("{far}{red}via = \"10.6.0.1\"\npush = 17\nvia-vrf = \"red\"")),
        ["route[4].via: 10.6.0.1 is reached by \"site\", which sends no labelled frames"]
    );
    assert_eq!(sound(&format!("{far}{red}via = \"10.6.0.1\"\npush = 3\nvia-vrf = \"red\"")), Ok(()));
}

#[test]
fn marks_sizes_and_links_of_labelled_frames() {
    assert_eq!(but("mpls-mtu = 1508", "mpls-mtu = 1499"), ["interface[0].mpls-mtu: 1499 is out of range"]);
    assert_eq!(but("mpls-mtu = 1508", "mpls-mtu = 9101"), ["interface[0].mpls-mtu: 9101 is out of range"]);
    assert_eq!(
        but("7 = \"voice\"", "8 = \"voice\""),
        ["interface[0].tc.8: \"8\" is no traffic class of a label"]
    );
    assert_eq!(
        but("7 = \"voice\"", "7 = \"vioce\""),
        ["interface[0].tc.7: \"vioce\" is not known; did you mean \"voice\"?"]
    );
    assert_eq!(but("voice = 7", "voice = 8"), ["interface[0].tc-out.voice: 8 is out of range"]);
    assert_eq!(
        but("voice = 7", "vioce = 7"),
        ["interface[0].tc-out.vioce: \"vioce\" is not known; did you mean \"voice\"?"]
    );
    assert_eq!(
        but("mpls-mtu = 1508", "trust = false"),
        ["interface[0].tc: marks are not trusted, so no entry can match"]
    );
    assert_eq!(
        but("name = \"site\"\nvrf = \"red\"", "name = \"site\"\nvrf = \"red\"\ntc = { 5 = \"voice\" }"),
        ["interface[1].tc: labelled frames neither come in nor leave"]
    );
    assert_eq!(
        but("name = \"site\"\nvrf = \"red\"", "name = \"site\"\nvrf = \"red\"\nlink = \"pe1-p1\""),
        ["interface[1].link: the interface \"core\" is on the link \"pe1-p1\" too"]
    );
}

#[test]
fn full_frames_have_their_labels() {
    // 1,508 bytes of labelled packet and 22 of layer 2.
    let police = |burst: u32| {
        let text = format!(
            "name = \"core\"\npolice.voice = {{ rate = \"1 Mbit/s\", burst = \"{burst} B\" }}\naddresses"
        );
        SOUND.replacen("name = \"core\"\naddresses", &text, 1)
    };
    assert_eq!(
        told(&police(1529)),
        ["interface[0].police.voice.burst: 1529 B never lets a full frame of 1530 B pass"]
    );
    assert!(parse(&police(1530), "test.toml").is_ok());
    let config = parse(&SOUND.replacen("mpls-mtu = 1508", "mpls-mtu = 9100", 1), "test.toml").unwrap();
    assert_eq!((config.longest_mtu(), config.interfaces[1].longest()), (9100, 1500));
}

#[test]
fn vpns_are_told_apart_and_take_what_is_there() {
    assert_eq!(but("rd = \"65000:1\"\n", ""), ["vrf[0].export: the vrf \"red\" has no route distinguisher"]);
    assert_eq!(
        but("rd = \"192.0.2.1:2\"", "rd = \"65000:1\""),
        ["vrf[1].rd: the vrf \"red\" has the route distinguisher 65000:1"]
    );
    assert_eq!(but("rd = \"192.0.2.1:2\"", "rd = \"192.0.2.1\""), ["vrf[1].rd: \"192.0.2.1\" has no colon"]);
    assert_eq!(
        but("prefixes = \"shared\"", "prefixes = \"shred\""),
        ["vrf[0].import[1].prefixes: there is no prefix-list \"shred\""]
    );
    assert_eq!(
        but("export = \"65000:1\"", "export = [\"65000:1\", \"65000:1\"]"),
        ["vrf[0].export[1]: 65000:1 is named twice"]
    );
    assert_eq!(
        but("export = \"65000:1\"", "label = \"per-site\""),
        ["vrf[0].label: \"per-site\" is not known"]
    );
    assert_eq!(
        but("\"deny 10.9.1.0/24\", ", "\"10.9.0.0/8\", "),
        ["prefix-list[0].entries[0]: 10.9.0.0/8 has bits set past its length; did you mean 10.0.0.0/8?"]
    );
    assert_eq!(
        but("le 24\"", "le 24\", \"10.9.3.0/24\", \"deny 10.9.4.0/24 ge 25\""),
        [
            "prefix-list[0].entries[2]: \"10.9.3.0/24\" can never match: \"10.9.0.0/16 le 24\" before it matches all of it"
        ]
    );
    assert_eq!(
        with("[[prefix-list]]\nname = \"none\"\nentries = [\"deny 10.0.0.0/8\"]"),
        ["prefix-list[1].entries: no prefix is in the list \"none\""]
    );
    assert_eq!(
        with("[[prefix-list]]\nname = \"shared\"\nentries = [\"10.0.0.0/8\"]"),
        ["prefix-list[1].name: there is another prefix-list called \"shared\""]
    );
    assert_eq!(
        with("[labels]\ndynamic = \"15-99\""),
        ["labels.dynamic: 15 is reserved (RFC 3032 section 2.1)"]
    );
}

#[test]
fn communities_are_apart_and_extranets_lead_from_one_to_another() {
    let community = |text: &str| with(&format!("[[community]]\nname = \"c\"\nmembers = [{text}]"));
    assert_eq!(
        community("\"pe9:red\""),
        ["community[2].members[0]: \"pe9:red\" is in the community \"reds\" already"]
    );
    assert_eq!(
        community("\"blue\""),
        ["community[2].members[0]: \"blue\" is in the community \"blues\" already"]
    );
    assert_eq!(community("\"x\", \"pe3:x\""), ["community[2].members[1]: \"pe3:x\" is named twice"]);
    assert_eq!(community("\"pe1:gren\""), ["community[2].members[0]: this router has no vrf \"gren\""]);
    assert_eq!(community("\"a b\""), ["community[2].members[0]: \"a b\" is no vrf"]);
    assert_eq!(community(""), ["community[2].name: the community \"c\" has no members"]);
    let hubs = |text: &str| but("[\"pe1:blue\"]", &format!("[\"pe1:blue\", \"pink\"]\nhubs = [{text}]"));
    assert_eq!(hubs("\"blue\""), ["community[1].hubs[0]: the hub \"blue\" is no member of \"blues\""]);
    assert_eq!(hubs("\"pe9:pink\", \"pe9:pink\""), ["community[1].hubs[1]: \"pe9:pink\" is named twice"]);
    assert_eq!(but("\"pe1:blue\"", "\"bleu\""), ["community[1].members[0]: there is no vrf \"bleu\""]);
    assert_eq!(but("to = \"reds\"", "to = \"rods\""), ["extranet[0].to: there is no community \"rods\""]);
    assert_eq!(
        but("to = \"reds\"", "to = \"blues\""),
        ["extranet[0].to: \"blues\" reaches itself without it"]
    );
    assert_eq!(but("[\"10.9.0.0/16\"]", "[]"), ["extranet[0].to: \"blues\" may send to nothing in \"reds\""]);
    assert_eq!(
        but("[\"10.9.0.0/16\"]", "[\"10.9.0.0/15\"]"),
        ["extranet[0].prefixes[0]: 10.9.0.0/15 has bits set past its length"]
    );
    assert_eq!(
        with("[[extranet]]\nfrom = \"blues\"\nto = \"reds\"\nprefixes = [\"::/0\"]"),
        ["extranet[1].to: there is another from \"blues\" to \"reds\""]
    );
    assert_eq!(
        with("[[vrf]]\nname = \"a:b\"\n[[community]]\nname = \"c\"\nmembers = [\"a:b\"]"),
        ["community[2].members[0]: \"a:b\" is the vrf \"b\" of another router"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any mutilation of a sound file is answered, and what is accepted is accepted again.
    #[test]
    fn nothing_panics(text in "\\PC{0,12}", word in prop::sample::select(WORDS.to_vec()), cut in 0usize..60, at in 0usize..1900) {
        for new in [text.as_str(), word] {
            let mut bytes = SOUND.as_bytes().to_vec();
            let at = at.min(bytes.len());
            let end = (at + cut / 4).min(bytes.len());
            bytes.splice(at..end, new.bytes());
            let Ok(mutilated) = String::from_utf8(bytes) else { continue };
            match parse(&mutilated, "test.toml") {
                Ok(config) => prop_assert!(config.check().is_ok()),
                Err(errors) => prop_assert!(!errors.errors.is_empty() && !errors.fancy(true).is_empty()),
            }
        }
    }
}

const WORDS: [&str; 12] = [
    "0",
    "3",
    "-1",
    "99999999999",
    "\"",
    "[",
    "]",
    "}",
    "\n[[label]]\n",
    "\n[[vrf]]\n",
    "red",
    "push = [7, 17]\n",
];
