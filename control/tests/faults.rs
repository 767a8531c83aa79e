//! What a user reads who made mistakes: all of them, each with its place and cure.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::config::{ConfigErrors, parse};
use proptest::prelude::*;

const BROKEN: &str = include_str!("broken.toml");

/// A sound file to which a test adds its fault.
const SOUND: &str = r#"
[[port]]
name = "ge0"
kind = "loopback"
rate = "100 Mbit/s"
[[port]]
name = "ge1"
kind = "loopback"
[[vrf]]
name = "red"
[[interface]]
name = "ge0"
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
[[interface]]
name = "ge1"
addresses = ["10.0.1.1/24"]
[[interface]]
name = "red1"
port = "ge1"
vlan = 7
vrf = "red"
addresses = ["10.0.0.1/24"]
"#;

fn faults(text: &str) -> ConfigErrors {
    parse(text, "test.toml").err().unwrap_or_else(|| panic!("no fault found in\n{text}"))
}

/// "key: message" of each fault of [`SOUND`] with `more` behind it.
fn with(more: &str) -> Vec<String> {
    let errors = faults(&format!("{SOUND}{more}")).errors;
    errors.iter().map(|e| format!("{}: {}", e.key, e.message)).collect()
}

#[test]
fn a_broken_file_is_told_everything_at_once() {
    insta::assert_snapshot!("broken_plain", faults(BROKEN).to_string());
}

#[test]
fn on_a_terminal_the_lines_are_shown() {
    let text = "[router]\nmode = \"fast\"\n";
    insta::assert_snapshot!("broken_fancy", faults(text).fancy(false));
}

#[test]
fn faults_of_syntax_do_not_hide_the_others() {
    let errors = faults("[[port]]\nname = \"ge0\nkind = \"loopback\"\n\n[limits]\ndad-probes = 99\n").errors;
    assert!(errors.iter().any(|e| e.line == 2 && e.help == "this is not TOML"), "{errors:?}");
    assert!(errors.iter().any(|e| e.key == "limits.dad-probes" && e.line == 6), "{errors:?}");
}

#[test]
fn the_sound_file_is_sound() {
    parse(SOUND, "test.toml").unwrap();
}

#[test]
fn next_hops_must_be_reachable() {
    let route = |text: &str| with(&format!("[[route]]\nprefix = \"10.9.0.0/16\"\n{text}\n"));
    assert_eq!(route("via = \"10.7.0.1\""), ["route[0].via: 10.7.0.1 cannot be reached: no route covers it"]);
    assert_eq!(
        route("via = \"10.7.0.1\"\n[[route]]\nprefix = \"0.0.0.0/0\"\nvia = \"10.0.0.2\""),
        ["route[0].via: 10.7.0.1 cannot be reached: only a default route covers it"]
    );
    assert_eq!(
        route("via = \"10.9.0.1\""),
        ["route[0].via: 10.9.0.1 cannot be reached: it is reached only through itself"]
    );
    assert_eq!(
        route("via = \"10.8.0.1\"\n[[route]]\nprefix = \"10.8.0.0/16\"\nvia = \"10.9.0.1\""),
        [
            "route[0].via: 10.8.0.1 cannot be reached: it is reached only through itself",
            "route[1].via: 10.9.0.1 cannot be reached: it is reached only through itself"
        ]
    );
    assert_eq!(route("via = \"10.0.0.1\""), ["route[0].via: 10.0.0.1 is the router's own address"]);
    assert_eq!(
        route("via = \"10.0.0.2\"\ninterface = \"ge1\""),
        ["route[0].via: 10.0.0.2 is on no subnet of the interface"]
    );
    assert_eq!(
        with("[[route]]\nprefix = \"2001:db8:9::/48\"\nvia = \"fe80::2\"\n"),
        ["route[0].via: fe80::2 is link-local, and the route names no interface"]
    );
    assert!(
        parse(&format!("{SOUND}[[route]]\nprefix = \"::/0\"\nvia = \"fe80::2\"\ninterface = \"ge0\"\n"), "t")
            .is_ok()
    );
}

