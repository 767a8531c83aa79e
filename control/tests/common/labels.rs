//! A provider edge, and where its routes and labels lead, in words.

use super::*;

/// Two lines to the core, a customer edge in "red", an LSP to 10.255.0.2.
pub(crate) const PE: &str = r#"
[[port]]
name = "core"
kind = "loopback"
[[port]]
name = "ce"
kind = "loopback"
[[vrf]]
name = "red"
rd = "65000:1"
export = ["65000:1"]
ttl = "pipe"
[[interface]]
name = "core0"
port = "core"
mpls = true
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
[[interface]]
name = "core1"
port = "core"
vlan = 1
mpls = true
addresses = ["10.0.1.1/24"]
[[interface]]
name = "ce"
vrf = "red"
addresses = ["10.0.0.1/24"]
[[route]]
prefix = "10.255.0.2/32"
via = "10.0.0.2"
push = [17]
[[route]]
vrf = "red"
prefix = "10.9.0.0/16"
via = "10.255.0.2"
push = [30012]
"#;

/// Where a Vrf sends packets for an address.
pub(crate) fn route(snapshot: &Snapshot, vrf: &str, to: &str) -> String {
    let vrf = snapshot.vrf_named(vrf).unwrap();
    let id = match to.parse().unwrap() {
        IpAddr::V4(a) => vrf.fib4.lookup(a),
        IpAddr::V6(a) => vrf.fib6.lookup(a),
    };
    id.map_or_else(|| "no route".into(), |id| way(snapshot, id))
}

/// Where packets with a label go.
pub(crate) fn label(snapshot: &Snapshot, label: u32) -> String {
    match snapshot.ilm.get(label) {
        id if id.is_some() => way(snapshot, id),
        _ => "no label".into(),
    }
}

pub(crate) fn apply(state: &mut State, snapshot: &mut Snapshot, text: &str) {
    state.apply(parse(text, "t").unwrap(), &PortFacts::default(), snapshot).unwrap();
}
