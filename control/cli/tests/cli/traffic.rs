//! `diff --traffic` and `diff --headers`: packets whose class would change.

use std::path::Path;

use serde_json::Value;

use super::common::viaduct;

const OLD: &str = r#"
[[port]]
name = "lan"
kind = "loopback"
[[interface]]
name = "desks"
port = "lan"
addresses = ["10.0.0.1/24"]
[[interface]]
name = "phones"
port = "lan"
vlan = 20
addresses = ["10.0.20.1/24"]
"#;

const RULE: &str = "[[rule]]\nname = \"sip\"\nprotocol = \"udp\"\ndestination-port = 5060\nclass = \"voice\"\n\
    [[rule]]\nname = \"dicom\"\ndestination-port = 104\nclass = \"imaging\"\nmark = \"af11\"\n";

const HEADERS: &str = "in desks from 10.0.0.5 to 10.9.0.1 udp dport 5060   # would be voice
in desks from 10.0.0.6 to 10.9.0.1 udp dport 5060 dscp ef

in phones from 10.0.20.5 to 10.9.0.1 udp dport 5060
in desks from 10.0.0.7 to 10.9.0.1 udp dport 5060
in desks from 10.0.0.7 to 10.9.0.1 tcp dport 104 dscp cs1
in desks from 10.0.0.7 to 10.9.0.1 tcp dport 80
";

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().into()
}

/// The two configurations in `folder`.
fn files(folder: &Path) -> (String, String) {
    (write(folder, "old.toml", OLD), write(folder, "new.toml", format!("{OLD}{RULE}")))
}

fn row<'a>(json: &'a Value, interface: &str, class: &str) -> &'a Value {
    let rows = json["rows"].as_array().unwrap();
    let is = |row: &&Value| row["interface"] == interface && row["new"]["as"]["class"] == class;
    let found = rows.iter().find(is);
    assert!(found.is_some(), "no {class} by {interface} in {json}");
    found.unwrap()
}

#[test]
fn packets_in_words_are_counted_by_class_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path());
    let headers = write(folder.path(), "headers", HEADERS);
    let json = viaduct(&["diff", &old, &new, "--headers", &headers, "--json"]).json();
    assert_eq!((json["packets"].as_u64(), json["changed"].as_u64()), (Some(6), Some(4)), "{json}");
    let sip = row(&json, "desks", "voice");
    assert_eq!((sip["packets"].as_u64(), sip["number"].as_u64()), (Some(2), Some(1)));
    assert_eq!(sip["old"]["as"]["class"], "standard");
    assert!(sip["example"].as_str().unwrap().contains("10.0.0.5"), "{sip}");
    assert_eq!(row(&json, "phones", "voice")["packets"], 1);
    let dicom = row(&json, "desks", "imaging");
    assert_eq!(
        (&dicom["old"]["as"]["class"], &dicom["new"]["as"]["dscp"]),
        (&"scavenger".into(), &10.into())
    );
    let told = viaduct(&["diff", &old, &new, "--headers", &headers]).done();
    assert!(told.contains("scavenger, green, cs1") && told.contains("imaging, green, af11"), "{told}");
    assert!(told.contains("4 of 6 packets would change; meters"), "{told}");
    let told = viaduct(&["diff", &old, &old, "--headers", &headers]).done();
    assert!(told.contains("no packet's class or marks would change"), "{told}");
}

#[test]
fn a_packet_in_words_comes_by_its_interface_wherever_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let headers = write(folder.path(), "headers", "in phones from 10.0.20.5 to 10.9.0.1 udp dport 5060\n");
    let old = write(folder.path(), "old.toml", OLD);
    let tagged = OLD.replace("vlan = 20", "vlan = 21");
    let moved = OLD.replace("port = \"lan\"\nvlan = 20", "port = \"tel\"\nvlan = 7")
        + "[[port]]\nname = \"tel\"\nkind = \"loopback\"\n";
    for now in [&tagged, &moved] {
        let new = write(folder.path(), "new.toml", now);
        let json = viaduct(&["diff", &old, &new, "--headers", &headers, "--json"]).json();
        assert_eq!((json["packets"].as_u64(), json["changed"].as_u64()), (Some(1), Some(0)), "{json}");
        let new = write(folder.path(), "new.toml", format!("{now}{RULE}"));
        let json = viaduct(&["diff", &old, &new, "--headers", &headers, "--json"]).json();
        assert_eq!(row(&json, "phones", "voice")["packets"], 1);
        // The other way round too: no rule any more.
        let json = viaduct(&["diff", &new, &old, "--headers", &headers, "--json"]).json();
        assert_eq!(row(&json, "phones", "standard")["packets"], 1);
    }
    // By a port that one of the files alone has.
    let headers = write(folder.path(), "headers", "in tel from 10.0.20.5 to 10.9.0.1 udp dport 5060\n");
    let new = write(folder.path(), "new.toml", &moved);
    let json = viaduct(&["diff", &old, &new, "--headers", &headers, "--json"]).json();
    assert_eq!((json["packets"].as_u64(), json["changed"].as_u64()), (Some(1), Some(1)), "{json}");
}

