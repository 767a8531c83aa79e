//! The network that leaks are seeded into: two PEs and a P, and a customer's router.
//!
//! ```text
//!   red    10.1.0.0/24  ─┐                   ┌─ red      10.2.0.0/24
//!   blue   10.1.0.0/24  ─┤                   ├─ blue     10.2.0.0/24
//!   shared 10.9.0.0/23  ─┤                   │
//!   hub    10.30.0.0/24 ─┼─ pe1 ─ p1 ─ pe2 ──┼─ spoke-b  10.32.0.0/24
//!   spoke-a 10.31.0.0/24 ┤                   │
//!   spoke-c 10.33.0.0/24 ┤                   │
//!   ce1 (red) 10.13.0.0/24                   └─ (nothing, to be seeded)
//! ```
//!
//! red may send to 10.9.0.0/24 of shared, and shared to 10.1.0.0/24 of red. Spokes
//! reach their hub only. All Vrfs of PE 1 exchange routes by target; PE 2's are static.

/// Names and configurations.
pub(crate) fn files() -> Vec<(&'static str, String)> {
    vec![("pe1", pe1()), ("p1", p1()), ("pe2", pe2()), ("ce1", ce1())]
}

/// A router and its port.
pub(crate) type End = (&'static str, &'static str);
/// Two ends.
pub(crate) type Line = (End, End);

/// Lines between ports of routers.
pub(crate) const LINES: [Line; 3] =
    [(("pe1", "core"), ("p1", "pe1")), (("p1", "pe2"), ("pe2", "core")), (("pe1", "ce"), ("ce1", "wan"))];

fn port(name: &str) -> String {
    format!("[[port]]\nname = \"{name}\"\nkind = \"loopback\"\n\n")
}

/// An interface on a port of its name.
fn interface(name: &str, vrf: &str, addresses: &str) -> String {
    format!(
        "{}[[interface]]\nname = \"{name}\"\nvrf = \"{vrf}\"\naddresses = [{addresses}] #{name}\n\n",
        port(name)
    )
}

/// A core interface.
fn core(name: &str, address: &str, link: &str) -> String {
    let labels = format!("mpls = true\nmpls-mtu = 1508\nlink = \"{link}\"");
    format!("{}[[interface]]\nname = \"{name}\"\naddresses = [\"{address}\"]\n{labels}\n\n", port(name))
}

/// A route to a site behind the other PE.
fn remote(vrf: &str, prefix: &str, pe: u8, label: u32) -> String {
    format!(
        "[[route]]\nvrf = \"{vrf}\"\nprefix = \"{prefix}\"\nvia = \"192.0.2.{pe}\"\npush = [{label}] #{vrf} {prefix}\n\n"
    )
}

fn label(label: u32, vrf: &str) -> String {
    format!("[[label]]\nlabel = {label}\nvrf = \"{vrf}\" #{label}\n\n")
}

/// The intent, in one of the files.
const INTENT: &str = r#"
[[community]]
name = "red"
members = ["red", "ce1:default"]

[[community]]
name = "blue"
members = ["blue"]

[[community]]
name = "shared"
members = ["shared"]

[[community]]
name = "clinic"
members = ["hub", "spoke-a", "spoke-b", "spoke-c"]
hubs = ["pe1:hub"]

[[extranet]]
from = "red"
to = "shared"
prefixes = ["10.9.0.0/24", "2001:db8:9::/64"]

[[extranet]]
from = "shared"
to = "red"
prefixes = ["10.1.0.0/24"] # to red

"#;

/// The Vrfs of PE 1, and what each exports and imports.
const VRFS: &str = r#"
[[vrf]]
name = "red"
rd = "65000:1"
export = ["65000:1", { target = "65000:801", prefixes = "to-shared" }] # red export
import = ["65000:1", "65000:901"] # red import

[[vrf]]
name = "blue"
rd = "65000:2"
export = ["65000:2"] # blue export
import = ["65000:2"] # blue import

[[vrf]]
name = "shared"
rd = "65000:9"
export = ["65000:9", { target = "65000:901", prefixes = "records" }] # shared export
import = ["65000:9", "65000:801"] # shared import

[[vrf]]
name = "hub"
rd = "65000:30"
export = [{ target = "65000:31", prefixes = "of-hub" }] # hub export
import = ["65000:32"] # hub import

[[vrf]]
name = "spoke-a"
rd = "65000:33"
export = ["65000:32"] # spoke-a export
import = ["65000:31"] # spoke-a import

[[vrf]]
name = "spoke-c"
rd = "65000:34"
export = ["65000:32"] # spoke-c export
import = ["65000:31"] # spoke-c import

[[prefix-list]]
name = "records"
entries = ["deny 10.9.1.0/24 le 32", "10.9.0.0/23 le 32", "2001:db8:9::/64 le 128"] # records

[[prefix-list]]
name = "to-shared"
entries = ["10.1.0.0/24 le 32"] # to-shared

[[prefix-list]]
name = "of-hub"
entries = ["10.30.0.0/24 le 32"] # of-hub

"#;

