//! What the router does, one file per behaviour, on the one-router laboratory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod aqm;
mod arp;
mod classify;
mod conservation;
mod dad;
mod discard_routes;
mod echo;
mod ecmp;
mod forward;
mod fragment;
mod hitless;
mod icmp_errors;
mod ipv6_extension;
mod jumbo;
mod labels;
mod link;
mod lsp_ping;
mod marks_labels;
mod martians;
mod meter;
mod mpls_alert;
mod mpls_bad_stacks;
mod mpls_ecmp;
mod mpls_ecn;
mod mpls_entropy;
mod mpls_icmp;
mod mpls_labels_off;
mod mpls_mtu;
mod mpls_null;
mod mpls_php;
mod mpls_pop;
mod mpls_push;
mod mpls_reserved;
mod mpls_swap;
mod mpls_tc;
mod mpls_ttl;
mod mtu;
mod nd;
mod network;
mod options;
mod policer;
mod pool;
mod qos_truth;
mod rules;
mod rules_labels;
mod shaping;
mod trees;
mod ttl;
mod vlan;
mod vpn;
mod vpn_extranet;
mod vpn_hub;
mod vpn_import;
mod vpn_ipv6;
mod vpn_network;
mod vpn_overlap;
mod vpn_per_ce;
mod vpn_per_prefix;
mod vpn_recursive;
mod vpn_vrf;
mod vpn_vrf_change;
mod vrf;
mod workers;

use testbed::lab::Lab;
use testbed::packet::{Icmp, Ip, icmp, icmp6, ip};

/// Two interfaces, both with IPv4 and IPv6, and a neighbour on each.
pub const TWO: &str = r#"
    [[port]]
    name = "ge0"
    kind = "loopback"

    [[port]]
    name = "ge1"
    kind = "loopback"

    [[interface]]
    name = "ge0"
    addresses = ["10.1.0.254/24", "2001:db8:1::fe/64"]

    [[interface]]
    name = "ge1"
    addresses = ["10.2.0.254/24", "2001:db8:2::fe/64"]
    #ge1#
"#;

/// [`TWO`] with more lines for ge1, and more tables behind.
pub fn two_with(ge1: &str, more: &str) -> String {
    format!("{}\n{more}\n", TWO.replace("#ge1#", ge1))
}

/// Two interfaces with IPv4 alone, ge1 with this MTU.
pub fn two_v4(mtu: usize) -> String {
    format!(
        r#"
            [[port]]
            name = "ge0"
            kind = "loopback"
            [[port]]
            name = "ge1"
            kind = "loopback"
            [[interface]]
            name = "ge0"
            addresses = ["10.1.0.254/24"]
            [[interface]]
            name = "ge1"
            addresses = ["10.2.0.254/24"]
            mtu = {mtu}
        "#
    )
}

/// A laboratory of this configuration with the neighbours of [`V4`] alone.
#[track_caller]
pub fn lab_v4(configuration: &str) -> Lab {
    let mut lab = Lab::new(configuration);
    lab.host("ge0", V4.a);
    lab.host("ge1", V4.b);
    lab.forget();
    lab
}

/// A laboratory of this configuration with the neighbours of both families.
#[track_caller]
pub fn lab(configuration: &str) -> Lab {
    let mut lab = Lab::new(configuration);
    for family in FAMILIES {
        lab.host("ge0", family.a);
        lab.host("ge1", family.b);
    }
    lab.forget();
    lab
}

/// The addresses that one IP version has in [`TWO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Whether it is IPv6.
    pub v6: bool,
    /// The neighbour on ge0.
    pub a: &'static str,
    /// The neighbour on ge1.
    pub b: &'static str,
    /// The router on ge0.
    pub ra: &'static str,
    /// The router on ge1.
    pub rb: &'static str,
    /// Somewhere that no route leads to.
    pub nowhere: &'static str,
    /// A prefix beyond the neighbours, and a host in it.
    pub beyond: (&'static str, &'static str),
    /// Bytes of the IP header.
    pub header: usize,
}

/// IPv4 in [`TWO`].
pub const V4: Family = Family {
    v6: false,
    a: "10.1.0.1",
    b: "10.2.0.9",
    ra: "10.1.0.254",
    rb: "10.2.0.254",
    nowhere: "192.0.2.1",
    beyond: ("10.9.0.0/16", "10.9.1.1"),
    header: 20,
};

/// IPv6 in [`TWO`].
pub const V6: Family = Family {
    v6: true,
    a: "2001:db8:1::1",
    b: "2001:db8:2::9",
    ra: "2001:db8:1::fe",
    rb: "2001:db8:2::fe",
    nowhere: "2001:db8:ffff::1",
    beyond: ("2001:db8:9::/48", "2001:db8:9:1::1"),
    header: 40,
};

/// Both.
pub const FAMILIES: [Family; 2] = [V4, V6];

impl Family {
    /// From the neighbour on ge0 to the one on ge1.
    pub fn ab(&self) -> Ip {
        ip(self.a, self.b)
    }

    /// An ICMP message of this family, by its type and code in ICMP and in ICMPv6.
    pub fn icmp(&self, v4: (u8, u8), v6: (u8, u8)) -> Icmp {
        if self.v6 { icmp6(v6.0, v6.1) } else { icmp(v4.0, v4.1) }
    }

    /// Echo request and reply with this sequence number.
    pub fn echo(&self, seq: u16) -> (Icmp, Icmp) {
        (self.icmp((8, 0), (128, 0)).echo(7, seq), self.icmp((0, 0), (129, 0)).echo(7, seq))
    }
}