/// A capture of these frames, each cut to `snaplen` bytes.
fn capture(frames: &[Vec<u8>], snaplen: usize) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(65_535u32.to_le_bytes());
    file.extend(1u32.to_le_bytes());
    for frame in frames {
        let kept = frame.len().min(snaplen);
        file.extend([0; 8]);
        file.extend((kept as u32).to_le_bytes());
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend(&frame[..kept]);
    }
    file
}

/// A UDP datagram over IPv4 for port 5060, sent to some station, with these tags.
fn sip(tags: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 9, 9, 9, 9, 9, 2, 8, 8, 8, 8, 8];
    frame.extend(tags);
    frame.extend([8, 0]);
    let mut header = [0x45, 0, 0, 128, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 5, 10, 9, 0, 1];
    let words = header.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let sum: u32 = words.sum();
    let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(header);
    frame.extend([0x13, 0xc4, 0x13, 0xc4, 0, 108, 0, 0]);
    frame.resize(frame.len() + 100, 0);
    frame
}

#[test]
fn a_capture_is_judged_by_its_headers_whatever_station_it_was_sent_to() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path());
    let frames = [sip(&[]), sip(&[0x81, 0, 0, 20]), sip(&[]), sip(&[0x81, 0, 0, 99])];
    let file = write(folder.path(), "c.pcap", capture(&frames, 64));
    let json = viaduct(&["diff", &old, &new, "--traffic", &file, "--in", "lan", "--json"]).json();
    assert_eq!((json["packets"].as_u64(), json["changed"].as_u64()), (Some(4), Some(3)), "{json}");
    assert_eq!(row(&json, "desks", "voice")["packets"], 2);
    assert_eq!(row(&json, "phones", "voice")["number"], 2);
    // Without a place every port is taken in turn: there is one.
    assert_eq!(viaduct(&["diff", &old, &new, "--traffic", &file, "--json"]).json(), json);
}

/// A way out with labels and one with tags, with these lines each, and rules.
fn edge(core: &str, tagged: &str, rules: &str) -> String {
    format!(
        "{OLD}mpls = true\n[[port]]\nname = \"wan\"\nkind = \"loopback\"\n\
         [[interface]]\nname = \"wan\"\nmpls = true\naddresses = [\"10.1.0.1/24\"]\n{core}\n\
         [[interface]]\nname = \"site\"\nport = \"wan\"\nvlan = 7\naddresses = [\"10.2.0.1/24\"]\n{tagged}\n\
         [[route]]\nprefix = \"10.9.0.0/16\"\nvia = \"10.1.0.9\"\npush = [500]\n{rules}"
    )
}