#[test]
fn queues_that_cannot_work_are_refused() {
    let qos = |text: &str| {
        with(&format!("[[interface]]\nname = \"q\"\nport = \"ge0\"\nvlan = 9\n[interface.qos]\n{text}\n"))
    };
    assert_eq!(
        qos("rate = \"1 Gbit/s\""),
        ["interface[3].qos.rate: 1 Gbit/s is more than the 100 Mbit/s of port \"ge0\""]
    );
    assert_eq!(
        qos("rate = \"10 Mbit/s\"\nvoice.policer.rate = \"11 Mbit/s\""),
        [
            "interface[3].qos.voice.policer.rate: voice is policed to 11 Mbit/s, more than the 10 Mbit/s of the interface"
        ]
    );
    assert_eq!(
        qos("rate = \"10 Mbit/s\"\nvoice.policer.rate = \"8 Mbit/s\"\nvideo.priority = true"),
        [
            "interface[3].qos.rate: priority classes are policed to 11333333 bit/s together, more than the 10 Mbit/s"
        ]
    );
    assert_eq!(
        qos("control.weight = 0"),
        [
            "interface[3].qos.control.weight: control never only gets what the others leave, so that routing lives"
        ]
    );
    assert_eq!(
        qos("video.limit = \"1500 B\""),
        ["interface[3].qos.video.limit: 1500 B hold no full frame of 1522 B"]
    );
    assert_eq!(
        qos("voice.policer = { rate = \"1 Mbit/s\", burst = \"1 kB\" }"),
        ["interface[3].qos.voice.policer.burst: 1 kB never lets a full frame of 1522 B pass"]
    );
}

#[test]
fn what_one_queue_does_not_heed_is_warned_of() {
    let warned = |qos: &str| {
        let text = format!("{SOUND}[interface.qos]\nrate = \"10 Mbit/s\"\ndiscipline = \"fifo\"\n{qos}\n");
        let warnings = parse(&text, "test.toml").unwrap().warnings();
        warnings.into_iter().map(|w| format!("{}: {}", w.key, w.message)).collect::<Vec<_>>()
    };
    assert!(warned("standard.limit = \"64 kB\"").is_empty());
    assert_eq!(
        warned("standard = { limit = \"64 kB\", aqm = \"tail\" }\nvideo.rate = \"2 Mbit/s\""),
        ["interface[2].qos.discipline: all classes wait in one queue, bounded by the limit of standard: \
             what else is said of video, standard is not heeded"]
    );
}

#[test]
fn drop_policies_are_not_mixed() {
    let on = |text: &str| {
        format!("[[interface]]\nname = \"q\"\nport = \"ge0\"\nvlan = 9\n[interface.qos]\n{text}\n")
    };
    let qos = |text: &str| with(&on(text));
    let sound = on("clinical.aqm = \"wred\"\nclinical.ecn = true\nimaging.target = \"9 ms\"");
    assert!(parse(&format!("{SOUND}{sound}"), "test.toml").is_ok());
    assert_eq!(
        qos("video.target = \"9 ms\"\nvideo.ecn = true"),
        [
            "interface[3].qos.video.target: video drops by tail, which has no target",
            "interface[3].qos.video.ecn: video drops by tail, which marks nothing"
        ]
    );
    assert_eq!(
        qos("video.aqm = \"wred\"\nvideo.wred.red = { from = \"2 kB\", to = \"1 kB\" }"),
        ["interface[3].qos.video.wred.red: the curve begins at 2 kB and ends at 1 kB"]
    );
    assert_eq!(
        qos("imaging.wred.green = { from = \"1 kB\", to = \"2 kB\" }"),
        ["interface[3].qos.imaging.wred.green: imaging drops by codel, which has no curves"]
    );
}

