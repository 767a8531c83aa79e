//! What Vrfs cost the router process: a thousand of them, empty and with a hundred VPN
//! routes each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const VRFS: usize = 1000;
const ROUTES: usize = 100;
const MEGABYTE: u64 = 1 << 20;

/// A PE with `vrfs` Vrfs of `routes` routes each, alternately IPv4 and IPv6, behind 50 others.
fn text(vrfs: usize, routes: usize) -> String {
    let mut text = String::from(
        "[[port]]\nname = \"core\"\nkind = \"loopback\"\n[[interface]]\nname = \"core\"\nmpls = true\naddresses = [\"10.2.0.254/24\"]\n",
    );
    for pe in 0..50 {
        let lsp = format!("prefix = \"172.31.0.{pe}/32\"\nvia = \"10.2.0.9\"\npush = [{}]\n", 16_000 + pe);
        writeln!(text, "[[route]]\n{lsp}").unwrap();
    }
    for n in 0..vrfs {
        writeln!(text, "[[vrf]]\nname = \"v{n}\"\nrd = \"65000:{n}\"").unwrap();
        writeln!(text, "[[label]]\nlabel = {}\nvrf = \"v{n}\"", 20_000 + n).unwrap();
        for r in 0..routes {
            let prefix = if r % 2 == 0 { format!("10.{r}.0.0/16") } else { format!("2001:db8:{r:x}::/48") };
            let via = format!("via = \"172.31.0.{}\"\npush = [{}]", r % 50, 30_000 + n);
            writeln!(text, "[[route]]\nvrf = \"v{n}\"\nprefix = \"{prefix}\"\n{via}").unwrap();
        }
    }
    text
}

/// A router process that ends with this value.
struct Router(Child);

impl Drop for Router {
    fn drop(&mut self) {
        // Its id is its own until it is waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes of memory that a router with this configuration holds once it forwards.
fn resident(text: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("router.toml");
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    command
        .arg("--socket")
        .arg(folder.path().join("control.sock"))
        .arg("daemon")
        .arg("--config")
        .arg(&config);
    let child =
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut router = Router(child.spawn().unwrap());
    let log = BufReader::new(router.0.stderr.take().unwrap());
    let mut said = log.lines().map(Result::unwrap);
    assert!(
        said.any(|line| line.contains(" forwards; ")),
        "the router ended without a word that it forwards"
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", router.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_thousand_vrfs_fit_and_an_empty_one_costs_little() {
    let without = resident(&text(0, 0));
    let empty = resident(&text(VRFS, 0));
    let full = resident(&text(VRFS, ROUTES));
    let each = empty.saturating_sub(without) / VRFS as u64;
    println!("no Vrf {without} bytes, {VRFS} empty {empty} ({each} each), with {ROUTES} routes each {full}");
    assert!(each <= 64 * 1024, "{each} bytes for an empty Vrf");
    assert!(full <= 200 * MEGABYTE, "{} MB for {VRFS} Vrfs of {ROUTES} routes", full / MEGABYTE);
}
