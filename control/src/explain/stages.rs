//! Parse and rewrite, and the order of the steps: what each decided, and by what.

use std::sync::Arc;

use dataplane::id::{PortIndex, WorkerIndex};
use dataplane::packet::{Flags, Frame, Layer3, Meta, Pool, PoolSize, StackEdit, Verdict};
use dataplane::stage::fragment;
use dataplane::table::Interface;
use dataplane::trace::Stage;
use dataplane::wire::ethernet::{EthernetHeader, ether_type};
use dataplane::wire::mpls::{LabelStackEntry, label};
use dataplane::wire::vlan::VlanTag;

use super::describe::station;
use super::types::Step;
use super::{Surroundings, classify, labels, lookup, meter};

/// Bytes of an IPv4 header with all the options it may have, and some.
const LONGEST_HEADER: u16 = 68;

/// A frame as received, and what was known after each stage.
pub(super) struct Seen<'a> {
    pub(super) bytes: &'a [u8],
    /// By which it came in.
    pub(super) port: PortIndex,
    pub(super) steps: &'a [(Stage, Meta)],
    /// What is done to its label stack.
    pub(super) edit: Option<&'a StackEdit>,
    /// The match rules that it was a packet of, as it came in and as it left.
    pub(super) rules: &'a [Option<Arc<str>>; 2],
}

impl Seen<'_> {
    /// What `parse` found: every trace has it.
    pub(super) fn first(&self) -> Meta {
        self.steps.first().map(|(_, meta)| *meta).unwrap_or_default()
    }

    /// What was known in the end.
    pub(super) fn last(&self) -> Meta {
        self.steps.last().map(|(_, meta)| *meta).unwrap_or_default()
    }

    /// What was known after a stage, if it came to that.
    pub(super) fn after(&self, stage: Stage) -> Option<Meta> {
        self.steps.iter().find(|(s, _)| *s == stage).map(|(_, meta)| *meta)
    }

    /// From the network header, or the label stack, to the datagram's end.
    pub(super) fn l3(&self, meta: &Meta) -> &[u8] {
        let (at, length) = (usize::from(meta.l3_offset), usize::from(meta.l3_length));
        self.bytes.get(at..at + length).unwrap_or_default()
    }

    /// Whether it came labelled.
    pub(super) fn came_labelled(&self) -> bool {
        self.first().layer3 == Layer3::Mpls
    }
}

/// Why a stage lets a frame go no further.
pub(super) fn end(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Forward => None,
        Verdict::Drop(reason) => Some(format!("dropped: {}", reason.explanation())),
        Verdict::Punt(reason) => Some(format!("to the router's slow path: {}", reason.explanation())),
    }
}

/// The steps up to `lookup`.
pub(super) fn before_rewrite(seen: &Seen<'_>, router: &impl Surroundings) -> Vec<Step> {
    let step = |(at, (stage, meta)): (usize, &(Stage, Meta))| {
        let interface = router.snapshot().interface(meta.in_interface);
        let came = at.checked_sub(1).and_then(|before| seen.steps.get(before)).map_or(meta, |(_, meta)| meta);
        match (stage, interface) {
            (Stage::Parse, _) => Some(parse(seen, meta, interface, router)),
            (Stage::Classify, Some(interface)) if seen.came_labelled() => {
                Some(labels::classify(came, meta, interface))
            }
            (Stage::Classify, Some(interface)) => Some(classify::step(seen, came, meta, interface)),
            (Stage::Police, Some(interface)) => Some(meter::step(came, meta, interface)),
            (Stage::Labels, _) => seen.came_labelled().then(|| labels::step(seen, meta, router.snapshot())),
            (Stage::Lookup, _) => Some(lookup::step(seen, meta, router)),
            (Stage::Leaving, _) => classify::leaving(seen, came, meta),
            _ => None,
        }
    };
    seen.steps.iter().enumerate().filter_map(step).collect()
}

fn parse(seen: &Seen<'_>, meta: &Meta, interface: Option<&Interface>, router: &impl Surroundings) -> Step {
    let vrf = interface.and_then(|i| router.snapshot().vrf(i.vrf)).map(|v| v.name.to_string());
    let decision = end(meta.verdict).unwrap_or_else(|| match (interface, &vrf) {
        (Some(interface), Some(vrf)) => format!("it comes in by {}, of vrf {vrf}", interface.name),
        _ => "it is sound".into(),
    });
    let mut step = Step::new(Stage::Parse, decision);
    if let Some(port) = router.snapshot().port(seen.port) {
        step.fact("port", &port.name);
    }
    if let Some(interface) = interface {
        step.fact("interface", &interface.name);
    }
    if let Some(vrf) = vrf {
        step.fact("vrf", vrf);
    }
    step.fact("length", format!("{} bytes on the wire without FCS", meta.length));
    if matches!(meta.layer3, Layer3::Ipv4 | Layer3::Ipv6) {
        step.fact("datagram", format!("{} bytes", meta.l3_length));
    }
    if meta.layer3 == Layer3::Mpls {
        step.fact("stack", labels::words(&labels::stack(seen.l3(meta)).0));
    }
    step
}

