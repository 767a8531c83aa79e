//! Packets explained by a file, without a router.

use serde_json::Value;

use super::common::{viaduct, workspace};

const FILE: &str = r#"
[[port]]
name = "ge0"
kind = "loopback"
[[port]]
name = "ge1"
kind = "loopback"
[[interface]]
name = "ge0"
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
mtu = 9000
[interface.police.voice]
rate = "1 Mbit/s"
burst = "20 ms"
[interface.police.video]
kind = "srtcm"
cir = "2 Mbit/s"
colour-aware = true
yellow = { dscp = "af43" }
[[rule]]
name = "dicom"
destination-port = 104
class = "imaging"
mark = "af11"
[[interface]]
name = "ge1"
mtu = 1400
addresses = ["10.0.1.1/24", "2001:db8:1::1/64"]
[interface.qos]
rate = "10 Mbit/s"
[[route]]
prefix = "10.1.0.0/16"
via = ["10.0.1.2", "10.0.1.3"]
[[route]]
prefix = "10.1.0.0/16"
via = "10.0.1.9"
distance = 9
[[route]]
prefix = "10.66.0.0/16"
discard = "blackhole"
[[neighbour]]
interface = "ge1"
address = "10.0.1.2"
mac = "02:00:00:00:00:02"
[[neighbour]]
interface = "ge1"
address = "10.0.1.3"
mac = "02:00:00:00:00:03"
"#;

/// What the words of a packet come to, by the file above.
struct Told {
    text: String,
    json: Value,
}

fn by_file(words: &str, file: &str) -> Told {
    let mut all = vec!["explain"];
    all.extend(words.split(' '));
    all.extend(["--config", file]);
    let text = viaduct(&all).done();
    all.push("--json");
    Told { text, json: viaduct(&all).json()[0].clone() }
}

fn by_text(words: &str) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.toml");
    std::fs::write(&file, FILE).unwrap();
    by_file(words, file.to_str().unwrap())
}

fn by_example(words: &str, name: &str) -> Told {
    by_file(words, workspace("examples").join(name).to_str().unwrap())
}

impl Told {
    #[track_caller]
    fn outcome(&self, verdict: &str, reason: Option<&str>) {
        let outcome = &self.json["outcome"];
        assert_eq!((outcome["verdict"].as_str(), outcome["reason"].as_str()), (Some(verdict), reason));
    }

    fn stages(&self) -> Vec<&str> {
        self.json["steps"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect()
    }

    #[track_caller]
    fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.text.contains(word), "no {word:?} in\n{}", self.text);
        }
    }
}

#[test]
fn a_call_is_followed_to_its_queue() {
    let told = by_text("in ge0 from 10.0.0.5 to 10.1.0.9 udp dport 5004 dscp ef size 200");
    told.outcome("forward", None);
    assert_eq!(told.stages(), ["parse", "classify", "police", "lookup", "rewrite", "queue"]);
    assert_eq!(told.json["outcome"]["interface"], "ge1");
    assert_eq!(told.json["outcome"]["bytes"], serde_json::json!([214]));
    told.says(&[
        "IPv4 UDP 10.0.0.5:49152 → 10.1.0.9:5004, 200 bytes, TTL 64, DSCP EF",
        "it comes in by ge0, of vrf default",
        "DSCP EF (46) is class voice, green",
        "RFC 3246",
        "1 Mbit/s, burst of 9022 bytes",
        "10.1.0.0/16 leads to 10.0.1.",
        "static, distance 1",
        "the lowest distance that can be used",
        "a static route has distance 1",
        "of 2, by the flow's hash",
        "TTL 64 to 63",
        "10 Mbit/s",
        "worst wait",
        "FORWARDED",
        "Without a router",
    ]);
}

#[test]
fn a_meter_says_what_it_makes_of_a_frame() {
    let video = "in ge0 from 10.0.0.5 to 10.1.0.9 udp size 200 dscp";
    let told = by_text(&format!("{video} af41"));
    told.outcome("forward", None);
    told.says(&["2 Mbit/s, bursts of 9022 and 9022 bytes (RFC 2697)", "it is green from here"]);
    told.says(&["green recolour, yellow dscp af43, red drop"]);
    let told = by_text(&format!("{video} af42"));
    told.says(&["came as", "it is yellow from here, marked AF43 (38)"]);
    let told = by_text(&format!("{video} af43"));
    told.outcome("drop", Some("policed"));
    told.says(&["red"]);
}

