//! What becomes of a frame. A bad packet is never an `Err`: it has a verdict.

use std::fmt;

/// What is to become of a frame. Stages mark it; only `pipeline` acts on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It goes on to the next stage.
    #[default]
    Forward,
    /// It ends here, counted under the reason.
    Drop(DropReason),
    /// It goes to the router's own slow path.
    Punt(PuntReason),
}

macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal, $why:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* #[doc = $why] $variant,)+ }

        impl $name {
            /// Every reason; `ALL[i].index() == i`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// How many reasons there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The reason as an index.
            #[inline]
            pub const fn index(self) -> usize { self as usize }

            /// Its name in counters and commands.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// One sentence: what it means, and the standard behind it.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $why,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.name()) }
        }
    };
}

reasons! {
    /// Why a frame ended here. Counted per interface, Vrf and class.
    DropReason {
        // Port and layer 2.
        PoolEmpty = "pool-empty", "no free frame buffer was left to receive into";
        FrameTooLong = "frame-too-long", "longer than the buffers of this router";
        BadDescriptor = "bad-descriptor", "the peer says that it is outside the memory it shares with this router (memif)";
        Runt = "runt", "shorter than the header it starts with";
        VlanTruncated = "vlan-truncated", "a VLAN tag is cut short (IEEE 802.1Q)";
        VlanUnknown = "vlan-unknown", "no interface of the port has this VLAN id or TPID (IEEE 802.1Q)";
        WrongMac = "wrong-mac", "addressed to another station (RFC 1812 section 3.3)";
        SourceMacInvalid = "source-mac-invalid", "the source station address is a group address or the router's own";
        EtherTypeUnknown = "ethertype-unknown", "a protocol this router does not speak";
        InterfaceDown = "interface-down", "the interface or its port is down";
        MplsDisabled = "mpls-disabled", "a labelled frame on an interface where MPLS is off (RFC 4364 section 5)";
        MplsNoLabel = "mpls-no-label", "no entry for the incoming label (RFC 3031 section 3.18)";
        MplsMalformed = "mpls-malformed", "the label stack is cut short or has no bottom (RFC 3032 section 2.1)";
        MplsReserved = "mpls-reserved", "a special-purpose label that this router gives no meaning there (RFC 7274)";
        MplsNotBottom = "mpls-not-bottom", "labels below one that must be the bottom of the stack (RFC 4364 section 5)";
        MplsAlert = "mpls-alert", "labelled with router alert, and more such a second than the router looks at (RFC 3032 section 2.1)";
        MplsPayload = "mpls-payload", "what the last label leaves is neither IPv4 nor IPv6 (RFC 3032 section 2.2)";
        // IP header checks.
        Ipv4Malformed = "ipv4-malformed", "version, header length or total length is wrong (RFC 1812 section 5.2.2)";
        Ipv4Checksum = "ipv4-checksum", "the header checksum is wrong (RFC 1812 section 5.2.2)";
        Ipv4Options = "ipv4-options", "an option is malformed (RFC 1812 section 5.2.4)";
        SourceRoute = "source-route", "IPv4 source route option (RFC 7126 section 4.3)";
        Ipv6Malformed = "ipv6-malformed", "version or payload length is wrong (RFC 8200 section 3)";
        Ipv6Extension = "ipv6-extension", "an extension header is malformed or the chain too long (RFC 8200 section 4)";
        RoutingHeader = "routing-header", "IPv6 routing header type 0 (RFC 5095)";
        MartianSource = "martian-source", "the source address cannot be a sender's (RFC 1812 section 5.3.7)";
        MartianDestination = "martian-destination", "the destination address cannot be forwarded to (RFC 1812 section 5.3.7)";
        Multicast = "multicast", "multicast is not forwarded";
        Broadcast = "broadcast", "a broadcast is not forwarded (RFC 2644)";
        LinkLocal = "link-local", "a link-local address does not leave its link (RFC 4291 section 2.5.6, RFC 3927 section 7)";
        SpoofedSelf = "spoofed-self", "the source address is the router's own";
        FragmentInvalid = "fragment-invalid", "a fragment that overlaps its own end or is too small (RFC 1858, RFC 8200 section 4.5)";
        // Classification and policing.
        Policed = "policed", "over the policed rate of its class (RFC 3246, RFC 2697)";
        RuleDenied = "rule-denied", "a match rule says drop";
        // Lookup.
        EcnUnknown = "ecn-unknown", "its label says that congestion was met, and what is below cannot say so (RFC 5129 section 4.6)";
        NoRoute = "no-route", "no route to the destination (RFC 1812 section 5.2.7.1)";
        Blackhole = "blackhole", "the route says discard without a word";
        Unreachable = "unreachable", "the route says unreachable (RFC 1812 section 5.2.7.1)";
        Prohibited = "prohibited", "the route says prohibited (RFC 1812 section 5.2.7.1, code 13)";
        LookupLoop = "lookup-loop", "the lookup did not end within its bound of steps";
        TtlExpired = "ttl-expired", "TTL or hop limit ran out (RFC 1812 section 5.3.1, RFC 4443 section 3.3)";
        // Rewrite.
        FragmentationNeeded = "fragmentation-needed", "longer than the MTU with don't-fragment set (RFC 1191)";
        PacketTooBig = "packet-too-big", "longer than the MTU of the next link (RFC 8201)";
        NoHeadroom = "no-headroom", "no room before the packet for the headers it needs";
        // Neighbours.
        NeighbourUnresolved = "neighbour-unresolved", "the neighbour did not answer ARP or ND in time (RFC 1812 section 3.3.2)";
        HoldQueueFull = "hold-queue-full", "the queue of packets that wait for the neighbour is full";
        NeighbourTableFull = "neighbour-table-full", "the neighbour table of the interface is full (RFC 6583)";
        NeighbourRateLimited = "neighbour-rate-limited", "too many new neighbours a second (RFC 6583)";
        // Egress.
        QueueBytes = "queue-bytes", "its queue held as many bytes as it may";
        QueueFrames = "queue-frames", "its queue held its part of the frames that the scheduler tree may hold";
        QueueTime = "queue-time", "it would wait, or has waited, longer in its queue than it may";
        SiteBytes = "site-bytes", "the queues of its interface held as many bytes together as they may";
        Codel = "codel", "its queue stood longer than its class may, and drops tell senders (RFC 8289)";
        Wred = "wred", "its queue is long on average for a frame of its colour (RFC 2309, RFC 2597)";
        TreeMemory = "tree-memory", "the scheduler tree held as much as it may";
        HandoffFull = "handoff-full", "the ring to the worker that owns the out-interface was full";
        PortFull = "port-full", "the port took no more frames";
        PortDown = "port-down", "the port it was to leave by went down or away";
        InterfaceGone = "interface-gone", "the interface it was queued for was taken out of the configuration";
        // The router's own slow path.
        PuntFull = "punt-full", "the ring to the slow path was full";
        PuntRateLimited = "punt-rate-limited", "over the rate of its kind to the slow path";
        LocalMalformed = "local-malformed", "addressed to the router, and its contents are malformed";
        LocalUnknown = "local-unknown", "addressed to the router, which has no listener for it";
        ArpInvalid = "arp-invalid", "an ARP message that is malformed or not for this link (RFC 826)";
        NdInvalid = "nd-invalid", "a neighbour discovery message that fails its checks (RFC 4861 section 7.1)";
        Shutdown = "shutdown", "the router was stopping";
    }
}

