//! What is generated from the command line and kept in dist/ is current.

use std::collections::BTreeMap;
use std::path::Path;

use super::common::{viaduct, workspace};

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |e: std::fs::DirEntry| {
        (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap())
    };
    entries.map(read).collect()
}

#[test]
fn manual_pages_are_current() {
    let folder = tempfile::tempdir().unwrap();
    viaduct(&["man", folder.path().to_str().unwrap()]).done();
    let (made, kept) = (files(folder.path()), files(&workspace("dist/man")));
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&made), "run: viaduct man dist/man");
    for (name, text) in &made {
        assert!(kept[name] == *text, "dist/man/{name} is old; run: viaduct man dist/man");
    }
    assert!(made["viaduct.1"].contains("no router process answers"), "no exit codes");
    assert!(made.contains_key("viaduct-show-routes.1"));
}

#[test]
fn completions_are_current() {
    for (shell, name) in [("bash", "viaduct.bash"), ("zsh", "_viaduct"), ("fish", "viaduct.fish")] {
        let made = viaduct(&["completions", shell]).done();
        let kept = std::fs::read_to_string(workspace("dist/completions").join(name)).unwrap();
        assert!(made == kept, "run: viaduct completions {shell} > dist/completions/{name}");
        assert!(made.contains("explain"), "{shell}");
    }
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = std::fs::read_to_string(workspace("dist/viaduct.service")).unwrap();
    let start = unit.lines().find(|l| l.starts_with("ExecStart=")).unwrap();
    assert_eq!(start, "ExecStart=/usr/bin/viaductd --config /etc/viaduct/viaduct.toml");
    assert!(unit.contains("Type=notify") && unit.contains("ExecReload=/bin/kill -HUP $MAINPID"));
}