#[test]
fn a_rule_is_named_with_what_it_does() {
    let told = by_text("in ge0 from 10.0.0.5 to 10.1.0.9 udp dport 104 size 200 dscp ef");
    told.outcome("forward", None);
    told.says(&["the rule \"dicom\" matches: class imaging, green", "it leaves with DSCP AF11 (10)"]);
}

#[test]
fn too_long_a_datagram_is_fragmented_or_told_the_mtu() {
    let told = by_text("in ge0 from 10.0.0.5 to 10.1.0.9 udp size 3000");
    told.outcome("forward", None);
    assert_eq!(told.json["outcome"]["bytes"], serde_json::json!([1410, 1410, 262]));
    told.says(&["too long: it is fragmented", "datagrams of 1396, 1396, 248 bytes"]);

    let told = by_text("in ge0 from 10.0.0.5 to 10.1.0.9 udp size 1500 df");
    told.outcome("punt", Some("fragmentation-needed"));
    told.says(&["too big, MTU 1400 (type 3, code 4) 10.0.0.1 → 10.0.0.5", "counted as fragmentation-needed"]);
}

#[test]
fn drops_name_the_reason_and_its_rfc() {
    let told = by_text("in ge0 from 10.0.0.5 to 10.66.0.9");
    told.outcome("drop", Some("blackhole"));
    told.says(&["DROPPED (blackhole)", "static, distance 1: blackhole"]);
    let told = by_text("in ge0 from 127.0.0.1 to 10.1.0.9");
    told.outcome("drop", Some("martian-source"));
    told.says(&["RFC 1812 section 5.3.7"]);
    assert_eq!(told.stages(), ["parse"]);
    let told = by_example("in ge0 from 192.0.2.9 to 203.0.113.9 size 3000", "minimal.toml");
    told.outcome("drop", Some("frame-too-long"));
    told.says(&["IPv4 UDP 192.0.2.9:49152 → 203.0.113.9:5004, 3000 bytes", "1920 bytes"]);
    let told = by_text("in ge0 vlan 7 from 10.0.0.5 to 10.1.0.9");
    told.outcome("drop", Some("vlan-unknown"));
    told.says(&["IPv4 UDP 10.0.0.5:49152 → 10.1.0.9:5004"]);
    let told = by_text("in ge0 from 10.0.0.5 to 10.1.0.9 dscp ef size 9050");
    told.outcome("drop", Some("policed"));
}

#[test]
fn the_slow_path_says_what_it_would_send() {
    let told = by_text("in ge0 from 10.0.0.5 to 10.1.0.9 ttl 1");
    told.outcome("punt", Some("ttl-expired"));
    told.says(&["ICMP time exceeded (type 11, code 0) 10.0.0.1 → 10.0.0.5", "counted as ttl-expired"]);
    let told = by_text("in ge0 from 10.0.0.5 to 10.0.0.1 icmp");
    told.outcome("punt", Some("local"));
    told.says(&["it sends IPv4 ICMP echo reply (type 0, code 0) 10.0.0.1 → 10.0.0.5"]);
    let told = by_text("in ge0 from 2001:db8::5 to 2001:db8:9::9 icmp");
    told.outcome("punt", Some("no-route"));
    told.says(&["ICMPv6 destination unreachable (type 1, code 0) 2001:db8::1 → 2001:db8::5"]);
}

#[test]
fn an_unknown_neighbour_is_asked_for_and_the_way_behind_it_told() {
    let told = by_example("in phones from 10.20.20.7 to 192.0.2.9 dscp ef size 200", "site.toml");
    told.outcome("punt", Some("neighbour-miss"));
    assert_eq!(told.stages(), ["parse", "classify", "police", "lookup", "rewrite", "queue"]);
    told.says(
        &[
            "an ARP request: who has 10.255.0.1? tell 10.255.0.2",
            "waits for the answer",
            "once 10.255.0.1 has answered: voice on wan",
            "0.0.0.0/0 in",
        ]
        .map(|w| if w == "0.0.0.0/0 in" { "0.0.0.0/0" } else { w }),
    );
}

