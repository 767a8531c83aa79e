//! What the tests of VPNs share: a PE router with two communities whose addresses are
//! alike, and a core of which the test plays the other routers.
//!
//! ```text
//!   10.1.0.1 ── red ──┤                 ├── core ── 10.2.0.9 (P) ~~~ 172.31.0.2 (PE 2)
//!   10.1.0.1 ── blue ─┤ PE 172.31.0.1   │
//! ```

use testbed::lab::Lab;

use super::{FAMILIES, Family, V4};

/// The labels of Vrf red and Vrf blue here, and at the other PE.
pub(super) const HERE: [u32; 2] = [20_000, 20_001];
pub(super) const THERE: [u32; 2] = [30_000, 30_001];
/// Label of the LSP to the other PE.
pub(super) const LSP: u32 = 16_002;
/// The other PE.
pub(super) const EGRESS: &str = "172.31.0.2";

/// A port and an interface on it.
pub(super) fn port(name: &str, lines: &str) -> String {
    format!("[[port]]\nname = \"{name}\"\nkind = \"loopback\"\n[[interface]]\nname = \"{name}\"\n{lines}\n")
}

/// The core's side: labels on, room for two of them.
pub(super) fn core() -> String {
    let lines = r#"mpls = true
        mpls-mtu = 1508
        addresses = ["10.2.0.254/24", "2001:db8:2::fe/64"]"#;
    port("core", lines)
}

/// A customer's side, in a Vrf of its own; both have the same addresses.
pub(super) fn customer(vrf: &str) -> String {
    port(vrf, &format!("vrf = \"{vrf}\"\naddresses = [\"10.1.0.254/24\", \"2001:db8:1::fe/64\"]"))
}

/// A Vrf with these lines, and a route distinguisher of its own unless they give one.
pub(super) fn vrf(name: &str, lines: &str) -> String {
    let n: u32 = name.bytes().fold(7, |n, byte| (n * 31 + u32::from(byte)) % 60_000);
    let rd = if lines.contains("rd =") { String::new() } else { format!("rd = \"65000:{n}\"\n") };
    format!("[[vrf]]\nname = \"{name}\"\n{rd}{lines}\n")
}

/// A route of a Vrf with these lines.
pub(super) fn route(vrf: &str, prefix: &str, lines: &str) -> String {
    format!("[[route]]\nvrf = \"{vrf}\"\nprefix = \"{prefix}\"\n{lines}\n")
}

/// The static label of a Vrf.
pub(super) fn label(label: u32, vrf: &str) -> String {
    format!("[[label]]\nlabel = {label}\nvrf = \"{vrf}\"\n")
}

/// The LSP to the other PE.
pub(super) fn lsp() -> String {
    route("default", &format!("{EGRESS}/32"), &format!("via = \"{}\"\npush = [{LSP}]", V4.b))
}

/// What is beyond, behind the other PE, in the Vrf number `n` (0 red, 1 blue).
pub(super) fn remote(n: usize, f: &Family) -> String {
    let lines = format!("via = \"{EGRESS}\"\npush = [{}]", THERE[n]);
    route(["red", "blue"][n], f.beyond.0, &lines)
}

/// The whole PE, the Vrfs with these lines each.
pub(super) fn pe_text(vrf_lines: &str, more: &str) -> String {
    let mut text = core() + &lsp();
    for (n, name) in ["red", "blue"].into_iter().enumerate() {
        text += &(vrf(name, vrf_lines) + &customer(name) + &label(HERE[n], name));
        for f in FAMILIES {
            text += &remote(n, &f);
        }
    }
    text + more
}

/// A router of this configuration with the P router and, on each of these, a customer's host.
#[track_caller]
pub(super) fn lab(text: &str, customers: &[&str]) -> Lab {
    let mut lab = Lab::new(text);
    for f in FAMILIES {
        lab.host("core", f.b);
        for customer in customers {
            lab.host(customer, f.a);
        }
    }
    lab.forget();
    lab
}

/// The PE, with a host in each community.
#[track_caller]
pub(super) fn pe() -> Lab {
    lab(&pe_text("", ""), &["red", "blue"])
}

/// The labels that the router has allocated itself, with the ids of their entries.
pub(super) fn allocated(lab: &Lab) -> Vec<(u32, dataplane::table::Nhlfe)> {
    let snapshot = lab.snapshot();
    let dynamic = snapshot.ilm.iter().filter(|(label, _)| *label >= 100_000);
    dynamic.filter_map(|(label, id)| Some((label, snapshot.nhlfe(id)?.clone()))).collect()
}