#[test]
fn guarantees_fit_into_what_they_are_of() {
    let site = |name: &str, vlan: u16, qos: &str| {
        format!("[[interface]]\nname = \"{name}\"\nport = \"ge0\"\nvlan = {vlan}\nqos = {{ {qos} }}\n")
    };
    let sound =
        site("a", 1, "rate = \"90 Mbit/s\", guaranteed = \"60 Mbit/s\", weight = 3, limit = \"1 MB\"")
            + &site(
                "b",
                2,
                "rate = \"40 Mbit/s\", guaranteed = \"40 Mbit/s\", clinical.guaranteed = \"20 Mbit/s\"",
            )
            + &site("c", 3, "rate = \"2 Mbit/s\", overhead = \"pppoe-llc\", imaging.rate = \"1 Mbit/s\"");
    assert!(parse(&format!("{SOUND}{sound}"), "test.toml").is_ok());
    assert_eq!(
        with(&(sound + &site("d", 4, "rate = \"1 Mbit/s\", guaranteed = \"1 Mbit/s\""))),
        ["interface[6].qos.guaranteed: up to this interface, 101 Mbit/s are guaranteed on port \"ge0\", \
          which has 100 Mbit/s"]
    );
    assert_eq!(
        with(&site("a", 1, "guaranteed = \"1 Mbit/s\"")),
        ["interface[3].qos.guaranteed: 1 Mbit/s is guaranteed, but the interface has no rate"]
    );
    assert_eq!(
        with(&site("a", 1, "rate = \"1 Mbit/s\", guaranteed = \"2 Mbit/s\"")),
        ["interface[3].qos.guaranteed: 2 Mbit/s is guaranteed, more than the 1 Mbit/s it is shaped to"]
    );
    assert_eq!(
        with(&site("a", 1, "clinical.guaranteed = \"1 Mbit/s\"")),
        ["interface[3].qos: classes are guaranteed a rate, but the interface has none"]
    );
    assert_eq!(
        with(&site(
            "a",
            1,
            "rate = \"9 Mbit/s\", video.guaranteed = \"4 Mbit/s\", clinical.guaranteed = \"3 Mbit/s\""
        )),
        [
            "interface[3].qos.guaranteed: classes are guaranteed 7 Mbit/s and priority classes are policed to 3 Mbit/s, \
          more than the 9 Mbit/s"
        ]
    );
    assert_eq!(
        with(&site(
            "a",
            1,
            "rate = \"9 Mbit/s\", imaging = { rate = \"10 Mbit/s\" }, video = { rate = \"1 Mbit/s\", guaranteed = \"2 Mbit/s\" }, voice.guaranteed = \"1 Mbit/s\""
        )),
        [
            "interface[3].qos.imaging.rate: imaging is shaped to 10 Mbit/s, more than the 9 Mbit/s of the interface",
            "interface[3].qos.video.guaranteed: video is guaranteed 2 Mbit/s, more than the 1 Mbit/s it is shaped to",
            "interface[3].qos.voice.guaranteed: voice goes before all others, so that nothing is to be guaranteed"
        ]
    );
}

#[test]
fn tags_addresses_and_names_do_not_collide() {
    let interface = |text: &str| with(&format!("[[interface]]\nname = \"x\"\nport = \"ge1\"\n{text}\n"));
    assert_eq!(
        interface("vlan = 7"),
        ["interface[3].vlan: the interface \"red1\" has the same tags on port \"ge1\""]
    );
    assert_eq!(interface(""), ["interface[3].vlan: the interface \"ge1\" has the same tags on port \"ge1\""]);
    assert_eq!(
        interface("vlan = 8\naddresses = [\"10.0.0.129/25\"]"),
        [
            "interface[3].addresses[0]: 10.0.0.128/25 overlaps 10.0.0.0/24 of the interface \"ge0\" in the same vrf"
        ]
    );
    assert_eq!(
        interface("vlan = 8\naddresses = [\"10.0.0.2/8\"]"),
        [
            "interface[3].addresses[0]: 10.0.0.0/8 overlaps 10.0.0.0/24 of the interface \"ge0\" in the same vrf"
        ]
    );
    assert_eq!(
        interface("vlan = 8\naddresses = [\"10.5.0.255/24\"]"),
        ["interface[3].addresses[0]: 10.5.0.255/24 is the broadcast address"]
    );
    assert_eq!(
        interface("vlan = [1, 2, 3]\nvrf = \"rde\""),
        ["interface[3].vlan: 3 VLAN ids", "interface[3].vrf: there is no vrf \"rde\""]
    );
    assert_eq!(
        interface("vlan = 8\ntrust = false\ndscp = { ef = \"voice\" }"),
        ["interface[3].dscp: marks are not trusted, so no entry can match"]
    );
}

