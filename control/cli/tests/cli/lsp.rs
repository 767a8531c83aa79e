//! `viaduct lsp` against a router whose paths lead nowhere: what it asks, and how it
//! tells that nobody answers.

use super::common::Router;

const CONFIG: &str = r#"
[router]
name = "pe"
mode = "interrupt"
buffers = 1024
[limits]
dad-probes = 0
[[port]]
name = "core"
kind = "loopback"
[[vrf]]
name = "red"
rd = "65000:1"
[[interface]]
name = "core"
mpls = true
addresses = ["10.255.0.1/30"]
[[neighbour]]
interface = "core"
address = "10.255.0.2"
mac = "02:00:00:00:00:02"
[[route]]
vrf = "red"
prefix = "10.9.0.0/16"
via = "10.255.0.2"
push = [16004, 30012]
"#;

#[test]
fn a_path_that_nobody_answers_on_is_told() {
    let router = Router::start(CONFIG);
    let ping = ["lsp", "ping", "10.9.0.0/16", "--vrf", "red", "-c", "1", "--timeout", "100"];
    let ran = router.run(&ping);
    assert!(ran.out.contains("0: no answer within 100 ms"), "{ran:?}");
    assert!(ran.out.contains("10.9.0.0/16: 1 sent, 0 reached the end"), "{ran:?}");
    assert!(ran.failed(1).contains("the end of the path was not reached"));
    let words = "lsp trace label 16004 30012 via 10.255.0.2 --timeout 50 --hops 9";
    let ran = router.run(&words.split(' ').collect::<Vec<_>>());
    // Four silent routers are enough.
    assert_eq!(ran.out.lines().filter(|line| line.contains("no answer within 50 ms")).count(), 4, "{ran:?}");
    assert!(ran.failed(1).contains("the end of the path was not reached"));
}

#[test]
fn json_says_why_nothing_was_sent() {
    let router = Router::start(CONFIG);
    let asked = |words: &str| {
        let ran = router.run(&words.split(' ').collect::<Vec<_>>());
        let json: serde_json::Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
        json["replies"][0]["outcome"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(asked("lsp ping 10.8.0.0/16 -c 1 --json"), "not sent: no route");
    assert_eq!(
        asked("lsp ping 10.9.0.0/16 --vrf red --size 1600 -c 1 --json"),
        "not sent: longer than the MPLS MTU"
    );
    assert_eq!(asked("lsp ping label 17 via 192.0.2.1 -c 1 --json"), "not sent: no route");
    assert_eq!(asked("lsp ping label 17 via 10.255.0.2 -c 1 --timeout 50 --json"), "timeout");
}

#[test]
fn what_is_wrong_with_the_words_is_said() {
    let router = Router::start(CONFIG);
    for (words, told) in [
        ("lsp ping ten", "\"ten\" is no prefix"),
        ("lsp ping label 5 via 10.255.0.2", "each 16 to 1048575, or 0, 1 or 2"),
        ("lsp ping label 17 via 10.255.0.2 dev nowhere", "there is no interface \"nowhere\""),
        ("lsp ping 10.9.0.0/16 --vrf blue", "there is no vrf \"blue\""),
        ("lsp trace 10.9.0.0/16 --vrf red --rd seven", "route distinguisher"),
    ] {
        let failed = router.run(&words.split(' ').collect::<Vec<_>>()).failed(1);
        assert!(failed.contains(told), "{words}: {failed}");
    }
}
