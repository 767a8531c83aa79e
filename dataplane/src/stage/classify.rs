//! DSCP, 802.1p priority, or the top label's traffic class, → traffic class and colour, by
//! the maps of the interface a frame came in by (RFC 3270 section 2.6); then the match
//! rules. Past this stage nobody looks at a raw mark to decide anything. Rules are asked of
//! labelled frames once it is known where their labels lead.
//!
//! An interface whose marks are not trusted has all in Standard but for what a rule says,
//! and IP packets leave with the mark of that class.

mod ask;
mod fields;
mod hits;
mod labelled;
mod leaving;
mod together;

use std::sync::LazyLock;

use crate::class::{ClassMap, Colour, TcMap, TrafficClass};
use crate::id::IfIndex;
use crate::packet::{Alike, Batch, Flags, Layer3, Meta, Verdict};
use crate::qos::Count;
use crate::table::rules::{Found, Labelled, RuleSet, Treatment};
use crate::table::{Interface, Snapshot, Trust};

use ask::{Answers, ask_ip};
use fields::Place;
pub use hits::RuleHits;
pub use labelled::{exposed, through};
pub use leaving::leaving;
use together::Classes;

/// What the router itself sends is marked by itself: the default maps read it.
static OWN: LazyLock<(ClassMap, TcMap)> = LazyLock::new(Default::default);

/// The interface that the last frame came in by, for its maps.
struct Maps<'a> {
    snapshot: &'a Snapshot,
    of: IfIndex,
    found: Option<&'a Interface>,
}

impl<'a> Maps<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, of: IfIndex::NONE, found: None }
    }

    /// `None` for what the router made itself.
    #[inline]
    fn interface(&mut self, meta: &Meta) -> Option<&'a Interface> {
        if meta.in_interface != self.of {
            self.found = self.snapshot.interface(meta.in_interface);
            self.of = meta.in_interface;
        }
        self.found.filter(|_| !meta.flags.has(Flags::ORIGINATED))
    }

    #[inline]
    fn of(&mut self, meta: &Meta) -> (&'a ClassMap, &'a TcMap) {
        self.interface(meta).map_or((&OWN.0, &OWN.1), |i| (&*i.class_map, &*i.tc_map))
    }
}

/// The maps of an interface whose frames need no more than a look at them.
struct Plain<'a> {
    of: IfIndex,
    by_dscp: &'a ClassMap,
    by_tc: &'a TcMap,
}

impl<'a> Plain<'a> {
    /// Of frames that no rule is asked about; `None` where their own mark alone does not decide.
    fn of(interface: &'a Interface, rules: &RuleSet) -> Option<Self> {
        let plain = rules.is_empty() && interface.marks.trust == Trust::Dscp;
        let (by_dscp, by_tc) = (&*interface.class_map, &*interface.tc_map);
        plain.then_some(Self { of: interface.id, by_dscp, by_tc })
    }

    /// Class and colour of a frame of the interface that was received just now.
    #[inline(always)]
    fn get(&self, meta: &Meta) -> Option<(TrafficClass, Colour)> {
        let other = meta.flags.0 & (Flags::ORIGINATED.0 | Flags::RELEASED.0);
        match meta.layer3 {
            _ if other != 0 || meta.in_interface != self.of => None,
            Layer3::Mpls => Some(self.by_tc.get(meta.tc)),
            _ => Some(self.by_dscp.get(meta.dscp)),
        }
    }
}

/// Classifies the live frames, and counts what the rules match.
pub fn run(batch: &mut Batch, snapshot: &Snapshot, hits: &mut RuleHits) {
    let rules = &snapshot.rules.entering;
    if let Some(alike) = batch.alike()
        && let Some(interface) = snapshot.interface(alike.interface)
        && interface.marks.trust == Trust::Dscp
    {
        let alike = together::run(batch.frames_mut(), alike, interface, rules, hits);
        return batch.set_alike(alike);
    }
    if rules.is_empty() {
        return by_mark(batch, snapshot, |_, meta, trusted| treat(meta, None, trusted, &mut []));
    }
    let answers = Answers::new(batch.frames(), rules, &mut hits.asked, |asked, _, frame| {
        let meta = frame.meta();
        let place = Place { interface: meta.in_interface, vrf: meta.vrf, labelled: Labelled::No };
        let other = meta.flags.0 & (Flags::ORIGINATED.0 | Flags::RELEASED.0);
        other == 0 && ask_ip(asked, rules, frame, place)
    });
    by_mark(batch, snapshot, |at, meta, trusted| treat(meta, answers.get(at), trusted, &mut hits.entering));
}