#[test]
fn what_changes_only_as_it_leaves_is_told_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let headers = "in desks from 10.0.0.5 to 10.9.0.1 udp dport 5060 dscp ef\n\
                   in desks from 10.0.0.5 to 10.2.0.9 udp dport 5060 dscp ef\n\
                   in desks from 10.0.0.5 to 10.9.0.1 udp dport 104\n\
                   in desks from 10.0.0.5 to 10.2.0.9 udp dport 1 dscp af41\n";
    let headers = write(folder.path(), "headers", headers);
    let rule =
        "[[rule]]\nname = \"dicom\"\ndirection = \"out\"\ndestination-port = 104\nclass = \"imaging\"\n";
    let old = write(folder.path(), "old.toml", edge("", "", ""));
    let marks = "pcp-out = { voice = 5 }\ndscp-out = { video = \"cs4\" }";
    let new = write(folder.path(), "new.toml", edge("tc-out = { voice = 6 }", marks, rule));
    let json = viaduct(&["diff", &old, &new, "--headers", &headers, "--json"]).json();
    assert_eq!((json["packets"].as_u64(), json["changed"].as_u64()), (Some(4), Some(4)), "{json}");
    let told = |number: u64| {
        let rows = json["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["number"] == number).unwrap();
        assert_eq!(row["old"], row["new"], "nothing changes as it comes in");
        (row["differs"].clone(), row["old_leaves"]["as"].clone(), row["new_leaves"]["as"].clone())
    };
    let (differs, old_left, new_left) = told(1);
    assert_eq!(
        (differs, &old_left["tc"], &new_left["tc"]),
        (serde_json::json!(["tc-out"]), &5.into(), &6.into())
    );
    let (differs, _, new_left) = told(2);
    assert_eq!((differs, &new_left["priority"]), (serde_json::json!(["priority-out"]), &5.into()));
    let (differs, _, new_left) = told(3);
    assert_eq!(
        (differs, &new_left["class"]),
        (serde_json::json!(["class-out", "tc-out"]), &"imaging".into())
    );
    let (differs, _, new_left) = told(4);
    assert_eq!((differs, &new_left["dscp"]), (serde_json::json!(["dscp-out"]), &32.into()));
    let told = viaduct(&["diff", &old, &new, "--headers", &headers]).done();
    assert!(told.contains("voice, green, ef; leaves voice, green, ef, tc 6"), "{told}");
}

#[test]
fn labels_that_lead_elsewhere_and_ways_that_end_are_changes() {
    let folder = tempfile::tempdir().unwrap();
    let label = "[[label]]\nlabel = 100\nvrf = \"default\"\n";
    let rule = "[[rule]]\nname = \"sip\"\ndestination-port = 5060\nclass = \"voice\"\nmark = \"ef\"\n";
    let old = write(folder.path(), "old.toml", edge("", "", label));
    let new = write(folder.path(), "new.toml", edge("", "", &format!("{label}{rule}")));
    let mut frame = sip(&[]);
    frame[12..14].copy_from_slice(&[0x88, 0x47]);
    frame.splice(14..14, [0, 6, 0x45, 64]);
    let file = write(folder.path(), "c.pcap", capture(&[frame], 65_535));
    // 100 is 0x64: label 0x00064, traffic class 2, bottom.
    let json = viaduct(&["diff", &old, &new, "--traffic", &file, "--in", "wan", "--json"]).json();
    let row = &json["rows"][0];
    assert_eq!(
        (&row["old"]["as"]["class"], &row["new"]["as"]["class"]),
        (&"clinical".into(), &"voice".into()),
        "{json}"
    );
    assert_eq!(row["new_leaves"]["as"]["dscp"], 46);
    let gone = edge("", "", label)
        .replace("push = [500]", "")
        .replace("via = \"10.1.0.9\"", "discard = \"blackhole\"");
    let gone = write(folder.path(), "gone.toml", gone);
    let json = viaduct(&["diff", &old, &gone, "--traffic", &file, "--in", "wan", "--json"]).json();
    assert_eq!(json["rows"][0]["differs"], serde_json::json!(["end"]), "{json}");
}

#[test]
fn what_is_longer_than_any_buffer_is_counted_and_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path());
    let mut long = sip(&[]);
    long.resize(20_000, 0);
    let file = write(folder.path(), "c.pcap", capture(&[sip(&[]), long, sip(&[])], 65_535));
    let json = viaduct(&["diff", &old, &new, "--traffic", &file, "--json"]).json();
    let counts = ["packets", "changed", "skipped"].map(|name| json[name].as_u64());
    assert_eq!(counts, [Some(2), Some(2), Some(1)], "{json}");
    let told = viaduct(&["diff", &old, &new, "--traffic", &file]).done();
    assert!(told.contains("1 longer than any buffer of a router were skipped"), "{told}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path());
    let headers =
        write(folder.path(), "headers", "in desks from 10.0.0.5 to 10.9.0.1\nin desks form 10.0.0.5\n");
    let told = viaduct(&["diff", &old, &new, "--headers", &headers]).failed(1);
    assert!(told.contains("headers:2:") && told.contains("\"form\" is not understood"), "{told}");
    // All lines that are wrong, at once.
    let headers = write(
        folder.path(),
        "headers",
        "in nowhere\n\nin desks form 10.0.0.5\n".to_owned() + &"in x\n".repeat(30),
    );
    let told = viaduct(&["diff", &old, &new, "--headers", &headers]).failed(1);
    assert!(
        told.contains("headers:1:") && told.contains("headers:3:") && told.contains("and 12 more lines"),
        "{told}"
    );
    let headers = write(folder.path(), "headers", "in nowhere from 10.0.0.5 to 10.9.0.1\n");
    let told = viaduct(&["diff", &old, &new, "--headers", &headers]).failed(1);
    assert!(
        told.contains("headers:1:") && told.contains("there is no interface or port \"nowhere\""),
        "{told}"
    );
}

