//! What the stages know about a frame: most of a cache line, written by each in turn.

use super::verdict::Verdict;
use crate::class::{Colour, TrafficClass};
use crate::id::{AdjacencyId, IfIndex, NhlfeId, PortIndex, VrfId, WorkerIndex};
use crate::time::Time;

/// What stands at `l3_offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Layer3 {
    /// Not known, or nothing this router speaks.
    #[default]
    None,
    /// IPv4 (RFC 791).
    Ipv4,
    /// IPv6 (RFC 8200).
    Ipv6,
    /// A label stack (RFC 3032).
    Mpls,
    /// ARP (RFC 826).
    Arp,
}

/// Facts of one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// A fragment that is not the first: it has no layer-4 header.
    pub const LATER_FRAGMENT: Self = Self(1);
    /// The first fragment of several.
    pub const FIRST_FRAGMENT: Self = Self(1 << 1);
    /// IPv4 options, or IPv6 extension headers before the upper layer.
    pub const OPTIONS: Self = Self(1 << 2);
    /// IPv4 don't-fragment.
    pub const DONT_FRAGMENT: Self = Self(1 << 3);
    /// It came by layer-2 multicast or broadcast: no ICMP error about it.
    pub const L2_MULTICAST: Self = Self(1 << 4);
    /// The router made it itself: TTL is not lowered.
    pub const ORIGINATED: Self = Self(1 << 5);
    /// `l4_source` and `l4_destination` hold ports.
    pub const PORTS: Self = Self(1 << 6);
    /// It waited for a neighbour and is looked up again.
    pub const RELEASED: Self = Self(1 << 7);
    /// It is an ICMP error message (RFC 1122 section 3.2.2).
    pub const ICMP_ERROR: Self = Self(1 << 8);
    /// Router alert (RFC 2113, RFC 2711). Of a labelled frame: router alert labels are
    /// off that go back on when it leaves labelled (RFC 3032 section 2.1).
    pub const ROUTER_ALERT: Self = Self(1 << 9);
    /// The source address is link-local: it does not leave its link (RFC 4291, RFC 3927).
    pub const LINK_LOCAL_SOURCE: Self = Self(1 << 10);
    /// The destination address is link-local.
    pub const LINK_LOCAL_DESTINATION: Self = Self(1 << 11);
    /// Longer than what fits `out_interface`, which is in [`Rare::detail`]: to be fragmented.
    pub const TOO_LONG: Self = Self(1 << 12);
    /// `lookup` wants labels taken off or put on; what, stands beside the batch.
    pub const STACK_EDIT: Self = Self(1 << 13);
    /// Labels were taken off it and its IP header has come to the front.
    pub const EXPOSED: Self = Self(1 << 14);
    /// Its TTL is not lowered here: the pipe model at the penultimate hop (RFC 3443 section 3.2).
    pub const KEEP_TTL: Self = Self(1 << 15);
    /// Its DSCP is to become `dscp` of the meta.
    pub const REMARK: Self = Self(1 << 16);
    /// Its way is `nhlfe` of the meta, no table is asked: the contents of a label that
    /// has one way, or what the router made with the stack it is to leave with.
    pub const DIRECTED: Self = Self(1 << 17);
    /// Its class is to be that of its own mark: the short pipe model (RFC 3270 section 2.6.3).
    pub const RECLASSIFY: Self = Self(1 << 18);
    /// Its last label was taken off at the hop before the egress: which Vrf it is of is
    /// known by where it leaves alone.
    pub const PENULTIMATE: Self = Self(1 << 19);
    /// The slow path has looked at it: a router alert label brings it there no more.
    pub const HEARD: Self = Self(1 << 20);
    /// Of what came labelled: a match rule for what comes in has counted it.
    pub const RULED: Self = Self(1 << 21);
    /// A label that is off said that congestion was met: its ECN is to become CE (RFC 5129).
    pub const CONGESTED: Self = Self(1 << 22);

    /// Whether all of `other`'s bits are set.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets `other`'s bits.
    #[inline]
    pub const fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Clears `other`'s bits.
    #[inline]
    pub const fn clear(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

/// What is known about a frame. Offsets are bytes from the frame's first byte.
///
/// Of a frame that has waited in a scheduler's tree, `nhlfe`, `adjacency`, `length`, `dscp`, `ttl`, `tc` and `pcp` mean
/// nothing any more, and its verdict is to forward it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Meta {
    /// The interface it came in by; `NONE` for what the router made.
    pub in_interface: IfIndex,
    /// The interface it leaves by, once `lookup` has decided.
    pub out_interface: IfIndex,
    /// The entry `lookup` ended on.
    pub nhlfe: NhlfeId,
    /// The neighbour it goes to.
    pub adjacency: AdjacencyId,
    /// Hash of the flow: addresses, protocol, ports. 0 until something needs it, as
    /// [`Frame::flow`](super::Frame::flow) gives it.
    pub flow_hash: u32,
    /// Bits.
    pub flags: Flags,
    /// The Vrf it is looked up in.
    pub vrf: VrfId,
    /// Where the network header starts.
    pub l3_offset: u16,
    /// Bytes from there to the datagram's end, padding not counted.
    pub l3_length: u16,
    /// Source port (UDP, TCP), when [`Flags::PORTS`].
    pub l4_source: u16,
    /// Destination port, when [`Flags::PORTS`].
    pub l4_destination: u16,
    /// What stands at `l3_offset`.
    pub layer3: Layer3,
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// Labels that `lookup` has taken off so far: they stand before `l3_offset`.
    pub popped: u8,
    /// Its class, once classified.
    pub class: TrafficClass,
    /// Its drop precedence.
    pub colour: Colour,
    /// The worker whose pool the buffer belongs to.
    pub home: WorkerIndex,
    /// Layer-2 bytes as received, without FCS.
    pub length: u16,
    /// What is to become of it.
    pub verdict: Verdict,
    /// DSCP as received, 0 to 63; with [`Flags::REMARK`] the one it is to have.
    pub dscp: u8,
    /// TTL or hop limit as received, of the top label where it is labelled.
    pub ttl: u8,
    /// Traffic class of the top label as received, 0 to 7 (RFC 5462).
    pub tc: u8,
    /// Of the first VLAN tag as received: priority, 0 to 7, with bit 3 set where it may be
    /// dropped first, and bit 7 always; 0 without a tag.
    pub pcp: u8,
}

// A pointer to the frame's bytes stands in the same line.
const _: () = assert!(size_of::<Meta>() <= 48);

/// What few ask about a frame: a line apart from [`Meta`], which most frames never need. What is not said to be
/// written is that of an earlier packet in the same buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rare {
    /// When its burst was received, or when the router made it. Written by `parse` for packets with options, when the
    /// router makes one, and as a tree gives out what another is to take over.
    pub received: Time,
    /// The port it came in by. Written by `parse` where that is not said by the interface: for all but frames of
    /// common shapes.
    pub in_port: PortIndex,
    /// A value a verdict needs: the MTU of too-big, the pointer of a parameter problem. Written with that.
    pub detail: u16,
}