#[test]
fn settings_of_another_kind_of_port_are_refused() {
    let port = |text: &str| with(&format!("[[port]]\nname = \"p\"\n{text}\n"));
    assert_eq!(
        port("kind = \"loopback\"\ndevice = \"eth0\"\ncopy = \"copy\"\nqueues = 2"),
        [
            "port[2].device: a port of kind \"loopback\" has no \"device\"",
            "port[2].copy: a port of kind \"loopback\" has no \"copy\"",
            "port[2].queues: a port of kind \"loopback\" has one queue",
        ]
    );
    assert_eq!(
        port("kind = \"loopback\"\ntrees = 2"),
        [
            "port[2].trees: a port of kind \"loopback\" has one queue, and so one tree",
            "port[2].trees: 2 trees need a worker each, and there is one",
        ]
    );
    assert_eq!(
        port("kind = \"tap\"\nqueues = 3\ntrees = 4\n[router]\nworkers = 4"),
        ["port[2].trees: 4 trees cannot send by 3 queues: each needs its own"]
    );
    assert_eq!(
        port(
            "kind = \"memif\"\nsocket = \"/run/m\"\nrole = \"server\"\nqueues = 4\ntrees = 4\n[router]\nworkers = 3"
        ),
        ["port[2].trees: 4 trees need a worker each, and there are 3"]
    );
    assert_eq!(
        port("kind = \"loopback\"\nrate = \"1 Gbit/s\"\nburst = \"9 us\""),
        ["port[2].burst: 9 us is out of range"]
    );
    assert_eq!(
        port("kind = \"loopback\"\nrate = \"1 Gbit/s\"\nburst = \"64 kB\""),
        ["port[2].burst: \"kB\" is not a unit of a time"]
    );
    assert_eq!(
        port("kind = \"loopback\"\nburst = \"2 ms\""),
        ["port[2].burst: the port has no rate to have a burst of"]
    );
    let errors = faults(&format!(
        "{SOUND}[[port]]\nname = \"p\"\nkind = \"tap\"\nburst = \"2 s\"\nrate = \"1 Gbit/s\"\n"
    ));
    let burst = &errors.errors[0];
    assert_eq!((burst.line, burst.help.as_str()), (SOUND.lines().count() + 4, "allowed: 10 us to 1 s"));
    assert_eq!(port("kind = \"pcap\""), ["port[2].kind: a pcap port without a file"]);
    assert_eq!(port("kind = \"af-xdp\"\nring = 1000"), ["port[2].ring: 1000 is no power of two"]);
    assert_eq!(
        port("kind = \"tap\"\ndevice = \"a-very-long-device\""),
        ["port[2].device: \"a-very-long-device\" is no name of a network device"]
    );
    assert_eq!(
        port("kind = \"tap\"\n[[port]]\nname = \"q\"\nkind = \"af-xdp\"\ndevice = \"p\""),
        ["port[3].device: the device \"p\" is taken by the port \"p\""]
    );
    assert_eq!(
        with("[router]\nworkers = 3\ncores = [2, 2]\n"),
        ["router.cores: 3 workers cannot be pinned to 2 cores", "router.cores: a core is named twice"]
    );
    assert_eq!(
        with("[router]\nmode = \"busy\"\npriority = \"real-time\"\n"),
        ["router.priority: a worker that never sleeps cannot go before all else of its core"]
    );
}

#[test]
fn places_count_characters_and_lines() {
    let errors = faults("# ÄÖÜ\r\n[router]\r\nname = \"é\"  \r\n").errors;
    assert_eq!((errors[0].line, errors[0].column, errors[0].key.as_str()), (3, 8, "router.name"));
}

#[test]
fn a_list_of_faults_is_bounded() {
    let many: String = (0..5_000).map(|n| format!("key{n} = 1\n")).collect();
    let errors = faults(&many);
    assert_eq!((errors.errors.len(), errors.more), (100, 4_900));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any text, and any mutilation of a sound file, is answered, never a panic.
    #[test]
    fn nothing_panics(text in "\\PC{0,200}", cut in 0usize..400, at in 0usize..3000, sound: bool) {
        let base = if sound { SOUND } else { BROKEN };
        let mut bytes = base.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + cut / 4).min(bytes.len());
        bytes.splice(at..end, text.bytes());
        if let Ok(mutilated) = String::from_utf8(bytes)
            && let Err(errors) = parse(&mutilated, "test.toml")
        {
            prop_assert!(!errors.errors.is_empty());
            prop_assert!(!errors.to_string().is_empty() && !errors.fancy(true).is_empty());
        }
        let _ = parse(&text, "test.toml");
    }
}
