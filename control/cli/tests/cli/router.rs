//! Every command against a router process, on ports in its own memory: no root needed.

use std::fmt::Write;

use super::common::Router;

const CONFIG: &str = r#"
[router]
name = "try"
mode = "interrupt"
buffers = 1024
[[port]]
name = "ge0"
kind = "loopback"
[[port]]
name = "ge1"
kind = "loopback"
[[vrf]]
name = "red"
[[interface]]
name = "ge0"
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
police.voice.rate = "1 Mbit/s"
police.imaging.meter = "bulk"
[[meter]]
name = "bulk"
kind = "trtcm"
cir = "20 Mbit/s"
pir = "50 Mbit/s"
[[rule]]
name = "calls"
destination-port = "5060"
class = "voice"
mark = "ef"
[[rule]]
name = "web"
direction = "out"
destination-port = 80
class = "imaging"
[[interface]]
name = "ge1"
addresses = ["10.0.1.1/24"]
[interface.qos]
rate = "10 Mbit/s"
[[route]]
prefix = "10.1.0.0/16"
via = "10.0.1.2"
[[neighbour]]
interface = "ge1"
address = "10.0.1.2"
mac = "02:00:00:00:00:02"
"#;

#[test]
fn every_show_is_a_table_and_json() {
    let router = Router::start(CONFIG);
    let shown = |words: &str| {
        let mut all: Vec<_> = ["show"].into_iter().chain(words.split(' ')).collect();
        let table = router.run(&all).done();
        all.push("--json");
        (table, router.run(&all).json())
    };
    let (table, json) = shown("ports");
    assert!(table.starts_with("PORT  KIND      DEVICE  LINK  QUEUES"), "{table}");
    assert_eq!((json[0]["name"].as_str(), json[1]["link"].as_str()), (Some("ge0"), Some("up")));
    let (table, json) = shown("interfaces");
    assert!(table.contains("10.0.0.1/24 2001:db8::1/64"), "{table}");
    assert_eq!((json[1]["name"].as_str(), json[1]["mtu"].as_u64()), (Some("ge1"), Some(1500)));
    let (table, json) = shown("neighbours ge1");
    assert!(table.contains("10.0.1.2") && table.contains("static"), "{table}");
    assert_eq!(json[0]["mac"], "02:00:00:00:00:02");
    let (table, json) = shown("policers");
    let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("imaging bulk trtcm 20 Mbit/s 50 kB 50 Mbit/s 125 kB 0 0 0 0"), "{table}");
    assert_eq!((json[0]["class"].as_str(), json[0]["kind"].as_str()), (Some("voice"), Some("policer")));
    assert_eq!(
        (json[1]["meter"].as_str(), json[1]["excess_rate"].as_u64()),
        (Some("bulk"), Some(50_000_000))
    );
    assert_eq!((&json[1]["red"]["action"], &json[1]["red"]["frames"]), (&"drop".into(), &0.into()));
    assert!(shown("policers ge1").0.contains("no policers"));
    let (table, json) = shown("rules");
    let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("calls in voice green ef 0 0 web out imaging green - 0 0"), "{table}");
    assert_eq!((json[0]["mark"].as_u64(), json[1]["direction"].as_str()), (Some(46), Some("out")));
    let (table, json) = shown("drops");
    assert!(table.contains(" received + ") && json["rows"].is_array(), "{table}");
    let (_, json) = shown("drops --interface ge0");
    assert!(json["rows"].as_array().unwrap().iter().all(|row| row["name"] == "ge0"), "{json}");
    let (table, json) = shown("workers");
    assert!(table.contains("ge0 ge1") && json[0]["pool_total"].as_u64().unwrap() > 0, "{table}");
    assert_eq!((json[0]["priority"].as_str(), json[0]["stops"].as_u64()), (Some("ordinary"), Some(0)));
    let (table, json) = shown("version");
    assert!(table.contains("generation") && json["name"] == "try", "{table}");
    let (table, json) = shown("vrfs");
    assert!(table.contains("default") && json[1]["name"] == "red", "{table}");
    let (table, json) = shown("routes 10.1.2.3");
    assert!(table.contains("*  10.1.0.0/16") && table.contains("10.0.1.2%ge1"), "{table}");
    assert_eq!((json["rows"][0]["used"].as_bool(), json["more"].as_u64()), (Some(true), Some(0)));
    let (_, json) = shown("routes 10.0.0.0/8 --source static --vrf default");
    assert_eq!(json["rows"].as_array().unwrap().len(), 1);
    let (table, json) = shown("routes --summary");
    assert!(table.contains("bytes of memory resident"), "{table}");
    assert!(json["summary"]["vrfs"][0]["ipv4_bytes"].as_u64().unwrap() > 0, "{json}");
    let told = router.run(&["show", "qos", "ge9"]).failed(1);
    assert!(told.contains("there is no interface \"ge9\"; there are: ge0, ge1"), "{told}");
}