reasons! {
    /// Why a frame goes to the slow path.
    PuntReason {
        Arp = "arp", "an ARP message (RFC 826)";
        Local = "local", "addressed to the router itself";
        LinkMulticast = "link-multicast", "multicast to a group of this link, neighbour discovery among it";
        NeighbourMiss = "neighbour-miss", "the neighbour's station address is not known yet";
        TtlExpired = "ttl-expired", "TTL or hop limit ran out: time exceeded is due";
        FragmentationNeeded = "fragmentation-needed", "too long with don't-fragment: ICMP 3/4 is due";
        PacketTooBig = "packet-too-big", "too long for the next link: ICMPv6 2 is due";
        NoRoute = "no-route", "no route: destination unreachable is due";
        Unreachable = "unreachable", "an unreachable route: destination unreachable is due";
        Prohibited = "prohibited", "a prohibited route: communication prohibited is due";
        ParameterProblem = "parameter-problem", "a header field in error: parameter problem is due";
        LspPing = "lsp-ping", "an MPLS echo message, or labelled with router alert (RFC 8029, RFC 3032 section 2.1)";
        BeyondScope = "beyond-scope", "link-local source beyond its link: ICMPv6 1/2 is due";
    }
}

impl PuntReason {
    /// The drop reason the frame itself is counted under once the slow path has
    /// said what there is to say; `None` where the slow path keeps or consumes it.
    pub const fn drop_reason(self) -> Option<DropReason> {
        match self {
            Self::Arp | Self::Local | Self::LinkMulticast | Self::NeighbourMiss | Self::LspPing => None,
            Self::TtlExpired => Some(DropReason::TtlExpired),
            Self::FragmentationNeeded => Some(DropReason::FragmentationNeeded),
            Self::PacketTooBig => Some(DropReason::PacketTooBig),
            Self::NoRoute => Some(DropReason::NoRoute),
            Self::Unreachable => Some(DropReason::Unreachable),
            Self::Prohibited => Some(DropReason::Prohibited),
            Self::ParameterProblem => Some(DropReason::Ipv4Options),
            Self::BeyondScope => Some(DropReason::LinkLocal),
        }
    }
}

const _: () = assert!(size_of::<Verdict>() == 2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_name() {
        let mut names: Vec<_> = DropReason::ALL.iter().map(|r| r.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DropReason::COUNT);
        for (i, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), i);
        }
    }
}