/// Gives the live frames the class and colour of their mark; `then` is told each for which that
/// may not be all, by its place, and whether marks of its interface are trusted.
#[inline(always)]
fn by_mark(batch: &mut Batch, snapshot: &Snapshot, mut then: impl FnMut(usize, &mut Meta, bool)) {
    let mut maps = Maps::new(snapshot);
    let rules = &snapshot.rules.entering;
    let mut plain: Option<Plain<'_>> = None;
    let (alike, mut classes, mut flags) = (batch.alike(), Classes::default(), 0);
    for (at, frame) in batch.frames_mut().iter_mut().enumerate() {
        let meta = frame.meta_mut();
        if meta.verdict != Verdict::Forward {
            continue;
        }
        if let Some(found) = plain.as_ref().and_then(|plain| plain.get(meta)) {
            (meta.class, meta.colour) = found;
            classes.add(meta.class);
            continue;
        }
        plain = maps.interface(meta).and_then(|interface| Plain::of(interface, rules)).or(plain);
        // What was held for its neighbour, or looked at, has been classified, metered and counted.
        if meta.flags.has(Flags::RELEASED) {
            continue;
        }
        let Some(interface) = maps.interface(meta) else {
            let labelled = meta.layer3 == Layer3::Mpls;
            (meta.class, meta.colour) = if labelled { OWN.1.get(meta.tc) } else { OWN.0.get(meta.dscp) };
            continue;
        };
        (meta.class, meta.colour) = match meta.layer3 {
            Layer3::Mpls => interface.tc_map.get(meta.tc),
            _ if interface.marks.trust == Trust::Pcp && meta.pcp != 0 => interface.marks.pcp.get(meta.pcp),
            _ => interface.class_map.get(meta.dscp),
        };
        then(at, meta, interface.marks.trust != Trust::Nothing);
        classes.add(meta.class);
        flags |= meta.flags.0;
    }
    let still = alike.filter(|_| flags & Flags::REMARK.0 == 0);
    batch.set_alike(still.map(|alike| Alike { class: classes.only(), ..alike }));
}

/// What the first rule that matches says, and the mark that follows.
#[inline]
fn treat(meta: &mut Meta, found: Found, trusted: bool, counts: &mut [Count]) {
    let wanted = found.and_then(|(rule, treatment)| {
        hits::count(counts, rule, meta.length);
        apply(meta, treatment)
    });
    let ip = matches!(meta.layer3, Layer3::Ipv4 | Layer3::Ipv6);
    let of_class = (!trusted && ip).then(|| meta.class.dscp(meta.colour));
    if let Some(dscp) = wanted.or(of_class) {
        mark(meta, dscp);
    }
}

/// Gives a packet the class and colour of its rule; the mark that the rule wants.
#[inline]
fn apply(meta: &mut Meta, treatment: Treatment) -> Option<u8> {
    meta.class = treatment.class.unwrap_or(meta.class);
    meta.colour = treatment.colour.unwrap_or(meta.colour);
    treatment.mark
}

/// Has `rewrite` write this DSCP, where it is another one; ECN stays.
#[inline]
fn mark(meta: &mut Meta, dscp: u8) {
    if meta.dscp != dscp {
        meta.dscp = dscp;
        meta.flags.set(Flags::REMARK);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::id::VrfId;
    use crate::packet::Frame;
    use crate::stage::testing::*;
    use crate::table::Snapshot;
    use crate::wire::dscp;
    use crate::wire::ethernet::ether_type;

    fn marked(snapshot: &Snapshot, dscp: u8) -> (TrafficClass, Colour) {
        let edit = |h: &mut crate::wire::ipv4::Ipv4Header| h.traffic_class = dscp << 2;
        let header = ipv4_with(("10.1.0.9", "198.51.100.7"), 17, 8, &[], edit);
        let frame = looked_up(snapshot, &stack(&[&eth(ether_type::IPV4), &header, &udp(1, 2, 0)]));
        (frame.meta().class, frame.meta().colour)
    }

    #[test]
    fn the_default_map_reads_every_dscp() {
        for value in 0..64 {
            assert_eq!(marked(&router(), value), ClassMap::default().get(value), "DSCP {value}");
        }
        let af42 = dscp::parse("AF42").unwrap();
        assert_eq!(marked(&router(), af42), (TrafficClass::Video, Colour::Yellow));
    }

    #[test]
    fn an_interface_has_its_own_map_and_the_router_the_default_one() {
        let mut snapshot = router();
        change(&mut snapshot, GE0, |i| i.class_map = Arc::new(ClassMap::untrusted()));
        assert_eq!(marked(&snapshot, dscp::EF), (TrafficClass::Standard, Colour::Green));

        let header = ipv4_with(("10.1.0.1", "10.1.0.9"), 1, 8, &[], |h| h.traffic_class = 48 << 2);
        let mut own = Frame::standard();
        own.fill(&stack(&[&header, &[0; 8]])).unwrap();
        own.meta_mut().vrf = VrfId(0);
        crate::stage::parse::datagram(&mut own);
        let mut batch = Batch::new();
        batch.push(own).unwrap();
        run(&mut batch, &snapshot, &mut RuleHits::new());
        assert_eq!(batch.frames()[0].meta().class, TrafficClass::Control);
    }
}
