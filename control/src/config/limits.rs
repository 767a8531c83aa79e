//! `[limits]`: bounds on the slow path, each with its range and default.

use dataplane::table;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;

use super::walk::Table;

macro_rules! limits {
    ($($field:ident = $key:literal, $from:literal..=$to:literal, $doc:literal;)+) => {
        /// `[limits]`
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub struct Limits {
            $(#[doc = $doc] pub $field: u32,)+
            /// Further source prefixes never accepted (RFC 1812 section 5.3.7). Default none.
            #[schemars(with = "Vec<String>")]
            pub martian_sources: Vec<IpNet>,
            /// Further destination prefixes never forwarded to. Default none.
            #[schemars(with = "Vec<String>")]
            pub martian_destinations: Vec<IpNet>,
        }

        impl Default for Limits {
            fn default() -> Self {
                let table::Limits { $($field,)+ martian_sources, martian_destinations, .. } = table::Limits::default();
                Self { $($field,)+ martian_sources, martian_destinations }
            }
        }

        impl From<&Limits> for table::Limits {
            fn from(limits: &Limits) -> Self {
                Self {
                    $($field: limits.$field,)+
                    martian_sources: limits.martian_sources.clone(),
                    martian_destinations: limits.martian_destinations.clone(),
                }
            }
        }

        pub(super) fn read(table: Option<Table<'_, '_>>) -> Limits {
            let mut limits = Limits::default();
            let Some(mut table) = table else { return limits };
            $(if let Some(n) = table.number($key, $from..=$to, "").and_then(|n| u32::try_from(n).ok()) {
                limits.$field = n;
            })+
            limits.martian_sources = table.list("martian-sources");
            limits.martian_destinations = table.list("martian-destinations");
            table.finish();
            limits
        }
    };
}

limits! {
    icmp_errors_per_second = "icmp-errors-per-second", 0..=1_000_000,
        "ICMP and ICMPv6 error messages a second, whole router (RFC 1812 section 4.3.2.8): 0 to 1,000,000. Default 1,000.";
    echo_replies_per_second = "echo-replies-per-second", 0..=1_000_000,
        "Echo replies a second, whole router: 0 to 1,000,000. Default 1,000.";
    neighbour_messages_per_second = "neighbour-messages-per-second", 1..=1_000_000,
        "ARP and neighbour discovery messages accepted a second per interface: 1 to 1,000,000. Default 1,000.";
    resolutions_per_second = "resolutions-per-second", 1..=1_000_000,
        "New neighbour resolutions started a second per interface (RFC 6583): 1 to 1,000,000. Default 500.";
    neighbours_per_interface = "neighbours-per-interface", 1..=1_000_000,
        "Neighbours kept per interface: 1 to 1,000,000. Default 4,096.";
    held_packets_per_neighbour = "held-packets-per-neighbour", 1..=1_024,
        "Packets held for one unresolved neighbour: 1 to 1,024. Default 16.";
    held_packets = "held-packets", 1..=65_536,
        "Packets held for all unresolved neighbours together: 1 to 65,536. Default 1,024.";
    neighbour_reachable_seconds = "neighbour-reachable-seconds", 1..=86_400,
        "Seconds after which a neighbour unheard of is probed: 1 to 86,400. Default 30.";
    neighbour_probes = "neighbour-probes", 1..=20,
        "Probes sent, one a second, before a neighbour is given up: 1 to 20. Default 3.";
    negative_seconds = "negative-seconds", 1..=3_600,
        "Seconds that a failed resolution is remembered: 1 to 3,600. Default 5.";
    dad_probes = "dad-probes", 0..=10,
        "Duplicate address detection probes per address (RFC 4862, RFC 5227): 0 (off) to 10. Default 1.";
    announcements = "announcements", 0..=10,
        "Gratuitous ARP and unsolicited neighbour advertisements on start: 0 to 10. Default 2.";
}
