//! Every limit of the router that a configuration can set, with its default.

/// Bounds on what the router keeps and says, so that no neighbour can exhaust
/// it (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4(f), RFC 6583). Rates are
/// per second; a burst is a tenth of a second's worth, at least 10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// ICMP and ICMPv6 error messages a second, whole router. Default 1,000.
    pub icmp_errors_per_second: u32,
    /// Echo replies a second, whole router; as many MPLS echo replies; and as many packets
    /// under router alert looked at and sent on. Default 1,000.
    pub echo_replies_per_second: u32,
    /// ARP and neighbour discovery messages accepted a second per interface. Default 1,000.
    pub neighbour_messages_per_second: u32,
    /// New neighbour resolutions started a second per interface. Default 500.
    pub resolutions_per_second: u32,
    /// Neighbours kept per interface. Default 4,096.
    pub neighbours_per_interface: u32,
    /// Packets held for one unresolved neighbour. Default 16.
    pub held_packets_per_neighbour: u32,
    /// Packets held for all unresolved neighbours together. Default 1,024.
    pub held_packets: u32,
    /// Seconds after which a neighbour unheard of is probed. Default 30.
    pub neighbour_reachable_seconds: u32,
    /// Probes sent, one a second, before a neighbour is given up. Default 3.
    pub neighbour_probes: u32,
    /// Seconds that a failed resolution is remembered. Default 5.
    pub negative_seconds: u32,
    /// Duplicate address detection probes per address. Default 1; 0 is off.
    pub dad_probes: u32,
    /// Gratuitous ARP and unsolicited neighbour advertisements on start. Default 2.
    pub announcements: u32,
    /// Further source prefixes never accepted (RFC 1812 section 5.3.7). Default none
    /// beyond those built in.
    pub martian_sources: Vec<ipnet::IpNet>,
    /// Further destination prefixes never forwarded to. Default none beyond those built in.
    pub martian_destinations: Vec<ipnet::IpNet>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            icmp_errors_per_second: 1000,
            echo_replies_per_second: 1000,
            neighbour_messages_per_second: 1000,
            resolutions_per_second: 500,
            neighbours_per_interface: 4096,
            held_packets_per_neighbour: 16,
            held_packets: 1024,
            neighbour_reachable_seconds: 30,
            neighbour_probes: 3,
            negative_seconds: 5,
            dad_probes: 1,
            announcements: 2,
            martian_sources: Vec::new(),
            martian_destinations: Vec::new(),
        }
    }
}