#[test]
fn a_file_is_applied_whole_or_not_at_all() {
    let mut router = Router::start(CONFIG);
    let before = router.generation();
    let bad = router.file("bad.toml", &CONFIG.replace("10.0.1.2\"\nmac", "10.9.9.9\"\nmac"));
    assert!(router.run(&["apply", &bad]).failed(4).contains("10.9.9.9"));
    let missing =
        CONFIG.replace("kind = \"loopback\"\n[[vrf]]", "kind = \"af-packet\"\ndevice = \"none0\"\n[[vrf]]");
    let missing = router.file("missing.toml", &missing);
    assert!(router.run(&["apply", &missing]).failed(1).contains("none0"));
    assert_eq!(router.generation(), before);

    let good = CONFIG.replace("10.1.0.0/16", "10.2.0.0/16").replace("10 Mbit/s", "20 Mbit/s");
    let name = router.file("good.toml", &good);
    let told = router.run(&["diff", &name]).done();
    assert!(told.contains("~ interface \"ge1\" qos.rate: 10 Mbit/s → 20 Mbit/s"), "{told}");
    assert_eq!(router.generation(), before);
    let told = router.run(&["apply", &name]).done();
    assert!(told.contains("+ route 10.2.0.0/16") && told.contains("is in force"), "{told}");
    assert!(router.generation() > before);
    assert_eq!(router.run(&["diff", &name]).done(), "no differences\n");
    assert!(router.run(&["diff", "--json", &name]).json().as_array().unwrap().is_empty());

    // SIGHUP applies the file the router was started with.
    router.file("r.toml", &CONFIG.replace("10.1.0.0/16", "10.3.0.0/16"));
    router.signal("HUP");
    router.until("the file is applied again", |r| {
        r.run(&["show", "routes", "10.3.0.9"]).out.contains("10.3.0.0/16")
    });
    router.signal("TERM");
    let ended = router.ended();
    assert_eq!(ended.code(), Some(0), "{ended}");
    assert!(!router.path("s").exists(), "the socket is left behind");
}

