//! Files without a router: check, diff, schema; and exit codes.

use super::common::{viaduct, workspace};

fn path(name: &str) -> String {
    workspace(name).to_str().unwrap().into()
}

#[test]
fn a_sound_file_is_counted() {
    let told = viaduct(&["check", &path("examples/site.toml")]).done();
    assert!(told.contains("2 ports, 4 interfaces, 1 vrfs, 1 routes"), "{told}");
    assert!(told.contains("no faults"), "{told}");
    let json = viaduct(&["check", "--json", &path("examples/site.toml")]).json();
    assert_eq!((json["errors"].as_array().unwrap().len(), json["more"].as_u64()), (0, Some(0)));
}

#[test]
fn every_fault_of_a_broken_file_is_told_with_its_place() {
    let file = path("control/tests/broken.toml");
    let told = viaduct(&["check", &file]).failed(4);
    for fault in ["broken.toml:2:", "router.wokers", "vioce", "clinic", "phone", "nothing was changed"] {
        assert!(told.contains(fault), "no {fault} in\n{told}");
    }
    let ran = viaduct(&["check", "--json", &file]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let errors = json["errors"].as_array().unwrap();
    assert!(errors.len() >= 10, "{errors:?}");
    for error in errors {
        assert!(error["line"].as_u64().unwrap() > 0, "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty() && error["key"].is_string(), "{error}");
    }
    assert_eq!(ran.code, 4);
}

#[test]
fn rules_that_overlap_are_warned_of_and_the_file_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.toml");
    let rules = "[[rule]]\nname = \"net\"\nsource = \"10.0.0.0/8\"\nclass = \"voice\"\n\
                 [[rule]]\nname = \"web\"\ndestination-port = 80\nclass = \"clinical\"\n";
    std::fs::write(&file, rules).unwrap();
    let ran = viaduct(&["check", file.to_str().unwrap()]);
    let json = viaduct(&["check", "--json", file.to_str().unwrap()]).json();
    assert_eq!(ran.code, 0);
    let told = &ran.err;
    assert!(told.contains("warning:") && told.contains(":6:") && told.contains("\"net\""), "{told}");
    assert_eq!(json["warnings"][0]["key"], "rule[1].name");
}

#[test]
fn a_file_that_is_not_there_is_no_fault_of_a_file() {
    let told = viaduct(&["check", "/nonexistent/r.toml"]).failed(1);
    assert!(told.contains("/nonexistent/r.toml") && told.contains("name a configuration file"), "{told}");
}

#[test]
fn a_file_that_is_not_text_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.toml");
    std::fs::write(&file, b"[router]\nname = \"caf\xe9\"\n").unwrap();
    let told = viaduct(&["check", file.to_str().unwrap()]).failed(1);
    assert!(told.contains("r.toml:2: this line is not UTF-8"), "{told}");
}

#[test]
fn two_files_are_compared_without_a_router() {
    let (a, b) = (path("examples/minimal.toml"), path("examples/site.toml"));
    let told = viaduct(&["diff", &a, &b]).done();
    assert!(told.contains("+ interface \"phones\"") && told.contains("- interface \"ge0\""), "{told}");
    let json = viaduct(&["diff", "--json", &a, &b]).json();
    let names = |c: &serde_json::Value| c["key"].as_str() == Some("interface \"phones\"");
    assert!(json.as_array().unwrap().iter().any(names), "{json}");
    assert_eq!(viaduct(&["diff", &a, &a]).done(), "no differences\n");
}

#[test]
fn the_schema_names_every_section() {
    let schema = viaduct(&["schema"]).json();
    for section in ["router", "port", "vrf", "interface", "route", "neighbour", "limits"] {
        assert!(schema["properties"][section].is_object(), "no {section}");
    }
}

#[test]
fn without_a_router_the_message_says_how_to_mend_it() {
    for words in [
        &["show", "ports"][..],
        &["apply", &path("examples/site.toml")],
        &["route", "add", "10.0.0.0/8", "blackhole"],
        &["ping", "10.0.0.1"],
        &["explain", "in", "a", "from", "10.0.0.1", "to", "10.0.0.2"],
    ] {
        let all: Vec<_> = words.iter().copied().chain(["--socket", "/nonexistent/s"]).collect();
        let told = viaduct(&all).failed(3);
        assert!(told.contains("no router listens on /nonexistent/s"), "{told}");
        assert!(told.contains("viaduct daemon --config"), "{told}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_2() {
    for words in [&["frobnicate"][..], &["show", "routes", "--source", "bgp"], &["ping", "ten"]] {
        assert_eq!(viaduct(words).code, 2, "{words:?}");
    }
    let told = viaduct(&["show", "routes", "--source", "bgp"]).failed(2);
    assert!(told.contains("local, connected, static, runtime, imported, otherwise"), "{told}");
}

#[test]
fn every_help_has_examples_and_the_first_has_the_exit_codes() {
    let told = viaduct(&["--help"]).done();
    assert!(told.contains("3  no router process answers"), "{told}");
    for command in ["daemon", "check", "apply", "diff", "show", "route", "ping", "lsp", "explain", "man"] {
        let told = viaduct(&[command, "--help"]).done();
        assert!(told.contains("Examples:\n  "), "{command}:\n{told}");
    }
}

#[test]
fn called_viaductd_it_is_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("viaductd");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_viaduct"), &name).unwrap();
    let broken = path("control/tests/broken.toml");
    let output = std::process::Command::new(&name).args(["--config", &broken]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("router.wokers"), "{told}");
}