fn pe1() -> String {
    let mut text = "[router]\nname = \"pe1\"\n\n[labels]\ndynamic = \"100000-199999\"\n\n".to_string();
    text += INTENT;
    text += VRFS;
    text += &core("core", "10.255.1.1/30", "pe1-p1")
        .replace("\"10.255.1.1/30\"", "\"10.255.1.1/30\", \"192.0.2.1/32\"");
    text += &interface("red1", "red", "\"10.1.0.1/24\", \"2001:db8:1::1/64\"");
    text += &interface("blue1", "blue", "\"10.1.0.1/24\", \"2001:db8:1::1/64\"");
    text += &interface("shared1", "shared", "\"10.9.0.1/24\", \"2001:db8:9::1/64\"");
    text += &interface("shared2", "shared", "\"10.9.1.1/24\", \"2001:db8:9:1::1/64\"");
    text += &interface("hub1", "hub", "\"10.30.0.1/24\"");
    text += &interface("spoke-a1", "spoke-a", "\"10.31.0.1/24\"");
    text += &interface("spoke-c1", "spoke-c", "\"10.33.0.1/24\"");
    text += &interface("mgmt", "default", "\"10.200.1.1/24\"");
    // A customer's line with two tags, one for each community.
    text += &port("ce");
    text += "[[interface]]\nname = \"red-ce\"\nport = \"ce\"\nvlan = 10\nvrf = \"red\" #red-ce\naddresses = [\"10.1.9.1/30\"]\nlink = \"pe1-ce1\"\n#red-ce mpls\n\n";
    text += "[[interface]]\nname = \"blue-ce\"\nport = \"ce\"\nvlan = 20\nvrf = \"blue\"\naddresses = [\"10.1.9.1/30\"]\n\n";
    text += "[[route]]\nvrf = \"red\" #red-ce\nprefix = \"10.13.0.0/24\"\nvia = \"10.1.9.2\"\n\n";
    text += "[[route]]\nvrf = \"red\"\nprefix = \"10.11.0.0/24\"\nvia = \"10.1.0.9\"\n\n";
    text += "[[route]]\nvrf = \"blue\"\nprefix = \"10.14.0.0/24\"\nvia = \"10.1.0.9\"\n\n";
    text += "[[route]]\nprefix = \"192.0.2.2/32\"\nvia = \"10.255.1.2\"\npush = [16002]\n\n";
    for (vrf, to) in [("red", 20_001), ("blue", 20_002)] {
        text += &remote(vrf, "10.2.0.0/24", 2, to);
        text += &remote(vrf, "2001:db8:2::/64", 2, to);
    }
    text += &remote("hub", "10.32.0.0/24", 2, 20_032);
    for (number, vrf) in
        [(20_001, "red"), (20_002, "blue"), (20_009, "shared"), (20_031, "hub"), (20_033, "spoke-a")]
    {
        text += &label(number, vrf);
    }
    text
}

fn p1() -> String {
    let mut text = "[router]\nname = \"p1\"\n\n".to_string();
    text += &core("pe1", "10.255.1.2/30", "pe1-p1");
    text += &core("pe2", "10.255.2.1/30", "p1-pe2");
    text += "[[label]]\nlabel = 16001\npop = true\nvia = \"10.255.1.1\"\n\n";
    text += "[[label]]\nlabel = 16002\npop = true\nvia = \"10.255.2.2\"\n\n";
    text
}

fn pe2() -> String {
    let mut text = "[router]\nname = \"pe2\"\n\n".to_string();
    for vrf in ["red", "blue", "spoke-b"] {
        text += &format!("[[vrf]]\nname = \"{vrf}\"\n\n");
    }
    text += &core("core", "10.255.2.2/30", "p1-pe2");
    text += &interface("red2", "red", "\"10.2.0.1/24\", \"2001:db8:2::1/64\"");
    text += &interface("blue2", "blue", "\"10.2.0.1/24\", \"2001:db8:2::1/64\"");
    text += &interface("spoke-b1", "spoke-b", "\"10.32.0.1/24\"");
    text += "[[route]]\nprefix = \"192.0.2.1/32\"\nvia = \"10.255.2.1\"\npush = [16001]\n\n";
    for (vrf, to) in [("red", 20_001), ("blue", 20_002)] {
        for prefix in ["10.1.0.0/24", "10.1.9.0/30", "2001:db8:1::/64"] {
            text += &remote(vrf, prefix, 1, to);
        }
    }
    for prefix in ["10.11.0.0/24", "10.13.0.0/24", "10.9.0.0/24", "2001:db8:9::/64"] {
        text += &remote("red", prefix, 1, 20_001);
    }
    text += &remote("blue", "10.14.0.0/24", 1, 20_002);
    text += &remote("spoke-b", "10.30.0.0/24", 1, 20_031);
    for (number, vrf) in [(20_001, "red"), (20_002, "blue"), (20_032, "spoke-b")] {
        text += &label(number, vrf);
    }
    text
}

fn ce1() -> String {
    let mut text = "[router]\nname = \"ce1\"\n\n".to_string();
    text += &port("wan");
    text += "[[interface]]\nname = \"wan\"\nvlan = 10 #wan\naddresses = [\"10.1.9.2/30\"]\nlink = \"pe1-ce1\"\n#wan mpls\n\n";
    text += &interface("lan", "default", "\"10.13.0.1/24\"");
    text += "[[route]]\nprefix = \"0.0.0.0/0\"\nvia = \"10.1.9.1\" #default\n\n";
    text
}