/// What `rewrite` made of the frame `out`, and the bytes of each frame that
/// leaves: none, when it cannot be fragmented.
pub(super) fn rewrite(seen: &Seen<'_>, mut out: Frame) -> (Step, Vec<usize>) {
    let (before, meta) = (seen.last().ttl, *out.meta());
    let leaves = leaving(out.bytes());
    let mut step = Step::new(Stage::Rewrite, hop(before, &meta, &leaves));
    if !leaves.is_empty() || seen.came_labelled() {
        step.fact("stack", labels::words(&leaves));
    }
    if let Ok((link, _)) = EthernetHeader::parse(out.bytes()) {
        step.fact("from station", station(&link.source));
        step.fact("to station", station(&link.destination));
    }
    let stack = if meta.layer3 == Layer3::Mpls { 0 } else { leaves.len() * LabelStackEntry::LEN };
    let tags = tags(out.bytes(), usize::from(meta.l3_offset) - stack);
    if !tags.is_empty() {
        step.fact("tags", tags.join(", "));
    }
    let frames = fragments(&mut out);
    let bytes: Vec<usize> = frames.iter().map(Frame::len).collect();
    if bytes.len() > 1 {
        let lengths: Vec<_> = frames.iter().map(|f| f.meta().l3_length.to_string()).collect();
        step.fact("fragments", format!("datagrams of {} bytes (RFC 791)", lengths.join(", ")));
    }
    step.fact("length", format!("{} bytes without FCS", bytes.iter().sum::<usize>()));
    (step, bytes)
}

/// What becomes of the TTL, in words.
fn hop(before: u8, meta: &Meta, leaves: &[LabelStackEntry]) -> String {
    let hops = if meta.layer3 == Layer3::Ipv6 { "hop limit" } else { "TTL" };
    let after = before.saturating_sub(u8::from(!meta.flags.has(Flags::KEEP_TTL)));
    // Router alert, which is back on top, has a TTL of its own.
    let top = leaves.iter().find(|entry| entry.label() != label::ROUTER_ALERT);
    match (meta.layer3, top) {
        (Layer3::Mpls, Some(top)) => format!("label TTL {before} to {}", top.ttl()),
        _ if after == before => format!("{hops} {before} stays: the next router lowers it (RFC 3443)"),
        _ => format!("{hops} {before} to {after}"),
    }
}

/// The label stack of a frame that is about to leave.
fn leaving(bytes: &[u8]) -> Vec<LabelStackEntry> {
    let Ok((header, mut rest)) = EthernetHeader::parse(bytes) else { return Vec::new() };
    let mut kind = header.ether_type.get();
    while matches!(kind, ether_type::DOT1Q | ether_type::DOT1AD) {
        let Ok((tag, behind)) = VlanTag::parse(rest) else { return Vec::new() };
        (kind, rest) = (tag.ether_type.get(), behind);
    }
    if kind == ether_type::MPLS { labels::stack(rest).0 } else { Vec::new() }
}

/// The VLAN tags before a network header.
fn tags(bytes: &[u8], l3_offset: usize) -> Vec<String> {
    let between = bytes.get(12..l3_offset.saturating_sub(2)).unwrap_or_default();
    let tag = |tag: &[u8]| match tag {
        [a, b, c, d] => {
            let kind = if [*a, *b] == [0x88, 0xa8] { "802.1ad" } else { "802.1Q" };
            Some(format!("{kind} {}", u16::from_be_bytes([*c, *d]) & 0x0fff))
        }
        _ => None,
    };
    between.chunks(4).filter_map(tag).collect()
}

/// The frames that leave: the frame itself, or its fragments.
fn fragments(out: &mut Frame) -> Vec<Frame> {
    let meta = out.meta();
    let part = out.rare().detail.saturating_sub(LONGEST_HEADER).max(8);
    let needed = if meta.flags.has(Flags::TOO_LONG) { meta.l3_length / part + 1 } else { 0 };
    let mut pool = Pool::new(WorkerIndex(0), usize::from(needed), PoolSize::Jumbo);
    let mut later = Vec::new();
    fragment::run(out, &mut pool, &mut later);
    if out.meta().verdict != Verdict::Forward {
        return Vec::new();
    }
    let mut first = Frame::jumbo();
    let fits = first.fill(out.bytes());
    *first.meta_mut() = *out.meta();
    if fits.is_err() {
        return Vec::new();
    }
    later.insert(0, first);
    later
}