#[test]
fn examples_tell_forwarding_drops_and_punts() {
    by_example("in ge0 from 192.0.2.9 to 239.1.2.3", "minimal.toml").outcome("drop", Some("multicast"));
    let told = by_example("in care-site from 10.0.1.9 to 172.30.0.1", "two-communities.toml");
    told.outcome("punt", Some("prohibited"));
    told.says(&["otherwise, distance 254: prohibited", "(type 3, code 13)"]);
    let told = by_example("in access vlan 99 from 10.0.1.9 to 10.0.2.1", "two-communities.toml");
    told.outcome("drop", Some("vlan-unknown"));
    let told = by_example("in trust-site from 10.0.1.9 to 10.0.2.1", "two-communities.toml");
    told.says(&["vrf trust", "802.1ad 200, 802.1Q 100"]);
}

#[test]
fn words_that_are_wrong_are_told_with_what_is_allowed() {
    let site = workspace("examples/site.toml");
    let site = site.to_str().unwrap();
    let ran = |words: &str| {
        let mut all: Vec<_> = ["explain"].into_iter().chain(words.split(' ')).collect();
        all.extend(["--config", site]);
        viaduct(&all).failed(1)
    };
    assert!(ran("in ge7 from 10.0.0.5 to 10.0.0.6").contains("interfaces are: desks, phones, imaging, wan"));
    assert!(ran("in wan from 10.0.0.5 to 10.0.0.6 size 20").contains("allowed: 28 to 9100"));
    assert!(ran("in wan from 10.0.0.5 to 10.0.0.6 quickly").contains("words are: in, from"));
}

#[test]
fn a_capture_is_explained_packet_by_packet() {
    let folder = tempfile::tempdir().unwrap();
    let (config, capture) = (folder.path().join("r.toml"), folder.path().join("c.pcap"));
    std::fs::write(
        &config,
        FILE.replace("name = \"ge0\"\naddresses", "name = \"ge0\"\nmac = \"02:00:00:00:00:0a\"\naddresses"),
    )
    .unwrap();
    let packet = |to: &str, ttl: u8| {
        use testbed::packet::{eth, ip, payload, udp};
        let link = eth().dst("02:00:00:00:00:0a").src("02:00:00:00:00:05");
        (link / ip("10.0.0.5", to).ttl(ttl) / udp(9) / payload(50)).encode()
    };
    let file = std::fs::File::create(&capture).unwrap();
    let mut writer = pcap_file::pcap::PcapWriter::new(file).unwrap();
    for bytes in [packet("10.1.0.9", 64), packet("10.66.0.9", 64), packet("10.1.0.9", 1), vec![1, 2, 3]] {
        let length = bytes.len() as u32;
        let packet = pcap_file::pcap::PcapPacket::new(std::time::Duration::ZERO, length, &bytes);
        writer.write_packet(&packet).unwrap();
    }
    drop(writer);
    let (config, capture) = (config.to_str().unwrap(), capture.to_str().unwrap());
    let words = ["explain", "in", "ge0", "--pcap", capture, "--config", config, "--json"];
    let all = viaduct(&words).json();
    let reasons: Vec<_> = all.as_array().unwrap().iter().map(|e| e["outcome"]["reason"].as_str()).collect();
    assert_eq!(reasons, [None, Some("blackhole"), Some("ttl-expired"), Some("runt")]);
    let third = viaduct(&[&words[..], &["--packet", "3"]].concat()).json();
    assert_eq!(third.as_array().unwrap().len(), 1);
    assert_eq!(third[0]["outcome"]["reason"], "ttl-expired");
    let told = viaduct(&[&words[..], &["--packet", "9"]].concat()).failed(1);
    assert!(told.contains("there is no packet number 9; it has 4"), "{told}");
}
