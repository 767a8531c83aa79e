//! `prove capacity`: the table, promises kept and broken, and files that are refused.

use std::fs;

use super::common::viaduct;

const SITE: &str = r#"
[[port]]
name = "wan"
kind = "loopback"
[[interface]]
name = "wan"
[interface.qos]
rate = "10 Mbit/s"
[[promise]]
interface = "wan"
calls = 30
bound = "7 ms"
"#;

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.toml");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn what_a_site_is_sure_of_is_told_class_by_class() {
    let (_folder, path) = file(SITE);
    let told = viaduct(&["prove", "capacity", &path]).done();
    let voice = told.lines().find(|line| line.contains("voice")).unwrap();
    for column in ["3333333 bit/s", "promised", "6.943 ms", "30"] {
        assert!(voice.contains(column), "{column} in {voice}");
    }
    assert!(told.contains("kept    wan voice: 30 calls of g711 within 7 ms"), "{told}");
    let scavenger = told.lines().find(|line| line.contains("scavenger")).unwrap();
    assert!(scavenger.contains("queue full") && scavenger.contains("–"), "{scavenger}");
}

#[test]
fn a_broken_promise_is_told_here_and_refused_elsewhere() {
    let (_folder, path) = file(&SITE.replace("30", "100"));
    let ran = viaduct(&["prove", "capacity", &path]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("broken  wan voice: 100 calls of g711 within 7 ms"), "{}", ran.out);
    assert!(ran.out.contains("short by 6186667 bit/s") && ran.out.contains("30 calls fit"), "{}", ran.out);
    let ran = viaduct(&["check", &path]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("site.toml:11:9: promise[0].calls: it sends 9520 kbit/s"), "{}", ran.err);
    let ran = viaduct(&["prove", "capacity", &path, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["rows"][1]["promises"][0]["promise"], "100 calls of g711 within 7 ms");
    let ran = viaduct(&["prove", "capacity", &path, "--interface", "lan"]);
    assert!(ran.err.contains("there is no interface \"lan\""), "{}", ran.err);
}

#[test]
fn why_there_are_no_bounds_is_told_once() {
    let (_folder, path) = file(
        &SITE[..SITE.find("[[promise]]").unwrap()]
            .replace("\"10 Mbit/s\"", "\"10 Mbit/s\"\ndiscipline = \"fifo\""),
    );
    let told = viaduct(&["prove", "capacity", &path]).done();
    assert_eq!(told.matches("all classes of \"wan\" wait in one queue").count(), 1, "{told}");
}
