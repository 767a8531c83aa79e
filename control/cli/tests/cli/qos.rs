//! `show qos` and `top` against a router process.

use serde_json::Value;

use super::common::Router;

const CONFIG: &str = r#"
[router]
name = "try"
mode = "interrupt"
buffers = 1024
[[port]]
name = "lan"
kind = "loopback"
[[port]]
name = "wan"
kind = "loopback"
rate = "100 Mbit/s"
[[interface]]
name = "lan"
addresses = ["10.0.0.1/24"]
[[interface]]
name = "surgery-1"
port = "wan"
vlan = 1
addresses = ["10.0.1.1/24"]
[interface.qos]
rate = "10 Mbit/s"
guaranteed = "5 Mbit/s"
weight = 3
overhead = "pppoe-llc"
clinical = { guaranteed = "500 kbit/s", rate = "4 Mbit/s", limit = ["20 kB", "30 ms"] }
[[interface]]
name = "clinic"
port = "wan"
vlan = 2
addresses = ["10.0.2.1/24"]
[[neighbour]]
interface = "surgery-1"
address = "10.0.1.2"
mac = "02:00:00:00:00:02"
"#;

fn site<'a>(json: &'a Value, name: &str) -> &'a Value {
    json["sites"].as_array().unwrap().iter().find(|site| site["interface"] == name).unwrap()
}

/// Pings that nobody answers, until one has left through its queue.
fn calls(router: &mut Router) {
    router.until("a ping leaves in the class of calls", |r| {
        r.run(&["ping", "10.0.1.2", "-c", "1", "--timeout", "10", "--dscp", "46"]);
        let json = r.run(&["show", "qos", "surgery-1", "--json"]).json();
        json["classes"][1]["sent"]["frames"].as_u64().unwrap() > 0
    });
}

#[test]
fn sites_are_a_line_each_and_all_together() {
    let mut router = Router::start(CONFIG);
    let rates = |r: &Router| {
        site(&r.run(&["show", "qos", "--json"]).json(), "clinic")["recent"][0]["seconds"].clone()
    };
    router.until("rates are known", |r| rates(r).as_f64().unwrap() > 1.0);
    let json = router.run(&["show", "qos", "--json"]).json();
    let surgery = site(&json, "surgery-1");
    assert_eq!((&surgery["rate"], &surgery["guaranteed"]), (&10_000_000.into(), &5_000_000.into()));
    assert_eq!(
        (&surgery["weight"], &surgery["cells"], &surgery["port"]),
        (&3.into(), &"atm".into(), &"wan".into())
    );
    assert!(surgery["sent"]["frames"].as_u64().unwrap() > 0, "{surgery}");
    assert_eq!(json["totals"]["sites"], 3);
    assert_eq!(site(&json, "clinic")["rate"], Value::Null);
    let table = router.run(&["show", "qos"]).done();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("SITE       PORT       RATE  DELIVERED-1S"), "{table}");
    assert_eq!(lines.len(), 5, "{table}");
    assert!(lines[2].contains("surgery-1  wan   10 Mbit/s") && lines[4].starts_with("all 3"), "{table}");
}

#[test]
fn a_site_is_told_with_every_class_and_its_port() {
    let mut router = Router::start(CONFIG);
    calls(&mut router);
    let json = router.run(&["show", "qos", "surgery-1", "--json"]).json();
    let class = |name: &str| json["classes"].as_array().unwrap().iter().find(|c| c["class"] == name).unwrap();
    assert_eq!(json["classes"].as_array().unwrap().len(), 8);
    let voice = class("voice");
    assert_eq!((&voice["class"], &voice["priority"]), (&"voice".into(), &true.into()));
    assert_eq!(voice["offered"], voice["sent"]);
    let reasons: Vec<_> = voice["drops"].as_object().unwrap().keys().map(String::as_str).collect();
    let all = [
        "codel",
        "policed",
        "queue-bytes",
        "queue-frames",
        "queue-time",
        "site-bytes",
        "tree-memory",
        "wred",
    ];
    assert_eq!(reasons, all);
    assert_eq!(
        (&class("clinical")["guaranteed"], &class("clinical")["rate"]),
        (&500_000.into(), &4_000_000.into())
    );
    assert_eq!((&json["port"]["name"], &json["port"]["rate"]), (&"wan".into(), &100_000_000.into()));
    assert_eq!(json["port"]["sites"], 2);
    let queue = &class("imaging")["queue"];
    assert_eq!((&queue["aqm"], &queue["flows"]), (&"codel".into(), &1_024.into()), "{queue}");
    let target = queue["target_us"].as_array().unwrap();
    assert!(target[0] == 5_000.0 && target[1].as_f64() > Some(5_000.0), "a frame takes longer: {queue}");
    let queue = &class("clinical")["queue"];
    assert_eq!((&queue["limit_bytes"], &queue["limit_us"]), (&20_000.into(), &30_000.0.into()), "{queue}");
    assert_eq!((&queue["aqm"], &queue["target_us"]), (&"tail".into(), &Value::Null), "{queue}");
    let told = router.run(&["show", "qos", "surgery-1"]).done();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "surgery-1: 10 Mbit/s, 5 Mbit/s guaranteed, weight 3; a frame counts",
        "in whole cells of atm",
        "port wan: 100 Mbit/s, burst 1 ms; 2 sites deliver",
        "clinical 15 500 kbit/s 4 Mbit/s - ",
        "voice priority - - 3.333 Mbit/s ",
        "P99.9-US",
        "CLASS LIMIT WORST LIMIT-US MAX-US DROPS-BY TARGET-US IN-USE FLOWS ECN",
        "clinical 20000 0 30000",
        "no drops",
    ] {
        assert!(told.contains(said), "no {said:?} in {told}");
    }
    let all = router.run(&["show", "qos", "--all", "--json"]).json();
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(all[2]["site"]["interface"], "clinic");
    assert!(router.run(&["show", "qos", "--all"]).done().contains("clinic: no rate, weight 1"));
    router.run(&["show", "qos", "clinic", "--all"]).failed(2);
}

#[test]
fn top_prints_a_frame_where_nobody_looks() {
    let mut router = Router::start(CONFIG);
    calls(&mut router);
    let frame = router.run(&["top", "--once", "--sort", "name"]).done();
    let lines: Vec<_> = frame.lines().collect();
    assert!(lines[0].starts_with("3 sites by name: ") && lines[1].is_empty(), "{frame}");
    assert!(lines[2].starts_with("SITE       PORT       RATE  DELIVERED-1S"), "{frame}");
    let names: Vec<_> = lines[3..].iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["clinic", "lan", "surgery-1"]);
    // Without a terminal it is the same.
    assert!(router.run(&["top"]).done().starts_with("3 sites by rate: "));
    let frame = router.run(&["top", "surgery-1"]).done();
    assert!(frame.starts_with("site surgery-1\n") && frame.contains("P99.9-US"), "{frame}");
    let told = router.run(&["top", "surgery-2"]).failed(1);
    assert!(told.contains("there is no interface \"surgery-2\""), "{told}");
    router.run(&["top", "--sort", "colour"]).failed(2);
    router.signal("TERM");
    router.ended();
    assert!(router.run(&["top"]).failed(3).contains("no router listens"));
}
