//! The top labels of frames that have all in common, by what was written of them beside the
//! batch: the same becomes of each as `labels` has it.

use super::labels;
use crate::id::{NhlfeId, VrfId};
use crate::packet::{Alike, BATCH, Batch, Beside, Flags, Layer3, Meta};
use crate::table::{DiffServModel, Ilm, Nhlfe, PopLookup, Snapshot, TtlModel};
use crate::wire::mpls::{LabelStackEntry, label};

/// Takes labels off: whether IP packets have come to the front, which are to be parsed then.
pub(super) fn run(batch: &mut Batch, alike: Alike, snapshot: &Snapshot) -> bool {
    let (frames, Beside { tops, .. }) = batch.parts_mut();
    let mut found = [NhlfeId::NONE; BATCH];
    entries(&snapshot.ilm, tops.get(..frames.len()).unwrap_or_default(), &mut found);
    let mut ends = Ends { other: snapshot.rules.ecn, ..Ends::default() };
    let (mut last, mut entry) = (NhlfeId::NONE, None);
    for ((frame, found), top) in frames.iter_mut().zip(&found).zip(&*tops) {
        if *found != last {
            (last, entry) = (*found, snapshot.nhlfe(*found));
            ends.lead_to(entry);
        }
        let meta = frame.meta_mut();
        meta.nhlfe = last;
        match entry {
            Some(Nhlfe::Swap(_)) => ends.add(Layer3::Mpls),
            Some(Nhlfe::PopLookup(pop)) if !snapshot.rules.ecn && take_last(meta, *top, pop) => {
                ends.add(meta.layer3);
            }
            _ => {
                let verdict = labels::walk(frame, snapshot);
                frame.meta_mut().verdict = verdict;
                ends.add(frame.meta().layer3);
                ends.other = true;
            }
        }
    }
    let exposed = ends.kinds & !(1 << Layer3::Mpls as u32) != 0;
    batch.set_alike(ends.alike(alike));
    exposed
}

/// What the Ilm says of top labels; `NONE` of special ones, which it is not asked for.
#[inline(always)]
fn entries(ilm: &Ilm, tops: &[u64], found: &mut [NhlfeId; BATCH]) {
    for (top, found) in tops.iter().zip(found) {
        *found = match (top >> 44) as u32 {
            0..label::FIRST => NhlfeId::NONE,
            label => ilm.get(label),
        };
    }
}

/// Takes the label off a frame, whose stack starts so, if it is the last one, and the end of a tunnel
/// which hands nothing but its TTL on to what is below; whether it has.
#[inline(always)]
fn take_last(meta: &mut Meta, top: u64, pop: &PopLookup) -> bool {
    let layer3 = match top >> 28 & 0xf {
        4 => Layer3::Ipv4,
        6 => Layer3::Ipv6,
        _ => return false,
    };
    let (bottom, ttl) = (top >> 40 & 1 == 1, (top >> 32) as u8);
    if !bottom || ttl == 0 || pop.model.diffserv != DiffServModel::Pipe {
        return false;
    }
    meta.ttl = if pop.model.ttl == TtlModel::Pipe { u8::MAX } else { ttl };
    meta.popped = 1;
    meta.l3_offset += LabelStackEntry::LEN as u16;
    meta.l3_length -= LabelStackEntry::LEN as u16;
    (meta.layer3, meta.vrf) = (layer3, pop.vrf);
    meta.flags.set(Flags::EXPOSED);
    true
}

/// What has become of the frames.
#[derive(Default)]
struct Ends {
    /// By bit, as [`Layer3`] numbers them: what stands at their front.
    kinds: u32,
    /// The Vrf that packets below are of, if there are any.
    vrf: Option<VrfId>,
    /// Whether more was to be done to one than can be said of all, or something else.
    other: bool,
}

impl Ends {
    /// Notes where a label leads.
    #[inline(always)]
    fn lead_to(&mut self, entry: Option<&Nhlfe>) {
        if let Some(Nhlfe::PopLookup(pop)) = entry {
            self.other |= *self.vrf.get_or_insert(pop.vrf) != pop.vrf;
        }
    }

    #[inline(always)]
    fn add(&mut self, layer3: Layer3) {
        self.kinds |= 1 << layer3 as u32;
    }

    /// What they have in common now.
    fn alike(&self, alike: Alike) -> Option<Alike> {
        let all = [Layer3::Ipv4, Layer3::Ipv6, Layer3::Mpls];
        let layer3 = all.into_iter().find(|layer3| self.kinds == 1 << *layer3 as u32 && !self.other)?;
        let vrf = self.vrf.filter(|_| layer3 != Layer3::Mpls).unwrap_or(alike.vrf);
        Some(Alike { layer3, vrf, ..alike })
    }
}