#[test]
fn routes_come_and_go_one_by_one_and_by_the_file() {
    let router = Router::start(CONFIG);
    let told = router.run(&["route", "add", "10.8.0.0/16", "via", "10.0.1.2", "--distance", "7"]).done();
    assert_eq!(told, "1 added, 0 replaced, 0 removed\n");
    let told = router.run(&["show", "routes", "10.8.0.1"]).done();
    assert!(told.contains("runtime") && told.contains(" 7 "), "{told}");
    let json = router.run(&["route", "add", "::/0", "blackhole", "--vrf", "red", "--json"]).json();
    assert_eq!(json["added"], 1);
    assert_eq!(router.run(&["route", "del", "10.8.0.0/16"]).done(), "0 added, 0 replaced, 1 removed\n");
    let told = router.run(&["route", "del", "10.8.0.0/16"]).failed(1);
    assert!(told.contains("no run-time route to it in vrf \"default\""), "{told}");
    let told = router.run(&["route", "add", "10.8.0.0/16", "blackhole", "--vrf", "blue"]).failed(1);
    assert!(told.contains("blue"), "{told}");

    let mut text = String::from("# a table\n");
    for n in 0..10_000u32 {
        writeln!(text, "20.{}.{}.0/24 via 10.0.1.2", n / 256, n % 256).unwrap();
    }
    let sound = router.file("routes.txt", &text);
    assert_eq!(router.run(&["route", "load", &sound]).done(), "10000 added, 0 replaced, 0 removed\n");
    let json = router.run(&["show", "routes", "--source", "runtime", "--most", "1", "--json"]).json();
    assert_eq!(json["more"], 10_000);
    let found = router.run(&["show", "routes", "20.39.15.9"]).done();
    assert!(found.contains("20.39.15.0/24"), "{found}");

    let before = router.generation();
    text.push_str("del 20.0.0.0/24\n10.0.0.0/40 via 10.0.1.2\n20.0.0.0/24 over there\n");
    let broken = router.file("broken.txt", &text);
    let told = router.run(&["route", "load", &broken]).failed(4);
    assert!(told.contains("broken.txt:10003: \"10.0.0.0/40\" is no prefix; allowed"), "{told}");
    assert!(told.contains("broken.txt:10004: \"over\" is not understood; allowed"), "{told}");
    assert!(told.contains("2 faults; no route was changed"), "{told}");
    assert_eq!(router.generation(), before);
}

#[test]
fn the_router_pings_itself_and_explains_without_a_trace() {
    let router = Router::start(CONFIG);
    let told = router.run(&["ping", "10.0.0.1", "-c", "2", "-i", "0"]).done();
    assert!(told.contains("2 sent, 2 answered, 0 % lost"), "{told}");
    let json = router.run(&["ping", "10.0.0.1", "-c", "1", "--size", "200", "--json"]).json();
    assert_eq!((json["received"].as_u64(), json["replies"][0]["size"].as_u64()), (Some(1), Some(200)));
    let ran = router.run(&["ping", "10.9.9.9", "-c", "1", "--timeout", "100"]);
    assert!(ran.out.contains("1 sent, 0 answered, 100 % lost"), "{ran:?}");
    assert!(ran.failed(1).contains("10.9.9.9 did not answer"));
    let told = router.run(&["ping", "10.0.0.1", "--vrf", "blue"]).failed(1);
    assert!(told.contains("there is no vrf \"blue\"; there are: default, red"), "{told}");

    let drops = || {
        let mut drops = router.run(&["show", "drops", "--json"]).json();
        // Announcements of its addresses go on meanwhile.
        for moving in ["originated", "sent", "held"] {
            drops[moving].take();
        }
        drops
    };
    let before = drops();
    let words = "explain in ge0 from 10.0.0.5 to 10.1.0.9 udp dscp ef size 200";
    let told = router.run(&words.split(' ').collect::<Vec<_>>()).done();
    for said in ["10.1.0.0/16 leads to 10.0.1.2 on ge1", "its line is up", "expected wait", "FORWARDED"] {
        assert!(told.contains(said), "no {said:?} in\n{told}");
    }
    assert!(!told.contains("Without a router"), "{told}");
    let words = "explain in ge0 from 10.0.0.5 to 203.0.113.9 --json";
    let json = router.run(&words.split(' ').collect::<Vec<_>>()).json();
    assert_eq!(json[0]["outcome"]["reason"], "no-route");
    assert_eq!(drops(), before);
    let told = router.run(&["explain", "in", "ge9", "from", "10.0.0.5", "to", "10.0.0.6"]).failed(1);
    assert!(told.contains("interfaces are: ge0, ge1"), "{told}");
}
