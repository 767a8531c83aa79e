//! Frames that have all in common, of an interface whose DSCP is trusted: what their marks and
//! the match rules say of them, with nothing asked of each that is known of all.

use super::ask::Answers;
use super::fields::{self, Place};
use super::hits::{self, RuleHits};
use super::{apply, mark};
use crate::class::{Colour, TrafficClass};
use crate::packet::{Alike, Flags, Frame, Layer3, Meta};
use crate::table::Interface;
use crate::table::rules::{Labelled, RuleSet};

/// Which classes there are among frames.
#[derive(Default)]
pub(super) struct Classes(u32);

impl Classes {
    #[inline(always)]
    pub(super) fn add(&mut self, class: TrafficClass) {
        self.0 |= 1 << class as u32;
    }

    /// The class of all of them, where it is one.
    pub(super) fn only(&self) -> Option<TrafficClass> {
        TrafficClass::ALL.into_iter().find(|class| self.0 == 1 << *class as u32)
    }
}

/// Classifies the frames, and counts what the rules match; what the frames have in common then.
pub(super) fn run(
    frames: &mut [Frame],
    alike: Alike,
    interface: &Interface,
    rules: &RuleSet,
    hits: &mut RuleHits,
) -> Option<Alike> {
    let classes = match alike.layer3 {
        Layer3::Mpls => by(frames, |meta| interface.tc_map.get(meta.tc)),
        _ if rules.is_empty() => by_dscp(frames, interface),
        _ => by_rules(frames, alike, interface, rules, hits)?,
    };
    Some(Alike { class: classes.only(), ..alike })
}

fn by_dscp(frames: &mut [Frame], interface: &Interface) -> Classes {
    let map = &*interface.class_map;
    by(frames, |meta| map.get(meta.dscp))
}

/// Gives each frame the class and colour that `mark` says.
#[inline(always)]
fn by(frames: &mut [Frame], mark: impl Fn(&Meta) -> (TrafficClass, Colour)) -> Classes {
    let mut classes = Classes::default();
    for meta in frames.iter_mut().map(Frame::meta_mut) {
        (meta.class, meta.colour) = mark(meta);
        classes.add(meta.class);
    }
    classes
}

/// `None` where one is to have another mark.
fn by_rules(
    frames: &mut [Frame],
    alike: Alike,
    interface: &Interface,
    rules: &RuleSet,
    hits: &mut RuleHits,
) -> Option<Classes> {
    let place = Place { interface: alike.interface, vrf: alike.vrf, labelled: Labelled::No };
    let Some(concern) = rules.concern(place.interface, place.vrf, place.labelled) else {
        return Some(by_dscp(frames, interface));
    };
    let answers = match alike.layer3 {
        Layer3::Ipv4 => Answers::plain(frames, rules, concern, &mut hits.asked),
        _ => Answers::new(frames, rules, &mut hits.asked, |asked, _, frame| {
            let meta = frame.meta();
            let l3 = frame.bytes().get(usize::from(meta.l3_offset)..).unwrap_or_default();
            fields::fields(l3, meta, place).is_some_and(|fields| asked.add_of(rules, concern, &fields))
        }),
    };
    if answers.are_none() {
        return Some(by_dscp(frames, interface));
    }
    let (map, mut classes, mut flags) = (&*interface.class_map, Classes::default(), 0);
    for (meta, found) in frames.iter_mut().map(Frame::meta_mut).zip(answers.all()) {
        (meta.class, meta.colour) = map.get(meta.dscp);
        if let Some((rule, treatment)) = found {
            hits::count(&mut hits.entering, rule, meta.length);
            apply(meta, treatment).into_iter().for_each(|dscp| mark(meta, dscp));
        }
        classes.add(meta.class);
        flags |= meta.flags.0;
    }
    (flags & Flags::REMARK.0 == 0).then_some(classes)
}