#[test]
fn a_capture_that_ends_within_a_packet_is_taken_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path());
    let whole = capture(&[sip(&[]), sip(&[]), sip(&[])], 65_535);
    for (kept, packets) in [(whole.len() - 1, 2), (whole.len() - sip(&[]).len() - 3, 2)] {
        let file = write(folder.path(), "c.pcap", &whole[..kept]);
        let ran = viaduct(&["diff", &old, &new, "--traffic", &file, "--in", "lan", "--json"]);
        assert!(ran.err.contains("the file ends within packet 3; the 2 before it are taken"), "{}", ran.err);
        assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["packets"], packets);
    }
    let file = write(folder.path(), "c.pcap", &whole[..60]);
    let told = viaduct(&["diff", &old, &new, "--traffic", &file]).failed(1);
    assert!(told.contains("packet 1: this is not a sound capture file"), "{told}");
}

#[test]
fn packets_that_are_taken_to_come_by_several_ports_are_said_to_be_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = files(folder.path());
    let second = |file: &str| {
        let text = std::fs::read_to_string(file).unwrap();
        std::fs::write(file, text + "\n[[port]]\nname = \"other\"\nkind = \"loopback\"\n").unwrap();
    };
    [&old, &new].into_iter().for_each(|file| second(file));
    let file = write(folder.path(), "c.pcap", capture(&[sip(&[]), sip(&[])], 65_535));
    let told = viaduct(&["diff", &old, &new, "--traffic", &file]).done();
    assert!(told.contains("these are 2 packets, each taken to come in by every port"), "{told}");
    let told = viaduct(&["diff", &old, &new, "--traffic", &file, "--in", "other"]).done();
    assert!(!told.contains("these are"), "{told}");
}

/// What a meter does with green is done while it is full; what it does with more is told by itself.
#[test]
fn a_meter_that_marks_or_drops_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let headers = write(
        folder.path(),
        "headers",
        "in desks from 10.0.0.5 to 10.9.0.1 udp dport 5060 dscp af11\n\
         in desks from 10.0.0.5 to 10.9.0.1 udp dport 5060 dscp ef\n",
    );
    let old = write(folder.path(), "old.toml", OLD);
    let metered = |actions: &str| {
        let police = format!(
            "addresses = [\"10.0.0.1/24\"]\n[interface.police.imaging]\nkind = \"srtcm\"\ncir = \"10 Mbit/s\"\n\
             ebs = \"20 ms\"\n{actions}\n"
        );
        write(folder.path(), "new.toml", OLD.replace("addresses = [\"10.0.0.1/24\"]\n", &police))
    };
    let diff = |new: &str| viaduct(&["diff", &old, new, "--headers", &headers]);
    let told = diff(&metered("green = { dscp = \"cs1\" }")).done();
    assert!(told.contains("imaging, green, af11") && told.contains("imaging, green, cs1"), "{told}");
    assert!(told.contains("1 of 2 packets would change; meters are taken to be full"), "{told}");
    let told = diff(&metered("green = \"drop\"\nyellow = \"drop\"\nred = \"drop\"")).done();
    assert!(told.contains("1 of 2 packets would change") && told.contains("dropped: "), "{told}");
    let new = metered("red = \"drop\"");
    let told = diff(&new).done();
    assert!(told.contains("no packet's class or marks would change"), "{told}");
    let said = "1 packets of imaging by desks are metered otherwise, which tells once more than that comes: \
                was no meter; becomes srtcm, 10 Mbit/s, bursts of ";
    assert!(told.contains(said) && told.contains("yellow recolour, red drop"), "{told}");
    let json = viaduct(&["diff", &old, &new, "--headers", &headers, "--json"]).json();
    assert_eq!(
        (json["changed"].as_u64(), json["metered"][0]["packets"].as_u64()),
        (Some(0), Some(1)),
        "{json}"
    );
    let told = viaduct(&["diff", &new, &new, "--headers", &headers]).done();
    assert!(!told.contains("metered otherwise"), "{told}");
}
