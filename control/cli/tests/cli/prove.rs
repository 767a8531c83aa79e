//! `prove isolation`: a directory of files, leaks with their packets, exit codes; and an
//! apply that would leak.

use std::fs;

use super::common::{Router, viaduct, workspace};

/// Where a spoilt example is put.
fn network(pe: impl FnOnce(String) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str| fs::read_to_string(workspace("examples").join(name)).unwrap();
    fs::write(folder.path().join("pe.toml"), pe(text("pe.toml"))).unwrap();
    fs::write(folder.path().join("p.toml"), text("p.toml")).unwrap();
    folder
}

#[test]
fn the_provider_examples_are_closed_as_far_as_they_go() {
    let folder = network(|pe| pe);
    let told = viaduct(&["prove", "isolation", folder.path().to_str().unwrap()]).done();
    assert!(told.contains("2 routers") && told.contains("closed as far as these routers decide"), "{told}");
    // PE 2 is in no file.
    assert!(
        told.contains("leaves the known network with labels by p1 vrf default interface to-p2"),
        "{told}"
    );
}

#[test]
fn a_leak_is_told_with_its_packet_and_path() {
    let wrong =
        "[[route]]\nvrf = \"trust\"\nprefix = \"10.77.0.0/16\"\nvia = \"10.8.0.9\"\nvia-vrf = \"care\"\n";
    let folder = network(|pe| pe + wrong);
    let path = folder.path().to_str().unwrap();
    let ran = viaduct(&["prove", "isolation", path]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("leak: pe1 vrf trust reaches pe1 vrf care"), "{}", ran.out);
    let ran = viaduct(&["prove", "isolation", "--json", path]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let example = &json["leaks"][0]["example"];
    assert_eq!(example["confirmed"], true, "{example}");
    assert_eq!(example["receiver"]["vrf"], "care", "{example}");
    assert!(!example["path"].as_array().unwrap().is_empty());
    assert_eq!(ran.code, 1);
}

#[test]
fn without_intent_there_is_nothing_to_prove_and_faults_come_first() {
    let minimal = workspace("examples/minimal.toml");
    let told = viaduct(&["prove", "isolation", minimal.to_str().unwrap()]).failed(1);
    assert!(told.contains("nothing to prove"), "{told}");
    let broken = workspace("control/tests/broken.toml");
    viaduct(&["prove", "isolation", broken.to_str().unwrap()]).failed(4);
    let empty = tempfile::tempdir().unwrap();
    viaduct(&["prove", "isolation", empty.path().to_str().unwrap()]).failed(1);
}

/// Two communities on ports that need no device.
const TWO: &str = "[[port]]\nname = \"a\"\nkind = \"loopback\"\n[[port]]\nname = \"b\"\nkind = \"loopback\"\n\
    [[vrf]]\nname = \"red\"\n[[vrf]]\nname = \"blue\"\n\
    [[interface]]\nname = \"a\"\nvrf = \"red\"\naddresses = [\"10.0.1.1/24\"]\n\
    [[interface]]\nname = \"b\"\nvrf = \"blue\"\naddresses = [\"10.0.2.1/24\"]\n\
    [[community]]\nname = \"red\"\nmembers = [\"red\"]\n[[community]]\nname = \"blue\"\nmembers = [\"blue\"]\n";
const LEAK: &str =
    "[[route]]\nvrf = \"red\"\nprefix = \"10.9.0.0/16\"\nvia = \"10.0.2.9\"\nvia-vrf = \"blue\"\n";

#[test]
fn an_apply_that_leaks_changes_nothing() {
    let router = Router::start(TWO);
    let before = router.generation();
    let file = router.file("leak.toml", &format!("{TWO}{LEAK}"));
    let told = router.run(&["apply", &file]).failed(1);
    assert!(told.contains("vrf red reaches") && told.contains("nothing was changed"), "{told}");
    assert_eq!(router.generation(), before);
}
